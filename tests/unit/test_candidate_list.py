"""What a job compares is settled once, whatever happens to the mirror of weights between two attempts."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.trainer.run.context import Ledger
from services.trainer.zoo.candidate_list import recall, settle
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.sources.weights import Resolution, Source, WeightsFile
from shared.errors import UserFault
from tests.training_fixture import null_ledger

AUTO_ORDER = ("tiny", "mobilenet", "vgg16", "densenet121")


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Weights files that can be had just now, by name and digest; ``auto`` is all but ``tiny``, as in the trainer."""

    files: dict[str, str]

    def resolve(self, names: Sequence[str]) -> Resolution:
        wanted = [name for name in AUTO_ORDER if name in names or ("auto" in names and name != "tiny")]
        usable = tuple(
            (BACKBONES[name], WeightsFile(path=Path(name), source=Source.MIRROR, sha256=self.files[name]))
            for name in wanted
            if name in self.files
        )
        skipped = tuple((name, f"{name} is nowhere") for name in wanted if name not in self.files)
        if not usable:
            raise UserFault("no_usable_candidate", "none can be had", fix="fill the mirror")
        return Resolution(usable=usable, skipped=skipped)


def settled(files: dict[str, str], ledger: Ledger, *names: str) -> Resolution:
    return settle(names or ("auto",), ledger, Shelf(files=files).resolve)


def names_of(found: Resolution) -> list[str]:
    return [backbone.name for backbone, _ in found.usable]


def test_weights_that_turn_up_between_two_attempts_join_no_comparison_that_is_under_way() -> None:
    ledger = null_ledger()
    first = settled({"mobilenet": "m"}, ledger)
    second = settled({"mobilenet": "m", "vgg16": "v", "densenet121": "d"}, ledger)
    assert names_of(first) == names_of(second) == ["mobilenet"]
    assert second.skipped == first.skipped == (("vgg16", "vgg16 is nowhere"), ("densenet121", "densenet121 is nowhere"))


def test_weights_that_are_gone_are_listed_as_skipped_with_the_reason_and_the_others_go_on() -> None:
    ledger = null_ledger()
    settled({"mobilenet": "m", "vgg16": "v"}, ledger)
    second = settled({"vgg16": "v"}, ledger)
    assert names_of(second) == ["vgg16"]
    assert dict(second.skipped) == {
        "mobilenet": "could be had when the job began; mobilenet is nowhere",
        "densenet121": "densenet121 is nowhere",
    }


def test_a_job_that_began_with_the_bundled_backbone_for_want_of_others_stays_with_it() -> None:
    ledger = null_ledger()
    assert names_of(settled({"tiny": "t"}, ledger, "tiny", "auto")) == ["tiny"]
    assert names_of(settled({"tiny": "t", "vgg16": "v"}, ledger, "auto")) == ["tiny"]


def test_other_weights_of_the_same_name_are_used_and_the_log_says_that_they_differ(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    ledger = null_ledger()
    settled({"mobilenet": "m"}, ledger)
    ((_, weights),) = settled({"mobilenet": "another"}, ledger).usable
    assert weights.sha256 == "another"
    assert [record.message for record in caplog.records] == ["weights changed"]


def test_who_only_delivers_knows_every_file_that_some_attempt_trained_on_the_latest_first() -> None:
    ledger = null_ledger()
    for digest in ("m", "m2", "m3", "m"):
        settled({"mobilenet": digest}, ledger)
    known = recall(ledger)
    assert known is not None
    assert known.digests_of("mobilenet") == ("m", "m3", "m2")
    assert list(known.weights_sha256) == ["mobilenet"]


def test_where_nothing_of_the_list_is_left_what_there_is_carries_the_job(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    ledger = null_ledger()
    settled({"mobilenet": "m"}, ledger)
    assert names_of(settled({"vgg16": "v"}, ledger)) == ["vgg16"]
    assert [record.message for record in caplog.records] == ["candidates of the first attempt ignored"]
    assert names_of(settled({"mobilenet": "m", "vgg16": "v"}, ledger)) == ["vgg16"], "and that is settled, too"


def test_where_nothing_can_be_had_at_all_the_job_ends_with_what_mends_it() -> None:
    ledger = null_ledger()
    settled({"mobilenet": "m"}, ledger)
    with pytest.raises(UserFault, match="none can be had"):
        settled({}, ledger)
