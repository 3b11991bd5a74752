"""The head of one candidate, by whichever way the job asked for and the number of photographs allows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from services.trainer.data.dataset import LearningSet
from services.trainer.fitting.convex import ConvexData, ConvexFit, fit_convex
from services.trainer.fitting.epochs import HeadData, TrainedHead, train_head
from services.trainer.fitting.out_of_fold import OutOfFold
from services.trainer.fitting.speed import Size, SolveSpeed, can_be_solved, speed_here
from services.trainer.run.context import Run
from services.trainer.screening.features import FeatureStore, learning_rows
from services.trainer.zoo.backbone import Backbone
from services.trainer.zoo.combination.limits import Limits
from services.trainer.zoo.head import FEATURES, Head, Reading
from shared.job.findings.training import CrossValidation, Foretold, History
from shared.job.options import LevelChoice

_ANY = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPlan:
    """How heads are fitted.

    Args:
        levels: What they may read.
        epochs: Of those that learn by epochs.
        limits: What the network has to meet.
        speed: How fast this machine fits heads, by the number of classes; asked where they are not small.
    """

    levels: LevelChoice
    epochs: int
    limits: Limits = _ANY
    speed: Callable[[int], SolveSpeed] = speed_here

    def readings(self, backbone: Backbone) -> Sequence[Reading]:
        """Return what a head of a backbone may read, the simplest first."""
        every = Reading(num_levels=len(backbone.levels))
        if self.levels.learns_by_epochs:
            return [FEATURES]
        return [every] if self.levels is LevelChoice.ALL else [FEATURES, every]

    def is_convex(self, dataset: LearningSet, backbone: Backbone, run: Run) -> bool:
        """Tell whether heads are fitted to their end and judged by cross-validation.

        Args:
            dataset: See there.
            backbone: Which they read.
            run: Has the budget.
        """
        if self.levels.learns_by_epochs:
            return False
        sizes = [
            Size(
                num_images=len(learning_rows(dataset)),
                width=backbone.width_of(reading.num_levels),
                num_classes=len(dataset.classes),
            )
            for reading in self.readings(backbone)
        ]
        return can_be_solved(sizes, budget_s=run.countdown.deadline.seconds_left, speed=self.speed)


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedHead:
    """A head and how good it is thought to be.

    Args:
        head: See there.
        train_accuracy: On images that it learnt from.
        val_accuracy: On images that it did not learn from.
        best_epoch: Counted from 1; ``None`` where it did not learn by epochs.
        history: Curves, where it did.
        judged: How cross-validation went, where it did not.
        out_of_fold: The same, image by image.
        foretold: What a sample said of the backbone beforehand.
    """

    head: Head
    train_accuracy: float
    val_accuracy: float
    best_epoch: int | None = None
    history: History | None = None
    judged: CrossValidation | None = None
    out_of_fold: OutOfFold | None = None
    foretold: Foretold | None = None


def fit_head(dataset: LearningSet, store: FeatureStore, run: Run, plan: HeadPlan) -> FittedHead:
    """Fit the head of a backbone to what it made of the training and validation images."""

    def goes_on() -> bool:
        return run.stop_reason() is None

    backbone = store.backbone
    readings = plan.readings(backbone)
    if plan.is_convex(dataset, backbone, run):
        return of_convex(fit_convex(convex_data(dataset, store, run), readings, goes_on=goes_on))
    return _by_epochs(dataset, store, run, plan, goes_on)


def convex_data(dataset: LearningSet, store: FeatureStore, run: Run) -> ConvexData:
    """Return what a head is fitted to, of a backbone whose pass is done."""
    return ConvexData(
        inputs=store.read_by,
        labels=dataset.labels,
        groups=dataset.kept_together,
        rows=learning_rows(dataset),
        num_classes=len(dataset.classes),
        seed=run.seed,
    )


def of_convex(fit: ConvexFit) -> FittedHead:
    """Return a head that was fitted to its end as the result of a candidate."""
    return FittedHead(
        head=fit.head,
        train_accuracy=fit.train_accuracy,
        val_accuracy=fit.judged.accuracy,
        judged=fit.judged,
        out_of_fold=fit.out_of_fold,
    )


def _by_epochs(
    dataset: LearningSet, store: FeatureStore, run: Run, plan: HeadPlan, goes_on: Callable[[], bool]
) -> FittedHead:
    """Train a head for every reading and keep the best on the validation split; of equals the simplest."""
    best: FittedHead | None = None
    for reading in plan.readings(store.backbone):
        if best is not None and not goes_on():
            break
        data = HeadData(
            features=store.read_by(reading),
            labels=dataset.labels,
            train=dataset.split.train,
            validation=dataset.split.validation,
            num_classes=len(dataset.classes),
        )
        trained = train_head(data, epochs=plan.epochs, seed=run.seed, on_epoch=lambda *_: goes_on())
        if best is None or trained.val_accuracy > best.val_accuracy:
            best = _of_epochs(trained, reading)
    if best is None:
        raise ValueError("received no readings, expected at least one")
    return best


def _of_epochs(trained: TrainedHead, reading: Reading) -> FittedHead:
    return FittedHead(
        head=replace(trained.head, reading=reading),
        train_accuracy=trained.history.accuracy[trained.best_epoch - 1],
        val_accuracy=trained.val_accuracy,
        best_epoch=trained.best_epoch,
        history=trained.history,
    )
