"""How the network came to be, a module for each step; sections alone, and nothing that another section tells."""
