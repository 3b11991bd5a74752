"""The program that goes out with every network, as one file that needs nothing of ours."""

import re
from pathlib import Path

from services.trainer.data import resampling
from services.trainer.data.pictures import deep_colour, depth, formats, memory, mending, picture, tiff
from services.trainer.export import predict, runtimes
from services.trainer.strangers import likeness
from shared.text import printable

_PARTS = (printable, tiff, formats, mending, depth, deep_colour, memory, picture, resampling, likeness, runtimes)
"""The reader of pictures, the resize, what tells strangers, and runtimes: each module below those that it imports."""
_OWN_IMPORT = re.compile(r"^from (?:services|shared)\.\S+ import (?:\([^)]*\)|.*)\n+", re.MULTILINE)


def predict_source() -> str:
    """Return the delivered program, with what it imports of ours in place of the line that imports it."""
    before, after = _OWN_IMPORT.split(_text(predict.__file__), maxsplit=1)
    reader = "\n\n".join(_OWN_IMPORT.sub("", _text(part.__file__)) for part in _PARTS)
    return f"{before}{reader}\n\n{_OWN_IMPORT.sub('', after)}"


def _text(file: str | None) -> str:
    if file is None:
        raise AssertionError("a part of the program is no file")
    return Path(file).read_text(encoding="utf-8")
