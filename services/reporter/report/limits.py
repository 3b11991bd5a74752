"""How much of a long result is shown: the mail stays below the size at which programs clip it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Most rows of what can be long.

    Args:
        num_classes: Rows of the table of classes.
        num_files: Quarantined files, and files of a fault.
        num_conflicts: Groups of identical pictures in several classes.
        num_networks: Candidates that were compared.
        has_folds: Whether what most readers skip can stand behind a line that opens it; else it is left to the page.
    """

    num_classes: int
    num_files: int
    num_conflicts: int
    num_networks: int
    has_folds: bool


# Gmail clips a message at 102 kB of HTML; a row of the table of classes takes 1.2 kB with its inlined style.
MAIL = Limits(num_classes=16, num_files=10, num_conflicts=5, num_networks=12, has_folds=False)
PAGE = Limits(num_classes=10_000, num_files=1_000, num_conflicts=500, num_networks=1_000, has_folds=True)
