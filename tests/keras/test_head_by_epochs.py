import numpy as np
import pytest

from services.trainer.fitting.epochs import HeadData, score, train_head
from services.trainer.fitting.standard import class_weights


def clouds(*, per_class=40, num_classes=4, width=24, spread=1.0, counts=None) -> HeadData:
    """Clouds of points around the corners of a simplex, on features of very different scale."""
    generator = np.random.default_rng(0)
    counts = counts or [per_class] * num_classes
    labels = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    centres = generator.normal(0, 1, (len(counts), width))
    points = centres[labels] + generator.normal(0, spread, (len(labels), width))
    features = (points * np.geomspace(1e-3, 1e2, width) + np.arange(width)).astype(np.float32)
    rows = generator.permutation(len(labels))
    third = len(rows) // 3
    return HeadData(
        features=features,
        labels=labels,
        train=np.sort(rows[third:]),
        validation=np.sort(rows[:third]),
        num_classes=len(counts),
    )


def test_a_head_learns_and_works_on_features_as_they_are():
    data = clouds()
    trained = train_head(data, epochs=12, seed=0)

    accuracy, loss = score(trained.head, data, data.validation)

    assert accuracy > 0.9
    assert accuracy == trained.val_accuracy == max(trained.history.val_accuracy[6:])
    assert loss == pytest.approx(trained.history.val_loss[trained.best_epoch - 1])
    assert len(trained.history.accuracy) == len(trained.history.loss) == 12


def test_the_best_of_the_settled_epochs_is_kept_and_of_equals_the_later():
    trained = train_head(clouds(spread=2.5), epochs=10, seed=0)
    accuracies = trained.history.val_accuracy
    best = max(accuracies[5:])

    assert max(accuracies[:5]) > best, "an early epoch was luckier, so the rule is put to the test"
    assert trained.best_epoch == max(epoch for epoch in range(6, 11) if accuracies[epoch - 1] == best)


def test_the_same_seed_gives_the_same_head():
    first, second = (train_head(clouds(), epochs=3, seed=9) for _ in range(2))
    assert np.array_equal(first.head.kernel, second.head.kernel)
    assert first.history == second.history


def test_training_ends_when_told_and_keeps_what_it_has():
    trained = train_head(clouds(), epochs=50, seed=0, on_epoch=lambda epoch, _: epoch < 2)
    assert len(trained.history.val_accuracy) == 2


def test_a_feature_that_never_changes_and_a_dead_network_do_no_harm():
    data = clouds()
    data.features[:, :3] = 7.0
    assert train_head(data, epochs=8, seed=0).val_accuracy > 0.8
    data.features[:] = 0.0
    assert np.isfinite(train_head(data, epochs=2, seed=0).history.val_loss).all()


@pytest.mark.parametrize(("counts", "expected"), [([30, 10], [1, 1]), ([31, 10], [20.5 / 31, 2.05])])
def test_images_of_rare_classes_weigh_more_above_three_to_one(counts, expected):
    labels = np.repeat([0, 1], counts)
    assert class_weights(labels, 2) == pytest.approx(expected)


def test_a_rare_class_is_found_in_spite_of_its_rarity():
    data = clouds(counts=[600, 20], spread=3.0)
    head = train_head(data, epochs=10, seed=0).head
    rare = np.flatnonzero(data.labels == 1)
    assert (head.logits(data.features[rare]).argmax(axis=1) == 1).mean() > 0.8
