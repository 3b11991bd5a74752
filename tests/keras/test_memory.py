"""Memory of a training: what is not at work lets go of it, and what would not fit is not begun."""

import weakref
from dataclasses import replace

import numpy as np
import pytest

from services.trainer.screening.candidate import open_store, rest
from services.trainer.screening.forward import batch_size_for
from services.trainer.screening.screen import screen
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.network import build
from services.trainer.zoo.working_set import bytes_per_image
from shared.errors import UserFault
from shared.job.job import TrialState
from tests import shared_networks
from tests.doubles.memory_ledger import MemoryLedger
from tests.zoo_fixture import by_epochs, coloured_dataset, make_run, small_backbone, write_weights


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return coloured_dataset(tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights"))


def heavy(name):
    """Return a small network that says of itself that it is large."""
    return replace(small_backbone(name), parameters=50_000_000)


def test_a_heavy_network_at_rest_is_gone_from_memory_and_computes_the_same_when_it_is_back(dataset, weights, tmp_path):
    store = open_store(dataset.learning, make_run(tmp_path), heavy("heavy"), weights)
    rows = np.arange(6)
    before = store.forward(rows)
    network = weakref.ref(store.network.model)

    rest([store])

    assert network() is None
    assert not store.is_built
    for old, new in zip(before, store.forward(rows), strict=True):
        np.testing.assert_array_equal(old, new)
    assert store.is_built


def test_a_light_network_stays_since_building_it_costs_seconds(dataset, weights, tmp_path):
    store = open_store(dataset.learning, make_run(tmp_path), small_backbone("light"), weights)
    rest([store])
    assert store.is_built


def test_what_a_candidate_leaves_when_it_lost_is_gone_from_memory(dataset, weights, tmp_path):
    store = open_store(dataset.learning, make_run(tmp_path), small_backbone("loser"), weights)
    store.compute(np.arange(6))
    network = weakref.ref(store.network.model)
    store.discard()
    rest([])
    assert network() is None


def test_heavy_candidates_are_compared_like_light_ones(dataset, weights, tmp_path):
    def found(screen, make, folder):
        rows = [(make(name), weights) for name in ("one", "two")]
        run = make_run(tmp_path / folder)
        screening = screen(dataset.learning, rows, run, by_epochs(2))
        assert screening.store is not None
        return [each.val_accuracy for each in screening.candidates], screening.store.forward(np.arange(4))[1]

    light, with_light = found(shared_networks.screen, small_backbone, "light")
    large, with_heavy = found(screen, heavy, "heavy")
    assert light == large
    np.testing.assert_array_equal(with_light, with_heavy)


def test_a_candidate_that_the_memory_of_the_machine_does_not_hold_is_skipped_with_the_reason(
    dataset, weights, tmp_path
):
    ledger = MemoryLedger()
    small, large = small_backbone("small"), heavy("large")
    run = replace(make_run(tmp_path, ledger=ledger), memory_bytes=10**9)
    screening = screen(dataset.learning, [(large, weights), (small, weights)], run, by_epochs(1))
    skipped = screening.candidates[0]
    assert screening.winner is small
    assert skipped.state is TrialState.SKIPPED
    assert "at least 1.5 GB of memory and this machine has 1.0 GB" in str(skipped.skipped_because)
    assert not any("large" in name for name in ledger.entries), "another machine may have more"


def test_where_no_candidate_fits_the_person_learns_why(dataset, weights, tmp_path):
    run = replace(make_run(tmp_path), memory_bytes=10**9)
    with pytest.raises(UserFault) as caught:
        screen(dataset.learning, [(heavy("large"), weights)], run, by_epochs(1))
    assert caught.value.fault.code == "no_candidate_worked"
    assert "1.5 GB of memory" in str(caught.value.fault.details)


def test_a_pass_takes_as_many_images_as_its_widest_layer_allows():
    network = build(BACKBONES["vgg16"], None)
    assert bytes_per_image(network) == 2 * 4 * 224 * 224 * 64
    assert batch_size_for(network) == 3
    assert batch_size_for(build(BACKBONES["tiny"], None)) == 32
