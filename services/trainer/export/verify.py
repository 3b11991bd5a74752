"""The second opinion on an export: a fresh process that loads a file with plain Keras and scores kept pictures.

``python -m services.trainer.export.verify`` imports Keras at once, then answers every :class:`Request`, a line of
JSON on standard input, with a :class:`ExportCheck` on standard output. Started while training still runs, its imports
cost nobody any time.
"""

import json
import os
import sys

from services.trainer.export.check import Request
from shared.json_codec import from_json, to_json
from shared.process.parent_death import die_with_starter, ignore_interrupts, take_standard_output


def main() -> None:
    """Answer requests until standard input ends."""
    ignore_interrupts()
    die_with_starter()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # memory of the accelerator is the training's; a second device is a test
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    answers = take_standard_output()
    from services.trainer.export.rescore import rescore  # noqa: PLC0415 - imports TensorFlow

    for line in sys.stdin.buffer:
        answers.write(json.dumps(to_json(rescore(from_json(Request, json.loads(line))))).encode() + b"\n")


if __name__ == "__main__":
    main()
