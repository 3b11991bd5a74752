"""An archive read with a person's corrections: what was moved lies in its new class, in the order of paths."""

from shared.archive.corrected import corrected_plan
from shared.archive.rules import ArchivePlan, plan_archive
from shared.archive.zip_format.directory import Record

PLAN = plan_archive(
    [Record(f"{name}/{number}.jpg", offset=1000 * at) for name, at in (("b", 1), ("a", 9)) for number in range(5)]
)


def paths_of(plan: ArchivePlan) -> dict[str, list[str]]:
    return {name: [entry.path for entry in entries] for name, entries in plan.classes.items()}


def test_without_corrections_the_archive_is_read_as_its_folders_say() -> None:
    assert corrected_plan(PLAN, {}) is PLAN


def test_photographs_are_moved_thrown_out_and_put_into_new_classes() -> None:
    moved = corrected_plan(PLAN, {"b/1.jpg": "a", "b/2.jpg": None, "a/4.jpg": "new", "nowhere.jpg": "a"})
    assert paths_of(moved) == {
        "a": ["a/0.jpg", "a/1.jpg", "a/2.jpg", "a/3.jpg", "b/1.jpg"],
        "b": ["b/0.jpg", "b/3.jpg", "b/4.jpg"],
        "new": ["a/4.jpg"],
    }
    assert list(moved.classes) == ["a", "b", "new"]
    assert moved.remarks == PLAN.remarks
    assert len(PLAN.classes["b"]) == 5, "the plan itself stays"
