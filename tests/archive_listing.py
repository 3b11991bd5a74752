"""Tables of contents made of nothing but names, and what becomes of them."""

import pytest

from shared.archive.rules import ArchivePlan, plan_archive
from shared.archive.zip_format.directory import Record
from shared.errors import Fault, UserFault


def files(*folders: str, ending: str = "jpg", count: int = 6, name: str = "") -> list[str]:
    """Return names of files in folders; the same names in each."""
    return [f"{folder}/{name}{number}.{ending}" for folder in folders for number in range(count)]


def records(names: list[str]) -> list[Record]:
    """Return a table of contents in which no two files have the same content."""
    return [
        Record(name, size_bytes=900, packed_bytes=900, offset=number * 1000, crc=number + 1)
        for number, name in enumerate(names)
    ]


def plan(*names: str) -> ArchivePlan:
    """Return what is read from an archive of these files."""
    return plan_archive(records(list(names)))


def fault(*names: str) -> Fault:
    """Return why an archive of these files is refused."""
    with pytest.raises(UserFault) as caught:
        plan(*names)
    return caught.value.fault


def copied(names: list[str], onto: list[str]) -> list[Record]:
    """Return a table in which the second files are copies of the first ones."""
    made = records([*names, *onto])
    for number, original in enumerate(made[: len(names)]):
        made[len(names) + number] = made[len(names) + number]._replace(crc=original.crc)
    return made
