"""Programs that compute, with somebody else's implementation, what tests hold ours against; no test runs them."""
