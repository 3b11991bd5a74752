"""Teachers: ImageNet networks whose maps, standardised per channel, are what the student regresses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tools.pretrain.student import build_fused

QUARTER_STAGES = ("conv_pw_1_relu", "conv_pw_3_relu", "conv_pw_5_relu", "conv_pw_8_relu", "conv_pw_11_relu")
LAST_STAGE = "conv_pw_13_relu"
LEAST_SPREAD = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One map that a teacher shows and the student's layer that answers it."""

    teacher_layer: str
    student_layer: str
    num_channels: int


class Teacher:
    """A frozen network, the stages asked of it, and the scale of its answers.

    Args:
        network: With ImageNet weights; takes -1 to 1.
        pairs: Its layers and the student's layers that answer them, shallow to deep.
        share: Part of each batch that is put to this teacher, 0 to 1; a dear teacher is asked less.
    """

    def __init__(self, network: keras.Model, pairs: Sequence[tuple[str, str]], *, share: float = 1.0) -> None:
        outputs = [network.get_layer(teacher_layer).output for teacher_layer, _ in pairs]
        self.stages = [
            Stage(teacher_layer=ours, student_layer=theirs, num_channels=int(output.shape[-1]))
            for (ours, theirs), output in zip(pairs, outputs, strict=True)
        ]
        self._share = share
        self._network = keras.Model(network.input, outputs)
        self._network.trainable = False
        self._centres: list[Any] = []
        self._spreads: list[Any] = []
        self.pooled_variance: Any = 1.0

    def calibrate(self, batches: Iterable[Any]) -> None:
        """Measure each channel's mean and deviation over `batches` of pixels, so that all stages weigh the same."""
        shown = [[np.asarray(one) for one in self._answer(pixels)] for pixels in batches]
        maps = [np.concatenate(stage) for stage in zip(*shown, strict=True)]
        self._centres = [tf.constant(one.mean(axis=(0, 1, 2))) for one in maps]
        spreads = [np.maximum(one.std(axis=(0, 1, 2)), LEAST_SPREAD) for one in maps]
        self._spreads = [tf.constant(one) for one in spreads]
        pooled = maps[-1].mean(axis=(1, 2)) / spreads[-1]
        self.pooled_variance = tf.constant(np.maximum(pooled.var(axis=0), LEAST_SPREAD))

    def num_views(self, pixels: Any) -> int:
        """How many views of a batch are put to this teacher."""
        return max(1, round(self._share * int(pixels.shape[0])))

    def targets(self, pixels: Any) -> list[Any]:
        """Standardised maps of `pixels`, one per stage, each `(num_views, height, width, channels) float32`."""
        triples = zip(self._answer(pixels), self._centres, self._spreads, strict=True)
        return [(one - centre) / spread for one, centre, spread in triples]

    def _answer(self, pixels: Any) -> list[Any]:
        answer = self._network(pixels, training=False)
        return list(answer) if isinstance(answer, (list, tuple)) else [answer]


def quarter_teacher(weights: Path, size_px: int) -> Teacher:
    """MobileNet of a quarter width: the same strides as the student, so that it can teach every stage."""
    network = build_fused(size_px, width=0.25, weights=str(weights))
    return Teacher(network, [(name, name) for name in (*QUARTER_STAGES, LAST_STAGE)])


def second_teacher(weights: Path, size_px: int, *, share: float) -> Teacher:
    """MobileNetV2: stronger and dearer, so that it teaches the last map only, on a share of the views."""
    shape = (size_px, size_px, 3)
    network = keras.applications.MobileNetV2(include_top=False, weights=str(weights), input_shape=shape)
    return Teacher(network, [("out_relu", LAST_STAGE)], share=share)
