"""The one file that holds everything to use a network with, and what only lies in it; nothing here makes networks."""
