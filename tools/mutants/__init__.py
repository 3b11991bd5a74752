"""Asks the fast tests of the pure modules whether they would notice a mistake; nothing delivered imports it."""
