"""What a training says beyond its accuracy, from answers and features that are kept; nothing here is delivered."""
