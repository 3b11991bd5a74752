"""What the operator of a trainer may choose."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from shared.settings import Settings, setting


@dataclass(frozen=True, kw_only=True)
class TrainerSettings(Settings):
    """Settings of the trainer and of its training process."""

    weights: Path | None = setting(
        None, help="Mirror of backbone weights: a folder with Keras's own weight files under their own names."
    )
    weights_cache_dir: Path | None = setting(
        None, help="Where downloaded weights are kept; Keras's own cache folder where none is given."
    )
    download: bool = setting(True, help="Whether weights missing from the mirror may be downloaded.")
    download_timeout_s: Annotated[float, Field(gt=0)] = setting(
        60.0, help="Longest time for downloading the weights of one backbone, in seconds."
    )
    scratch_dir: Path | None = setting(
        None, help="Folder for the decoded images of the job at work; `scratch` in the data folder by default."
    )
    threads: Annotated[int, Field(ge=0)] = setting(0, help="Threads that training may use; 0: one for every core.")
    warm_child: bool = setting(
        True, help="Whether a training process is started before there is a job, so that nobody waits for its imports."
    )
    lease_s: Annotated[float, Field(ge=1)] = setting(
        30.0, help="A worker not heard of for this many seconds is taken for dead and its job given to another."
    )
    poll_s: Annotated[float, Field(gt=0)] = setting(0.25, help="Pause between two looks for work, in seconds.")
    max_attempts: Annotated[int, Field(ge=1)] = setting(
        3, help="Times a job is taken up before it is given up, when its training process dies."
    )
    grace_s: Annotated[float, Field(gt=0)] = setting(
        120.0,
        help="Seconds for evaluating and exporting the best network once a job was cancelled or its budget is spent; "
        "then the training process is killed.",
    )

    @property
    def scratch(self) -> Path:
        """The folder for the decoded images of the job at work."""
        return self.scratch_dir or self.data_dir / "scratch"
