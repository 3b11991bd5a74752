"""How fast this machine was with earlier jobs, kept in a file between them: measured over planned time, by phase."""

import json
import logging
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from shared.json_codec import from_json, to_json

logger = logging.getLogger(__name__)

LARGEST_FACTOR = 30.0
"""A phase is taken to last at most so many times its plan, or one part in so many of it: all else is an accident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was measured.

    Args:
        device: What trained, such as ``CPU (2 cores)``; what was measured on another says nothing.
        slowness: By phase: how many times as long it takes as planned; phases that are missing take as long.
        num_jobs: That it was measured on.
    """

    device: str = ""
    slowness: Mapping[str, float] = field(default_factory=dict)
    num_jobs: int = 0


def learnt(
    known: Calibration, device: str, planned_s: Mapping[str, float], spent_s: Mapping[str, float]
) -> Calibration:
    """Return what is known after one more job; the latest counts for half, so that a change shows soon.

    Args:
        known: Before it.
        device: What trained.
        planned_s: Seconds that its phases were planned to take by a machine as slow as ``known`` says.
        spent_s: Seconds that they took.
    """
    same = known if known.device == device else Calibration(device=device)
    slowness = dict(same.slowness)
    for phase, planned in planned_s.items():
        if planned > 0 and spent_s.get(phase, 0.0) > 0:
            before = known.slowness.get(phase, 1.0)  # what the plan was made with
            factor = min(LARGEST_FACTOR, max(1 / LARGEST_FACTOR, before * spent_s[phase] / planned))
            slowness[phase] = math.sqrt(factor * slowness[phase]) if phase in slowness else factor
    return Calibration(device=device, slowness=slowness, num_jobs=same.num_jobs + 1)


def read_calibration(path: Path) -> Calibration:
    """Return what is known of this machine; nothing where the file is missing or damaged."""
    try:
        found = from_json(Calibration, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Calibration()
    except (OSError, ValueError, ValidationError) as error:
        logger.warning("calibration ignored", extra={"reason": f"{type(error).__name__}: {error}"[:200]})
        return Calibration()
    usable = all(0 < factor < math.inf for factor in found.slowness.values())
    return found if usable else Calibration()


def keep_calibration(path: Path, calibration: Calibration) -> None:
    """Write what is known of this machine; where that fails, the next job is estimated as this one was."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(to_json(calibration), indent=1), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        logger.warning("calibration not kept", extra={"reason": str(error)})
