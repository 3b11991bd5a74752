"""What a person may choose about a job, with ranges; every fault in a choice is reported at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from shared.errors import Fault
from shared.job.candidates import AUTO, CANDIDATE_NAMES, CANDIDATE_PARAMETERS
from shared.json_codec import adapter
from shared.language.catalogue import Language


class TuneSearch(StrEnum):
    """How the hyper-parameters of fine-tuning are searched."""

    RECIPE = "recipe"
    """The default recipe alone."""
    RANDOM = "random"
    TPE = "tpe"
    """By a tree-structured Parzen estimator: near those that did better than the rest."""
    GENETIC = "genetic"
    """Bred from the better ones, by NSGA-II."""
    CULL = "cull"
    """Drawn at random; all train for one epoch, and a third of them goes on."""


class SplitChoice(StrEnum):
    """Who decides which photographs the network is tested with."""

    OWN = "own"
    """The person, where the archive is divided into train and test; else the product."""
    NEW = "new"
    """The product; parts of the archive are put together."""


class LevelChoice(StrEnum):
    """Which levels of a backbone the last layer of the network may read, pooled."""

    LAST = "last"
    """The features alone, by a head that learns by epochs, as in the founding paper."""
    ALL = "all"
    AUTO = "auto"
    """The last or all, whichever cross-validation favours."""
    SEARCHED = "searched"
    """The last, as long as networks are compared; then recipes of fine-tuning may read all, and mirror images."""

    @property
    def learns_by_epochs(self) -> bool:
        """Tell whether the last layer reads the features and learns by epochs, and the winner is fine-tuned."""
        return self in (LevelChoice.LAST, LevelChoice.SEARCHED)


def _split_names(value: object) -> object:
    """Let forms and command lines give candidates as one comma-separated string; capitals do not matter."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)):
        return value
    tidied = (name.strip().lower() if isinstance(name, str) else name for name in names)
    return tuple(name for name in tidied if name != "")


def _known_names(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in (AUTO, *CANDIDATE_NAMES)]
    if unknown:
        raise ValueError(f"unknown candidates {unknown}; choose {AUTO} or some of {', '.join(CANDIDATE_NAMES)}")
    if not names:
        raise ValueError(f"no candidate named; choose {AUTO} or some of {', '.join(CANDIDATE_NAMES)}")
    return tuple(dict.fromkeys(names))


Candidates = Annotated[tuple[str, ...], BeforeValidator(_split_names), AfterValidator(_known_names)]


MOST_BACKBONES = 3
"""That stand side by side in one network, at most."""
UNGROUPED, BY_FOLDER, BY_PREFIX, REGEX_MARK = "none", "folder", "prefix", "regex:"
_MAX_PATTERN, _MAX_OPEN_REPEATS, _MAX_WAYS = 200, 3, 10_000


def _known_rule(rule: str) -> str:
    if rule in (UNGROUPED, BY_FOLDER, BY_PREFIX):
        return rule
    pattern = rule.removeprefix(REGEX_MARK)
    if pattern == rule or not pattern:
        raise ValueError(f"received {rule!r}; choose {UNGROUPED}, {BY_FOLDER}, {BY_PREFIX}, or {REGEX_MARK}PATTERN")
    if len(pattern) > _MAX_PATTERN:
        raise ValueError(f"the pattern has {len(pattern)} characters, at most {_MAX_PATTERN} are allowed")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is no regular expression of Python: {error}") from error
    # What is repeated within a repetition, or many times over, takes for ever on some paths.
    if re.search(r"[*+}]\)*[*+{]|\\\d", pattern) or len(re.findall(r"[*+]|,\}", pattern)) > _MAX_OPEN_REPEATS:
        raise ValueError(_told_to_be_slow(pattern))
    return rule


def _told_to_be_slow(pattern: str) -> str:
    return (
        f"{pattern!r} may take for ever: repeat nothing that repeats, use no back-references, and at most "
        f"{_MAX_OPEN_REPEATS} times * or +"
    )


def _has_many_ways(pattern: str) -> bool:
    """Tell whether a search may try more ways through a path than there is time for, such as ``(a|a)+b``.

    Asked of requests alone: jobs of earlier versions, which did not ask, have to be read all the same.
    """
    if "(?P=" in pattern:
        return True
    bare = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "x", pattern, flags=re.DOTALL)
    bare = re.sub(r"\(\?(?:P<\w+>|<?[=!]|>|[a-zA-Z-]*:)", "(", bare)
    ways = 1
    while group := re.search(r"\(([^()]*)\)([*+{]?)", bare):
        body, repeat = group.groups()
        if repeat and re.search(r"[|?*+\0]|\{\d*,", body):
            return True
        ways *= body.count("|") + 1
        bare = bare[: group.start()] + body.replace("|", "\0") + bare[group.end(1) + 1 :]
    for low, high in re.findall(r"\{(\d*),(\d+)\}", bare):
        ways *= int(high) - int(low or 0) + 1
    return ways << bare.count("?") > _MAX_WAYS


_OF_FINE_TUNING = ("tune_epochs", "tune_trials", "tune_search")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """The choices of one job.

    Args:
        candidates: Names of backbones to screen, or ``auto``: all whose weights can be had, within the budget.
        max_backbones: Backbones that the network may hold side by side, 1 to 3: the best two or three are tried
            together after all candidates, and taken where they are clearly better. Not with ``levels`` = ``last``.
        exhaustive: Whether every candidate gets the whole data set; else those leave early that have hardly a chance,
            judged on samples.
        max_parameters: Of the network without its last layer, at most: larger candidates and combinations take no part.
        max_ms_per_image: Milliseconds that an image may take on its way through the network, in batches on the machine
            that trains; slower candidates, combinations and mirror images are left out once that is measured.
        levels: What each candidate's head reads: ``last``: the network's features; it then learns by epochs, and the
            winner's last block is fine-tuned. ``all``: the pooled outputs of every stage too; it is then fitted to its
            end with its strength of regularisation chosen by cross-validation. ``auto``: the better of the two.
            ``searched``: as ``last``, but recipes of fine-tuning may then read every stage, and mirror images.
            Unless named, it is ``auto``; ``searched`` where ``tune_search`` is given and is not ``recipe``; ``last``
            where another option of fine-tuning is.
        views: Of each photograph at most, 1 or 2: the second is its mirror image, which the delivered network then
            looks at as well, unless cross-validation says that this harms. Not with ``last``.
        epochs: Epochs that a head trains where it learns by epochs, 1 to 1,000.
        tune_epochs: Epochs of fine-tuning the winner at most, 0 (no fine-tuning) to 1,000.
        tune_trials: Recipes of hyper-parameters tried in fine-tuning, 1 to 100; the first is the default recipe.
        tune_search: How the further recipes are proposed.
        budget_minutes: Hard cap on the whole training, in minutes, up to a day.
        max_cost: Hard cap on what the whole training costs, in the currency of the operator's price for an hour; the
            same as a budget of so many minutes, of which the smaller counts.
        seed: Seed of the split, of initialisation and of shuffling.
        group_by: What stays together on one side of the split, whatever its class: ``folder``, the folders inside a
            class folder, such as a site or an animal; ``prefix``, what file names have before the first space, ``_``,
            ``-`` or dot; ``regex:PATTERN``, what the pattern's first group, or all of it, finds in the path; ``none``:
            near-identical photographs alone.
        split: ``own``: an archive that is divided into parts such as ``train``, ``val`` and ``test`` is used as it is;
            ``new``: its parts are put together and divided anew.
        keep_photos_days: Days after the end for which the photographs are kept, so that they can be corrected and
            trained on again without being sent anew, up to what the operator allows; 0: as the service has it, which
            by default deletes them at the end.
        language: That report, mails and the card in ``model.zip`` are written in: ``en``, ``de`` or ``fr``. Where it is
            not named, a request's ``Accept-Language`` decides.
        min_image_px: Images with a side shorter than this, in pixels, are quarantined.
        max_image_px: Images with a side longer than this, in pixels, are quarantined; big JPEGs by the size at which
            they are decoded.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    candidates: Candidates = (AUTO,)
    max_backbones: Annotated[int, Field(ge=1, le=MOST_BACKBONES)] = MOST_BACKBONES
    exhaustive: bool = False
    max_parameters: Annotated[int, Field(ge=1, le=10**12)] | None = None
    max_ms_per_image: Annotated[float, Field(gt=0, le=1e6)] | None = None
    levels: LevelChoice = LevelChoice.AUTO
    views: Annotated[int, Field(ge=1, le=2)] = 2
    epochs: Annotated[int, Field(ge=1, le=1000)] = 20
    tune_epochs: Annotated[int, Field(ge=0, le=1000)] = 10
    tune_trials: Annotated[int, Field(ge=1, le=100)] = 3
    tune_search: TuneSearch = TuneSearch.GENETIC
    budget_minutes: Annotated[float, Field(gt=0, le=1440)] = 60.0
    max_cost: Annotated[float, Field(gt=0, le=1e6)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    group_by: Annotated[str, AfterValidator(_known_rule)] = UNGROUPED
    split: SplitChoice = SplitChoice.OWN
    keep_photos_days: Annotated[float, Field(ge=0, le=365)] = 0.0
    language: Language = Language.ENGLISH
    min_image_px: Annotated[int, Field(ge=2, le=4096)] = 8
    max_image_px: Annotated[int, Field(ge=32, le=20000)] = 12000

    @property
    def is_mixed(self) -> bool:
        """Tell whether parts of an archive are put together, whatever they are called."""
        return self.split is SplitChoice.NEW

    def minutes_at(self, price_per_hour: float | None) -> float:
        """Return the minutes that training may take where an hour costs so much: the smaller of both caps.

        Args:
            price_per_hour: ``None`` where it is not known; a cap on the cost then cannot be kept, and none counts.
        """
        if self.max_cost is None or price_per_hour is None:
            return self.budget_minutes
        return min(self.budget_minutes, 60 * self.max_cost / price_per_hour)


def parse_options(
    document: Mapping[str, Any], *, is_priced: bool = True
) -> tuple[JobOptions | None, tuple[Fault, ...]]:
    """Read options from a request; numbers may come as strings, as forms send them.

    Args:
        document: The options that were given, by name.
        is_priced: Whether it is known what an hour of training costs.

    Returns:
        The options and no faults, or ``None`` and every fault found, one per field.
    """
    try:
        options = adapter(JobOptions).validate_python(_with_levels(document))
    except ValidationError as error:
        return None, tuple(_fault(entry) for entry in error.errors())
    faults = [
        *([_nothing_fits(options)] if options.min_image_px > options.max_image_px else []),
        *([_none_is_so_small(options)] if _is_none_so_small(options) else []),
        *([_slow_rule(options.group_by)] if _has_many_ways(options.group_by) else []),
        *([_no_price(options.max_cost)] if options.max_cost is not None and not is_priced else []),
    ]
    return (None, tuple(faults)) if faults else (options, ())


def _is_none_so_small(options: JobOptions) -> bool:
    return options.max_parameters is not None and _smallest(options)[1] > options.max_parameters


def _smallest(options: JobOptions) -> tuple[str, int]:
    """Return the smallest of the candidates that are asked for, with its parameters."""
    names = CANDIDATE_NAMES if AUTO in options.candidates else options.candidates
    return min(((name, CANDIDATE_PARAMETERS[name]) for name in names), key=lambda pair: pair[1])


def _none_is_so_small(options: JobOptions) -> Fault:
    name, parameters = _smallest(options)
    return Fault(
        code="invalid_option",
        message=f"Option 'max_parameters': received {options.max_parameters:,}; the smallest of the candidates, {name},"
        f" has {parameters:,}.",
        fix=f"Make 'max_parameters' {parameters:,} or more, or name smaller candidates.",
        details={"field": "max_parameters"},
    )


def _with_levels(document: Mapping[str, Any]) -> dict[str, Any]:
    """Let an option of fine-tuning mean that there is some, which there is below a head of the features alone."""
    asks = any(name in document for name in _OF_FINE_TUNING) and str(document.get("tune_epochs")) != "0"
    searches = "tune_search" in document and document["tune_search"] != TuneSearch.RECIPE
    return {"levels": LevelChoice.SEARCHED if searches else LevelChoice.LAST, **document} if asks else dict(document)


def _nothing_fits(options: JobOptions) -> Fault:
    return Fault(
        code="invalid_option",
        message=f"Option 'min_image_px': received {options.min_image_px}, more than max_image_px,"
        f" {options.max_image_px}: no image could satisfy both.",
        fix="Make 'min_image_px' smaller or 'max_image_px' larger and send again.",
        details={"field": "min_image_px"},
    )


def _slow_rule(rule: str) -> Fault:
    return _invalid_option("group_by", rule, _told_to_be_slow(rule.removeprefix(REGEX_MARK)))


def _no_price(max_cost: float) -> Fault:
    return Fault(
        code="invalid_option",
        message=f"Option 'max_cost': received {max_cost:g}, but this service does not know what an hour costs.",
        fix="Leave 'max_cost' out and cap the time by 'budget_minutes', or have the operator set "
        "CONVTAILOR_PRICE_PER_HOUR.",
        details={"field": "max_cost"},
    )


def _fault(entry: ErrorDetails) -> Fault:
    name = str(entry["loc"][0])
    if entry["type"] == "unexpected_keyword_argument":
        known = ", ".join(JobOptions.__dataclass_fields__)
        return Fault(
            code="unknown_option",
            message=f"There is no option {name!r}.",
            fix=f"Use one of: {known}.",
            details={"field": name},
        )
    return _invalid_option(name, entry["input"], entry["msg"].removeprefix("Value error, "))


def _invalid_option(name: str, received: object, reason: str) -> Fault:
    return Fault(
        code="invalid_option",
        message=f"Option {name!r}: received {repr(received)[:80]}. {reason[:1].upper()}{reason[1:]}.",
        fix=f"Correct {name!r} and send again.",
        details={"field": name},
    )
