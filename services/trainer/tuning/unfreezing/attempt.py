"""One depth of fine-tuning: a short attempt, carried on where it promises something; its best iteration is judged."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from services.trainer.data.dataset import Indices, LearningSet
from services.trainer.fitting.out_of_fold import OutOfFold
from services.trainer.tuning.tail import TailState
from services.trainer.tuning.unfreezing.depth import Gain, gain_of
from services.trainer.tuning.unfreezing.learner import Learner, Rates
from services.trainer.tuning.unfreezing.sample import Sample, shuffled
from services.trainer.zoo.head import Floats, Head
from shared.interval import num_independent

ATTEMPT_EPOCHS = 2
"""After which it is decided whether fine-tuning is worth being carried on."""
PATIENCE = 3
"""Epochs without a lower log loss after which it ends."""
RATE, BATCH_SIZE, DECAY, SMOOTHING = 1e-4, 32, 1e-2, 0.0
"""Labels are not smoothed: that would raise the log loss, by which it is judged."""
_JUDGED_AT_ONCE = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long, and in which order.

    Args:
        epochs: At most; over them the rate falls along a cosine.
        seed: Of the order of images.
    """

    epochs: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How it went.

    Args:
        gain: Of the best iteration over the network whose last layer alone learnt; ``None`` where none ended.
        epochs: That it trained.
        best_epoch: Counted from 1.
        is_average: Whether the average over the steps was better than the last of them.
        answers: Of the best iteration, to the validation split.
    """

    gain: Gain | None
    epochs: int
    best_epoch: int = 0
    is_average: bool = False
    answers: OutOfFold | None = None


def attempt(
    dataset: LearningSet, sample: Sample, learner: Learner, head: Head, *, plan: Plan, goes_on: Callable[[int], bool]
) -> Attempt:
    """Fine-tune on the training split and judge on the validation split.

    Args:
        dataset: See there.
        sample: Of both.
        learner: Anything; it begins anew.
        head: Fitted to the training split alone.
        plan: See there.
        goes_on: Asked between batches, with the number of finished epochs.
    """
    train, validation = dataset.split.train, dataset.split.validation
    learner.restart(head)
    frozen = judge(dataset, sample, learner, validation)
    found = Attempt(gain=None, epochs=0)
    for epoch in range(1, plan.epochs + 1):
        if not _epoch(sample, learner, train, place=(epoch - 1, plan), goes_on=goes_on):
            break
        for is_average in (False, True):
            answers = judge(dataset, sample, learner, validation)
            if found.answers is None or answers.loss.mean() < found.answers.loss.mean():
                gain = gain_of(answers, frozen)
                found = Attempt(gain=gain, epochs=epoch, best_epoch=epoch, is_average=is_average, answers=answers)
            learner.exchange()
        found = replace(found, epochs=epoch)
        is_hopeless = epoch == ATTEMPT_EPOCHS and (found.gain is None or not found.gain.is_promising)
        if is_hopeless or epoch - found.best_epoch >= PATIENCE:
            break
    return found


def relearn(
    sample: Sample, learner: Learner, head: Head, found: Attempt, *, plan: Plan, goes_on: Callable[[int], bool]
) -> TailState | None:
    """Fine-tune once more, on training and validation images together, for as long as was best; ``None`` if stopped.

    Args:
        sample: See there.
        learner: Begins anew.
        head: Fitted to all these images.
        found: What was best.
        plan: Of the attempt.
        goes_on: See :func:`attempt`.
    """
    learner.restart(head)
    for epoch in range(found.best_epoch):
        if not _epoch(sample, learner, sample.rows, place=(epoch, plan), goes_on=goes_on):
            return None
    if found.is_average:
        learner.exchange()
    return learner.read()


def judge(dataset: LearningSet, sample: Sample, learner: Learner, rows: Indices) -> OutOfFold:
    """Return what the learner takes images for, by the mean over their views."""
    logits = np.concatenate(
        [_logits(sample, learner, rows[at : at + _JUDGED_AT_ONCE]) for at in range(0, len(rows), _JUDGED_AT_ONCE)]
    )
    sizes = np.unique(dataset.kept_together[rows], return_counts=True)[1].tolist()
    return OutOfFold(rows=rows, labels=dataset.labels[rows], logits=logits, num_independent=num_independent(sizes))


def _logits(sample: Sample, learner: Learner, rows: Indices) -> Floats:
    views = [learner.logits(sample.batch(rows, view)) for view in range(sample.views)]
    mean: Floats = np.mean(views, axis=0, dtype=np.float32)
    return mean


def _epoch(
    sample: Sample, learner: Learner, rows: Indices, *, place: tuple[int, Plan], goes_on: Callable[[int], bool]
) -> bool:
    """Train one epoch; answer whether it ended.

    Args:
        sample: See there.
        learner: See there.
        rows: To learn from.
        place: Epochs before this one, and the plan.
        goes_on: See :func:`attempt`.
    """
    done, plan = place
    generator = np.random.default_rng([plan.seed, done])
    steps = sample.views * -(-len(rows) // BATCH_SIZE)
    for step, batch in enumerate(shuffled(sample, rows, BATCH_SIZE, generator)):
        way = (done + step / steps) / plan.epochs
        rate = RATE * 0.5 * (1 + np.cos(np.pi * way))
        loss = learner.learn(batch, Rates(rate=rate, decay=DECAY, smoothing=SMOOTHING))
        if not np.isfinite(loss):
            raise ValueError(f"fine-tuning diverged at a learning rate of {rate:.2e}")
        if not goes_on(done):
            return False
    return True
