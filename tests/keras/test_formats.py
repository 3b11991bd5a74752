"""Every format does what the network does, whatever the network is made of; what a format cannot hold is said."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from services.trainer.data.pictures.picture import read_pixels
from services.trainer.data.resampling import resize
from services.trainer.export.formats.convert import convert
from services.trainer.export.formats.inexpressible import Inexpressible
from services.trainer.export.formats.order import Conversion, Converted, Scoring
from services.trainer.export.formats.score import score
from services.trainer.export.formats.squares_model import from_squares
from services.trainer.export.keras_file.opened_network import NetworkReader
from services.trainer.export.runtimes import Look, open_keras, open_onnx, open_tflite
from services.trainer.strangers.likeness import Likeness
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.head import Head, Reading
from services.trainer.zoo.network import build, complete
from tests.zoo_fixture import sloping_pictures

layers = keras.layers
PX = 32


def settle(network: keras.Model) -> keras.Model:
    """Give every layer values that tell it from one that does nothing."""
    generator = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            settle(layer)
        elif isinstance(layer, layers.BatchNormalization | layers.LayerNormalization):
            layer.set_weights([generator.uniform(0.5, 1.5, value.shape) for value in layer.get_weights()])
    return network


def entrance() -> tuple[keras.KerasTensor, keras.KerasTensor]:
    images = keras.Input((None, None, 3), dtype="uint8", name="image")
    pixels = layers.Rescaling(1.0)(images)
    return images, layers.Resizing(PX, PX, antialias=True)(pixels)


def every_kind() -> keras.Model:
    """Each kind of layer that a backbone may hold, with settings that matter."""
    images, values = entrance()
    values = layers.Normalization(mean=[100.0, 110.0, 120.0], variance=[900.0, 1000.0, 1100.0])(values)
    values = layers.ZeroPadding2D(((0, 1), (2, 1)))(values)
    values = layers.Conv2D(8, 3, strides=2, padding="same", activation="swish")(values)
    values = layers.BatchNormalization(scale=False)(values)
    values = layers.ReLU(6.0)(layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(values))
    values = layers.SeparableConv2D(12, 3, padding="same", dilation_rate=2)(values)
    pooled = layers.MaxPooling2D(3, strides=2, padding="same")(values)
    mean = layers.AveragePooling2D(3, strides=2, padding="same")(values)
    values = layers.Concatenate()([pooled, mean, layers.Conv2D(8, 1, strides=2, groups=2)(values)])
    values = layers.LayerNormalization()(values)
    values = layers.Dropout(0.3)(layers.Activation("hard_silu")(layers.Activation("gelu")(layers.Dense(16)(values))))
    squeezed = layers.Reshape((1, 1, 16))(layers.GlobalAveragePooling2D()(values))
    values = layers.Multiply()([values, layers.Conv2D(16, 1, activation="sigmoid")(squeezed)])
    values = layers.Add()([values, layers.Conv2D(16, 3, padding="same")(values)])
    values = layers.Cropping2D(((1, 0), (0, 1)))(values)
    values = layers.Permute((3, 1, 2))(layers.Dense(5)(layers.Permute((1, 3, 2))(values)))
    values = layers.Dense(8, activation="relu")(layers.Flatten()(values))
    return keras.Model(images, layers.Dense(3, activation="softmax")(values))


def stages_and_mirror() -> keras.Model:
    """Pooled stages side by side, and the mean over a view and its mirror image by one network called twice."""
    base_input = keras.Input((PX, PX, 3))
    low = layers.Conv2D(6, 3, strides=2, activation="relu6")(base_input)
    high = layers.BatchNormalization()(layers.Conv2D(9, 3, strides=2)(low))
    pooled = [layers.GlobalAveragePooling2D()(low), layers.GlobalMaxPooling2D()(high)]
    base = keras.Model(base_input, layers.Concatenate()([*pooled, layers.GlobalAveragePooling2D()(high)]))
    images, values = entrance()
    views = layers.Average()([base(values), base(keras.ops.flip(values, axis=2))])
    head = keras.Sequential([layers.Rescaling(0.01), layers.Dense(3, activation="softmax")])
    return keras.Model(images, head(views))


def operators() -> keras.Model:
    """What is written with bare operators."""
    images, values = entrance()
    values = layers.Conv2D(4, 3)(values / 255.0)
    both = (values + values[:, :, ::-1, :]) * 0.5
    pooled = keras.ops.mean(both, axis=(1, 2))
    mean = keras.ops.mean(keras.ops.stack([pooled, pooled * 2.0], axis=1), axis=1)
    return keras.Model(images, layers.Dense(3, activation="softmax")(mean))


NETWORKS = {"every kind": every_kind, "stages and mirror": stages_and_mirror, "operators": operators}


def onnx_writer() -> Callable[..., None]:
    pytest.importorskip("onnxruntime")
    write_onnx: Callable[..., None] = pytest.importorskip("services.trainer.export.formats.onnx.writer").write_onnx
    return write_onnx


def tflite_writer() -> Callable[..., None]:
    write_tflite: Callable[..., None] = pytest.importorskip(
        "services.trainer.export.formats.tflite.writer"
    ).write_tflite
    return write_tflite


def answers(network: keras.Model) -> NDArray[np.float32]:
    return np.array([np.asarray(network(picture[None], training=False))[0] for picture in sloping_pictures()])


def said_by(look: Look) -> NDArray[np.float32]:
    return np.array([look(picture).probabilities[0] for picture in sloping_pictures()])


def far_from_everything(features: NDArray[np.float32]) -> Likeness:
    """What pictures are compared with: references that have nothing to do with them."""
    references = np.random.default_rng(0).normal(0, 1, (7, features.shape[1])).astype(np.float32)
    references /= np.linalg.norm(references, axis=1, keepdims=True)
    spread = np.maximum(features.std(axis=0), 1e-3)
    return Likeness(spread=spread, references=references, neighbours=2, limit=1.0)


def distances(likeness: Likeness, look: Look) -> list[float]:
    return [likeness.distances(np.asarray(look(picture).features))[0] for picture in sloping_pictures()]


@pytest.mark.parametrize("size", [(32, 32), (33, 31), (300, 200), (7, 90), (1, 1), (1200, 64)], ids=str)
@pytest.mark.parametrize("side", [8, 32, 75])
def test_the_resize_of_the_delivered_program_is_keras_own(size: tuple[int, int], side: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    expected = layers.Resizing(side, side, antialias=True)(pixels[None].astype(np.float32))[0]
    np.testing.assert_allclose(resize(pixels, side), np.asarray(expected), atol=2e-3)


@pytest.mark.parametrize("kind", NETWORKS)
def test_onnx_runtime_answers_as_keras_does(kind: str, tmp_path: Path) -> None:
    write_onnx = onnx_writer()
    keras.utils.set_random_seed(0)
    network = settle(NETWORKS[kind]())
    expected = answers(network)
    write_onnx(from_squares(network, PX), tmp_path / "model.onnx")
    network_of_file = open_onnx(tmp_path / "model.onnx")
    np.testing.assert_allclose(said_by(network_of_file), expected, atol=1e-4)
    np.testing.assert_array_equal(answers(network), expected)  # the network itself is as it was
    assert np.ptp(expected, axis=0).max() > 1e-3  # it does tell pictures apart


@pytest.mark.parametrize("kind", NETWORKS)
def test_litert_answers_as_keras_does(kind: str, tmp_path: Path) -> None:
    write_tflite = tflite_writer()
    keras.utils.set_random_seed(0)
    network = settle(NETWORKS[kind]())
    expected = answers(network)
    squares = from_squares(network, PX)
    sizes = []
    for half, gap in ((False, 1e-4), (True, 1e-2)):
        path = tmp_path / f"{half}.tflite"
        write_tflite(squares, path, half=half)
        network_of_file = open_tflite(path)
        np.testing.assert_allclose(said_by(network_of_file), expected, atol=gap)
        sizes.append(path.stat().st_size)
    assert sizes[1] <= sizes[0]


@pytest.mark.parametrize("name", ["tiny", "efficientnet_lite0"])
def test_a_network_that_reads_several_levels_and_both_views_has_files_that_answer_as_it_does(
    name: str, tmp_path: Path
) -> None:
    write_onnx, write_tflite, row = onnx_writer(), tflite_writer(), replace(BACKBONES[name], input_px=96)
    keras.utils.set_random_seed(0)
    kernel = np.random.default_rng(0).normal(0, 1, (row.width_of(3), 3)).astype(np.float32)
    head = Head(kernel=kernel, bias=np.zeros(3, np.float32), reading=Reading(num_levels=3, views=2))
    complete(build(row, None), head).save(tmp_path / "model.keras")
    network = keras.models.load_model(tmp_path / "model.keras", compile=False)  # as the process reads it that writes
    squares = from_squares(network, row.input_px)
    write_onnx(squares, tmp_path / "model.onnx")
    write_tflite(squares, tmp_path / "model.tflite")
    pictures = sloping_pictures()
    read = open_keras(tmp_path / "model.keras")
    likeness = far_from_everything(np.concatenate([np.asarray(read(each).features) for each in pictures]))
    far = distances(likeness, read)
    for opened in (open_onnx(tmp_path / "model.onnx"), open_tflite(tmp_path / "model.tflite"), read):
        np.testing.assert_allclose(said_by(opened), answers(network), atol=1e-4)
        np.testing.assert_allclose(distances(likeness, opened), far, atol=1e-4)  # a stranger is one to every file
    assert np.ptp(far) > 1e-3


def test_what_cannot_be_expressed_is_said_and_not_guessed(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    images, values = entrance()
    values = layers.UnitNormalization()(layers.Flatten()(values))
    network = keras.Model(images, layers.Dense(3, activation="softmax")(values))
    (asked, *written) = converted(network, tmp_path, "model.onnx")
    assert len(asked.answers) == 3
    assert written[0].error == "the operation UnitNormalization is not known"
    assert not (tmp_path / "model.onnx").exists()


def test_a_second_resize_is_no_square_to_start_from() -> None:
    images, values = entrance()
    network = keras.Model(images, layers.GlobalAveragePooling2D()(layers.Resizing(8, 8)(values)))
    with pytest.raises(Inexpressible, match="32 × 32 to 8 × 8"):
        from_squares(network, PX)


def converted(network: keras.Model, folder: Path, *names: str) -> list[Converted]:
    network.save(folder / "model.keras")
    files = []
    for number, pixels in enumerate(sloping_pictures()):
        files.append(folder / f"{number}.png")
        Image.fromarray(pixels).save(files[-1])
    targets = tuple(folder / name for name in names)
    conversion = Conversion(model=folder / "model.keras", side_px=PX, pictures=tuple(files), targets=targets)
    return list(convert(conversion, NetworkReader()))


def test_a_format_is_tried_as_its_owner_will(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("ai_edge_litert")
    keras.utils.set_random_seed(0)
    network = settle(stages_and_mirror())
    asked, *written = converted(network, tmp_path, "model.onnx", "model.tflite", "model_float16.tflite")
    squares = np.random.default_rng(0).integers(0, 256, (5, PX, PX, 3), dtype=np.uint8)
    np.save(tmp_path / "squares.npy", squares)
    rows = (3, 1, 2)
    for each in written:
        assert each.error is None
        assert each.target is not None
        files = tuple(tmp_path / f"{number}.png" for number in range(3))
        scoring = Scoring(
            model=each.target,
            squares=tmp_path / "squares.npy",
            rows=rows,
            num_needed=2,
            pictures=files,
            answers=tmp_path / "answers.npy",
            seconds=60,
        )
        scored = score(scoring)
        assert scored.error is None
        np.testing.assert_allclose(scored.pictures, asked.answers, atol=1e-2)
        expected = np.asarray(network(squares[list(rows)], training=False))
        np.testing.assert_allclose(np.load(tmp_path / "answers.npy"), expected, atol=1e-2)
        each.target.write_bytes(each.target.read_bytes()[:200])
        assert score(scoring).error is not None
    assert [read_pixels(file).shape for file in files] == [picture.shape for picture in sloping_pictures()]
