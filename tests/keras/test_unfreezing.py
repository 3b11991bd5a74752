"""Fine-tuning below a fitted head: kept where it reads clearly more, left after a short attempt where it does not."""

import re
from dataclasses import replace

import numpy as np
import pytest

from services.trainer.fitting.convex import fit_at
from services.trainer.screening.candidate import open_store
from services.trainer.screening.features import learning_rows
from services.trainer.screening.fit import HeadPlan, convex_data
from services.trainer.screening.screen import screen
from services.trainer.training.scoring import score
from services.trainer.tuning.tune import Trained, TunePlan, tune
from services.trainer.tuning.unfreezing.attempt import ATTEMPT_EPOCHS
from services.trainer.tuning.unfreezing.depth import least_attempt_s
from services.trainer.tuning.unfreezing.recorded import recall_unfrozen, record_unfrozen
from services.trainer.tuning.unfreezing.unfreeze import Fitted, unfreeze
from services.trainer.zoo.head import Reading
from services.trainer.zoo.network import build, complete
from shared.job.options import LevelChoice, TuneSearch
from tests.doubles.memory_ledger import MemoryLedger
from tests.zoo_fixture import PX, coloured_dataset, make_run, small_backbone, write_weights

BOTH = Reading(num_levels=7, views=2)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return coloured_dataset(tmp_path_factory.mktemp("dataset"), per_class=80, noise=60.0)


@pytest.fixture(scope="module")
def poor(dataset, weights, tmp_path_factory):
    """A last layer so strongly regularised that it tells hardly anything, and where it came from."""
    run = make_run(tmp_path_factory.mktemp("run"))
    row = small_backbone("one")
    store = open_store(dataset.learning, run, row, weights)
    rows = learning_rows(dataset.learning)
    assert store.compute(rows)
    assert store.compute(rows, views=2)
    head = fit_at(convex_data(dataset.learning, store, run), BOTH, 10.0)
    return run, Fitted(backbone=row, head=head, strength=10.0, val_accuracy=0.4, store=store)


def share_read(dataset, model, rows) -> float:
    predicted = model.predict(np.asarray(dataset.images(PX)[rows]), verbose=0).argmax(axis=1)
    return float((predicted == dataset.labels[rows]).mean())


def test_what_reads_clearly_more_is_kept_delivered_and_found_again_by_a_successor(dataset, weights, poor):
    run, fitted = poor
    before = fitted.store.network.read_tail()

    unfrozen = unfreeze(dataset.learning, fitted, run, epochs=4)

    assert unfrozen.found.is_used
    assert max(each.log_loss_gain for each in unfrozen.found.depths) > 0
    for kept, original in zip(fitted.store.network.read_tail(), before, strict=True):
        np.testing.assert_array_equal(kept, original)
    network = build(unfrozen.backbone, weights)
    assert network.tail_layers[0].name == unfrozen.backbone.cut_layer
    model = complete(network, unfrozen.state.head, tail_weights=unfrozen.state.tail)
    frozen = complete(build(fitted.backbone, weights), fitted.head)
    rows = dataset.split.test
    assert share_read(dataset, model, rows) >= share_read(dataset, frozen, rows)
    delivered = Trained(
        backbone=unfrozen.backbone,
        weights=weights,
        head=unfrozen.state.head,
        out_of_fold=None,
        tail_weights=unfrozen.state.tail,
        result=None,
        mirroring=None,
        store=fitted.store,
    )
    scores = score(dataset.learning, dataset.seal(), delivered, run).evaluation.scores
    assert scores.accuracy == pytest.approx(share_read(dataset, model, rows))
    ledger = MemoryLedger()
    record_unfrozen(ledger, unfrozen)
    again = recall_unfrozen(ledger, fitted.backbone)
    assert (again.found, again.backbone) == (unfrozen.found, unfrozen.backbone)
    assert again.state.head.temperature == unfrozen.state.head.temperature
    np.testing.assert_array_equal(again.state.tail[0], unfrozen.state.tail[0])


def test_where_nothing_is_to_be_had_it_ends_after_a_short_attempt_and_says_so(weights, tmp_path):
    easy = coloured_dataset(tmp_path / "easy", per_class=80, noise=5.0)
    run = make_run(tmp_path / "run")
    plan = HeadPlan(levels=LevelChoice.LAST, epochs=1)
    screening = screen(easy.learning, [(small_backbone("one"), weights)], run, replace(plan, levels=LevelChoice.AUTO))
    trained = tune(easy.learning, screening, run, TunePlan(epochs=8, trials=1, search=TuneSearch.RECIPE, views=1))
    assert not trained.unfreezing.is_used
    assert trained.tail_weights is None
    assert all(each.epochs <= ATTEMPT_EPOCHS for each in trained.unfreezing.depths)
    assert "attempt" in trained.unfreezing.reason
    assert score(easy.learning, easy.seal(), trained, run).evaluation.scores.accuracy == 1.0


@pytest.mark.parametrize(("epochs", "seconds_left", "reason"), [(0, 1e6, "not wanted"), (8, 0.0, "no time")])
def test_without_leave_or_time_nothing_is_tried(dataset, poor, tmp_path, epochs, seconds_left, reason):
    stop = lambda: "budget" if seconds_left == 0 else None  # noqa: E731
    run = make_run(tmp_path, seconds_left=seconds_left, stop_reason=stop)
    unfrozen = unfreeze(dataset.learning, poor[1], run, epochs=epochs)
    assert unfrozen.state is None
    assert reason in unfrozen.found.reason


def test_an_attempt_that_could_not_end_in_time_is_not_begun(dataset, poor, tmp_path):
    told = []
    unfrozen = unfreeze(dataset.learning, poor[1], make_run(tmp_path, reported=told), epochs=8, attempt_s=0.0)
    assert unfrozen.state is None
    assert "0 s may be spent before anything is gained" in unfrozen.found.reason
    assert unfrozen.found.depths == ()
    assert told == []  # no image went through anything
    pace = poor[1].store.pace
    needed_s = least_attempt_s(pace, len(learning_rows(dataset.learning)), views=2)
    nearly = unfreeze(dataset.learning, poor[1], make_run(tmp_path), epochs=8, attempt_s=needed_s - 1e-3)
    needed, most = re.findall(r"(\d+) s", nearly.found.reason)
    assert int(needed) > int(most), "what is too long reads longer"
