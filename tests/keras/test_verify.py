"""The verifying process: it finds a faithful export faithful, and nothing else; lost twice, it finds nothing."""

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf

from services.trainer.export.check import Request, Uploaded, objection
from services.trainer.export.formats.order import Conversion
from services.trainer.export.keras_file.opened_network import NetworkReader, OpenedNetwork, Pixels, Probabilities
from services.trainer.export.rescore import raw_images, rescore
from services.trainer.export.verifier import Verifier, VerifierLost
from tests.training_fixture import write_archive

pytestmark = pytest.mark.usefixtures("preloaded")
PX = 8
PATHS = ("photos/blue disc/0.JPG", "photos/green bars/1.png", "photos/réd square/2.JPG")


@pytest.fixture(scope="module")
def verifier(preloaded: None) -> Iterator[Verifier]:
    process = Verifier()
    yield process
    process.end()


@pytest.fixture(scope="module")
def request_for(tmp_path_factory: pytest.TempPathFactory) -> Request:
    """What is asked about a small network, saved as ``model.keras``."""
    folder = tmp_path_factory.mktemp("export")
    keras.utils.set_random_seed(0)
    images = keras.Input((None, None, 3), dtype="uint8")
    pixels = keras.layers.Rescaling(1 / 255)(images)
    squares = keras.layers.Resizing(PX, PX, antialias=True)(pixels)
    network = keras.Model(images, keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(squares)))
    network.save(folder / "model.keras")
    archive = write_archive(folder / "photos.zip", per_class=6)
    resize = keras.layers.Resizing(PX, PX, antialias=True)
    seen = np.stack([np.asarray(resize(image.astype("float32"))).round() for image in raw_images(archive, PATHS)])
    np.save(folder / "squares.npy", seen.astype(np.uint8))
    expected = np.asarray(network(seen.astype(np.uint8)))
    return Request(
        model=folder / "model.keras",
        squares=folder / "squares.npy",
        expected=tuple(tuple(map(float, row)) for row in expected),
        uploaded=Uploaded(archive=archive, paths=PATHS, seconds=600),
    )


def changed(request: Request, path: Path, change: str) -> Request:
    network = keras.models.load_model(request.model, compile=False)
    if change == "weights":
        network.layers[-1].set_weights([-values for values in network.layers[-1].get_weights()])
    if change == "one weight":
        kernel, bias = network.layers[-1].get_weights()
        network.layers[-1].set_weights([kernel, bias + np.array([0, 0.5, 0], np.float32)])
    if change == "a setting":
        network.layers[-1].activation = keras.activations.sigmoid
    network.save(path)
    return replace(request, model=path)


def test_a_faithful_export_passes_in_both_formats(verifier: Verifier, request_for: Request, tmp_path: Path) -> None:
    verifier.begin(request_for)
    verifier.begin(changed(request_for, tmp_path / "model.h5", "nothing"))
    for name in ("model.keras", "model.h5"):
        check = verifier.check()
        assert objection(name, check) is None
        assert check.same_input_gap < 1e-5
        assert check.predicted == tuple(np.argmax(request_for.expected, axis=1))


def test_other_weights_are_noticed(verifier: Verifier, request_for: Request, tmp_path: Path) -> None:
    verifier.begin(changed(request_for, tmp_path / "model.keras", "weights"))
    fault = objection("model.keras", verifier.check())
    assert fault is not None
    assert fault.code == "export_not_faithful"


@pytest.mark.parametrize("change", ["weights", "one weight", "a setting"])
def test_a_second_file_is_judged_by_what_is_in_it(request_for: Request, tmp_path: Path, change: str) -> None:
    """Whatever stands for both where they are the same says nothing of one that is not."""
    reader = NetworkReader()
    rescore(replace(request_for, uploaded=None), reader)
    fault = objection("model.h5", rescore(changed(request_for, tmp_path / "model.h5", change), reader))
    assert fault is not None
    assert fault.code == "export_not_faithful"
    assert "differ" in fault.message


def test_the_same_network_in_another_file_is_not_traced_again(request_for: Request, tmp_path: Path) -> None:
    reader = NetworkReader()
    first = reader.open(request_for.model)
    request = replace(changed(request_for, tmp_path / "model.h5", "nothing"), uploaded=None)
    check = rescore(request, reader)
    assert check.error is None
    assert check.same_input_gap < 1e-5
    second = reader.open(request.model)
    assert second.path == request.model
    assert second.traced is first.traced


def test_a_heavy_network_leaves_the_memory_before_the_next_is_read(
    request_for: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = changed(request_for, tmp_path / "model.h5", "nothing")
    reader = NetworkReader(may_stay=lambda _: False)
    first = weakref.ref(reader.open(request_for.model))
    load_model = keras.models.load_model

    def load(*args: Any, **options: Any) -> keras.Model:
        assert first() is None
        return load_model(*args, **options)

    monkeypatch.setattr(keras.models, "load_model", load)
    assert reader.open(request.model).path == request.model


def test_a_truncated_file_is_noticed(verifier: Verifier, request_for: Request, tmp_path: Path) -> None:
    request = changed(request_for, tmp_path / "model.h5", "nothing")
    request.model.write_bytes(request.model.read_bytes()[:1000])
    verifier.begin(request)
    fault = objection("model.h5", verifier.check())
    assert fault is not None
    assert "could not be loaded" in fault.message


def test_pictures_are_scored_at_their_own_sizes_in_their_order(request_for: Request) -> None:
    """Several sizes, more pictures than a batch holds, one of them again and again."""
    assert request_for.uploaded is not None
    paths = (*PATHS, *PATHS[::-1], *[PATHS[1]] * 20)
    found = rescore(
        replace(request_for, uploaded=replace(request_for.uploaded, paths=paths)), NetworkReader()
    ).predicted
    network = keras.models.load_model(request_for.model, compile=False)
    images = raw_images(request_for.uploaded.archive, paths)
    assert found == tuple(int(np.asarray(network(image[None])).argmax()) for image in images)


def test_what_there_is_no_time_for_is_left_out_and_is_no_fault(request_for: Request) -> None:
    assert request_for.uploaded is not None
    paths = PATHS * 20
    request = replace(request_for, uploaded=Uploaded(archive=request_for.uploaded.archive, paths=paths, seconds=2.5))
    seconds = count()
    check = rescore(request, NetworkReader(), monotonic=lambda: float(next(seconds)))
    assert objection("model.keras", check) is None
    assert len(check.predicted) == 32  # two looks at the clock came in time


class WatchedReader(NetworkReader):
    """Notes at every question whether graphs are optimised then."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bool] = []

    def open(self, path: Path) -> OpenedNetwork:
        opened, seen = super().open(path), self.seen

        class Watched(OpenedNetwork):
            def __init__(self) -> None:
                self.path, self.traced = opened.path, opened.traced

            def score(self, pictures: Sequence[Pixels]) -> Probabilities:
                seen.append(not tf.config.optimizer.get_experimental_options()["disable_meta_optimizer"])
                return super().score(pictures)

        return Watched()


@pytest.mark.parametrize(("num_paths", "is_optimised"), [(100, False), (101, True)])
def test_graphs_are_optimised_for_many_pictures_alone(
    request_for: Request, num_paths: int, *, is_optimised: bool
) -> None:
    assert request_for.uploaded is not None
    uploaded = replace(request_for.uploaded, paths=(PATHS * 34)[:num_paths])
    reader = WatchedReader()
    check = rescore(replace(request_for, uploaded=uploaded), reader)
    assert len(check.predicted) == num_paths
    assert reader.seen[0] is False
    assert set(reader.seen[1:]) == {is_optimised}


def test_a_picture_that_cannot_be_read_any_more_costs_its_scores_and_nothing_else(request_for: Request) -> None:
    assert request_for.uploaded is not None
    paths = (*PATHS * 6, "photos/blue disc/gone.JPG")
    check = rescore(replace(request_for, uploaded=replace(request_for.uploaded, paths=paths)), NetworkReader())
    assert objection("model.keras", check) is None
    assert len(check.predicted) == 16


def test_probabilities_that_are_no_numbers_are_noticed(request_for: Request, tmp_path: Path) -> None:
    network = keras.models.load_model(request_for.model, compile=False)
    network.layers[-1].set_weights([values * np.nan for values in network.layers[-1].get_weights()])
    network.save(tmp_path / "model.keras")
    fault = objection("model.keras", rescore(replace(request_for, model=tmp_path / "model.keras"), NetworkReader()))
    assert fault is not None
    assert "no numbers" in fault.message


def kill_verifying_process() -> None:
    for child in psutil.Process().children():
        if "services.trainer.export.verify" in child.cmdline():
            child.kill()
            child.wait()


def test_a_verifying_process_that_dies_is_replaced_by_one_that_does_what_is_needed(request_for: Request) -> None:
    process = Verifier()
    process.warm()
    kill_verifying_process()
    process.begin(request_for)
    check = process.check()
    assert objection("model.keras", check) is None
    assert check.predicted == ()
    process.end()


def conversion_of(request: Request, folder: Path) -> Conversion:
    targets = (folder / "model.onnx", folder / "model.tflite")
    return Conversion(model=request.model, side_px=PX, pictures=(), targets=targets)


def test_the_process_that_verified_writes_other_formats_then(request_for: Request, tmp_path: Path) -> None:
    process = Verifier()
    process.begin(replace(request_for, uploaded=None))
    assert objection("model.keras", process.check()) is None
    answers = list(process.convert(conversion_of(request_for, tmp_path), 300))
    assert [each.target for each in answers] == [None, tmp_path / "model.onnx", tmp_path / "model.tflite"]
    assert answers[2].error is None
    assert (tmp_path / "model.tflite").stat().st_size > 100
    process.end()


def test_a_converter_that_dies_or_is_late_ends_what_it_writes_and_nothing_else(
    request_for: Request, tmp_path: Path
) -> None:
    for seconds, prepare in ((0, lambda: None), (300, kill_verifying_process)):
        process = Verifier()
        process.warm()
        prepare()
        assert list(process.convert(conversion_of(request_for, tmp_path), seconds)) == []
        process.end()


def test_two_processes_that_die_or_hang_are_no_verdict(request_for: Request, tmp_path: Path) -> None:
    process = Verifier(timeout_s=0)
    process.begin(replace(request_for, uploaded=None))
    with pytest.raises(VerifierLost, match="did not answer, 2 times"):
        process.check()
