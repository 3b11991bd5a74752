"""``result.json``: the one document that tells everything about a finished training.

The trainer writes it, the reporter draws it, programs read it; ``docs/result.schema.json`` is generated from it.
Accuracies and fractions are between 0 and 1, durations in seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.job.job import TrialState
from shared.job.options import TuneSearch


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Images in each split, after quarantine and duplicates.

    Args:
        train: To learn from.
        validation: To choose with.
        test: To test with.
        validation_independent: What the validation split counts for where it holds copies; see
            :attr:`TestScores.num_independent`.
    """

    train: int
    validation: int
    test: int
    validation_independent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A file that was left out, by its path in the archive, with a stable code, the reason and what mends it."""

    path: str
    code: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelConflict:
    """The same picture filed under several classes; none of the copies was used."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedClass:
    """A class that is mostly near-duplicates of one picture, or whose near-duplicates had to be torn apart.

    Args:
        name: Of the class.
        num_images: Of it, in all parts of the split.
        largest_group: So many of these are near-duplicates of one another.
        num_straddling: So many have near-duplicates in another part of the split, since all else would have left a
            class without a test.
        num_test_straddling: The same among its test images: of these the network has learnt, or been chosen by, others
            that hardly differ.
    """

    name: str
    num_images: int
    largest_group: int
    num_straddling: int
    num_test_straddling: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """What the search for copies found.

    Args:
        exact: Copies dropped because an identical picture of the same class was kept.
        near_groups: Groups of near-duplicates; a group straddles the split only in the classes of ``repeated``.
        conflicts: Identical pictures in several classes; of very many the first.
        num_conflicts: How many there are; older results list all of them.
        num_near: Images in these groups; older results do not know.
        mixed_groups: Groups of near-duplicates with images of several classes; they are learnt from only.
        examples: A few groups, by some of their paths.
        repeated: Classes that are mostly one picture or straddle the split.
    """

    exact: int
    near_groups: int
    conflicts: tuple[LabelConflict, ...] = ()
    num_conflicts: int | None = None
    num_near: int | None = None
    mixed_groups: int | None = None
    examples: tuple[tuple[str, ...], ...] = ()
    repeated: tuple[RepeatedClass, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Curves, one value per epoch, of the training and the validation split."""

    accuracy: tuple[float, ...] = ()
    loss: tuple[float, ...] = ()
    val_accuracy: tuple[float, ...] = ()
    val_loss: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PathStep:
    """One strength of regularisation: how heads fitted with it did on images that they had not learnt from.

    Args:
        strength: Of the ridge penalty, on inputs scaled so that an image's squares add up to 1.
        accuracy: Share of images read rightly.
        log_loss: Mean negative logarithm of the probability given to the right class.
    """

    strength: float
    accuracy: float
    log_loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidation:
    """How a head was judged: training and validation images in folds, each judged by what the others taught.

    Args:
        num_folds: Groups of copies never straddle them.
        num_images: Training and validation together.
        num_independent: What they count for where near-duplicates among them are recognised or mistaken together.
        accuracy: Share of images read rightly.
        accuracy_error: Its standard error.
        log_loss: Mean negative logarithm of the probability given to the right class.
        log_loss_error: Its standard error.
        strength: Of regularisation, as chosen.
        path: Every strength that was tried, strong to weak.
    """

    num_folds: int
    num_images: int
    num_independent: float
    accuracy: float
    accuracy_error: float
    log_loss: float
    log_loss_error: float
    strength: float
    path: tuple[PathStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateResult:
    """One backbone in screening.

    Args:
        name: Its name in the catalogue.
        state: How its trial ended.
        skipped_because: Why it was skipped or failed, and how to mend it.
        train_accuracy: Of images that its head learnt from; at the best epoch.
        val_accuracy: Of images that its head did not learn from: of the validation split at the best epoch, or
            cross-validated.
        best_epoch: Counted from 1; none where its head was fitted to its end.
        history: Curves of its head, where it learnt by epochs.
        seconds: Features and head together.
        parameters: Of backbone and head.
        levels: Layers whose pooled outputs its head reads, from the earliest to the last.
        cross_validation: How its head was judged, where it was fitted to its end.
    """

    name: str
    state: TrialState
    skipped_because: str | None = None
    train_accuracy: float | None = None
    val_accuracy: float | None = None
    best_epoch: int | None = None
    history: History = History()
    seconds: float = 0.0
    parameters: int | None = None
    levels: tuple[str, ...] = ()
    cross_validation: CrossValidation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """A recipe of fine-tuning.

    Args:
        learning_rate: Peak rate of Adam; falls along a cosine.
        batch_size: Images per step.
        weight_decay: Decoupled decay (AdamW).
        label_smoothing: 0 to 1.
        dropout: Before the last layer, 0 to 1.
    """

    learning_rate: float
    batch_size: int
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    dropout: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedRecipe:
    """One recipe of fine-tuning as tried."""

    hyperparameters: Hyperparameters
    val_accuracy: float
    epochs: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Fine-tuning of the winner's last block.

    Args:
        search: How recipes were proposed.
        hyperparameters: The best recipe.
        history: Its curves.
        train_accuracy: At the best iteration.
        val_accuracy: At the best iteration.
        best_epoch: Counted from 1; 0 where no epoch beat the screened head, which then stays.
        trials: Every recipe tried.
    """

    search: TuneSearch
    hyperparameters: Hyperparameters
    history: History
    train_accuracy: float
    val_accuracy: float
    best_epoch: int
    trials: tuple[TunedRecipe, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirroring:
    """Whether the network looks at the mirror image of each photograph too, decided by cross-validation.

    Args:
        is_used: Whether it does; it does unless the log loss is higher with it, or accuracy lower by more than the
            standard error.
        judged: The head that reads the mean over both.
        accuracy_gain: Of that head over the one that reads the photograph alone.
        accuracy_gain_error: Standard error of the gain, image by image.
        log_loss_gain: How much lower its log loss is.
        log_loss_gain_error: Likewise.
    """

    is_used: bool
    judged: CrossValidation
    accuracy_gain: float
    accuracy_gain_error: float
    log_loss_gain: float
    log_loss_gain_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """One class on the test split; ``num_independent`` as in :class:`TestScores`."""

    name: str
    precision: float
    recall: float
    f1: float
    num_images: int
    num_independent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A test image that was read wrongly with high confidence.

    Args:
        path: In the archive.
        actual: The class of its folder.
        predicted: The class the network chose.
        confidence: Calibrated probability of the chosen class.
        thumbnail_jpeg_base64: A small picture of it.
    """

    path: str
    actual: str
    predicted: str
    confidence: float
    thumbnail_jpeg_base64: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How far confidence may be trusted.

    Args:
        temperature: Divides the logits; fitted on the validation split and part of the exported network.
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
            sum of the squares of the sizes of their groups of near-duplicates. Older results do not know.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatResult:
    """The network in one more format, opened again by its own runtime in a process of its own.

    Args:
        file: Its name.
        left_out_because: Why it was not delivered; ``None`` where it was. What was found of it stands beside.
        runtime: What ran it, such as ``onnxruntime 1.32.0``.
        size_bytes: Of the file.
        kept_gap: Largest difference of a probability from what was evaluated, on a few test images.
        picture_gap: The same from ``model.keras``, on pictures that either reads and resizes itself.
        num_images: Test images that it was tried on: all up to 1,000, fewer where time was short.
        accuracy: Share of these that it reads rightly.
        test_accuracy: Share of these that were read rightly in the test.
        num_otherwise: Images of these that it takes for another class than the network did in the test.
        image_s: Seconds for an image, at the median, while other formats were tried beside.
        seconds: To write it.
    """

    file: str
    left_out_because: str | None = None
    runtime: str | None = None
    size_bytes: int = 0
    kept_gap: float | None = None
    picture_gap: float | None = None
    num_images: int = 0
    accuracy: float | None = None
    test_accuracy: float | None = None
    num_otherwise: int = 0
    image_s: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSize:
    """The delivered network.

    Args:
        total_parameters: All numbers it holds.
        trainable_parameters: Those that fine-tuning may change: from the cut on.
        non_trainable_parameters: The rest.
        summary: As Keras prints it.
        input_px: Side of the square the network resizes every image to.
        cut_layer: First layer that was fine-tuned.
        weights_licence: Of the pre-trained weights that it grew from, as an SPDX identifier; older results have none.
        oldest_keras: Version of Keras from which on its Keras files load.
    """

    total_parameters: int
    trainable_parameters: int
    non_trainable_parameters: int
    summary: str
    input_px: int
    cut_layer: str
    weights_licence: str | None = None
    oldest_keras: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds each step took, ``formats`` within ``export``; ``total``: from taking the job up to its last artefact."""

    prepare: float
    screen: float
    tune: float
    evaluate: float
    export: float
    total: float
    formats: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """What decided the data of a run: results of one key compare networks on the same photographs.

    Args:
        key: Digest of all that decides which photographs are used and how they are split.
        archive_sha256: Digest of the zip, as ``sha256sum`` prints it.
        data_version: Of decoding, of the search for copies, and of splitting.
        split_sha256: Digest of which file of the zip served for what.
    """

    key: str
    archive_sha256: str
    data_version: str
    split_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """How the folders of the archive were understood, where something else may have been meant.

    Args:
        code: Stable identifier, such as ``folders_inside_classes``.
        message: What was found, and what was made of it.
        fix: What to do if something else was meant.
    """

    code: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDays:
    """For how many days after the end of the job the service keeps what it has of it.

    Args:
        artefacts: Networks, result, report and the address of the person.
        archive: The photographs; 0: they are deleted when the job ends.
    """

    artefacts: float
    archive: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything that one training found; see the module."""

    job_id: str
    seed: int
    classes: tuple[str, ...]
    counts: Counts
    quarantined: tuple[Quarantined, ...]
    duplicates: Duplicates
    winner: str
    candidates: tuple[CandidateResult, ...]
    tuning: Tuning | None
    test: TestScores
    model: ModelSize
    timings_s: Timings
    device: str
    stopped_because: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    run: RunIdentity | None = None
    as_uploaded: UploadedScores | None = None
    remarks: tuple[Remark, ...] = ()
    mirroring: Mirroring | None = None
    num_quarantined: int | None = None
    kept_days: KeptDays | None = None
    formats: tuple[FormatResult, ...] = ()

    @property
    def num_left_out(self) -> int:
        """Files that were left out; ``quarantined`` names some of each reason where there are very many."""
        return len(self.quarantined) if self.num_quarantined is None else self.num_quarantined

    @property
    def num_conflicts(self) -> int:
        """Pictures that stand in several classes; ``duplicates.conflicts`` names the first of them."""
        told = self.duplicates.num_conflicts
        return len(self.duplicates.conflicts) if told is None else told
