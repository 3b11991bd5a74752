"""``model.mlpackage.zip``: the network for Apple's devices, written with coremltools' builder. See ADR 39."""

import tempfile
import warnings
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import coremltools
from coremltools.converters.mil import Builder

from services.trainer.export.formats.coreml.graph import MilGraph
from services.trainer.export.formats.nodes.walk import lay_out
from services.trainer.export.formats.squares_model import SquaresModel
from services.trainer.export.runtimes import MLPACKAGE

OLDEST_SYSTEM = coremltools.target.iOS15
"""The first that runs programs, and so does macOS 12; before, Core ML had networks of fixed layers."""


def write_coreml(squares: SquaresModel, path: Path) -> None:
    """Write a network that takes one square, ``image``, ``(1, side_px, side_px, 3) float32`` of 0 to 255.

    It gives ``probabilities`` and, where the network has the last layer of ours, what that reads as ``features``. It
    computes in float32: in Core ML's default, half precision, answers would differ from those that were evaluated.

    Args:
        squares: The network.
        path: Of the zip with the package, which is a folder.

    Raises:
        Inexpressible: If it holds something that is not known here.
        OSError: If it cannot be written.
    """
    # It draws bars of progress, which no setting keeps away, and leaves a folder to be found by the garbage collector.
    with redirect_stderr(StringIO()), warnings.catch_warnings(action="ignore", category=ResourceWarning):
        model = coremltools.convert(
            program_of(squares),
            source="milinternal",
            convert_to="mlprogram",
            compute_precision=coremltools.precision.FLOAT32,
            minimum_deployment_target=OLDEST_SYSTEM,
            skip_model_load=True,
        )
    model.short_description = f"{squares.model.name}, fitted by convtailor"
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".coreml-") as scratch:
        package = Path(scratch) / MLPACKAGE
        model.save(str(package))
        with ZipFile(path, "w", ZIP_STORED) as zipped:
            for each in sorted(package.rglob("*")):
                zipped.write(each, each.relative_to(scratch))


def program_of(squares: SquaresModel) -> Any:
    """Return a network as a program of coremltools.

    Raises:
        Inexpressible: If it holds something that is not known here.
    """

    def program(image: Any) -> tuple[Any, ...]:
        graph = MilGraph(image)
        outputs = lay_out(squares, graph, "image")
        return tuple(graph.output(value.name, name) for name, value in outputs.items())

    image = Builder.TensorSpec(shape=(1, squares.side_px, squares.side_px, 3))
    return Builder.program(input_specs=[image], opset_version=OLDEST_SYSTEM)(program)
