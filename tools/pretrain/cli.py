"""The command line: cache, train, probe, export. What each needs is imported when it runs, so that help is quick."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tools.pretrain.recipe import Recipe

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
QUARTER_FILE = "mobilenet_2_5_224_tf_no_top.h5"
SECOND_FILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"

work_option = click.option("--work", type=FOLDER, required=True, help="Folder of this run: cache, checkpoint, log.")


HELP = """Pre-train a small backbone from zips of class folders.

\b
The bundled backbone was made so (1.2 hours on two cores; a GPU is used where TensorFlow finds one):
  python -m tools.pretrain cache photographs.zip more.zip --work run
  python -m tools.pretrain train --work run --teachers weights --hours 1.2
  python -m tools.pretrain probe some_classes.zip --work run
  python -m tools.pretrain export tiny_float16.npz --work run
"""


@click.group(help=HELP, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def main() -> None:
    """Gather the commands."""


@main.command()
@click.argument("archives", type=FILE, nargs=-1, required=True, metavar="ZIP...")
@work_option
@click.option("--size", "size_px", default=64, help="Edge of the stored photographs, pixels.")
def cache(archives: tuple[Path, ...], work: Path, size_px: int) -> None:
    """Decode every ZIP (members: class/photograph) once into WORK."""
    from tools.pretrain.cache import write_cache  # noqa: PLC0415
    from tools.pretrain.journal import progress_bar  # noqa: PLC0415

    with progress_bar() as bar:
        task = bar.add_task("decoding", total=None, detail="")
        cache = write_cache(
            archives,
            work,
            image_size_px=size_px,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    click.echo(f"{len(cache.labels)} photographs in {len(cache.class_names)} classes")


@main.command()
@work_option
@click.option("--hours", type=float, help="End after so much training time over all sittings.")
@click.option("--steps", type=int, help="End after so many updates over all sittings; repeatable, unlike --hours.")
@click.option("--teachers", type=FOLDER, help=f"Folder with {QUARTER_FILE} and {SECOND_FILE}.")
@click.option("--second-share", default=0.25, help="Share of each batch put to MobileNetV2; 0 does without it.")
@click.option("--view-size", "size_px", default=96, help="Edge of the views, pixels.")
@click.option("--batch-size", default=64, help="Views per update.")
@click.option("--learning-rate", default=2e-3, help="Peak of the cosine.")
@click.option("--label-weight", default=0.1, help="Weight of the labels beside the teachers.")
@click.option("--checkpoint-every", "checkpoint_every_s", default=60.0, help="Seconds between checkpoints.")
@click.option("--seed", default=0, help="Of the split, the start and every batch.")
def train(work: Path, hours: float | None, steps: int | None, teachers: Path | None, **choices: float) -> None:
    """Train in WORK until --hours or --steps; the same command carries on what was interrupted.

    A run that is done is carried further by a larger limit: the learning rate is then that of the same share of the
    longer run. A run that was begun keeps its recipe, whatever the other options say.
    """
    from tools.pretrain import assembly  # noqa: PLC0415
    from tools.pretrain.cache import open_cache  # noqa: PLC0415
    from tools.pretrain.journal import Journal  # noqa: PLC0415
    from tools.pretrain.recipe import keep_recipe, kept_recipe  # noqa: PLC0415
    from tools.pretrain.schedule import Limit  # noqa: PLC0415

    try:
        limit = Limit(hours=hours, steps=steps)
        cache = open_cache(work)
        recipe = kept_recipe(work, teachers=teachers)
        if recipe is None:
            recipe = _chosen_recipe(teachers, choices)
            keep_recipe(work, recipe)
        run = assembly.begin(cache, work, recipe)
    except (ValueError, FileNotFoundError) as error:
        raise click.UsageError(str(error)) from error
    first_step = run.standing.step
    with Journal(work) as journal:
        standing = run.train(assembly.batch_drawer(cache, recipe), limit=limit, on_report=journal.note)
    accuracy = assembly.validation_accuracy(run, cache, recipe)
    outcome = {"first_step": first_step, "step": standing.step, "elapsed_s": round(standing.elapsed_s, 1)}
    click.echo(json.dumps({**outcome, "validation_accuracy": round(accuracy, 4)}))


@main.command()
@click.argument("archives", type=FILE, nargs=-1, required=True, metavar="ZIP...")
@work_option
@click.option("--size", "sizes_px", multiple=True, type=int, default=(96, 128, 160), help="Input edge; repeatable.")
def probe(archives: tuple[Path, ...], work: Path, sizes_px: tuple[int, ...]) -> None:
    """Cross-validate a linear classifier on frozen features of every ZIP, at several input sizes."""
    from tools.pretrain.export import averaged_student  # noqa: PLC0415
    from tools.pretrain.probe import cross_validated_accuracy, pooled_features, read_photographs  # noqa: PLC0415

    for size_px in sizes_px:
        student = averaged_student(work, size_px)
        for archive in archives:
            photographs, names = read_photographs(archive, size_px)
            accuracy = cross_validated_accuracy(pooled_features(student, photographs), names)
            click.echo(json.dumps({"size_px": size_px, "set": archive.stem, "accuracy": round(accuracy, 4)}))


@main.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@work_option
@click.option("--size", "size_px", default=128, help="Edge at which the network will be used: statistics are taken so.")
@click.option("--seed", default=0, help="Of the split and of the views that the statistics are taken from.")
def export(target: Path, work: Path, size_px: int, seed: int) -> None:
    """Write the averaged weights of WORK to TARGET (float16 .npz) and print its SHA-256."""
    from tools.pretrain.cache import open_cache  # noqa: PLC0415
    from tools.pretrain.export import averaged_student, write_bundle  # noqa: PLC0415
    from tools.pretrain.settling import settle  # noqa: PLC0415

    try:
        student = averaged_student(work, size_px)
        settle(student, open_cache(work), size_px=size_px, seed=seed)
    except FileNotFoundError as error:
        raise click.UsageError(f"nothing was trained in {work}: {error}") from error
    digest = write_bundle(student, target)
    click.echo(json.dumps({"file": target.name, "bytes": target.stat().st_size, "sha256": digest}))


def _chosen_recipe(teachers: Path | None, choices: dict[str, float]) -> "Recipe":
    from tools.pretrain.recipe import Recipe  # noqa: PLC0415

    usual, share = Recipe(), float(choices["second_share"])
    files = [teachers / name for name in (QUARTER_FILE, SECOND_FILE)] if teachers else []
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(f"{file} is missing: --teachers names the folder with both files")
    return replace(
        usual,
        seed=int(choices["seed"]),
        quarter_teacher=files[0] if files else None,
        second_teacher=files[1] if files and share > 0 else None,
        second_share=share,
        views=replace(usual.views, size_px=int(choices["size_px"])),
        objective=replace(usual.objective, label_weight=float(choices["label_weight"])),
        training=replace(
            usual.training,
            batch_size=int(choices["batch_size"]),
            peak_learning_rate=float(choices["learning_rate"]),
            checkpoint_every_s=float(choices["checkpoint_every_s"]),
        ),
    )
