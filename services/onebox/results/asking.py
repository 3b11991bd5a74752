"""An older network asked about the test photographs of a newer one."""

import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from services.onebox.prediction.classifier import classify
from services.onebox.prediction.delivered import find_network
from services.onebox.results.folder import Results
from services.onebox.results.pairing import compare, fair_paths, own_answers
from shared.archive.zip_format.directory import read_directory
from shared.job.findings.comparison import Comparison


def compare_with(older: Results, newer: Results, archive: Path) -> Comparison:
    """Have the older network classify what the newer one was tested on, as far as it has not done so in its own test.

    Args:
        older: Its network lies in its folder.
        newer: Just trained.
        archive: The zip that the newer one was trained on.

    Raises:
        UsageFault: If the older network cannot be found or read.
    """
    said = own_answers(older.answers) if _are_of_one_archive(older, newer) else {}
    missing = [path for path in fair_paths(newer, older) if path not in said]
    if missing:
        said |= _asked(older.folder, missing, archive)
    return compare(newer, older, said)


def _are_of_one_archive(first: Results, second: Results) -> bool:
    known = first.result.run, second.result.run
    return known[0] is not None and known[1] is not None and known[0].archive_sha256 == known[1].archive_sha256


def _asked(network: Path, paths: Iterable[str], archive: Path) -> dict[str, str]:
    """Return what a network says of photographs in a zip, by path; one that cannot be read is left out."""
    with tempfile.TemporaryDirectory(prefix="convtailor-") as scratch, archive.open("rb") as file:
        folder = Path(scratch)
        (folder / "network").mkdir()
        delivered = find_network(network, folder / "network")
        entries = {record.name: position for position, record in enumerate(read_directory(file).records)}
        wanted, files = [], []
        with zipfile.ZipFile(file) as zipped:
            infos = zipped.infolist()
            for number, path in enumerate(paths):
                if path in entries:
                    target = folder / f"{number}{Path(path).suffix}"
                    target.write_bytes(zipped.read(infos[entries[path]]))
                    wanted.append(path)
                    files.append(target)
        told = classify(delivered, files)
        return {path: each.best for path, each in zip(wanted, told, strict=True) if each.error is None}
