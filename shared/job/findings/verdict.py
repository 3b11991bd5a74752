"""Whether the network may be used, in one word and one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Grade(StrEnum):
    """How far answers may be relied on; the rule is :mod:`shared.job.verdict.rule`."""

    DO_NOT_USE = "do_not_use"
    CHECK_EVERY_ANSWER = "check_every_answer"
    USABLE_WITH_REVIEW = "usable_with_review"
    GOOD = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The network against the simplest rival that sees the same: the class of the nearest photographs.

    Args:
        num_images: Photographs that both were asked about, none of which either had learnt from.
        accuracy: Share of these whose nearest neighbours, by the features of the network, have the right class.
        network_accuracy: Share that the network's last layer reads rightly.
        p_value: Of McNemar's exact test, two-sided: how probable such a difference is by chance.
    """

    num_images: int
    accuracy: float
    network_accuracy: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the numbers come to.

    Args:
        grade: See there.
        reason: What it rests on, in one sentence.
        neighbours: The comparison with the nearest photographs; ``None`` where there was none.
        reason_code: The same by code, see :data:`shared.job.verdict.rule.REASONS`; empty in older results.
        reason_values: What the sentence names: shares from 0 to 1, counts, the name of a class.
    """

    grade: Grade
    reason: str
    neighbours: Neighbours | None = None
    reason_code: str = ""
    reason_values: Mapping[str, int | float | str] = field(default_factory=dict)
