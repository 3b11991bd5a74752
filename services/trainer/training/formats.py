"""The delivered network in other formats: written, tried by the runtime of each, judged; what fails is left out.

That comes last, when the network itself is verified and stored, and within a time of its own: no job waits or fails for
it. The processes that will try each start while it is verified; each tries with the machine to itself.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from services.trainer.data.dataset import LearningSet, images_path
from services.trainer.data.pictures.formats import UnreadablePicture
from services.trainer.data.pictures.image import UnusableImage
from services.trainer.evaluation.as_uploaded import fair_order
from services.trainer.evaluation.evaluate import Evaluation
from services.trainer.export.bundle.examples import Example, choose_examples, write_examples
from services.trainer.export.delivery import Package
from services.trainer.export.formats.format_trials import FormatTrials
from services.trainer.export.formats.judgement import Evaluated, compare
from services.trainer.export.formats.order import Conversion, Converted, Scored, Scoring, cannot_be_tried
from services.trainer.export.rescore import raw_images
from services.trainer.export.verifier import Verifier
from services.trainer.protocol import StopReason
from services.trainer.run.context import Run
from services.trainer.run.deadline import NUM_SCORED
from services.trainer.scratch.disk import HEADROOM_BYTES, disk_usage
from services.trainer.training.exporting import kept_positions
from shared.job.findings.network import FormatResult
from shared.layout import FILE_NAMES, Artefact

logger = logging.getLogger(__name__)

_ROUNDED = frozenset({Artefact.MODEL_TFLITE_FLOAT16})
_SMALLEST_S = 3.0
"""Less time is not worth a start."""
_SCORE_SHARE = 0.25
"""Share of the time that a format may take to score images, once it was opened; a few are scored in any case."""
_PATIENCE_S = 5.0
"""Seconds that a trial may be late: what has to be scored in any case, on a slow machine."""
_NUM_COPIES = 12
"""The formats are three and a half times the network, the zip as much; both lie here and in the object store."""
_NO_TIME = "there was no time left for it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """What there is beside the Keras files.

    Args:
        files: Formats that do what was evaluated.
        results: How each did, those that were left out too.
        examples: Test images with what ``model.keras`` says of them.
        seconds: What all of it took.
    """

    files: Mapping[Artefact, Path]
    results: tuple[FormatResult, ...]
    examples: tuple[Example, ...]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A network that is delivered, and what is known of it.

    Args:
        package: Its files.
        evaluation: What the test said.
        learning: Paths and squares of the photographs.
        px: Side of the squares that it sees.
        archive: The zip; a folder beside it takes what is written.
    """

    package: Package
    evaluation: Evaluation
    learning: LearningSet
    px: int
    archive: Path

    @property
    def folder(self) -> Path:
        """Where the formats are written."""
        return self.archive.parent / "formats"


def expect_formats(trials: FormatTrials, run: Run) -> None:
    """Have the processes started that will try formats, where there is likely to be time for that."""
    if _seconds(run) >= _SMALLEST_S:
        trials.warm(sum(cannot_be_tried(Path(FILE_NAMES[each])) is None for each in run.formats))


def add_formats(delivered: Delivered, verifier: Verifier, trials: FormatTrials, run: Run) -> Formats:
    """Write and try the formats that are wanted, as far as there is time.

    Args:
        delivered: See there.
        verifier: Has nothing to verify any more.
        trials: Whoever has them ends them.
        run: See there.
    """
    seconds = _seconds(run)
    if seconds < _SMALLEST_S:
        return _none(run.formats, _NO_TIME)
    if disk_usage(delivered.archive.parent).free_bytes < _needed_bytes(delivered, run):
        return _none(run.formats, "there was no room for it on the disk")
    started = run.countdown.monotonic()
    making = _Making(delivered, trials, run, until=started + seconds)
    try:
        return replace(making.carry_out(verifier), seconds=run.countdown.monotonic() - started)
    except OSError as error:  # a disk that is full loses formats, not a network that is delivered
        logger.warning("other formats could not be written", extra={"reason": str(error)})
        return _none(run.formats, f"it could not be written: {error.strerror or error}")


def _seconds(run: Run) -> float:
    is_hurried = run.stop_reason() in (StopReason.CANCELLED, StopReason.PREEMPTED)
    return run.countdown.formats_s(is_hurried=is_hurried)


class _Making:
    """The formats of one network, each tried as soon as it is written, one after the other.

    Args:
        delivered: The network.
        trials: See there.
        run: See there.
        until: When the time for all of it is over.
    """

    def __init__(self, delivered: Delivered, trials: FormatTrials, run: Run, *, until: float) -> None:
        self._delivered, self._trials = delivered, trials
        self._until, self._monotonic = until, run.countdown.monotonic
        self._formats = run.formats
        evaluation = delivered.evaluation
        self._order = fair_order(evaluation.labels, run.seed)[:NUM_SCORED]
        self._kept = kept_positions(len(evaluation.indices))
        self._positions = np.concatenate([self._kept, np.setdiff1d(self._order, self._kept, assume_unique=True)])
        self._scored: dict[Path, Scored] = {}

    def carry_out(self, verifier: Verifier) -> Formats:
        """Write and try every format that is wanted, and judge it."""
        self._delivered.folder.mkdir(exist_ok=True)
        examples = self._examples()
        targets = {each: self._delivered.folder / FILE_NAMES[each] for each in self._formats}
        conversion = Conversion(
            model=self._delivered.package.model_keras,
            side_px=self._delivered.px,
            pictures=tuple(each.file for each in examples),
            targets=tuple(each for each in targets.values() if cannot_be_tried(each) is None),
        )
        self._trials.warm(len(conversion.targets))
        written: dict[Path, Converted] = {}
        for converted in verifier.convert(conversion, self._left_s(), self._monotonic):
            if converted.target is None:
                pairs = zip(examples, converted.answers, strict=True)
                examples = tuple(replace(example, probabilities=answer) for example, answer in pairs)
                continue
            written[converted.target] = converted
            self._collect()
            if converted.error is None:
                self._begin(converted.target, examples)
        self._collect()
        results = {each: self._judged(each, written.get(path), examples) for each, path in targets.items()}
        return Formats(
            files={each: targets[each] for each, result in results.items() if result.left_out_because is None},
            results=tuple(results.values()),
            examples=examples if all(each.probabilities for each in examples) else (),
        )

    def _examples(self) -> tuple[Example, ...]:
        delivered, evaluation = self._delivered, self._delivered.evaluation
        chosen = choose_examples(evaluation.labels, self._order)
        paths = [delivered.learning.paths[index] for index in evaluation.indices[chosen]]
        classes = [delivered.learning.classes[label] for label in evaluation.labels[chosen]]
        try:
            return write_examples(raw_images(delivered.archive, paths), classes, delivered.folder / "examples")
        except (OSError, KeyError, UnusableImage, UnreadablePicture) as error:
            logger.warning("no example images", extra={"reason": str(error)})
            return ()

    def _begin(self, target: Path, examples: Sequence[Example]) -> None:
        """Have a file tried."""
        delivered = self._delivered
        scoring = Scoring(
            model=target,
            squares=images_path(delivered.learning.directory, delivered.px),
            rows=tuple(map(int, delivered.evaluation.indices[self._positions])),
            num_needed=len(self._kept),
            pictures=tuple(each.file for each in examples),
            answers=_answers(target),
            seconds=_SCORE_SHARE * self._left_s(),
        )
        self._trials.begin(scoring)

    def _collect(self) -> None:
        """Wait for the answer of the trial that runs, if one does."""
        collected = self._trials.collect(self._left_s() + _PATIENCE_S, late=_NO_TIME)
        if collected is not None:
            model, scored = collected
            self._scored[model] = scored

    def _judged(self, artefact: Artefact, written: Converted | None, examples: Sequence[Example]) -> FormatResult:
        if written is None or written.target is None:
            late = _NO_TIME if self._left_s() <= 0 else "the process that writes it broke off"
            return _left_out(artefact, cannot_be_tried(Path(FILE_NAMES[artefact])) or late)
        scored = self._scored.get(written.target)
        if scored is None or scored.error is not None:
            reason = written.error or (scored.error if scored is not None else None) or _NO_TIME
            return replace(_left_out(artefact, reason), seconds=round(written.seconds, 3))
        evaluation = self._delivered.evaluation
        evaluated = Evaluated(
            labels=evaluation.labels[self._positions],
            probabilities=evaluation.probabilities[self._positions],
            num_kept=len(self._kept),
            pictures=np.array([each.probabilities for each in examples], np.float64),
        )
        found = np.load(_answers(written.target))
        comparison = compare(found, scored, evaluated, is_rounded=artefact in _ROUNDED)
        return FormatResult(
            file=FILE_NAMES[artefact],
            left_out_because=comparison.objection,
            runtime=scored.runtime,
            size_bytes=written.target.stat().st_size,
            kept_gap=comparison.kept_gap,
            picture_gap=comparison.picture_gap,
            num_images=comparison.num_images,
            accuracy=comparison.accuracy,
            test_accuracy=comparison.test_accuracy,
            num_otherwise=comparison.num_otherwise,
            image_s=round(scored.image_s, 6),
            seconds=round(written.seconds, 3),
        )

    def _left_s(self) -> float:
        return max(0.0, self._until - self._monotonic())


def _needed_bytes(delivered: Delivered, run: Run) -> int:
    """Return the room that all formats take here and in a store on the same disk, beside what others were promised."""
    return _NUM_COPIES * delivered.package.model_keras.stat().st_size + run.reserved_bytes() + HEADROOM_BYTES


def _answers(target: Path) -> Path:
    return target.with_suffix(".npy")


def _left_out(artefact: Artefact, reason: str) -> FormatResult:
    return FormatResult(file=FILE_NAMES[artefact], left_out_because=reason)


def _none(wanted: Sequence[Artefact], reason: str) -> Formats:
    return Formats(files={}, results=tuple(_left_out(each, reason) for each in wanted), examples=())
