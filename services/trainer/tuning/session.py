"""One fine-tuning while it is held: which recipes were tried, what the best iteration is, what the ledger knows."""

import logging
from dataclasses import dataclass, field, replace

from services.trainer.data.dataset import LearningSet
from services.trainer.fitting.standard import class_weights, standard_of
from services.trainer.run.context import Ledger, LedgerEntry, Run
from services.trainer.screening.candidate import CANDIDATE_ERRORS, delivery_of, fault_of, open_store
from services.trainer.screening.features import FeatureStore, learning_rows
from services.trainer.screening.screen import Screening
from services.trainer.tuning.activations import MirrorImages
from services.trainer.tuning.search import SearchPlan, Step, next_step
from services.trainer.tuning.tail import Tail, TailState, packed, unpacked
from services.trainer.tuning.trial import Material, Rank, RecipeFit, fit_recipe, judge, ranks_of
from services.trainer.zoo.head import FEATURES, Reading
from services.trainer.zoo.sources.weights import weights_facts
from shared.job.findings.training import History, TunedRecipe, Tuning
from shared.job.job import Trial, TrialState
from shared.job.progress import Best, Progress
from shared.json_codec import to_json

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningEntry:
    """A recipe as the ledger keeps it.

    Args:
        screened: Validation accuracy and loss of the screened network, by the same arithmetic.
        trial: As reported.
        history: Its curves.
    """

    screened: tuple[float, float]
    trial: TunedRecipe
    history: History


@dataclass(slots=True, kw_only=True)
class Session:
    """See the module.

    Args:
        dataset: See there.
        screening: Has the winner.
        run: See there.
        plan: How recipes are searched.
        best: The best iteration so far; ``None`` while nothing beats the screened network.
        store: Features and activations of the winner, once there are any.
    """

    dataset: LearningSet
    screening: Screening
    run: Run
    plan: SearchPlan
    best: TailState | None = None
    store: FeatureStore | None = None
    _tried: list[TuningEntry] = field(default_factory=list)
    _winner: int | None = None
    _best_rank: Rank | None = None
    _material: Material | None = None

    def __post_init__(self) -> None:
        """Go on with what screening computed."""
        self.store = self.screening.store

    def hold(self) -> None:
        """Try every recipe, unless the run has to stop."""
        while (step := next_step(self.plan, [each.trial for each in self._tried])) is not None:
            if self._recall():
                continue
            if self.run.stop_reason() is not None:
                break
            material = self._material or self._prepare()
            if material is None or not self._try(material, step):
                break
        if self._material is not None:
            self._material.tail.load(self.best)

    def result(self) -> Tuning | None:
        """Return how it went; ``None`` where no recipe was tried."""
        if not self._tried or self._best_rank is None:
            return None
        chosen = self._tried[self._winner or 0]
        epoch = 0
        train_accuracy = self.screening.result.train_accuracy or 0.0
        if self._winner is not None:
            ranks = ranks_of(chosen.history)
            epoch = 1 + ranks.index(max(ranks))
            train_accuracy = chosen.history.accuracy[epoch - 1]
        return Tuning(
            search=self.plan.search,
            hyperparameters=chosen.trial.hyperparameters,
            history=chosen.history,
            train_accuracy=train_accuracy,
            val_accuracy=self._best_rank[0],
            best_epoch=epoch,
            trials=tuple(each.trial for each in self._tried),
        )

    def _recall(self) -> bool:
        """Take the next recipe from the ledger; answer whether it was there."""
        entry = self._ledger.find(self._trial_name)
        tried = entry.document_as(TuningEntry) if entry is not None else None
        if entry is None or tried is None:
            return False
        if self._best_rank is None:
            self._best_rank = (tried.screened[0], -tried.screened[1])
        self._take(tried, unpacked(entry.arrays))
        return True

    def _prepare(self) -> Material | None:
        """Get the winner's activations and its tail ready; ``None`` where that fails or the run has to stop."""
        dataset, winner = self.dataset, self.screening.winner
        rows = learning_rows(dataset)
        try:
            store = self.store or open_store(dataset, self.run, winner, self.screening.weights)
            self.store = store
            if not store.compute(rows, on_batch=lambda _: self._tell(0)):
                return None
            self._reprice(store)
            weights = class_weights(dataset.labels[dataset.split.train], len(dataset.classes))
            every = store.read_by(Reading(num_levels=len(winner.levels)))
            tail = Tail(
                store.network,
                self.screening.head,
                class_weights=weights,
                seed=self.run.seed,
                precision=self.run.precision,
                standard=standard_of(every, dataset.split.train) if self.plan.searches_levels else None,
            )
            mirror = MirrorImages(store, rows) if self.plan.views > 1 else None
            material = Material(dataset=dataset, store=store, tail=tail, seed=self.run.seed, mirror=mirror)
            self._best_rank = self._best_rank or judge(material)
        except CANDIDATE_ERRORS as error:
            fault_of(error)
            logger.warning("fine-tuning impossible; the screened network stays", exc_info=True)
            return None
        self._material = material
        return material

    def _reprice(self, store: FeatureStore) -> None:
        """Tell what it would cost from now on to deliver the winner, by what its best head reads.

        One that reads the features alone goes by what is kept at the cut; any other goes through the network anew.
        """
        reading = FEATURES if self.best is None else self.best.head.reading
        if store.pace is not None:
            pace = replace(store.pace, image_s=reading.views * store.pace.image_s)
            delivery = delivery_of(self.dataset, self.screening.winner, pace, self.run)
            keeps_activations = store.activations is not None and reading == FEATURES
            left = replace(
                delivery, keeps_activations=keeps_activations, is_built=store.is_built and reading == FEATURES
            )
            self.run.countdown.reprice(left.price_s)

    def _try(self, material: Material, step: Step) -> bool:
        """Try the next recipe; answer whether the session goes on."""
        name = self._trial_name
        goes_on = self._goes_on_in_any_case if step.is_final else self._goes_on
        try:
            made = fit_recipe(material, step.recipe, epochs=step.epochs, goes_on=goes_on)
        except CANDIDATE_ERRORS as error:
            fault = fault_of(error)
            logger.warning("recipe failed", extra={"trial": name}, exc_info=True)
            tried = self._tried_of(RecipeFit(hyperparameters=step.recipe, history=History(), best=None, seconds=0.0))
            self._take(tried, None)
            self._record(name, tried, None, fault=fault)
            return True
        broken_off = self.run.stop_reason() is not None and len(made.history.val_loss) < step.epochs
        if broken_off and made.best is None:
            return False
        tried = self._tried_of(made)
        improves = self._take(tried, made.best)
        if broken_off:
            return False  # it counts here, but a successor with budget left does this recipe again, in full
        self._record(name, tried, made.best if improves else None)
        return True

    def _take(self, tried: TuningEntry, state: TailState | None) -> bool:
        """Take a recipe in; answer whether it leads."""
        self._tried.append(tried)
        rank = max(ranks_of(tried.history), default=None)
        if rank is None or state is None or self._best_rank is None or rank <= self._best_rank:
            return False
        self.best, self._best_rank, self._winner = state, rank, len(self._tried) - 1
        if self.store is not None:
            self._reprice(self.store)
        return True

    def _goes_on(self, epochs_done: int, rank: Rank | None) -> bool:
        """Report, and decide whether a recipe may go on: not when the run stops, and not when it starts badly."""
        if not self._tell(epochs_done):
            return False
        started_well = [ranks_of(each.history)[0] for each in self._tried if each.history.val_loss]
        if rank is None or epochs_done != 1 or not started_well:
            return True
        # Culling after one epoch costs a tenth of halving-type methods for the same result (arXiv:2404.04111).
        return rank[1] >= max(first[1] for first in started_well)

    def _goes_on_in_any_case(self, epochs_done: int, _rank: Rank | None) -> bool:
        return self._tell(epochs_done)

    def _tell(self, epochs_done: int) -> bool:
        result = self.screening.result
        val_accuracy = max(result.val_accuracy or 0.0, self._best_rank[0] if self._best_rank else 0.0)
        self.run.report(
            Progress(
                phase="tune",
                done=sum(each.trial.epochs for each in self._tried) + epochs_done,
                total=self.plan.total_epochs,
                unit="epochs",
                detail=f"{result.name}: recipe {len(self._tried) + 1}",
                best=Best(candidate=result.name, val_accuracy=val_accuracy),
            )
        )
        return self.run.stop_reason() is None

    def _tried_of(self, made: RecipeFit) -> TuningEntry:
        ranks = ranks_of(made.history)
        trial = TunedRecipe(
            hyperparameters=made.hyperparameters,
            val_accuracy=max(ranks)[0] if ranks else 0.0,
            epochs=len(ranks),
            seconds=made.seconds,
        )
        known = self._tried[0].screened if self._tried else (self._best_rank or (0.0, 0.0))
        screened = known if self._tried else (known[0], -known[1])
        return TuningEntry(screened=screened, trial=trial, history=made.history)

    def _record(self, name: str, tried: TuningEntry, state: TailState | None, *, fault: str | None = None) -> None:
        trial = Trial(
            name=name,
            state=TrialState.DONE if fault is None else TrialState.FAILED,
            val_accuracy=tried.trial.val_accuracy if fault is None else None,
            seconds=tried.trial.seconds,
            reason=fault,
        )
        self._ledger.record(LedgerEntry(trial=trial, document=to_json(tried), arrays=packed(state)))

    @property
    def _ledger(self) -> Ledger:
        """The ledger of recipes for this winner with these weights on this data."""
        tuned = {"backbone": self.screening.winner.name, **weights_facts(self.screening.weights)}
        return self.run.ledger.of({**self.dataset.facts, **tuned})

    @property
    def _trial_name(self) -> str:
        return f"tune/{len(self._tried)}"
