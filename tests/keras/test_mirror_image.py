"""Whether mirror images are looked at, by what cross-validation found with and without them."""

from types import SimpleNamespace

import numpy as np
import pytest

from services.trainer.data.dataset import LearningSet, Split
from services.trainer.fitting.convex import ConvexData, fit_convex
from services.trainer.fitting.out_of_fold import OutOfFold
from services.trainer.run.cost import MIRRORED_FIRST
from services.trainer.run.deadline import Pace
from services.trainer.tuning.mirror import decide, sample_of, try_mirror
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.head import FEATURES
from shared.job.findings.training import CrossValidation
from tests.zoo_fixture import make_run


def answers(num_right, margin):
    """Of a hundred images so many are read rightly, by that margin; the others wrongly, by a little."""
    scores = np.where(np.arange(100) < num_right, margin, -0.1)
    logits = np.stack([scores, np.zeros(100)], axis=1).astype(np.float32)
    return OutOfFold(rows=np.arange(100), labels=np.zeros(100, np.int32), logits=logits, num_independent=100.0)


@pytest.mark.parametrize(("num_right", "margin", "is_used"), [(80, 2.0, True), (70, 5.0, False), (85, 0.5, False)])
def test_mirror_images_must_cost_neither_accuracy_nor_log_loss(num_right, margin, is_used):
    both = answers(num_right, margin)
    judged = CrossValidation(
        num_folds=5,
        num_images=100,
        num_independent=100.0,
        accuracy=num_right / 100,
        accuracy_error=0.04,
        log_loss=float(both.loss.mean()),
        log_loss_error=0.05,
        strength=1e-3,
        path=(),
    )
    mirroring = decide(answers(80, 1.0), both, judged)
    assert mirroring.is_used is is_used
    assert mirroring.accuracy_gain == pytest.approx((num_right - 80) / 100)


class Kept:
    """What a network made of photographs, which knows how many of them it was shown mirrored."""

    backbone, activations = BACKBONES["tiny"], None

    def __init__(self, single, both, *, pace=None):
        self.pace = pace
        self.views = {1: single, 2: both}
        self.mirrored = np.zeros(len(single), bool)

    def read_by(self, reading):
        return self.views[reading.views]

    def compute(self, rows, *, views=1, on_batch):
        if views > 1:
            self.mirrored[rows] = True
        return on_batch(len(rows))


def tried(num_images, directory, *, noise_of_both=2.0, pace=None, seconds_left=1e6):
    """Try mirror images of so many photographs; their mean has other noise than the photograph alone."""
    random = np.random.default_rng(0)
    labels = (np.arange(num_images) % 3).astype(np.int32)
    noises = (2.0, noise_of_both)
    views = [(random.normal(0, noise, (num_images, 3)) + 3 * np.eye(3)[labels]).astype(np.float32) for noise in noises]
    kept, rows = Kept(*views, pace=pace), np.arange(num_images)
    dataset = LearningSet(
        facts={},
        directory=directory,
        classes=("ant", "bee", "cow"),
        labels=labels,
        groups=rows,
        paths=tuple(map(str, rows)),
        split=Split(train=rows[30:], validation=rows[:30], test=rows[:0]),
        sizes_px=(8,),
    )
    data = ConvexData(inputs=kept.read_by, labels=labels, groups=rows, rows=rows, num_classes=3, seed=3)
    fit = fit_convex(data, [FEATURES])
    screening = SimpleNamespace(
        winner=kept.backbone,
        weights=None,
        head=fit.head,
        out_of_fold=fit.out_of_fold,
        result=SimpleNamespace(cross_validation=fit.judged, val_accuracy=fit.judged.accuracy),
        store=kept,
    )
    run = make_run(directory, seconds_left=seconds_left)
    found = try_mirror(dataset, screening, run)
    assert try_mirror(dataset, screening, run).mirroring == found.mirroring, "a successor takes over what was decided"
    return found, int(kept.mirrored.sum())


def test_of_many_photographs_no_more_are_mirrored_than_tell_that_it_gains_too_little(tmp_path):
    found, num_mirrored = tried(MIRRORED_FIRST + 300, tmp_path)

    assert num_mirrored == MIRRORED_FIRST
    assert not found.mirroring.is_used
    assert (found.mirroring.judged.num_images, found.mirroring.drawn_from) == (MIRRORED_FIRST, MIRRORED_FIRST + 300)
    assert found.head.reading.views == 1


def test_of_many_photographs_all_are_mirrored_where_some_told_that_it_pays(tmp_path):
    found, num_mirrored = tried(MIRRORED_FIRST + 300, tmp_path, noise_of_both=1.0)

    assert num_mirrored == MIRRORED_FIRST + 300
    assert found.mirroring.is_used
    assert (found.mirroring.judged.num_images, found.mirroring.drawn_from) == (MIRRORED_FIRST + 300, None)
    assert found.head.reading.views == 2


def test_few_photographs_are_mirrored_all_and_need_not_gain_more_than_luck(tmp_path):
    found, num_mirrored = tried(MIRRORED_FIRST, tmp_path, noise_of_both=1.98)

    assert num_mirrored == MIRRORED_FIRST
    assert found.mirroring.drawn_from is None
    assert found.mirroring.is_used == (found.mirroring.log_loss_gain >= 0)


@pytest.mark.parametrize("num_images", [MIRRORED_FIRST, MIRRORED_FIRST + 300])
def test_without_time_for_them_mirror_images_are_left(num_images, tmp_path):
    pace = Pace(build_s=1.0, image_s=1.0)  # so that a pass takes ten minutes
    found, num_mirrored = tried(num_images, tmp_path, pace=pace, seconds_left=MIRRORED_FIRST)

    assert num_mirrored == 0
    assert found.mirroring is None
    assert found.head.reading.views == 1


def test_a_sample_has_every_class_in_proportion():
    labels = np.repeat(np.arange(3, dtype=np.int32), (1200, 600, 60))
    rows = np.flatnonzero(np.arange(len(labels)) % 2)
    sample = sample_of(rows, labels, seed=0)
    assert len(sample) == len(np.unique(sample)) == MIRRORED_FIRST
    assert set(sample) <= set(rows)
    assert np.bincount(labels[sample]).tolist() == pytest.approx([387, 194, 19], abs=1)


def test_what_is_known_of_an_image_out_of_fold_is_its_row_its_class_and_its_calibrated_probabilities():
    found = answers(80, 2.0)
    assert found.right.mean() == pytest.approx(0.8)
    assert found.probabilities().sum(axis=1) == pytest.approx(1.0)
    assert found.loss == pytest.approx(-np.log(found.probabilities()[:, 0]))
    assert found.probabilities(10.0).max() < found.probabilities().max()
