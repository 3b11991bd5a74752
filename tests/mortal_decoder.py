"""The process that decodes, with files that kill it: ``KILL`` always, ``TIRE`` unless it comes first."""

import os
import socket

from services.trainer.data.decoders import process
from services.trainer.data.decoders.decoded import decoded_of
from services.trainer.data.pictures.image import UnusableImage

seen: list[bytes] = []


def decode(data, sizes_px, limits):
    seen.append(data)
    if data == b"KILL" or (data == b"TIRE" and len(seen) > 1):
        os._exit(139)
    if data == b"CALL HOME":
        try:
            socket.create_connection(("127.0.0.1", 1), timeout=1)
        except PermissionError:
            raise UnusableImage("refused", "no network", fix="") from None
    if data == b"EAT":
        try:
            return bytearray(8 * process.MEMORY_BYTES)
        except MemoryError:
            raise UnusableImage("refused", "no memory", fix="") from None
    return decoded_of(data, sizes_px, limits)


process.decoded_of = decode
process.main()
