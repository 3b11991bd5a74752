"""What it takes to do it again: times, device, seed, versions, and how it was measured."""

from services.reporter.report.blocks import Facts, Paragraph, Section
from services.reporter.report.statistics import counted_images, is_test_unseen
from services.reporter.report.wording import NBSP, took
from shared.job.result import Result
from shared.wording import spending


def fine_print_section(result: Result) -> Section:
    """Return times, device, seed and versions: what it takes to do it again."""
    times = result.timings_s
    steps = (
        ("preparing", times.prepare),
        ("comparing", times.screen),
        ("improving" if result.tuning is None else "fine-tuning", times.tune),
        ("testing", times.evaluate),
        ("packing", times.export),
    )
    pairs = [
        ("Took", f"{took(times.total)}: " + ", ".join(f"{name} {took(seconds)}" for name, seconds in steps)),
        *_bill(result),
        ("Trained on", result.device),
        ("Seed", str(result.seed)),
        ("Versions", ", ".join(f"{name} {version}" for name, version in result.versions.items()) or "unknown"),
        *_data(result),
        ("Job", result.job_id),
    ]
    together = "kept together on one side" if is_test_unseen(result) else "kept together as far as the classes allow it"
    how = (
        f"How it was measured: the test photographs were set aside before training, near-duplicates {together}, and "
        f"looked at once, at the very end. The interval is Wilson's 95 % score interval{_counted(result)}; it holds "
        "for photographs of the same kind, taken in the same way."
    ).replace("95 %", f"95{NBSP}%")
    return Section(title="The fine print", blocks=[Paragraph(text=how, is_quiet=True), Facts(pairs=pairs)])


def _bill(result: Result) -> list[tuple[str, str]]:
    """Return what was estimated beside what was spent, where the trainer told."""
    bill = result.bill
    if bill is None or bill.estimate is None:
        return []
    estimate, spent = (spending(each.seconds, each.cost) for each in (bill.estimate, bill.spent))
    return [("Estimated", f"{estimate} before the start; spent: {spent}")]


def _counted(result: Result) -> str:
    """Return how many photographs the interval is counted from, where copies among them count for less."""
    counted = counted_images(result.test)
    if counted > result.test.num_images - 0.5:
        return ""
    return (
        f", counted as for {max(1, round(counted)):,} photographs without copies and not for "
        f"{result.test.num_images:,}, since near-identical ones are recognised or mistaken together"
    )


def _data(result: Result) -> list[tuple[str, str]]:
    """Return by what two reports can be told to be about the same data; results of older versions do not know."""
    if result.run is None:
        return []
    mark = f"{result.run.key[:8]}-{result.run.split_sha256[:8]}"
    return [("Data", f"{mark}; networks with the same mark were judged by the same photographs")]
