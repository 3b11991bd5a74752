import importlib

import keras
import numpy as np
import pytest

from services.trainer.data.resampling import resize
from services.trainer.export.formats.squares_model import from_squares
from services.trainer.export.keras_file.portable import without_newer
from services.trainer.export.runtimes import read_onnx
from services.trainer.zoo.catalogue import BACKBONES
from services.trainer.zoo.head import Head
from services.trainer.zoo.network import build, complete
from services.trainer.zoo.sources.weights import Source, WeightsFile
from tests.keras_settings import newer_settings
from tests.zoo_fixture import ONE_OF_EACH, sloping_pictures, untrained_head

MODULES = {
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    "VGG16": "vgg16",
    "MobileNetV3Small": "mobilenet_v3",
    "EfficientNetB0": "efficientnet",
    "ResNet50V2": "resnet_v2",
    "InceptionV3": "inception_v3",
    "InceptionResNetV2": "inception_resnet_v2",
    "Xception": "xception",
    "ResNet50": "resnet50",
    "DenseNet121": "densenet",
    "EfficientNetV2B0": "efficientnet_v2",
    "ConvNeXtTiny": "convnext",
    "NASNetMobile": "nasnet",
}
HEAVY = {"inception_resnet_v2", "nasnet_mobile"}
PUBLIC = {each for each in vars(keras.layers).values() if isinstance(each, type)} | {keras.Sequential}
LAYER_SCALES = {"convnext_tiny": 3 * 96 + 3 * 192 + 9 * 384 + 3 * 768}
"""Numbers that went into the weights of the layers before them."""
STANDARDS = {"efficientnet_b0": 7}
"""Numbers that are part of the layer afterwards."""


def original_of(name: str) -> keras.Model:
    """The network of ``keras.applications`` as it is, with random weights."""
    row = BACKBONES[name]
    keras.utils.clear_session(free_memory=False)
    shape = (row.input_px, row.input_px, 3)
    constructor = getattr(keras.applications, row.constructor)
    model = constructor(include_top=False, weights=None, input_shape=shape, pooling="avg", **row.arguments)
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if type(layer).__name__ == "LayerScale":  # starts so small that leaving it out would not show
            layer.gamma.assign(generator.uniform(0.2, 0.6, layer.gamma.shape))
        if isinstance(layer, keras.layers.Normalization) and layer.weights:  # as in the published file
            layer.adapt_mean.assign([0.485, 0.456, 0.406])
            layer.adapt_variance.assign([0.229**2, 0.224**2, 0.225**2])
            layer.finalize_state()
    return model


def published(row, model: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """What the network of ``keras.applications`` gives with weights that it downloaded itself."""
    preprocess = importlib.import_module(f"keras.applications.{MODULES[row.constructor]}").preprocess_input
    values = preprocess(pixels.astype(np.float32))
    if not row.constructor.startswith("EfficientNetB"):
        return np.asarray(model(values, training=False))
    standardised = model.get_layer("normalization").output
    first = keras.Model(model.input, standardised)(values)
    rest = keras.Model(standardised, model.output)
    return np.asarray(rest(np.asarray(first) / np.sqrt([0.229, 0.224, 0.225]).astype(np.float32), training=False))


def count(variables) -> int:
    return sum(int(np.prod(variable.shape)) for variable in variables)


def assert_fits_row(network) -> None:
    row = network.backbone
    folded = LAYER_SCALES.get(row.name, 0) + STANDARDS.get(row.name, 0)
    assert network.model.count_params() == row.parameters - folded
    assert network.model.output_shape == (None, row.feature_width)
    assert network.model.get_layer(row.cut_layer) in network.tail_layers
    assert 0 < count(network.tail_variables) < 0.55 * row.parameters
    assert {type(each) for each in network.model.operations} <= PUBLIC


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] if name in HEAVY else []) for name in ONE_OF_EACH],
)
def both(request, tmp_path_factory):
    """A published network and what is made of its weights, which takes seconds."""
    original = original_of(request.param)
    path = tmp_path_factory.mktemp("weights") / "weights.h5"
    original.save(path)
    network = build(BACKBONES[request.param], WeightsFile.read(path, Source.MIRROR))
    path.unlink()
    return original, network


def test_raw_pixels_give_what_the_published_network_gives_for_preprocessed_ones(both):
    original, network = both
    row = network.backbone
    pixels = np.random.default_rng(1).integers(0, 256, (1, row.input_px, row.input_px, 3), dtype=np.uint8)

    features = np.asarray(network.model(pixels, training=False))
    halves = np.asarray(network.tail(network.trunk(pixels.astype(np.float32), training=False), training=False))

    expected = published(row, original, pixels)
    np.testing.assert_allclose(features, expected, atol=1e-5 * np.abs(expected).max(), rtol=1e-3)
    np.testing.assert_array_equal(halves, features)
    assert_fits_row(network)
    configuration = without_newer(keras.saving.serialize_keras_object(network.model))
    assert list(newer_settings(configuration)) == []  # else older Keras could not read what is delivered


@pytest.fixture(scope="module")
def squares(both):
    """The same with a last layer, from behind its resize on."""
    network = both[1]
    row = network.backbone
    kernel = np.random.default_rng(0).normal(0, 1, (row.feature_width, 3)).astype(np.float32)
    return from_squares(complete(network, Head(kernel=kernel, bias=np.zeros(3, np.float32))), row.input_px)


@pytest.fixture(scope="module")
def square_and_answer(squares):
    (picture,) = sloping_pictures(1)
    square = resize(picture, squares.side_px)
    return square, np.asarray(squares.model(square[None], training=False)[0])[0]


def test_its_onnx_file_answers_as_it_does(squares, square_and_answer, tmp_path):
    pytest.importorskip("onnxruntime")
    writer = pytest.importorskip("services.trainer.export.formats.onnx.writer")
    writer.write_onnx(squares, tmp_path / "model.onnx")
    square, expected = square_and_answer
    answer = read_onnx(tmp_path / "model.onnx").look(square[None]).probabilities[0]
    np.testing.assert_allclose(answer, expected, atol=1e-3)


def test_its_program_for_core_ml_computes_what_it_does(squares, square_and_answer):
    writer = pytest.importorskip("services.trainer.export.formats.coreml.writer", reason="coremltools is not installed")
    interpreter = pytest.importorskip("tests.mil_interpreter")
    square, expected = square_and_answer
    answer = interpreter.run(writer.program_of(squares), {"image": square[None]})["probabilities"][0]
    np.testing.assert_allclose(answer, expected, atol=1e-3)


def test_three_classes_on_mobilenet_have_the_reference_numbers_of_parameters():
    model = complete(build(BACKBONES["mobilenet"], None), untrained_head(1024, 3))

    assert model.count_params() == 3_231_939
    assert count(model.trainable_variables) == 1_053_699
    assert count(model.non_trainable_variables) == 2_178_240


def test_head_tail_and_temperature_end_up_in_the_assembled_network():
    row = BACKBONES["mobilenet_0.25"]
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (3, row.input_px, row.input_px, 3), dtype=np.uint8)
    head = Head(kernel=generator.normal(0, 1, (256, 3)).astype(np.float32), bias=np.ones(3, np.float32))
    keras.utils.set_random_seed(1)
    network = build(row, None)
    changed = tuple(value + 0.1 for value in network.read_tail())

    keras.utils.set_random_seed(1)
    model = complete(build(row, None), head, tail_weights=changed, temperature=2.5)

    network.load_tail(changed)
    scores = head.logits(np.asarray(network.model(pixels, training=False))) / 2.5
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.asarray(model(pixels, training=False)), expected, atol=1e-5)


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    original = original_of("mobilenet_0.25")
    original.get_layer("conv_pw_3").set_weights([np.full((1, 1, 32, 32), np.nan)])
    original.save(tmp_path / "weights.h5")

    with pytest.raises(ValueError, match="no numbers"):
        build(BACKBONES["mobilenet_0.25"], WeightsFile.read(tmp_path / "weights.h5", Source.MIRROR))
