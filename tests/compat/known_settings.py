"""Run by an older Keras: ``python known_settings.py CLASS…`` prints which settings each class takes, as JSON."""

import inspect
import json
import sys

import keras


def known(class_name):
    """Return what may be given to a class: its own settings, and its parents' where it hands them on."""
    kind, names = getattr(keras.layers, class_name, None) or getattr(keras.initializers, class_name), set()
    for each in kind.__mro__:
        if "__init__" in vars(each):
            parameters = inspect.signature(each.__init__).parameters.values()
            names |= {parameter.name for parameter in parameters}
            if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
                break
    return sorted(names)


print(json.dumps({name: known(name) for name in sys.argv[1:]}))
