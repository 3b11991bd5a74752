"""A picture of the report: in the mail it is a part that ``cid:`` points at, on the page a data URI."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A finished picture.

    Args:
        name: Unique in the letter, letters, digits and ``-``; also the stem of its file name.
        alt: What it shows, for people who do not see it.
        subtype: ``png`` or ``jpeg``.
        data: The file; empty where the picture could not be drawn.
        dark: The same for a dark page; empty where there is none.
    """

    name: str
    alt: str
    subtype: str
    data: bytes
    dark: bytes = b""

    @property
    def is_drawn(self) -> bool:
        """Tell whether there is anything to be seen."""
        return bool(self.data)

    @property
    def content_id(self) -> str:
        """Identifier of its part in the mail, without angle brackets."""
        return f"{self.name}@convtailor"

    @property
    def cid_uri(self) -> str:
        """Address for the ``src`` of an image in the mail."""
        return f"cid:{self.content_id}"

    @property
    def data_uri(self) -> str:
        """Address for the ``src`` of an image on a page that stands alone."""
        return self._uri(self.data)

    @property
    def dark_uri(self) -> str:
        """The same of :attr:`dark`."""
        return self._uri(self.dark)

    def _uri(self, data: bytes) -> str:
        return f"data:image/{self.subtype};base64,{base64.b64encode(data).decode('ascii')}"


Figures = Mapping[str, Picture]
"""Pictures of one report by name."""

ACCURACY_BARS, CANDIDATE_ACCURACY, CANDIDATE_LOSS = "accuracy-bars", "candidate-accuracy", "candidate-loss"
STRENGTHS, TUNING, CONFUSION = "strengths", "tuning", "confusion"
CERTAINTY, GROWTH = "certainty", "growth"
MOST_MISTAKES = 8
MOST_SUSPECTS = 8


def heat_name(of: str) -> str:
    """Return the name of the picture that shows where the network looked in another."""
    return f"{of}-lit"


def hit_name(position: int) -> str:
    """Return the name of the thumbnail of a hit, counted from 0."""
    return f"hit-{position + 1}"


def class_focus_name(position: int) -> str:
    """Return the name of the mean picture of a class, counted from 0."""
    return f"class-{position + 1}"


def mistake_name(position: int) -> str:
    """Return the name of the thumbnail of a mistake, counted from 0."""
    return f"mistake-{position + 1}"


def suspect_name(position: int) -> str:
    """Return the name of the thumbnail of a photograph that may be misfiled, counted from 0."""
    return f"suspect-{position + 1}"
