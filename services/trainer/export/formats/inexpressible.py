"""What a format cannot hold."""

from shared.errors import ConvtailorError


class Inexpressible(ConvtailorError):
    """A network holds something that a format, or our writer of it, does not know; the message is the reason."""
