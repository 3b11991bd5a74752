"""Result documents of any shape for tests, drawn from a seeded generator so that they look like real trainings.

``python -m tests.result_fixture`` rewrites ``tests/unit/golden/result.json``.
"""

import base64
import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from shared.job.candidates import CANDIDATE_NAMES
from shared.job.findings.focus import ClassFocus, Focus, Hit
from shared.job.findings.network import FormatResult, ModelSize
from shared.job.findings.photographs import ClassFiles, Counts, Duplicates, LabelConflict, Quarantined
from shared.job.findings.scores import Calibration, ClassScore, Mistake, TestScores, UploadedScores
from shared.job.findings.training import (
    CandidateResult,
    Choice,
    CrossValidation,
    History,
    Hyperparameters,
    Mirroring,
    PathStep,
    TunedRecipe,
    Tuning,
    UnfrozenDepth,
)
from shared.job.job import TrialState
from shared.job.options import TuneSearch
from shared.job.progress import Spending
from shared.job.result import Bill, KeptDays, Result, RunIdentity, Timings
from shared.json_codec import to_json
from tests.analysis_fixture import certainty, growth, suspects

GOLDEN = Path(__file__).parent / "unit" / "golden" / "result.json"
UNFROZEN_DEPTH = UnfrozenDepth(
    cut_after="block_12_add",
    num_stages=2,
    epochs=2,
    seconds=12.0,
    accuracy_gain=-0.011,
    accuracy_gain_error=0.009,
    log_loss_gain=-0.021,
    log_loss_gain_error=0.01,
)
CLOTHES = ("dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt", "t-shirt")
_FAMILIES = ("mobilenet", "efficientnet_lite")
NAMES = ("mobilenet_v2", "mobilenet", *(name for name in CANDIDATE_NAMES if not name.startswith(_FAMILIES)))
NAMES += tuple(name for name in CANDIDATE_NAMES if name.startswith("efficientnet_lite"))


def history(rng: np.random.Generator, num_epochs: int, best: float) -> History:
    """Return curves that rise and flatten."""
    epochs = np.arange(num_epochs)
    rise = 1 - np.exp(-(epochs + 1) / max(1, num_epochs / 4))
    accuracy = np.clip((best + 0.06) * rise + rng.normal(0, 0.006, num_epochs), 0.05, 1)
    val_accuracy = np.clip(best * rise + rng.normal(0, 0.012, num_epochs), 0.05, best)
    val_accuracy[max(0, num_epochs - 3)] = best
    return History(
        accuracy=tuple(accuracy.round(4).tolist()),
        loss=tuple((2.2 * (1.1 - accuracy)).round(4).tolist()),
        val_accuracy=tuple(val_accuracy.round(4).tolist()),
        val_loss=tuple((2.3 * (1.12 - val_accuracy)).round(4).tolist()),
    )


def thumbnail(hue: int) -> str:
    """Return a small JPEG, base64."""
    image = Image.new("RGB", (96, 96), (236, 233, 226))
    draw = ImageDraw.Draw(image)
    draw.ellipse((14 + hue % 20, 18, 78, 86 - hue % 17), fill=(90 + hue * 3 % 120, 110, 160 - hue * 2 % 90))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=70)
    return base64.b64encode(stream.getvalue()).decode()


def confusion(rng: np.random.Generator, num_classes: int, per_class: int, skill: float) -> np.ndarray:
    """Return counts with every class mostly on the diagonal and mistakes mostly on one neighbour."""
    matrix = np.zeros((num_classes, num_classes), dtype=int)
    for actual in range(num_classes):
        num_images = per_class + int(rng.integers(-per_class // 4, per_class // 4 + 1))
        right = int(rng.binomial(num_images, min(0.99, skill + rng.normal(0, 0.05))))
        matrix[actual, actual] = right
        for _ in range(num_images - right):
            other = (actual + 1) % num_classes if rng.random() < 0.6 else int(rng.integers(num_classes))
            matrix[actual, other if other != actual else (actual + 1) % num_classes] += 1
    return matrix


def scores(classes: tuple[str, ...], matrix: np.ndarray, mistakes: tuple[Mistake, ...] = ()) -> TestScores:
    """Score a confusion matrix."""
    diagonal, actual, predicted = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    recall = diagonal / np.maximum(actual, 1)
    precision = diagonal / np.maximum(predicted, 1)
    f1 = 2 * recall * precision / np.maximum(recall + precision, 1e-9)
    num_images, accuracy = int(matrix.sum()), float(diagonal.sum() / matrix.sum())
    centre = (accuracy + 1.92 / num_images) / (1 + 3.84 / num_images)
    half = 1.96 * np.sqrt(accuracy * (1 - accuracy) / num_images + 0.96 / num_images**2) / (1 + 3.84 / num_images)
    return TestScores(
        accuracy=accuracy,
        interval=(float(max(0, centre - half)), float(min(1, centre + half))),
        num_images=num_images,
        balanced_accuracy=float(recall.mean()),
        macro_f1=float(f1.mean()),
        per_class=tuple(
            ClassScore(
                name=name,
                precision=round(float(precision[i]), 4),
                recall=round(float(recall[i]), 4),
                f1=round(float(f1[i]), 4),
                num_images=int(actual[i]),
                num_independent=float(actual[i]),
            )
            for i, name in enumerate(classes)
        ),
        confusion_matrix=tuple(tuple(int(count) for count in row) for row in matrix),
        calibration=Calibration(temperature=1.31, error_before=0.071, error_after=0.034),
        mistakes=mistakes,
        num_independent=float(num_images),
    )


def cross_validated(result: Result, *, is_mirrored: bool = True) -> Result:
    """Return the same result as it would be with heads that were fitted to their end."""

    def judged(accuracy: float) -> CrossValidation:
        steps = tuple(
            PathStep(
                strength=10.0**-power, accuracy=accuracy - 0.02 * abs(power - 4), log_loss=0.4 + (power - 4) ** 2 / 9
            )
            for power in range(2, 7)
        )
        num_images = result.counts.train + result.counts.validation
        return CrossValidation(
            num_folds=5,
            num_images=num_images,
            num_independent=float(num_images),
            accuracy=accuracy,
            accuracy_error=0.013,
            log_loss=0.4,
            log_loss_error=0.03,
            strength=1e-4,
            path=steps,
        )

    candidates = tuple(
        replace(
            each,
            best_epoch=None,
            history=History(),
            levels=("block_2_add", "out_relu"),
            cross_validation=judged(each.val_accuracy),
        )
        if each.val_accuracy is not None
        else each
        for each in result.candidates
    )
    mirroring = Mirroring(
        is_used=is_mirrored,
        judged=judged(0.91),
        accuracy_gain=0.012 if is_mirrored else -0.03,
        accuracy_gain_error=0.006,
        log_loss_gain=0.02 if is_mirrored else -0.05,
        log_loss_gain_error=0.01,
    )
    choice = Choice(
        num_tried=34, optimism=0.012, runner_up="runner_up", winner_only=21, runner_up_only=12, p_value=0.163
    )
    per_class = tuple(
        replace(each, cross_validated=each.recall, num_cross_validated=5 * each.num_images)
        for each in result.test.per_class
    )
    test = replace(result.test, per_class=per_class)
    return replace(result, candidates=candidates, tuning=None, mirroring=mirroring, test=test, choice=choice)


def _files(name: str, per_class: int) -> ClassFiles:
    """Return which photographs of a class served for what, some of them by name."""
    paths = [f"photos/{name}/{number:03d}.jpg" for number in range(6)]
    return ClassFiles(
        name=name,
        test=tuple(paths[:3]),
        validation=(paths[3],),
        train=tuple(paths[4:]),
        num_more=max(0, 7 * per_class - len(paths)),
    )


def make_result(
    classes: tuple[str, ...] = CLOTHES,
    *,
    num_candidates: int = 4,
    num_epochs: int = 20,
    per_class: int = 12,
    skill: float = 0.88,
    job_id: str = "3q7mB0zJvYkWc2dLr8uT1A",
) -> Result:
    """Return a result with as many classes and candidates as asked for; the last candidate of several is skipped."""
    rng = np.random.default_rng(7)
    names = NAMES[:num_candidates]
    candidates = []
    for rank, name in enumerate(names):
        if rank and rank == len(names) - 1:
            candidates.append(
                CandidateResult(
                    name=name,
                    state=TrialState.SKIPPED,
                    skipped_because="Its weights cannot be had: the download did not answer within 3 s. "
                    "Put the file into the folder that CONVTAILOR_WEIGHTS names, or go online.",
                )
            )
            continue
        best = round(0.895 - 0.031 * rank, 4)
        candidates.append(
            CandidateResult(
                name=name,
                state=TrialState.DONE,
                train_accuracy=min(1.0, best + 0.05),
                val_accuracy=best,
                best_epoch=max(1, num_epochs - 3),
                history=history(rng, num_epochs, best),
                seconds=14.2 + 3 * rank,
                parameters=2_270_794 + 400_000 * rank,
            )
        )
    matrix = confusion(rng, len(classes), per_class, skill)
    wrong = [(a, p) for a in range(len(classes)) for p in range(len(classes)) if a != p and matrix[a, p]]
    mistakes = tuple(
        Mistake(
            path=f"photos/{classes[actual]}/IMG_{4203 + 7 * i}.JPG",
            actual=classes[actual],
            predicted=classes[predicted],
            confidence=round(0.97 - 0.035 * i, 3),
            thumbnail_jpeg_base64=thumbnail(11 * i),
            heat_jpeg_base64=thumbnail(11 * i + 3),
        )
        for i, (actual, predicted) in enumerate(wrong[:8])
    )
    recipe = Hyperparameters(learning_rate=3e-4, batch_size=64, weight_decay=1e-4, label_smoothing=0.05, dropout=0.2)
    test = scores(classes, matrix, mistakes)
    return Result(
        job_id=job_id,
        seed=0,
        classes=classes,
        counts=Counts(train=test.num_images * 5, validation=test.num_images + 1, test=test.num_images),
        quarantined=(
            Quarantined(
                path="photos/hat/broken.jpg",
                code="image_unreadable",
                reason="The file ends in the middle of the picture.",
                fix="Copy it again from the camera, or leave it out.",
            ),
            Quarantined(
                path="photos/shoes/notes.txt",
                code="not_an_image",
                reason="The content is text, not a picture.",
                fix="Nothing to do: it was left out.",
            ),
        ),
        num_quarantined=2,
        duplicates=Duplicates(
            exact=6,
            near_groups=3,
            conflicts=(LabelConflict(paths=("photos/shirt/12.jpg", "photos/t-shirt/98.jpg")),),
            num_conflicts=1,
            num_near=8,
            mixed_groups=1,
            examples=(("photos/skirt/7.jpg", "photos/dress/70.jpg"), ("photos/hat/31.jpg", "photos/hat/31 (1).jpg")),
        ),
        winner=names[0],
        candidates=tuple(candidates),
        tuning=Tuning(
            search=TuneSearch.GENETIC,
            hyperparameters=recipe,
            history=history(rng, 10, 0.914),
            train_accuracy=0.968,
            val_accuracy=0.914,
            best_epoch=8,
            trials=(
                TunedRecipe(
                    hyperparameters=Hyperparameters(learning_rate=1e-4, batch_size=64),
                    val_accuracy=0.902,
                    epochs=10,
                    seconds=21.0,
                ),
                TunedRecipe(hyperparameters=recipe, val_accuracy=0.914, epochs=10, seconds=22.4),
            ),
        ),
        test=test,
        model=ModelSize(
            total_parameters=2_270_794,
            trainable_parameters=1_125_130,
            non_trainable_parameters=1_145_664,
            summary=summary(),
            input_px=224,
            cut_layer="block_14_expand",
            oldest_keras="3.9",
            weights_licence="Apache-2.0",
        ),
        timings_s=Timings(prepare=6.1, screen=52.8, tune=43.4, evaluate=2.2, export=9.5, total=114.0),
        device="CPU (2 cores)",
        versions={"convtailor": "0.1.0", "keras": "3.8.0", "tensorflow": "2.18.0"},
        formats=(
            FormatResult(
                file="model.onnx",
                runtime="onnxruntime 1.32.0",
                size_bytes=13_700_000,
                kept_gap=2e-6,
                picture_gap=3e-6,
                num_images=120,
                accuracy=0.8333333333333334,
                test_accuracy=0.8333333333333334,
                image_s=0.012,
                seconds=0.6,
            ),
            FormatResult(
                file="model_float16.tflite",
                runtime="ai-edge-litert 2.3.0",
                size_bytes=6_900_000,
                kept_gap=0.002,
                picture_gap=0.003,
                num_images=120,
                accuracy=0.8166666666666667,
                test_accuracy=0.8333333333333334,
                num_otherwise=2,
                image_s=0.015,
                seconds=3.5,
                left_out_because="it has 81.7% right of 120 test images, where 83.3% are expected",
            ),
        ),
        as_uploaded=UploadedScores(
            num_images=test.num_images,
            accuracy=test.accuracy,
            test_accuracy=test.accuracy,
            num_right_in_test_only=1,
            num_right_as_uploaded_only=1,
            p_value=1.0,
        ),
        focus=Focus(
            hits=(
                Hit(
                    path=f"photos/{classes[0]}/IMG_1.JPG",
                    actual=classes[0],
                    confidence=0.99,
                    thumbnail_jpeg_base64=thumbnail(3),
                    heat_jpeg_base64=thumbnail(5),
                ),
            ),
            classes=tuple(
                ClassFocus(name=name, num_images=4, heat_jpeg_base64=thumbnail(7 * i))
                for i, name in enumerate(classes[:12])
            ),
        ),
        kept_days=KeptDays(artefacts=30.0, archive=0.0),
        bill=Bill(estimate=Spending(seconds=95.0, cost=0.0106), spent=Spending(seconds=114.0, cost=0.0127)),
        suspects=suspects(classes, thumbnail) if len(classes) > 1 else None,
        certainty=certainty(),
        growth=growth(classes),
        split=tuple(_files(name, per_class) for name in classes),
        run=RunIdentity(
            key=hashlib.sha256(b"key").hexdigest(),
            archive_sha256=hashlib.sha256(b"archive").hexdigest(),
            data_version="1.1.1",
            split_sha256=hashlib.sha256(b"split").hexdigest(),
        ),
    )


def summary(num_layers: int = 60) -> str:
    """Return text of the shape Keras prints."""
    lines = ['Model: "convtailor"', "┏" + "━" * 29 + "┳" + "━" * 24 + "┳" + "━" * 15 + "┓"]
    lines.append(f"┃ {'Layer (type)':<28}┃ {'Output Shape':<23}┃ {'Param #':>13} ┃")
    lines.append("┡" + "━" * 29 + "╇" + "━" * 24 + "╇" + "━" * 15 + "┩")
    lines += [
        f"│ {f'block_{i}_expand (Conv2D)':<28}│ {'(None, 28, 28, 96)':<23}│ {(i + 1) * 288:>13,} │"
        for i in range(num_layers)
    ]
    lines.append("└" + "─" * 29 + "┴" + "─" * 24 + "┴" + "─" * 15 + "┘")
    lines.append(" Total params: 2,270,794 (8.66 MB)")
    lines.append(" Trainable params: 1,125,130 (4.29 MB)")
    lines.append(" Non-trainable params: 1,145,664 (4.37 MB)")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text(json.dumps(to_json(make_result()), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
