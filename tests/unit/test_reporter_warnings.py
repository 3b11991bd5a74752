from dataclasses import replace

import numpy as np
import pytest

from services.reporter.report.sections.headline import headline
from services.reporter.report.statistics import matrix_view
from services.reporter.report.warnings import warnings_about
from services.reporter.report.wording import are_numbered, beside, numbered, percent, photographs, span, width
from shared.job.findings.photographs import OwnParts, RepeatedClass
from shared.job.findings.scores import UploadedScores
from shared.job.result import Remark, Result
from tests.result_fixture import make_result, scores


def titles(result: Result) -> list[str]:
    return [notice.title for notice in warnings_about(result)]


@pytest.fixture
def good() -> Result:
    """A result that leaves nothing to warn of."""
    result = make_result(num_candidates=2, per_class=60, skill=0.92)
    assert result.tuning is not None
    return replace(result, tuning=replace(result.tuning, train_accuracy=0.95, val_accuracy=result.test.accuracy))


def test_a_sound_result_has_no_warning(good: Result) -> None:
    assert titles(good) == []


def test_what_is_kept_together_is_the_reason_why_photographs_count_for_fewer(good: Result) -> None:
    few = make_result(("a", "b"), num_candidates=1, per_class=8, skill=0.9)
    counted = replace(few, test=replace(few.test, num_independent=4.0))
    of_sites = replace(counted, counts=replace(counted.counts, group_by="folder"))
    told, told_of_sites = (next(notice.text for notice in warnings_about(each)) for each in (counted, of_sites))
    assert "copies among them make them count for 4" in told
    assert "those that you keep together are partly recognised or mistaken together" in told_of_sites
    assert "copies" not in told_of_sites
    told_of_all = next(notice.text for notice in warnings_about(few))
    assert "copies" not in told_of_all, "where each counts for itself"
    for each, text in ((few, told_of_all), (counted, told), (of_sites, told_of_sites)):
        assert span(each.test.interval) in text


@pytest.mark.parametrize("num_independent", [0.4, 1.0])
def test_photographs_that_are_all_copies_of_one_count_for_one(num_independent: float) -> None:
    few = make_result(("a", "b"), num_candidates=1, per_class=8, skill=0.9)
    alike = replace(few, test=replace(few.test, num_independent=num_independent))
    assert "make them count for 1, so" in next(notice.text for notice in warnings_about(alike))


def test_groups_of_one_photograph_each_are_not_blamed_for_a_wide_interval() -> None:
    few = make_result(("a", "b"), num_candidates=1, per_class=8, skill=0.9)
    alone = replace(few, counts=replace(few.counts, group_by="folder"))
    told = [notice.text for notice in warnings_about(alone) if notice.title == "Few test photographs"]
    assert told == [notice.text for notice in warnings_about(few) if notice.title == "Few test photographs"]
    assert "keep together" not in told[0]


def test_each_reason_to_doubt_is_told(good: Result) -> None:
    assert good.tuning is not None
    few = make_result(("a", "b"), num_candidates=1, per_class=8, skill=0.9)
    high = replace(good, tuning=replace(good.tuning, val_accuracy=0.999))
    by_heart = replace(good, tuning=replace(good.tuning, train_accuracy=1.0, val_accuracy=0.8))
    assert "Few test photographs" in titles(few)
    assert titles(high) == ["Better while choosing than in the test"]
    assert titles(by_heart) == ["It knows your photographs by heart"]
    assert titles(replace(good, stopped_because="budget")) == ["Training was cut short"]


def test_a_delivered_file_that_reads_photographs_unlike_the_test_is_told(good: Result) -> None:
    unlike = UploadedScores(
        num_images=200,
        accuracy=0.83,
        test_accuracy=0.92,
        num_right_in_test_only=20,
        num_right_as_uploaded_only=2,
        p_value=0.0001,
    )
    (notice,) = warnings_about(replace(good, as_uploaded=unlike))
    assert "does not score as in the test" in notice.title
    assert "83\u00a0%" in notice.text
    assert titles(replace(good, as_uploaded=replace(unlike, p_value=0.06))) == []
    assert titles(replace(good, as_uploaded=None)) == []


def test_files_that_could_not_be_used_are_told_and_copies_that_gave_way_are_not(good: Result) -> None:
    twice = replace(good.duplicates, num_conflicts=good.counts.train)
    (notice,) = warnings_about(replace(good, duplicates=twice))
    assert notice.text.startswith(f"{2 + 2 * (good.counts.train - 1) + 2:,} files of")
    many = replace(good, num_quarantined=good.counts.train)
    assert titles(many) == ["Many files were left out"]
    assert titles(replace(many, duplicates=replace(many.duplicates, num_given_way=good.counts.train))) == []


FRAMES = RepeatedClass(name="skirt", num_images=66, largest_group=66, num_straddling=66, num_test_straddling=12)


def test_a_class_whose_copies_stand_on_both_sides_is_told_with_what_it_means(good: Result) -> None:
    torn = replace(good, duplicates=replace(good.duplicates, repeated=(FRAMES,)))
    notice = next(each for each in warnings_about(torn) if each.title == "The test is easier than life")
    assert "“skirt”" in notice.text
    assert f"12 of {good.test.num_images} test photographs" in notice.text
    assert "never seen before" in headline(good)
    assert "never seen before" not in headline(torn)
    of_choice = replace(FRAMES, num_test_straddling=0)
    chosen = replace(good, duplicates=replace(good.duplicates, repeated=(of_choice,)))
    (notice,) = warnings_about(chosen)
    assert notice.title == "Copies stand on both sides of the choice"
    assert "None of the test photographs does, so the number above stands" in notice.text
    one = replace(good, duplicates=replace(good.duplicates, repeated=(replace(FRAMES, num_test_straddling=1),)))
    assert f"1 of {good.test.num_images} test photographs hardly differs" in warnings_about(one)[0].text


def test_copies_on_both_sides_of_a_split_that_the_person_made_are_told_as_of_that_split(good: Result) -> None:
    own = replace(good.counts, own_split=OwnParts(train=("train",), test=("test",)))
    torn = replace(good, counts=own, duplicates=replace(good.duplicates, repeated=(FRAMES,)))
    two = replace(torn, duplicates=replace(good.duplicates, repeated=(FRAMES, replace(FRAMES, name="coat"))))
    first, second = (warnings_about(each)[0].text for each in (torn, two))
    assert first.startswith("“skirt”: copies of the same picture stand on both sides of your own split.")
    assert "photographs of this class" in first
    assert "“skirt” and “coat”" in second
    assert "photographs of these classes" in second


def test_a_matrix_names_its_classes_as_long_as_they_can_be_read() -> None:
    names = [f"class {number}" for number in range(26)]
    assert [are_numbered(names[:25]), are_numbered(names)] == [False, True]
    assert are_numbered(["قطة", "dog"])
    assert [numbered("ants", 4), numbered("3", 4), numbered("b2", 5)] == ["4. ants", "3 (no. 4)", "5. b2"]
    assert numbered("3 ants", 4) == "3 ants (no. 4)", "and not the number 4. 3"


def test_columns_of_the_plain_mail_count_wide_characters_twice_and_marks_on_others_not() -> None:
    assert (width("caf\u00e9"), width("cafe\u0301"), width("\u732b"), width("\uff23"), width("")) == (4, 4, 2, 2, 0)


def test_parts_of_a_sentence_stand_beside_one_another_each_once_and_in_order() -> None:
    assert [beside(list(parts)) for parts in ("a", "ab", "abcd")] == ["a", "a; b", "a; b; c; d"]
    assert (photographs(1), photographs(2000)) == ("1 photograph", "2,000 photographs")


def test_classes_confused_once_are_shown_beside_ten_that_are_all_confused_with_one_another(good: Result) -> None:
    matrix = np.diag(np.full(61, 9))
    matrix[51:, 51:] += 2  # ninety pairs of ten classes
    matrix[0, 1] = matrix[20, 0] = 1
    view = matrix_view(replace(good, test=replace(good.test, confusion_matrix=matrix.tolist())))
    assert list(view.rows) == [0, 1, 20, *range(51, 61)]
    assert view.counts[0] == [9, 1, *[0] * 12]
    assert not view.is_whole


def test_a_class_that_is_mostly_one_picture_is_told_where_it_was_kept_together(good: Result) -> None:
    mostly = replace(FRAMES, num_images=80, num_straddling=0, num_test_straddling=0)
    (notice,) = warnings_about(replace(good, duplicates=replace(good.duplicates, repeated=(mostly,))))
    assert notice.title == "Mostly the same picture"
    assert "66 of 80 of “skirt”" in notice.text


def test_few_photographs_that_are_copies_of_fewer_are_told(good: Result) -> None:
    copies = replace(good, test=replace(good.test, num_independent=20.0, interval=(0.7, 0.97)))
    (notice,) = warnings_about(copies)
    assert "count for 20" in notice.text


def test_how_folders_were_understood_is_told_with_what_to_do_if_something_else_was_meant(good: Result) -> None:
    remark = Remark(code="folders_inside_classes", message="'animals' holds 'cat'.", fix="Make 'cat' a folder on top.")
    (notice,) = warnings_about(replace(good, remarks=(remark,)))
    assert notice.title == "Folders inside your classes were not told apart"
    assert notice.text == "'animals' holds 'cat'. Make 'cat' a folder on top."
    (newer,) = warnings_about(replace(good, remarks=(replace(remark, code="of_a_newer_release"),)))
    assert newer.title == "About your folders"


def test_guessing_and_uneven_classes_are_told(good: Result) -> None:
    matrix = np.array([[90, 0], [9, 1]])
    lopsided = replace(good, classes=("a", "b"), test=scores(("a", "b"), matrix), tuning=None)
    assert titles(lopsided)[0] == "It may be no better than guessing"
    assert "Uneven classes" in titles(lopsided)
    assert "Some classes are found less than half the time" in titles(lopsided)


def test_numbers_are_never_rounded_to_certainty() -> None:
    shown = [
        percent(share).replace("\u00a0", " ") for share in (1.0, 1 - 1e-16, 0.9983, 0.0, 0.002, 0.894, 0.9999999, 1e-8)
    ]
    assert shown == ["100 %", "100 %", "99.8 %", "0 %", "0.2 %", "89 %", "over 99.9 %", "under 0.1 %"]


def text_of(title: str, result: Result) -> str | None:
    return next((notice.text for notice in warnings_about(result) if notice.title == title), None)


def scored(*found: tuple[int, int], **changes: object) -> Result:
    """Return a result with a class for each pair: its test images, and how many of these were found."""
    names = tuple("abcd"[: len(found)])
    matrix = np.zeros((len(found), len(found)), dtype=int)
    for at, (num_images, num_found) in enumerate(found):
        matrix[at, at] = num_found
        matrix[at, at - 1] = num_images - num_found
    result = make_result(names, num_candidates=1)
    return replace(result, test=replace(scores(names, matrix), **changes))


def test_who_may_be_no_better_than_guessing_is_told_both_figures_and_the_answer_that_does_as_well() -> None:
    title = "It may be no better than guessing"
    told = text_of(title, scored((75, 70), (25, 20), interval=(0.75, 0.9)))
    assert told is not None
    assert "always answers “a” is right on 75\u00a0% of the test photographs" in told
    assert "its interval goes down to 75\u00a0%" in told
    assert text_of(title, scored((75, 70), (25, 20), interval=(0.76, 0.9))) is None


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("budget", "The limit on time or cost was reached before training was finished"),
        ("cancelled", "The job was cancelled"),
        ("lost", "Training broke off again and again"),
        ("preempted", "The machine was taken away"),
        ("a new one", "Training ended early (a new one)"),
    ],
)
def test_why_training_was_cut_short_is_told(good: Result, reason: str, words: str) -> None:
    told = text_of("Training was cut short", replace(good, stopped_because=reason))
    assert told is not None
    assert told.startswith(words)


@pytest.mark.parametrize(
    ("validation", "accuracy", "high", "is_told"),
    [(0.96, 0.9, 0.95, True), (0.96, 0.9, 0.96, False), (0.94, 0.9, 0.93, False), (0.9, 0.95, 0.8, False)],
)
def test_a_test_that_says_clearly_less_than_the_choice_did_is_told_with_both_figures(
    good: Result, validation: float, accuracy: float, high: float, *, is_told: bool
) -> None:
    assert good.tuning is not None
    result = replace(
        good,
        tuning=replace(good.tuning, val_accuracy=validation, train_accuracy=validation),
        test=replace(good.test, accuracy=accuracy, interval=(0.7, high)),
    )
    told = text_of("Better while choosing than in the test", result)
    words = f"it was right {percent(validation)} of the time, on the test photographs {percent(accuracy)}."
    assert (told is not None and words in told) is is_told
    assert (told is None) is not is_told


@pytest.mark.parametrize(("learnt", "is_told"), [(0.95, True), (0.94, False)])
def test_what_it_knows_by_heart_is_told_from_a_gap_on_with_both_figures(
    good: Result, learnt: float, *, is_told: bool
) -> None:
    assert good.tuning is not None
    result = replace(good, tuning=replace(good.tuning, train_accuracy=learnt, val_accuracy=0.795))
    told = text_of("It knows your photographs by heart", result)
    words = f"It is right on {percent(learnt)} of the photographs it learned from, but on {percent(0.795)} of those"
    assert (told is not None and words in told) is is_told
    assert (told is None) is not is_told


def test_classes_that_are_mostly_missed_or_hardly_tested_are_named() -> None:
    result = scored((40, 19), (40, 20), (4, 4), (0, 0))
    missed = text_of("Some classes are found less than half the time", result)
    assert missed is not None
    assert missed.startswith("“a”: most photographs of this class")
    hardly = text_of("Hardly tested classes", result)
    assert hardly == "“c” and “d”: fewer than 5 test photographs each; their own figures say little."
    assert text_of("Hardly tested classes", scored((40, 36), (5, 4))) is None


def test_uneven_classes_are_told_from_three_times_as_many_on_with_the_average_over_classes() -> None:
    told = text_of("Uneven classes", scored((20, 18), (60, 54), (30, 27), balanced_accuracy=0.81))
    assert told is not None
    assert told.startswith("“b” has 60 test photographs, “a” 20.")
    assert told.endswith("the average over classes is 81\u00a0%.")
    assert text_of("Uneven classes", scored((20, 18), (59, 54), (30, 27))) is None
