"""The selection of the candidates: who may start, who failed, who leads, and what the losers leave on the disk."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from services.trainer.data.dataset import Indices, LearningSet
from services.trainer.run.context import Run
from services.trainer.run.deadline import Pace
from services.trainer.run.memory import give_back, memory_objection
from services.trainer.screening.candidate import (
    CANDIDATE_ERRORS,
    Contender,
    OpenStore,
    delivery_of,
    fault_of,
    finish,
    open_store,
    recall,
    rest,
)
from services.trainer.screening.features import FeatureStore, learning_rows
from services.trainer.screening.fit import HeadPlan, fit_head
from services.trainer.screening.race import foretell, hold_race, is_worth_it, sample_to_foretell, samples
from services.trainer.screening.recorded import Recorded, combinations_of, in_order, is_better, record
from services.trainer.zoo.catalogue import Backbone
from services.trainer.zoo.combination.row import combined_row, combined_weights
from services.trainer.zoo.sources.weights import WeightsFile, weights_facts
from shared.job.findings.training import CandidateResult, Foretold
from shared.job.job import TrialState
from shared.job.progress import Best, Progress

logger = logging.getLogger(__name__)
Entry = tuple[Backbone, WeightsFile | None]


@dataclass(slots=True, kw_only=True)
class Selection:
    """One screening while it is held.

    Args:
        dataset: See there.
        run: See there.
        plan: How heads are fitted.
        results: What became of every candidate so far, by name.
        best: The leader.
        open_store: Builds networks.
        rounds: What each made of the samples of the race, see there.
    """

    dataset: LearningSet
    run: Run
    plan: HeadPlan
    results: dict[str, CandidateResult] = field(default_factory=dict)
    best: Contender | None = None
    open_store: OpenStore = open_store
    rounds: dict[str, list[NDArray[np.bool_]]] = field(default_factory=dict)
    _stores: dict[str, FeatureStore] = field(default_factory=dict)
    _finished: list[Contender] = field(default_factory=list)
    _foretold: dict[str, Foretold] = field(default_factory=dict)
    _done_images: int = 0
    _total_images: int = 0
    _measured: tuple[Pace, float] | None = None

    def hold(self, entries: Sequence[Entry], *, racing: bool) -> None:
        """Let every candidate have its turn, in the order given; the leader stands in :attr:`best` afterwards."""
        rows = learning_rows(self.dataset)
        entries = [entry for entry in entries if self._fits(entry)]
        if racing and is_worth_it(self.dataset, len(entries)):
            entries = self._race(entries, len(rows))
        self._total_images = self._done_images + len(rows) * len(entries)
        for position, (backbone, weights) in enumerate(entries, start=1):
            self._enter(backbone, weights, rows)
            self._done_images = self._total_images - len(rows) * (len(entries) - position)
        for best in combinations_of(self._finished, self.plan.limits.most_backbones):
            self._enter_together(best, rows)
        for store in (*self._stores.values(), *self._losers()):
            store.discard()
        give_back()

    def _fits(self, entry: Entry) -> bool:
        """Tell whether a candidate fits this machine; another one may take it up, so the ledger does not hear of it."""
        backbone = entry[0]
        reason = self.plan.limits.objection_to_size(backbone)
        reason = reason or memory_objection(backbone.size_bytes, self.run.memory_bytes)
        if reason is None or recall(self.run, *entry) is not None:
            return True
        self.results[backbone.name] = CandidateResult(
            name=backbone.name, state=TrialState.SKIPPED, skipped_because=reason
        )
        return False

    def _enter(self, backbone: Backbone, weights: WeightsFile | None, rows: Indices) -> None:
        known = recall(self.run, backbone, weights)
        if isinstance(known, Contender):
            self._accept(known)
        elif known is not None:
            self.results[backbone.name] = known
        elif (reason := self._reason_to_skip(backbone, len(rows))) is not None:
            self._drop((backbone, weights), TrialState.SKIPPED, reason)
        else:
            self._try(backbone, weights, rows)

    def _enter_together(self, best: Sequence[Contender], rows: Indices) -> None:
        entry = (
            combined_row([each.backbone for each in best]),
            combined_weights([each.weights for each in best]),
        )
        slow = self._too_slow([each.pace for each in best])
        is_known = isinstance(recall(self.run, *entry), Contender)
        if not is_known and not self.plan.is_convex(self.dataset, entry[0], self.run):
            slow = slow or "its last layer would take too long to be fitted to its end, as those of its parts were"
        if slow is not None:
            self._drop(entry, TrialState.SKIPPED, slow)
        elif self._fits(entry):
            self._enter(*entry, rows)

    def _too_slow(self, paces: Sequence[Pace | None]) -> str | None:
        """Say why a network is too slow whose parts go at these paces, or ``None``, also where that is not known."""
        known = [pace.image_s for pace in paces if pace is not None]
        return self.plan.limits.objection_to_speed(sum(known)) if known else None

    def _try(self, backbone: Backbone, weights: WeightsFile | None, rows: Indices) -> None:
        started = time.monotonic()
        try:
            contender = self._train(backbone, weights, rows, started)
        except CANDIDATE_ERRORS as error:
            reason = fault_of(error)
            logger.warning("candidate failed", extra={"candidate": backbone.name}, exc_info=True)
            self._drop((backbone, weights), TrialState.FAILED, reason, started=started)
            return
        if contender is None:
            reason = self._pace_objection(backbone) or self._broken_off()
            self._drop((backbone, weights), TrialState.SKIPPED, reason, started=started)
        else:
            self._accept(contender)

    def _train(
        self, backbone: Backbone, weights: WeightsFile | None, rows: Indices, started: float
    ) -> Contender | None:
        self._tell(f"{backbone.name}: network")
        store = self._stores.get(backbone.name)
        self._rest_others(store)
        if store is None:
            store = self._stores[backbone.name] = self.open_store(self.dataset, self.run, backbone, weights)
        parts = self._parts_of(backbone)
        if parts:
            store.take_over(parts, rows)
        if not self._compute(store, rows):
            return None
        if self.plan.limits.max_ms_per_image is not None:  # of few images nothing is known but the slow first batch
            store.settle_pace(rows)
        if self._pace_objection(backbone) is not None:
            return None
        self._tell(f"{backbone.name}: head")
        self._foretell(store)
        fitted = replace(fit_head(self.dataset, store, self.run, self.plan), foretold=self._foretold.get(backbone.name))
        del self._stores[backbone.name]
        return finish(store, weights, fitted, self.run, started=started)

    def _foretell(self, store: FeatureStore) -> None:
        """Have it on record what a sample says of a candidate that ran in no race; nothing hangs on it."""
        rows = sample_to_foretell(self.dataset, seed=self.run.seed)
        if rows is None or store.backbone.parts or store.backbone.name in self._foretold:
            return
        try:
            self._foretold[store.backbone.name] = foretell(self.dataset, store, rows)[1]
        except ValueError:
            logger.warning("nothing foretold", extra={"candidate": store.backbone.name}, exc_info=True)

    def _pace_objection(self, backbone: Backbone) -> str | None:
        """Say why the network at work is too slow, or ``None``."""
        store = self._stores.get(backbone.name)
        return self._too_slow([store.pace]) if store is not None else None

    def _rest_others(self, store: FeatureStore | None) -> None:
        """Have the leader and those that wait for their turn take no memory meanwhile."""
        leader = self.best.store if self.best is not None else None
        others = [*self._stores.values(), *([leader] if leader is not None else [])]
        rest((each for each in others if each is not store), self.run.memory_bytes)
        if self.best is not None:
            self._reprice(self.best)

    def _compute(self, store: FeatureStore, rows: Indices) -> bool:
        """Compute features and take the pace; answer whether all of them are there."""
        backbone = store.backbone

        def on_batch(num_images: int) -> bool:
            self._done_images += num_images
            self._tell(f"{backbone.name}: features")
            if store.pace is None:
                return self.run.stop_reason() is None
            self._measured = (store.pace, backbone.gflops)
            delivery = delivery_of(self.dataset, backbone, store.pace, self.run)
            price_s = replace(delivery, keeps_activations=store.activations is not None).price_s
            if store.is_pace_settled and self._pace_objection(backbone) is not None:
                return False
            if self.best is None:  # what stands is nothing; so this one is what would be delivered
                self.run.countdown.reprice(price_s)
            return self.run.stop_reason() is None and self.run.countdown.seconds_left(price_s) > 0

        return store.compute(rows, on_batch=on_batch)

    def _accept(self, contender: Contender) -> None:
        """Take a finished candidate in; of those but the leader only what a combination might read stays."""
        name = contender.backbone.name
        foretold = self._foretold.get(name) or contender.result.foretold
        contender = replace(contender, result=replace(contender.result, foretold=foretold))
        self.results[name] = contender.result
        self._finished.append(contender)
        if self.best is None or is_better(contender, self.best):
            self.best = contender
            self._reprice(contender)
        useful = self._useful()
        for store in self._losers():
            if any(each.store is store for each in useful):
                store.slim()
            else:
                store.discard()
        self._tell(f"{contender.backbone.name}: done")

    def _useful(self) -> list[Contender]:
        """Return those whose features a combination might read: the best few single ones, of the leader's size first.

        One that stands between them in another size, or is itself made of them, would take the place of their features,
        and all images would go through them again.
        """
        ordered = self.in_order()
        px = ordered[0].backbone.input_px
        single = [each for each in ordered if not each.backbone.parts]
        alike_first = sorted(single, key=lambda each: each.backbone.input_px != px)  # and in order beside that
        return alike_first[: self.plan.limits.most_backbones]

    def in_order(self) -> list[Contender]:
        """Return the candidates that finished, the leader first."""
        return in_order((each, each.backbone.gflops) for each in self._finished)

    def _losers(self) -> list[FeatureStore]:
        """Return what is kept of candidates that do not lead."""
        others = (each.store for each in self._finished if each is not self.best)
        return [store for store in others if store is not None and store.has_features]

    def _parts_of(self, backbone: Backbone) -> list[FeatureStore]:
        """Return what the parts of a combination made of the images, where all of it is at hand."""
        at_hand = {each.backbone.name: each.store for each in self._finished}
        stores = [at_hand.get(part.name) for part in backbone.parts]
        found = [store for store in stores if store is not None and store.has_features]
        return found if len(found) == len(stores) else []

    def _drop(self, entry: Entry, state: TrialState, reason: str, *, started: float | None = None) -> None:
        backbone, weights = entry
        seconds = 0.0 if started is None else time.monotonic() - started
        foretold = self._foretold.get(backbone.name)
        result = CandidateResult(
            name=backbone.name, state=state, skipped_because=reason, seconds=seconds, foretold=foretold
        )
        self.results[backbone.name] = result
        record(self.run.ledger.of(weights_facts(weights)), Recorded(result=result))
        if (store := self._stores.pop(backbone.name, None)) is not None:
            store.discard()

    def _reprice(self, leader: Contender) -> None:
        """Tell what it would cost from now on to deliver the leader."""
        if leader.pace is None:
            return
        store = leader.store
        delivery = replace(
            delivery_of(self.dataset, leader.backbone, leader.pace, self.run),
            is_built=store is not None and store.is_built,
            keeps_activations=store is not None and store.activations is not None,
        )
        self.run.countdown.reprice(delivery.price_s)

    def _reason_to_skip(self, backbone: Backbone, num_images: int) -> str | None:
        if self.run.stop_reason() is not None:
            return self._stopped()
        if self.best is None or self._measured is None:
            return None
        pace, gflops = self._measured
        expected = pace.scaled(backbone.gflops, measured_gflops=gflops)
        passes = 0 if self._parts_of(backbone) else num_images
        needed_s = expected.build_s + expected.image_s * passes
        left_s = self.run.countdown.seconds_left(delivery_of(self.dataset, backbone, expected, self.run).price_s)
        if needed_s <= left_s:
            return None
        return (
            f"would take about {needed_s:,.0f} s where {max(0.0, left_s):,.0f} s of the budget are left for it; raise "
            "budget_minutes"
        )

    def _broken_off(self) -> str:
        if self.run.stop_reason() is not None:
            return self._stopped()
        return "there would not be time left to evaluate and export it; raise budget_minutes"

    def _stopped(self) -> str:
        return f"the run ended first ({self.run.stop_reason() or 'stopped'}); raise budget_minutes to give it its turn"

    def _race(self, entries: Sequence[Entry], num_images: int) -> list[Entry]:
        """Return the finalists in the order given; the others are dropped with the reason."""
        largest = samples(self.dataset, seed=self.run.seed)[-1]
        self._total_images = len(largest) * len(entries) + num_images

        def on_batch(name: str, num_done: int) -> bool:
            self._done_images += num_done
            self._tell(f"{name}: race")
            return self.run.stop_reason() is None

        race = hold_race(entries, self.dataset, self.run, on_batch=on_batch, open_store=self.open_store)
        self._stores.update(race.stores)
        self._foretold = race.foretold
        self.rounds = race.rounds
        for entry in entries:
            name = entry[0].name
            if isinstance(recall(self.run, *entry), Contender):
                continue  # an earlier worker gave it the whole data set, whoever runs beside it now
            if name in race.failed:
                self._drop(entry, TrialState.FAILED, race.failed[name])
            elif name in race.left:
                self._drop(entry, TrialState.SKIPPED, f"{race.left[name]}; exhaustive = true gives it its turn")
        return [entry for entry in entries if entry[0].name not in self.results]

    def _tell(self, detail: str) -> None:
        best = None
        if self.best is not None:
            best = Best(candidate=self.best.backbone.name, val_accuracy=self.best.result.val_accuracy or 0.0)
        self.run.report(
            Progress(
                phase="screen",
                done=min(self._done_images, self._total_images),
                total=self._total_images,
                unit="images",
                detail=detail,
                best=best,
            )
        )
