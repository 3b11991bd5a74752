"""Decodes the images of an archive on all cores, in order, in a process that can do nothing else."""

from collections.abc import Generator, Sequence
from functools import partial

from services.trainer.data.archive import ImageArchive
from services.trainer.data.decoders.decoded import Decoded
from services.trainer.data.decoders.decoder import Decoder
from services.trainer.data.pictures.image import ImageLimits, UnusableImage
from shared.archive.entry import Entry


def decode_all(
    archive: ImageArchive, entries: Sequence[Entry], *, sizes_px: Sequence[int], limits: ImageLimits
) -> Generator[Decoded | UnusableImage, None, None]:
    """Yield what became of every entry, in order.

    Args:
        archive: Where they lie; what is packed is unpacked here, and only what is a file by then is handed on.
        entries: What to decode.
        sizes_px: Side lengths, each once.
        limits: Which images are used.
    """
    decoder = Decoder(sizes_px, limits)
    try:
        yield from decoder.decode(partial(archive.read, entry) for entry in entries)
    finally:
        decoder.close()
