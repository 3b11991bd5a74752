"""The trained network put together, calibrated, and judged by the test split, without a second pass over the images."""

from dataclasses import dataclass, field, replace

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from services.trainer.data.dataset import HeldOut, Images, Indices, LearningSet
from services.trainer.evaluation.evaluate import Evaluation, Known, evaluate
from services.trainer.evaluation.focus import look
from services.trainer.fitting.temperature import Logits
from services.trainer.run.accelerator import as_traced
from services.trainer.run.context import Run
from services.trainer.run.device import Precision
from services.trainer.screening.candidate import features_directory
from services.trainer.screening.features import FeatureStore
from services.trainer.screening.forward import Activations
from services.trainer.strangers.learning import MOST_PHOTOGRAPHS, Photographs, learn_likeness
from services.trainer.strangers.likeness import Likeness
from services.trainer.tuning.tune import Trained
from services.trainer.zoo.combination.joined import assemble
from services.trainer.zoo.head import Reading
from services.trainer.zoo.network import Network, complete
from shared.job.findings.focus import Focus
from shared.job.progress import Progress

_BATCH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The trained network as it will be delivered, and what the test split said of it.

    Args:
        model: Raw pixels to calibrated probabilities.
        evaluation: See there.
        likeness: What tells strangers; ``None`` where that would have taken long, or there were too few photographs.
        distances: Of the test images from what the network learnt from, ``(num_test_images,)``; none without that.
    """

    model: keras.Model
    evaluation: Evaluation
    likeness: Likeness | None = None
    distances: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def score(learning: LearningSet, held_out: HeldOut, trained: Trained, run: Run) -> Scored:
    """Assemble the trained network, calibrate it, read the test split, and put the calibration into the network.

    Args:
        learning: See there.
        held_out: Opened here.
        trained: See there.
        run: See there.

    Raises:
        ValueError: If the weights do not fit, or the network returns values that are no numbers.
        OSError: If the weights cannot be read or the disk is full.
        tensorflow.errors.ResourceExhaustedError: If a single image does not fit into memory.
    """
    backbone = trained.backbone
    # Built already, as a rule: that saves a second or two.
    network = assemble(backbone, trained.weights) if trained.store_as_cut is None else trained.store_as_cut.network
    model = complete(network, trained.head, tail_weights=trained.tail_weights)

    def report(done: int, total: int) -> None:
        run.report(Progress(phase="evaluate", done=done, total=total, unit="images"))

    reader = Reader(network, trained, learning.images(backbone.input_px), run)
    reader.likeness = _likeness(reader, learning, is_tuned=trained.tail_weights is not None, run=run)
    evaluation = evaluate(learning, held_out, backbone.input_px, reader.logits, report, known=_known(learning, trained))
    last = model.get_layer("probabilities")
    last.set_weights([values / evaluation.temperature for values in last.get_weights()])
    return Scored(
        model=model,
        evaluation=evaluation,
        likeness=reader.likeness,
        distances=reader.distances_of(evaluation.indices),
    )


def _known(learning: LearningSet, trained: Trained) -> Known:
    """Return what cross-validation found of the network, or of its last layer before it was fine-tuned."""
    found, temperature = trained.out_of_fold, trained.head.temperature
    if found is None:
        return Known(temperature=temperature)
    return Known(temperature=temperature, right=found.right, groups=learning.kept_together[found.rows])


def _likeness(reader: "Reader", learning: LearningSet, *, is_tuned: bool, run: Run) -> Likeness | None:
    """Learn what tells strangers from what is kept of the photographs; nothing where the training must end."""
    if run.stop_reason() is not None:
        return None
    split, random = learning.split, np.random.default_rng(run.seed)
    num_validation = MOST_PHOTOGRAPHS // 4
    parts = ((split.train, MOST_PHOTOGRAPHS - num_validation), (split.validation, num_validation))
    train, validation = (random.permutation(rows)[:most] for rows, most in parts)
    rows = np.sort(np.concatenate([train, validation]))
    features = reader.kept(rows)
    if features is None:
        return None
    known = Photographs(
        features=features,
        labels=learning.labels[rows],
        groups=learning.groups[rows],
        given_groups=learning.kept_together[rows],
        has_learnt_from=np.isin(rows, train) if is_tuned else np.zeros(len(rows), bool),
    )
    return learn_likeness(known, seed=run.seed)


def with_focus(scored: Scored, learning: LearningSet, trained: Trained, run: Run) -> tuple[Scored, Focus]:
    """Put to the mistakes where the network looked, and return the same of hits and of classes; none where hurried.

    Args:
        scored: See there.
        learning: See there.
        trained: See there.
        run: See there.
    """
    if run.stop_reason() is not None:
        return scored, Focus()
    evaluation, px = scored.evaluation, trained.backbone.input_px
    with as_traced():
        mistakes, focus = look(scored.model, evaluation, learning, px, run.countdown.monotonic)
    scores = replace(evaluation.scores, mistakes=mistakes)
    return replace(scored, evaluation=replace(evaluation, scores=scores)), focus


class Reader:
    """What the trained network says of images, by the cheapest way that gives what the delivered network gives.

    Validation images went through the trunk while networks were screened: what was kept of them, rounded to float16, is
    read, which is good enough to fit a temperature. Test images go through the pass that was compiled then, unrounded;
    or, where that computes in mixed precision or nothing is left of it, through one in float32 that is compiled now.

    Args:
        network: With the trained values in place.
        trained: What it was trained to.
        images: All images of the data set at its input size.
        run: See there.

    Attributes:
        likeness: Set, it has the distances of images noted as they are read.
    """

    def __init__(self, network: Network, trained: Trained, images: Images, run: Run) -> None:
        self._network = network
        self._trained = trained
        self._images = images
        self._run = run
        self._exact: FeatureStore | None = None
        self.likeness: Likeness | None = None
        self._distances: dict[int, float] = {}
        self._tail = tf.function(
            lambda activations: network.tail(activations, training=False),
            input_signature=[tf.TensorSpec((None, *network.cut_shape), tf.float32)],
        )

    def logits(self, rows: Indices) -> Logits:
        """Return scores before the softmax, ``(num_images, num_classes) float32``; meant for a batch of images."""
        features = self._features(rows)
        if self.likeness is not None:
            self._distances |= zip(rows.tolist(), self.likeness.distances(features), strict=True)
        return self._trained.head.logits(features)

    def distances_of(self, rows: Indices) -> NDArray[np.float64]:
        """Return how far images that were read lie from what the network learnt from; none where nothing tells it."""
        return np.array([self._distances[row] for row in rows.tolist() if row in self._distances])

    def kept(self, rows: Indices) -> NDArray[np.float32] | None:
        """Return what the head reads of images without a pass through the trunk; ``None`` where that is not kept."""
        reading, store = self._trained.head.reading, self._trained.store_as_cut
        if store is None:
            return None
        if self._trained.tail_weights is None:
            return np.asarray(store.read_by(reading)[rows]) if store.is_done(rows, views=reading.views) else None
        if not store.keeps(rows):
            return None
        parts = np.array_split(rows, max(1, len(rows) // _BATCH))
        return np.concatenate([self._after_tail(store.activations_of(part)) for part in parts])

    def _features(self, rows: Indices) -> NDArray[np.float32]:
        reading, store = self._trained.head.reading, self._trained.store_as_cut
        is_tuned = self._trained.tail_weights is not None
        if store is not None and store.is_done(rows, views=reading.views):
            if not is_tuned:
                return np.asarray(store.read_by(reading)[rows])
            if store.activations is not None:
                return self._after_tail(store.activations_of(rows))
        if store is not None and self._run.precision is Precision.FULL:
            if is_tuned:
                return self._after_tail(store.forward(rows)[0])
            return self._read(store, rows, reading)
        return self._read(self._compile(), rows, reading)

    def _read(self, source: FeatureStore, rows: Indices, reading: Reading) -> NDArray[np.float32]:
        """Send images through the network in every view of a reading."""
        pooled = source.forward(rows)[1]
        if reading.views > 1:
            pooled = (pooled + source.forward(rows, is_mirrored=True)[1]) * np.float32(0.5)
        return pooled[:, -self._network.backbone.width_of(reading.num_levels) :]

    def _after_tail(self, activations: Activations) -> NDArray[np.float32]:
        return np.asarray(self._tail(np.asarray(activations, np.float32)))

    def _compile(self) -> FeatureStore:
        """Return a store whose pass goes through the trained network, in float32."""
        if self._exact is None:
            directory = features_directory(self._run, self._network.backbone) / "exact"
            self._exact = FeatureStore(
                self._network, self._images, directory, max_activation_bytes=0, halvings=self._run.halvings
            )
        return self._exact
