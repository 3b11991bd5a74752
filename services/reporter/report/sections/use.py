"""How to use the network."""

from services.reporter.report.blocks import Block, Code, Paragraph, Section, Table
from services.reporter.report.retelling.reason import why_not_delivered
from services.reporter.report.wording import enumeration, number, percent, short_name
from shared.job.findings.network import FormatResult
from shared.job.result import Result
from shared.language.speech import _
from shared.layout import FILE_NAMES, Artefact

SNIPPET = """import keras, numpy
from PIL import Image, ImageOps
model = keras.models.load_model("model.h5", compile=False)
photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
print(model.predict(numpy.asarray(photo)[None]))"""


def use_section(result: Result) -> Section:
    """Return the lines that classify a photograph, what they print, and in which other formats there is the network."""
    order = enumeration([short_name(name) for name in result.classes], most=12)
    blocks: list[Block] = [
        Paragraph(text=_in_keras(result.model.oldest_keras)),
        Code(text=SNIPPET),
        Paragraph(
            text=_(
                "It prints one probability per class, in the order of labels.txt: {names}. With names instead: "
                "{command}",
                names=order,
                command="python predict.py photo.jpg",
            )
        ),
    ]
    if result.formats:
        text = _(
            "There are other formats too, which need no TensorFlow; {file} holds them. Each was opened again by its "
            "own runtime and given the test photographs:",
            file=FILE_NAMES[Artefact.MODEL_ZIP],
        )
        titles = (_("File"), _("Runs with"), _("Right"), _("As in the test"))
        rows = [_row(each) for each in result.formats]
        blocks += [Paragraph(text=text), Table(titles=titles, rows=rows, numeric_from=2)]
        blocks += [
            Paragraph(text=_left_out(each.file, each.left_out_because), is_quiet=True)
            for each in result.formats
            if each.left_out_because is not None
        ]
    return Section(title=_("Use it"), blocks=blocks)


def _in_keras(oldest: str | None) -> str:
    if oldest:
        return _(
            "Give it any photograph, of any size; resizing and scaling happen inside. In plain Keras ({version} or "
            "later):",
            version=oldest,
        )
    return _("Give it any photograph, of any size; resizing and scaling happen inside. In plain Keras:")


def _left_out(file: str, reason: str) -> str:
    return _("{file} was left out: {reason}.", file=file, reason=why_not_delivered(reason))


def _row(found: FormatResult) -> tuple[str, str, str, str]:
    if found.left_out_because is not None or found.accuracy is None:
        return found.file, _("left out"), "", ""
    same = _("{some} of {all}", some=number(found.num_images - found.num_otherwise), all=number(found.num_images))
    return found.file, found.runtime or "", percent(found.accuracy), same
