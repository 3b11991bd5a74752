"""May it be used? One of four grades by a written rule, each with its reason in one sentence. Pure.

``docs/verdict.md`` says the same in words, with how often the rule errs on simulated tests.
"""

from collections.abc import Iterator

from shared.interval import wilson_interval
from shared.job.findings.verdict import Grade, Verdict
from shared.job.result import Result
from shared.job.verdict.evidence import ClassEvidence, Evidence, evidence_of
from shared.text.printable import quoted
from shared.wording import count

CHANCE = 0.05
"""Differences that chance brings about more often are none."""
LEAST_FOR_REVIEW, LEAST_FOR_GOOD = 0.70, 0.90
"""What the lower end of the interval of the accuracy must reach."""
LEAST_FOUND = 0.5
"""Share of a class that must be found: not clearly less for a review, clearly as much to be good."""
LEAST_FOUND_FOR_GOOD = 0.75
"""Share of each class that is found in the test of a good network."""
MOST_OFF_FOR_REVIEW, MOST_OFF_FOR_GOOD = 0.15, 0.10
"""How far stated probabilities may be from what came true."""

WORDS = {
    Grade.DO_NOT_USE: "Do not use it",
    Grade.CHECK_EVERY_ANSWER: "Check every answer",
    Grade.USABLE_WITH_REVIEW: "Usable with review",
    Grade.GOOD: "Good on photographs like these",
}
"""What each grade is called before people."""


def verdict_of(result: Result) -> Verdict:
    """Return the verdict of a result: its own, or, where it is of an older version, what the rule says of it."""
    return result.verdict or judge(evidence_of(result))


def judge(evidence: Evidence) -> Verdict:
    """Return the verdict on what was found.

    The first objection decides: against using it at all, against anything but checking every answer, against calling it
    good. Where nothing speaks against it, it is good.
    """
    useless = next(_against_any_use(evidence), None)
    if useless is None:
        doubtful = next(_against_review(evidence), None)
        useless = _as_neighbours_do(evidence) if doubtful is not None else None
    else:
        doubtful = None
    if useless is not None:
        grade, reason = Grade.DO_NOT_USE, useless
    elif doubtful is not None:
        grade, reason = Grade.CHECK_EVERY_ANSWER, doubtful
    elif (flaw := next(_against_good(evidence), None)) is not None:
        grade, reason = Grade.USABLE_WITH_REVIEW, flaw
    else:
        grade = Grade.GOOD
        reason = (
            f"At least {_percent(evidence.low)} of photographs like these are read rightly, and every class is found."
        )
    return Verdict(grade=grade, reason=reason, neighbours=evidence.neighbours)


def _against_any_use(evidence: Evidence) -> Iterator[str]:
    if evidence.low <= evidence.guessing:
        yield (
            f"It is not clearly better than guessing: always answering the commonest class is right on "
            f"{_percent(evidence.guessing)}, and it may be right on no more than {_percent(evidence.low)}."
        )
    rival = evidence.neighbours
    if rival is not None and rival.p_value < CHANCE and rival.accuracy > rival.network_accuracy:
        yield (
            f"Looking up the most similar of your photographs is right on {_percent(rival.accuracy)}, "
            f"the network on {_percent(rival.network_accuracy)}: it has learnt less than it was shown."
        )


def _as_neighbours_do(evidence: Evidence) -> str | None:
    """Return the objection to a doubtful network that errs often and no less than looking up similar photographs.

    One that hardly errs is doubtful because its test is small, which says nothing against it.
    """
    rival = evidence.neighbours
    if rival is None or evidence.accuracy >= LEAST_FOR_GOOD or rival.accuracy < rival.network_accuracy:
        return None
    return (
        f"It is often wrong, and no better than looking up the most similar of your photographs, which is right on "
        f"{_percent(rival.accuracy)}."
    )


def _against_review(evidence: Evidence) -> Iterator[str]:
    if evidence.low < LEAST_FOR_REVIEW:
        yield f"It may be right on no more than {_percent(evidence.low)} of new photographs."
    missed = [each for each in evidence.classes if each.num_images and each.high < LEAST_FOUND]
    if missed:
        worst = min(missed, key=lambda each: each.high)
        yield f"Of {quoted(worst.name)} it finds fewer than half: {_found(worst)}."
    untested = [each for each in evidence.classes if not each.num_images]
    if untested:
        yield f"{quoted(untested[0].name)} has no test photograph, so nobody knows whether it is found."
    if evidence.calibration_error > MOST_OFF_FOR_REVIEW:
        yield f"The probabilities that it states are off by {_percent(evidence.calibration_error)} on average."
    if not evidence.is_unseen:
        yield "Copies of test photographs were learnt from, so the test is easier than new photographs will be."
    if not evidence.is_as_delivered:
        yield "The network that you receive reads your photographs less well than the test says."


def _against_good(evidence: Evidence) -> Iterator[str]:
    if evidence.low < LEAST_FOR_GOOD:
        yield (
            f"{_percent(evidence.accuracy)} of the test photographs are read rightly; of new ones it may be "
            f"{_percent(evidence.low)}."
        )
    worst = min(evidence.classes, key=lambda each: (each.recall, each.low))
    if worst.recall < LEAST_FOUND_FOR_GOOD:
        yield f"{quoted(worst.name)} falls behind the other classes: {_found(worst)} are found."
    hardly = [each for each in evidence.classes if each.low < LEAST_FOUND]
    if hardly:
        least = min(hardly, key=lambda each: each.num_images)
        tested = count(least.num_images, "test photograph")
        yield f"{quoted(least.name)} was hardly tested: with {tested}, it may be found less than half the time."
    if evidence.calibration_error > MOST_OFF_FOR_GOOD:
        yield f"The probabilities that it states are off by {_percent(evidence.calibration_error)} on average."


def _found(one: ClassEvidence) -> str:
    return f"{round(one.recall * one.num_images)} of {count(one.num_images, 'test photograph')}"


def _percent(share: float) -> str:
    return f"{share:.0%}"


def class_evidence(name: str, num_right: int, num_images: int) -> ClassEvidence:
    """Return what a count says of a class whose photographs are all independent."""
    low, high = wilson_interval(num_right, num_images)
    recall = num_right / max(1, num_images)
    return ClassEvidence(name=name, recall=recall, low=low, high=high, num_images=num_images)
