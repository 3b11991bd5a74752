"""What a later attempt works on: everything while there is time, and else no more than delivering needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from services.trainer.data.assignment import TRAIN, UNUSED, Assignment
from services.trainer.data.assignment import recall as recall_assignment
from services.trainer.data.assignment import record as record_assignment
from services.trainer.data.prepare import identify
from services.trainer.run.context import Ledger, Run, Stopped
from services.trainer.run.deadline import Countdown, Deadline, Pace
from services.trainer.run.identity import file_sha256
from services.trainer.run.ledger import ObjectLedger
from services.trainer.screening.recorded import Recorded, record
from services.trainer.training.material import Admitted, Material, Source, gather
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.head import Head
from services.trainer.zoo.sources.weights import Resolution, WeightsFile, weights_facts
from services.trainer.zoo.sources.weights import Source as WeightsSource
from shared.errors import UserFault
from shared.job.findings.training import CandidateResult
from shared.job.job import TrialState
from shared.job.options import JobOptions
from tests.archive_making import good_files, zipped
from tests.training_fixture import null_ledger

OPTIONS = JobOptions(candidates=("tiny", "mobilenet_0.25", "mobilenet_0.5"), seed=3)
PX = 224


@dataclass
class Place:
    """A job's archive, weights and ledger, and one machine after the other that works on it."""

    folder: Path
    ledger: ObjectLedger = field(default_factory=null_ledger)
    asked_for: list[tuple[str, ...]] = field(default_factory=list)
    now: float = 0.0
    num_reported: int = 0

    def __post_init__(self) -> None:
        self.archive = self.folder / "photos.zip"
        self.archive.write_bytes(zipped(good_files()))
        for name in OPTIONS.candidates:
            (self.folder / name).write_bytes(name.encode())

    def weights(self, name: str) -> WeightsFile:
        path = self.folder / name
        return WeightsFile(path=path, source=WeightsSource.MIRROR, sha256=file_sha256(path))

    def resolve(self, names: Sequence[str]) -> Resolution:
        self.asked_for.append(tuple(names))
        there = [name for name in names if (self.folder / name).exists()]
        if not there:
            raise UserFault("no_usable_candidate", "none", fix="none")
        usable = tuple((BACKBONES[name], self.weights(name)) for name in there)
        return Resolution(usable=usable, skipped=(("vgg16", "not mirrored"),))

    def attempt(
        self,
        machine: str,
        *,
        is_resumed: bool = True,
        seconds_left: float = 3600.0,
        stop_reason: Callable[[], str | None] = lambda: None,
    ) -> Material:
        countdown = Countdown(deadline=Deadline(started=self.now, seconds_left=seconds_left), monotonic=self.clock)

        def report(_: object) -> None:
            self.num_reported += 1
            self.now += 1.0

        run = Run(
            directory=self.folder / machine,
            seed=3,
            report=report,
            stop_reason=lambda: stop_reason() or ("budget" if countdown.is_over else None),
            countdown=countdown,
            ledger=self.ledger,
        )
        source = Source(
            archive=self.archive,
            options=OPTIONS,
            resolve=self.resolve,
            admit=lambda run, found: Admitted(run=run, found=found),
        )
        self.num_reported = 0
        return gather(source, run, is_resumed=is_resumed)

    def clock(self) -> float:
        return self.now

    def finish(self, name: str, accuracy: float, ledger: Ledger | None = None) -> None:
        """Let an attempt have finished a candidate; on all photographs unless its ledger is another."""
        result = CandidateResult(name=name, state=TrialState.DONE, val_accuracy=accuracy, best_epoch=1)
        head = Head(kernel=np.zeros((2, 3), np.float32), bias=np.zeros(3, np.float32))
        pace = Pace(build_s=1.0, image_s=0.01)
        ledger = (ledger or self.ledger_of_data()).of(weights_facts(self.weights(name)))
        record(ledger, Recorded(result=result, head=head, pace=pace))

    def assignment(self) -> Assignment:
        found = recall_assignment(self.ledger.of(identify(self.archive, OPTIONS).facts))
        assert found is not None
        return found

    def ledger_of_data(self) -> Ledger:
        return self.ledger.of(self.assignment().facts_with(identify(self.archive, OPTIONS)))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(folder=tmp_path)


def test_with_time_enough_a_later_attempt_goes_on_with_everything(place: Place) -> None:
    first = place.attempt("a", is_resumed=False)
    place.finish("tiny", 0.9)
    again = place.attempt("b")
    assert [backbone.name for backbone, _ in again.usable] == [backbone.name for backbone, _ in first.usable]
    assert again.run.stop_reason() is None
    assert np.asarray(again.dataset.images(PX)).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("reason", ["cancelled", "lost"])
def test_told_to_stop_the_best_is_delivered_from_the_held_out_photographs_alone(place: Place, reason: str) -> None:
    first = place.attempt("a", is_resumed=False)
    place.finish("tiny", 0.7)
    place.finish("mobilenet_0.25", 0.8)
    place.asked_for.clear()
    material = place.attempt("b", stop_reason=lambda: reason)

    assert [backbone.name for backbone, _ in material.usable] == ["mobilenet_0.25"]
    assert place.asked_for == [("mobilenet_0.25",)]  # nobody waits for weights that are not needed
    assert material.run.stop_reason() == reason
    split, images = material.dataset.split, np.asarray(material.dataset.images(PX))
    for ours, before in zip(
        (split.train, split.validation, split.test),
        (first.dataset.split.train, first.dataset.split.validation, first.dataset.split.test),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, before)
    assert material.dataset.paths == first.dataset.paths
    assert material.dataset.facts == first.dataset.facts
    np.testing.assert_array_equal(material.dataset.labels, first.dataset.labels)
    held_out = np.union1d(split.validation, split.test)
    np.testing.assert_array_equal(images[held_out], np.asarray(first.dataset.images(PX))[held_out])
    assert not images[split.train].any()
    told = {each.name: each for each in material.others}
    assert told["tiny"].val_accuracy == 0.7
    assert reason in str(told["mobilenet_0.5"].skipped_because)
    assert told["vgg16"].skipped_because == "not mirrored"


def test_what_lies_on_this_machine_already_is_not_decoded_again(place: Place) -> None:
    first = place.attempt("a", is_resumed=False)
    place.finish("tiny", 0.9)
    material = place.attempt("a", stop_reason=lambda: "cancelled")
    assert material.dataset.directory == first.dataset.directory
    assert place.num_reported == 0


def test_a_stop_while_everything_is_decoded_again_leads_to_what_was_finished(place: Place) -> None:
    place.attempt("a", is_resumed=False)
    place.finish("tiny", 0.9)
    material = place.attempt("b", stop_reason=lambda: "cancelled" if place.num_reported >= 5 else None)
    assert [backbone.name for backbone, _ in material.usable] == ["tiny"]
    assert material.run.stop_reason() == "cancelled"


def test_time_that_decoding_would_use_up_is_used_for_delivering(place: Place) -> None:
    """At a second an image, and with a quarter of the budget kept, fifteen seconds are too short for twelve images."""
    place.attempt("a", is_resumed=False)
    place.finish("tiny", 0.9)
    began = place.now
    material = place.attempt("b", seconds_left=15.0)
    assert [backbone.name for backbone, _ in material.usable] == ["tiny"]
    assert material.run.stop_reason() == "budget"
    assert place.now - began <= len(material.dataset.paths)


def test_a_run_that_delivers_does_not_begin_to_train_because_delivering_turned_out_cheaper(place: Place) -> None:
    place.attempt("a", is_resumed=False)
    place.finish("tiny", 0.9)
    material = place.attempt("b", seconds_left=15.0)
    material.run.countdown.reprice(0.1)
    assert material.run.stop_reason() == "budget"


def test_where_nothing_was_finished_a_stop_is_the_end(place: Place) -> None:
    place.attempt("a", is_resumed=False)
    with pytest.raises(Stopped, match="cancelled"):
        place.attempt("b", stop_reason=lambda: "cancelled")


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"other weights")])
def test_without_the_weights_of_the_best_the_next_best_is_delivered(
    place: Place, change: Callable[[Path], object]
) -> None:
    place.attempt("a", is_resumed=False)
    place.finish("tiny", 0.7)
    place.finish("mobilenet_0.25", 0.8)
    change(place.folder / "mobilenet_0.25")
    material = place.attempt("b", stop_reason=lambda: "budget")
    assert [backbone.name for backbone, _ in material.usable] == ["tiny"]


def test_what_was_trained_on_weights_that_replaced_those_of_the_first_attempt_is_delivered_too(place: Place) -> None:
    place.attempt("a", is_resumed=False)
    (place.folder / "tiny").write_bytes(b"other weights")
    place.attempt("b")
    place.finish("tiny", 0.9)
    material = place.attempt("c", stop_reason=lambda: "lost")
    assert [backbone.name for backbone, _ in material.usable] == ["tiny"]
    assert material.usable[0][1].sha256 == place.weights("tiny").sha256


def test_weights_that_come_back_after_others_took_their_place_deliver_what_they_trained(place: Place) -> None:
    place.attempt("a", is_resumed=False)
    place.finish("tiny", 0.9)
    first = (place.folder / "tiny").read_bytes()
    (place.folder / "tiny").write_bytes(b"other weights")
    place.ledger = replace(place.ledger, fence=2)
    place.attempt("b")
    place.finish("tiny", 0.8)
    (place.folder / "tiny").write_bytes(first)
    material = place.attempt("c", stop_reason=lambda: "lost")
    assert [backbone.name for backbone, _ in material.usable] == ["tiny"]


def test_a_network_on_other_photographs_is_none_to_deliver(place: Place) -> None:
    place.attempt("a", is_resumed=False)
    place.finish("tiny", 0.9)
    place.archive.write_bytes(zipped(good_files(classes=("cats", "emus"))))
    with pytest.raises(Stopped):
        place.attempt("b", stop_reason=lambda: "budget")


def test_what_was_trained_without_a_photograph_that_could_not_be_read_is_delivered_too(place: Place) -> None:
    place.archive.write_bytes(zipped(good_files() | {"cats/odd.png": b"a format of another day"}))
    place.attempt("a", is_resumed=False)
    known = place.assignment()
    parts = np.where(known.parts == UNUSED, TRAIN, known.parts).astype(np.uint8)  # the first attempt could read it
    could = replace(known, parts=parts, findings=replace(known.findings, quarantined=()))
    record_assignment(place.ledger.of(identify(place.archive, OPTIONS).facts), could)
    place.ledger = replace(place.ledger, fence=2)
    second = place.attempt("b").dataset
    assert second.missing
    place.finish("tiny", 0.9, place.ledger.of(second.facts))
    place.ledger = replace(place.ledger, fence=3)
    material = place.attempt("c", stop_reason=lambda: "lost")
    assert [backbone.name for backbone, _ in material.usable] == ["tiny"]
    assert material.dataset.facts == second.facts  # or the steps that follow would not find it
    assert (material.dataset.paths, material.dataset.quarantined) == (second.paths, second.quarantined)


def test_of_what_was_trained_with_and_without_a_photograph_that_counts_of_which_more_is_finished(
    place: Place,
) -> None:
    place.archive.write_bytes(zipped(good_files() | {"cats/odd.png": b"a format of another day"}))
    place.attempt("a", is_resumed=False)
    known = place.assignment()
    parts = np.where(known.parts == UNUSED, TRAIN, known.parts).astype(np.uint8)
    record_assignment(place.ledger.of(identify(place.archive, OPTIONS).facts), replace(known, parts=parts))
    place.finish("mobilenet_0.25", 0.7)
    second = place.attempt("b").dataset
    place.finish("tiny", 0.9, place.ledger.of(second.facts))
    material = place.attempt("c", stop_reason=lambda: "lost")
    assert [backbone.name for backbone, _ in material.usable] == ["mobilenet_0.25"]
    assert not material.dataset.missing
    place.finish("mobilenet_0.5", 0.8, place.ledger.of(second.facts))
    material = place.attempt("d", stop_reason=lambda: "lost")
    assert [backbone.name for backbone, _ in material.usable] == ["tiny"], "more of them were compared"


def test_delivering_is_priced_by_what_earlier_attempts_measured(place: Place) -> None:
    place.attempt("a", is_resumed=False)
    place.finish("tiny", 0.9)
    told = place.attempt("b").run.countdown.deadline.delivery_s
    held_out = sum(place.assignment().num_held_out)
    assert told > 6.0 + held_out  # a second for each image that has to be decoded anew
