"""Stand-ins for tests, which pass the contract suites of what they stand for; nothing that is shipped imports them."""
