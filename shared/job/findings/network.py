"""The delivered network: how large it is, and in which formats it was opened again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatResult:
    """The network in one more format, opened again by its own runtime in a process of its own.

    Args:
        file: Its name.
        left_out_because: Why it was not delivered; ``None`` where it was. What was found of it stands beside.
        runtime: What ran it, such as ``onnxruntime 1.32.0``.
        size_bytes: Of the file.
        kept_gap: Largest difference of a probability from what was evaluated, on a few test images.
        picture_gap: The same from ``model.keras``, on pictures that either reads and resizes itself.
        num_images: Test images that it was tried on: all up to 1,000, fewer where time was short.
        accuracy: Share of these that it reads rightly.
        test_accuracy: Share of these that were read rightly in the test.
        num_otherwise: Images of these that it takes for another class than the network did in the test.
        image_s: Seconds for an image, at the median, while other formats were tried beside.
        seconds: To write it.
    """

    file: str
    left_out_because: str | None = None
    runtime: str | None = None
    size_bytes: int = 0
    kept_gap: float | None = None
    picture_gap: float | None = None
    num_images: int = 0
    accuracy: float | None = None
    test_accuracy: float | None = None
    num_otherwise: int = 0
    image_s: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSize:
    """The delivered network.

    Args:
        total_parameters: All numbers it holds.
        trainable_parameters: Those that fine-tuning may change: from the cut on.
        non_trainable_parameters: The rest.
        summary: As Keras prints it.
        input_px: Side of the square the network resizes every image to.
        cut_layer: First layer that was fine-tuned.
        weights_licence: Of the pre-trained weights that it grew from, as an SPDX identifier; older results have none.
        oldest_keras: Version of Keras from which on its Keras files load.
    """

    total_parameters: int
    trainable_parameters: int
    non_trainable_parameters: int
    summary: str
    input_px: int
    cut_layer: str
    weights_licence: str | None = None
    oldest_keras: str | None = None
