"""The scratch folder of a job on the local disk, one below it for every claim."""

import contextlib
import shutil
from pathlib import Path
from urllib.parse import quote

from shared.ports.object_store import ObjectStore

CHUNK_BYTES = 16 * 2**20
"""Read at a time: whole archives may be larger than memory."""


def open_workspace(scratch_dir: Path, job_id: str, fence: int) -> Path:
    """Return the folder of a claim, which takes over what the newest earlier claim left on this machine.

    A worker that lost its claim may still write into what it has open; so nothing is shared, only moved.
    """
    home = scratch_dir / job_id
    own = home / str(fence)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    earlier = sorted((path for path in home.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    if earlier and not own.exists():
        with contextlib.suppress(OSError):  # gone, or held open on a system that does not move what is open
            earlier.pop().rename(own)
    for path in earlier:
        if path != own:
            shutil.rmtree(path, ignore_errors=True)
    own.mkdir(exist_ok=True)
    return own


def forget_workspace(scratch_dir: Path, job_id: str) -> None:
    """Remove all that was kept for a job."""
    shutil.rmtree(scratch_dir / job_id, ignore_errors=True)


def fetch_archive(objects: ObjectStore, key: str, *, generation: str, directory: Path) -> Path:
    """Copy an archive to the local disk, piece by piece; one that is there already is used.

    Args:
        objects: Where it lies.
        key: Its key.
        generation: Its version.
        directory: Where to.

    Raises:
        NotFound: If it is gone, or was replaced by another version.
        Transient: If the store did not answer.
    """
    path = directory / f"archive-{quote(generation, safe='')}.zip"
    if path.exists():
        return path
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        while data := objects.read(key, file.tell(), file.tell() + CHUNK_BYTES, generation=generation):
            file.write(data)
    return part.rename(path)
