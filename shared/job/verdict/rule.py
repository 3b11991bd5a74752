"""May it be used? One of four grades by a written rule, each with its reason in one sentence. Pure.

``docs/verdict.md`` says the same in words, with how often the rule errs on simulated tests.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from shared.interval import wilson_interval
from shared.job.findings.verdict import Grade, Verdict
from shared.job.result import Result
from shared.job.verdict.evidence import ClassEvidence, Evidence, evidence_of
from shared.language.speech import marked
from shared.text.printable import quoted
from shared.wording import count, rounded_share

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
    Grade.DO_NOT_USE: marked("Do not use it"),
    Grade.CHECK_EVERY_ANSWER: marked("Check every answer"),
    Grade.USABLE_WITH_REVIEW: marked("Usable with review"),
    Grade.GOOD: marked("Good on photographs like these"),
}
"""What each grade is called before people."""


def verdict_of(result: Result) -> Verdict:
    """Return the verdict of a result: its own, or, where it is of an older version, what the rule says of it."""
    return result.verdict or judge(evidence_of(result))


REASONS = {
    "no_better_than_guessing": marked(
        "It is not clearly better than guessing: always answering the commonest class is right on {guessing}, and it "
        "may be right on no more than {low}."
    ),
    "worse_than_neighbours": marked(
        "Looking up the most similar of your photographs is right on {rival}, the network on {network}: it has learnt "
        "less than it was shown."
    ),
    "as_neighbours": marked(
        "It is often wrong, and no better than looking up the most similar of your photographs, which is right on "
        "{rival}."
    ),
    "often_wrong": marked("It may be right on no more than {low} of new photographs."),
    "class_missed": marked("Of {name} it finds fewer than half: {found} of {tested}."),
    "class_untested": marked("{name} has no test photograph, so nobody knows whether it is found."),
    "probabilities_off": marked("The probabilities that it states are off by {error} on average."),
    "copies_seen": marked(
        "Copies of test photographs were learnt from, so the test is easier than new photographs will be."
    ),
    "worse_as_delivered": marked("The network that you receive reads your photographs less well than the test says."),
    "not_surely_good": marked("{accuracy} of the test photographs are read rightly; of new ones it may be {low}."),
    "class_behind": marked("{name} falls behind the other classes: {found} of {tested} are found."),
    "class_hardly_tested": marked("{name} was hardly tested: with {tested}, it may be found less than half the time."),
    "good": marked("At least {low} of photographs like these are read rightly, and every class is found."),
}
"""What a verdict may rest on, by code: a sentence with places for numbers and the name of a class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What a verdict rests on.

    Args:
        code: One of :data:`REASONS`.
        values: For its places: shares from 0 to 1, counts of photographs, the name of a class.
    """

    code: str
    values: Mapping[str, float | int | str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The reason in one sentence."""
        return REASONS[self.code].format(**{name: _shown(name, value) for name, value in self.values.items()})


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
        grade, reason = Grade.GOOD, Reason(code="good", values={"low": evidence.low})
    return Verdict(
        grade=grade,
        reason=reason.sentence,
        neighbours=evidence.neighbours,
        reason_code=reason.code,
        reason_values=reason.values,
    )


def _against_any_use(evidence: Evidence) -> Iterator[Reason]:
    if evidence.low <= evidence.guessing:
        values = {"guessing": evidence.guessing, "low": evidence.low}
        yield Reason(code="no_better_than_guessing", values=values)
    rival = evidence.neighbours
    if rival is not None and rival.p_value < CHANCE and rival.accuracy > rival.network_accuracy:
        values = {"rival": rival.accuracy, "network": rival.network_accuracy}
        yield Reason(code="worse_than_neighbours", values=values)


def _as_neighbours_do(evidence: Evidence) -> Reason | None:
    """Return the objection to a doubtful network that errs often and no less than looking up similar photographs.

    One that hardly errs is doubtful because its test is small, which says nothing against it.
    """
    rival = evidence.neighbours
    if rival is None or evidence.accuracy >= LEAST_FOR_GOOD or rival.accuracy < rival.network_accuracy:
        return None
    return Reason(code="as_neighbours", values={"rival": rival.accuracy})


def _against_review(evidence: Evidence) -> Iterator[Reason]:
    if evidence.low < LEAST_FOR_REVIEW:
        yield Reason(code="often_wrong", values={"low": evidence.low})
    missed = [each for each in evidence.classes if each.num_images and each.high < LEAST_FOUND]
    if missed:
        yield Reason(code="class_missed", values=_found(min(missed, key=lambda each: each.high)))
    untested = [each for each in evidence.classes if not each.num_images]
    if untested:
        yield Reason(code="class_untested", values={"name": untested[0].name})
    if evidence.calibration_error > MOST_OFF_FOR_REVIEW:
        yield Reason(code="probabilities_off", values={"error": evidence.calibration_error})
    if not evidence.is_unseen:
        yield Reason(code="copies_seen")
    if not evidence.is_as_delivered:
        yield Reason(code="worse_as_delivered")


def _against_good(evidence: Evidence) -> Iterator[Reason]:
    if evidence.low < LEAST_FOR_GOOD:
        yield Reason(code="not_surely_good", values={"accuracy": evidence.accuracy, "low": evidence.low})
    worst = min(evidence.classes, key=lambda each: (each.recall, each.low))
    if worst.recall < LEAST_FOUND_FOR_GOOD:
        yield Reason(code="class_behind", values=_found(worst))
    hardly = [each for each in evidence.classes if each.low < LEAST_FOUND]
    if hardly:
        least = min(hardly, key=lambda each: each.num_images)
        yield Reason(code="class_hardly_tested", values={"name": least.name, "tested": least.num_images})
    if evidence.calibration_error > MOST_OFF_FOR_GOOD:
        yield Reason(code="probabilities_off", values={"error": evidence.calibration_error})


def _found(one: ClassEvidence) -> dict[str, float | int | str]:
    return {"name": one.name, "found": round(one.recall * one.num_images), "tested": one.num_images}


def _shown(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return quoted(value)
    if name == "tested":
        return count(int(value), "test photograph")
    return str(value) if name == "found" else f"{rounded_share(value)[1]}%"


def class_evidence(name: str, num_right: int, num_images: int) -> ClassEvidence:
    """Return what a count says of a class whose photographs are all independent."""
    low, high = wilson_interval(num_right, num_images)
    recall = num_right / max(1, num_images)
    return ClassEvidence(name=name, recall=recall, low=low, high=high, num_images=num_images)
