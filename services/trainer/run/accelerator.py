"""TensorFlow's side of the device: which GPUs it can use, and starting it."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from services.trainer.run.device import Card, Device, num_cores


def set_up(threads: int) -> None:
    """Start TensorFlow.

    Args:
        threads: That training may use; 0: one for every core.
    """
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    keras.ops.convert_to_numpy(keras.ops.ones(1) + 1)


@contextmanager
def as_traced() -> Iterator[None]:
    """Have functions that are called in here run as they were traced.

    For few images that is quicker: TensorFlow otherwise optimises a graph before its first call. What that takes, and
    what it saves, ``python -m benchmarks delivery-price`` tells.
    """
    known = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options(known)


def find_device(*, may_mix: bool) -> Device:
    """Return what TensorFlow trains on; a GPU whose libraries it cannot load is none.

    Args:
        may_mix: Whether the operator allows mixed precision.
    """
    cards = tuple(_card(each) for each in tf.config.list_physical_devices("GPU"))
    return Device(cards=cards, num_cores=num_cores(), may_mix=may_mix)


def _card(physical: tf.config.PhysicalDevice) -> Card:
    details = tf.config.experimental.get_device_details(physical)
    capability = details.get("compute_capability")
    return Card(
        name=str(details.get("device_name", "GPU")),
        compute_capability=None if capability is None else (int(capability[0]), int(capability[1])),
    )
