"""The program that goes out with every network, as one file that needs nothing of ours."""

from pathlib import Path

from services.trainer.data.pictures import picture
from services.trainer.export import predict

_READER = "from services.trainer.data.pictures.picture import UnreadablePicture, read_pixels\n"


def predict_source() -> str:
    """Return the delivered program, with the reader of pictures in place of the line that imports it."""
    program = Path(predict.__file__).read_text(encoding="utf-8")
    reader = Path(picture.__file__).read_text(encoding="utf-8")
    before, line, after = program.partition(_READER)
    if not line:
        raise AssertionError(f"the program does not import the reader as it should: {_READER!r}")
    return f"{before}{reader}\n{after.lstrip()}"
