"""What a delivery costs, step by step, beside the price that the deadline makes of it beforehand."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.figure import Figure
from services.trainer.run.deadline import NUM_KEPT, Delivery, Pace
from services.trainer.zoo.backbone import Backbone
from shared.layout import FILE_NAMES, OTHER_FORMATS

if TYPE_CHECKING:
    import keras

NETWORKS = ("tiny", "mobilenet_v2", "efficientnet_b0", "resnet50", "vgg16")
NUM_TIMED, NUM_TEST = 32, 32
NUM_CLASSES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Steps:
    """Seconds that the steps of one delivery took.

    Args:
        evaluate_s: The test images through the pass.
        write_s: Both Keras files written.
        verify_s: Both opened again and asked about a few squares.
        asked: Of a network that was read from a file, as :func:`_asked` says: with its graph as it was traced, and with
            one that is optimised first. No step of a delivery.
        formats_s: The other formats written, opened by their runtimes and asked about the test images.
    """

    evaluate_s: float
    write_s: float
    verify_s: float
    asked: tuple[str, str]
    formats_s: float

    @property
    def total_s(self) -> float:
        """All that a delivery takes."""
        return self.evaluate_s + self.write_s + self.verify_s + self.formats_s


def measure(scratch: Path) -> list[Figure]:
    """Deliver networks with random weights, one after the other; what is random goes as fast as what was learnt."""
    from services.trainer.zoo.catalogue import BACKBONES

    _deliver(BACKBONES["tiny"], scratch / "uncounted")  # brings what every later one finds imported
    figures = []
    for name in NETWORKS:
        backbone = BACKBONES[name]
        pace, steps = _deliver(backbone, scratch / name)
        price_s = Delivery(pace=pace, num_validation=0, num_test=NUM_TEST, size_bytes=backbone.size_bytes).price_s
        note = (
            f"{price_s:.1f} s ÷ {steps.total_s:.1f} s; built in {pace.build_s:.2f} s, {pace.image_s:.4f} s an image; "
            f"evaluated in {steps.evaluate_s:.1f} s, written in {steps.write_s:.1f} s, verified in "
            f"{steps.verify_s:.1f} s, other formats in {steps.formats_s:.1f} s; {NUM_TEST} test images; {NUM_KEPT} "
            f"squares through the graph as traced: {steps.asked[0]}, optimised: {steps.asked[1]}"
        )
        figures.append(Figure(name=f"price of a delivery over what it takes, {name}", measured=price_s / steps.total_s,
                              unit="×", at_least=1, note=note))  # fmt: skip
    return figures


def _deliver(backbone: Backbone, folder: Path) -> tuple[Pace, _Steps]:
    """Return how fast a network goes, as screening measures it, and what its delivery then took."""
    from services.trainer.screening.forward import compile_forward
    from services.trainer.zoo.head import FEATURES, Head
    from services.trainer.zoo.network import build, complete

    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    side = backbone.input_px
    squares = generator.integers(0, 256, (NUM_TEST, side, side, 3), dtype=np.uint8)
    np.save(folder / "kept.npy", squares[:NUM_KEPT])
    np.save(folder / "squares.npy", squares)
    began = time.monotonic()
    network = build(backbone, None)
    forward = compile_forward(network)
    build_s = time.monotonic() - began
    forward(squares[:16])  # the first batch is slow
    image_s = _seconds(lambda: [forward(squares[:16]) for _ in range(NUM_TIMED // 16)]) / NUM_TIMED
    evaluate_s = _seconds(lambda: [forward(squares[at : at + 16]) for at in range(0, NUM_TEST, 16)])
    width = network.model.output_shape[-1]
    kernel = generator.normal(0, 0.01, (width, NUM_CLASSES)).astype(np.float32)
    head = Head(kernel=kernel, bias=np.zeros(NUM_CLASSES, np.float32), reading=FEATURES)
    model = complete(network, head)
    steps = _written(model, folder, side)
    return Pace(build_s=build_s, image_s=image_s), replace(steps, evaluate_s=evaluate_s)


def _written(model: "keras.Model", folder: Path, side_px: int) -> _Steps:
    """Write and verify a network and the other formats of it, as the verifying process and its trials do."""
    from services.trainer.export.check import Request
    from services.trainer.export.formats.convert import convert
    from services.trainer.export.formats.order import Conversion, cannot_be_tried
    from services.trainer.export.keras_file.opened_network import NetworkReader
    from services.trainer.export.package import pack
    from services.trainer.export.rescore import rescore
    from services.trainer.run.accelerator import as_traced

    saved: list[Path] = []
    classes = tuple(f"class {number}" for number in range(NUM_CLASSES))
    write_s = _seconds(lambda: pack(model, classes, folder / "delivery", saved.append))
    reader, nothing = NetworkReader(), tuple((0.0,) * NUM_CLASSES for _ in range(NUM_KEPT))
    requests = [Request(model=each, squares=folder / "kept.npy", expected=nothing) for each in saved]
    _asked(saved[-1], folder / "kept.npy")  # uncounted: finds what every later one finds done
    optimised = _asked(saved[-1], folder / "kept.npy")
    with as_traced():
        traced = _asked(saved[-1], folder / "kept.npy")
    verify_s = _seconds(lambda: [rescore(each, reader) for each in requests])
    every = (folder / FILE_NAMES[each] for each in OTHER_FORMATS.values())
    targets = tuple(each for each in every if cannot_be_tried(each) is None)
    conversion = Conversion(model=saved[-1], side_px=side_px, pictures=(), targets=targets)
    convert_s = _seconds(lambda: list(convert(conversion, reader)))
    tried_s = _seconds(lambda: [_try(each, folder) for each in targets])
    return _Steps(
        evaluate_s=0.0,
        write_s=write_s,
        verify_s=verify_s,
        asked=(traced, optimised),
        formats_s=convert_s + tried_s,
    )


def _asked(model: Path, squares: Path) -> str:
    """Return how long the first answers of a network take that was read from a file, and the next."""
    from services.trainer.export.keras_file.opened_network import OpenedNetwork

    network, asked = OpenedNetwork(model), np.load(squares)
    first_s, next_s = (_seconds(lambda: network.score(asked)) for _ in range(2))
    return f"{first_s:.2f} s, then {next_s:.2f} s"


def _try(target: Path, folder: Path) -> None:
    from services.trainer.export.formats.order import Scoring
    from services.trainer.export.formats.score import score

    scored = score(
        Scoring(
            model=target,
            squares=folder / "squares.npy",
            rows=tuple(range(NUM_TEST)),
            num_needed=NUM_TEST,
            pictures=(),
            answers=folder / "answers.npy",
            seconds=0.0,
        )
    )
    if scored.error is not None:
        raise RuntimeError(f"{target.name} cannot be tried: {scored.error}")


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
