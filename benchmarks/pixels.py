"""What would it cost, and what would it change, if training saw bit by bit what the delivered network sees?

Training squares are resized by Pillow, which rounds; the delivered network resizes inside, unrounded. And a big JPEG is
decoded at a fraction of its size by both, while other programs may decode it in full.
"""

import io
import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.figure import Figure
from benchmarks.material import dataset, weights_mirror

SMALL_PX, PX = 128, 224
NUM_JUDGED, TRAIN_FRAC = 400, 0.6
PHONE = (4032, 3024)
BILINEAR = Image.Resampling.BILINEAR
Pixels = NDArray[np.uint8]


def measure(scratch: Path) -> list[Figure]:
    """Measure pictures of 128 px and as they are, each in a process of its own."""
    original = dataset("clothing10")
    small = _shrunk(original, scratch / "small.zip")
    figures = []
    for what, archive in ((f"photographs of {SMALL_PX} px", small), ("clothing10", original)):
        found = _in_a_process("judge", archive)
        figures.append(Figure(
            name=f"probability on {what}, squares against as uploaded", unit="", measured=found["gap"],
            note=f"mean of the largest difference of a photograph, mobilenet_v2 with a head on {found['trained']}; "
            f"of {found['judged']} others {found['agree']:.1%} keep their class; accuracy {found['squares']:.3f} "
            f"against {found['uploaded']:.3f}"))  # fmt: skip
    for what, archive in ((f"photographs of {SMALL_PX} px", small), ("clothing10", original)):
        found = _in_a_process("cost", archive)
        figures.append(Figure(
            name=f"CPU of `prepare` on {what}, were squares made as the network makes them", unit="×",
            measured=1 + (found["exact"] - found["pillow"]) / found["prepare"],
            note=f"{found['prepare']:.2f} ms an image now; resizing {found['exact']:.2f} ms against "
            f"{found['pillow']:.2f} ms; {found['unlike']:.1%} of the values differ, by one level"))  # fmt: skip
    return [*figures, _draft(original)]


def _in_a_process(name: str, archive: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.pixels", name, str(archive)]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def _files(archive: Path) -> list[tuple[str, bytes]]:
    """Return class and bytes of every picture, in an order of chance."""
    with zipfile.ZipFile(archive) as opened:
        names = [name for name in sorted(opened.namelist()) if not name.endswith("/")]
        order = np.random.default_rng(0).permutation(len(names))
        return [(names[at].split("/")[-2], opened.read(names[at])) for at in order]


def _picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def _shrunk(original: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for number, (name, data) in enumerate(_files(original)):
            stream = io.BytesIO()
            _picture(data).resize((SMALL_PX, SMALL_PX), Image.Resampling.LANCZOS).save(stream, "JPEG", quality=92)
            archive.writestr(f"{name}/{number}.jpg", stream.getvalue())
    return target


def judge(archive: Path) -> dict[str, float]:
    """Fit a head on squares as training sees them; compare what it says of squares and of pictures as uploaded."""
    import tensorflow as tf
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from services.trainer.zoo.network import build
    from services.trainer.zoo.sources.mirror import FolderMirror
    from services.trainer.zoo.sources.weights import resolve

    usable = resolve(("mobilenet_v2",), mirror=FolderMirror(weights_mirror()), allow_download=False).usable
    network = build(*usable[0])
    traced = tf.function(network.model, input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)])
    files = _files(archive)[:NUM_JUDGED]
    labels = np.array([name for name, _ in files])
    pictures = [_picture(data) for _, data in files]
    squares = _features(traced, [np.asarray(picture.resize((PX, PX), BILINEAR)) for picture in pictures])
    uploaded = _features(traced, [np.asarray(picture) for picture in pictures])
    train = round(TRAIN_FRAC * len(labels))
    head = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)).fit(
        squares[:train], labels[:train]
    )
    in_test, as_sent = head.predict_proba(squares[train:]), head.predict_proba(uploaded[train:])
    return {
        "trained": train,
        "judged": len(labels) - train,
        "gap": float(np.abs(in_test - as_sent).max(axis=1).mean()),
        "agree": float((in_test.argmax(axis=1) == as_sent.argmax(axis=1)).mean()),
        "squares": float(head.score(squares[train:], labels[train:])),
        "uploaded": float(head.score(uploaded[train:], labels[train:])),
    }


def _features(network: Callable[[Any], Any], pictures: Sequence[Pixels]) -> NDArray[np.float32]:
    return np.concatenate([np.asarray(network(picture[None])) for picture in pictures])


def cost(archive: Path) -> dict[str, float]:
    """Return milliseconds of CPU an image: all of `prepare`, its resizing, and resizing as the network does it."""
    from benchmarks.scratch_run import scratch_run
    from services.trainer.data.prepare import identify, prepare
    from shared.job.options import JobOptions

    with tempfile.TemporaryDirectory() as directory:
        run, key = scratch_run(Path(directory)), identify(archive, JobOptions())
        started = _cpu_s()
        prepared = prepare(archive, run, key=key, sizes_px=(PX,))
        prepare_s = (_cpu_s() - started) / prepared.num_images
    files = [data for _, data in _files(archive)]
    ways = {"decoded": Image.Image.tobytes, "pillow": _by_pillow, "exact": _as_the_network}
    spent = {name: 1e3 * min(_seconds(way, files) for _ in range(5)) for name, way in ways.items()}
    unlike = [_values(_by_pillow, data) != _values(_as_the_network, data) for data in files]
    return {
        "prepare": 1e3 * prepare_s,
        "unlike": float(np.mean(unlike)),
        "pillow": spent["pillow"] - spent["decoded"],
        "exact": spent["exact"] - spent["decoded"],
    }


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _seconds(way: Callable[[Image.Image], bytes], files: Sequence[bytes]) -> float:
    """Decode and treat every picture, as `prepare` does; the caches of the processor are then as it finds them."""
    started = time.thread_time()
    for data in files:
        way(_picture(data))
    return (time.thread_time() - started) / len(files)


def _values(way: Callable[[Image.Image], bytes], data: bytes) -> Pixels:
    return np.frombuffer(way(_picture(data)), np.uint8)


def _by_pillow(picture: Image.Image) -> bytes:
    return picture.resize((PX, PX), BILINEAR).tobytes()


_ROWS_AT_ONCE = 64
_PIXEL = np.dtype("V12")
"""Three float32 that move as one."""


def _as_the_network(picture: Image.Image) -> bytes:
    """Resize as ``Resizing(antialias=True)`` does, in float32 and rounded once; in strips that stay in the cache."""
    pixels = np.asarray(picture)
    height, width, _ = pixels.shape
    columns, square = _weights(width), np.empty((PX, PX, 3), np.uint8)
    for top, first, last, rows in _strips(height):
        tall = rows @ pixels[first:last].reshape(last - first, -1).astype(np.float32)
        turned = np.ascontiguousarray(tall.view(_PIXEL).T).view(np.float32).reshape(width, -1)
        strip = columns @ turned
        strip += np.float32(0.5)
        square[top : top + len(tall)] = strip.astype(np.uint8).reshape(PX, -1, 3).transpose(1, 0, 2)
    return square.tobytes()


@lru_cache(1024)
def _weights(side_px: int) -> Any:
    """Return what each pixel of the square takes of each of a side, as a sparse matrix, by TensorFlow's own formula.

    Source: ``ComputeSpansCore`` of ``tensorflow/core/kernels/image/scale_and_translate_op.cc``, triangle kernel.
    """
    from scipy.sparse import csr_array

    scale = np.float32(1) / (np.float32(PX) / np.float32(side_px))
    reach = max(scale, np.float32(1))
    centre = (np.arange(PX, dtype=np.float32) + np.float32(0.5)) * scale
    apart = np.abs(np.arange(side_px, dtype=np.float32) + np.float32(0.5) - centre[:, None])
    weights = np.maximum(np.float32(0), np.float32(1) - apart / reach)
    return csr_array(weights / weights.sum(axis=1, keepdims=True, dtype=np.float32))


@lru_cache(1024)
def _strips(side_px: int) -> list[tuple[int, int, int, Any]]:
    strips = []
    for top in range(0, PX, _ROWS_AT_ONCE):
        rows = _weights(side_px)[top : top + _ROWS_AT_ONCE]
        first, last = int(rows.indices.min()), int(rows.indices.max()) + 1
        strips.append((top, first, last, rows[:, first:last]))
    return strips


def _draft(original: Path) -> Figure:
    """Compare decoding a phone's photograph at a fraction with decoding it in full."""
    stream = io.BytesIO()
    _picture(_files(original)[0][1]).resize(PHONE, Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    data = stream.getvalue()

    def square(*, in_full: bool) -> Pixels:
        with Image.open(io.BytesIO(data)) as image:
            if not in_full:
                image.draft(None, (672, 672))
            return np.asarray(image.convert("RGB").resize((PX, PX), BILINEAR))

    spent = {}
    for in_full in (False, True):
        started = time.thread_time()
        for _ in range(10):
            square(in_full=in_full)
        spent[in_full] = (time.thread_time() - started) / 10
    apart = np.abs(square(in_full=False).astype(int) - square(in_full=True))
    return Figure(
        name="CPU of decoding a JPEG of 12 megapixels in full, against at a fraction", unit="×",
        measured=spent[True] / spent[False],
        note=f"{1e3 * spent[True]:.0f} ms against {1e3 * spent[False]:.0f} ms, resizing included; the squares differ "
        f"by {apart.mean():.2f} levels on average, {apart.max()} at most")  # fmt: skip


if __name__ == "__main__":
    print(json.dumps({"judge": judge, "cost": cost}[sys.argv[1]](Path(sys.argv[2]))))
