"""How to use the network."""

from services.reporter.report.blocks import Block, Code, Paragraph, Section, Table
from services.reporter.report.wording import one_line, percent, short_name
from shared.job.findings.network import FormatResult
from shared.job.result import Result
from shared.layout import FILE_NAMES, Artefact
from shared.wording import enumeration

SNIPPET = """import keras, numpy
from PIL import Image, ImageOps
model = keras.models.load_model("model.h5", compile=False)
photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
print(model.predict(numpy.asarray(photo)[None]))"""


def use_section(result: Result) -> Section:
    """Return the lines that classify a photograph, what they print, and in which other formats there is the network."""
    order = enumeration([short_name(name) for name in result.classes], most=12)
    since = result.model.oldest_keras
    versions = f" ({since} or later)" if since else ""
    zipped = FILE_NAMES[Artefact.MODEL_ZIP]
    blocks: list[Block] = [
        Paragraph(
            text=f"Give it any photograph, of any size; resizing and scaling happen inside. In plain Keras{versions}:"
        ),
        Code(text=SNIPPET),
        Paragraph(
            text=f"It prints one probability per class, in the order of labels.txt: {order}. With names instead: "
            f"python predict.py photo.jpg"
        ),
    ]
    if result.formats:
        blocks += [
            Paragraph(
                text=f"There are other formats too, which need no TensorFlow; {zipped} holds them. Each "
                "was opened again by its own runtime and given the test photographs:"
            ),
            Table(
                titles=("File", "Runs with", "Right", "As in the test"),
                rows=[_row(each) for each in result.formats],
                numeric_from=2,
            ),
        ]
        blocks += [
            Paragraph(text=f"{each.file} was left out: {one_line(each.left_out_because)}.", is_quiet=True)
            for each in result.formats
            if each.left_out_because is not None
        ]
    return Section(title="Use it", blocks=blocks)


def _row(found: FormatResult) -> tuple[str, str, str, str]:
    if found.left_out_because is not None or found.accuracy is None:
        return found.file, "left out", "", ""
    same = f"{found.num_images - found.num_otherwise:,} of {found.num_images:,}"
    return found.file, found.runtime or "", percent(found.accuracy), same
