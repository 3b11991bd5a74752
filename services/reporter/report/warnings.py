"""Honest warnings: what a person should know before relying on a result."""

from collections.abc import Iterator

from services.reporter.report.blocks import Notice
from services.reporter.report.statistics import class_rows, commonest_class, counted_images, guessing_accuracy
from services.reporter.report.wording import number, percent, quoted, span
from shared.job.result import Result
from shared.wording import count, enumeration

_WIDE_INTERVAL = 0.15
_UNEVEN_RATIO = 3.0  # the ratio from which class weights are usually advised
_GAP = 0.05
_MEMORISED_GAP = 0.15
_POOR_RECALL = 0.5
_FEW_IMAGES = 5
_MUCH_LEFT_OUT = 0.1
_CHANCE = 0.05
_STOPPED = {
    "budget": "The time you set was up before training was finished, so this is the best model until then. "
    "Raise budget_minutes, or choose fewer candidates, to let it finish.",
    "cancelled": "The job was cancelled, so this is the best model until then.",
    "lost": "Training broke off again and again, so this is the best model until then. Smaller candidates, or more "
    "memory, would let it finish.",
    "preempted": "The machine was taken away before training was finished, so this is the best model until then.",
}

_REMARKS = {
    "folders_inside_classes": "Folders inside your classes were not told apart",
    "folders_are_groups": "Folders inside your classes stay together",
    "own_split_made": "Only one of your parts could be used",
    "own_split_used": "The split is yours",
    "part_without_classes": "Photographs that nothing is known of were left out",
    "hidden_folders": "Hidden folders were left out",
    "split_mixed": "Your own split was not used",
    "split_inside_classes": "Your own split was not used",
    "disk_was_short": "Not all was tried, for want of disk",
    "grey_range_judged": "What is white was judged",
    "names_guessed": "Names in a code page that nobody told",
    "classes_named_by_a_program": "Classes that are called like times",
    "class_named_like_a_part": "A class is called like part of a split",
}


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
            title="It may be no better than guessing",
            text=f"Whoever always answers {quoted(commonest.name)} is right on {percent(guess)} of the test "
            f"photographs, and the model may be no better: its interval goes down to "
            f"{percent(result.test.interval[0])}. Do not use it as it is; more photographs, or classes that look more "
            f"different, would help.",
        )


def _stopped_early(result: Result) -> Iterator[Notice]:
    reason = result.stopped_because
    if reason is not None:
        text = _STOPPED.get(reason, f"Training ended early ({reason}), so this is the best model until then.")
        yield Notice(title="Training was cut short", text=text)


def _seen_before(result: Result) -> Iterator[Notice]:
    torn = [each for each in result.duplicates.repeated if each.num_straddling]
    if not torn:
        return
    names = enumeration([quoted(each.name) for each in torn])
    them, these = ("it", "this class are") if len(torn) == 1 else ("them", "these classes are")
    seen = sum(each.num_test_straddling for each in torn)
    yield Notice(
        title="The test is easier than life" if seen else "Copies stand on both sides of the choice",
        text=f"{names}: {_why_torn(result, these)} {number(seen)} of "
        f"{count(result.test.num_images, 'test photograph')} hardly differ from one that the model learnt from or was "
        f"chosen by, so the number above says how well it knows these pictures again, not how well it will do on new "
        f"ones. Add photographs of {them} from other days, places or things, and run again.",
    )


def _why_torn(result: Result, these: str) -> str:
    if result.counts.own_split is not None:
        return (
            f"copies of the same picture stand on both sides of your own split. So many photographs of {these} "
            "concerned that hardly anything to learn from would be left without them."
        )
    return (
        f"nearly all photographs of {these} near-identical, so that copies of the same picture had to stand on both "
        "sides."
    )


def _repeated(result: Result) -> Iterator[Notice]:
    mostly = [each for each in result.duplicates.repeated if not each.num_straddling]
    if mostly:
        told = [f"{number(each.largest_group)} of {number(each.num_images)} of {quoted(each.name)}" for each in mostly]
        them = "it" if len(mostly) == 1 else "these classes"
        yield Notice(
            title="Mostly the same picture",
            text=f"Near-identical to one another are {enumeration(told)}. They were kept together, so the test is not "
            f"made easier by them, but the model has seen little else of {them}.",
        )


def _unlike_the_test(result: Result) -> Iterator[Notice]:
    found = result.as_uploaded
    if found is not None and found.p_value < _CHANCE:
        yield Notice(
            title="The network you receive does not score as in the test",
            text=f"Given {count(found.num_images, 'test photograph')} as you sent them, it is right on "
            f"{percent(found.accuracy)}; in the test {percent(found.test_accuracy)} of the same were read rightly. "
            f"That is more than chance would explain: {found.num_right_in_test_only} were read rightly in the test "
            f"only, {found.num_right_as_uploaded_only} by the delivered network only. Trust the first number, and tell "
            f"whoever runs this service.",
        )


def _small_test(result: Result) -> Iterator[Notice]:
    low, high = result.test.interval
    if high - low > _WIDE_INTERVAL:
        yield Notice(
            title="Few test photographs",
            text=f"Only {count(result.test.num_images, 'photograph was', 'photographs were')} left to test with"
            f"{_counting_for(result)}, so the true accuracy may lie anywhere {span((low, high))}. Four times as many "
            f"would halve that range.",
        )


def _counting_for(result: Result) -> str:
    counted = max(1, round(counted_images(result.test)))
    if counted >= result.test.num_images:
        return ""
    return f", and copies among them make them count for {number(counted)}"


def _validation_above_test(result: Result) -> Iterator[Notice]:
    validation = _final_val_accuracy(result)
    if validation is not None and validation - result.test.accuracy > _GAP and validation > result.test.interval[1]:
        yield Notice(
            title="Better while choosing than in the test",
            text=f"On the photographs used to choose the model it was right {percent(validation)} of the time, on the "
            f"test photographs {percent(result.test.accuracy)}. The test is the number to trust.",
        )


def _weak_classes(result: Result) -> Iterator[Notice]:
    rows = class_rows(result)
    weak = [quoted(r.score.name) for r in rows if r.score.num_images and r.score.recall < _POOR_RECALL]
    if weak:
        yield Notice(
            title="Some classes are found less than half the time",
            text=f"{enumeration(weak)}: most photographs of "
            f"{'this class were' if len(weak) == 1 else 'these classes were'} taken for something else. "
            f"More photographs of {'it' if len(weak) == 1 else 'them'} would help most.",
        )
    few = [quoted(row.score.name) for row in rows if row.score.num_images < _FEW_IMAGES]
    if few:
        yield Notice(
            title="Hardly tested classes",
            text=f"{enumeration(few)}: fewer than {_FEW_IMAGES} test photographs each; their own figures say little.",
        )


def _uneven(result: Result) -> Iterator[Notice]:
    sizes = sorted(result.test.per_class, key=lambda score: score.num_images)
    least, most = sizes[0], sizes[-1]
    if most.num_images >= _UNEVEN_RATIO * max(least.num_images, 1):
        yield Notice(
            title="Uneven classes",
            text=f"{quoted(most.name)} has {most.num_images} test photographs, {quoted(least.name)} "
            f"{least.num_images}. Accuracy leans towards the large classes; the average over classes is "
            f"{percent(result.test.balanced_accuracy)}.",
        )


def _memorised(result: Result) -> Iterator[Notice]:
    tuning, validation = result.tuning, _final_val_accuracy(result)
    if tuning is not None and validation is not None and tuning.train_accuracy - validation > _MEMORISED_GAP:
        yield Notice(
            title="It knows your photographs by heart",
            text=f"It is right on {percent(tuning.train_accuracy)} of the photographs it learned from, but on "
            f"{percent(validation)} of those it was checked with. More, and more varied, photographs close that gap.",
        )


def _left_out(result: Result) -> Iterator[Notice]:
    used = result.counts.train + result.counts.validation + result.counts.test
    out = result.num_unusable + sum(len(conflict.paths) for conflict in result.duplicates.conflicts)
    if out > _MUCH_LEFT_OUT * (used + out):
        yield Notice(
            title="Many files were left out",
            text=f"{count(out, 'file')} of {used + out} could not be used; “Your photographs” below says why.",
        )


def _folders(result: Result) -> Iterator[Notice]:
    for remark in result.remarks:
        yield Notice(title=_REMARKS.get(remark.code, "About your folders"), text=f"{remark.message} {remark.fix}")


def _final_val_accuracy(result: Result) -> float | None:
    """Return the validation accuracy of the delivered network."""
    if result.tuning is not None:
        return result.tuning.val_accuracy
    if result.mirroring is not None and result.mirroring.is_used:
        return result.mirroring.judged.accuracy
    return next((each.val_accuracy for each in result.candidates if each.name == result.winner), None)
