"""Screening over networks that are built and compiled once for all tests of a process that only look through them.

Building and compiling takes most of a small screening. Nothing here may change a network: fine-tuning has its own.
"""

from dataclasses import replace
from functools import partial

from services.trainer.run.device import Precision
from services.trainer.screening import candidate, race
from services.trainer.screening import screen as screening
from services.trainer.screening.forward import Forward, compile_forward
from services.trainer.zoo.catalogue import Backbone
from services.trainer.zoo.combination.joined import assemble
from services.trainer.zoo.network import Network
from services.trainer.zoo.sources.weights import WeightsFile


class SharedNetworks:
    """Networks by their weights and layers, whatever they are called."""

    def __init__(self) -> None:
        self._networks: dict[str, Network] = {}
        self._passes: dict[tuple[int, Precision], Forward] = {}

    def build(self, backbone: Backbone, weights: WeightsFile | None) -> Network:
        """Return a network, built where there was none like it; combinations are always built."""
        if weights is None or backbone.parts:
            return assemble(backbone, weights)
        key = f"{weights.sha256} {replace(backbone, name='', gflops=0.0, weights_file='')}"
        if key not in self._networks:
            self._networks[key] = assemble(backbone, weights)
        return replace(self._networks[key], backbone=backbone)

    def compile_pass(self, network: Network, precision: Precision) -> Forward:
        """Return the compiled pass of a network."""
        if not any(network.whole is each.whole for each in self._networks.values()):
            return compile_forward(network, precision)
        key = (id(network.whole), precision)
        if key not in self._passes:
            self._passes[key] = compile_forward(network, precision)
        return self._passes[key]


_SHARED = SharedNetworks()
open_store = partial(candidate.open_store, build=_SHARED.build, compile_pass=_SHARED.compile_pass)
screen = partial(screening.screen, open_store=open_store)
hold_race = partial(race.hold_race, open_store=open_store)
