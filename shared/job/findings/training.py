"""How candidates trained, were judged and the winner was improved."""

from dataclasses import dataclass

from shared.job.job import TrialState
from shared.job.options import TuneSearch


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
class Foretold:
    """What a candidate promised on a sample, before anything was fitted to its end; the last one of a race.

    Args:
        num_images: In the sample.
        accuracy: Share of these that are taken for what they are by what the others teach.
        log_me: LogME of its features: the higher, the more of the classes a linear model explains.
        h_score: Regularised H-score of its features: how far the means of the classes are apart.
        sfda: SFDA of its features: the logarithm of the probability given to the right class, on average.
        p2l: P2L of its features, adapted to one source set: how near their means are to those over the images that the
            network was pre-trained on, at most 0; none where its normalisation does not remember these.
    """

    num_images: int
    accuracy: float
    log_me: float
    h_score: float
    sfda: float
    p2l: float | None = None


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
        foretold: What it promised on a sample; none of a combination.
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
    foretold: Foretold | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """A recipe of fine-tuning.

    Args:
        learning_rate: Peak rate of Adam; falls along a cosine.
        batch_size: Images per step.
        weight_decay: Decoupled decay (AdamW).
        label_smoothing: 0 to 1.
        dropout: Before the last layer, 0 to 1.
        depth: Share of the last block's layers that learn, counted from its end; 0: the last layer alone.
        every_level: Whether the last layer reads all stages; else the features alone.
        mirrored: Whether mirror images are learnt from and looked at too.
    """

    learning_rate: float
    batch_size: int
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    dropout: float = 0.0
    depth: float = 1.0
    every_level: bool = False
    mirrored: bool = False


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
class Choice:
    """How sure the choice of the winner is.

    Args:
        num_tried: Heads that were compared in all: every strength of everything that each candidate's head may read.
        optimism: By how much the winner's cross-validated accuracy is thought to be too high because it is the best of
            so many; estimated by a bootstrap over the photographs.
        runner_up: The best of the others, on the same photographs; none where there was one candidate.
        winner_only: Photographs that only the winner reads rightly, by heads that had not learnt from them; of
            near-duplicates one.
        runner_up_only: Photographs that only the other one reads rightly.
        p_value: Of McNemar's exact test, two-sided: how probable such a difference is by chance.
        num_sampled: Photographs of the sample that both were compared on, where the other one left the race; none where
            it was on all.
    """

    num_tried: int
    optimism: float
    runner_up: str | None = None
    winner_only: int | None = None
    runner_up_only: int | None = None
    p_value: float | None = None
    num_sampled: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfrozenDepth:
    """Fine-tuning of the winner from one layer on, as far as it was carried.

    Args:
        cut_after: The last layer that stayed as it was.
        num_stages: Stages after it, which learnt.
        epochs: That it trained; few where a first short attempt promised nothing.
        seconds: It took.
        accuracy_gain: On the validation split, over the network whose last layer alone learnt from the same images;
            ``None`` where no epoch ended.
        accuracy_gain_error: Standard error of the gain, image by image.
        log_loss_gain: How much lower its log loss is.
        log_loss_gain_error: Likewise.
    """

    cut_after: str
    num_stages: int
    epochs: int
    seconds: float
    accuracy_gain: float | None = None
    accuracy_gain_error: float | None = None
    log_loss_gain: float | None = None
    log_loss_gain_error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfreezing:
    """Whether the winner was fine-tuned below its fitted last layer, and why or why not.

    Args:
        is_used: Whether it is delivered so.
        reason: In a sentence.
        depths: Those that were tried.
    """

    is_used: bool
    reason: str
    depths: tuple[UnfrozenDepth, ...] = ()


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
        drawn_from: Of how many photographs the sample was drawn that decided against it already, where it gained no
            more than two standard errors of the log loss; ``None`` where all were asked.
    """

    is_used: bool
    judged: CrossValidation
    accuracy_gain: float
    accuracy_gain_error: float
    log_loss_gain: float
    log_loss_gain_error: float
    drawn_from: int | None = None
