"""What other users of a machine could get at."""

import stat
from pathlib import Path


def open_to_others(top: Path) -> set[str]:
    """Return what under a folder, itself included, others could read, list or change; links lead elsewhere."""
    found = [path for path in (top, *top.rglob("*")) if not path.is_symlink()]
    return {str(path.relative_to(top)) for path in found if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)}
