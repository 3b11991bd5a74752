"""``python -m services.trainer.data.decoders.process``: decodes files that come over a pipe, and can do nothing else.

Archives come from strangers, and decoders of pictures have had holes. So once everything is imported the process gives
up network, programs, writing and most memory, and only then reads the first byte of a picture. It ends with its input.
"""

import os
import queue
import sys
import threading
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

from PIL import Image

from services.trainer.data.decoders.decoded import Decoded, decoded_of
from services.trainer.data.decoders.frame import (
    DECODED,
    SESSION,
    UNUSABLE,
    pack_decoded,
    pack_unusable,
    read_frame,
    unpack_session,
    write_frame,
)
from services.trainer.data.pictures.image import UnusableImage
from services.trainer.data.pictures.memory import MAX_DECODING_BYTES
from shared.process.confinement import confine
from shared.process.parent_death import take_standard_output

MEMORY_BYTES = 4 * MAX_DECODING_BYTES
"""What pictures together may take, as much again for what decoders take beside, and for files and squares in flight."""
MAX_FRAME_BYTES = 2**31
IN_FLIGHT_PER_THREAD = 8
"""Enough that a slow picture holds up none of the threads, little enough to be nothing in memory."""
_Answer = Future[Decoded | UnusableImage] | None


def num_threads() -> int:
    """Return how many pictures are decoded at a time: Pillow lets go of the interpreter's lock."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main() -> None:
    """Decode until the input ends."""
    source, sink = os.fdopen(os.dup(0), "rb"), take_standard_output()
    warnings.simplefilter("ignore")  # Pillow warns of odd metadata, and of big pictures, which have limits of their own
    Image.init()  # imports every plugin: programs' files are read now, and pictures later
    confinement = confine(memory_bytes=MEMORY_BYTES)
    if not confinement.is_filtered:
        sys.stderr.write("pictures are decoded without the kernel's filter: this system has none\n")
    answers: queue.Queue[_Answer] = queue.Queue(num_threads() * IN_FLIGHT_PER_THREAD)
    teller = threading.Thread(target=_tell, args=(answers, sink), name="answers")
    teller.start()
    with ThreadPoolExecutor(num_threads(), thread_name_prefix="decode") as executor:
        _hear(source, executor, answers)
        answers.put(None)
        teller.join()


def _hear(source: BinaryIO, executor: ThreadPoolExecutor, answers: queue.Queue[_Answer]) -> None:
    sizes_px, limits = unpack_session(b'{"sizes_px": [], "limits": {}}')
    while (frame := read_frame(source, most_bytes=MAX_FRAME_BYTES)) is not None:
        kind, payload = frame
        if kind == SESSION:
            sizes_px, limits = unpack_session(payload)
        else:
            answers.put(executor.submit(_decode, payload, sizes_px, limits))


def _decode(data: bytes, sizes_px: tuple[int, ...], limits: object) -> Decoded | UnusableImage:
    try:
        return decoded_of(data, sizes_px, limits)  # type: ignore[arg-type]  # of unpack_session
    except UnusableImage as error:
        return error


def _tell(answers: queue.Queue[_Answer], sink: BinaryIO) -> None:
    """Write answers in the order of the questions; a surprise in one ends the process, which its starter sees."""
    while (future := answers.get()) is not None:
        try:
            answer = future.result()
            if isinstance(answer, Decoded):
                write_frame(sink, DECODED, pack_decoded(answer))
            else:
                write_frame(sink, UNUSABLE, pack_unusable(answer))
        except Exception:  # noqa: BLE001 - the outermost loop of a thread, whose end nobody would hear of
            sys.excepthook(*sys.exc_info())
            os._exit(1)


if __name__ == "__main__":
    main()
