"""What tells a photograph unlike all that a network learnt from; nothing here runs networks."""
