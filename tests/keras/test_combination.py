"""Backbones side by side: one network that sees what each of them sees, tried after them, taken where it is better."""

from dataclasses import replace
from importlib import import_module

import keras
import numpy as np
import pytest

from services.trainer.data.dataset import images_path
from services.trainer.export.formats.squares_model import from_squares
from services.trainer.export.keras_file import portable
from services.trainer.export.runtimes import read_onnx, read_tflite
from services.trainer.screening.candidate import open_store
from services.trainer.screening.features import learning_rows, mirrored
from services.trainer.screening.fit import HeadPlan
from services.trainer.screening.forward import compile_forward
from services.trainer.screening.screen import screen
from services.trainer.zoo.combination.joined import assemble
from services.trainer.zoo.combination.limits import Limits
from services.trainer.zoo.combination.pooled import beside
from services.trainer.zoo.combination.row import combined_row, combined_weights
from services.trainer.zoo.families.mobilenet import levels_of_mobilenet
from services.trainer.zoo.head import Head, Reading
from services.trainer.zoo.network import build, complete
from services.trainer.zoo.sources.weights import Source, WeightsFile
from shared.job.job import TrialState
from shared.job.options import LevelChoice
from tests.doubles.memory_ledger import MemoryLedger
from tests.zoo_fixture import PX, coloured_dataset, make_run, small_backbone, write_weights

PLAN = HeadPlan(levels=LevelChoice.AUTO, epochs=3, limits=Limits(most_backbones=3))
FIRST, SECOND = small_backbone("first"), small_backbone("second", gflops=2)
SHORT = replace(SECOND, levels=levels_of_mobilenet(0.25)[2:])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return [write_weights(tmp_path_factory.mktemp("weights"), seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return coloured_dataset(tmp_path_factory.mktemp("dataset"), per_class=20)


@pytest.fixture(scope="module")
def screened(dataset, files, tmp_path_factory):
    ledger = MemoryLedger()
    run = make_run(tmp_path_factory.mktemp("screened"), ledger=ledger)
    return screen(dataset.learning, list(zip((FIRST, SECOND), files, strict=True)), run, PLAN), ledger


def test_side_by_side_they_give_what_each_of_them_gives_alone(dataset, files):
    pixels = np.asarray(dataset.images(PX)[:4], np.float32)
    rows = (FIRST, SHORT)
    alone = [(row, np.asarray(build(row, file).whole(pixels)[1])) for row, file in zip(rows, files, strict=True)]
    row = combined_row(rows)
    together = assemble(row, combined_weights(files))
    features, pooled = together.whole(pixels)
    np.testing.assert_allclose(pooled, beside(alone), atol=1e-5)
    np.testing.assert_allclose(features, np.hstack([alone[0][1][:, -256:], alone[1][1][:, -256:]]), atol=1e-5)
    assert row.name == "first+second"
    assert [width for _, width in row.levels] == [16, 32, 128, 256, 256, 256, 512]
    assert row.parameters == 2 * 218_544


@pytest.mark.parametrize("reading", [Reading(), Reading(num_levels=7, views=2)])
def test_the_delivered_network_is_one_file_of_plain_layers_that_other_formats_can_express(
    dataset, files, tmp_path, reading
):
    row = combined_row((FIRST, SECOND))
    network = assemble(row, combined_weights(files))
    pixels = np.asarray(dataset.images(PX)[:3])
    pooled = np.asarray(network.whole(pixels.astype(np.float32))[1])
    if reading.views > 1:
        pooled = (pooled + np.asarray(network.whole(mirrored(pixels).astype(np.float32))[1])) / 2
    width = row.width_of(reading.num_levels)
    kernel = np.random.default_rng(0).normal(0, 0.05, (width, 3)).astype(np.float32)
    head = Head(kernel=kernel, bias=np.zeros(3, np.float32), reading=reading)
    expected = keras.ops.softmax(head.logits(pooled[:, -width:]))

    model = complete(network, head)
    portable.save(model, tmp_path / "model.h5")
    loaded = keras.models.load_model(tmp_path / "model.h5", compile=False)
    np.testing.assert_allclose(loaded(pixels), expected, atol=1e-5)
    squares = from_squares(model, PX)
    np.testing.assert_allclose(squares.model(pixels.astype(np.float32))[0], expected, atol=1e-5)
    for package, name, read in (
        ("onnxruntime", "onnx", read_onnx),
        ("ai_edge_litert", "tflite", read_tflite),
    ):
        pytest.importorskip(package)
        writer = import_module(f"services.trainer.export.formats.{name}.writer")
        getattr(writer, f"write_{name}")(squares, tmp_path / f"model.{name}")
        found = read(tmp_path / f"model.{name}").look(pixels.astype(np.float32))
        np.testing.assert_allclose(found.probabilities, expected, atol=1e-4)
        assert found.features is not None
        np.testing.assert_allclose(found.features, pooled[:, -width:], atol=1e-3)  # what tells strangers is of both


def test_the_best_two_are_tried_together_from_the_features_that_are_there(screened, dataset):
    found, _ = screened
    names = [each.name for each in found.candidates]
    assert names == ["first", "second", "first+second"]
    together = found.candidates[-1]
    assert together.state is TrialState.DONE
    assert together.cross_validation.num_images == len(learning_rows(dataset.learning))
    assert found.winner.name in names


def test_a_successor_finds_the_combination_in_the_ledger(screened, dataset, files, tmp_path):
    found, ledger = screened
    usable = list(zip((FIRST, SECOND), files, strict=True))
    again = screen(dataset.learning, usable, make_run(tmp_path, ledger=ledger), PLAN)
    assert again.candidates == found.candidates
    assert again.winner.name == found.winner.name
    assert again.store is None


def test_features_taken_over_are_those_that_a_pass_would_give(dataset, files, tmp_path):
    run, rows = make_run(tmp_path), learning_rows(dataset.learning)
    parts = [open_store(dataset.learning, run, row, file) for row, file in zip((FIRST, SECOND), files, strict=True)]
    for part in parts:
        part.compute(rows)
    row, weights = combined_row((FIRST, SECOND)), combined_weights(files)
    together = open_store(dataset.learning, run, row, weights)
    together.take_over(parts, rows)
    taken = together.read_whole(rows)
    assert together.pace is not None
    assert together.compute(rows, on_batch=lambda _: pytest.fail("an image went through again"))
    np.testing.assert_allclose(taken, together.forward(rows)[1], atol=1e-4)
    assert together.num_parameters == row.parameters
    assert not together.is_built  # what loses costs no seconds of being built
    for part in parts:
        part.discard()
    lent = together.forward(rows[:8])
    together.rest()
    for given, built in zip(lent, together.forward(rows[:8]), strict=True):
        np.testing.assert_allclose(given, built, atol=1e-4)


def counting(compiled):
    """Return what builds networks and notes of which of them a pass is compiled."""

    def opening(dataset, run, backbone, weights):
        def compile_pass(network, precision):
            compiled.append(backbone.name)
            return compile_forward(network, precision)

        return open_store(dataset, run, backbone, weights, compile_pass=compile_pass)

    return opening


def test_what_two_of_one_size_made_of_the_images_is_kept_though_one_of_another_size_ranks_between_them(files, tmp_path):
    dataset = coloured_dataset(tmp_path / "dataset", per_class=20)
    squares = np.load(images_path(dataset.directory, PX))
    np.save(images_path(dataset.directory, 2 * PX), squares.repeat(2, axis=1).repeat(2, axis=2))
    dataset = replace(dataset, sizes_px=(PX, 2 * PX))
    third = small_backbone("third", gflops=3)
    usable = [(row, files[0]) for row in (replace(FIRST, input_px=2 * PX), SECOND, replace(third, input_px=2 * PX))]
    plan, compiled = replace(PLAN, limits=Limits(most_backbones=2)), []
    found = screen(dataset.learning, usable, make_run(tmp_path / "run"), plan, open_store=counting(compiled))
    accuracies = {each.name: each.val_accuracy for each in found.candidates}
    assert list(accuracies) == ["first", "second", "third", "first+third"]
    assert accuracies["second"] >= accuracies["third"], "so it ranks between the two that can stand side by side"
    assert compiled == ["first", "second", "third"], "no image goes through both of them once more"


def test_what_the_third_best_made_of_the_images_is_kept_though_the_best_two_rank_before_it_together(
    dataset, files, tmp_path
):
    third = small_backbone("third", gflops=3)
    blind = build(third, None)
    blind.model.set_weights([np.zeros_like(values) for values in blind.model.get_weights()])
    blind.model.save_weights(tmp_path / "blind.weights.h5")
    usable = list(
        zip(
            (FIRST, SECOND, third),
            (*files, WeightsFile.read(tmp_path / "blind.weights.h5", Source.MIRROR)),
            strict=True,
        )
    )
    compiled = []
    found = screen(dataset.learning, usable, make_run(tmp_path / "run"), PLAN, open_store=counting(compiled))
    accuracies = {each.name: each.val_accuracy for each in found.candidates}
    assert list(accuracies) == ["first", "second", "third", "first+second", "first+second+third"]
    assert accuracies["first+second"] > accuracies["third"]
    assert compiled == ["first", "second", "third"], "no image goes through all three of them once more"
