"""The feature pass against the bare network: reading, writing and keeping must cost next to nothing."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.figure import Figure
from benchmarks.material import dataset, weights_mirror

REPEATS = 3
CANDIDATES = ("mobilenet_0.25", "mobilenet_v2")


def measure(scratch: Path) -> list[Figure]:
    """Measure both ImageNet backbones on clothing10, each in a process of its own."""
    del scratch
    figures = []
    for name in CANDIDATES:
        command = [sys.executable, "-m", "benchmarks.feature_pass", name, str(dataset("clothing10"))]
        speeds = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        note = (
            f"{speeds['pass']:.0f} images/s against {speeds['bare']:.0f} of the compiled network on arrays in memory; "
            f"called as a Keras model it does {speeds['keras']:.0f}"
        )
        figures.append(Figure(name=f"feature pass of {name}, share of the bare network's speed", unit="%",
                              measured=100 * speeds["pass"] / speeds["bare"], at_least=90, note=note))  # fmt: skip
    return figures


def main(name: str, archive: Path) -> None:
    """Print images per second of the pass, of its compiled network alone, and of the plain Keras model."""
    import tensorflow as tf

    from benchmarks.scratch_run import scratch_run
    from services.trainer.data.prepare import identify, prepare
    from services.trainer.screening.features import FeatureStore
    from services.trainer.screening.forward import batch_size_for, compile_forward
    from services.trainer.zoo.network import build
    from services.trainer.zoo.sources.mirror import FolderMirror
    from services.trainer.zoo.sources.weights import resolve
    from shared.job.options import JobOptions

    ((backbone, weights),) = resolve((name,), mirror=FolderMirror(weights_mirror()), allow_download=False).usable
    with tempfile.TemporaryDirectory() as directory:
        run = scratch_run(Path(directory))
        key = identify(archive, JobOptions())
        mapped = prepare(archive, run, key=key, sizes_px=(backbone.input_px,)).images(backbone.input_px)
        network = build(backbone, weights)
        in_memory = np.array(mapped)
        forward = compile_forward(network)
        keras_model = tf.function(lambda images: network.model(images, training=False))
        positions = np.arange(len(mapped))

        # Each pass fills a store of its own; compiling the network is no part of it, as it is none of its rivals.
        stores = [
            FeatureStore(network, mapped, Path(directory) / f"store_{number}", max_activation_bytes=4e9)
            for number in range(REPEATS + 1)
        ]
        for store in stores:
            store.compute(positions[:1])

        def feature_pass() -> None:
            stores.pop().compute(positions[1:])

        def over_batches(call: Callable[[np.ndarray], object]) -> Callable[[], None]:
            size = batch_size_for(network)
            return lambda: [call(in_memory[start : start + size]) for start in range(0, len(in_memory), size)] and None

        contenders = {"pass": feature_pass, "bare": over_batches(forward), "keras": over_batches(keras_model)}
        speeds = {each: len(mapped) / _best_s(contender) for each, contender in contenders.items()}
    json.dump(speeds, sys.stdout)


def _best_s(work: Callable[[], None]) -> float:
    """Return the shortest time of several, after one to warm up, in seconds."""
    times = []
    for _ in range(REPEATS + 1):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times[1:])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
