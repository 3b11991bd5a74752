import ast
from pathlib import Path

from shared import layout
from shared.job.job import Artefacts
from shared.layout import FILE_NAMES, Artefact

ROOT = Path(__file__).resolve().parents[2]
SPELLED_OUT = {
    "shared/layout.py",
    "services/trainer/export/predict.py",
    "services/trainer/export/runtimes.py",
}  # these are handed out and stand alone
SOURCES = [
    path
    for path in sorted([*ROOT.glob("shared/**/*.py"), *ROOT.glob("services/**/*.py")])
    if str(path.relative_to(ROOT)) not in SPELLED_OUT
]


def test_every_artefact_of_a_job_has_a_file_name_and_only_one():
    assert {artefact.value for artefact in Artefact} == set(Artefacts.__dataclass_fields__)
    assert set(FILE_NAMES) == set(Artefact)
    assert len({*FILE_NAMES.values(), layout.MAIL_FILE_NAME}) == len(FILE_NAMES) + 1


def test_all_that_a_job_keeps_lies_in_its_folders_and_in_those_of_no_other_job():
    def keys(job_id: str) -> list[str]:
        own = [layout.artefact_key(job_id, 2, artefact) for artefact in Artefact]
        return [
            *own,
            layout.archive_key(job_id),
            layout.report_key(job_id),
            layout.ledger_key(job_id, 1, "screen/tiny"),
        ]

    assert all(key.startswith(layout.folders_of("a")) for key in keys("a"))
    assert not any(key.startswith(layout.folders_of("a")) for key in keys("ab"))
    assert len(set(keys("a"))) == len(keys("a"))


def test_an_archive_is_known_by_its_key():
    assert layout.job_of_archive(layout.archive_key("7f3a")) == "7f3a"
    for key in ("uploads/7f3a", "uploads//archive.zip", "uploads/7f3a/deeper/archive.zip", "jobs/7f3a/archive.zip"):
        assert layout.job_of_archive(key) is None


def test_every_key_of_a_job_says_whose_it_is_and_no_other_key_does():
    keys = [layout.archive_key("a"), layout.report_key("a"), layout.ledger_key("a", 1, "screen/tiny")]
    assert [layout.job_of_key(key) for key in keys] == ["a", "a", "a"]
    assert [layout.job_of_key(key) for key in ("uploads", "uploads/a", "weights/a/model.h5", "jobs//x")] == [None] * 4
    assert layout.ledger_entry(layout.ledger_key("a", 12, "screen/tiny")) == (12, "screen/tiny")
    assert layout.ledger_entry(layout.artefact_key("a", 12, Artefact.RESULT)) is None


def test_no_other_module_spells_a_key_or_a_file_name():
    names = {*FILE_NAMES.values(), layout.MAIL_FILE_NAME}
    folders = (layout.UPLOADS, layout.JOBS)
    spelled = {
        f"{path.relative_to(ROOT)}:{node.lineno}": node.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value in names or node.value.startswith(folders)
    }
    assert spelled == {}
