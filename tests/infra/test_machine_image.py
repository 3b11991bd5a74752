"""The boot image is built by recorded answers of gcloud: what it asks for; a failed build leaves no machine."""

import os
import shutil
import subprocess

import pytest

from tests.infra.configuration import read
from tests.infra.machine import IMAGE, ROOT
from tests.waiting import PATIENCE_S

BLOCKS = read(ROOT / "infra" / "terraform").blocks
GCLOUD = """\
echo "$*" >>"$CALLS"
case "$*" in
*"images describe convtailor-"*) [[ "$EXISTS" == yes ]] ;;
*describe-from-family*) echo common-cu129-ubuntu-2404-nvidia-580-v20261001 ;;
*get-guest-attributes*) [[ "$STATE" != silent ]] && echo "$STATE" ;;
*get-serial-port-output*) echo "E: Unable to locate package docker.io" ;;
esac
"""
pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")


def build(folder, **told):
    (folder / "bin").mkdir(exist_ok=True)
    for name, body in (("gcloud", GCLOUD), ("sleep", "")):
        (folder / "bin" / name).write_text(f"#!/bin/bash\n{body}\n")
        (folder / "bin" / name).chmod(0o755)
    calls = folder / "calls"
    environ = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "CALLS": str(calls), "STATE": "ready", "EXISTS": "no"}
    environ |= {"PROJECT": "p", "ZONE": "europe-west4-a", "RELEASE": "r1", "REGISTRY": "reg.example.org/p/convtailor"}
    command = ["bash", IMAGE / "build.sh"]
    done = subprocess.run(command, env=environ | told, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return done, calls.read_text().splitlines()


def test_image_is_named_by_its_release_and_tells_the_base_that_it_was_made_of(tmp_path):
    done, calls = build(tmp_path)
    assert (done.returncode, done.stdout) == (0, "convtailor-trainer-r1\n"), done.stderr
    [made] = [call for call in calls if call.startswith("compute images create")]
    assert "--source-disk-zone=europe-west4-a" in made
    assert "--description=deeplearning-platform-release/common-cu129-ubuntu-2404-nvidia-580-v20261001" in made
    [started] = [call for call in calls if " instances create " in f" {call}"]
    assert "--service-account=convtailor-machine@p.iam.gserviceaccount.com" in started
    assert "convtailor-image=reg.example.org/p/convtailor/trainer:r1" in started
    order = [call.split()[2] for call in calls if call.split()[1] == "instances" or "images create" in call]
    assert order[-3:] == ["stop", "create", "delete"], "a disk is copied while nobody writes to it, and nobody pays on"
    assert BLOCKS["data.google_compute_image.trainer"]["name"] == (
        '${coalesce(var.trainer_image, "${var.prefix}trainer-${var.release}")}'
    )


@pytest.mark.parametrize(("state", "said"), [("failed in line 32", "failed in line 32"), ("silent", "nothing")])
def test_a_machine_that_fails_or_stays_silent_is_deleted_shows_its_log_and_becomes_no_image(tmp_path, state, said):
    done, calls = build(tmp_path, STATE=state, PATIENCE_S="0" if state == "silent" else "60")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Unable to locate package" in done.stderr
    assert not [call for call in calls if "images create" in call]
    assert calls[-1].startswith("compute instances delete convtailor-trainer-r1-build")


def test_an_image_of_the_release_that_is_there_is_left_as_it_is(tmp_path):
    done, calls = build(tmp_path, EXISTS="yes")
    assert (done.returncode, done.stdout, len(calls)) == (0, "convtailor-trainer-r1\n", 1)


def test_without_gpus_it_stands_on_plain_ubuntu_and_without_addresses_it_asks_for_none(tmp_path):
    _, calls = build(tmp_path, GPUS="0", ADDRESS="none")
    [started] = [call for call in calls if " instances create " in f" {call}"]
    assert "--image-project=ubuntu-os-cloud" in started
    assert " --no-address " in started
