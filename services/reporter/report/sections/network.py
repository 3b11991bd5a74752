"""What the network is: its size, and its summary as Keras prints it."""

from services.reporter.report.blocks import Block, Code, Facts, Paragraph, Section
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
    lines = model.summary.strip("\n").splitlines()
    blocks: list[Block] = [Facts(pairs=pairs)]
    if len(lines) > limits.num_summary_lines:
        # The end of a summary holds the totals, which the facts above state already.
        lines = lines[: limits.num_summary_lines]
        note = f"The first {len(lines)} lines of the summary; the full report has it whole."
        blocks += [Code(text="\n".join(lines), is_small=True), Paragraph(text=note, is_quiet=True)]
    else:
        blocks.append(Code(text="\n".join(lines), is_small=True))
    return Section(title="The network", blocks=blocks)
