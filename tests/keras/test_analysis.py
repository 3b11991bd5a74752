"""The analysis of a cross-validated network, from its answers and features alone."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from services.trainer.analysis.analyse import analyse
from services.trainer.data.dataset import LearningSet, Split, images_path
from services.trainer.evaluation.evaluate import Evaluation, Judged
from services.trainer.fitting.convex import ConvexData, fit_convex
from services.trainer.fitting.temperature import probabilities
from services.trainer.tuning.tune import Trained, TunePlan, tune
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.head import FEATURES
from shared.job.options import TuneSearch
from tests.doubles.memory_ledger import MemoryLedger

CLASSES = ("ant", "bee", "cow")
PER_CLASS, NUM_TEST, PX = 60, 30, 8
STRENGTH = 1e-3


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data set of clusters with a fitted and judged head, of which nothing went through a network."""
    rng = np.random.default_rng(0)
    directory = tmp_path_factory.mktemp("dataset")
    labels = np.tile(np.arange(3), PER_CLASS).astype(np.int32)
    features = (rng.normal(0, 1, (3, 16))[labels] + rng.normal(0, 0.9, (len(labels), 16))).astype(np.float32)
    np.save(images_path(directory, PX), rng.integers(0, 255, (len(labels), PX, PX, 3), dtype=np.uint8))
    rows = np.arange(len(labels) - NUM_TEST)
    test = np.arange(len(rows), len(labels))
    learning = LearningSet(
        facts={},
        directory=directory,
        classes=CLASSES,
        labels=labels,
        groups=np.arange(len(labels)),
        paths=tuple(f"{row}.jpg" for row in range(len(labels))),
        split=Split(train=rows, validation=rows[:0], test=test),
        sizes_px=(PX,),
    )
    data = ConvexData(
        inputs=lambda _: features, labels=labels, groups=learning.groups, rows=rows, num_classes=3, seed=0
    )
    fit = fit_convex(data, [FEATURES])
    trained = Trained(
        backbone=replace(BACKBONES["tiny"], input_px=PX),
        weights=None,
        head=fit.head,
        out_of_fold=fit.out_of_fold,
        tail_weights=None,
        result=None,
        mirroring=None,
        store=SimpleNamespace(read_by=lambda _: features, is_done=lambda *_, **__: True),
    )
    evaluation = Evaluation(
        scores=None,
        temperature=fit.head.temperature,
        indices=test,
        labels=labels[test],
        groups=test,
        probabilities=probabilities(fit.head.logits(features[test]), fit.head.temperature),
    )
    return learning, trained, evaluation, fit.judged.strength


def run(reason=None):
    return SimpleNamespace(seed=0, stop_reason=lambda: reason)


def test_everything_is_told_from_answers_and_features_that_are_kept(made) -> None:
    learning, trained, evaluation, strength = made
    found = analyse(learning, trained, evaluation, run(), strength=strength)
    assert found.suspects.num_examined == found.certainty.num_images == len(trained.out_of_fold.rows)
    assert all(each.thumbnail_jpeg_base64 for each in found.suspects.listed)
    assert found.certainty.is_cross_validated
    assert found.certainty.strangers.hardest in CLASSES
    assert found.growth.points[-1].accuracy == pytest.approx(trained.out_of_fold.right.mean())
    assert found.neighbours.num_images == len(trained.out_of_fold.rows)


def test_a_run_that_has_to_end_tells_what_costs_nothing(made) -> None:
    learning, trained, evaluation, strength = made
    found = analyse(learning, trained, evaluation, run("budget"), strength=strength)
    assert found.suspects is not None
    assert found.certainty.strangers is None
    assert found.growth is None


def test_a_network_of_an_earlier_attempt_whose_features_are_gone_is_judged_by_its_answers(made) -> None:
    learning, trained, evaluation, strength = made
    found = analyse(learning, replace(trained, store=None), evaluation, run(), strength=strength)
    assert found.suspects is not None
    assert found.growth is found.neighbours is None


def test_an_analysis_that_fails_costs_nobody_the_network(made, caplog) -> None:
    learning, trained, evaluation, strength = made
    broken = replace(trained, store=SimpleNamespace(read_by=lambda _: np.zeros(0), is_done=lambda *_, **__: True))
    assert analyse(learning, broken, evaluation, run(), strength=strength).suspects is None
    assert "the analysis was left out" in caplog.text


def test_a_fine_tuned_network_is_judged_by_validation_and_its_photographs_by_the_features(made) -> None:
    learning, trained, evaluation, _ = made
    rows = learning.split.train
    validation = Judged(rows=rows[-30:], labels=learning.labels[rows[-30:]], probabilities=evaluation.probabilities)
    split = replace(learning.split, train=rows[:-30], validation=rows[-30:])
    tuned = replace(trained, out_of_fold=None, head=replace(trained.head, temperature=None))
    judged = replace(evaluation, validation=validation)
    found = analyse(replace(learning, split=split), tuned, judged, run(), strength=0.0)
    assert not found.certainty.is_cross_validated
    assert found.certainty.num_images == 30
    assert found.suspects.num_examined == len(rows)
    assert len(found.growth.classes) == len(CLASSES)
    assert found.neighbours is not None


def test_a_network_that_is_right_on_new_sites_is_not_held_against_a_rival_that_looks_up_the_same_site(made) -> None:
    learning, trained, evaluation, strength = made
    rng, num = np.random.default_rng(1), len(learning.paths)
    sites = np.arange(num) // 9
    of_sites = (rng.normal(0, 4, (sites.max() + 1, 16))[sites] + rng.normal(0, 0.1, (num, 16))).astype(np.float32)
    labels = (sites % 3).astype(np.int32)
    store = SimpleNamespace(read_by=lambda _: of_sites, is_done=lambda *_, **__: True)
    rows = trained.out_of_fold.rows
    judged = replace(trained, store=store, out_of_fold=replace(trained.out_of_fold, labels=labels[rows]))
    apart = analyse(replace(learning, labels=labels), judged, evaluation, run(), strength=strength)
    together = replace(learning, labels=labels, given_groups=sites)
    found = analyse(together, judged, evaluation, run(), strength=strength)
    assert min(apart.neighbours.accuracy, apart.growth.points[0].accuracy) > 0.9  # by what else is of the site
    assert max(found.neighbours.accuracy, found.growth.points[0].accuracy) < 0.6


def test_what_other_layers_said_keeps_its_own_temperature_beside_a_fine_tuned_network(made) -> None:
    learning, trained, evaluation, strength = made
    tuned = replace(evaluation, temperature=5.0)
    found = analyse(learning, trained, tuned, run("budget"), strength=strength)
    assert (
        found.certainty.curve
        == analyse(learning, trained, evaluation, run("budget"), strength=strength).certainty.curve
    )


def test_photographs_that_were_not_decoded_once_more_have_no_picture(made, tmp_path) -> None:
    learning, trained, evaluation, strength = made
    np.save(images_path(tmp_path, PX), np.zeros((len(learning.paths), PX, PX, 3), np.uint8))
    found = analyse(replace(learning, directory=tmp_path), trained, evaluation, run("lost"), strength=strength)
    assert found.suspects.listed
    assert {each.thumbnail_jpeg_base64 for each in found.suspects.listed} == {""}


def test_answers_to_photographs_that_are_no_longer_all_there_are_let_go_of(made) -> None:
    learning, trained, _, _ = made
    ledger = MemoryLedger()
    run_of = SimpleNamespace(ledger=ledger, stop_reason=lambda: "lost")
    screening = SimpleNamespace(
        winner=trained.backbone,
        weights=None,
        head=trained.head,
        out_of_fold=trained.out_of_fold,
        store=None,
        result=SimpleNamespace(cross_validation=None),
    )
    plan = TunePlan(epochs=0, trials=1, search=TuneSearch.RECIPE)
    assert tune(learning, screening, run_of, plan).out_of_fold is not None
    fewer = replace(learning, split=replace(learning.split, train=learning.split.train[:-1]))
    assert tune(fewer, screening, run_of, plan).out_of_fold is None


def test_without_answers_nothing_is_told(made) -> None:
    learning, trained, evaluation, _ = made
    assert analyse(learning, replace(trained, out_of_fold=None), evaluation, run(), strength=0.0).certainty is None
