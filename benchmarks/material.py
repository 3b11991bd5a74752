"""Photographs and weights to measure on: folders of zips and of ImageNet weights, named by the environment."""

import io
import os
import random
import zipfile
from pathlib import Path

from PIL import Image, ImageOps


class MissingMaterial(Exception):
    """The data or the weights that a measurement needs are not there; the message names the variable to set."""


def dataset(name: str) -> Path:
    """Return a zip of class folders from the folder ``CONVTAILOR_DATASETS``.

    Raises:
        MissingMaterial: If it is not there.
    """
    path = Path(os.environ.get("CONVTAILOR_DATASETS", "../shared/datasets")) / f"{name}.zip"
    if not path.is_file():
        raise MissingMaterial(f"{path} is missing; set CONVTAILOR_DATASETS to a folder that holds {name}.zip")
    return path.resolve()


def dataset_names() -> list[str]:
    """Return the names of all sets in the folder ``CONVTAILOR_DATASETS``.

    Raises:
        MissingMaterial: If there is none.
    """
    folder = Path(os.environ.get("CONVTAILOR_DATASETS", "../shared/datasets"))
    names = sorted(path.stem for path in folder.glob("*.zip"))
    if not names:
        raise MissingMaterial(f"{folder} holds no zip; set CONVTAILOR_DATASETS to a folder of zips of class folders")
    return names


def weights_mirror() -> Path:
    """Return the folder ``CONVTAILOR_WEIGHTS`` of weight files under Keras's own names.

    Raises:
        MissingMaterial: If it is not there.
    """
    path = Path(os.environ.get("CONVTAILOR_WEIGHTS", "../shared/weights"))
    if not path.is_dir():
        raise MissingMaterial(f"{path} is missing; set CONVTAILOR_WEIGHTS to a folder of Keras weight files")
    return path.resolve()


def enlarged(source: Path, target: Path, *, num_images: int, seed: int = 0) -> Path:
    """Write a larger zip by random crops and mirror images of a real one, for timing only.

    Args:
        source: Zip of class folders.
        target: Zip to write; kept if it exists.
        num_images: Images to write, spread evenly over the classes.
        seed: Of the crops.
    """
    if target.exists():
        return target
    chance = random.Random(seed)
    partial = target.with_suffix(".partial")
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(partial, "w") as larger:
        names = [name for name in sorted(archive.namelist()) if not name.endswith("/")]
        chance.shuffle(names)
        for position in range(num_images):
            name = names[position % len(names)]
            with Image.open(io.BytesIO(archive.read(name))) as image:
                varied = _varied(image.convert("RGB"), chance)
            data = io.BytesIO()
            varied.save(data, "JPEG", quality=90)
            larger.writestr(f"{Path(name).parent}/{position:05d}.jpg", data.getvalue())
    partial.rename(target)
    return target


def _varied(image: Image.Image, chance: random.Random) -> Image.Image:
    """Return a random crop of 60 to 100 % of each side, mirrored half of the time, slightly turned in brightness."""
    width, height = (max(16, round(side * chance.uniform(0.6, 1.0))) for side in image.size)
    left, top = chance.randint(0, image.width - width), chance.randint(0, image.height - height)
    crop = image.crop((left, top, left + width, top + height))
    crop = ImageOps.mirror(crop) if chance.random() < 0.5 else crop
    gain = chance.uniform(0.7, 1.3)
    return crop.point(lambda value: min(255, round(value * gain)))
