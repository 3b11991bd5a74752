"""The evaluation describes the network as it is delivered, and no image goes through the whole network twice for it."""

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import cache

import keras
import numpy as np
import pytest

from services.trainer.data.dataset import Dataset, images_path
from services.trainer.run.context import Run
from services.trainer.run.device import Precision
from services.trainer.training.scoring import score
from services.trainer.tuning.tune import Trained, TunePlan, tune
from shared.job.options import TuneSearch
from tests.doubles.memory_ledger import MemoryLedger
from tests.shared_networks import screen
from tests.zoo_fixture import PX, by_epochs, coloured_dataset, make_run, small_backbone, write_weights

EXACT = 1e-4
"""Float32 summed in another order; the check of an export forgives a hundred times as much."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def dataset(tmp_path):
    return coloured_dataset(tmp_path / "dataset", per_class=40)


def train(dataset, weights, run, *, tune_epochs):
    usable = [(small_backbone("winner"), weights)]
    screening = screen(dataset.learning, usable, run, by_epochs(4))
    return tune(dataset.learning, screening, run, TunePlan(epochs=tune_epochs, trials=1, search=TuneSearch.RANDOM))


@pytest.fixture(scope="module")
def trained_once(weights, tmp_path_factory) -> Callable[[Precision, int], tuple[Dataset, Run, Trained]]:
    """Return what trains on a data set that no test changes, once for all that ask for the same."""

    @cache
    def trained_so(precision: Precision, tune_epochs: int) -> tuple[Dataset, Run, Trained]:
        folder = tmp_path_factory.mktemp("trained")
        dataset = coloured_dataset(folder / "dataset", per_class=40)
        run = replace(make_run(folder / "run", ledger=MemoryLedger()), precision=precision)
        return dataset, run, train(dataset, weights, run, tune_epochs=tune_epochs)

    return trained_so


def delivered_probabilities(scored, dataset, tmp_path):
    path = tmp_path / "model.keras"
    scored.model.save(path)
    model = keras.models.load_model(path, compile=False)
    return np.asarray(model(np.asarray(dataset.images(PX)[dataset.split.test]), training=False))


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("tune_epochs", [0, 60])
def test_the_delivered_file_gives_the_probabilities_that_were_evaluated(precision, tune_epochs, trained_once, tmp_path):
    dataset, run, trained = trained_once(precision, tune_epochs)
    assert (trained.tail_weights is not None) == bool(tune_epochs)
    scored = score(dataset.learning, dataset.seal(), trained, run)
    delivered = delivered_probabilities(scored, dataset, tmp_path)
    np.testing.assert_allclose(delivered, scored.evaluation.probabilities, atol=EXACT)
    assert scored.evaluation.scores.accuracy > 0.6


def faint(weights, folder):
    """Return weights whose activations at the cut are so small that float16 leaves a few bits of them."""
    network = keras.applications.MobileNet(alpha=0.25, include_top=False, weights=None, input_shape=(PX, PX, 3))
    network.load_weights(weights.path)
    scale = network.get_layer("conv_pw_12_bn").gamma
    scale.assign(scale * 1e-6)
    network.save(folder / "faint.h5")
    return replace(weights, path=folder / "faint.h5", sha256="faint")


def test_what_float16_hardly_holds_is_evaluated_as_it_is_delivered(dataset, weights, tmp_path):
    run = make_run(tmp_path / "run")
    trained = train(dataset, faint(weights, tmp_path), run, tune_epochs=2)
    assert np.asarray(trained.store.activations[dataset.split.train]).max() < 1e-5
    tuned = replace(trained, tail_weights=trained.store.network.read_tail())
    scored = score(dataset.learning, dataset.seal(), tuned, run)
    np.testing.assert_allclose(
        delivered_probabilities(scored, dataset, tmp_path), scored.evaluation.probabilities, atol=EXACT
    )


@pytest.mark.parametrize("tune_epochs", [0, 60])
def test_a_successor_that_has_only_the_ledger_evaluates_the_same_network(tune_epochs, trained_once, weights, tmp_path):
    dataset, run, trained = trained_once(Precision.FULL, tune_epochs)
    first = score(dataset.learning, dataset.seal(), trained, run)
    successor = make_run(tmp_path / "second", ledger=run.ledger, stop_reason=lambda: "budget")
    trained = train(dataset, weights, successor, tune_epochs=tune_epochs)
    assert trained.store is None
    second = score(dataset.learning, dataset.seal(), trained, successor)
    np.testing.assert_allclose(second.evaluation.probabilities, first.evaluation.probabilities, atol=EXACT)
    np.testing.assert_allclose(
        delivered_probabilities(second, dataset, tmp_path), second.evaluation.probabilities, atol=EXACT
    )


@pytest.mark.parametrize("tune_epochs", [0, 2])
def test_images_that_were_learnt_from_or_chosen_by_are_not_passed_again(tune_epochs, dataset, weights, tmp_path):
    run = make_run(tmp_path / "run")
    trained = train(dataset, weights, run, tune_epochs=tune_epochs)
    pixels = np.load(images_path(dataset.directory, PX), mmap_mode="r+")
    pixels[np.setdiff1d(np.arange(len(pixels)), dataset.split.test)] = 0
    pixels.flush()
    blind = score(dataset.learning, dataset.seal(), trained, run)
    fresh = score(dataset.learning, dataset.seal(), replace(trained, store=None), run)
    assert blind.evaluation.scores.accuracy > 0.6
    np.testing.assert_allclose(
        np.log(blind.evaluation.probabilities).argmax(axis=1), fresh.evaluation.probabilities.argmax(axis=1)
    )
    assert blind.evaluation.temperature < fresh.evaluation.temperature  # the other saw only black squares


def test_without_room_for_activations_the_tuned_network_is_evaluated_all_the_same(trained_once, tmp_path):
    dataset, run, trained = trained_once(Precision.FULL, 60)
    store = copy(trained.store)
    store.activations = None
    scored = score(dataset.learning, dataset.seal(), replace(trained, store=store), run)
    np.testing.assert_allclose(
        delivered_probabilities(scored, dataset, tmp_path), scored.evaluation.probabilities, atol=EXACT
    )
