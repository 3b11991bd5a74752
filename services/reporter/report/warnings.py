"""Honest warnings: what a person should know before relying on a result."""

from collections.abc import Iterator, Sequence

from services.reporter.report.blocks import Notice
from services.reporter.report.retelling.folder import about_folders
from services.reporter.report.statistics import class_rows, commonest_class, counted_images, guessing_accuracy
from services.reporter.report.wording import enumeration, number, percent, quoted, span
from shared.job.result import Result
from shared.language.speech import _, marked, ngettext

_WIDE_INTERVAL = 0.15
_UNEVEN_RATIO = 3.0  # the ratio from which class weights are usually advised
_GAP = 0.05
_MEMORISED_GAP = 0.15
_POOR_RECALL = 0.5
_FEW_IMAGES = 5
_MUCH_LEFT_OUT = 0.1
_CHANCE = 0.05
_STOPPED = {
    "budget": marked(
        "The limit on time or cost was reached before training was finished, so this is the best model until then. "
        "Raise budget_minutes, or max_cost if that was the cap, or choose fewer candidates, to let it finish."
    ),
    "cancelled": marked("The job was cancelled, so this is the best model until then."),
    "lost": marked(
        "Training broke off again and again, so this is the best model until then. Smaller candidates, or more memory, "
        "would let it finish."
    ),
    "preempted": marked(
        "The machine was taken away before training was finished, so this is the best model until then."
    ),
}
_REMARKS = {
    "folders_inside_classes": marked("Folders inside your classes were not told apart"),
    "folders_are_groups": marked("Folders inside your classes stay together"),
    "own_split_made": marked("Only one of your parts could be used"),
    "own_split_used": marked("The split is yours"),
    "part_without_classes": marked("Photographs that nothing is known of were left out"),
    "hidden_folders": marked("Hidden folders were left out"),
    "split_mixed": marked("Your own split was not used"),
    "split_inside_classes": marked("Your own split was not used"),
    "disk_was_short": marked("Not all was tried, for want of disk"),
    "grey_range_judged": marked("What is white was judged"),
    "names_guessed": marked("Names in a code page that nobody told"),
    "classes_named_by_a_program": marked("Classes that are called like times"),
    "class_named_like_a_part": marked("A class is called like part of a split"),
}
_OTHER_REMARK = marked("About your folders")


def warnings_about(result: Result) -> list[Notice]:
    """Return the warnings that apply, the gravest first."""
    found = [
        *_no_better_than_guessing(result),
        *_stopped_early(result),
        *_folders(result),
        *_seen_before(result),
        *_unlike_the_test(result),
        *_small_test(result),
        *_validation_above_test(result),
        *_weak_classes(result),
        *_repeated(result),
        *_uneven(result),
        *_memorised(result),
        *_left_out(result),
    ]
    return list(found)


def _no_better_than_guessing(result: Result) -> Iterator[Notice]:
    guess, commonest = guessing_accuracy(result), commonest_class(result)
    if result.test.interval[0] <= guess:
        yield Notice(
            title=_("It may be no better than guessing"),
            text=_(
                "Whoever always answers {name} is right on {guess} of the test photographs, and the model may be no "
                "better: its interval goes down to {low}. Do not use it as it is; more photographs, or classes that "
                "look more different, would help.",
                name=quoted(commonest.name),
                guess=percent(guess),
                low=percent(result.test.interval[0]),
            ),
        )


def _stopped_early(result: Result) -> Iterator[Notice]:
    reason = result.stopped_because
    if reason is not None:
        known = _STOPPED.get(reason)
        text = (
            _("Training ended early ({reason}), so this is the best model until then.", reason=reason)
            if known is None
            else _(known)
        )
        yield Notice(title=_("Training was cut short"), text=text)


def _seen_before(result: Result) -> Iterator[Notice]:
    torn = [each for each in result.duplicates.repeated if each.num_straddling]
    if not torn:
        return
    is_seen = any(each.num_test_straddling for each in torn)
    yield Notice(
        title=_("The test is easier than life") if is_seen else _("Copies stand on both sides of the choice"),
        text=" ".join((_why_torn(result, [each.name for each in torn]), _how_many_seen(result))),
    )


def _why_torn(result: Result, torn: Sequence[str]) -> str:
    names = enumeration([quoted(each) for each in torn])
    if result.counts.own_split is not None:
        return ngettext(
            "{names}: copies of the same picture stand on both sides of your own split. So many photographs of this "
            "class are concerned that hardly anything to learn from would be left without them.",
            "{names}: copies of the same picture stand on both sides of your own split. So many photographs of these "
            "classes are concerned that hardly anything to learn from would be left without them.",
            len(torn),
            names=names,
        )
    return ngettext(
        "{names}: nearly all photographs of this class are near-identical, so that copies of the same picture had to "
        "stand on both sides.",
        "{names}: nearly all photographs of these classes are near-identical, so that copies of the same picture had "
        "to stand on both sides.",
        len(torn),
        names=names,
    )


def _how_many_seen(result: Result) -> str:
    torn = [each for each in result.duplicates.repeated if each.num_straddling]
    seen = sum(each.num_test_straddling for each in torn)
    if not seen:
        return _(
            "The model was chosen by some photographs that hardly differ from those it learnt from. None of the test "
            "photographs does, so the number above stands."
        )
    told = ngettext(
        "{count} of {all} test photographs hardly differs from one that the model learnt from or was chosen by, so the "
        "number above says how well it knows these pictures again, not how well it will do on new ones.",
        "{count} of {all} test photographs hardly differ from one that the model learnt from or was chosen by, so the "
        "number above says how well it knows these pictures again, not how well it will do on new ones.",
        seen,
        all=number(result.test.num_images),
    )
    todo = ngettext(
        "Add photographs of it from other days, places or things, and run again.",
        "Add photographs of them from other days, places or things, and run again.",
        len(torn),
    )
    return f"{told} {todo}"


def _repeated(result: Result) -> Iterator[Notice]:
    mostly = [each for each in result.duplicates.repeated if not each.num_straddling]
    if mostly:
        told = [
            _(
                "{some} of {all} of {name}",
                some=number(each.largest_group),
                all=number(each.num_images),
                name=quoted(each.name),
            )
            for each in mostly
        ]
        yield Notice(
            title=_("Mostly the same picture"),
            text=ngettext(
                "Near-identical to one another are {which}. They were kept together, so the test is not made easier by "
                "them, but the model has seen little else of it.",
                "Near-identical to one another are {which}. They were kept together, so the test is not made easier by "
                "them, but the model has seen little else of these classes.",
                len(mostly),
                which=enumeration(told),
            ),
        )


def _unlike_the_test(result: Result) -> Iterator[Notice]:
    found = result.as_uploaded
    if found is not None and found.p_value < _CHANCE:
        yield Notice(
            title=_("The network you receive does not score as in the test"),
            text=ngettext(
                "Given {count} test photograph as you sent them, it is right on {accuracy}; in the test {expected} of "
                "the same were read rightly. That is more than chance would explain: {lost} were read rightly in the "
                "test only, {gained} by the delivered network only. Trust the first number, and tell whoever runs this "
                "service.",
                "Given {count} test photographs as you sent them, it is right on {accuracy}; in the test {expected} of "
                "the same were read rightly. That is more than chance would explain: {lost} were read rightly in the "
                "test only, {gained} by the delivered network only. Trust the first number, and tell whoever runs this "
                "service.",
                found.num_images,
                accuracy=percent(found.accuracy),
                expected=percent(found.test_accuracy),
                lost=number(found.num_right_in_test_only),
                gained=number(found.num_right_as_uploaded_only),
            ),
        )


def _small_test(result: Result) -> Iterator[Notice]:
    low, high = result.test.interval
    if high - low > _WIDE_INTERVAL:
        yield Notice(title=_("Few test photographs"), text=_how_small(result))


def _how_small(result: Result) -> str:
    num, counted = result.test.num_images, max(1, round(counted_images(result.test)))
    expected = span(result.test.interval)
    if counted < num and result.counts.group_by:
        return ngettext(
            "Only {count} photograph was left to test with, and since those that you keep together are partly "
            "recognised or mistaken together, they count for {counted}, so the true accuracy may lie anywhere "
            "{expected}. Four times as many groups would halve that range.",
            "Only {count} photographs were left to test with, and since those that you keep together are partly "
            "recognised or mistaken together, they count for {counted}, so the true accuracy may lie anywhere "
            "{expected}. Four times as many groups would halve that range.",
            num,
            counted=number(counted),
            expected=expected,
        )
    if counted < num:
        return ngettext(
            "Only {count} photograph was left to test with, and copies among them make them count for {counted}, so "
            "the true accuracy may lie anywhere {expected}. Four times as many would halve that range.",
            "Only {count} photographs were left to test with, and copies among them make them count for {counted}, so "
            "the true accuracy may lie anywhere {expected}. Four times as many would halve that range.",
            num,
            counted=number(counted),
            expected=expected,
        )
    return ngettext(
        "Only {count} photograph was left to test with, so the true accuracy may lie anywhere {expected}. Four times "
        "as many would halve that range.",
        "Only {count} photographs were left to test with, so the true accuracy may lie anywhere {expected}. Four times "
        "as many would halve that range.",
        num,
        expected=expected,
    )


def _validation_above_test(result: Result) -> Iterator[Notice]:
    validation = _final_val_accuracy(result)
    if validation is not None and validation - result.test.accuracy > _GAP and validation > result.test.interval[1]:
        yield Notice(
            title=_("Better while choosing than in the test"),
            text=_(
                "On the photographs used to choose the model it was right {validation} of the time, on the test "
                "photographs {test}. The test is the number to trust.",
                validation=percent(validation),
                test=percent(result.test.accuracy),
            ),
        )


def _weak_classes(result: Result) -> Iterator[Notice]:
    rows = class_rows(result)
    weak = [quoted(r.score.name) for r in rows if r.score.num_images and r.score.recall < _POOR_RECALL]
    if weak:
        yield Notice(
            title=_("Some classes are found less than half the time"),
            text=ngettext(
                "{names}: most photographs of this class were taken for something else. More photographs of it would "
                "help most.",
                "{names}: most photographs of these classes were taken for something else. More photographs of them "
                "would help most.",
                len(weak),
                names=enumeration(weak),
            ),
        )
    few = [quoted(row.score.name) for row in rows if row.score.num_images < _FEW_IMAGES]
    if few:
        yield Notice(
            title=_("Hardly tested classes"),
            text=_(
                "{names}: fewer than {least} test photographs each; their own figures say little.",
                names=enumeration(few),
                least=_FEW_IMAGES,
            ),
        )


def _uneven(result: Result) -> Iterator[Notice]:
    sizes = sorted(result.test.per_class, key=lambda score: score.num_images)
    least, most = sizes[0], sizes[-1]
    if most.num_images >= _UNEVEN_RATIO * max(least.num_images, 1):
        yield Notice(
            title=_("Uneven classes"),
            text=_(
                "{large} has {most} test photographs, {small} {least}. Accuracy leans towards the large classes; the "
                "average over classes is {average}.",
                large=quoted(most.name),
                most=number(most.num_images),
                small=quoted(least.name),
                least=number(least.num_images),
                average=percent(result.test.balanced_accuracy),
            ),
        )


def _memorised(result: Result) -> Iterator[Notice]:
    tuning, validation = result.tuning, _final_val_accuracy(result)
    if tuning is not None and validation is not None and tuning.train_accuracy - validation > _MEMORISED_GAP:
        yield Notice(
            title=_("It knows your photographs by heart"),
            text=_(
                "It is right on {learnt} of the photographs it learned from, but on {checked} of those it was checked "
                "with. More, and more varied, photographs close that gap.",
                learnt=percent(tuning.train_accuracy),
                checked=percent(validation),
            ),
        )


def _left_out(result: Result) -> Iterator[Notice]:
    used = result.counts.train + result.counts.validation + result.counts.test
    conflicts = result.duplicates.conflicts
    unnamed = 2 * (result.num_conflicts - len(conflicts))  # a picture that lies in several classes lies in two or more
    out = result.num_unusable + sum(len(conflict.paths) for conflict in conflicts) + unnamed
    if out > _MUCH_LEFT_OUT * (used + out):
        yield Notice(
            title=_("Many files were left out"),
            text=ngettext(
                "{count} file of {all} could not be used; “Your photographs” below says why.",
                "{count} files of {all} could not be used; “Your photographs” below says why.",
                out,
                all=number(used + out),
            ),
        )


def _folders(result: Result) -> Iterator[Notice]:
    for remark in result.remarks:
        yield Notice(title=_(_REMARKS.get(remark.code, _OTHER_REMARK)), text=about_folders(remark))


def _final_val_accuracy(result: Result) -> float | None:
    """Return the validation accuracy of the delivered network."""
    if result.tuning is not None:
        return result.tuning.val_accuracy
    if result.mirroring is not None and result.mirroring.is_used:
        return result.mirroring.judged.accuracy
    return next((each.val_accuracy for each in result.candidates if each.name == result.winner), None)
