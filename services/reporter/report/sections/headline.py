"""How good the network is, in one sentence and one number with its interval, and beside an older one."""

import re

from services.reporter.report.blocks import Block, Listing, Paragraph, Score, Section, Subheading, remainder
from services.reporter.report.statistics import guessing_accuracy, is_test_unseen, num_right
from services.reporter.report.wording import NBSP, number, one_line, percent, short_name, span
from shared.job.findings.verdict import Grade
from shared.job.result import Result
from shared.job.verdict.rule import WORDS, verdict_of
from shared.wording import count

_MOST_PATHS = 12
_PERCENT = re.compile(r"(?<=\d)%")


def is_useless(result: Result) -> bool:
    """Tell whether the network should not be used."""
    return verdict_of(result).grade is Grade.DO_NOT_USE


def verdict_title(result: Result) -> str:
    """Return what the result comes to, such as ``Check every answer``."""
    return WORDS[verdict_of(result).grade]


def headline(result: Result) -> str:
    """Return why the verdict is what it is, and the accuracy as a share of photographs."""
    num_images = result.test.num_images
    right = num_right(result)
    what = f"all {num_images}" if right == num_images else f"{number(right)} of {count(num_images, 'photograph')}"
    ending = " photographs" if right == num_images else ""
    unseen = "that it had never seen before" if is_test_unseen(result) else "that were set aside"
    reason = _PERCENT.sub(f"{NBSP}%", verdict_of(result).reason)
    return f"{reason} It recognised {what}{ending} {unseen}: {percent(result.test.accuracy)}."


def comparison_section(result: Result) -> Section | None:
    """Return how the network does beside an older one on the same photographs; ``None`` where there is none."""
    found = result.comparison
    if found is None:
        return None
    blocks: list[Block] = [
        *_corrections(result),
        Paragraph(
            text=f"On {count(found.num_images, 'test photograph')} of which neither had learnt, this network is right "
            f"on {percent(found.accuracy, 1)}, the older one ({one_line(found.winner)}) on "
            f"{percent(found.older_accuracy, 1)}. {found.outcome[0].upper()}{found.outcome[1:]}"
        ),
    ]
    if found.num_left_out:
        left_out = (
            f"{count(found.num_left_out, 'test photograph')} of this network served the older one to learn from, or "
            "could not be read, and are left out."
        )
        blocks.append(Paragraph(text=left_out, is_quiet=True))
    for title, paths, total in (("Gained", found.gained, found.num_gained), ("Lost", found.lost, found.num_lost)):
        shown = paths[:_MOST_PATHS]
        if shown:
            listing = Listing(entries=[(short_name(path), "") for path in shown])
            blocks += [Subheading(text=title), listing, *remainder(total, len(shown), "photograph")]
    return Section(title="Beside the older network", blocks=blocks, is_printed=True)


def _corrections(result: Result) -> list[Block]:
    """Tell with which corrections a network was trained again, and what they are to the test."""
    found = result.corrected
    if found is None:
        return []
    told = [
        f"{count(number, 'photograph')} {verb}"
        for number, verb in ((found.num_moved, "moved to another class"), (found.num_left_out, "left out"))
        if number
    ]
    text = f"Trained again from the same archive with your corrections: {' and '.join(told)}. "
    text += "What was learnt from, chosen by and tested on is divided as it was for the older network."
    blocks: list[Block] = [Paragraph(text=text)]
    num_tested = found.num_test_moved + found.num_test_left_out
    if num_tested:
        blocks.append(
            Paragraph(
                text=f"Corrected test photographs: {num_tested:,}. Those moved judge both networks by the class that "
                "you named, those left out judge neither. A test that is corrected after its mistakes were seen is "
                "kinder to both, so trust the comparison more than the accuracy.",
                is_quiet=True,
            )
        )
    return blocks


def score_block(result: Result) -> Score:
    """Return the accuracy with its interval."""
    return Score(
        share=result.test.accuracy,
        interval=result.test.interval,
        shown=percent(result.test.accuracy),
        caption=f"Expect {span(result.test.interval)} on photographs like these. Always answering with the commonest "
        f"class would give {percent(guessing_accuracy(result))}.{_as_uploaded(result)}",
        is_warning=is_useless(result),
    )


def _as_uploaded(result: Result) -> str:
    """Return how the file that is delivered does; older results and those cut short do not know."""
    found = result.as_uploaded
    if found is None:
        return ""
    which = "all of these" if found.num_images == result.test.num_images else f"{number(found.num_images)} of these"
    return (
        f" The network you receive, given {which} test photographs as you sent them, is right on "
        f"{percent(found.accuracy)}."
    )
