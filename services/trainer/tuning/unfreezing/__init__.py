"""Fine-tuning from a fitted head, at a depth that the data decide; nothing is kept that validation does not favour."""
