"""What intake does when nobody asks: archives that arrived, pushes, sweeping; no route for people."""
