"""What it takes to do it again: times, device, seed, versions, and how it was measured."""

from services.reporter.report.blocks import Facts, Paragraph, Section
from services.reporter.report.wording import NBSP, took
from shared.job.result import Result


def fine_print_section(result: Result) -> Section:
    """Return times, device, seed and versions: what it takes to do it again."""
    times = result.timings_s
    steps = (
        ("preparing", times.prepare),
        ("comparing", times.screen),
        ("fine-tuning", times.tune),
        ("testing", times.evaluate),
        ("packing", times.export),
    )
    pairs = [
        ("Took", f"{took(times.total)}: " + ", ".join(f"{name} {took(seconds)}" for name, seconds in steps)),
        ("Trained on", result.device),
        ("Seed", str(result.seed)),
        ("Versions", ", ".join(f"{name} {version}" for name, version in result.versions.items()) or "unknown"),
        *_data(result),
        ("Job", result.job_id),
    ]
    how = (
        "How it was measured: the test photographs were set aside before training, near-duplicates kept together on "
        "one side, and looked at once, at the very end. The interval is Wilson's 95 % score interval; it holds for "
        "photographs of the same kind, taken in the same way."
    ).replace("95 %", f"95{NBSP}%")
    return Section(title="The fine print", blocks=[Facts(pairs=pairs), Paragraph(text=how, is_quiet=True)])


def _data(result: Result) -> list[tuple[str, str]]:
    """Return by what two reports can be told to be about the same data; results of older versions do not know."""
    if result.run is None:
        return []
    mark = f"{result.run.key[:8]}-{result.run.split_sha256[:8]}"
    return [("Data", f"{mark}; networks with the same mark were judged by the same photographs")]
