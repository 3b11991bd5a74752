"""Fine-tuning of the winner's last block on kept activations."""
