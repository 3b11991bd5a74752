"""Peak memory of looking at archives that were made to fill it: a million entries at intake, a bomb in the trainer."""

import json
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure

NUM_ENTRIES = 1_000_000
MOST_ALLOWED = 250_000
MOST_INTAKE_MB = 160
"""An intake of 1 GiB looks at two tables of contents at a time, besides what it serves."""
MOST_ALLOWED_MB = 320
MOST_BOMB_MB = 64
_BOMB_BYTES = 2**30
_CLAIMED_BYTES = 10_000


def measure(scratch: Path) -> list[Figure]:
    """Look at each archive in a process of its own and tell what it took at its peak."""
    honest, lying, allowed, bomb = (scratch / f"{name}.zip" for name in ("honest", "lying", "allowed", "bomb"))
    _write_many(honest, NUM_ENTRIES, claimed=None)
    _write_many(lying, NUM_ENTRIES, claimed=3)
    _write_many(allowed, MOST_ALLOWED, claimed=None)
    _write_bomb(bomb)
    told, lied, most, read = (_peak("plan", honest), _peak("plan", lying), _peak("plan", allowed), _peak("read", bomb))
    note = (
        f"{told['peak_mb']:.0f} MB where the zip says so ({told['outcome']}), {lied['peak_mb']:.0f} MB where it says 3 "
        f"({lied['outcome']}); the file has {honest.stat().st_size / 1e6:.0f} MB"
    )
    return [
        Figure(name=f"peak memory of intake, {NUM_ENTRIES:,} entries", measured=max(told["peak_mb"], lied["peak_mb"]),
               unit="MB", at_most=MOST_INTAKE_MB, note=note),
        Figure(name=f"peak memory of intake, {MOST_ALLOWED:,} entries, the most allowed", measured=most["peak_mb"],
               unit="MB", at_most=MOST_ALLOWED_MB, note=f"{most['outcome']} in {most['seconds']:.1f} s"),
        Figure(name="peak memory of reading a bomb", measured=read["peak_mb"], unit="MB", at_most=MOST_BOMB_MB,
               note=f"{_BOMB_BYTES:,} bytes in {bomb.stat().st_size:,} that claim to be {_CLAIMED_BYTES:,}: "
               f"{read['outcome']}; the interpreter with what it imports is part of it"),
    ]  # fmt: skip


def _write_many(path: Path, count: int, *, claimed: int | None) -> None:
    """Write a zip of tiny entries in a hundred classes.

    Args:
        path: Where to.
        count: How many there are.
        claimed: How many it says there are; the truth unless given.
    """
    names = [b"%02d/%07d" % (number % 100, number) for number in range(count)]
    local = [
        struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 33, zlib.crc32(b"x"), 1, 1, len(name), 0) + name + b"x"
        for name in names
    ]
    offset, table = 0, []
    for name, data in zip(names, local, strict=True):
        sizes = (zlib.crc32(b"x"), 1, 1, len(name), 0, 0, 0, 0, 0, offset)
        table.append(struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 788, 20, 0, 0, 0, 33, *sizes) + name)
        offset += len(data)
    size_bytes, said = sum(map(len, table)), count if claimed is None else claimed
    wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 788, 45, 0, 0, said, said, size_bytes, offset)
    wide += struct.pack("<4sLQL", b"PK\x06\x07", 0, offset + size_bytes, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(b"".join([*local, *table, wide, end]))


def _write_bomb(path: Path) -> None:
    """Write a zip whose one entry unpacks to a hundred thousand times what it claims."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(_BOMB_BYTES // 2**20)) + packer.flush()
    name = b"cats/1.jpg"
    sizes = (0, len(packed), _CLAIMED_BYTES, len(name))
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 33, *sizes, 0) + name + packed
    table = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 788, 20, 0, 8, 0, 33, *sizes, 0, 0, 0, 0, 0, 0) + name
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(table), len(local), 0)
    path.write_bytes(local + table + end)


def _peak(how: str, archive: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.archive_bounds", how, str(archive)]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return told


def _plan(archive: Path) -> str:
    """Do what intake does with an archive in its store."""
    from services.intake.events.archive_index import read_plan
    from shared.adapters.embedded.folder_object_store import FolderObjectStore
    from shared.adapters.embedded.signed_url import UrlSigner
    from shared.errors import UserFault
    from shared.layout import archive_key

    store = FolderObjectStore(archive.parent / "store", signer=UrlSigner(b"secret", public_url="http://intake"))
    with archive.open("rb") as file:
        store.put(archive_key(archive.stem), file, content_type="application/zip")
    try:
        plan = read_plan(store, archive_key(archive.stem))
    except UserFault as refusal:
        return refusal.fault.code
    return f"{plan.num_images:,} images in {plan.num_classes} classes"


def _read(archive: Path) -> str:
    """Do what the trainer does with an entry, whatever the rules say of it."""
    from shared.archive.zip_format.content import ContentReader, DamagedContent
    from shared.archive.zip_format.directory import read_directory

    with archive.open("rb") as file:
        [record] = read_directory(file).records
        try:
            return f"{len(ContentReader(file).read(record)):,} bytes"
        except DamagedContent as reason:
            return str(reason)


def main(how: str, archive: Path) -> None:
    """Look at one archive and print what came of it, and the peak of this process."""
    started = time.perf_counter()
    outcome = {"plan": _plan, "read": _read}[how](archive)
    seconds = time.perf_counter() - started
    json.dump({"outcome": outcome, "seconds": seconds, "peak_mb": _peak_kib() * 1024 / 1e6}, sys.stdout)


def _peak_kib() -> int:
    """Return the peak of this program; what the system's usage of resources tells counts that of its starter too."""
    [line] = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
