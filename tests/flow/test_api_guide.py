"""docs/api.md does what it says: its commands are run, its tables are compared with the code."""

import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.intake.api.description.operations import OPERATIONS
from services.intake.api.error_code import OWN_ERRORS
from services.intake.settings import IntakeSettings
from shared.backends import open_backends
from shared.clock import utc_now
from shared.job.events import Topic, decode
from shared.job.job import Artefacts, JobState, advance
from shared.job.options import JobOptions
from tests.intake_fixture import small_archive
from tests.intake_process import IntakeProcess
from tests.waiting import PATIENCE_S, until

GUIDE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
needs_curl = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")


def rows() -> list[list[str]]:
    return [re.split(r" *\| *", line.strip("| \n")) for line in GUIDE.splitlines() if line.startswith("|")]


def test_guide_names_every_route_option_and_code():
    routes = {route for row in rows() for route in re.findall(r"`((?:DELETE|GET|POST|PUT) /[^`]*)`", row[0])}
    assert routes == {f"{each.method.upper()} {each.path}" for each in OPERATIONS}
    defaults = {row[0].strip("`"): row[2].strip("`").replace(",", "") for row in rows() if len(row) == 3}
    options = JobOptions()
    told = {name: getattr(options, name) for name in JobOptions.__dataclass_fields__} | {"candidates": "auto"}
    assert {name: default for name, default in defaults.items() if name != "option" and "-" not in name} == {
        name: str(int(value) if isinstance(value, float) else value).lower() for name, value in told.items()
    }
    codes = {(int(row[0]), code) for row in rows() if row[0].isdigit() for code in re.findall(r"`([a-z_]+)`", row[1])}
    assert codes == OWN_ERRORS.known()


def train(intake: IntakeProcess) -> None:
    """Do what trainer and reporter do, in short."""
    backends = open_backends(IntakeSettings(data_dir=intake.data_dir, public_url=intake.url))
    [delivery] = until(lambda: backends.event_bus.pull(Topic.JOBS, lease=timedelta(minutes=1)))
    stored = backends.job_store.get(decode(delivery.data).job_id)
    kept = {name: f"jobs/{name}" for name in Artefacts.__dataclass_fields__}
    for name, key in kept.items():
        backends.object_store.put(key, io.BytesIO(name.encode()), content_type="text/plain")
    job = stored.job
    for state in (JobState.TRAINING, JobState.REPORTING, JobState.DONE):
        job = advance(job, state, utc_now())
    backends.job_store.replace(stored, replace(job, artefacts=Artefacts(**kept), mailed_at=utc_now()))


@needs_curl
def test_commands_of_the_guide_work(tmp_path):
    intake = IntakeProcess(tmp_path).start()
    try:
        here = tmp_path / "here"
        here.mkdir()
        (here / "photos.zip").write_bytes(small_archive())
        script = "set -euo pipefail\n" + "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, flags=re.DOTALL))
        command = ["bash", "-c", script]
        environ = {"PATH": "/usr/bin:/bin:/usr/local/bin", "CONVTAILOR": intake.url}
        with subprocess.Popen(command, cwd=here, env=environ, stdout=subprocess.PIPE, text=True) as shell:
            train(intake)
            output, _ = shell.communicate(timeout=PATIENCE_S)
        assert shell.returncode == 0
        ended, link, _retrained = output.splitlines()[-3:]
        assert ended == '"job_already_ended"'
        assert link.startswith(f"{intake.url}/v1/objects/"), "a link to pass on"
        job = json.loads((here / "job.json").read_text())
        assert intake.status(job)["options"]["epochs"] == 10
        fetched = {path.name: path.read_text() for path in here.iterdir() if path.suffix != ".zip"}
        del fetched["job.json"]
        assert (here / "model.zip").read_text() == "model_zip"
        assert (here / "model.mlpackage.zip").read_text() == "model_coreml"
        assert fetched == {
            "model.h5": "model_h5",
            "model.keras": "model_keras",
            "model.onnx": "model_onnx",
            "model.tflite": "model_tflite",
            "model_float16.tflite": "model_tflite_float16",
            "report.html": "report",
            "result.json": "result",
            "labels.txt": "labels",
            "predict.py": "predict",
            "strangers.json": "strangers",
        }
    finally:
        intake.kill()
