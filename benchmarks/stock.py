"""The stock Keras way, as tutorials teach it: the frozen base runs in the loop every epoch, then the last block too.

A program of its own, so that it pays for its imports as anybody's script would. Images are decoded once and cached in
memory, which is kinder to it than most tutorials are.
Source: the Keras guide "Transfer learning & fine-tuning".
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

STARTED = time.perf_counter()


def main() -> None:
    """Train, fine-tune and test; print seconds and accuracies as one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", type=Path, help="JSON: images by split, classes, candidates, epochs, tune_epochs, seed")
    plan = json.loads(parser.parse_args().plan.read_text())
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(plan["seed"])
    imported = time.perf_counter()
    screened = [_screen(tf, keras, plan, candidate) for candidate in plan["candidates"]]
    screened_at = time.perf_counter()
    report: dict[str, Any] = {"imports_s": imported - STARTED, "screen_s": screened_at - imported}
    if plan["tune_epochs"]:
        winner = max(screened, key=lambda each: float(each["val_accuracy"]))
        report |= _tune(tf, keras, plan, winner)
        report["tune_s"] = time.perf_counter() - screened_at
    report["total_s"] = time.perf_counter() - STARTED
    json.dump(report, sys.stdout)


def _images(tf: Any, plan: dict[str, Any], split: str, px: int) -> Any:
    """Return a cached, batched data set of one split."""
    paths, labels = zip(*plan["splits"][split], strict=True)

    def load(path: Any, label: Any) -> Any:
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        return tf.image.resize(image, (px, px)), label

    images = tf.data.Dataset.from_tensor_slices((list(paths), list(labels))).map(load, tf.data.AUTOTUNE).cache()
    images = images.shuffle(len(paths), seed=plan["seed"]) if split == "train" else images
    return images.batch(32).prefetch(tf.data.AUTOTUNE)


def _screen(tf: Any, keras: Any, plan: dict[str, Any], candidate: dict[str, Any]) -> dict[str, Any]:
    """Train a head on a frozen base."""
    px = candidate["input_px"]
    base = getattr(keras.applications, candidate["constructor"])(
        include_top=False, weights=None, input_shape=(px, px, 3), **candidate["arguments"]
    )
    base.load_weights(candidate["weights"])
    base.trainable = False
    inputs = keras.Input((px, px, 3))
    features = base(keras.layers.Rescaling(1 / 127.5, -1)(inputs), training=False)
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    outputs = keras.layers.Dense(len(plan["classes"]), activation="softmax")(pooled)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        _images(tf, plan, "train", px),
        validation_data=_images(tf, plan, "validation", px),
        epochs=plan["epochs"],
        verbose=0,
    ).history
    return {"candidate": candidate, "model": model, "base": base, "val_accuracy": max(history["val_accuracy"])}


def _tune(tf: Any, keras: Any, plan: dict[str, Any], winner: dict[str, Any]) -> dict[str, Any]:
    """Unfreeze the winner's last block, train on at a low rate, and read the test split."""
    model, base, candidate = winner["model"], winner["base"], winner["candidate"]
    base.trainable = True
    names = [layer.name for layer in base.layers]
    for layer in base.layers[: names.index(candidate["cut_layer"])]:
        layer.trainable = False
    model.compile(keras.optimizers.Adam(1e-5), "sparse_categorical_crossentropy", metrics=["accuracy"])
    px = candidate["input_px"]
    model.fit(
        _images(tf, plan, "train", px),
        validation_data=_images(tf, plan, "validation", px),
        epochs=plan["tune_epochs"],
        verbose=0,
    )
    model.save(Path(plan["directory"]) / "stock.keras")
    _, accuracy = model.evaluate(_images(tf, plan, "test", px), verbose=0)
    return {"winner": candidate["name"], "test_accuracy": float(accuracy)}


if __name__ == "__main__":
    main()
