"""How far the backbones carry that come with convtailor: frozen features and logistic regression on real photographs.

    CONVTAILOR_DATASETS=folder CONVTAILOR_WEIGHTS=folder python -m benchmarks.transfer [--json]

Features are computed once per image with the network that the trainer uses. Each seed splits 70/30 by class; features
are standardised and the strength of regularisation is chosen by cross-validation inside the 70 %, for every row alike.
A row's share of the way says where it stands between the quarter-width MobileNet at random (0) and with ImageNet
weights (1), on the sets where the latter is better by more than 0.1.
"""

import argparse
import json
import os
import sys
import time
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from services.trainer.screening.forward import compile_forward
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.network import build
from services.trainer.zoo.sources.mirror import FolderMirror
from services.trainer.zoo.sources.weights import WeightsFile, resolve

SETS = ("clothing10", "face_mask", "sign_digits")
SEEDS = range(5)
RANDOM_STARTS = range(3)
TEST_FRAC = 0.3
STRENGTHS = (0.01, 0.1, 1.0)
LEAST_GAP = 0.1
RAW_EDGE_PX = 32
WORST, BEST = "random mobilenet_0.25", "mobilenet_0.25, ImageNet"
RANDOM_BACKBONES = ("mobilenet_0.25", "mobilenet_0.5")
TRAINED = {
    "tiny": "tiny",
    BEST: "mobilenet_0.25",
    "mobilenet_v2, ImageNet": "mobilenet_v2",
    "efficientnet_lite0, ImageNet": "efficientnet_lite0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Accuracies of one way of looking at photographs.

    Args:
        name: As the table says it.
        input_px: Edge of what it looks at.
        ms_per_image: Milliseconds that its features take, the fastest batch of 32; ``None`` for raw pixels.
        accuracies: By set, one per seed and random start, 0 to 1.
        skipped: Why there are none.
    """

    name: str
    input_px: int = 0
    ms_per_image: float | None = None
    accuracies: dict[str, list[float]]
    skipped: str = ""


def read_photographs(archive: Path, edge_px: int) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Decode a zip of class folders to `(num_images, edge_px, edge_px, 3) uint8` and the names of the folders."""
    pixels, names = [], []
    with zipfile.ZipFile(archive) as opened:
        for member in sorted(name for name in opened.namelist() if not name.endswith("/")):
            with Image.open(BytesIO(opened.read(member))) as image:
                # A transparent colour of a palette is understood on the way to RGBA only.
                whole = image.convert("RGBA") if image.mode in {"P", "LA"} else image
                small = whole.convert("RGB").resize((edge_px, edge_px), Image.Resampling.BILINEAR)
            pixels.append(np.asarray(small))
            names.append(member.split("/")[-2])
    return np.stack(pixels), np.array(names)


def features_of(photographs: NDArray[np.uint8], backbone: str, weights: WeightsFile | None) -> NDArray[np.float32]:
    """Pooled features, `(num_images, feature_width) float32`; without weights those of a random start."""
    network = build(BACKBONES[backbone], weights)
    features: NDArray[np.float32] = network.model.predict(photographs, batch_size=32, verbose=0)
    return features


def accuracies_of(features: NDArray[np.float32], names: NDArray[np.str_]) -> list[float]:
    """Accuracy on the 30 % of each seed's split."""
    accuracies = []
    for seed in SEEDS:
        split = train_test_split(features, names, test_size=TEST_FRAC, stratify=names, random_state=seed)
        training, test, training_names, test_names = split
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        search = GridSearchCV(probe, {"logisticregression__C": STRENGTHS}, cv=3)
        # Matrices this small are solved twenty times faster by one thread than by several waiting for one another.
        with threadpool_limits(limits=1):
            accuracies.append(float(search.fit(training, training_names).score(test, test_names)))
    return accuracies


def measure(datasets: Path, weights: Path | None) -> list[Row]:
    """Measure every row on every set of `datasets`; ImageNet weights are looked for in the folder `weights`."""
    rows = []
    for name, backbone in TRAINED.items():
        found = resolve(["tiny", backbone], mirror=FolderMirror(weights) if weights else None, allow_download=False)
        file = {row.name: file for row, file in found.usable}.get(backbone)
        if file is None:
            rows.append(Row(name=name, accuracies={}, skipped=dict(found.skipped)[backbone]))
        else:
            rows.append(_measured(name, datasets, backbone, weights=file))
    rows += [_measured(f"random {backbone}", datasets, backbone) for backbone in RANDOM_BACKBONES]
    return [*rows, _raw(datasets)]


def shares_of(row: Row, rows: list[Row]) -> dict[str, float]:
    """Share of the way from the worst row to the best, by set, where these two are far enough apart."""
    named = {one.name: one.accuracies for one in rows}
    shares = {}
    for name, accuracies in row.accuracies.items():
        low, high = (float(np.mean(named[end].get(name, np.nan))) for end in (WORST, BEST))
        if high - low > LEAST_GAP:
            shares[name] = (float(np.mean(accuracies)) - low) / (high - low)
    return shares


def markdown(rows: list[Row]) -> str:
    """Return the table: mean ± standard deviation, and the share of the way in brackets."""
    lines = [f"| features | input | ms an image | {' | '.join(SETS)} | share of the way |"]
    lines.append("|---|---|---|" + "---|" * (len(SETS) + 1))
    for row in rows:
        if row.skipped:
            lines.append(f"| {row.name} | skipped: {row.skipped} |" + " |" * (len(SETS) + 2))
            continue
        shares = shares_of(row, rows)
        cells = [_cell(row.accuracies[name], shares.get(name)) for name in SETS if name in row.accuracies]
        mean = f"{np.mean(list(shares.values())):.0%}" if shares else "unknown"
        pace = "" if row.ms_per_image is None else f"{row.ms_per_image:.1f}"
        lines.append(f"| {row.name} | {row.input_px} px | {pace} | {' | '.join(cells)} | {mean} |")
    return "\n".join(lines)


def main() -> int:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transfer", description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", type=Path, default=os.environ.get("CONVTAILOR_DATASETS", "../shared/datasets"))
    parser.add_argument("--weights", type=Path, default=os.environ.get("CONVTAILOR_WEIGHTS", "../shared/weights"))
    parser.add_argument("--json", action="store_true", help="print every accuracy instead of the table")
    options = parser.parse_args()
    missing = [name for name in SETS if not (options.datasets / f"{name}.zip").is_file()]
    if missing:
        print(f"{options.datasets} lacks {', '.join(missing)}: set CONVTAILOR_DATASETS or --datasets", file=sys.stderr)
        return 2
    rows = measure(options.datasets, options.weights if options.weights.is_dir() else None)
    print(json.dumps([_plain(row, rows) for row in rows], indent=1) if options.json else markdown(rows))
    return 0


def _measured(name: str, datasets: Path, backbone: str, *, weights: WeightsFile | None = None) -> Row:
    accuracies: dict[str, list[float]] = {}
    input_px = BACKBONES[backbone].input_px
    for set_name in SETS:
        photographs, names = read_photographs(datasets / f"{set_name}.zip", input_px)
        accuracies[set_name] = []
        for start in [0] if weights else RANDOM_STARTS:
            keras.utils.set_random_seed(start)
            accuracies[set_name] += accuracies_of(features_of(photographs, backbone, weights), names)
        _tell(name, set_name, accuracies[set_name])
    return Row(name=name, input_px=input_px, ms_per_image=_pace(backbone, weights), accuracies=accuracies)


def _pace(backbone: str, weights: WeightsFile | None) -> float:
    """Return milliseconds an image of the compiled network, the fastest of some batches of 32."""
    network = build(BACKBONES[backbone], weights)
    forward = compile_forward(network)
    pixels = np.random.default_rng(0).integers(0, 256, (32, *[BACKBONES[backbone].input_px] * 2, 3), np.uint8)
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        forward(pixels)
        seconds.append(time.perf_counter() - started)
    return 1000 * min(seconds) / len(pixels)


def _raw(datasets: Path) -> Row:
    accuracies = {}
    for set_name in SETS:
        photographs, names = read_photographs(datasets / f"{set_name}.zip", RAW_EDGE_PX)
        pixels = photographs.reshape(len(photographs), -1).astype(np.float32)
        accuracies[set_name] = accuracies_of(pixels, names)
        _tell("raw pixels", set_name, accuracies[set_name])
    return Row(name="raw pixels", input_px=RAW_EDGE_PX, accuracies=accuracies)


def _tell(name: str, set_name: str, accuracies: list[float]) -> None:
    print(f"{name}, {set_name}: {np.mean(accuracies):.3f}", file=sys.stderr, flush=True)


def _cell(accuracies: list[float], share: float | None) -> str:
    cell = f"{np.mean(accuracies):.3f} ± {np.std(accuracies):.3f}"
    return cell if share is None else f"{cell} ({share:.0%})"


def _plain(row: Row, rows: list[Row]) -> dict[str, object]:
    shares = {} if row.skipped else shares_of(row, rows)
    return {
        "name": row.name,
        "input_px": row.input_px,
        "ms_per_image": row.ms_per_image,
        "accuracies": row.accuracies,
        "shares": shares,
        "mean_share": float(np.mean(list(shares.values()))) if shares else None,
        "skipped": row.skipped or None,
    }


if __name__ == "__main__":
    sys.exit(main())
