"""What the operator of a trainer may choose."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.layout import CACHE_FOLDER, CALIBRATION_FILE_NAME, OTHER_FORMATS, Artefact
from shared.settings import Settings, setting

NO_FORMAT = "none"
_ALL_FORMATS = ",".join(OTHER_FORMATS)


def _known_formats(text: str) -> str:
    """Return a list of formats without blanks and repetitions.

    Raises:
        ValueError: If it names what is none.
    """
    names = list(dict.fromkeys(name for each in text.split(",") if (name := each.strip())))
    unknown = [repr(name) for name in names if name not in OTHER_FORMATS]
    if names in ([], [NO_FORMAT]):
        return NO_FORMAT
    if unknown:
        raise ValueError(
            f"{', '.join(unknown)} cannot be listed; name some of {_ALL_FORMATS}, with commas between, or {NO_FORMAT} "
            "alone"
        )
    return ",".join(names)


@dataclass(frozen=True, kw_only=True)
class TrainerSettings(Settings):
    """Settings of the trainer and of its training process."""

    weights: str | None = setting(
        None,
        help="Mirror of backbone weights: a folder, or `gs://bucket/prefix`, with Keras's own weight files under their "
        "own names.",
    )
    weights_cache_dir: Path | None = setting(
        None, help="Where downloaded weights, a bucket's too, are kept; Keras's own cache folder where none is given."
    )
    download: bool = setting(True, help="Whether weights missing from the mirror may be downloaded.")
    download_timeout_s: Annotated[float, Field(gt=0)] = setting(
        60.0, help="Longest time for downloading the weights that a job needs, in seconds."
    )
    scratch_dir: Path | None = setting(
        None, help="Folder for the decoded images of the job at work; `scratch` in the data folder by default."
    )
    wait_for_disk: bool = setting(
        True,
        help="Whether a job waits for room that something else takes of the disk; without it, such a job ends at once "
        "and says how much it lacks, as with `convtailor run`.",
    )
    gpu: Annotated[int, Field(ge=0)] | None = setting(
        None,
        help="The one GPU that training may see, as `nvidia-smi` counts; start one trainer per GPU, each with its own "
        "number. None: the first of those that CUDA_VISIBLE_DEVICES leaves.",
    )
    require_gpu: bool = setting(
        False,
        help="Whether to take no job without a usable GPU; the trainer then ends with exit code 69 and says what to "
        "do.",
    )
    mixed_precision: bool = setting(
        True, help="Whether networks learn in float16 on GPUs with tensor cores; they are delivered in float32 always."
    )
    machine_type: str | None = setting(
        None, help="Type of this machine, as `CONVTAILOR_PRICE_PER_HOUR` names it, where that has a price for each."
    )
    calibration_file: Path | None = setting(
        None,
        help="Where it is kept how fast this machine was with earlier jobs, which decides what the next is estimated "
        "to take; by default in the user's folder for caches.",
    )
    threads: Annotated[int, Field(ge=0)] = setting(0, help="Threads that training may use; 0: one for every core.")
    formats: Annotated[str, AfterValidator(_known_formats)] = setting(
        _ALL_FORMATS,
        help="Formats in which networks are delivered beside `model.h5` and `model.keras`, in the order in which they "
        f"are written, with commas between; `{NO_FORMAT}`: in no other. Each takes a few seconds of a job, and more of "
        "a large network.",
    )
    warm_child: bool = setting(
        True, help="Whether a training process is started before there is a job, so that nobody waits for its imports."
    )
    trainer_lease_s: Annotated[float, Field(ge=1)] = setting(
        30.0,
        fallback="CONVTAILOR_LEASE_S",
        help="A worker not heard of for this many seconds is taken for dead and its job given to another. Without "
        "it, `CONVTAILOR_LEASE_S` counts, its name before.",
    )
    poll_s: Annotated[float, Field(gt=0)] = setting(0.25, help="Pause between two looks for work, in seconds.")
    max_attempts: Annotated[int, Field(ge=1)] = setting(
        3,
        help="Times a job is taken up before it is given up, when its training process dies; where a network was "
        "found, one more attempt only delivers it.",
    )
    idle_exit_s: Annotated[float, Field(ge=0)] = setting(
        0.0,
        help="Seconds without a job after which the trainer ends with exit code 0, so that its machine can be given "
        "back; 0: never.",
    )
    metadata_url: str = setting(
        "http://metadata.google.internal",
        help="Metadata server that announces the end of a spot machine; asked with the back-end `gcp` only.",
    )

    @property
    def wanted_formats(self) -> tuple[Artefact, ...]:
        """In which a network is delivered beside Keras's own, in the order in which they are written."""
        names = [] if self.formats == NO_FORMAT else self.formats.split(",")
        return tuple(OTHER_FORMATS[name] for name in names)

    @property
    def scratch(self) -> Path:
        """The folder for the decoded images of the job at work."""
        return self.scratch_dir or self.data_dir / "scratch"

    @property
    def calibration(self) -> Path:
        """The file that says how fast this machine is."""
        if self.calibration_file is not None:
            return self.calibration_file
        try:
            caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        except RuntimeError:  # an account without a home, as in a container
            return self.data_dir / CALIBRATION_FILE_NAME
        return caches / CACHE_FOLDER / CALIBRATION_FILE_NAME

    @property
    def hourly_price(self) -> float | None:
        """What an hour of this machine costs; ``None`` where that is not known."""
        return self.price_of(self.machine_type)
