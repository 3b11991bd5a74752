"""Identical pictures: one of each is kept, and none where they contradict one another."""

from collections.abc import Sequence

from shared.job.findings.photographs import LabelConflict


class Copies:
    """Finds identical pictures as they come, by a digest of how they look."""

    def __init__(self) -> None:
        self._row_of: dict[bytes, int] = {}
        self._others: dict[int, list[tuple[int, str]]] = {}

    def admit(self, digest: bytes, *, row: int, label: int, path: str) -> bool:
        """Tell whether a picture is new; if so it becomes ``row``."""
        first = self._row_of.setdefault(digest, row)
        if first == row:
            return True
        self._others.setdefault(first, []).append((label, path))
        return False

    def row_of(self, digest: bytes) -> int:
        """Return the row of a picture that was admitted before.

        Raises:
            KeyError: If there is none.
        """
        return self._row_of[digest]

    def settle(self, labels: Sequence[int], paths: Sequence[str]) -> tuple[int, tuple[LabelConflict, ...], list[int]]:
        """Count what was dropped, once all pictures have come.

        Args:
            labels: Of the rows.
            paths: Of the rows.

        Returns:
            The number of copies dropped, the conflicts by path, and the rows that conflicts take back, ascending.
        """
        conflicts = {
            row: LabelConflict(paths=(paths[row], *(path for _, path in others)))
            for row, others in sorted(self._others.items())
            if any(label != labels[row] for label, _ in others)
        }
        exact = sum(len(others) for row, others in self._others.items() if row not in conflicts)
        return exact, tuple(conflicts.values()), list(conflicts)
