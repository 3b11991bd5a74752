"""What the test said: of all classes, of each, of photographs as they were uploaded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """One class on the test split.

    Args:
        name: Of the class.
        precision: Share of images taken for it that are of it.
        recall: Share of its images that were taken for it.
        f1: Their harmonic mean.
        num_images: Test images of it.
        num_independent: As in :class:`TestScores`.
        cross_validated: Share of its training and validation images that were taken for it by heads which had not
            learnt from them; ``None`` where there was no cross-validation.
        num_cross_validated: How many these are.
    """

    name: str
    precision: float
    recall: float
    f1: float
    num_images: int
    num_independent: float | None = None
    cross_validated: float | None = None
    num_cross_validated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A test image that was read wrongly with high confidence.

    Args:
        path: In the archive.
        actual: The class of its folder.
        predicted: The class the network chose.
        confidence: Calibrated probability of the chosen class.
        thumbnail_jpeg_base64: A small picture of it.
        heat_jpeg_base64: The same, lit up where it speaks for the chosen class; empty where that was not computed.
    """

    path: str
    actual: str
    predicted: str
    confidence: float
    thumbnail_jpeg_base64: str
    heat_jpeg_base64: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How far confidence may be trusted.

    Args:
        temperature: Divides the logits; fitted on images of the training and validation split by heads that had not
            learnt from them, and part of the exported network.
        error_before: Expected calibration error on the test split at temperature 1.
        error_after: The same with the temperature.
    """

    temperature: float
    error_before: float
    error_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TestScores:
    """The one reading of the test split.

    Args:
        accuracy: Share of images read rightly.
        interval: 95 % Wilson score interval of the accuracy, low and high, counted on ``num_independent``.
        num_images: Images in the split.
        balanced_accuracy: Mean recall of the classes.
        macro_f1: Mean F1 of the classes.
        per_class: In the order of ``classes``.
        confusion_matrix: Rows are actual, columns predicted classes; counts.
        calibration: See there.
        mistakes: The most confident ones first.
        num_independent: How many photographs without copies say as much as these: the square of their number over the
            sum of the squares of the sizes of their groups of near-duplicates. With ``group_by``, what is kept
            together counts for less too, by how much of it is right or wrong together. Older results do not know.
    """

    __test__ = False

    accuracy: float
    interval: tuple[float, float]
    num_images: int
    balanced_accuracy: float
    macro_f1: float
    per_class: tuple[ClassScore, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]
    calibration: Calibration
    mistakes: tuple[Mistake, ...] = ()
    num_independent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedScores:
    """The delivered file on test images as they were uploaded: at their own sizes, read as ``predict.py`` reads them.

    Args:
        num_images: All of the test split up to 1,000, else a sample with every class in proportion; fewer where time
            was short.
        accuracy: Share of these that the delivered file reads rightly.
        test_accuracy: Share of these that were read rightly in the test.
        num_right_in_test_only: Images read rightly in the test and wrongly by the delivered file.
        num_right_as_uploaded_only: The other way round.
        p_value: Of McNemar's exact test, two-sided: how probable such a difference is by chance. Near-duplicates count
            once.
    """

    num_images: int
    accuracy: float
    test_accuracy: float
    num_right_in_test_only: int
    num_right_as_uploaded_only: int
    p_value: float
