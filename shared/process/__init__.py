"""The one way to start a program of ours that ends with its starter; what it does is its own business."""
