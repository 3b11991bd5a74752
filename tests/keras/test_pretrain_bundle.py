"""The bundled backbone as users get it: no network, and worth more than chance."""

import hashlib
import socket
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from services.trainer.zoo.catalogue import BACKBONES, BUNDLED
from services.trainer.zoo.network import build
from services.trainer.zoo.sources.weights import Source, resolve

CARD = Path(__file__).parent.parent.parent / "docs" / "model_card_tiny.md"
MARGIN = 0.1
PER_CLASS = 12


def digits():
    """Twelve images of each of scikit-learn's digits, as pictures; the first four of each are learned from."""
    images, labels = load_digits(return_X_y=True)
    chosen = np.concatenate([np.flatnonzero(labels == label)[:PER_CLASS] for label in range(10)])
    pictures = [Image.fromarray((255 - 255 / 16 * image.reshape(8, 8)).astype(np.uint8)) for image in images[chosen]]
    enlarged = [picture.convert("RGB").resize((64, 64), Image.Resampling.BICUBIC) for picture in pictures]
    return np.stack([np.asarray(picture) for picture in enlarged]), labels[chosen]


def probed(weights, pictures, labels):
    features = build(BACKBONES[BUNDLED], weights).model.predict(pictures, batch_size=30, verbose=0)
    learned = np.tile(np.arange(PER_CLASS) < 4, 10)
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    return probe.fit(features[learned], labels[learned]).score(features[~learned], labels[~learned])


@pytest.fixture
def bundled(monkeypatch, tmp_path):
    def refuse(*_):
        raise OSError("the network is cut")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    ((backbone, weights),) = resolve([BUNDLED], mirror=None).usable
    assert backbone.name == BUNDLED
    assert weights.source is Source.BUNDLED
    return weights


def test_it_beats_a_random_start_on_digits_with_the_network_cut(bundled):
    pictures, labels = digits()
    keras.utils.set_random_seed(0)
    random_start = probed(None, pictures, labels)
    assert probed(bundled, pictures, labels) > random_start + MARGIN


def test_its_card_tells_of_this_very_file(bundled):
    held = bundled.path.read_bytes()
    assert len(held) <= 2.5e6
    card = CARD.read_text(encoding="utf-8")
    assert hashlib.sha256(held).hexdigest() in card
    assert f"{BACKBONES[BUNDLED].input_px} × {BACKBONES[BUNDLED].input_px} px" in card
