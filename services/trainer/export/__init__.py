"""The network as people receive it, and the proof that it works; nothing here trains."""
