"""The pre-training run: what it learns from, and that killing it costs no more than a minute of it."""

import io
import json
import os
import subprocess
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from tests.preloaded.python import kill_preloaded, preloaded_python
from tests.waiting import until
from tools.pretrain.cache import open_cache, split_cache, write_cache
from tools.pretrain.checkpoint import Standing, load_checkpoint, save_checkpoint
from tools.pretrain.export import read_bundle, write_bundle
from tools.pretrain.objective import Objective, ObjectiveRecipe
from tools.pretrain.settling import settle
from tools.pretrain.student import build_fused, build_plain
from tools.pretrain.teacher import QUARTER_STAGES, Teacher
from tools.pretrain.training import prefetched
from tools.pretrain.view import ViewRecipe, draw_batch

ROOT = Path(__file__).parent.parent.parent
SIZE_PX = 32


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "colours.zip"
    chance = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as zipped:
        for label in range(3):
            for number in range(20):
                pixels = chance.integers(0, 80, (16, 16, 3), dtype=np.uint8)
                pixels[..., label] += 120
                data = io.BytesIO()
                Image.fromarray(pixels).save(data, "PNG")
                zipped.writestr(f"class{label}/{number}.png", data.getvalue())
    return path


def test_the_cache_holds_every_photograph_and_is_made_once(archive, tmp_path):
    said = []
    cache = write_cache([archive], tmp_path / "work", image_size_px=16, on_progress=lambda *two: said.append(two))
    assert said[-1] == (60, 60)
    assert cache.class_names == ("class0", "class1", "class2")
    assert np.argmax(cache.images.mean(axis=(1, 2)), axis=1).tolist() == cache.labels.tolist()
    write_cache([archive], tmp_path / "work", image_size_px=16, on_progress=lambda *_: pytest.fail("decoded again"))
    with pytest.raises(ValueError, match="other archives or at another size"):
        write_cache([archive], tmp_path / "work", image_size_px=8)
    with pytest.raises(FileNotFoundError, match="pretrain cache"):
        open_cache(tmp_path / "elsewhere")


def test_the_fused_network_computes_what_the_plain_one_does_and_learns_the_same_statistics():
    plain, fused = build_plain(SIZE_PX), build_fused(SIZE_PX)
    fused.set_weights(plain.get_weights())
    pixels = np.random.default_rng(0).uniform(-1, 1, (8, SIZE_PX, SIZE_PX, 3)).astype(np.float32)
    for training in (True, False):
        mine, theirs = fused(pixels, training=training), plain(pixels, training=training)
        np.testing.assert_allclose(mine, theirs, atol=2e-3)
    for mine, theirs in zip(fused.variables, plain.variables, strict=True):
        assert mine.path.split("/")[-2:] == theirs.path.split("/")[-2:]
        # The fused kernel divides the variance by n - 1, which eight images of one pixel at the last layers show.
        np.testing.assert_allclose(mine, theirs, atol=2e-2)


def test_teachers_answers_are_standardised_and_the_loss_counts_each_part():
    keras.utils.set_random_seed(0)
    pixels = np.random.default_rng(0).uniform(-1, 1, (16, SIZE_PX, SIZE_PX, 3)).astype(np.float32)
    teacher = Teacher(build_fused(SIZE_PX, width=0.25), [(name, name) for name in QUARTER_STAGES[:2]], share=0.5)
    teacher.calibrate([pixels])
    first = np.asarray(teacher.targets(pixels)[0])
    lively = first.std(axis=(0, 1, 2)) > 0.9
    assert lively.any()
    np.testing.assert_allclose(first.mean(axis=(0, 1, 2)), 0, atol=1e-3)
    assert teacher.num_views(pixels) == 8
    objective = Objective(build_fused(SIZE_PX), [teacher], num_classes=3, recipe=ObjectiveRecipe())
    labels = np.array([0, -1] * 8, np.int32)
    parts = {name: float(value) for name, value in objective.loss(pixels, labels, 0.5).items()}
    whole = 0.5 * parts["early"] + parts["final"] + parts["pooled"] + 0.1 * parts["label"]
    assert parts["loss"] == pytest.approx(whole, rel=1e-5)
    unlabelled = objective.loss(pixels, np.full(16, -1, np.int32), 0.5)
    assert float(unlabelled["label"]) == 0.0


def test_the_weight_of_early_stages_goes_from_its_start_to_its_end():
    recipe = ObjectiveRecipe(early_weight=1.0, early_weight_end=0.2)
    assert recipe.early_weight_at(0) == 1.0
    assert recipe.early_weight_at(1) == pytest.approx(0.2)


def test_a_checkpoint_brings_everything_back_and_refuses_another_run(tmp_path):
    variables = [keras.Variable(np.arange(3.0)), keras.Variable(np.ones((2, 2)))]
    assert load_checkpoint(tmp_path, {"model": variables}) is None
    save_checkpoint(tmp_path, Standing(step=7, elapsed_s=1.5, seed=3), {"model": variables})
    for variable in variables:
        variable.assign(variable * 0)
    assert load_checkpoint(tmp_path, {"model": variables}) == Standing(step=7, elapsed_s=1.5, seed=3)
    assert np.asarray(variables[0]).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="other teachers"):
        load_checkpoint(tmp_path, {"model": variables[:1]})


def test_the_exported_file_is_small_repeatable_and_gives_the_same_features(tmp_path):
    student = build_plain(SIZE_PX)
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    assert write_bundle(student, first) == write_bundle(student, second)
    assert first.stat().st_size < 2.5e6
    with np.load(first) as arrays:
        assert [name.split(":")[0] for name in arrays.files] == [f"{n:03d}" for n in range(len(student.variables))]
        assert {array.dtype for array in arrays.values()} == {np.dtype(np.float16)}
    pixels = np.random.default_rng(0).uniform(-1, 1, (2, SIZE_PX, SIZE_PX, 3)).astype(np.float32)
    np.testing.assert_allclose(read_bundle(first, SIZE_PX)(pixels), student(pixels), atol=1e-2)


def test_weights_that_float16_cannot_hold_are_refused(tmp_path):
    student = build_plain(SIZE_PX)
    student.variables[0].assign(student.variables[0] * np.nan)
    with pytest.raises(ValueError, match="diverged"):
        write_bundle(student, tmp_path / "a.npz")
    assert not (tmp_path / "a.npz").exists()


def test_settled_statistics_are_those_of_the_views_and_nothing_else_changes(archive, tmp_path):
    cache = write_cache([archive], tmp_path / "work", image_size_px=16)
    student = build_plain(SIZE_PX)
    before = {variable.path: np.array(variable) for variable in student.variables}
    settle(student, cache, size_px=SIZE_PX)
    after = {variable.path: np.array(variable) for variable in student.variables}
    changed = {path.split("/")[-1] for path in before if not np.array_equal(before[path], after[path])}
    assert changed == {"moving_mean", "moving_variance"}
    # Before a ReLU, a normalised channel has the mean and deviation that its own beta and gamma ask for: 0 and 1.
    positions = split_cache(cache).training
    generator = np.random.default_rng(5)
    views = draw_batch(cache, positions, recipe=ViewRecipe(size_px=SIZE_PX), batch_size=64, generator=generator)
    shown = np.asarray(keras.Model(student.input, student.get_layer("conv1_bn").output)(views.pixels))
    np.testing.assert_allclose(shown.mean(axis=(0, 1, 2)), 0, atol=0.3)
    np.testing.assert_allclose(shown.std(axis=(0, 1, 2)), 1, atol=0.3)


def test_batches_are_those_of_their_steps_wherever_a_run_is_taken_up():
    taken = prefetched(lambda step: step, first_step=5)
    assert [next(taken) for _ in range(4)] == [5, 6, 7, 8]


@pytest.mark.slow
def test_a_killed_run_is_carried_on_by_the_same_command(archive, tmp_path):
    work = tmp_path / "work"
    write_cache([archive], work, image_size_px=16)
    command = [preloaded_python(), "-m", "tools.pretrain", "train", "--work", str(work), "--view-size", str(SIZE_PX)]
    command += ["--batch-size", "4", "--label-weight", "1", "--checkpoint-every", "0", "--steps"]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with subprocess.Popen([*command, "100000"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as process:
        until(lambda: (work / "checkpoint.npz").exists() or process.poll() is not None)
        assert process.poll() is None
        kill_preloaded(process)
    with np.load(work / "checkpoint.npz") as arrays:
        reached = int(arrays["step"])
    done = subprocess.run(
        [*command, str(reached + 3)], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    outcome = json.loads(done.stdout)
    assert outcome["first_step"] == reached > 0
    assert outcome["step"] == reached + 3
    assert 0 <= outcome["validation_accuracy"] <= 1
    assert json.loads((work / "log.jsonl").read_text().splitlines()[-1])["step"] == reached + 3
