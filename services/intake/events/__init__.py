"""What intake does when nobody asks over its API: archives that arrived, pushes, sweeping."""
