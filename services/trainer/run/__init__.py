"""What every step of a training may touch: folder, ledger, clock, device; it knows no step."""
