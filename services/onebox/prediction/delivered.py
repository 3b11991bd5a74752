"""Which network of a delivery to use, and what it says of itself: a file, a folder of results, or ``model.zip``."""

import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.client.fault import UsageFault
from shared.layout import FILE_NAMES, MODEL_DOCUMENT, Artefact

_LABELS = FILE_NAMES[Artefact.LABELS]
_STRANGERS = FILE_NAMES[Artefact.STRANGERS]
_NETWORKS = tuple(
    FILE_NAMES[artefact]
    for artefact in (
        Artefact.MODEL_ONNX,
        Artefact.MODEL_TFLITE,
        Artefact.MODEL_TFLITE_FLOAT16,
        Artefact.MODEL_KERAS,
        Artefact.MODEL_H5,
        Artefact.MODEL_COREML,
    )
)
"""The quickest first, and last what runs on Macs alone."""
_ENDINGS = (".onnx", ".tflite", ".keras", ".h5", ".hdf5", ".zip")
_MAX_UNPACKED_BYTES = 4 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A network that can be asked.

    Args:
        networks: Its files, the quickest first; the first whose packages are installed is taken.
        labels: One class a line, in the order of the outputs.
        classes: The same.
        strangers: What tells pictures unlike all that it learnt from; ``None`` where there is nothing.
        unsure_below: Probability below which its delivery advises to answer nothing; ``None`` where it says nothing.
        set_above: Probability from which on a class belongs to the answer set; ``None`` where it says nothing.
    """

    networks: tuple[Path, ...]
    labels: Path
    classes: tuple[str, ...]
    strangers: Path | None = None
    unsure_below: float | None = None
    set_above: float | None = None


def find_network(model: Path, scratch: Path) -> Delivered:
    """Return the network that a person means.

    Args:
        model: A network's file, the folder that it was delivered into, or ``model.zip``.
        scratch: An empty folder, into which a zip is unpacked.

    Raises:
        UsageFault: ``model_not_found``, ``model_unreadable`` or ``labels_not_found``.
    """
    if model.is_dir():
        packed = model / FILE_NAMES[Artefact.MODEL_ZIP]
        if not packed.is_file() or any((model / name).is_file() for name in _NETWORKS):
            return _in_folder(model, model)
        model = packed
    if model.suffix.lower() == ".zip" and model.is_file() and model.name != FILE_NAMES[Artefact.MODEL_COREML]:
        _unpack(model, scratch)
        return _in_folder(scratch, model)
    if not model.is_file():
        raise UsageFault(
            "model_not_found",
            f"There is no file {model}.",
            fix="Name the folder, model.zip or network that `convtailor run` or `fetch` left.",
            details={"path": str(model)},
        )
    if model.suffix.lower() not in _ENDINGS:
        raise UsageFault(
            "model_unreadable",
            f"{model} is no network: none ends like that.",
            fix=f"Name the network before the pictures; its name ends in one of {', '.join(_ENDINGS)}.",
            details={"path": str(model)},
        )
    return _described([model], model.parent, model)


def _in_folder(folder: Path, named: Path) -> Delivered:
    found = [folder / name for name in _NETWORKS if (folder / name).is_file()]
    if not found:
        raise UsageFault(
            "model_not_found",
            f"There is no network in {named}: none of {', '.join(_NETWORKS)}.",
            fix="Name the folder, model.zip or network that `convtailor run` or `fetch` left.",
            details={"path": str(named)},
        )
    return _described(found, folder, named)


def _described(networks: Sequence[Path], folder: Path, named: Path) -> Delivered:
    labels = folder / _LABELS
    if not labels.is_file():
        raise UsageFault(
            "labels_not_found",
            f"There is no labels.txt beside {networks[0]}."
            if named not in (folder, networks[0])
            else f"There is no labels.txt in {folder}.",
            fix="Put the labels.txt of the same delivery beside it: one class a line, in the order of the outputs.",
            details={"path": str(labels)},
        )
    try:
        classes = tuple(labels.read_text(encoding="utf-8").splitlines())
    except UnicodeDecodeError as error:
        raise UsageFault(
            "labels_unreadable",
            f"{labels} is no text in UTF-8.",
            fix="Take the labels.txt of the same delivery; if it was edited, save it as UTF-8.",
            details={"path": str(labels)},
        ) from error
    unsure_below, set_above = _advised(folder, classes)
    strangers = folder / _STRANGERS
    return Delivered(
        networks=tuple(networks),
        labels=labels,
        classes=classes,
        strangers=strangers if strangers.is_file() else None,
        unsure_below=unsure_below,
        set_above=set_above,
    )


def _advised(folder: Path, classes: tuple[str, ...]) -> tuple[float | None, float | None]:
    """Return the threshold and the least probability in answer sets, where the delivery speaks of these classes."""
    for name in (MODEL_DOCUMENT, FILE_NAMES[Artefact.RESULT]):
        try:
            document = json.loads((folder / name).read_text(encoding="utf-8"))
            if tuple(document["classes"]) != classes:
                continue
            if name == MODEL_DOCUMENT:
                threshold, sets = document["unsure_below"], document["answer_sets"]
            else:
                threshold, sets = document["certainty"]["threshold"], document["certainty"]["sets"]
            return _number(threshold), _number(sets["least_probability"] if sets else None)
        except (OSError, ValueError, LookupError, TypeError):
            continue  # of an older version, not there, or somebody else's
    return None, None


def _number(told: object) -> float | None:
    return None if told is None else float(str(told))


def _unpack(packed: Path, folder: Path) -> None:
    """Unpack what is needed of a delivery, by name, whatever else is in it."""
    try:
        with zipfile.ZipFile(packed) as archive:
            inside = {each.filename: each for each in archive.infolist()}
            wanted = [inside[name] for name in (*_NETWORKS, _LABELS, _STRANGERS, MODEL_DOCUMENT) if name in inside]
            _extract(archive, wanted, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UsageFault(
            "model_unreadable",
            f"{packed} cannot be unpacked: {error}.",
            fix="Fetch it again; it is damaged, or no delivery of convtailor.",
            details={"path": str(packed)},
        ) from error


def _extract(archive: zipfile.ZipFile, wanted: Sequence[zipfile.ZipInfo], folder: Path) -> None:
    if sum(each.file_size for each in wanted) > _MAX_UNPACKED_BYTES:
        raise zipfile.BadZipFile("it is too large for a delivery")
    for each in wanted:
        archive.extract(each, folder)
