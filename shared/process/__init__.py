"""The one way to start a program of ours that ends with its starter; nothing here knows what it does."""
