"""Back-ends that live in this process, for unit tests."""
