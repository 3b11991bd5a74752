"""What the student is asked for: the teachers' maps at every stage, and a little of the labels."""

from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from tools.pretrain.teacher import Stage, Teacher

UNLABELLED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveRecipe:
    """Weights of the parts of the loss.

    Attributes:
        early_weight: Of every stage but a teacher's last, at the start; it falls to `early_weight_end` with progress.
        early_weight_end: Of the same at the end.
        final_weight: Of each teacher's last map.
        pooled_weight: Of each teacher's last map averaged over places, the features that users of the network get.
        label_weight: Of the cross-entropy with the labels.
        label_smoothing: Share of each label spread over all classes, 0 to 1.
    """

    early_weight: float = 1.0
    early_weight_end: float = 0.2
    final_weight: float = 1.0
    pooled_weight: float = 1.0
    label_weight: float = 0.1
    label_smoothing: float = 0.1

    def early_weight_at(self, progress: float) -> float:
        """Weight of the stages before the last when the run is done by `progress`, 0 to 1."""
        return self.early_weight + (self.early_weight_end - self.early_weight) * progress


class Objective:
    """The student with a head per target, and the loss between heads and targets."""

    def __init__(
        self, student: keras.Model, teachers: list[Teacher], *, num_classes: int, recipe: ObjectiveRecipe
    ) -> None:
        self.teachers = teachers
        self.recipe = recipe
        self._num_classes = num_classes
        pooled = keras.layers.GlobalAveragePooling2D()(student.output)
        heads = [[_projection(student, stage) for stage in teacher.stages] for teacher in teachers]
        classifier = keras.layers.Dense(num_classes, name="classifier")(pooled)
        self.model = keras.Model(student.input, {"maps": heads, "logits": classifier})

    def loss(self, pixels: Any, labels: Any, early_weight: Any) -> dict[str, Any]:
        """Loss of one batch and its parts, all scalars.

        Args:
            pixels: `(num_views, size_px, size_px, 3) float32`, -1 to 1.
            labels: `(num_views,) int32`, -1 where there is none.
            early_weight: Scalar weight of the stages before the last.

        Returns:
            `loss`, which is to be minimised, and its unweighted parts `early`, `final`, `pooled` and `label`.
        """
        answers = self.model(pixels, training=True)
        parts = {"early": 0.0, "final": 0.0, "pooled": 0.0, "label": self._label_loss(answers["logits"], labels)}
        for teacher, maps in zip(self.teachers, answers["maps"], strict=True):
            num_views = teacher.num_views(pixels)
            targets = teacher.targets(pixels[:num_views])
            asked = [one[:num_views] for one in maps]
            early = [_squared(one, target) for one, target in zip(asked[:-1], targets[:-1], strict=True)]
            parts["early"] += tf.add_n(early) / len(early) if early else 0.0
            parts["final"] += _squared(asked[-1], targets[-1])
            parts["pooled"] += _pooled_squared(asked[-1], targets[-1], teacher.pooled_variance)
        recipe = self.recipe
        parts["loss"] = (
            early_weight * parts["early"]
            + recipe.final_weight * parts["final"]
            + recipe.pooled_weight * parts["pooled"]
            + recipe.label_weight * parts["label"]
        )
        return parts

    def _label_loss(self, logits: Any, labels: Any) -> Any:
        known = tf.cast(labels != UNLABELLED, tf.float32)
        wanted = tf.one_hot(labels, self._num_classes)
        losses = keras.losses.categorical_crossentropy(
            wanted, logits, from_logits=True, label_smoothing=self.recipe.label_smoothing
        )
        return tf.reduce_sum(losses * known) / tf.maximum(tf.reduce_sum(known), 1.0)


def _projection(student: keras.Model, stage: Stage) -> Any:
    return keras.layers.Conv2D(stage.num_channels, 1)(student.get_layer(stage.student_layer).output)


def _squared(answer: Any, target: Any) -> Any:
    return tf.reduce_mean(tf.math.squared_difference(answer, target))


def _pooled_squared(answer: Any, target: Any, variance: Any) -> Any:
    difference = tf.reduce_mean(answer, axis=(1, 2)) - tf.reduce_mean(target, axis=(1, 2))
    return tf.reduce_mean(tf.square(difference) / variance)
