"""The mirror image as a second view: whether the winner looks at it too is decided by cross-validation.

Of many photographs a sample is asked first: a pass of all mirror images takes as long as screening the winner did, a
network that looks twice takes twice as long for good, and mostly neither is worth it. So it has to be as much better as
networks side by side have to be, which take as long.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices, LearningSet
from services.trainer.evaluation.as_uploaded import fair_order
from services.trainer.fitting.convex import ConvexFit, fit_convex
from services.trainer.fitting.out_of_fold import OutOfFold
from services.trainer.run.context import Ledger, LedgerEntry, Run
from services.trainer.run.cost import MIRRORED_FIRST
from services.trainer.screening.candidate import CANDIDATE_ERRORS, delivery_of, fault_of, open_store
from services.trainer.screening.features import FeatureStore, learning_rows
from services.trainer.screening.fit import convex_data
from services.trainer.screening.recorded import ERRORS_OF_SEVERAL, arrays_of, out_of_fold_in
from services.trainer.screening.screen import Screening
from services.trainer.zoo.head import Head, Reading
from services.trainer.zoo.sources.weights import weights_facts
from shared.job.findings.training import CrossValidation, Mirroring
from shared.job.job import Trial, TrialState
from shared.job.progress import Best, Progress
from shared.json_codec import to_json

logger = logging.getLogger(__name__)
_TRIAL = "mirror"


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorEntry:
    """A decision as the ledger keeps it.

    Args:
        mirroring: As reported.
        reading: Of the head that is delivered.
        temperature: Of that head.
        num_independent: Of the answers of cross-validation that judged it.
    """

    mirroring: Mirroring
    reading: Reading
    temperature: float | None
    num_independent: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """What became of the winner.

    Args:
        head: As it will be delivered.
        out_of_fold: How cross-validation judged it, image by image; ``None`` where it learnt by epochs.
        mirroring: How it was decided; ``None`` where there was no time to.
        store: Features and activations of the winner, once there are any.
    """

    head: Head
    out_of_fold: OutOfFold | None
    mirroring: Mirroring | None
    store: FeatureStore | None


def try_mirror(dataset: LearningSet, screening: Screening, run: Run) -> Mirrored:
    """Let the winner look at mirror images too, unless that harms or there is no time.

    Args:
        dataset: See there.
        screening: Has the winner, whose head was judged by cross-validation.
        run: See there.
    """
    ledger = run.ledger.of({**dataset.facts, "backbone": screening.winner.name, **weights_facts(screening.weights)})
    known = _recall(ledger, screening)
    if known is not None:
        return known
    unchanged = Mirrored(head=screening.head, out_of_fold=screening.out_of_fold, mirroring=None, store=screening.store)
    if screening.out_of_fold is None or screening.result.cross_validation is None or run.stop_reason() is not None:
        return unchanged
    try:
        store = screening.store or open_store(dataset, run, screening.winner, screening.weights)
        judged = _judge(dataset, store, screening, run)
    except CANDIDATE_ERRORS as error:
        fault_of(error)
        logger.warning("mirror images left out", exc_info=True)
        return unchanged
    if judged is None:
        return replace(unchanged, store=store)
    mirroring, fit = judged
    chosen = fit if fit is not None and mirroring.is_used else screening
    mirrored = Mirrored(head=chosen.head, out_of_fold=chosen.out_of_fold, mirroring=mirroring, store=store)
    if run.stop_reason() is None:  # else it was decided by what could be fitted in a hurry
        _record(ledger, mirroring, mirrored)
    return mirrored


def _judge(
    dataset: LearningSet, store: FeatureStore, screening: Screening, run: Run
) -> tuple[Mirroring, ConvexFit | None] | None:
    """Return the decision and the head that looks at both views, if it came to that; ``None``: there was no time."""
    every = learning_rows(dataset)
    sample = sample_of(every, dataset.labels, seed=run.seed)
    single: OutOfFold | None = screening.out_of_fold
    if len(sample) < len(every):
        if not _compute(dataset, store, screening, run, sample):
            return None
        one, both = (_fit(dataset, store, screening, run, rows=sample, views=views) for views in (1, 2))
        mirroring = decide(one.out_of_fold, both.out_of_fold, both.judged, errors=ERRORS_OF_SEVERAL)
        if not mirroring.is_used:
            return replace(mirroring, drawn_from=len(every)), None
    if single is None or not _compute(dataset, store, screening, run, every):
        return None
    both = _fit(dataset, store, screening, run, rows=every, views=2)
    return decide(single, both.out_of_fold, both.judged), both


def sample_of(rows: Indices, labels: NDArray[np.int32], *, seed: int) -> Indices:
    """Return the images that are asked first, every class in proportion; all of them where there are few.

    Args:
        rows: Of which ones, ascending.
        labels: Of all images of the data set.
        seed: The same seed gives the same ones.
    """
    if len(rows) <= MIRRORED_FIRST:
        return rows
    return np.sort(rows[fair_order(labels[rows], seed)[:MIRRORED_FIRST]])


def _fit(
    dataset: LearningSet, store: FeatureStore, screening: Screening, run: Run, *, rows: Indices, views: int
) -> ConvexFit:
    """Fit the winner's head to some images in so many views."""
    data = replace(convex_data(dataset, store, run), rows=rows)
    reading = replace(screening.head.reading, views=views)
    return fit_convex(data, [reading], goes_on=lambda: run.stop_reason() is None)


def _compute(dataset: LearningSet, store: FeatureStore, screening: Screening, run: Run, rows: Indices) -> bool:
    """Send mirror images through the base; answer whether all went before the run had to stop."""
    winner = screening.winner
    done = 0

    def on_batch(num_images: int) -> bool:
        nonlocal done
        done += num_images
        run.report(
            Progress(
                phase="tune",
                done=min(done, len(rows)),
                total=len(rows),
                unit="images",
                detail=f"{winner.name}: mirror images",
                best=Best(candidate=winner.name, val_accuracy=screening.result.val_accuracy or 0.0),
            )
        )
        return run.stop_reason() is None

    every = learning_rows(dataset)
    if not store.compute(every, on_batch=lambda _: run.stop_reason() is None):
        return False
    return _is_in_time(dataset, store, run, rows) and store.compute(rows, views=2, on_batch=on_batch)


def _is_in_time(dataset: LearningSet, store: FeatureStore, run: Run, rows: Indices) -> bool:
    """Tell whether mirror images can be learnt from and delivered, which takes twice as long for an image; price it.

    A sample is no promise to deliver it, and changes no price.
    """
    pace = store.pace
    if pace is None:
        return True
    doubled = replace(pace, image_s=2 * pace.image_s)
    delivery = delivery_of(dataset, store.backbone, doubled, run)
    delivery = replace(delivery, keeps_activations=store.activations is not None)
    if pace.image_s * len(rows) > run.countdown.seconds_left(delivery.price_s):
        return False
    if len(rows) == len(learning_rows(dataset)):
        run.countdown.reprice(delivery.price_s)
    return True


def decide(single: OutOfFold, both: OutOfFold, judged: CrossValidation, *, errors: float = 0.0) -> Mirroring:
    """Take the mirror image in unless the log loss is higher with it, or accuracy lower by more than its error.

    Args:
        single: Of the head that reads the photograph alone.
        both: Of the one that reads the mean over both views.
        judged: The latter, for the report.
        errors: Standard errors by which the log loss has to be lower; 0: it must not be higher.
    """
    more_right = both.right.astype(np.float64) - single.right
    less_loss = single.loss - both.loss
    error, loss_error = single.standard_error(more_right), single.standard_error(less_loss)
    return Mirroring(
        is_used=bool(less_loss.mean() >= errors * loss_error and more_right.mean() >= -error),
        judged=judged,
        accuracy_gain=float(more_right.mean()),
        accuracy_gain_error=error,
        log_loss_gain=float(less_loss.mean()),
        log_loss_gain_error=loss_error,
    )


def _record(ledger: Ledger, mirroring: Mirroring, mirrored: Mirrored) -> None:
    head, answers = mirrored.head, mirrored.out_of_fold
    entry = MirrorEntry(
        mirroring=mirroring,
        reading=head.reading,
        temperature=head.temperature,
        num_independent=None if answers is None else answers.num_independent,
    )
    trial = Trial(name=_TRIAL, state=TrialState.DONE)
    arrays = arrays_of(head, answers)
    ledger.record(LedgerEntry(trial=trial, document=to_json(entry), arrays=arrays, is_shown=False))


def _recall(ledger: Ledger, screening: Screening) -> Mirrored | None:
    """Return what an earlier attempt decided for this winner."""
    found = ledger.find(_TRIAL)
    entry = found.document_as(MirrorEntry) if found is not None else None
    if found is None or entry is None:
        return None
    head = Head(
        kernel=found.arrays["kernel"],
        bias=found.arrays["bias"],
        reading=entry.reading,
        temperature=entry.temperature,
    )
    return Mirrored(
        head=head,
        out_of_fold=out_of_fold_in(found.arrays, entry.num_independent),
        mirroring=entry.mirroring,
        store=screening.store,
    )
