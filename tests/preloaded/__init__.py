"""A Python whose programs find TensorFlow imported already; what they compute, or how they end, is not decided here."""
