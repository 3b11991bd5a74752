"""The one way to start a program of ours that dies with its starter; what it does is its own business."""
