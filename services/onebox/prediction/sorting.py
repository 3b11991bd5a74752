"""Pictures put into one folder per class, copied or moved; nothing is ever overwritten."""

import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from services.client.fault import UsageFault

_NO_FOLDER = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]")
_MAX_CHARACTERS = 100


class Sorter:
    """Puts pictures into the folders of their classes.

    Args:
        folder: Holds the folders of the classes; made where it is missing.
        classes: Names, one folder each; what no system allows in a name is replaced.
        is_moving: Move instead of copying.

    Raises:
        UsageFault: ``cannot_write``, if nothing can be written there.
    """

    def __init__(self, folder: Path, classes: Iterable[str], *, is_moving: bool) -> None:
        self._folder = folder
        self._folders = folder_names(classes)
        self._is_moving = is_moving
        probe = folder / f".{os.getpid()}.part"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise UsageFault(
                "cannot_write",
                f"Nothing can be written into {folder}: {error.strerror or error}.",
                fix="Name another folder, or change its rights.",
                details={"path": str(folder)},
            ) from error

    def put(self, picture: Path, name: str) -> Path:
        """Put a picture into the folder of a class; where its name is taken there, it is numbered.

        Args:
            picture: Where it lies.
            name: Of the class, or of any other heap.

        Returns:
            Where it lies now.

        Raises:
            OSError: If it cannot be read or written.
        """
        folder = self._folder / self._folders.get(name, folder_name(name))
        folder.mkdir(exist_ok=True)
        part = folder / f".{os.getpid()}.part"
        try:
            shutil.copy2(picture, part)
            place = _take_place(folder, picture.name, part)
        finally:
            part.unlink(missing_ok=True)
        if self._is_moving:
            picture.unlink()
        return place


def _take_place(folder: Path, name: str, part: Path) -> Path:
    """Give a whole file the first free name; whoever writes at the same time loses nothing."""
    stem, ending = Path(name).stem, Path(name).suffix
    number = 1
    while True:
        place = folder / (name if number == 1 else f"{stem}-{number}{ending}")
        try:
            os.link(part, place)
        except FileExistsError:
            number += 1
        except OSError:  # a file system without links
            if not place.exists():
                part.replace(place)
                return place
            number += 1
        else:
            return place


def folder_names(classes: Iterable[str]) -> dict[str, str]:
    """Return the folder of every class, no two alike, on systems that tell no capitals from small letters either."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for each in classes:
        name = folder_name(each)
        number = 2
        while name.casefold() in taken:
            name = f"{folder_name(each)}-{number}"
            number += 1
        taken.add(name.casefold())
        found[each] = name
    return found


def folder_name(name: str) -> str:
    """Return a name that is one folder's, on every system, and leads nowhere else."""
    plain = _NO_FOLDER.sub("_", name)[:_MAX_CHARACTERS].strip(" .")
    with suppress(UnicodeEncodeError):
        plain.encode()
        return plain or "_"
    return plain.encode(errors="replace").decode() or "_"
