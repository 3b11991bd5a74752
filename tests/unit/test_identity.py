"""One identity of a run: whatever an attempt finds on its machine, no image that judged a network was ever learnt."""

import json
import logging
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from services.trainer.data import assignment
from services.trainer.data.assignment import TEST, TRAIN, UNUSED, Assignment
from services.trainer.data.dataset import Dataset
from services.trainer.data.prepare import identify, prepare, prepare_held_out
from services.trainer.run.context import Ledger, Run
from services.trainer.run.identity import RunKey
from shared.errors import UserFault
from shared.job.options import JobOptions
from shared.job.progress import Progress
from tests.archive_making import encoded, good, good_files, photograph, zipped
from tests.training_fixture import null_ledger, still_countdown


@cache
def takes() -> bytes:
    """Return three takes each of 36 scenes: some so alike that a bit of a pixel decides whether they are copies."""
    files = {}
    for number in range(36):
        generator = np.random.default_rng(number)
        scene = np.asarray(photograph(number, (360, 270)), np.int16)
        for take in range(3):
            left, top = (int(shift) for shift in generator.integers(0, 14, 2))
            grain = np.clip(scene + generator.integers(-26, 27, scene.shape), 0, 255).astype(np.uint8)
            picture = Image.fromarray(grain).crop((left, top, left + 345, top + 255))
            files[f"{('cats', 'dogs', 'emus')[number % 3]}/{number}_{take}.jpg"] = encoded(picture, "JPEG", quality=85)
    return zipped(files)


Attempt = Callable[..., Dataset]


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    """Return a function that makes one attempt at a job, each in a folder of its own unless told otherwise."""
    made: list[Path] = []

    def go(data: bytes, *sizes_px: int, ledger: Ledger | None = None, **changes: object) -> Dataset:
        made.append(tmp_path / str(len(made)))
        folder = changes.pop("folder", made[-1])
        archive = tmp_path / "photos.zip"
        archive.write_bytes(data)
        key = replace(identify(archive, JobOptions(seed=3)), **changes)
        run = Run(
            directory=folder,
            seed=3,
            report=reported.append,
            stop_reason=lambda: None,
            countdown=still_countdown(),
            ledger=ledger or null_ledger(),
        )
        reported.clear()
        return prepare(archive, run, key=key, sizes_px=sizes_px or (32,))

    return go


reported: list[Progress] = []


def parts_by_path(dataset: Dataset) -> dict[str, str]:
    split = {"train": dataset.split.train, "validation": dataset.split.validation, "test": dataset.split.test}
    return {dataset.paths[row]: name for name, rows in split.items() for row in rows}


def reasons(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(f"{record.message}: {getattr(record, 'reason', '')}" for record in caplog.records)


def recorded(ledger: Ledger, dataset: Dataset) -> Assignment:
    known = assignment.recall(ledger.of(dataset.key.facts))
    assert known is not None
    return known


@pytest.mark.parametrize("sizes_px", [(224, 299), (299,), (128,), (32, 96)], ids=str)
def test_the_split_is_the_same_image_by_image_whatever_the_candidates_see(
    sizes_px: tuple[int, ...], attempt: Attempt
) -> None:
    first, other = attempt(takes(), 224), attempt(takes(), *sizes_px)
    assert first.duplicates.near_groups > 10
    assert parts_by_path(first) == parts_by_path(other)
    assert (first.duplicates, first.quarantined) == (other.duplicates, other.quarantined)
    assert first.facts == other.facts


def test_a_picture_looks_the_same_to_a_network_whatever_others_are_compared(attempt: Attempt) -> None:
    files = good_files() | {"cats/big.jpg": encoded(photograph(5, (1600, 1200)), "JPEG")}
    alone, beside = attempt(zipped(files), 224), attempt(zipped(files), 224, 299)
    assert np.array_equal(alone.images(224), beside.images(224))


def test_a_later_attempt_takes_over_the_split_even_where_it_would_find_another(attempt: Attempt) -> None:
    ledger = null_ledger()
    first = attempt(good(), ledger=ledger)
    known = recorded(ledger, first)
    swapped = known.parts.copy()
    swapped[known.parts == TRAIN], swapped[known.parts == TEST] = TEST, TRAIN  # as if an older decoder had decided
    assignment.record(ledger.of(first.key.facts), replace(known, parts=swapped))
    second = attempt(good(), 48, ledger=ledger)
    turned = {"train": "test", "test": "train", "validation": "validation"}
    assert parts_by_path(second) == {path: turned[part] for path, part in parts_by_path(first).items()}
    assert second.split_sha256 != first.split_sha256


def test_a_later_attempt_decodes_only_what_is_used_and_reports_what_was_left_out(attempt: Attempt) -> None:
    copies = {"cats/copy.png": good_files()["cats/0.png"], "cats/broken.png": b"no picture", "cats/notes.txt": b"x"}
    ledger = null_ledger()
    first = attempt(zipped(good_files() | copies), ledger=ledger)
    assert len(reported) == 14
    second = attempt(zipped(good_files() | copies), ledger=ledger)
    assert len(reported) == first.num_images == 12
    assert {each.path for each in second.quarantined} == {"cats/broken.png", "cats/notes.txt"}
    assert (second.quarantined, second.duplicates) == (first.quarantined, first.duplicates)
    assert np.array_equal(first.images(32), second.images(32))


def test_an_image_that_can_no_longer_be_read_is_left_out_and_moves_no_other(
    attempt: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    data = zipped(good_files() | {"cats/odd.png": b"a format of another day"})
    ledger = null_ledger()
    first = attempt(data, ledger=ledger)
    known = recorded(ledger, first)
    parts = known.parts.copy()
    parts[np.flatnonzero(parts == UNUSED)] = TEST  # the first attempt could read it
    findings = replace(known.findings, quarantined=())
    assignment.record(ledger.of(first.key.facts), Assignment(parts=parts, groups=known.groups, findings=findings))
    second = attempt(data, ledger=ledger)
    assert parts_by_path(second) == parts_by_path(first)
    assert [each.path for each in second.quarantined] == ["cats/odd.png"]
    assert "cannot be read here" in reasons(caplog)


def test_what_was_answered_before_an_image_went_missing_is_compared_with_nothing(attempt: Attempt) -> None:
    data = zipped(good_files() | {"cats/odd.png": b"a format of another day"})
    ledger = null_ledger()
    first = attempt(data, ledger=ledger)
    known = recorded(ledger, first)
    parts = np.where(known.parts == UNUSED, TRAIN, known.parts).astype(np.uint8)  # the first attempt could read it
    could = Assignment(parts=parts, groups=known.groups, findings=replace(known.findings, quarantined=()))
    assert attempt(good(), ledger=null_ledger()).missing == first.missing == ""
    assignment.record(ledger.of(first.key.facts), could)
    second, third = (attempt(data, ledger=ledger) for _ in range(2))
    assert second.facts != could.facts_with(first.key)  # candidates of the first are none of the second
    assert second.facts == third.facts


def test_where_a_class_would_be_left_without_test_images_the_data_set_is_made_anew_and_nothing_old_counts(
    attempt: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = null_ledger()
    first = attempt(good(), ledger=ledger)
    known = recorded(ledger, first)
    parts = np.where(known.parts == TEST, UNUSED, known.parts).astype(np.uint8)
    assignment.record(ledger.of(first.key.facts), replace(known, parts=parts))
    second = attempt(good(), ledger=ledger)
    assert parts_by_path(second) == parts_by_path(first)
    assert "too few images" in reasons(caplog)
    assert recorded(ledger, second).sha256 == second.split_sha256 == first.split_sha256


def delivery_only(folder: Path, ledger: Ledger, parts: NDArray[np.uint8], first: Dataset) -> Dataset:
    """Prepare what judges a finished network, by another split than the one that was made."""
    known = recorded(ledger, first)
    known = replace(known, parts=parts, findings=replace(known.findings, quarantined=()))
    run = Run(
        directory=folder,
        seed=3,
        report=reported.append,
        stop_reason=lambda: "lost",
        countdown=still_countdown(),
        ledger=ledger,
    )
    return prepare_held_out(folder / "photos.zip", run, key=first.key, px=32, known=known)


def test_a_delivery_tells_of_test_images_that_can_no_longer_be_read_and_does_without_them(
    attempt: Attempt, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = null_ledger()
    first = attempt(zipped(good_files() | {"cats/odd.png": b"a format of another day"}), ledger=ledger)
    known = recorded(ledger, first)
    parts = np.where(known.parts == UNUSED, TEST, known.parts).astype(np.uint8)  # the first attempt could read it
    delivered = delivery_only(tmp_path, ledger, parts, first)
    assert parts_by_path(delivered) == parts_by_path(first)
    assert [each.path for each in delivered.quarantined] == ["cats/odd.png"]
    assert "cannot be read here" in reasons(caplog)


def test_a_network_that_nothing_can_judge_any_more_is_not_delivered_and_the_fault_says_why(
    attempt: Attempt, tmp_path: Path
) -> None:
    ledger = null_ledger()
    first = attempt(zipped(good_files() | {"cats/odd.png": b"a format of another day"}), ledger=ledger)
    known = recorded(ledger, first)
    parts = np.where(known.parts == TEST, TRAIN, known.parts).astype(np.uint8)
    parts[known.parts == UNUSED] = TEST
    with pytest.raises(UserFault, match="set aside to judge it none can be read"):
        delivery_only(tmp_path, ledger, parts, first)


@pytest.mark.parametrize(
    "change", [{"data_version": "0.9.0"}, {"seed": 4}, {"min_image_px": 9}, {"max_image_px": 500}], ids=str
)
def test_what_another_version_or_other_options_decided_does_not_count_and_the_log_says_so(
    change: dict[str, object], attempt: Attempt, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    ledger = null_ledger()
    attempt(good(), ledger=ledger, folder=tmp_path / "same", **change)
    assert len(reported) == 12
    caplog.clear()
    attempt(good(), ledger=ledger, folder=tmp_path / "same")
    assert len(reported) == 12
    (name,) = change
    assert f"{name} was" in reasons(caplog)


def test_another_archive_of_the_same_size_is_another_run(attempt: Attempt, tmp_path: Path) -> None:
    one = zipped(good_files())
    other = one.replace(good_files()["cats/0.png"][-40:], good_files()["cats/0.png"][-39:] + b"\0")
    assert len(one) == len(other)
    first = attempt(one, folder=tmp_path / "same")
    assert attempt(other, folder=tmp_path / "same").key.digest != first.key.digest


def test_a_data_set_on_the_disk_with_another_split_than_the_ledger_has_is_not_used(
    attempt: Attempt, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here, ledger = tmp_path / "here", null_ledger()
    attempt(good(), ledger=null_ledger(), folder=here)  # its worker died before anybody heard of its split
    elsewhere = attempt(good(), ledger=ledger)
    known = recorded(ledger, elsewhere)
    assignment.record(ledger.of(elsewhere.key.facts), replace(known, parts=np.roll(known.parts, 1)))
    third = attempt(good(), ledger=ledger, folder=here)
    assert third.split_sha256 == recorded(ledger, third).sha256 != elsewhere.split_sha256
    assert "split_sha256 was" in reasons(caplog)


@pytest.mark.parametrize("content", ['{"made_from": "[1, 2]"}', "{}", "[]", "{", '{"made_from": {}}'])
def test_a_data_set_that_an_older_version_left_on_the_disk_is_ignored_and_the_log_says_so(
    content: str, attempt: Attempt, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = null_ledger()
    first = attempt(good(), ledger=ledger, folder=tmp_path / "same")
    (tmp_path / "same" / "dataset" / "dataset.json").write_text(content)
    second = attempt(good(), ledger=ledger, folder=tmp_path / "same")
    assert parts_by_path(second) == parts_by_path(first)
    assert "prepared data set ignored" in reasons(caplog)
    assert json.loads((tmp_path / "same" / "dataset" / "dataset.json").read_text())["made_from"] == dict(second.facts)


def test_every_part_of_the_key_makes_another_run() -> None:
    key = RunKey(archive_sha256="a", data_version="1.1.1", min_image_px=8, max_image_px=900, seed=0)
    others = [
        replace(key, **{field.name: getattr(key, field.name) + ("b" if field.type is str else 1)})
        for field in fields(key)
    ]
    assert len({each.digest for each in (key, *others)}) == len(others) + 1
    assert replace(key).digest == key.digest


def test_the_archive_is_told_by_the_digest_that_any_program_prints(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"abc")
    key = identify(tmp_path / "a.zip", JobOptions(seed=5, min_image_px=9))
    assert key.archive_sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (key.seed, key.min_image_px) == (5, 9)


@pytest.fixture(autouse=True)
def _heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
