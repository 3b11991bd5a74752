"""Back-ends of the ports."""
