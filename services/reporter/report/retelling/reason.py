"""Reasons that the trainer gave, by the sentences that they are instances of.

A result outlives the program that wrote it. What no sentence here explains is told in general, and that ``result.json``
has it word for word: a report that mixes languages would be worse.
"""

import re
from collections.abc import Sequence
from functools import cache, reduce

from services.reporter.report.wording import number, one_line
from shared.language.number import decimal_in, percent_in
from shared.language.speech import _, marked, spoken

_NUMBER = re.compile(r"[-+]?[\d.,]+")
_ELSEWHERE = marked("the reason is in result.json")

_BESIDE = marked("{first}; {second}")

_NOT_COMPARED = (
    marked(
        "its chance to win was {chance}, by what accuracy on ImageNet lets expect and by {num} images, of which it "
        "reads {share} rightly and the best {best}"
    ),
    marked(
        "its chance to win was {chance} after {num} images, of which it takes {share} for what they are, and the best "
        "{best}"
    ),
    marked("by {num} images it is not surely better than {name}, and it takes {times} times the work"),
    marked("of many only the more hopeful half goes on"),
    marked("exhaustive = true gives it its turn"),
    marked("the run ended first (budget)"),
    marked("the run ended first ({reason})"),
    marked("raise budget_minutes to give it its turn"),
    marked("there would not be time left to evaluate and export it"),
    marked("would take about {needed} s where {left} s of the budget are left for it"),
    marked("raise budget_minutes"),
    marked("would take longer than comparing has left, which is {share} of the budget"),
    marked("raise budget_minutes, or name it among the candidates"),
    marked("expected to add less than {points} points of accuracy to the others"),
    marked("name it among the candidates to give it its turn"),
    marked("it has {num} parameters, and max_parameters is {most}"),
    marked("it takes {found} ms for an image, and max_ms_per_image is {most}"),
    marked("it takes at least {needed} GB of memory and this machine has {most} GB"),
    marked("choose a smaller network, or run it where there is more memory"),
    marked("its last layer would take too long to be fitted to its end, as those of its parts were"),
    marked("its pictures beside those of the others need {needed} GB of the disk, which has {free} GB"),
    marked("name it among fewer candidates"),
    marked("carries the job only where no other weights can be had"),
    marked("name it to compare it with the rest"),
    marked("the download server cannot be reached"),
    marked("{file} is neither in the weights mirror nor in Keras's cache"),
    marked("put {file} into the folder CONVTAILOR_WEIGHTS, or let the trainer reach the network"),
    marked("put {file} into folder {path} (CONVTAILOR_WEIGHTS), or let the trainer reach the network"),
    marked("put {file} into {path} (CONVTAILOR_WEIGHTS), or let the trainer reach the network"),
    marked("{file} is neither in the weights mirror nor in an installed package"),
    marked("run: {command}"),
    marked("could be had when the job began"),
    marked("this version knows no such backbone"),
)
_NOT_DELIVERED = (
    marked("there was no time left for it"),
    marked("there was no room for it on the disk"),
    marked("it can be tried on a Mac alone, and it was trained on another machine"),
    marked("the package {name} is not installed where it was trained"),
    marked("it has {share} right of {num} test images, where {expected} are expected"),
    marked("its probabilities differ by up to {gap} on the same images"),
    marked("it gives probabilities that are no numbers"),
)
_NOT_UNFROZEN = (
    marked("it was not wanted"),
    marked("its last layer reads all stages and learnt by epochs, as it does with very many photographs"),
    marked("networks side by side are not fine-tuned"),
    marked("{num} validation photographs could not tell whether it is better"),
    marked("there was no time left"),
    marked("a first attempt takes {needed} s, and {most} s may be spent before anything is gained"),
    marked("there was no time, or no memory, for a first attempt"),
    marked("a first attempt did not read the validation photographs clearly better than the fitted last layer does"),
    marked("as a whole it reads the validation photographs better than with its last layer alone"),
    marked("from {layer} on it reads the validation photographs better than with its last layer alone"),
)

_DEVICES = (
    marked("CPU (1 core)"),
    marked("CPU ({num} cores)"),
    marked("{name}, mixed precision"),
)


def why_not_compared(reason: str) -> str:
    """Return why a network was not compared."""
    return _retold(one_line(reason), _NOT_COMPARED)


def why_not_delivered(reason: str) -> str:
    """Return why a format was left out."""
    return _retold(one_line(reason), _NOT_DELIVERED)


def why_unfrozen(reason: str) -> str:
    """Return why a network was fine-tuned below its last layer, or not."""
    return _retold(reason, _NOT_UNFROZEN)


def device_of(name: str) -> str:
    """Return what trained, as it is called; the cores of a processor are counted."""
    for message in _DEVICES:
        found = _pattern(message).fullmatch(one_line(name))
        if found is not None:
            return _(message, **found.groupdict())
    return one_line(name)


def _retold(reason: str, known: Sequence[str]) -> str:
    """Tell cause and remedy, which stand side by side, each by the sentence that it is an instance of."""
    if spoken() == "en":
        return reason
    told = dict.fromkeys(_instance(clause, known) for clause in reason.split("; "))
    return reduce(lambda first, second: _(_BESIDE, first=first, second=second), told)


def _instance(clause: str, known: Sequence[str]) -> str:
    for message in known:
        found = _pattern(message).fullmatch(clause)
        if found is not None:
            return _(message, **{name: _value(text) for name, text in found.groupdict().items()})
    return _(_ELSEWHERE)


@cache
def _pattern(message: str) -> re.Pattern[str]:
    """Return what recognises a sentence with anything at its places."""
    parts = re.split(r"\{(\w+)\}", message)
    return re.compile("".join(f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)))


def _value(text: str) -> str:
    """Return what stands at a place: a number as the language writes it, all else as it is."""
    bare = text.removesuffix("%").replace(",", "")
    if not _NUMBER.fullmatch(bare):
        return text
    whole, point, rest = bare.partition(".")
    grouped = number(int(whole)) if whole.isdigit() else whole
    written = grouped + (decimal_in(spoken(), f"{point}{rest}") if point else "")
    return written + percent_in(spoken(), "") if text.endswith("%") else written
