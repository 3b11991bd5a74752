"""What is done to the winner once it is known, and never makes it worse on images that it did not learn from."""

from dataclasses import dataclass, replace

from services.trainer.data.dataset import LearningSet
from services.trainer.fitting.out_of_fold import OutOfFold
from services.trainer.run.context import Run
from services.trainer.screening.features import FeatureStore
from services.trainer.screening.screen import Screening
from services.trainer.tuning.mirror import try_mirror
from services.trainer.tuning.search import SearchPlan
from services.trainer.tuning.session import Session
from services.trainer.zoo.catalogue import Backbone
from services.trainer.zoo.head import FEATURES, Head
from services.trainer.zoo.network import TailWeights
from services.trainer.zoo.sources.weights import WeightsFile
from shared.job.findings.training import Mirroring, Tuning
from shared.job.options import TuneSearch


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The trained network, as :func:`services.trainer.zoo.network.complete` takes it.

    Args:
        backbone: The winner.
        weights: Its weights.
        head: The last layer.
        out_of_fold: What cross-validation found of it, image by image: of every training and validation image what a
            head made of it that had not learnt from it; ``None`` where the head learnt by epochs, and the validation
            split is what judges.
        tail_weights: Fine-tuned values from the cut on; ``None`` where the screened network stays as it is.
        result: How fine-tuning went; ``None`` where there was none.
        mirroring: Whether it looks at mirror images too; ``None`` where that was not tried.
        store: Its features and activations; ``None`` where this process computed none.
    """

    backbone: Backbone
    weights: WeightsFile | None
    head: Head
    out_of_fold: OutOfFold | None
    tail_weights: TailWeights | None
    result: Tuning | None
    mirroring: Mirroring | None
    store: FeatureStore | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TunePlan:
    """What may be done to the winner.

    Args:
        epochs: Of each recipe of fine-tuning, at most; 0: no fine-tuning.
        trials: Recipes; the first is the default one.
        search: How the further ones are proposed.
        views: Of each image, at most.
    """

    epochs: int
    trials: int
    search: TuneSearch
    views: int = 1


def tune(dataset: LearningSet, screening: Screening, run: Run, plan: TunePlan) -> Trained:
    """Improve the winner, in the way that suits its head.

    Where that was fitted to its end, to training and validation images, the mirror image is tried as a second view.
    Where it learnt the features by epochs, the last block is fine-tuned.

    Args:
        dataset: See there.
        screening: Has the winner, its head and its activations.
        run: See there.
        plan: What may be done.
    """
    if screening.out_of_fold is not None and plan.views > 1:
        mirrored = try_mirror(dataset, screening, run)
        kept = _as_screened(screening)
        return replace(
            kept,
            head=mirrored.head,
            out_of_fold=mirrored.out_of_fold,
            mirroring=mirrored.mirroring,
            store=mirrored.store,
        )
    if screening.out_of_fold is None and screening.head.reading == FEATURES:
        return _fine_tune(dataset, screening, run, plan)
    return _as_screened(screening)


def _as_screened(screening: Screening) -> Trained:
    return Trained(
        backbone=screening.winner,
        weights=screening.weights,
        head=screening.head,
        out_of_fold=screening.out_of_fold,
        tail_weights=None,
        result=None,
        mirroring=None,
        store=screening.store,
    )


def _fine_tune(dataset: LearningSet, screening: Screening, run: Run, plan: TunePlan) -> Trained:
    """Fine-tune the winner from the cut on, by one recipe after the other, and keep the best iteration of all.

    The screened network takes part: where no epoch of any recipe beats it on the validation split, it stays. Recipes
    that an earlier worker finished for the same winner are taken from the ledger.
    """
    session = Session(
        dataset=dataset,
        screening=screening,
        run=run,
        plan=SearchPlan(search=plan.search, trials=plan.trials, epochs=plan.epochs, seed=run.seed),
    )
    if plan.epochs > 0:
        session.hold()
    best = session.best
    return replace(
        _as_screened(screening),
        head=screening.head if best is None else best.head,
        tail_weights=None if best is None else best.tail,
        result=session.result(),
        store=session.store,
    )
