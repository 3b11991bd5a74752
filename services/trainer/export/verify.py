"""The second opinion on an export: a fresh process that loads a file with plain Keras and scores kept pictures.

``python -m services.trainer.export.verify`` imports Keras at once, then answers every request, a line of JSON on its
standard input, with a check on standard output; see :mod:`services.trainer.export.check`. Started while training still
runs, its imports cost nobody any time.
"""

import json
import os

from services.trainer.export.check import Request
from shared.json_codec import from_json, to_json
from shared.process.memory_limit import spare_the_machine
from shared.process.starter import Starter


def main() -> None:
    """Answer requests as long as whoever asks lives."""
    spare_the_machine()
    starter = Starter()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # memory of the accelerator is the training's; a second device is a test
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from services.trainer.export.rescore import rescore  # noqa: PLC0415 - imports TensorFlow

    while True:
        check = rescore(from_json(Request, json.loads(starter.hear())))
        starter.say(json.dumps(to_json(check)).encode() + b"\n")


if __name__ == "__main__":
    main()
