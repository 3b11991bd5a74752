"""``python -m tools.sizes_page`` writes ``docs/sizes.md``: what jobs of any size need of a disk; a test compares."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.trainer.run.memory import training_bytes
from services.trainer.scratch.disk import HEADROOM_BYTES
from services.trainer.scratch.need import FREE_DISK_SHARE, MAX_ACTIVATION_BYTES, Keeping, disk_need
from services.trainer.zoo.catalogue import BACKBONES, Backbone

TARGET = Path(__file__).resolve().parents[1] / "docs" / "sizes.md"
PEAKS_FILE = Path(__file__).resolve().parents[1] / "benchmarks" / "peaks.json"
"""Bytes that a training took at its peak, by the name of its network, as ``benchmarks memory-backbones`` found them."""
PHOTOGRAPH_BYTES = 150_000
"""Of one photograph in the archive: a JPEG with a long side of about 1,000 px."""
NUMBERS = (1_000, 10_000, 100_000)
FIRST_FIVE = ("vgg16", "mobilenet", "inception_v3", "inception_resnet_v2", "xception")
SETS: Mapping[str, Sequence[Backbone]] = {
    "`tiny`": [BACKBONES["tiny"]],
    ", ".join(f"`{name}`" for name in FIRST_FIVE): [BACKBONES[name] for name in FIRST_FIVE],
    f"all {len(BACKBONES)} of the catalogue": list(BACKBONES.values()),
}
_HEAD = f"""\
# Sizes

Generated from the code by `python -m tools.sizes_page`. `python -m benchmarks` measures what is computed here:
its part `memory` what preparing takes of disk and memory for each photograph, `memory-job` and `memory-backbones` the
memory of trainings.

## Disk

What a job writes into the scratch folder of its trainer, in GB, where a photograph takes {PHOTOGRAPH_BYTES // 1000} kB
of the archive. A trainer takes a job only where so much is free, {HEADROOM_BYTES // 2**20} MiB beside, and what other
jobs at work on the same disk were promised; room is given to files before they are filled. Where less is free, less is
kept at a time: features of candidates that wait are computed anew, then no networks stand side by side, then mirror
images are not looked at. What a job takes then stands under "at least". Where even that is more than there is, the
candidates that see the largest squares are left out with the reason. The report has a remark where something was not
tried. Activations are kept where there is more: of one network at most {MAX_ACTIVATION_BYTES // 2**30} GiB, and at most
{FREE_DISK_SHARE:.0%} of what is then free and promised to nobody. Where they are not kept, fine-tuning takes longer.
"""
_MEMORY = """\
## Memory

What a training process takes at least while a network is its largest, in GB. A candidate that needs more than the
machine, or its container, has is skipped with this reason. At its peak: as `python -m benchmarks memory-backbones`
measured it, with the network alone among the candidates, fine-tuned, scored and packed. The verifying process beside
it loads what is delivered.
"""


def page() -> str:
    """Return the page as Markdown."""
    rows = [_disk_row(name, backbones, number) for name, backbones in SETS.items() for number in NUMBERS]
    titles = "| candidates | photographs | archive | decoded | features | delivery | together | at least |"
    disk = "\n".join([_HEAD, titles, "|---|---:|---:|---:|---:|---:|---:|---:|", *rows, ""])
    peaks = known_peaks()
    memory = [_memory_row(name, each, peaks.get(name)) for name, each in BACKBONES.items()]
    return "\n".join([disk, _MEMORY, "| candidate | at least | at its peak |", "|---|---:|---:|", *memory, ""])


def known_peaks() -> dict[str, int]:
    """Return the bytes that trainings took at their peaks, by the names of their networks."""
    if not PEAKS_FILE.is_file():
        return {}
    peaks: dict[str, int] = json.loads(PEAKS_FILE.read_text(encoding="utf-8"))
    return peaks


def _memory_row(name: str, backbone: Backbone, peak_bytes: int | None) -> str:
    peak = "not measured" if peak_bytes is None else f"{peak_bytes / 1e9:.1f}"
    return f"| `{name}` | {training_bytes(backbone.size_bytes) / 1e9:.1f} | {peak} |"


def _disk_row(name: str, backbones: Sequence[Backbone], number: int) -> str:
    need = disk_need(num_images=number, archive_bytes=number * PHOTOGRAPH_BYTES, candidates=backbones)
    least = disk_need(
        num_images=number,
        archive_bytes=number * PHOTOGRAPH_BYTES,
        candidates=backbones,
        keeping=Keeping().sparingly()[-1],
    )
    figures = (need.archive, need.images, need.features, need.delivery, need.total, least.total)
    return " | ".join([f"| {name}", f"{number:,}", *(f"{each / 1e9:,.2f}" for each in figures)]) + " |"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
