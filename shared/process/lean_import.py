"""Imports that leave out what a library would use if it were installed, and what this process has no use for."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_packages(*names: str) -> Iterator[None]:
    """Have whatever is imported within find these packages missing, unless they are there already.

    Keras imports matplotlib where it finds it, for galleries of pictures: a sixth of what importing Keras takes.

    Args:
        names: Of packages that the library can do without.
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # what Python takes for "not to be found"
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
