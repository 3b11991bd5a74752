"""Every number that the documentation states, measured by `make bench`: ratios within one run, never promises."""
