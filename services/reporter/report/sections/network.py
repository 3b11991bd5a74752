"""What the network is: its size, and its summary as Keras prints it."""

from services.reporter.report.blocks import Block, Code, Facts, Paragraph, Section, folded
from services.reporter.report.limits import Limits
from services.reporter.report.wording import number
from shared.job.result import Result
from shared.language.speech import _


def network_section(result: Result, limits: Limits) -> Section:
    """Return the size of the network and its summary as Keras prints it."""
    model = result.model
    trainable = _("{num} (from layer {layer} on)", num=number(model.trainable_parameters), layer=model.cut_layer)
    pairs = [
        (
            _("Network"),
            _("{name}, images resized to {side} × {side} pixels inside", name=result.winner, side=model.input_px),
        ),
        (_("Parameters"), number(model.total_parameters)),
        (_("Trainable"), trainable),
        (_("Non-trainable"), number(model.non_trainable_parameters)),
    ]
    if model.weights_licence is not None:
        licence = _("{licence}, of the pre-trained weights it grew from", licence=model.weights_licence)
        pairs.append((_("Licence"), licence))
    summary = Code(text=model.summary.strip("\n"), is_small=True)
    blocks: list[Block] = [Facts(pairs=pairs), *folded(_("Its layers, as Keras prints them"), [summary], limits)]
    if not limits.has_folds:
        blocks.append(Paragraph(text=_("The full report lists its layers."), is_quiet=True))
    return Section(title=_("The network"), blocks=blocks)
