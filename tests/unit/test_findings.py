"""What an archive's odd files make of the documents of a job stays small, however many they are."""

import json

from services.trainer.data.assignment import MOST_NAMED, findings_of
from shared.job.findings.photographs import Duplicates, LabelConflict, Quarantined
from shared.job.result import Result
from shared.json_codec import from_json, to_json
from tests.result_fixture import make_result


def quarantined(code: str, count: int) -> list[Quarantined]:
    return [
        Quarantined(path=f"cats/{code}{number}", code=code, reason="Odd.", fix="Leave it out.")
        for number in range(count)
    ]


NO_COPIES = Duplicates(exact=0, near_groups=0)


def test_a_quarter_of_a_million_odd_files_are_counted_and_some_of_every_reason_named() -> None:
    files = [*quarantined("not_an_image", 250_000), *quarantined("image_heic", 3)]
    findings = findings_of(files, NO_COPIES)
    assert findings.num_left_out == 250_003
    assert {each.code for each in findings.quarantined} == {"not_an_image", "image_heic"}
    assert len(findings.quarantined) <= MOST_NAMED
    assert len(json.dumps(to_json(findings))) < 200_000


def test_pictures_in_many_classes_are_counted_and_some_named() -> None:
    conflicts = tuple(LabelConflict(paths=tuple(f"{name}/{number}" for name in range(300))) for number in range(5_000))
    findings = findings_of([], Duplicates(exact=0, near_groups=0, conflicts=conflicts))
    assert findings.duplicates.num_conflicts == 5_000
    assert len(json.dumps(to_json(findings))) < 500_000


def test_few_odd_files_are_all_named() -> None:
    files = quarantined("not_an_image", MOST_NAMED)
    assert findings_of(files, NO_COPIES).quarantined == tuple(files)


def test_a_result_of_before_files_were_counted_counts_those_that_it_names() -> None:
    document = to_json(make_result())
    del document["num_quarantined"]
    del document["duplicates"]["num_conflicts"]
    result = from_json(Result, document)
    assert (result.num_left_out, result.num_conflicts) == (2, 1)
