"""Training again with corrections: what a person corrects is what is learnt, on the test of the first network."""

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.client.commands.retrain import corrections_in
from services.intake.admission import AdmissionRules
from services.reporter.report.blocks import Paragraph
from services.reporter.report.retelling.comparison import outcome_of
from services.reporter.report.sections.headline import comparison_section
from services.trainer.data.prepare import identify, prepare
from services.trainer.run.deadline import Deadline
from services.trainer.worker.attempt import order_of
from shared.errors import UserFault
from shared.job.events import Topic
from shared.job.findings.comparison import Corrected
from shared.job.job import Artefacts, JobState
from shared.job.options import JobOptions
from shared.job.retention import Retention
from shared.job.retraining.correction import (
    MAX_CHARACTERS,
    MAX_CORRECTIONS,
    Correction,
    digest_of,
    read_corrections,
    read_table,
)
from shared.job.retraining.handover import Handover, Tables, hand_over, read_tables
from shared.job.retraining.pairing import Answer, hold_against
from shared.json_codec import from_json_text, to_json_text
from shared.layout import handover_key
from shared.text.printable import csv_cell, from_csv_cell
from tests.archive_making import good_files, zipped
from tests.intake_fixture import IntakeFixture, bearer, small_archive
from tests.result_fixture import make_result
from tests.unit.test_prepare import make_run

KEPT = Retention(archives=timedelta(days=2))
CORRECTIONS = [{"path": "class0/1.png", "move_to": "class1"}, {"path": "class1/4.png", "move_to": None}]
PARTS = {0: "train", 1: "train", 2: "validation", 3: "test", 4: "train"}


def split_rows() -> list[tuple[str, ...]]:
    return [(f"class{label}/{number}.png", f"class{label}", PARTS[number], "") for label in (0, 1) for number in PARTS]


def model_zip(splits: list[tuple[str, ...]] | None = None) -> bytes:
    """Make the tables of a delivery, as far as a second job needs them."""
    rows = [("path", "class", "split", "why"), *(splits or split_rows()), ("class0/x.txt", "", "left out", "no")]
    said = [("path", "class", "predicted"), ("class0/3.png", "class0", "class1"), ("class1/3.png", "class1", "class1")]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("splits.csv", "\n".join(",".join(row) for row in rows))
        archive.writestr("predictions.csv", "\n".join(",".join(row) for row in said))
    return buffer.getvalue()


def finish(service: IntakeFixture, made: dict, tables: bytes | None = None) -> None:
    """Let the other services bring a job to its end."""
    folder = f"jobs/{made['job_id']}/1"
    artefacts = Artefacts(
        result=service.keep(f"{folder}/result.json", to_json_text(make_result())),
        model_zip=service.keep(f"{folder}/model.zip", tables or model_zip()),
        report=service.keep(f"jobs/{made['job_id']}/report.html", b"<p>"),
    )
    now = service.clock()
    path = JobState.TRAINING, JobState.REPORTING, JobState.DONE
    service.move(made, *path, artefacts=artefacts, mailed_at=now)


@pytest.fixture
def service() -> IntakeFixture:
    return IntakeFixture(retention=KEPT)


@pytest.fixture
def first(service: IntakeFixture) -> dict:
    """Return a finished job whose archive is kept."""
    made = service.submit(seed=5)
    service.upload(made, small_archive())
    service.handle_uploads()
    finish(service, made)
    service.events(Topic.JOBS)
    return made


def ask(service: IntakeFixture, made: dict, corrections: object = None, key: str = ""):
    return service.http.post(
        f"/v1/jobs/{made['job_id']}/retrain",
        json={"corrections": CORRECTIONS if corrections is None else corrections},
        headers=bearer(made) | ({"Idempotency-Key": key} if key else {}),
    )


def test_a_second_job_waits_for_a_trainer_with_an_archive_of_its_own_and_nothing_is_sent_again(service, first):
    answer = ask(service, first)
    assert answer.status_code == 201, answer.text
    second = answer.json
    assert second["retrained_from"] == first["job_id"]
    status = service.status(second)
    assert (status["state"], status["retrained_from"], status["num_corrections"]) == ("queued", first["job_id"], 2)
    assert status["options"]["seed"] == 5
    assert status["archive"] == service.status(first)["archive"]
    assert service.events(Topic.JOBS) == ["job_queued"]
    job = service.store.get(second["job_id"]).job
    sent = service.objects.read(f"uploads/{first['job_id']}/archive.zip")
    assert service.objects.read(job.archive.object_key, generation=job.archive.generation) == sent
    order = order_of(job, 1, Deadline(started=0, seconds_left=60), only_delivers=False)
    handed = from_json_text(Handover, service.objects.read(order.handover_key))
    assert handed.moves == {"class0/1.png": "class1", "class1/4.png": None}
    assert handed.said == {"class0/3.png": "class1", "class1/3.png": "class1"}
    assert handed.parts["class1/4.png"] == "train"


def test_who_asks_again_with_one_key_gets_the_same_job_and_the_same_token(service, first):
    once, again = ask(service, first, key="k"), ask(service, first, key="k")
    assert (once.status_code, again.status_code) == (201, 200)
    assert once.json == again.json
    assert ask(service, first, key="another").json["job_id"] != once.json["job_id"]
    assert ask(service, first, CORRECTIONS[:1]).json["job_id"] not in (once.json["job_id"], first["job_id"])
    refused = ask(service, first, CORRECTIONS[:1], key="k")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "key_reused")
    assert first["token"] not in json.dumps(once.json)


def test_a_job_that_was_left_half_made_is_finished_by_whoever_asks_again(service, first):
    copy, service.objects.copy = service.objects.copy, refuse
    assert ask(service, first, key="k").status_code == 503
    service.objects.copy = copy
    answer = ask(service, first, key="k")
    assert (answer.status_code, service.status(answer.json)["state"]) == (200, "queued")


def test_other_corrections_that_come_with_the_same_key_in_the_same_moment_change_nothing(service, first):
    create, made = service.store.create, []

    def create_second(*told, **named):
        service.store.create = create
        made.append(ask(service, first, CORRECTIONS[:1], key="k"))
        return create(*told, **named)

    service.store.create = create_second
    refused = ask(service, first, CORRECTIONS, key="k")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "key_reused")
    handed = from_json_text(Handover, service.objects.read(handover_key(made[0].json["job_id"])))
    assert handed.moves == {"class0/1.png": "class1"}


def test_who_asks_again_while_the_archive_is_copied_takes_it_from_nobody(service, first):
    copy, answers = service.objects.copy, []

    def copy_second(*told, **named):
        service.objects.copy = copy
        answers.append(ask(service, first, key="k"))
        return copy(*told, **named)

    service.objects.copy = copy_second
    answers.append(ask(service, first, key="k"))
    assert {answer.json["job_id"] for answer in answers} == {answers[0].json["job_id"]}
    archive = service.store.get(answers[0].json["job_id"]).job.archive
    assert service.objects.stat(archive.object_key).generation == archive.generation, "else no trainer could read it"


def refuse(*_: object, **__: object) -> None:
    from shared.errors import Transient  # noqa: PLC0415

    raise Transient("the store does not answer")


def test_the_second_job_keeps_its_photographs_where_the_first_is_deleted_and_loses_them_at_its_own_end(service, first):
    second = ask(service, first).json
    assert service.http.delete(f"/v1/jobs/{first['job_id']}", headers=bearer(first)).status_code == 200
    assert not list(service.objects.list(f"uploads/{first['job_id']}/"))
    assert len(list(service.objects.list(f"uploads/{second['job_id']}/"))) == 2
    finish(service, second)
    assert service.status(second)["archive_kept_until"]
    service.clock.advance(2 * 86_400 + 1)
    service.keeper.expire(service.clock())
    assert not list(service.objects.list("uploads/"))


def test_where_the_photographs_are_gone_the_way_on_is_told(service, first):
    assert service.status(first)["links"]["retrain"]
    service.clock.advance(2 * 86_400)
    assert service.status(first)["links"]["retrain"] is None
    answer = ask(service, first)
    assert (answer.status_code, answer.json["error"]["code"]) == (410, "archive_expired")


def test_photographs_that_go_while_they_are_copied_leave_no_half_of_a_job(service, first):
    service.objects.delete(f"uploads/{first['job_id']}/archive.zip")
    answer = ask(service, first)
    assert (answer.status_code, answer.json["error"]["code"]) == (410, "archive_expired")
    assert not list(service.objects.list("uploads/"))
    assert ask(service, first).status_code == 410


@pytest.mark.parametrize(
    "one",
    [
        {"path": "", "move_to": None},
        {"path": "class0/1.png", "move_to": ""},
        {"path": "p" * 5000, "move_to": None},
        {"path": "class0/1.png", "move_to": "c" * 5000},
    ],
)
def test_no_correction_names_nothing_or_more_than_any_path_can_have(one):
    with pytest.raises(UserFault, match="of correction 1 is empty, or longer than any can be"):
        read_corrections([one])


@pytest.mark.parametrize("sent", [[], None, 3, {"path": "class0/1.png", "move_to": None}])
def test_what_is_no_list_of_corrections_is_called_that(sent):
    with pytest.raises(UserFault, match="There are no corrections; a list of at least one was expected"):
        read_corrections(sent)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (3, 'Correction 2 is no object with "path" and "move_to"'),
        ("class0/2.png", "Correction 2 is no object"),
        ({"path": "class0/2.png", "move_to": None, "label": "class1"}, "Correction 2 is no object"),
        ({"move_to": "class1"}, '"path" of correction 2 must be text'),
        ({"path": "class0/2.png", "move_to": ["class1"]}, '"path" of correction 2 must be text'),
    ],
)
def test_which_of_many_corrections_cannot_be_read_is_told_by_its_number(second, said):
    with pytest.raises(UserFault, match=said):
        read_corrections([{"path": "class0/1.png", "move_to": "class1"}, second])


def test_the_list_may_tell_the_folder_that_a_photograph_lies_in_as_the_table_does():
    told = {"path": "class0/1.png", "filed_as": "class0", "move_to": "class1"}
    assert read_corrections([told]) == (Correction(path="class0/1.png", move_to="class1"),)


def test_as_much_is_taken_as_the_description_of_the_api_allows_and_no_more():
    longest = {"path": "p" * MAX_CHARACTERS, "move_to": "c" * MAX_CHARACTERS}
    assert read_corrections([longest]) == (Correction(**longest),)
    for name in longest:
        with pytest.raises(UserFault, match="longer than any can be"):
            read_corrections([longest | {name: "x" * (MAX_CHARACTERS + 1)}])
    most = [{"path": f"{number}.png", "move_to": None} for number in range(MAX_CORRECTIONS)]
    assert len(read_corrections(most)) == MAX_CORRECTIONS
    with pytest.raises(UserFault, match="There are 10,001 corrections; at most 10,000 are taken"):
        read_corrections([*most, {"path": "more.png", "move_to": None}])


def test_the_same_corrections_have_one_digest_in_every_version_and_others_another():
    """A key that comes again after an upgrade would be refused; trials that are done would be done again."""
    told = [Correction(path="b.png"), Correction(path="a.png", move_to="dogs")]
    text = b'[["a.png", false, "dogs"], ["b.png", true, ""]]'
    assert digest_of(told) == hashlib.sha256(text).hexdigest()
    others = [[Correction(path="b.png"), Correction(path="a.png", move_to=target)] for target in ("birds", None)]
    assert len({digest_of(each) for each in (told, told[:1], told[1:], *others)}) == 5


def test_a_folder_whose_name_begins_with_an_apostrophe_keeps_it():
    rows = "path,move_to\n'90s/1.png,'80s\n'=1+1/2.png,'=2\n"
    assert read_table(rows) == (
        Correction(path="'90s/1.png", move_to="'80s"),
        Correction(path="=1+1/2.png", move_to="=2"),
    )
    assert [from_csv_cell(text) for text in ("", "'", "cats", "'cats'")] == ["", "'", "cats", "'cats'"]


@pytest.mark.parametrize("cell", [r"a\Uffffffff.jpg", r"\u0041nt", r"\x41", r"\U00000041", r"\udc", "'"])
def test_what_only_looks_like_an_escape_stays_as_it_is_in_a_table(cell):
    assert from_csv_cell(cell) == cell


@pytest.mark.parametrize("is_typed_off", [False, True], ids=["as the archive has it", "as a report shows it"])
def test_a_class_with_a_character_that_nobody_sees_is_trained_again_with_all_its_photographs(is_typed_off):
    hidden = "\u200eclass0"
    rows = [tuple(csv_cell(cell.replace("class0", hidden)) for cell in row) for row in split_rows()]
    named = csv_cell if is_typed_off else str
    corrections = [
        Correction(path=named(f"{hidden}/1.png"), move_to="class1"),
        Correction(path="class1/4.png", move_to=named(hidden)),
    ]
    tables = read_tables(io.BytesIO(model_zip(rows)))
    told = hand_over(tables, corrections, job_id="a", winner="tiny")
    assert told.parts == {row[0].replace("class0", hidden): row[2] for row in split_rows()}
    assert told.moves == {f"{hidden}/1.png": "class1", "class1/4.png": hidden}


@given(st.text(st.characters(exclude_characters="\\"), max_size=12))
@example("\u200eIMG 7.jpg")
@example("soft\u00adware/\u2066x")
@example("=1\u200b")
@example("'=1")
@example("''- 1")
@example("caf\udce9/1.jpg")
@example("\U000e0041")
def test_a_name_of_which_not_all_is_seen_is_the_same_name_when_a_table_is_read_again(name):
    """A photograph that is not found again would serve for nothing in the second job, without a word."""
    assert from_csv_cell(csv_cell(name)) == name


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ([], "corrections_invalid"),
        ("cats", "corrections_invalid"),
        ([{"path": "class0/1.png"}], "corrections_invalid"),
        ([{"path": "class0/1.png", "move_to": "class0"}], "corrections_invalid"),
        ([{"path": "class0/1.png", "move_to": 3}], "corrections_invalid"),
        (
            [{"path": "class0/1.png", "move_to": None}, {"path": "class0/1.png", "move_to": "class1"}],
            "corrections_invalid",
        ),
        ([{"path": f"class0/{n}.png", "move_to": None} for n in (0, 1, 4)], "corrections_invalid"),
        ([{"path": "class0/1.png", "move_to": "class7"}], "correction_unknown_class"),
        ([{"path": "class0/99.png", "move_to": "class1"}], "correction_unknown_path"),
        ([{"path": "class0/x.txt", "move_to": "class1"}], "correction_unknown_path"),
    ],
)
def test_corrections_that_cannot_be_meant_are_refused_before_anything_is_made(service, first, sent, code):
    answer = ask(service, first, sent)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, code), answer.text
    assert answer.json["error"]["fix"]
    assert [each.key for each in service.objects.list("uploads/")] == [f"uploads/{first['job_id']}/archive.zip"]


def test_nobody_trains_again_without_the_key_of_the_job_or_before_there_is_a_network(service, first):
    stranger = {"job_id": first["job_id"], "token": "0" * 64}
    assert ask(service, stranger).status_code == 404
    fresh = service.submit()
    answer = ask(service, fresh)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "artefact_not_ready")


def test_training_again_counts_like_any_other_job():
    service = IntakeFixture(rules=AdmissionRules(jobs_per_address_day=2), retention=KEPT)
    made = service.submit()
    service.upload(made, small_archive())
    service.handle_uploads()
    finish(service, made)
    assert ask(service, made, key="a").status_code == 201
    assert ask(service, made, key="a").status_code == 200
    assert ask(service, made, key="b").json["error"]["code"] == "limit_reached"


def test_a_third_job_keeps_the_corrections_of_the_second(service, first):
    second = ask(service, first).json
    rows = [row if row[0] != "class0/1.png" else (row[0], "class1", row[2], "") for row in split_rows()]
    finish(service, second, model_zip([row for row in rows if row[0] != "class1/4.png"]))
    third = ask(service, second, [{"path": "class0/4.png", "move_to": "class1"}])
    assert third.status_code == 201, third.text
    handed = from_json_text(Handover, service.objects.read(handover_key(third.json["job_id"])))
    assert handed.moves == {"class0/1.png": "class1", "class1/4.png": None, "class0/4.png": "class1"}
    assert handed.corrected.num == 1


def test_the_table_that_the_page_saves_means_the_same_as_the_list():
    table = 'path,filed_as,move_to\r\n"class0/1.png","class0","class1"\r\n"class1/4.png","class1",""\r\n'
    assert read_table("\ufeff" + table) == read_corrections(CORRECTIONS)
    assert digest_of(read_table(table)) == digest_of(tuple(reversed(read_corrections(CORRECTIONS))))
    with pytest.raises(UserFault, match="columns"):
        read_table("a,b\n1,2\n")


def test_a_table_that_an_old_spreadsheet_ended_lines_of_in_its_own_way_is_read() -> None:
    assert read_table("path,move_to\rcats/1.png,dogs\r") == (Correction(path="cats/1.png", move_to="dogs"),)
    assert read_table('path,move_to\n"a\r\nb.png",dogs\n') == (Correction(path="a\r\nb.png", move_to="dogs"),)


def test_a_row_that_names_no_photograph_is_refused_with_what_helps_in_a_table() -> None:
    for table in ("move_to,path\ndogs\n", "path,move_to\n,dogs\n"):
        with pytest.raises(UserFault) as caught:
            read_table(table)
        assert caught.value.fault.code == "corrections_invalid"
        assert "table" in caught.value.fault.fix


def tables_of(files: dict[str, bytes]) -> Tables:
    """Return a split of files that no seed would make."""
    parts = {}
    for path in files:
        number = int("".join(each for each in path.rpartition("/")[2] if each.isdigit()))
        parts[path] = ("test", "validation", "train")[min(number % 5, 2)]
    classes = {path: path.split("/")[0] for path in files}
    answers = {path: Answer(actual=classes[path], predicted="cats") for path in files if parts[path] == "test"}
    return Tables(parts=parts, classes=classes, answers=answers)


def test_the_trainer_learns_what_was_corrected_and_tests_on_the_photographs_of_the_first(tmp_path: Path) -> None:
    files = good_files()
    archive = tmp_path / "photos.zip"
    archive.write_bytes(zipped(files))
    tables = tables_of(files)

    def of_part(part: str) -> list[str]:
        return [path for path in files if tables.parts[path] == part]

    classes = sorted(set(tables.classes.values()))
    moved, thrown, judged = of_part("train")[0], of_part("train")[-1], of_part("test")[-1]
    target = next(name for name in classes if name != tables.classes[moved])
    corrections = [Correction(path=moved, move_to=target), Correction(path=thrown), Correction(path=judged)]
    handed = hand_over(tables, corrections, job_id="one", winner="tiny")
    options = JobOptions(seed=3)
    plain = identify(archive, options)
    key = identify(archive, options, handed)
    assert key.digest != plain.digest
    assert key.digest != identify(archive, options, replace(handed, corrections=handed.corrections[:1])).digest
    run = make_run(tmp_path / "first")
    dataset = prepare(archive, run, key=key, sizes_px=[32], handover=handed)
    found = {path: dataset.classes[label] for path, label in zip(dataset.paths, dataset.labels, strict=True)}
    assert found[moved] == target
    assert set(files) - set(found) == {thrown, judged}
    assert sorted(dataset.paths[row] for row in dataset.split.test) == sorted(set(of_part("test")) - {judged})
    assert sorted(dataset.paths[row] for row in dataset.split.validation) == sorted(of_part("validation"))
    again = prepare(archive, replace(run, directory=tmp_path / "second"), key=key, sizes_px=[32], handover=handed)
    assert (again.paths, again.labels.tolist()) == (dataset.paths, dataset.labels.tolist())
    assert again.split_sha256 == dataset.split_sha256
    uncorrected = prepare(archive, replace(run, directory=tmp_path / "third"), key=plain, sizes_px=[32])
    assert uncorrected.num_images == len(files)


def test_a_correction_of_a_test_photograph_judges_both_networks_or_neither() -> None:
    newer = {"a": Answer(actual="dogs", predicted="dogs"), "b": Answer(actual="cats", predicted="dogs")}
    found = hold_against(newer, {"a": "dogs", "b": "cats", "gone": "cats"}, job_id="one", winner="tiny")
    assert (found.num_images, found.num_gained, found.num_lost, found.older_accuracy) == (2, 0, 1, 1.0)
    handed = Handover(
        job_id="one",
        winner="tiny",
        corrections=(Correction(path="a", move_to="dogs"), Correction(path="gone")),
        parts={"a": "test", "b": "test", "gone": "test"},
        said={},
    )
    assert (handed.corrected.num_test_moved, handed.corrected.num_test_left_out) == (1, 1)


@pytest.mark.parametrize(
    ("newer", "older", "shares"),
    [
        ("cccd", "ccdd", (0.75, 0.5)),
        ("c", "d", (1.0, 0.0)),
        ("d", "c", (0.0, 1.0)),
        ("", "", (0.0, 0.0)),
    ],
)
def test_both_shares_are_of_the_photographs_that_both_were_asked_about(newer: str, older: str, shares) -> None:
    answers = {str(number): Answer(actual="c", predicted=said) for number, said in enumerate(newer)}
    answers["learnt from"] = Answer(actual="c", predicted="d")
    found = hold_against(answers, {str(number): said for number, said in enumerate(older)}, job_id="one", winner="tiny")
    assert (found.accuracy, found.older_accuracy) == shares
    assert (found.num_images, found.num_left_out) == (len(newer), 1)


def test_tables_are_read_as_spreadsheets_have_them() -> None:
    rows = [("'=1+1/a.png", "'=1+1", "train", ""), ("b/'x.png", "b", "test", "")]
    tables = read_tables(io.BytesIO(model_zip(rows)))
    assert tables.classes["=1+1/a.png"] == "=1+1"
    assert tables.parts["b/'x.png"] == "test"


def test_the_report_says_what_was_corrected_and_what_that_is_to_the_test() -> None:
    answers = {"a": Answer(actual="dogs", predicted="dogs"), "b": Answer(actual="cats", predicted="cats")}
    versus = hold_against(answers, {"a": "cats", "b": "cats"}, job_id="one", winner="tiny")
    corrected = Corrected(job_id="one", num_moved=2, num_left_out=1, num_test_moved=1)
    section = comparison_section(replace(make_result(), comparison=versus, corrected=corrected))
    assert section is not None
    told = " ".join(block.text for block in section.blocks if isinstance(block, Paragraph))
    assert "2 photographs moved to another class and 1 photograph left out" in told
    assert "Corrected test photographs: 1." in told
    assert "1 photograph gained, 0 lost: within luck" in told
    worse = replace(versus, num_lost=9, p_value=0.02)
    assert outcome_of(worse) == worse.outcome == "1 photograph gained, 9 lost: worse, and not by luck (p = 0.02)."
    plain = comparison_section(replace(make_result(), comparison=versus))
    assert plain is not None
    assert "corrections" not in " ".join(block.text for block in plain.blocks if isinstance(block, Paragraph))


@pytest.mark.parametrize("text", ['[{"path": "a/1.png", "move_to": "b"}]', "path,move_to\r\na/1.png,b\r\n"])
def test_a_file_of_corrections_that_windows_saved_is_read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "corrections"
    file.write_text(text, encoding="utf-8-sig", newline="")

    assert corrections_in(file) == (Correction(path="a/1.png", move_to="b"),)
