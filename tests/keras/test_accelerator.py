"""TensorFlow's settings are what they were once a block that changed them is left, however it is left."""

import pytest
import tensorflow as tf

from services.trainer.run.accelerator import as_traced

pytestmark = pytest.mark.usefixtures("preloaded")


def is_optimised() -> bool:
    return not tf.config.optimizer.get_experimental_options()["disable_meta_optimizer"]


def left_by_an_error() -> None:
    with as_traced():
        assert not is_optimised()
        raise ValueError("anything")


def test_graphs_are_optimised_but_for_those_that_few_images_go_through() -> None:
    assert is_optimised()
    with pytest.raises(ValueError, match="anything"):
        left_by_an_error()
    assert is_optimised()
