"""What is done to the winner once it is known, and never makes it worse on images that it did not learn from."""

from dataclasses import dataclass, replace

import numpy as np

from services.trainer.data.dataset import LearningSet
from services.trainer.fitting.out_of_fold import OutOfFold
from services.trainer.run.context import Run
from services.trainer.screening.candidate import delivery_of
from services.trainer.screening.features import FeatureStore, learning_rows
from services.trainer.screening.screen import Screening
from services.trainer.tuning.mirror import try_mirror
from services.trainer.tuning.search import SearchPlan
from services.trainer.tuning.session import Session
from services.trainer.tuning.unfreezing.recorded import recall_unfrozen, record_unfrozen
from services.trainer.tuning.unfreezing.unfreeze import NOT_WANTED, Fitted, unfreeze
from services.trainer.zoo.catalogue import Backbone
from services.trainer.zoo.head import FEATURES, Head
from services.trainer.zoo.network import TailWeights
from services.trainer.zoo.sources.weights import WeightsFile, weights_facts
from shared.job.findings.training import Mirroring, Tuning, Unfreezing
from shared.job.options import TuneSearch

ATTEMPT_FRAC = 0.2
"""Of the time that the run has taken so far: what a first attempt at fine-tuning may cost before it gained anything."""
LEAST_ATTEMPT_S = 5.0
_BY_EPOCHS = "its last layer reads all stages and learnt by epochs, as it does with very many photographs"


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
        store: Its features and activations, as it was before it was unfrozen; ``None`` where this process computed
            none.
        unfreezing: Whether it was fine-tuned below a head that was fitted to its end; ``None`` where that was not
            looked at.
    """

    backbone: Backbone
    weights: WeightsFile | None
    head: Head
    out_of_fold: OutOfFold | None
    tail_weights: TailWeights | None
    result: Tuning | None
    mirroring: Mirroring | None
    store: FeatureStore | None
    unfreezing: Unfreezing | None = None

    @property
    def store_as_cut(self) -> FeatureStore | None:
        """The store, where its network is cut as the trained one is, so that trained values can be put into it.

        What is kept at the cut gives the features and no other level: with these, a tuned network is built anew.
        """
        goes_by_kept = self.tail_weights is None or self.head.reading == FEATURES
        is_same = self.store is not None and self.store.backbone == self.backbone
        return self.store if is_same and goes_by_kept else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TunePlan:
    """What may be done to the winner.

    Args:
        epochs: Of each recipe of fine-tuning, at most; 0: no fine-tuning.
        trials: Recipes; the first is the default one.
        search: How the further ones are proposed.
        views: Of each image, at most.
        searches_levels: Whether recipes of fine-tuning may read all levels and mirror images.
        attempt_s: Seconds that a first attempt at fine-tuning below a fitted head may cost; ``None``: as long as is
            worth it beside what the run has taken so far.
    """

    epochs: int
    trials: int
    search: TuneSearch
    views: int = 1
    searches_levels: bool = False
    attempt_s: float | None = None


def tune(dataset: LearningSet, screening: Screening, run: Run, plan: TunePlan) -> Trained:
    """Improve the winner, in the way that suits its head.

    Where that was fitted to its end, to training and validation images, the mirror image is tried as a second view.
    Where it learnt the features by epochs, the last block is fine-tuned; where it learnt all stages so, nothing is.

    Args:
        dataset: See there.
        screening: Has the winner, its head and its activations.
        run: See there.
        plan: What may be done.
    """
    return _with_answers_in_place(dataset, _improved(dataset, screening, run, plan))


def _with_answers_in_place(dataset: LearningSet, trained: Trained) -> Trained:
    """Let go of answers of an earlier attempt to photographs of which some cannot be read here: their rows moved."""
    found = trained.out_of_fold
    if found is None or np.array_equal(found.rows, learning_rows(dataset)):
        return trained
    return replace(trained, out_of_fold=None)


def _improved(dataset: LearningSet, screening: Screening, run: Run, plan: TunePlan) -> Trained:
    if screening.out_of_fold is not None and plan.views > 1:
        mirrored = try_mirror(dataset, screening, run)
        kept = replace(
            _as_screened(screening),
            head=mirrored.head,
            out_of_fold=mirrored.out_of_fold,
            mirroring=mirrored.mirroring,
            store=mirrored.store,
        )
        return _unfreeze(dataset, screening, kept, run, plan)
    if screening.out_of_fold is not None:
        return _unfreeze(dataset, screening, _as_screened(screening), run, plan)
    if screening.head.reading == FEATURES:
        return _fine_tune(dataset, screening, run, plan)
    # The last block is learnt from what is kept at the cut, which gives the features and no other stage.
    reason = NOT_WANTED if plan.epochs == 0 else _BY_EPOCHS
    return replace(_as_screened(screening), unfreezing=Unfreezing(is_used=False, reason=reason))


def _unfreeze(dataset: LearningSet, screening: Screening, kept: Trained, run: Run, plan: TunePlan) -> Trained:
    """Fine-tune below a head that was fitted to its end, where validation favours it; the ledger knows what came of it.

    What was kept of the images is of the network as it was, so the fine-tuned one is built anew to be delivered.
    """
    ledger = run.ledger.of({**dataset.facts, "backbone": screening.winner.name, **weights_facts(screening.weights)})
    unfrozen = recall_unfrozen(ledger, screening.winner)
    if unfrozen is None:
        judged = screening.result.cross_validation if kept.head.reading.views == 1 else None
        judged = judged or (kept.mirroring.judged if kept.mirroring is not None else None)
        if kept.store is None or judged is None or not kept.store.is_done(learning_rows(dataset)):
            return kept
        fitted = Fitted(
            backbone=kept.backbone,
            head=kept.head,
            strength=judged.strength,
            val_accuracy=judged.accuracy,
            store=kept.store,
        )
        elapsed_s = run.countdown.monotonic() - run.countdown.deadline.started
        worth_s = max(LEAST_ATTEMPT_S, ATTEMPT_FRAC * elapsed_s)
        attempt_s = worth_s if plan.attempt_s is None else plan.attempt_s
        unfrozen = unfreeze(dataset, fitted, run, epochs=plan.epochs, attempt_s=attempt_s)
        if unfrozen.found.is_used or run.stop_reason() is None:  # an operator may grant another attempt more time
            record_unfrozen(ledger, unfrozen)
    if unfrozen.state is None or unfrozen.backbone is None:
        return replace(kept, unfreezing=unfrozen.found)
    if kept.store is not None:
        _reprice(dataset, kept, kept.store, run)
        kept.store.rest()
    return replace(
        kept,
        backbone=unfrozen.backbone,
        head=unfrozen.state.head,
        tail_weights=unfrozen.state.tail,
        unfreezing=unfrozen.found,
    )


def _reprice(dataset: LearningSet, kept: Trained, store: FeatureStore, run: Run) -> None:
    """Tell what delivering costs now that the network has to be built anew, and nothing of it is kept."""
    if store.pace is not None:
        pace = replace(store.pace, image_s=kept.head.reading.views * store.pace.image_s)
        delivery = delivery_of(dataset, kept.backbone, pace, run)
        run.countdown.reprice(replace(delivery, is_built=False, keeps_activations=False).price_s)


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
        plan=SearchPlan(
            search=plan.search,
            trials=plan.trials,
            epochs=plan.epochs,
            seed=run.seed,
            searches_levels=plan.searches_levels,
            views=plan.views if plan.searches_levels else 1,
        ),
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
