"""Whatever training reads, the delivered program reads too, pixel by pixel; whatever that refuses, training refused."""

import ast
import importlib.util
import io
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.trainer.data.pictures.image import ImageLimits, UnusableImage, read_squares
from services.trainer.export.program import predict_source
from services.trainer.strangers.learning import likeness_document
from services.trainer.strangers.likeness import Likeness
from tests.picture_corpus import damaged, pictures

LIMITS = ImageLimits(min_px=1, max_px=2**31, max_pixels=178_956_970)
"""None but Pillow's own: what a job sets narrower is the job's choice, not the reader's."""


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The program as it is delivered, from a folder that knows nothing of this project."""
    path = tmp_path_factory.mktemp("delivery") / "predict.py"
    path.write_text(predict_source(), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("delivered_predict", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _odd_metadata_is_no_news() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def as_delivered(delivered: ModuleType, data: bytes) -> Any:
    try:
        return delivered.read_pixels(io.BytesIO(data))
    except delivered.UnreadablePicture:
        return None


def as_trained(data: bytes, side_px: int) -> Any:
    try:
        return np.asarray(read_squares(data, (side_px,), LIMITS).images[0])
    except UnusableImage:
        return None


def assert_read_alike(delivered: ModuleType, data: bytes) -> bool:
    """Compare at a size to which the picture is not resized if it is square, and that costs little else."""
    whole = as_delivered(delivered, data)
    if whole is None:
        assert as_trained(data, 24) is None
        return False
    height, width = whole.shape[:2]
    assert whole.dtype == np.uint8
    assert whole.shape == (height, width, 3)
    square = as_trained(data, 24)
    assert square is not None
    expected = Image.fromarray(whole).resize((24, 24), Image.Resampling.BILINEAR)
    assert np.abs(square.astype(int) - np.asarray(expected, int)).max() <= 1
    return True


@pytest.mark.parametrize("name", sorted(pictures()))
def test_training_and_the_delivered_program_read_the_same_picture_or_none(name: str, delivered: ModuleType) -> None:
    assert_read_alike(delivered, pictures()[name])


@pytest.mark.parametrize("name", sorted(name for name in pictures() if len(pictures()[name]) < 20_000))
def test_they_agree_on_damaged_copies_too(name: str, delivered: ModuleType) -> None:
    for data in damaged(pictures()[name] or b"x", seed=len(name), num=15):
        assert_read_alike(delivered, data)


@pytest.mark.parametrize("name", sorted(name for name in pictures() if name.startswith("broken_exif")))
def test_a_broken_exif_block_costs_no_picture(name: str, delivered: ModuleType) -> None:
    assert assert_read_alike(delivered, pictures()[name])


def test_most_of_the_corpus_can_be_read(delivered: ModuleType) -> None:
    unread = {name for name, data in pictures().items() if as_delivered(delivered, data) is None}
    assert len(unread) < 0.15 * len(pictures())
    assert not {name for name in unread if name.startswith(("cats/", "held_", "broken_exif", "animated"))}


def test_big_jpegs_are_decoded_at_a_fraction_of_their_size_by_both(delivered: ModuleType) -> None:
    assert as_delivered(delivered, pictures()["huge.jpg"]).shape == (1000, 1500, 3)
    assert as_delivered(delivered, pictures()["just_too_big_to_shrink.jpg"]).shape == (1343, 1400, 3)


def test_the_delivered_program_stands_alone() -> None:
    source = predict_source()
    assert "services" not in source
    assert "import shared" not in source
    assert "from shared" not in source
    assert source.startswith('"""Classify pictures with the network beside this file.')


def seen(delivered: ModuleType, features: Any = None) -> Any:
    return delivered.Outputs(np.array([[0.25, 0.75]]), features)


def test_the_delivered_program_tells_of_names_that_are_no_text(
    delivered: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = os.fsdecode(b"\x8f\xbc\x1b[2J.png")
    (tmp_path / name).write_bytes(pictures()["cats/grey.png"])
    (tmp_path / "labels.txt").write_text("cats\ndogs\n", encoding="utf-8")
    told = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdout", told)
    monkeypatch.setitem(delivered.__dict__, "HERE", tmp_path)
    monkeypatch.setitem(delivered.__dict__, "open_network", lambda _folder: lambda _pixels: seen(delivered))
    assert delivered.main([name]) == 0
    told.seek(0)
    assert told.read() == "\\x8f\\xbc\\x1b[2J.png\tdogs\t0.7500\n"


def test_the_delivered_program_answers_unsure_below_what_its_delivery_advises(
    delivered: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(pictures()["cats/grey.png"])
    (tmp_path / "labels.txt").write_text("cats\ndogs\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(delivered.__dict__, "HERE", tmp_path)
    monkeypatch.setitem(delivered.__dict__, "open_network", lambda _folder: lambda _pixels: seen(delivered))
    answers = []
    for advised in ("0.7", "0.8"):
        (tmp_path / "model.json").write_text(f'{{"unsure_below": {advised}}}', encoding="utf-8")
        told = io.StringIO()
        monkeypatch.setattr(sys, "stdout", told)
        assert delivered.main(["--unsure", "a.png"]) == 0
        answers.append(told.getvalue())
    assert answers == ["a.png\tdogs\t0.7500\n", "a.png\tunsure\t0.7500\tdogs\n"]
    for advises_nothing in ('{"unsure_below": null}', "{}"):
        (tmp_path / "model.json").write_text(advises_nothing, encoding="utf-8")
        with pytest.raises(SystemExit, match=r"model\.json"):
            delivered.main(["--unsure", "a.png"])


def test_the_delivered_program_says_what_is_unlike_every_photograph_it_has_seen(
    delivered: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    axes = np.eye(4, dtype=np.float32)
    likeness = Likeness(spread=0 * axes[0] + 1, references=axes[:2], neighbours=1, limit=0.5)
    (tmp_path / "strangers.json").write_text(likeness_document(likeness, ["cats", "dogs"]), encoding="utf-8")
    found = delivered.find_likeness(tmp_path, ["cats", "dogs"])
    answers = [
        delivered.answer_of(seen(delivered, axes[[axis]]), ["cats", "dogs"], threshold, found)
        for axis in (0, 3)
        for threshold in (None, 0.0)
    ]
    assert answers == [
        "dogs\t0.7500",
        "dogs\t0.7500",
        "dogs\t0.7500\tunlike every photograph it has seen",
        "unlike\t0.7500\tdogs",
    ]
    assert delivered.find_likeness(tmp_path / "nowhere", ["cats", "dogs"]) is None
    with pytest.raises(SystemExit, match="same delivery"):
        delivered.find_likeness(tmp_path, ["cats", "cows"])
    with pytest.raises(SystemExit, match="same delivery"):
        delivered.answer_of(seen(delivered, axes[:1, :2]), ["cats", "dogs"], None, found)


def test_no_part_of_the_delivered_program_takes_a_name_from_another() -> None:
    body = ast.parse(predict_source()).body
    names = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    names += [
        target.id
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    assert len(names) > 50
    assert len(names) == len(set(names))


def test_the_delivered_program_reads_with_a_pillow_that_lacks_a_plugin(tmp_path: Path) -> None:
    source = predict_source().replace('"Avif"', '"NoSuch"')
    module = ModuleType("delivered")
    module.__dict__["__file__"] = str(tmp_path / "predict.py")
    exec(compile(source, "predict.py", "exec"), module.__dict__)
    assert module.read_pixels(io.BytesIO(pictures()["cats/grey.png"])).shape == (32, 40, 3)
