"""Screening over networks that are built and compiled once for all tests of a process.

Building and compiling takes most of a small screening. A network that a test has fine-tuned is as it was when the next
one asks for it; two that a test holds of the same weights are one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from services.trainer.run.device import Precision
from services.trainer.screening import candidate, race
from services.trainer.screening import screen as screening
from services.trainer.screening.forward import Forward, compile_forward
from services.trainer.zoo.catalogue import Backbone
from services.trainer.zoo.combination.joined import assemble
from services.trainer.zoo.network import Network
from services.trainer.zoo.sources.weights import WeightsFile

_Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Built:
    """A network with the weights that it was built with."""

    network: Network
    weights: Sequence[_Array]


class SharedNetworks:
    """Networks by their weights and layers, whatever they are called."""

    def __init__(self) -> None:
        self._networks: dict[str, _Built] = {}
        self._passes: dict[tuple[int, Precision], Forward] = {}

    def build(self, backbone: Backbone, weights: WeightsFile | None) -> Network:
        """Return a network, built where there was none like it; combinations are always built."""
        if weights is None or backbone.parts:
            return assemble(backbone, weights)
        key = f"{weights.sha256} {replace(backbone, name='', gflops=0.0, weights_file='')}"
        if key not in self._networks:
            network = assemble(backbone, weights)
            self._networks[key] = _Built(network, network.whole.get_weights())
        built = self._networks[key]
        built.network.whole.set_weights(built.weights)
        return replace(built.network, backbone=backbone)

    def compile_pass(self, network: Network, precision: Precision) -> Forward:
        """Return the compiled pass of a network."""
        if not any(network.whole is each.network.whole for each in self._networks.values()):
            return compile_forward(network, precision)
        key = (id(network.whole), precision)
        if key not in self._passes:
            self._passes[key] = compile_forward(network, precision)
        return self._passes[key]


_SHARED = SharedNetworks()
open_store = partial(candidate.open_store, build=_SHARED.build, compile_pass=_SHARED.compile_pass)
screen = partial(screening.screen, open_store=open_store)
hold_race = partial(race.hold_race, open_store=open_store)
