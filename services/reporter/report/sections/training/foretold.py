"""What a sample said of each network beforehand, and what came true."""

from collections.abc import Sequence

from services.reporter.report.blocks import Block, Paragraph, Table
from services.reporter.report.limits import Limits
from services.reporter.report.wording import NONE, decimal, enumeration, number, percent
from shared.job.findings.training import CandidateResult, Foretold
from shared.job.result import Result
from shared.language.speech import _

_SCORES = ("LogME", "H-score", "SFDA", "P2L")


def foretold_blocks(result: Result, limits: Limits) -> list[Block]:
    """Return what a sample said of each network beforehand, beside the accuracy that it came to."""
    known = [(each, each.foretold) for each in result.candidates if each.foretold is not None]
    if len(known) < 2:  # noqa: PLR2004 - one alone foretells no order
        return []
    titles = (_("Network"), _("Came to"), _("Photographs"), _("Read rightly"), *_SCORES)
    rows = [
        (
            each.name,
            NONE if each.val_accuracy is None else percent(each.val_accuracy, 1),
            number(found.num_images),
            percent(found.accuracy, 1),
            *(NONE if value is None else decimal(value, ".3f") for value in _scores_of(found)),
        )
        for each, found in known[: limits.num_networks]
    ]
    text = _(
        "Before anything was fitted to its end, a sample of the photographs was held against each network: how many of "
        "them it reads rightly by what the others teach, and four published scores, of which the higher is the better. "
        "They are for whoever studies how well such scores foretell; they chose nothing but who left early, where "
        "somebody did. P2L is adapted: all networks learnt from one set, so its size is left out, and what that set "
        "looks like is taken from what a network's normalisation remembers of it."
    )
    return [Paragraph(text=text), Table(titles=titles, rows=rows), Paragraph(text=_came_true(known), is_quiet=True)]


def _scores_of(found: Foretold) -> tuple[float | None, ...]:
    return found.log_me, found.h_score, found.sfda, found.p2l


def _came_true(known: Sequence[tuple[CandidateResult, Foretold]]) -> str:
    """Return which of the scores put that network first which came out best, of those that ran to the end."""
    most = max(found.num_images for _each, found in known)  # scores compare on the same photographs only
    done = [
        (each.val_accuracy, found)
        for each, found in known
        if each.val_accuracy is not None and found.num_images == most
    ]
    best = max(done, key=lambda pair: pair[0], default=None)
    if best is None or len(done) < 2:  # noqa: PLR2004 - as above
        return _("Too few of them ran to the end to say which of these came true.")
    names = (_("the share read rightly"), "LogME", _("the H-score"), "SFDA", "P2L")
    columns = zip(*((found.accuracy, *_scores_of(found)) for _accuracy, found in done), strict=True)
    place = done.index(best)
    right = [
        name
        for name, column in zip(names, columns, strict=True)
        if None not in column and column[place] == max(value for value in column if value is not None)
    ]
    by = enumeration(right) if right else _("none of them")
    return _("Which of those that ran to the end would come out best was foretold by: {names}.", names=by)
