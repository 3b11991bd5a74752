"""Fine-tuning of the winner's last block on kept activations; nothing here reads a test label."""
