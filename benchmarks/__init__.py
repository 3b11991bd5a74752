"""Every number that the documentation states, measured by `make bench` as ratios within one run; never a promise."""
