"""Pictures are decoded by a process that can do nothing else, and one that kills it costs no other its answer."""

import io
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from services.trainer.data.decoders import frame
from services.trainer.data.decoders.decoded import decoded_of
from services.trainer.data.decoders.decoder import COMMAND, Decoder, DecoderDied, warm
from services.trainer.data.pictures.image import ImageLimits, UnusableImage
from shared.process.child_process import python_module
from tests.waiting import PATIENCE_S, until

SIZES, LIMITS = (32, 48), ImageLimits()
MORTAL = python_module("tests.mortal_decoder")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's filter is Linux's")


def picture(seed: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def told(files, command=MORTAL):
    decoder = Decoder(SIZES, LIMITS, command=command)
    try:
        return [
            answer.code if isinstance(answer, UnusableImage) else answer
            for answer in decoder.decode(lambda data=data: data for data in files)
        ]
    finally:
        decoder.close()


def test_answers_come_in_order_and_are_what_this_process_would_have_found():
    files = [picture(seed) for seed in range(40)]
    files[7] = b"no picture"
    assert told(files, python_module("services.trainer.data.decoders.process")) == [
        "not_an_image" if data == b"no picture" else decoded_of(data, SIZES, LIMITS) for data in files
    ]


def processes_with(last_argument):
    """Return the numbers of our processes that were started so, by whichever Python: tests may have their own."""
    found = set()
    for each in psutil.Process().children():
        with suppress(psutil.Error):  # another test's, which has just ended
            found |= {each.pid} if each.cmdline()[-1:] == [last_argument] else set()
    return found


def test_one_process_waits_for_files_and_decodes_them_when_they_are_there():
    ours = "of this test alone"
    command = (*COMMAND, ours)
    warm(command)
    waiting = until(lambda: processes_with(ours))  # for a moment a new process has no command line
    warm(command)
    assert len(waiting) == 1
    assert told([picture(1)], command) == [decoded_of(picture(1), SIZES, LIMITS)]
    assert processes_with(ours) == waiting


def test_a_process_that_cannot_be_started_yet_is_no_fault(caplog):
    warm(("there is no such program",))
    assert "could not be started yet" in caplog.text


@on_linux
def test_a_picture_that_kills_is_left_out_and_no_other_with_it():
    files = [picture(1), b"KILL", picture(2), b"TIRE", picture(3), b"CALL HOME", b"EAT"]
    good = [decoded_of(files[at], SIZES, LIMITS) for at in (0, 2, 4)]
    answers = told(files)
    assert answers[0::2][:3] == good
    assert answers[1] == "image_corrupt"
    assert answers[5:] == ["refused", "refused"], "hostile code would reach neither the network nor more memory"


@on_linux
def test_an_archive_of_nothing_but_killers_ends_instead_of_starting_processes_for_ever():
    decoder = Decoder(SIZES, LIMITS, command=MORTAL, max_deaths=2)
    with pytest.raises(DecoderDied):
        list(decoder.decode([lambda: b"KILL"] * 60))
    decoder.close()


def test_a_file_that_cannot_be_read_from_the_archive_keeps_its_place():
    def broken():
        raise UnusableImage("file_damaged", "torn", fix="")

    decoder = Decoder(SIZES, LIMITS)
    first, second = decoder.decode([broken, lambda: picture(1)])
    decoder.close()
    assert first.code == "file_damaged"
    assert second == decoded_of(picture(1), SIZES, LIMITS)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [(b"D", b"short"), (b"X", b"x" * 50_000), (b"U", b"\xff"), (b"U", b"[]"), (b"U", b'{"code": 1}')],
)
def test_an_answer_that_is_none_is_taken_for_the_end_of_the_process_and_for_nothing_else(kind, payload):
    with pytest.raises(frame.Garbled):
        frame.unpack_answer(kind, payload, SIZES)
    stream = io.BytesIO()
    frame.write_frame(stream, kind, payload)
    stream.seek(0)
    with pytest.raises(frame.Garbled):
        frame.read_frame(stream, most_bytes=len(payload) - 1)


CONFINED = """
import errno, os, socket, threading
from shared.process.confinement import confine
told, waits = [], threading.Event()
def refused(name, call):
    try:
        call()
        told.append(name)
    except (OSError, MemoryError):
        pass
early = threading.Thread(target=lambda: (waits.wait(), refused("socket of an earlier thread", socket.socket)))
early.start()
held = confine(memory_bytes=2**30)
waits.set(); early.join()
refused("socket", socket.socket)
refused("new file", lambda: open("x", "w"))
refused("append", lambda: open(__file__ if "__file__" in dir() else "y", "a"))
refused("program", lambda: os.execv("/bin/true", ["true"]))
refused("signal", lambda: os.kill(os.getppid(), 0))
refused("removal", lambda: os.unlink("z"))
refused("memory", lambda: bytearray(2**32))
open("/proc/self/status").read()
threading.Thread(target=lambda: None).start()
print(held.is_filtered, held.has_memory_limit, told)
"""


@on_linux
def test_a_confined_process_and_its_earlier_threads_reach_no_network_start_no_program_and_write_no_file(tmp_path):
    (tmp_path / "z").touch()
    command = [sys.executable, "-c", CONFINED]
    environ = {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    if done.stdout.startswith("False"):
        pytest.skip("this kernel takes no filter; the limits alone hold")
    assert done.stdout.strip() == "True True []", done.stderr
    assert (tmp_path / "z").exists()
