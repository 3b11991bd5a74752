"""The second opinion on an export: a fresh process that loads a file with plain Keras and scores kept pictures.

``python -m services.trainer.export.verify`` imports Keras at once, then answers every line of JSON on its standard
input. ``{"Request": …}`` is answered by one check, see :mod:`services.trainer.export.check`; ``{"Conversion": …}``, to
which it turns when everything is verified, by a line for every file, see :mod:`services.trainer.export.formats.order`.
Started while training still runs, its imports cost nobody any time.
"""

import gc
import json
import os

from services.trainer.export.check import ExportCheck, Request
from services.trainer.export.formats.order import Conversion, Converted
from shared.json_codec import from_json, to_json
from shared.process.lean_import import without_packages
from shared.process.memory_limit import spare_the_machine
from shared.process.starter import Starter


def main() -> None:
    """Answer requests as long as whoever asks lives."""
    spare_the_machine()
    starter = Starter()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # memory of the accelerator is the training's; a second device is a test
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with without_packages("matplotlib"):
        from services.trainer.export.formats.convert import convert  # noqa: PLC0415 - imports TensorFlow
        from services.trainer.export.keras_file.opened_network import NetworkReader  # noqa: PLC0415 - likewise
        from services.trainer.export.rescore import rescore  # noqa: PLC0415 - likewise

    gc.freeze()  # what TensorFlow made at its import stays: every look for garbage would go through it
    reader = NetworkReader()
    while True:
        heard = json.loads(starter.hear())
        if "Conversion" in heard:
            for converted in convert(from_json(Conversion, heard["Conversion"]), reader):
                _say(starter, converted)
        else:
            _say(starter, rescore(from_json(Request, heard["Request"]), reader))


def _say(starter: Starter, answer: ExportCheck | Converted) -> None:
    starter.say(json.dumps(to_json(answer)).encode() + b"\n")


if __name__ == "__main__":
    main()
