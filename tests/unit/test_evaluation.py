"""The one reading of the test split: what it computes, and that nobody reads it before."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.trainer.data.dataset import HIDDEN, AlreadyOpened, Dataset, HeldOut, Split, images_path
from services.trainer.evaluation.evaluate import MOST_MISTAKES, MOST_OF_PAIR, NUM_MISTAKES, evaluate
from services.trainer.fitting.temperature import Logits, probabilities
from services.trainer.run.identity import RunKey
from shared.job.findings.photographs import Duplicates

PX = 2
NUM_CLASSES = 3


def drawn_dataset(directory: Path, honest: Logits, *, num_train: int = 10) -> Dataset:
    """Every image has the class that was drawn from what an honest network says of it."""
    generator = np.random.default_rng(0)
    chances = probabilities(honest).cumsum(axis=1)
    labels = (generator.random((len(honest), 1)) > chances).sum(axis=1).astype(np.int32)
    np.save(images_path(directory, PX), np.zeros((len(honest), PX, PX, 3), np.uint8))
    middle = (num_train + len(honest)) // 2
    return Dataset(
        key=RunKey(archive_sha256="a", data_version="1.1.1", min_image_px=8, max_image_px=900, seed=0),
        split_sha256="b",
        directory=directory,
        classes=tuple("abc"),
        labels=labels,
        paths=tuple(f"{row}.png" for row in range(len(honest))),
        groups=np.arange(len(honest)),
        split=Split(
            train=np.arange(num_train),
            validation=np.arange(num_train, middle),
            test=np.arange(middle, len(honest)),
        ),
        sizes_px=(PX,),
        quarantined=(),
        duplicates=Duplicates(exact=0, near_groups=0),
    )


@pytest.fixture
def honest() -> Logits:
    """Logits whose probabilities are right: a temperature of 1 fits them."""
    return np.random.default_rng(1).normal(0, 1.5, (8000, NUM_CLASSES))


@pytest.mark.parametrize("boast", [0.5, 1.0, 3.0])
def test_a_network_that_boasts_is_delivered_with_the_confidence_it_deserves(
    boast: float, honest: Logits, tmp_path: Path
) -> None:
    dataset = drawn_dataset(tmp_path, honest)
    found = evaluate(dataset.learning, dataset.seal(), PX, lambda rows: boast * honest[rows], lambda *_: None)
    assert found.temperature == pytest.approx(boast, rel=0.1)
    assert found.scores.calibration.temperature == found.temperature
    np.testing.assert_allclose(found.probabilities, probabilities(honest[found.indices]), atol=0.05)
    assert found.scores.calibration.error_after < 0.03
    if boast != 1.0:
        assert found.scores.calibration.error_before > 2 * found.scores.calibration.error_after


def test_the_scores_are_those_of_the_test_split_alone(honest: Logits, tmp_path: Path) -> None:
    dataset = drawn_dataset(tmp_path, honest)
    told: list[tuple[int, int]] = []
    found = evaluate(dataset.learning, dataset.seal(), PX, lambda rows: honest[rows], lambda *both: told.append(both))
    rows = dataset.split.test
    right = honest[rows].argmax(axis=1) == dataset.labels[rows]
    assert found.scores.accuracy == right.mean()
    assert found.scores.num_images == len(rows) == np.sum(found.scores.confusion_matrix)
    mistakes = found.scores.mistakes
    surest = [each.confidence for each in mistakes[:NUM_MISTAKES]]
    assert surest == sorted(surest, reverse=True)
    assert max(each.confidence for each in mistakes[NUM_MISTAKES:]) <= surest[-1]
    assert len(mistakes) <= MOST_MISTAKES
    assert max(Counter((each.actual, each.predicted) for each in mistakes[NUM_MISTAKES:]).values()) <= MOST_OF_PAIR
    held_out = len(dataset.split.validation) + len(rows)
    assert told[-1] == (held_out, held_out)
    for mistake in found.scores.mistakes:
        row = dataset.paths.index(mistake.path)
        assert row in rows
        assert mistake.actual == dataset.classes[dataset.labels[row]] != mistake.predicted


def test_copies_make_no_interval_narrower(honest: Logits, tmp_path: Path) -> None:
    """Six augmented copies of every picture are recognised or mistaken together."""
    dataset = drawn_dataset(tmp_path, honest[:130])
    copies = replace(dataset, groups=np.arange(130) // 6)
    found = [
        evaluate(each.learning, each.seal(), PX, lambda rows: honest[rows], lambda *_: None).scores
        for each in (dataset, copies)
    ]
    widths = [high - low for low, high in (scores.interval for scores in found)]
    assert found[0].num_independent == found[0].num_images == 60
    assert found[0].accuracy == found[1].accuracy
    assert found[1].num_independent == pytest.approx(10, abs=0.5)
    assert widths[1] > 2 * widths[0]
    assert all((score.num_independent or 0) < score.num_images for score in found[1].per_class)


def test_the_interval_is_wider_where_whole_sites_are_mistaken(honest: Logits, tmp_path: Path) -> None:
    """One site in four is read wrongly throughout: how the next site will do is hardly known."""
    dataset = drawn_dataset(tmp_path, honest[:410])
    sites = np.arange(410) // 20
    of_sites = replace(
        dataset,
        key=replace(dataset.key, group_by="prefix"),
        paths=tuple(f"{site}_{row}.png" for row, site in enumerate(sites)),
    )
    said = np.eye(NUM_CLASSES)[(dataset.labels + (sites % 4 == 0)) % NUM_CLASSES]
    alone, together = (
        evaluate(each.learning, each.seal(), PX, lambda rows: said[rows], lambda *_: None)
        for each in (dataset, of_sites)
    )
    assert (alone.correlation, together.correlation) == (0.0, 1.0)
    assert alone.scores.accuracy == together.scores.accuracy
    assert alone.scores.num_independent == 200
    assert together.scores.num_independent == pytest.approx(10.5, abs=0.1)  # of eleven, two of which are halves
    assert all((score.num_independent or 0) < 15 for score in together.scores.per_class)


def test_what_networks_learn_from_does_not_hold_the_classes_of_the_test_split(honest: Logits, tmp_path: Path) -> None:
    dataset = drawn_dataset(tmp_path, honest[:100])
    learning = dataset.learning
    assert set(learning.labels[learning.split.test]) == {HIDDEN}
    for rows in (learning.split.train, learning.split.validation):
        np.testing.assert_array_equal(learning.labels[rows], dataset.labels[rows])
    assert HIDDEN not in dataset.labels


def test_the_test_split_cannot_be_read_twice(honest: Logits, tmp_path: Path) -> None:
    dataset = drawn_dataset(tmp_path, honest[:100])
    held_out = dataset.seal()
    held_out.open()
    with pytest.raises(AlreadyOpened):
        evaluate(dataset.learning, held_out, PX, lambda rows: honest[rows], lambda *_: None)


def test_a_seal_is_broken_by_looking_not_by_failing(honest: Logits, tmp_path: Path) -> None:
    dataset = drawn_dataset(tmp_path, honest[:100])
    held_out: HeldOut = dataset.seal()

    def fail(rows: object) -> Logits:
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        evaluate(dataset.learning, held_out, PX, fail, lambda *_: None)
    assert len(held_out.open()) == len(held_out.rows)
