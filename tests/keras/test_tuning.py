from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from services.trainer.fitting.standard import standard_of
from services.trainer.screening.features import FeatureStore, learning_rows
from services.trainer.screening.forward import compile_forward
from services.trainer.screening.screen import Screening
from services.trainer.tuning.activations import MirrorImages, shuffled_batches
from services.trainer.tuning.tail import Tail, packed, unpacked
from services.trainer.tuning.trial import Material, fit_recipe, judge, ranks_of, reading_of
from services.trainer.tuning.tune import TunePlan, tune
from services.trainer.zoo.head import FEATURES, Head, Reading
from services.trainer.zoo.network import build, complete
from shared.job.findings.training import Hyperparameters
from shared.job.job import TrialState
from shared.job.options import TuneSearch
from tests.doubles.memory_ledger import MemoryLedger
from tests.shared_networks import screen
from tests.zoo_fixture import (
    PX,
    by_epochs,
    coloured_dataset,
    make_run,
    small_backbone,
    untrained_head,
    write_weights,
)


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """A data set, and a folder with weights: random ones, but the same each time."""
    folder = tmp_path_factory.mktemp("tuning")
    dataset = coloured_dataset(folder / "dataset", per_class=40)
    return dataset, small_backbone("winner"), write_weights(folder)


def screened(material, run, *, epochs: int = 2) -> Screening:
    dataset, backbone, weights = material
    return screen(dataset, [(backbone, weights)], run, by_epochs(epochs))


def tuned(material, run, screening, **options):
    settings = {"epochs": 4, "trials": 1, "search": TuneSearch.RANDOM, **options}
    return tune(material[0], screening, run, TunePlan(**settings))


def accuracy_of(trained, dataset, rows) -> float:
    model = complete(
        build(trained.backbone, trained.weights),
        trained.head,
        tail_weights=trained.tail_weights,
    )
    predicted = model.predict(np.asarray(dataset.images(PX)[rows]), verbose=0).argmax(axis=1)
    return float((predicted == dataset.labels[rows]).mean())


def test_a_poor_head_is_improved_and_what_is_assembled_is_what_was_judged(material, tmp_path):
    run = make_run(tmp_path)
    screening = screened(material, run)
    poor = replace(screening, head=untrained_head(256, 3))

    trained = tuned(material, run, poor, epochs=150)

    result = trained.result
    assert result.best_epoch > 0
    assert result.val_accuracy == max(result.history.val_accuracy) > 0.5
    assert trained.tail_weights is not None
    dataset = material[0]
    assert accuracy_of(trained, dataset, dataset.split.validation) == pytest.approx(result.val_accuracy, abs=0.06)


def test_where_no_epoch_is_better_the_screened_network_stays(material, tmp_path):
    run = make_run(tmp_path)
    easy = coloured_dataset(tmp_path / "easy", noise=5.0)
    screening = screen(easy, [material[1:]], run, by_epochs(10))
    sure = replace(
        screening, head=replace(screening.head, kernel=screening.head.kernel * 1e3, bias=screening.head.bias * 1e3)
    )

    before = sure.store.network.read_tail()

    trained = tune(easy, sure, run, TunePlan(epochs=1, trials=1, search=TuneSearch.RANDOM))

    assert trained.result.best_epoch == 0
    assert trained.result.val_accuracy == screening.result.val_accuracy == 1.0
    assert trained.tail_weights is None
    assert trained.head is sure.head
    for kept, original in zip(sure.store.network.read_tail(), before, strict=True):
        np.testing.assert_array_equal(kept, original)


def test_no_epochs_no_tuning(material, tmp_path):
    run = make_run(tmp_path)
    screening = screened(material, run)
    trained = tuned(material, run, screening, epochs=0)
    assert trained.result is None
    assert trained.head is screening.head


def test_the_same_seed_gives_the_same_network(material, tmp_path):
    made = []
    for name in ("a", "b"):
        run = make_run(tmp_path / name)
        made.append(tuned(material, run, replace(screened(material, run), head=untrained_head(256, 3)), trials=2))
    first, second = made
    assert first.result.history == second.result.history
    for one, other in zip(first.tail_weights, second.tail_weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_further_recipes_are_tried_and_bad_starts_are_culled_after_one_epoch(material, tmp_path):
    ledger, reported = MemoryLedger(), []
    run = make_run(tmp_path, ledger=ledger, reported=reported)
    poor = replace(screened(material, run), head=untrained_head(256, 3))

    trained = tuned(material, run, poor, trials=4, search=TuneSearch.GENETIC)

    trials = trained.result.trials
    assert len(trials) == 4
    assert trials[0].epochs == 4
    assert {each.epochs for each in trials} <= {1, 4}
    assert trained.result.val_accuracy == max(each.val_accuracy for each in trials)
    assert [name for name in ledger.entries if name.startswith("tune/")] == ["tune/0", "tune/1", "tune/2", "tune/3"]
    assert reported[-1].total == 16


def test_a_successor_takes_finished_recipes_from_the_ledger_and_goes_on(material, tmp_path):
    whole, broken = MemoryLedger(), MemoryLedger()
    run = make_run(tmp_path / "whole", ledger=whole)
    expected = tuned(material, run, replace(screened(material, run), head=untrained_head(256, 3)), trials=3)

    first = make_run(
        tmp_path / "first", ledger=broken, stop_reason=lambda: "preempted" if "tune/0" in broken.entries else None
    )
    tuned(material, first, replace(screened(material, first), head=untrained_head(256, 3)), trials=3)
    assert "tune/1" not in broken.entries
    second = make_run(tmp_path / "second", ledger=broken)
    resumed = tuned(material, second, replace(screened(material, second), head=untrained_head(256, 3)), trials=3)

    assert [each.hyperparameters for each in resumed.result.trials] == [
        each.hyperparameters for each in expected.result.trials
    ]
    assert resumed.result.history == expected.result.history
    for one, other in zip(resumed.tail_weights, expected.tail_weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("change", ["nothing", "backbone", "weights", "split"])
def test_only_recipes_of_the_same_winner_with_the_same_weights_on_the_same_split_count(material, tmp_path, change):
    ledger, reported = MemoryLedger(), []
    first = make_run(tmp_path / "first", ledger=ledger)
    tuned(material, first, replace(screened(material, first), head=untrained_head(256, 3)), trials=2, epochs=2)
    second = make_run(tmp_path / "second", ledger=ledger, reported=reported)
    screening, dataset = replace(screened(material, second), head=untrained_head(256, 3)), material[0]
    if change == "backbone":
        screening = replace(screening, winner=replace(screening.winner, name="another"))
    elif change == "weights":
        screening = replace(screening, weights=replace(screening.weights, sha256="another"))
    elif change == "split":
        dataset = replace(dataset, split_sha256="another")

    trained = tuned((dataset, *material[1:]), second, screening, trials=2, epochs=2)

    assert len(trained.result.trials) == 2
    assert any(each.phase == "tune" and each.done > 0 for each in reported) == (change != "nothing")


def test_told_to_stop_the_best_epoch_so_far_is_kept(material, tmp_path):
    reported = []
    run = make_run(
        tmp_path,
        reported=reported,
        stop_reason=lambda: "budget" if reported and reported[-1].phase == "tune" and reported[-1].done >= 2 else None,
    )
    poor = replace(screened(material, run), head=untrained_head(256, 3))

    trained = tuned(material, run, poor, epochs=50)

    assert len(trained.result.history.val_accuracy) == 2
    assert trained.result.val_accuracy == max(trained.result.history.val_accuracy)


def test_a_recipe_that_diverges_is_reported_and_the_screened_network_stays(material, tmp_path):
    ledger = MemoryLedger()
    run = make_run(tmp_path, ledger=ledger)
    screening = screened(material, run)
    endless = replace(screening.head, bias=np.full(3, np.nan, np.float32))

    trained = tuned(material, run, replace(screening, head=endless))

    assert ledger.entries["tune/0"].trial.state is TrialState.FAILED
    assert "diverged" in ledger.entries["tune/0"].trial.reason
    assert trained.tail_weights is None


class ShortOfMemory(Tail):
    """A tail on a device that holds 16 images."""

    def learn(self, activations, labels, recipe, **how):
        if len(activations) > 16:
            raise tf.errors.ResourceExhaustedError(None, None, "no more")
        return super().learn(activations, labels, recipe, **how)


def test_out_of_memory_a_recipe_goes_on_with_half_the_batch(material, tmp_path):
    dataset = material[0]
    store = screened(material, make_run(tmp_path)).store
    tail = ShortOfMemory(store.network, untrained_head(256, 3), class_weights=np.ones(3, np.float32), seed=0)
    recipe = Hyperparameters(learning_rate=1e-3, batch_size=64)

    made = fit_recipe(
        Material(dataset=dataset, store=store, tail=tail, seed=0), recipe, epochs=1, goes_on=lambda *_: True
    )

    assert made.hyperparameters == Hyperparameters(learning_rate=1e-3, batch_size=16)
    assert len(made.history.loss) == 1


def test_steps_are_those_of_adamw_with_batch_normalisation_in_inference_mode(material, tmp_path):
    dataset, backbone, weights = material
    store = screened(material, make_run(tmp_path)).store
    rows = dataset.split.train[:32]
    activations, labels = store.activations_of(rows), dataset.labels[rows]
    start = Head(kernel=np.full((256, 3), 0.01, np.float32), bias=np.zeros(3, np.float32))
    tail = Tail(store.network, start, class_weights=np.ones(3, np.float32), seed=0)
    recipe = Hyperparameters(learning_rate=1e-3, batch_size=32, weight_decay=0.1, label_smoothing=0.1)

    other = build(backbone, weights)
    dense = keras.layers.Dense(3)
    dense.build((None, 256))
    dense.set_weights([start.kernel, start.bias])
    variables = [*other.tail_variables, dense.kernel, dense.bias]
    optimizer = keras.optimizers.AdamW(1e-3, weight_decay=0.1, epsilon=1e-7)
    optimizer.exclude_from_weight_decay([each for each in variables if len(each.shape) == 1])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    for _ in range(3):
        tail.learn(activations, labels, recipe, rate=1e-3)
        with tf.GradientTape() as tape:
            logits = dense(other.tail(tf.cast(activations, tf.float32), training=False))
            value = loss(tf.one_hot(labels, 3), logits)
        optimizer.apply(tape.gradient(value, [each.value for each in variables]), variables)

    made = tail.read()
    for mine, theirs in zip([*made.tail, made.head.kernel, made.head.bias], variables, strict=True):
        np.testing.assert_allclose(mine, np.asarray(theirs), atol=2e-5)
    for layer in store.network.tail_layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            np.testing.assert_array_equal(layer.moving_mean, other.model.get_layer(layer.name).moving_mean)


def test_where_activations_are_not_kept_no_more_images_than_a_pass_takes_are_computed_at_once(material, tmp_path):
    dataset, backbone, weights = material
    sent = []

    def watched(network):
        forward = compile_forward(network)
        return lambda images: sent.append(len(images)) or forward(images)

    store = FeatureStore(
        build(backbone, weights),
        dataset.images(PX),
        tmp_path,
        max_activation_bytes=0,
        halvings=3,
        compile_pass=watched,
    )
    rows = dataset.split.train
    batches = list(shuffled_batches(store, rows, batch_size=16, generator=np.random.default_rng(0)))
    assert max(sent) == 4
    assert sorted(np.concatenate([part for part, _ in batches])) == rows.tolist()
    expected = store.activations_of(np.sort(batches[0][0]))
    order = np.argsort(batches[0][0])
    np.testing.assert_allclose(batches[0][1][order], expected, atol=1e-2)


@pytest.mark.parametrize(
    "genes",
    [{"every_level": True}, {"mirrored": True, "depth": 0.5}, {"every_level": True, "mirrored": True, "depth": 0.0}],
    ids=str,
)
def test_what_a_recipe_reads_and_unfreezes_is_what_is_judged_kept_and_delivered(material, tmp_path, genes):
    dataset, backbone, weights = material
    screening = screened(material, make_run(tmp_path))
    store, rows = screening.store, learning_rows(dataset)
    every = store.read_by(Reading(num_levels=len(backbone.levels)))
    tail = Tail(
        store.network,
        screening.head,
        class_weights=np.ones(3, np.float32),
        seed=0,
        standard=standard_of(every, dataset.split.train),
    )
    given = Material(dataset=dataset, store=store, tail=tail, seed=0, mirror=MirrorImages(store, rows))
    before, screened_rank = store.network.read_tail(), judge(given)
    recipe = Hyperparameters(learning_rate=1e-3, batch_size=16, **genes)
    reading = reading_of(recipe, len(backbone.levels))

    made = fit_recipe(given, recipe, epochs=2, goes_on=lambda *_: True)

    state = unpacked(packed(made.best))
    assert state.head.reading == reading
    changed = [not np.array_equal(one, other) for one, other in zip(state.tail, before, strict=True)]
    assert any(changed) is (recipe.depth > 0)
    assert all(changed) is (recipe.depth == 1)
    model = complete(build(backbone, weights), state.head, tail_weights=state.tail)
    validation = dataset.split.validation
    probabilities = model.predict(np.asarray(dataset.images(PX)[validation]), verbose=0)
    of_right = probabilities[np.arange(len(validation)), dataset.labels[validation]]
    judged_loss = -max(ranks_of(made.history))[1]
    assert -np.log(of_right).mean() == pytest.approx(judged_loss, abs=5e-3)
    tail.load(None)
    assert judge(given, FEATURES) == pytest.approx(screened_rank, abs=1e-5), "the screened network is found again"
