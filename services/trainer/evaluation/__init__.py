"""The one reading of the test split and the arithmetic on it; nothing here trains."""
