"""May it be used? The rule is held to what docs/verdict.md promises, and every place says the same."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from services.client.terminal.summary import print_summary
from services.reporter.report.downloads import Downloads, Link
from services.reporter.report.limits import PAGE
from services.reporter.report.outline import outline_of
from services.reporter.report.rendering import render_mail, render_text
from shared.interval import wilson_interval
from shared.job.findings.photographs import RepeatedClass
from shared.job.findings.scores import UploadedScores
from shared.job.findings.verdict import Grade, Neighbours, Verdict
from shared.job.result import Result
from shared.job.verdict.evidence import Evidence, clear_calibration_error, evidence_of
from shared.job.verdict.rule import REASONS, WORDS, class_evidence, judge, verdict_of
from shared.job.verdict.words import reason_of
from shared.json_codec import from_json, to_json
from shared.language.speech import speaking
from tests.reporter_fixture import finished_job
from tests.result_fixture import make_result, scores
from tools.verdict_page import PAGE as PAGE_OF_THE_RULE
from tools.verdict_page import rates

GREEN = "#0d6e60"
PAGES = Path(__file__).resolve().parents[2] / "services" / "intake" / "pages" / "static"


def evidence(**changes: object) -> Evidence:
    good = Evidence(
        accuracy=0.97,
        low=0.93,
        guessing=0.5,
        classes=(class_evidence("cat", 97, 100), class_evidence("dog", 97, 100)),
        calibration_error=0.02,
        neighbours=Neighbours(num_images=480, accuracy=0.9, network_accuracy=0.96, p_value=0.001),
    )
    return replace(good, **changes)


def rival(accuracy: float, network: float, p_value: float) -> Neighbours:
    return Neighbours(num_images=480, accuracy=accuracy, network_accuracy=network, p_value=p_value)


@pytest.mark.parametrize(
    ("changes", "grade", "words"),
    [
        ({}, Grade.GOOD, "At least 93%"),
        ({"low": 0.5}, Grade.DO_NOT_USE, "not clearly better than guessing"),
        ({"neighbours": rival(0.99, 0.9, 0.01)}, Grade.DO_NOT_USE, "Looking up the most similar"),
        (
            {"accuracy": 0.7, "low": 0.6, "neighbours": rival(0.7, 0.7, 1.0)},
            Grade.DO_NOT_USE,
            "no better than looking up",
        ),
        (  # nine of ten are not fewer than 90 %
            {"accuracy": 0.9, "low": 0.6, "neighbours": rival(0.9, 0.9, 1.0)},
            Grade.CHECK_EVERY_ANSWER,
            "right on no more than 60%",
        ),
        (  # six of six: the test is small, and "often wrong" would be untrue
            {"accuracy": 1.0, "low": 0.61, "neighbours": rival(1.0, 1.0, 1.0)},
            Grade.CHECK_EVERY_ANSWER,
            "right on no more than 61%",
        ),
        ({"neighbours": rival(0.97, 0.97, 1.0)}, Grade.GOOD, "At least 93%"),
        ({"low": 0.69}, Grade.CHECK_EVERY_ANSWER, "no more than 69%"),
        ({"classes": (class_evidence("cat", 1, 20),)}, Grade.CHECK_EVERY_ANSWER, "'cat' it finds fewer than half"),
        ({"classes": (class_evidence("cat", 0, 0),)}, Grade.CHECK_EVERY_ANSWER, "no test photograph"),
        ({"calibration_error": 0.2}, Grade.CHECK_EVERY_ANSWER, "off by 20%"),
        ({"is_unseen": False}, Grade.CHECK_EVERY_ANSWER, "easier than new photographs"),
        ({"is_as_delivered": False}, Grade.CHECK_EVERY_ANSWER, "less well than the test says"),
        ({"low": 0.89}, Grade.USABLE_WITH_REVIEW, "may be 89%"),
        ({"classes": (class_evidence("cat", 70, 100),)}, Grade.USABLE_WITH_REVIEW, "falls behind"),
        ({"classes": (class_evidence("cat", 3, 3),)}, Grade.USABLE_WITH_REVIEW, "hardly tested"),
        ({"classes": (class_evidence("cat", 1, 1),)}, Grade.USABLE_WITH_REVIEW, "hardly tested: with 1 test"),
        ({"classes": (class_evidence("cat", 4, 4),)}, Grade.GOOD, "every class is found"),
        ({"calibration_error": 0.12}, Grade.USABLE_WITH_REVIEW, "off by 12%"),
    ],
)
def test_each_objection_of_the_page_decides_and_is_the_reason(changes, grade: Grade, words: str) -> None:
    verdict = judge(evidence(**changes))
    assert verdict.grade is grade
    assert words in verdict.reason
    assert verdict.reason.endswith(".")


def test_who_only_guesses_is_seldom_called_more_and_never_usable() -> None:
    found = rates(10, 30, 0.1, num_tests=400)
    assert found[Grade.DO_NOT_USE] > 0.9
    assert found[Grade.USABLE_WITH_REVIEW] == found[Grade.GOOD] == 0


def test_a_network_that_is_right_nine_times_of_ten_is_seldom_called_good() -> None:
    assert rates(10, 30, 0.9, num_tests=400)[Grade.GOOD] < 0.05
    assert rates(10, 30, 0.99, num_tests=400)[Grade.GOOD] > 0.95


def test_true_probabilities_are_held_against_no_network_for_the_smallness_of_its_test() -> None:
    assert clear_calibration_error(0.11, 0.78, 90) == 0.0
    assert clear_calibration_error(0.11, 0.78, 90_000) == pytest.approx(0.11, abs=0.01)


def test_the_page_names_every_grade_and_has_its_table() -> None:
    page = PAGE_OF_THE_RULE.read_text(encoding="utf-8")
    assert all(f"`{grade}`" in page for grade in Grade)
    assert "| 10 | 100 | 99% |" in page


def test_a_result_of_an_older_version_is_judged_when_it_is_shown() -> None:
    document = to_json(make_result())
    document.pop("verdict")
    assert verdict_of(from_json(Result, document)) == judge(evidence_of(make_result()))


def guessing_result() -> Result:
    result = make_result()
    return replace(result, test=replace(result.test, accuracy=0.17, interval=(0.09, 0.25)))


def letter_of(result: Result):
    downloads = Downloads(links=[Link(label="Download the model", url="file:///model.zip", is_main=True)])
    return outline_of(finished_job(), result, figures={}, downloads=downloads, limits=PAGE)


def test_a_verdict_tells_the_comparison_that_it_was_made_with() -> None:
    given = rival(0.9, 0.96, 0.001)
    assert judge(evidence(neighbours=given)).neighbours == given
    fresh = replace(make_result(), verdict=None)
    assert evidence_of(fresh, given).neighbours == given
    judged = replace(fresh, verdict=judge(evidence_of(fresh, given)))
    assert evidence_of(judged, rival(0.1, 0.1, 1.0)).neighbours == given, "what the result has stays"


def test_copies_in_the_test_count_once_in_every_interval_and_in_what_chance_explains() -> None:
    result = replace(make_result(("a", "b"), num_candidates=1, per_class=40), verdict=None)

    def counting_for(of_class: float | None, in_all: float | None) -> Evidence:
        per_class = tuple(replace(each, num_independent=of_class) for each in result.test.per_class)
        return evidence_of(replace(result, test=replace(result.test, per_class=per_class, num_independent=in_all)))

    whole, few = counting_for(None, None), counting_for(5.0, 10.0)
    for each, score in zip(whole.classes, result.test.per_class, strict=True):
        assert (each.low, each.high) == wilson_interval(score.recall * score.num_images, score.num_images)
    for each in few.classes:
        assert (each.low, each.high) == wilson_interval(each.recall * 5, 5)
    error, accuracy = result.test.calibration.error_after, result.test.accuracy
    assert whole.calibration_error == clear_calibration_error(error, accuracy, result.test.num_images)
    assert few.calibration_error == clear_calibration_error(error, accuracy, 10)
    assert clear_calibration_error(0.5, 0.8, 100) == pytest.approx(0.5 - 0.8 * (0.8 * 0.2 * 15 / 100) ** 0.5)


@pytest.mark.parametrize(
    ("p_value", "as_uploaded", "in_test", "is_as_delivered"),
    [(0.01, 0.8, 0.9, False), (0.01, 0.9, 0.8, True), (0.05, 0.8, 0.9, True), (1.0, 0.9, 0.9, True)],
)
def test_a_file_that_reads_worse_than_the_test_says_beyond_chance_is_not_as_delivered(
    p_value: float, as_uploaded: float, in_test: float, is_as_delivered: bool
) -> None:
    uploaded = UploadedScores(
        num_images=100,
        accuracy=as_uploaded,
        test_accuracy=in_test,
        num_right_in_test_only=10,
        num_right_as_uploaded_only=0,
        p_value=p_value,
    )
    assert evidence_of(replace(make_result(), as_uploaded=uploaded)).is_as_delivered is is_as_delivered
    assert evidence_of(replace(make_result(), as_uploaded=None)).is_as_delivered


@pytest.mark.parametrize(("num_straddling", "is_unseen"), [(0, True), (1, False)])
def test_a_test_photograph_whose_copy_was_learnt_from_is_not_unseen(num_straddling: int, is_unseen: bool) -> None:
    repeated = [
        RepeatedClass(name=name, num_images=9, largest_group=7, num_straddling=3, num_test_straddling=num)
        for name, num in (("a", 0), ("b", num_straddling))
    ]
    result = make_result()
    result = replace(result, duplicates=replace(result.duplicates, repeated=tuple(repeated)))
    assert evidence_of(result).is_unseen is is_unseen


def test_under_a_useless_network_there_is_no_green_and_no_button_in_the_opening() -> None:
    page = render_mail(letter_of(guessing_result()))
    opening = page.split("<h2")[0].split("<h1")[1]
    assert 'class="button' not in opening
    assert GREEN not in "".join(line for line in opening.splitlines() if 'class="link"' not in line)
    assert "Do not use it." in opening
    assert "model.zip" in opening  # it is there all the same


def test_mail_page_and_terminal_begin_with_the_same_verdict() -> None:
    result = make_result()
    outline, sink = letter_of(result), io.StringIO()
    print_summary(result, Console(file=sink, width=300))
    assert outline.subject.startswith("Your model: usable with review, 83")
    assert outline.title == "Usable with review."
    reason = verdict_of(result).reason
    bare = "".join(reason.split())
    assert "".join(outline.lead.split()).startswith(bare)
    assert reason in sink.getvalue()
    assert "Usable with review." in sink.getvalue().strip().splitlines()[0]
    assert bare in "".join(render_text(outline).split())


def test_every_reason_is_told_by_its_code_with_what_the_sentence_names():
    missed = evidence(classes=(class_evidence("cat", 97, 100), class_evidence("dog", 5, 40)), low=0.8)
    verdict = judge(missed)
    assert verdict.reason_code == "class_missed"
    assert verdict.reason_values == {"name": "dog", "found": 5, "tested": 40}
    assert verdict.reason == "Of 'dog' it finds fewer than half: 5 of 40 test photographs."
    assert from_json(type(verdict), to_json(verdict)) == verdict


def test_of_several_classes_the_one_that_is_found_least_is_named_and_of_hardly_tested_ones_the_least_tested():
    cat = class_evidence("cat", 97, 100)
    missed = judge(evidence(classes=(cat, class_evidence("ant", 9, 40), class_evidence("bee", 2, 40))))
    assert (missed.reason_code, missed.reason_values["name"]) == ("class_missed", "bee")
    behind = judge(evidence(classes=(cat, class_evidence("ant", 29, 40), class_evidence("bee", 28, 40))))
    assert (behind.reason_code, behind.reason_values["name"]) == ("class_behind", "bee")
    hardly = judge(evidence(classes=(class_evidence("ant", 3, 3), class_evidence("bee", 2, 2), cat)))
    assert hardly.reason_code == "class_hardly_tested"
    assert hardly.reason_values == {"name": "bee", "tested": 2}


@pytest.mark.parametrize(
    ("changes", "grade"),
    [
        ({"low": 0.9}, Grade.GOOD),
        ({"low": 0.7, "accuracy": 0.8}, Grade.USABLE_WITH_REVIEW),
        ({"calibration_error": 0.1}, Grade.GOOD),
        ({"calibration_error": 0.15}, Grade.USABLE_WITH_REVIEW),
        ({"classes": (class_evidence("cat", 97, 100), class_evidence("dog", 75, 100))}, Grade.GOOD),
    ],
)
def test_what_just_reaches_a_limit_of_the_page_has_reached_it(changes, grade: Grade) -> None:
    assert judge(evidence(**changes)).grade is grade


def test_a_verdict_of_an_older_result_has_no_code_and_keeps_its_sentence():
    old = from_json(Verdict, {"grade": "good", "reason": "It is good."})
    assert (old.reason, old.reason_code, dict(old.reason_values)) == ("It is good.", "", {})


def test_the_page_knows_every_grade_and_reason_in_the_same_words():
    script = (PAGES / "verdict.js").read_text(encoding="utf-8")
    for code, sentence in REASONS.items():
        assert f"  {code}: (" in script, f"tell {code} in verdict.js"
        assert f'_("{sentence}"' in script, code
    for grade, words in WORDS.items():
        assert f'{grade}: () => _("{words}.")' in script


@pytest.mark.parametrize(
    ("language", "low", "guessing"),
    [
        ("en", "At least 99.8\u00a0%", "right on 0.3\u00a0%"),
        ("de", "mindestens 99,8\u00a0%", "0,3\u00a0%"),
        ("fr", "99,8\u202f%", "0,3\u202f%"),
    ],
)
def test_no_verdict_tells_a_share_short_of_everything_or_nothing_as_that(
    language: str, low: str, guessing: str
) -> None:
    pair = ("cats", "dogs")
    perfect = replace(make_result(pair, num_candidates=1), test=scores(pair, np.diag([900, 880])))
    names = tuple(f"class {number}" for number in range(300))
    confused = scores(names, np.roll(np.eye(300, dtype=int), 1, axis=1))
    useless = replace(make_result(pair, num_candidates=1), classes=names, test=confused)
    with speaking(language):
        assert low in reason_of(perfect)
        assert guessing in reason_of(useless)


def test_a_terminal_tells_no_share_short_of_everything_as_that() -> None:
    pair = ("cats", "dogs")
    told = told_on_a_terminal(
        replace(make_result(pair, num_candidates=1), test=scores(pair, np.diag([90_000, 88_000])))
    )
    assert "At least 99.9% of photographs like these" in told
    assert "over 99.9% to 100.0%" in told


def useless_but_often_right() -> Result:
    """A result of a set so uneven that every answer is reliable, and no better than answering the large class."""
    result = make_result(("cats", "dogs"), num_candidates=1)
    assert result.certainty is not None
    test = scores(("cats", "dogs"), np.array([[965, 0], [33, 2]]))
    return replace(result, test=test, certainty=replace(result.certainty, threshold=0.0))


def test_a_network_that_should_not_be_used_is_given_no_threshold_to_use_it_above() -> None:
    result = useless_but_often_right()
    assert result.certainty is not None
    assert verdict_of(result).grade is Grade.DO_NOT_USE
    text = told_in_a_report(result)
    assert "Take every answer" not in text
    assert "no threshold is advised" in text
    above = replace(result, certainty=replace(result.certainty, threshold=0.8))
    assert "Answer only above" not in told_in_a_report(above) + told_on_a_terminal(above)


def test_answers_that_have_to_be_checked_are_not_said_to_be_taken_as_they_are() -> None:
    names = ("cats", "birds", "dogs")
    result = make_result(names, num_candidates=1)
    assert result.certainty is not None
    test = scores(names, np.array([[480, 0, 0], [0, 480, 0], [18, 0, 2]]))
    text = told_in_a_report(replace(result, test=test, certainty=replace(result.certainty, threshold=0.0)))
    assert text.startswith("Check every answer.")
    assert "Check them all the same, for the reason given at the top" in text
    assert "Take every answer" not in text
    assert "Use: every answer" not in text


def test_a_class_that_is_called_like_an_address_is_no_link_in_the_first_sentence_of_a_mail() -> None:
    names = ("cats", "dogs", "www.evil.com")
    counts = np.array([[90, 0, 0], [0, 90, 0], [18, 0, 2]])
    result = replace(make_result(names, num_candidates=1), test=scores(names, counts))
    text = told_in_a_report(result)
    assert "finds fewer than half" in text
    assert "www.evil" not in text


def told_on_a_terminal(result: Result) -> str:
    sink = io.StringIO()
    print_summary(result, Console(file=sink, width=200))
    return sink.getvalue()


def told_in_a_report(result: Result) -> str:
    outline = outline_of(finished_job(), result, figures={}, downloads=Downloads(), limits=PAGE)
    return " ".join(render_text(outline).split())
