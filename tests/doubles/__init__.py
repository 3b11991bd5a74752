"""Back-ends in memory for tests; they pass the same contract suites as what they stand for."""
