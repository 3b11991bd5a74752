"""What a person sees on the terminal: progress, tables, errors; nothing here speaks HTTP."""
