"""From a delivered network and pictures to what it says of them; nothing here loads a network into this process."""
