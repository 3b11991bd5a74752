"""``model.tflite``: the network for phones and small boards, written by TensorFlow's own converter."""

from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from services.trainer.export.formats.squares_model import SquaresModel


class TFLiteWriter:
    """Writes a network that takes one square at a time: phones' accelerators want fixed shapes.

    Tracing the network and freezing its weights takes most of the time, and is done once for all files.

    Args:
        squares: The network.
    """

    def __init__(self, squares: SquaresModel) -> None:
        self._squares = squares
        self._frozen: Any = None

    def write(self, path: Path, *, half: bool) -> None:
        """Write a file.

        Args:
            path: Where.
            half: Whether weights are rounded to float16, which halves the file; computed is in float32 all the same.

        Raises:
            tensorflow.errors.OpError: If the converter cannot express it; other exceptions of the converter likewise.
            OSError: If it cannot be written.
        """
        if self._frozen is None:
            self._frozen = _frozen(self._squares)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([self._frozen])
        if half:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        path.write_bytes(converter.convert())


def _frozen(squares: SquaresModel) -> Any:
    """Return the network as one function that holds its weights as constants."""
    signature = [tf.TensorSpec((1, squares.side_px, squares.side_px, 3), tf.float32, name="image")]
    # As a list: by name they would be given in the order of the alphabet, and probabilities come first.
    call = tf.function(lambda image: squares.model(image, training=False), input_signature=signature, autograph=False)
    # The converter does not find the weights of Keras 3 by itself: it would write variables that hold no value.
    return convert_variables_to_constants_v2(call.get_concrete_function())
