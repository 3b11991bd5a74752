"""The data folder of the embedded back-ends, closed to other users, what an older version left open included."""

import logging
import os
import stat
from fnmatch import fnmatchcase
from pathlib import Path

_OPEN = stat.S_IRWXG | stat.S_IRWXO
_OURS = (
    "*.sqlite3*",
    "calibration.json*",
    "incoming",
    "link.secret*",
    "logs",
    "objects",
    "outbox",
    "ready.json",
    ".ready.json.*",
    "scratch",
    "sessions",
    "url.secret*",
)
"""What services put into it; a person may keep other things there, which are theirs to open or close."""
_log = logging.getLogger(__name__)


def make_private(folder: Path) -> None:
    """Make the folder if it is missing, and close it and all that is ours in it to other users.

    What others left in it stays as it is, and then so does the folder itself, since they may want to get there.

    Raises:
        OSError: If it cannot be made or read.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    entries = list(folder.iterdir())
    ours = [path for path in entries if is_ours(path.name)]
    for path in ours:
        if _is_open(path):
            for parent, folders, files in os.walk(path):
                for name in (*folders, *files):
                    _close(Path(parent, name))
            _close(path)  # last: who was interrupted here starts anew
    if len(ours) == len(entries):
        _close(folder)


def is_ours(name: str) -> bool:
    """Tell whether an entry of the data folder is one that services put there."""
    return any(fnmatchcase(name, pattern) for pattern in _OURS)


def _is_open(path: Path) -> bool:
    try:
        return bool(path.lstat().st_mode & _OPEN) and not path.is_symlink()
    except FileNotFoundError:  # of a process that starts beside us
        return False


def _close(path: Path) -> None:
    """Close a file or folder to other users, if it is open and ours to close."""
    if not _is_open(path):
        return
    try:
        path.chmod(path.stat().st_mode & ~_OPEN)
    except FileNotFoundError:
        return
    except PermissionError:
        _log.warning("%s is open to other users of this machine and not ours to close", path)
