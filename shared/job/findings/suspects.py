"""Photographs that may lie in the wrong folder."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A photograph that looks unlike its class to heads that had not learnt from it.

    Args:
        path: In the archive.
        filed_as: The class of its folder.
        looks_like: The class that it is taken for.
        probability: Calibrated probability of that class.
        filed_probability: Of the class of its folder.
        thumbnail_jpeg_base64: A small picture of it; empty but for the first ones.
    """

    path: str
    filed_as: str
    looks_like: str
    probability: float
    filed_probability: float
    thumbnail_jpeg_base64: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Near-identical photographs that are filed under several classes.

    Args:
        paths: Of the photographs.
        classes: Of each of them.
    """

    paths: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspects:
    """What looks misfiled among training and validation photographs.

    Args:
        num_examined: Photographs that were examined.
        num_likely: So many are less like their class than chance explains; the first ones of ``listed``.
        listed: The most doubtful first: a tenth of all where some are likely, else a few.
        twins: Near-identical photographs under several classes; of very many the first.
        num_twins: How many such groups there are.
    """

    num_examined: int
    num_likely: int
    listed: tuple[Suspect, ...] = ()
    twins: tuple[Twins, ...] = ()
    num_twins: int = 0
