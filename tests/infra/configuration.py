"""The Terraform configuration as plain dictionaries, and what refers to what in it."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hcl2

_KIND = r"google_\w+|time_sleep|random_password|var|local"
_REFERENCE = re.compile(rf"(?<![\w.-])(?:(data|ephemeral)\.)?({_KIND})\.([a-z_0-9]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Every block of a folder, by its address: ``google_pubsub_topic.live``, ``var.prefix``, ``local.topics`` …"""

    blocks: dict[str, dict[str, Any]]
    files: dict[str, str]

    def of_type(self, type_: str) -> dict[str, dict[str, Any]]:
        """Return name → body of the resources of a type."""
        return {address.split(".")[1]: body for address, body in self.blocks.items() if address.startswith(f"{type_}.")}

    def local(self, name: str) -> Any:
        return self.blocks[f"local.{name}"]["value"]

    def references(self, address: str) -> set[str]:
        """Return the addresses that a block refers to."""
        return {found for text in texts(self.blocks[address]) for found in _found(text)}


@cache
def read(folder: Path) -> Configuration:
    """Read a folder, once for all who ask and change nothing; an address that is given twice is a fault.

    Raises:
        ValueError: If there is one.
    """
    blocks, files = {}, {}
    for path in sorted(folder.glob("*.tf")):
        with path.open(encoding="utf-8") as source:
            tree = _clean(hcl2.load(source))
        for address, body in _addresses(tree):
            if address in blocks:
                raise ValueError(f"{address} stands in {files[address]} and in {path.name}")
            blocks[address], files[address] = body, path.name
    return Configuration(blocks=blocks, files=files)


def texts(value: Any) -> list[str]:
    """Return every text of a value, keys included."""
    if isinstance(value, dict):
        return [text for key, each in value.items() for text in (key, *texts(each))]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) else []


def _addresses(tree: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for kind, prefix in (("resource", ""), ("data", "data."), ("ephemeral", "ephemeral.")):
        for entry in tree.get(kind, []):
            found += [
                (f"{prefix}{type_}.{name}", body) for type_, named in entry.items() for name, body in named.items()
            ]
    for kind, prefix in (("variable", "var"), ("output", "output"), ("check", "check"), ("provider", "provider")):
        found += [(f"{prefix}.{name}", body) for entry in tree.get(kind, []) for name, body in entry.items()]
    for entry in tree.get("locals", []):
        found += [(f"local.{name}", {"value": value}) for name, value in entry.items()]
    return found


def _found(text: str) -> list[str]:
    """Return the addresses in a text; one without interpolation refers to nothing."""
    matches = _REFERENCE.findall(text) if "${" in text else []
    return [".".join(part for part in match if part) for match in matches]


def _clean(value: Any) -> Any:
    """Drop the parser's own entries and the quotation marks that it keeps."""
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"')
    return value
