"""Computing a network in float16 where it stands, while its weights, and the network itself, stay float32."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import keras

from services.trainer.run.device import Precision

_ALWAYS_FULL = (
    keras.layers.InputLayer,
    # Pixels up to 255 are scaled and centred before they are rounded to float16's eleven bits.
    keras.layers.Rescaling,
    keras.layers.Resizing,
    keras.layers.Normalization,
    # Sums over a whole map or a field of it, and what follows the last of them, are what the head reads.
    keras.layers.AveragePooling2D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.LayerNormalization,
)


@contextmanager
def computing_in(precision: Precision, layers: Iterable[keras.layers.Layer]) -> Iterator[None]:
    """Have layers compute in a precision for as long as a function that calls them is traced.

    Afterwards they are as before: the casts are part of the traced function alone. Results of mixed precision may be
    float16; cast them.

    Args:
        precision: ``FULL`` changes nothing at all.
        layers: Layers of a built network.
    """
    changed = [each for each in layers if not isinstance(each, _ALWAYS_FULL)] if precision is Precision.MIXED else []
    before = [each.dtype_policy for each in changed]
    try:
        for each in changed:
            each.dtype_policy = precision.value
        yield
    finally:
        for each, policy in zip(changed, before, strict=True):
            each.dtype_policy = policy
