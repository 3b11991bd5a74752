"""Where Keras's publishers keep the weights of a network without its top, and what the file is called."""

BASE_URL = "https://storage.googleapis.com/tensorflow/keras-applications/"
KERNELS = "weights_tf_dim_ordering_tf_kernels"


def kernels_file(network: str) -> str:
    """Return the name under which most networks' weights are published.

    Args:
        network: Such as ``resnet50``.
    """
    return f"{network}_{KERNELS}_notop.h5"
