"""A worker and its training process, for real: from a zip to a verified delivery, through every interruption.

One job is done by processes that import all they need themselves, which a process that dies while it tunes does too;
the others by processes of the preloaded Python, see :mod:`tests.preloaded.python`.
"""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import keras
import numpy as np
import pytest
from PIL import Image

from services.trainer.data.prepare import identify, prepare
from services.trainer.export.rescore import raw_images
from services.trainer.run.context import Run
from services.trainer.run.progress import PHASES
from services.trainer.strangers.likeness import read_likeness
from shared.job.candidates import AUTO
from shared.job.events import EventType
from shared.job.job import Job, JobState, TrialState
from shared.job.options import JobOptions
from shared.job.result import Result
from shared.json_codec import from_json
from shared.layout import OTHER_FORMATS
from tests.preloaded.python import kill_preloaded, preloaded_python
from tests.training_fixture import (
    CLASSES,
    JOB_ID,
    MIRRORED,
    Site,
    null_ledger,
    still_countdown,
    write_archive,
    write_mirror,
)
from tests.waiting import PATIENCE_S


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mirror(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, mirror: Path) -> Site:
    """A site whose job went through without interruption."""
    site = Site(folder=tmp_path_factory.mktemp("site"), mirror=mirror)
    site.submit(
        write_archive(site.archive, per_class=30),
        candidates=(MIRRORED, "vgg16", "xception"),
        max_parameters=15_000_000,
        epochs=5,
        tune_epochs=2,
        tune_trials=2,
    )
    worker = site.start_worker(CONVTAILOR_FORMATS=",".join(OTHER_FORMATS), CONVTAILOR_WARM_CHILD="true")
    try:
        site.wait_for(lambda job: job.device is not None, worker)
        (site.folder / "maps").write_text(Path(f"/proc/{worker.pid}/maps").read_text())
        site.wait_for(lambda job: job.state is not JobState.TRAINING and job.state is not JobState.QUEUED, worker)
    finally:
        stop(worker)
    return site


def stop(worker: "subprocess.Popen[bytes]") -> None:
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE_S) == 0


def in_phase(phase: str) -> Callable[[Job], bool]:
    return lambda job: job.progress is not None and job.progress.phase == phase


def has_ended(job: Job) -> bool:
    return job.state not in (JobState.QUEUED, JobState.TRAINING)


def read_result(site: Site) -> Result:
    key = site.job().artefacts.result
    assert key is not None
    return from_json(Result, json.loads(site.backends.object_store.read(key)))


def test_the_job_is_announced_once_with_everything_delivered(finished: Site) -> None:
    job = finished.job()
    assert job.state is JobState.REPORTING, job.fault
    assert [event.type for event in finished.told()] == [EventType.TRAINING_FINISHED]
    delivered = [job.artefacts.model_h5, job.artefacts.model_keras, job.artefacts.labels, job.artefacts.predict]
    assert {*delivered, job.artefacts.result} <= set(finished.stored())
    states = {trial.name: trial.state for trial in job.trials}
    assert states == {
        f"screen/{MIRRORED}": TrialState.DONE,
        "screen/vgg16": TrialState.SKIPPED,
        "screen/xception": TrialState.SKIPPED,
        "tune/0": TrialState.DONE,
        "tune/1": TrialState.DONE,
    }
    assert job.device is not None
    assert job.device.startswith(("CPU", "NVIDIA"))
    assert job.progress is not None
    assert job.progress.best is not None
    assert job.progress.best.candidate == MIRRORED


def test_nothing_is_left_in_the_scratch_folder(finished: Site) -> None:
    assert not list((finished.folder / "data" / "scratch").iterdir())


def test_the_result_says_what_its_answers_are_worth(finished: Site) -> None:
    result = read_result(finished)
    assert result.verdict is not None
    assert result.verdict.neighbours is not None
    assert result.suspects is not None
    assert result.suspects.num_examined == result.counts.train + result.counts.validation
    assert result.certainty is not None
    assert result.certainty.num_images == result.counts.validation  # it was fine-tuned, so that judges it
    assert result.growth is not None
    assert len(result.growth.classes) == len(CLASSES)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory map of a process")
def test_the_worker_never_loads_tensorflow(finished: Site) -> None:
    maps = (finished.folder / "maps").read_text()
    assert "libsqlite3" in maps or "_sqlite3" in maps
    assert "tensorflow" not in maps


def test_the_result_tells_the_whole_story(finished: Site) -> None:
    result = read_result(finished)
    assert result.winner == MIRRORED
    assert result.classes == CLASSES
    reasons = {candidate.name: candidate.skipped_because for candidate in result.candidates}
    assert reasons[MIRRORED] is None
    assert "vgg16" in str(reasons["vgg16"]), "its file is named"
    assert reasons["xception"] == "it has 20,861,480 parameters, and max_parameters is 15,000,000"
    assert sum(map(sum, result.test.confusion_matrix)) == result.test.num_images == result.counts.test
    assert result.test.interval[0] <= result.test.accuracy <= result.test.interval[1]
    assert result.model.total_parameters == 218_544 + 3 * 257
    assert f"{result.model.trainable_parameters:,}" in result.model.summary
    assert "probabilities (Dense)" in result.model.summary
    spent = result.timings_s
    parts = (spent.prepare, spent.screen, spent.tune, spent.evaluate, spent.export)
    assert min(parts) > 0
    assert sum(parts) <= spent.total


def test_the_delivered_networks_repeat_the_result_on_the_raw_test_images(finished: Site, tmp_path: Path) -> None:
    result = read_result(finished)
    dataset = prepare(
        finished.archive, quiet_run(tmp_path), key=identify(finished.archive, JobOptions()), sizes_px=[224]
    )
    paths = [dataset.paths[position] for position in dataset.split.test]
    labels = dataset.labels[dataset.split.test]
    for name in ("model.h5", "model.keras"):
        model = keras.models.load_model(finished.fetch(name, tmp_path), compile=False)
        scores = np.concatenate(
            [np.asarray(model(image[None], training=False)) for image in raw_images(finished.archive, paths)]
        )
        assert (scores.argmax(axis=1) == labels).mean() == pytest.approx(result.test.accuracy, abs=1.5 / len(labels))
        for mistake in result.test.mistakes:
            row = scores[paths.index(mistake.path)]
            assert row[CLASSES.index(mistake.predicted)] == pytest.approx(mistake.confidence, abs=0.05)
            assert CLASSES[labels[paths.index(mistake.path)]] == mistake.actual


def test_every_format_is_delivered_that_could_be_tried_and_the_others_have_a_reason(finished: Site) -> None:
    result, artefacts = read_result(finished), finished.job().artefacts
    keys = {
        "model.onnx": artefacts.model_onnx,
        "model_float16.tflite": artefacts.model_tflite_float16,
        "model.tflite": artefacts.model_tflite,
        "model.mlpackage.zip": artefacts.model_coreml,
    }
    assert [each.file for each in result.formats] == list(keys)
    for each in result.formats:
        assert (keys[each.file] is None) == (each.left_out_because is not None)
        if each.left_out_because is None:
            assert keys[each.file] in finished.stored()
            assert each.num_images == result.counts.test
            assert each.test_accuracy == pytest.approx(result.test.accuracy)
            assert each.kept_gap is not None
            assert each.kept_gap < 0.01 or "float16" in each.file
    if find_spec("onnx") and find_spec("onnxruntime"):
        assert artefacts.model_onnx is not None


def test_the_zip_of_a_delivery_is_all_that_somebody_else_needs(finished: Site, tmp_path: Path) -> None:
    with ZipFile(finished.fetch("model.zip", tmp_path)) as archive:
        archive.extractall(tmp_path)
    run = subprocess.run(
        [sys.executable, "-I", tmp_path / "predict.py", *sorted((tmp_path / "examples").glob("*.jpg"))],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = json.loads((tmp_path / "examples" / "expected.json").read_text(encoding="utf-8"))
    told = {Path(line.split("\t")[0]).name: line.split("\t")[1:] for line in run.stdout.splitlines()}
    assert told.keys() == expected.keys()
    for name, (found, probability, *_unlike) in told.items():
        assert found == expected[name]["class"]
        assert float(probability) == pytest.approx(expected[name]["probabilities"][found], abs=0.01)
    result = read_result(finished)
    assert from_json(Result, json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))) == result
    advised = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))["unsure_below"]
    assert result.certainty is not None
    assert advised == result.certainty.threshold
    check = result.certainty.check
    strangers = tmp_path / "strangers.json"
    assert strangers.exists() == (check is not None) == (finished.job().artefacts.strangers is not None)
    if check is not None:  # with enough photographs that the network had not learnt from
        assert check.num_images == result.counts.test
        assert read_likeness(strangers.read_text(encoding="utf-8"), CLASSES).limit == check.limit
    headings = {
        "splits.csv": "path,class,split",
        "predictions.csv": "path,class,predicted",
        "suspects.csv": "path,filed as,looks like",
    }
    for name, heading in headings.items():
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(heading)
    answers = (tmp_path / "predictions.csv").read_text(encoding="utf-8").splitlines()
    assert len(answers) == 1 + result.counts.test
    assert (tmp_path / "model.zip").stat().st_size < 3 * (tmp_path / "model.keras").stat().st_size


def test_the_delivered_program_reads_pictures_upright_with_keras_alone(finished: Site, tmp_path: Path) -> None:
    for name in ("model.h5", "labels.txt", "predict.py"):
        finished.fetch(name, tmp_path)
    (pixels,) = raw_images(finished.archive, ["photos/blue disc/0.JPG"])
    upright = Image.fromarray(pixels)
    upright.save(tmp_path / "upright.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    # -I: nothing of this repository can be imported
    run = subprocess.run(
        [sys.executable, "-I", tmp_path / "predict.py", tmp_path / "upright.png", tmp_path / "turned.png"],
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = (line.split("\t") for line in run.stdout.splitlines())
    assert first[1] in CLASSES
    assert 1 / 3 <= float(first[2]) <= 1
    assert second[1:] == first[1:]


def quiet_run(directory: Path) -> Run:
    return Run(
        directory=directory,
        seed=0,
        report=lambda _: None,
        stop_reason=lambda: None,
        countdown=still_countdown(),
        ledger=null_ledger(),
    )


@pytest.mark.slow
def test_workers_killed_in_every_phase_end_in_one_finished_job(tmp_path: Path, mirror: Path) -> None:
    site = Site(folder=tmp_path, mirror=mirror)
    site.submit(write_archive(site.archive, per_class=20), epochs=3, tune_epochs=2, tune_trials=2)
    for number, phase in enumerate(PHASES):
        if phase == "tune":
            worker = site.start_worker()
            site.wait_for(in_phase(phase), worker)
            worker.kill()
            worker.wait()
            continue
        worker = site.start_worker(python=preloaded_python())
        site.wait_for(in_phase(phase), worker)
        if number % 2:
            stop(worker)
        else:
            kill_preloaded(worker)
    worker = site.start_worker(python=preloaded_python())
    job = site.wait_for(has_ended, worker)
    stop(worker)
    assert job.state is JobState.REPORTING, job.fault
    assert job.claim is not None
    assert job.claim.fence >= len(PHASES) + 1  # on a busy machine a worker may be too late to keep its claim
    assert [event.type for event in site.told()] == [EventType.TRAINING_FINISHED]
    pages = [key.split("/ledger/")[1] for key in site.stored() if key.endswith(".json") and "/ledger/" in key]
    once = ("candidates", "dataset", f"screen/{MIRRORED}", "tune/0", "tune/1")
    assert Counter(pages) == {f"{name}.json": 1 for name in once}, "no trial was repeated, nothing was decided twice"
    assert {trial.name for trial in job.trials} == {f"screen/{MIRRORED}", "tune/0", "tune/1"}
    assert read_result(site).job_id == JOB_ID


@pytest.mark.slow
def test_cancelling_while_it_trains_delivers_the_best_so_far(tmp_path: Path, mirror: Path) -> None:
    site = Site(folder=tmp_path, mirror=mirror)
    site.submit(write_archive(site.archive, per_class=20), epochs=3, tune_epochs=1000, tune_trials=100)
    worker = site.start_worker(python=preloaded_python())
    site.wait_for(in_phase("tune"), worker)
    site.cancel()
    job = site.wait_for(has_ended, worker)
    stop(worker)
    assert job.state is JobState.CANCELLED, job.fault
    result = read_result(site)
    assert result.stopped_because == "cancelled"
    assert result.test.num_images == result.counts.test
    assert [event.type for event in site.told()] == [EventType.JOB_CANCELLED]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reason", "max_attempts", "changes"), [("lost", "1", {}), ("budget", "20", {"trained_s": 3600.0})]
)
def test_what_a_lost_attempt_found_is_delivered_on_another_machine_without_training_on(
    tmp_path: Path, mirror: Path, reason: str, max_attempts: str, changes: dict[str, float]
) -> None:
    site = Site(folder=tmp_path, mirror=mirror)
    site.submit(write_archive(site.archive, per_class=20), epochs=3, tune_epochs=1000, tune_trials=100)
    worker = site.start_worker(python=preloaded_python(), CONVTAILOR_MAX_ATTEMPTS=max_attempts)
    site.wait_for(in_phase("tune"), worker)
    kill_preloaded(worker)
    shutil.rmtree(tmp_path / "data" / "scratch", ignore_errors=True)
    site.change(**changes)
    worker = site.start_worker(python=preloaded_python(), CONVTAILOR_MAX_ATTEMPTS=max_attempts)
    job = site.wait_for(has_ended, worker)
    stop(worker)
    assert job.state is JobState.REPORTING, job.fault
    result = read_result(site)
    assert (result.stopped_because, result.winner, result.tuning) == (reason, MIRRORED, None)
    assert result.test.num_images == result.counts.test > 0
    assert result.counts.train > result.counts.test
    pages = [key for key in site.stored() if key.endswith(".json") and "/ledger/" in key]
    assert not [page for page in pages if f"/{job.claim.fence if job.claim else 0}/" in page]


def parts_by_path(dataset_json: dict[str, Any]) -> dict[str, str]:
    """Return what every image serves for, as the data set on a machine's disk has it."""
    parts = zip(("train", "validation", "test"), dataset_json["split"], strict=True)
    return {dataset_json["paths"][row]: part for part, rows in parts for row in rows}


def dataset_in(scratch: Path) -> Path | None:
    """Return the data set of the latest attempt; on a busy machine a worker may lose its claim and get another."""
    return max(scratch.glob("*/dataset/dataset.json"), key=lambda path: int(path.parts[-3]), default=None)


@pytest.mark.slow
@pytest.mark.parametrize("candidates", [("tiny", MIRRORED), (AUTO,)], ids=str)
def test_weights_that_appear_between_two_attempts_change_neither_the_split_nor_what_is_compared(
    tmp_path: Path, mirror: Path, candidates: tuple[str, ...]
) -> None:
    """One machine has only the network that comes with convtailor; the next has been given weights since."""
    site = Site(folder=tmp_path, mirror=tmp_path / "weights")
    site.mirror.mkdir()
    scratch = tmp_path / "data" / "scratch" / JOB_ID
    site.submit(write_archive(site.archive, per_class=20), candidates=candidates, epochs=3, tune_epochs=1000)
    worker = site.start_worker(python=preloaded_python())
    first = site.wait_for(in_phase("tune"), worker)
    kill_preloaded(worker)
    before = json.loads(dataset_in(scratch).read_text())
    shutil.rmtree(scratch)
    shutil.copytree(mirror, site.mirror, dirs_exist_ok=True)
    site.change(options=replace(first.options, tune_epochs=2, tune_trials=1))
    worker = site.start_worker(python=preloaded_python())
    site.wait_for(lambda _: dataset_in(scratch), worker)
    after = json.loads(dataset_in(scratch).read_text())
    job = site.wait_for(has_ended, worker)
    stop(worker)
    assert (job.state, job.fault) == (JobState.REPORTING, None)
    assert parts_by_path(after) == parts_by_path(before)
    assert set(parts_by_path(before).values()) == {"train", "validation", "test"}
    result = read_result(site)
    compared = {each.name for each in result.candidates if each.state is TrialState.DONE}
    assert compared == {trial.name.removeprefix("screen/") for trial in first.trials if trial.state is TrialState.DONE}
    assert MIRRORED not in compared
    assert result.test.num_images == result.counts.test
    assert result.counts.test == sum(part == "test" for part in parts_by_path(before).values())
