"""Who may submit how much: API keys, and what was used of limits; nothing of HTTP and of where either is kept."""
