"""What the network is: its size, and its summary as Keras prints it."""

from services.reporter.report.blocks import Block, Code, Facts, Paragraph, Section, folded
from services.reporter.report.limits import Limits
from services.reporter.report.wording import number
from shared.job.result import Result


def network_section(result: Result, limits: Limits) -> Section:
    """Return the size of the network and its summary as Keras prints it."""
    model = result.model
    pairs = [
        ("Network", f"{result.winner}, images resized to {model.input_px} × {model.input_px} pixels inside"),
        ("Parameters", number(model.total_parameters)),
        ("Trainable", f"{number(model.trainable_parameters)} (from layer {model.cut_layer} on)"),
        ("Non-trainable", number(model.non_trainable_parameters)),
    ]
    if model.weights_licence is not None:
        pairs.append(("Licence", f"{model.weights_licence}, of the pre-trained weights it grew from"))
    summary = Code(text=model.summary.strip("\n"), is_small=True)
    blocks: list[Block] = [Facts(pairs=pairs), *folded("Its layers, as Keras prints them", [summary], limits)]
    if not limits.has_folds:
        blocks.append(Paragraph(text="The full report lists its layers.", is_quiet=True))
    return Section(title="The network", blocks=blocks)
