"""Whether mirror images are looked at, by what cross-validation found with and without them."""

import numpy as np
import pytest

from services.trainer.fitting.out_of_fold import OutOfFold
from services.trainer.tuning.mirror import decide
from shared.job.findings.training import CrossValidation


def answers(num_right, margin):
    """Of a hundred images so many are read rightly, by that margin; the others wrongly, by a little."""
    scores = np.where(np.arange(100) < num_right, margin, -0.1)
    logits = np.stack([scores, np.zeros(100)], axis=1).astype(np.float32)
    return OutOfFold(rows=np.arange(100), labels=np.zeros(100, np.int32), logits=logits, num_independent=100.0)


@pytest.mark.parametrize(("num_right", "margin", "is_used"), [(80, 2.0, True), (70, 5.0, False), (85, 0.5, False)])
def test_mirror_images_must_cost_neither_accuracy_nor_log_loss(num_right, margin, is_used):
    both = answers(num_right, margin)
    judged = CrossValidation(
        num_folds=5,
        num_images=100,
        num_independent=100.0,
        accuracy=num_right / 100,
        accuracy_error=0.04,
        log_loss=float(both.loss.mean()),
        log_loss_error=0.05,
        strength=1e-3,
        path=(),
    )
    mirroring = decide(answers(80, 1.0), both, judged)
    assert mirroring.is_used is is_used
    assert mirroring.accuracy_gain == pytest.approx((num_right - 80) / 100)


def test_what_is_known_of_an_image_out_of_fold_is_its_row_its_class_and_its_calibrated_probabilities():
    found = answers(80, 2.0)
    assert found.right.mean() == pytest.approx(0.8)
    assert found.probabilities().sum(axis=1) == pytest.approx(1.0)
    assert found.loss == pytest.approx(-np.log(found.probabilities()[:, 0]))
    assert found.probabilities(10.0).max() < found.probabilities().max()
