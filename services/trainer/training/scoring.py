"""The trained network put together, calibrated, and judged by the test split, without a second pass over the images."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from services.trainer.data.dataset import HeldOut, Images, Indices, LearningSet
from services.trainer.evaluation.evaluate import Evaluation, evaluate
from services.trainer.evaluation.metrics import Logits
from services.trainer.run.context import Run
from services.trainer.run.device import Precision
from services.trainer.screening.candidate import features_directory
from services.trainer.screening.features import FeatureStore
from services.trainer.tuning.tune import Trained
from services.trainer.zoo.network import Network, build, complete
from shared.job.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The trained network as it will be delivered, and what the test split said of it.

    Args:
        model: Raw pixels to calibrated probabilities.
        evaluation: See there.
    """

    model: keras.Model
    evaluation: Evaluation


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
    network = build(backbone, trained.weights) if trained.store is None else trained.store.network
    model = complete(network, trained.head, tail_weights=trained.tail_weights)

    def report(done: int, total: int) -> None:
        run.report(Progress(phase="evaluate", done=done, total=total, unit="images"))

    reader = Reader(network, trained, learning.images(backbone.input_px), run)
    evaluation = evaluate(learning, held_out, backbone.input_px, reader.logits, report)
    last = model.layers[-1]
    last.set_weights([values / evaluation.temperature for values in last.get_weights()])
    return Scored(model=model, evaluation=evaluation)


class Reader:
    """What the trained network says of images, by the cheapest way that gives what the delivered network gives.

    Validation images went through the trunk while networks were screened: what was kept of them is read. Test images go
    through the pass that was compiled then, or, where that computes in mixed precision or nothing is left of it,
    through one in float32 that is compiled now.

    Args:
        network: With the trained values in place.
        trained: What it was trained to.
        images: All images of the data set at its input size.
        run: See there.
    """

    def __init__(self, network: Network, trained: Trained, images: Images, run: Run) -> None:
        self._network = network
        self._trained = trained
        self._images = images
        self._run = run
        self._exact: FeatureStore | None = None
        self._tail = tf.function(
            lambda activations: network.tail(tf.cast(activations, tf.float32), training=False),
            input_signature=[tf.TensorSpec((None, *network.cut_shape), tf.float16)],
        )

    def logits(self, rows: Indices) -> Logits:
        """Return scores before the softmax, ``(num_images, num_classes) float32``; meant for a batch of images."""
        kept = self._kept(rows)
        store = kept or self._compile()
        store.compute(rows)
        features = np.asarray(store.features[rows])
        if kept is not None and self._trained.tail_weights is not None:
            features = np.asarray(self._tail(store.activations_of(rows)))
        return self._trained.head.logits(features)

    def _kept(self, rows: Indices) -> FeatureStore | None:
        """Return the store of screening where it serves for these images."""
        store = self._trained.store
        if store is None or (self._trained.tail_weights is not None and store.activations is None):
            return None
        return store if store.is_done(rows) or self._run.precision is Precision.FULL else None

    def _compile(self) -> FeatureStore:
        """Return a store whose pass goes through the trained network, in float32."""
        if self._exact is None:
            directory = features_directory(self._run, self._network.backbone) / "exact"
            self._exact = FeatureStore(
                self._network, self._images, directory, max_activation_bytes=0, halvings=self._run.halvings
            )
        return self._exact
