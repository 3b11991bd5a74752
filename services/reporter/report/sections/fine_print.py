"""What it takes to do it again: times, device, seed, versions, and how it was measured."""

from services.reporter.report.blocks import Facts, Paragraph, Section
from services.reporter.report.retelling.reason import device_of
from services.reporter.report.statistics import counted_images, is_test_unseen
from services.reporter.report.wording import number, spending, took
from shared.job.result import Result
from shared.language.speech import _, marked


def fine_print_section(result: Result) -> Section:
    """Return times, device, seed and versions: what it takes to do it again."""
    pairs = [
        (_("Took"), _times(result)),
        *_bill(result),
        (_("Trained on"), device_of(result.device)),
        (_("Seed"), str(result.seed)),
        (_("Versions"), ", ".join(f"{name} {version}" for name, version in result.versions.items()) or _("unknown")),
        *_data(result),
        (_("Job"), result.job_id),
    ]
    how = f"{_measured(result)} {_interval(result)}"
    return Section(title=_("The fine print"), blocks=[Paragraph(text=how, is_quiet=True), Facts(pairs=pairs)])


def _times(result: Result) -> str:
    times = result.timings_s
    steps = (
        _("preparing {time}", time=took(times.prepare)),
        _("comparing {time}", time=took(times.screen)),
        _("improving {time}", time=took(times.tune))
        if result.tuning is None
        else _("fine-tuning {time}", time=took(times.tune)),
        _("testing {time}", time=took(times.evaluate)),
        _("packing {time}", time=took(times.export)),
    )
    return _("{total}: {steps}", total=took(times.total), steps=", ".join(steps))


def _measured(result: Result) -> str:
    if is_test_unseen(result):
        return _(
            "How it was measured: the test photographs were set aside before training, near-duplicates kept together "
            "on one side, and looked at once, at the very end."
        )
    return _(
        "How it was measured: the test photographs were set aside before training, near-duplicates kept together as "
        "far as the classes allow it, and looked at once, at the very end."
    )


_COUNTED_WITHOUT_COPIES = marked(
    "The interval is Wilson's 95\u00a0% score interval, counted as for {counted} photographs without copies and "
    "not for {all}, since near-identical ones are recognised or mistaken together; it holds for photographs of the "
    "same kind, taken in the same way."
)
_COUNTED_TOGETHER = marked(
    "The interval is Wilson's 95\u00a0% score interval, counted as for {counted} photographs and not for "
    "{all}, since near-identical ones are recognised or mistaken together, and so are, to a part, those that "
    "you keep together; it holds for photographs of the same kind, taken in the same way."
)


def _interval(result: Result) -> str:
    """Tell what the interval is, and how many photographs it is counted from where copies among them count for less."""
    counted = counted_images(result.test)
    if counted > result.test.num_images - 0.5:
        return _(
            "The interval is Wilson's 95\u00a0% score interval; it holds for photographs of the same kind, taken in "
            "the same way."
        )
    told = _COUNTED_TOGETHER if result.counts.group_by else _COUNTED_WITHOUT_COPIES
    return _(told, counted=number(max(1, round(counted))), all=number(result.test.num_images))


def _bill(result: Result) -> list[tuple[str, str]]:
    """Return what was estimated beside what was spent, where the trainer told."""
    bill = result.bill
    if bill is None or bill.estimate is None:
        return []
    estimate, spent = (spending(each.seconds, each.cost) for each in (bill.estimate, bill.spent))
    return [(_("Estimated"), _("{estimate} before the start; spent: {spent}", estimate=estimate, spent=spent))]


def _data(result: Result) -> list[tuple[str, str]]:
    """Return by what two reports can be told to be about the same data; results of older versions do not know."""
    if result.run is None:
        return []
    mark = f"{result.run.key[:8]}-{result.run.split_sha256[:8]}"
    told = _("{mark}; networks with the same mark were judged by the same photographs", mark=mark)
    return [(_("Data"), told)]
