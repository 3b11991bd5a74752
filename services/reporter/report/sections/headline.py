"""How good the network is, in one sentence and one number with its interval, and beside an older one."""

from services.reporter.report.blocks import (
    Block,
    Listing,
    Paragraph,
    Score,
    Section,
    Subheading,
    more_photographs,
    remainder,
)
from services.reporter.report.retelling.comparison import outcome_of
from services.reporter.report.statistics import guessing_accuracy, is_test_unseen, num_right
from services.reporter.report.wording import number, one_line, percent, short_name, span, unlinked
from shared.job.findings.comparison import Corrected
from shared.job.findings.verdict import Grade
from shared.job.result import Result
from shared.job.verdict.rule import verdict_of
from shared.job.verdict.words import reason_of
from shared.language.speech import _, ngettext

_MOST_PATHS = 12


def is_useless(result: Result) -> bool:
    """Tell whether the network should not be used."""
    return verdict_of(result).grade is Grade.DO_NOT_USE


def headline(result: Result) -> str:
    """Return why the verdict is what it is, and the accuracy as a share of photographs."""
    return f"{unlinked(reason_of(result))} {_recognised(result)}".strip()


def _recognised(result: Result) -> str:
    num_images, right = result.test.num_images, num_right(result)
    accuracy, is_unseen = percent(result.test.accuracy), is_test_unseen(result)
    if right == num_images and is_unseen:
        return ngettext(
            "It recognised all {count} photographs that it had never seen before: {accuracy}.",
            "It recognised all {count} photographs that it had never seen before: {accuracy}.",
            num_images,
            accuracy=accuracy,
        )
    if right == num_images:
        return ngettext(
            "It recognised all {count} photographs that were set aside: {accuracy}.",
            "It recognised all {count} photographs that were set aside: {accuracy}.",
            num_images,
            accuracy=accuracy,
        )
    if is_unseen:
        return ngettext(
            "It recognised {right} of {count} photograph that it had never seen before: {accuracy}.",
            "It recognised {right} of {count} photographs that it had never seen before: {accuracy}.",
            num_images,
            right=number(right),
            accuracy=accuracy,
        )
    return ngettext(
        "It recognised {right} of {count} photograph that were set aside: {accuracy}.",
        "It recognised {right} of {count} photographs that were set aside: {accuracy}.",
        num_images,
        right=number(right),
        accuracy=accuracy,
    )


def comparison_section(result: Result) -> Section | None:
    """Return how the network does beside an older one on the same photographs; ``None`` where there is none."""
    found = result.comparison
    if found is None:
        return None
    told = ngettext(
        "On {count} test photograph of which neither had learnt, this network is right on {accuracy}, the older one "
        "({name}) on {older}.",
        "On {count} test photographs of which neither had learnt, this network is right on {accuracy}, the older one "
        "({name}) on {older}.",
        found.num_images,
        accuracy=percent(found.accuracy, 1),
        name=one_line(found.winner),
        older=percent(found.older_accuracy, 1),
    )
    blocks: list[Block] = [*_corrections(result), Paragraph(text=f"{told} {outcome_of(found)}")]
    if found.num_left_out:
        left_out = ngettext(
            "{count} test photograph of this network served the older one to learn from, or could not be read, and is "
            "left out.",
            "{count} test photographs of this network served the older one to learn from, or could not be read, and "
            "are left out.",
            found.num_left_out,
        )
        blocks.append(Paragraph(text=left_out, is_quiet=True))
    for title, paths, total in (
        (_("Gained"), found.gained, found.num_gained),
        (_("Lost"), found.lost, found.num_lost),
    ):
        shown = paths[:_MOST_PATHS]
        if shown:
            listing = Listing(entries=[(short_name(path), "") for path in shown])
            blocks += [Subheading(text=title), listing, *remainder(total, len(shown), more_photographs)]
    return Section(title=_("Beside the older network"), blocks=blocks, is_printed=True)


def _corrections(result: Result) -> list[Block]:
    """Tell with which corrections a network was trained again, and what they are to the test."""
    found = result.corrected
    if found is None:
        return []
    divided = _("What was learnt from, chosen by and tested on is divided as it was for the older network.")
    blocks: list[Block] = [Paragraph(text=f"{_corrected(found)} {divided}")]
    num_tested = found.num_test_moved + found.num_test_left_out
    if num_tested:
        text = _(
            "Corrected test photographs: {num}. Those moved judge both networks by the class that you named, those "
            "left out judge neither. A test that is corrected after its mistakes were seen is kinder to both, so trust "
            "the comparison more than the accuracy.",
            num=number(num_tested),
        )
        blocks.append(Paragraph(text=text, is_quiet=True))
    return blocks


def _corrected(found: Corrected) -> str:
    moved = ngettext(
        "{count} photograph moved to another class", "{count} photographs moved to another class", found.num_moved
    )
    left_out = ngettext("{count} photograph left out", "{count} photographs left out", found.num_left_out)
    if found.num_moved and found.num_left_out:
        return _(
            "Trained again from the same archive with your corrections: {moved} and {left_out}.",
            moved=moved,
            left_out=left_out,
        )
    return _(
        "Trained again from the same archive with your corrections: {which}.",
        which=moved if found.num_moved else left_out,
    )


def score_block(result: Result) -> Score:
    """Return the accuracy with its interval."""
    expected = _(
        "Expect {interval} on photographs like these. Always answering with the commonest class would give {guess}.",
        interval=span(result.test.interval),
        guess=percent(guessing_accuracy(result)),
    )
    return Score(
        share=result.test.accuracy,
        interval=result.test.interval,
        shown=percent(result.test.accuracy),
        caption=" ".join([expected, *_as_uploaded(result)]),
        is_warning=is_useless(result),
    )


def _as_uploaded(result: Result) -> list[str]:
    """Return how the file that is delivered does; older results and those cut short do not know."""
    found = result.as_uploaded
    if found is None:
        return []
    accuracy = percent(found.accuracy)
    if found.num_images == result.test.num_images:
        text = _(
            "The network you receive, given all of these test photographs as you sent them, is right on {accuracy}.",
            accuracy=accuracy,
        )
    else:
        text = _(
            "The network you receive, given {num} of these test photographs as you sent them, is right on {accuracy}.",
            num=number(found.num_images),
            accuracy=accuracy,
        )
    return [text]
