"""Networks side by side as one flat network of built-in layers: one picture, one resize, the levels of all of them."""

from collections.abc import Sequence
from typing import Any

import keras

from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.network import Network, build, side_by_side
from services.trainer.zoo.sources.weights import WeightsFile

_SHARED = ("pixels", "resize")
"""Layers that all of them begin with."""


def assemble(backbone: Backbone, weights: WeightsFile | None) -> Network:
    """Build a backbone, or the network of several side by side.

    Raises:
        ValueError: If weights do not fit the network or hold values that are no numbers.
        OSError: If they cannot be read.
    """
    if not backbone.parts:
        return build(backbone, weights)
    files = weights.parts if weights is not None else (None,) * len(backbone.parts)
    return join(backbone, [build(row, file) for row, file in zip(backbone.parts, files, strict=True)])


def join(row: Backbone, networks: Sequence[Network]) -> Network:
    """Let several networks see the same square; the first keeps the names of its layers.

    Args:
        row: Their combination, see :func:`services.trainer.zoo.combination.row.combined_row`.
        networks: In its order; let go of them, for the first shares its layers with the one returned.

    Returns:
        A network that is cut at its end: what lies at its cut are the features.
    """
    first = networks[0].model
    squares = first.get_layer("resize").output
    levels = [list(networks[0].levels)]
    levels += [_seeing(first, network, prefix=f"network_{place}_") for place, network in enumerate(networks[1:], 2)]
    depth = len(row.levels)
    together = [side_by_side([each[-place] for each in levels if len(each) >= place]) for place in range(depth, 0, -1)]
    features = keras.Input((row.feature_width,))
    model = keras.Model(first.input, together[-1], name="_and_".join(each.model.name for each in networks))
    return Network(
        backbone=row,
        model=model,
        levels=tuple(together),
        trunk=keras.Model(squares, together[-1]),
        tail=keras.Model(features, keras.layers.Activation("linear")(features)),
        whole=keras.Model(squares, [together[-1], side_by_side(together)]),
        tail_layers=(),
    )


def _seeing(first: keras.Model, network: Network, *, prefix: str) -> list[keras.KerasTensor]:
    """Return the levels of a network that sees the square of another; its layers are made anew under other names."""
    seen = {name: first.get_layer(name).output for name in _SHARED}
    renamed: dict[str, Any] = {}

    def rename(layer: Any) -> Any:
        if layer.name not in renamed:
            config = layer.get_config() | {"name": prefix + layer.name}
            renamed[layer.name] = type(layer).from_config(config)
        return renamed[layer.name]

    def call(layer: Any, *arguments: Any, **options: Any) -> Any:
        shared = layer.name.removeprefix(prefix)
        return seen[shared] if shared in seen else layer(*arguments, **options)

    whole = keras.Model(network.model.input, list(network.levels))
    clone = keras.models.clone_model(whole, first.input, clone_function=rename, call_function=call)
    for name, layer in renamed.items():
        if layer.weights:
            layer.set_weights(whole.get_layer(name).get_weights())
    return list(clone.outputs)
