"""Programs that compute, once and with somebody else's implementation, the values that tests hold ours against."""
