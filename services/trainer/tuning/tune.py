"""Fine-tuning of the winner's last block, which never makes it worse on the validation split."""

from dataclasses import dataclass

from services.trainer.data.dataset import LearningSet
from services.trainer.run.context import Run
from services.trainer.screening.features import FeatureStore
from services.trainer.screening.screen import Screening
from services.trainer.tuning.session import Session
from services.trainer.zoo.catalogue import Backbone
from services.trainer.zoo.head import Head
from services.trainer.zoo.network import TailWeights
from services.trainer.zoo.sources.weights import WeightsFile
from shared.job.options import TuneSearch
from shared.job.result import Tuning


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The trained network, as :func:`services.trainer.zoo.network.complete` takes it.

    Args:
        backbone: The winner.
        weights: Its weights.
        head: The last layer.
        tail_weights: Fine-tuned values from the cut on; ``None`` where the screened network stays as it is.
        result: How fine-tuning went; ``None`` where there was none.
        store: Its features and activations; ``None`` where this process computed none.
    """

    backbone: Backbone
    weights: WeightsFile | None
    head: Head
    tail_weights: TailWeights | None
    result: Tuning | None
    store: FeatureStore | None


def tune(
    dataset: LearningSet, screening: Screening, run: Run, *, epochs: int, trials: int, search: TuneSearch
) -> Trained:
    """Fine-tune the winner from the cut on, by one recipe after the other, and keep the best iteration of all.

    The screened network takes part: where no epoch of any recipe beats it on the validation split, it stays. Recipes
    that an earlier worker finished for the same winner are taken from the ledger.

    Args:
        dataset: See there.
        screening: Has the winner, its head and its activations.
        run: See there.
        epochs: Of each recipe, at most; 0: no fine-tuning.
        trials: Recipes; the first is the default one.
        search: How the further ones are proposed.
    """
    session = Session(dataset=dataset, screening=screening, run=run, epochs=epochs, trials=trials, search=search)
    if epochs > 0:
        session.hold()
    best = session.best
    return Trained(
        backbone=screening.winner,
        weights=screening.weights,
        head=screening.head if best is None else best.head,
        tail_weights=None if best is None else best.tail,
        result=session.result(),
        store=session.store,
    )
