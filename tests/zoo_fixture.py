"""Small backbones, a data set of coloured squares, and a run that remembers in memory."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.trainer.data.dataset import Dataset, Split, images_path
from services.trainer.run.context import Run
from services.trainer.run.identity import RunKey
from services.trainer.screening.fit import HeadPlan
from services.trainer.zoo.catalogue import Backbone, Preprocessing
from services.trainer.zoo.families.mobilenet import levels_of_mobilenet
from services.trainer.zoo.head import Head
from services.trainer.zoo.sources.weights import Source, WeightsFile
from shared.job.findings.photographs import Duplicates
from shared.job.options import LevelChoice
from shared.job.progress import Progress
from tests.doubles.memory_ledger import MemoryLedger
from tests.training_fixture import still_countdown

PX = 32
ONE_OF_EACH = (
    "mobilenet_0.25",
    "mobilenet_v2_0.35",
    "mobilenet_v3_small",
    "mobilenet_v3_small_minimalistic",
    "efficientnet_b0",
    "efficientnet_v2_b0",
    "vgg16",
    "inception_v3",
    "inception_resnet_v2",
    "xception",
    "resnet50",
    "resnet50_v2",
    "densenet121",
    "convnext_tiny",
    "nasnet_mobile",
)
"""The smallest of each family of ``keras.applications``; EfficientNet-Lite has a file of its own."""


def small_backbone(name: str, *, gflops: float = 1.0) -> Backbone:
    """MobileNet at 32 px: a few milliseconds an image."""
    return Backbone(
        name=name,
        constructor="MobileNet",
        arguments={"alpha": 0.25},
        input_px=PX,
        preprocessing=Preprocessing.TF,
        feature_width=256,
        parameters=218_544,
        cut_layer="conv_pw_13",
        levels=levels_of_mobilenet(0.25),
        weights_file=f"{name}.h5",
        licence="Apache-2.0",
        gflops=gflops,
    )


def write_weights(folder: Path, *, seed: int = 0) -> WeightsFile:
    """Weights for :func:`small_backbone`: random, but the same for a seed, and lively to the last layer."""
    generator = np.random.default_rng(seed)
    network = keras.applications.MobileNet(alpha=0.25, include_top=False, weights=None, input_shape=(PX, PX, 3))
    for layer in network.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D | keras.layers.Conv2D):
            (kernel,) = layer.get_weights()
            inputs = kernel[..., 0].size if kernel.shape[-1] > 1 else kernel.shape[0] * kernel.shape[1]
            layer.set_weights([generator.normal(0, np.sqrt(3 / inputs), kernel.shape)])
    network.get_layer("conv_pw_13_bn").gamma.assign(np.full(256, 8.0))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "small.h5"
    network.save(path)
    return WeightsFile.read(path, Source.MIRROR)


def coloured_dataset(directory: Path, *, per_class: int = 20, noise: float = 30.0) -> Dataset:
    """Red, green and blue squares, more or less."""
    num_classes = 3
    generator = np.random.default_rng(5)
    labels = np.repeat(np.arange(num_classes, dtype=np.int32), per_class)
    colours = 60 + 140 * np.eye(3)[np.arange(num_classes)]
    pixels = colours[labels, None, None, :] + generator.normal(0, 4, (len(labels), PX, PX, 3))
    pixels += generator.normal(0, noise, (len(labels), 1, 1, 3))
    directory.mkdir(parents=True, exist_ok=True)
    np.save(images_path(directory, PX), np.clip(pixels, 0, 255).astype(np.uint8))
    part = np.tile(np.arange(per_class) % 20, num_classes)
    return Dataset(
        key=RunKey(archive_sha256="a" * 64, data_version="1.1.1", min_image_px=8, max_image_px=12000, seed=3),
        split_sha256=f"{per_class}",
        directory=directory,
        classes=tuple(f"colour {label}" for label in range(num_classes)),
        labels=labels,
        paths=tuple(f"{position}.png" for position in range(len(labels))),
        groups=np.arange(len(labels)),
        split=Split(
            train=np.flatnonzero(part < 14),
            validation=np.flatnonzero((part >= 14) & (part < 17)),
            test=np.flatnonzero(part >= 17),
        ),
        sizes_px=(PX,),
        quarantined=(),
        duplicates=Duplicates(exact=0, near_groups=0),
    )


def by_epochs(epochs: int) -> HeadPlan:
    """Heads of the founding recipe: they read the features and learn by epochs."""
    return HeadPlan(levels=LevelChoice.LAST, epochs=epochs)


def make_run(
    directory: Path,
    *,
    ledger: MemoryLedger | None = None,
    stop_reason: Callable[[], str | None] = lambda: None,
    seconds_left: float = 1e6,
    reported: list[Progress] | None = None,
) -> Run:
    """A run with nothing behind it but memory."""
    return Run(
        directory=directory,
        seed=3,
        report=(reported if reported is not None else []).append,
        stop_reason=stop_reason,
        countdown=still_countdown(seconds_left),
        ledger=ledger or MemoryLedger(),
    )


def sloping_pictures(num: int = 3) -> list[NDArray[np.uint8]]:
    """Pictures with edges and slopes, of several sizes."""
    generator = np.random.default_rng(0)
    found = []
    for number in range(num):
        coarse = generator.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        found.append(np.asarray(Image.fromarray(coarse).resize((70 + 40 * number, 51 + 13 * number))))
    return found


def untrained_head(feature_width: int, num_classes: int) -> Head:
    """Return a head that finds every class equally likely."""
    return Head(kernel=np.zeros((feature_width, num_classes), np.float32), bias=np.zeros(num_classes, np.float32))
