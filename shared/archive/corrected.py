"""An archive's classes as a person corrected them; the archive itself stays as it was sent. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from shared.archive.entry import Entry
from shared.archive.rules import ArchivePlan


def corrected_plan(plan: ArchivePlan, moves: Mapping[str, str | None]) -> ArchivePlan:
    """Return what is to be read, every photograph in the class that the person named.

    Args:
        plan: As the folders say.
        moves: The class that a photograph shows, by path; ``None``: it is left out. Of what is not in the plan nothing
            becomes of.
    """
    if not moves:
        return plan
    classes: dict[str, list[Entry]] = {name: [] for name in plan.classes}
    for name, entries in plan.classes.items():
        for entry in entries:
            target = moves.get(entry.path, name)
            if target is not None:
                classes.setdefault(target, []).append(entry)
    return replace(plan, classes={name: tuple(sorted(classes[name], key=_by_path)) for name in sorted(classes)})


def _by_path(entry: Entry) -> tuple[tuple[str, ...], str]:
    return entry.folders, entry.path
