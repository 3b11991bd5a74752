"""The trainer's machine: its scripts run here, with stand-ins for the programs that they call."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKER = ROOT / "infra" / "worker"
SCRIPTS = sorted(path.name for path in WORKER.glob("*.sh"))
UNITS = sorted(path.name for path in WORKER.iterdir() if path.suffix in (".service", ".socket"))
needs_bash = pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
METADATA = {
    "attributes/convtailor-image": "registry.example.org/project/convtailor/trainer:r1",
    "attributes/convtailor-gpus": "2",
    "attributes/created-by": "projects/1/zones/europe-west4-a/instanceGroupManagers/convtailor-trainer",
    "zone": "projects/1/zones/europe-west4-a",
    "name": "convtailor-trainer-x1",
    "preempted": "FALSE",
}


class Machine:
    """A folder that scripts take for a machine, and what they did to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metadata = METADATA | {f"attributes/{name}": f"({name})" for name in attributes()}
        self.answers: dict[str, str] = {}
        for name in ("etc/systemd/system", "run", "var/lib", "bin"):
            (folder / name).mkdir(parents=True)

    def run(self, script: str, **more) -> subprocess.CompletedProcess:
        for name in ("systemctl", "gcloud", "docker", "nvidia-smi", "sleep"):
            self._stand_in(name, self.answers.get(name, ""))
        self._stand_in("install", 'for each; do [[ $each == -* ]] || mkdir -p "$each"; done')
        known = "\n".join(f"*/{name}) printf '%s' {json.dumps(text)};;" for name, text in self.metadata.items())
        self._stand_in("curl", f'case "${{@: -1}}" in\n{known}\n*) exit 22;;\nesac')
        text = re.sub(
            r"(?<![\w.])/(etc|run|var)/", rf"{self.folder}/\1/", (WORKER / script).read_text(encoding="utf-8")
        )
        copy = self.folder / script
        copy.write_text(text, encoding="utf-8")
        environ = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        return subprocess.run(
            ["bash", copy], env=environ, capture_output=True, text=True, timeout=30, check=False, **more
        )

    def _stand_in(self, name: str, body: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>{self.folder}/calls\n{body}\n', encoding="utf-8")
        path.chmod(0o755)

    def calls(self, program: str) -> list[str]:
        path = self.folder / "calls"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [line for line in lines if line.startswith(f"{program} ")]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def attributes() -> list[str]:
    """Return the attributes that startup.sh lays out as files."""
    return re.findall(r"^place (\S+)", (WORKER / "startup.sh").read_text(encoding="utf-8"), re.MULTILINE)


@needs_bash
@pytest.mark.parametrize("script", SCRIPTS)
def test_script_is_bash_and_stops_at_the_first_fault(script):
    text = (WORKER / script).read_text(encoding="utf-8")
    assert text.startswith("#!/bin/bash\n")
    assert "\nset -euo pipefail\n" in text
    assert subprocess.run(["bash", "-n", WORKER / script], check=False).returncode == 0


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="needs shellcheck")
@pytest.mark.parametrize("script", SCRIPTS)
def test_script_passes_shellcheck(script):
    done = subprocess.run(["shellcheck", WORKER / script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_units_are_what_systemd_takes(tmp_path):
    for name in UNITS:
        text = (WORKER / name).read_text(encoding="utf-8")
        # Neither Docker nor the scripts need be on the machine that runs this test.
        stubbed = re.sub(r"^(Exec\w+=-?)\S+", r"\1/bin/true", text, flags=re.MULTILINE)
        without_docker = re.sub(r"^(Requires|After)=docker.*\n", "", stubbed, flags=re.MULTILINE)
        (tmp_path / name).write_text(without_docker, encoding="utf-8")
    instances = [tmp_path / name.replace("@.", "@0.") for name in UNITS]
    for instance in instances:
        if "@0." in instance.name:
            instance.symlink_to(tmp_path / instance.name.replace("@0.", "@."))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *instances], capture_output=True, text=True, timeout=60, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "convtailor" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


@needs_bash
def test_start_lays_out_every_file_and_starts_one_worker_for_each_gpu(machine):
    machine.answers["nvidia-smi"] = "printf 'GPU 0\\nGPU 1\\n'"
    for _ in range(2):  # the second time as after a reboot
        done = machine.run("startup.sh")
        assert done.returncode == 0, done.stderr
    placed = {path.relative_to(machine.folder).as_posix(): path for path in (machine.folder / "etc").rglob("*.*")}
    units = {f"etc/systemd/system/{name}" for name in UNITS}
    ours = {f"etc/convtailor/{name}" for name in ("worker.env", "retire.sh", "health.sh")}
    confs = {f"etc/convtailor/worker-{number}.conf" for number in (0, 1)}
    assert set(placed) - {"etc/systemd/system"} == units | ours | confs
    assert placed["etc/convtailor/worker.env"].read_text() == "(convtailor-environment)"
    assert placed["etc/convtailor/worker.env"].stat().st_mode & 0o777 == 0o600
    assert placed["etc/convtailor/retire.sh"].stat().st_mode & 0o777 == 0o755
    image = METADATA["attributes/convtailor-image"]
    assert placed["etc/convtailor/worker-1.conf"].read_text() == f"IMAGE={image}\nGPU_FLAGS=--gpus device=1\n"
    assert f"docker pull --quiet {image}" in machine.calls("docker")
    assert "gcloud auth configure-docker registry.example.org --quiet" in machine.calls("gcloud")
    started = [line.split()[-1] for line in machine.calls("systemctl") if " start " in line]
    workers = ["convtailor-trainer@0.service", "convtailor-trainer@1.service"]
    assert started == ["convtailor-health.socket", *workers] * 2


@needs_bash
def test_start_without_gpus_makes_one_worker_on_the_cpu_and_waits_for_no_driver(machine):
    machine.metadata["attributes/convtailor-gpus"] = "0"
    assert machine.run("startup.sh").returncode == 0
    assert machine.calls("nvidia-smi") == []
    [conf] = (machine.folder / "etc" / "convtailor").glob("worker-*.conf")
    assert conf.read_text().endswith("\nGPU_FLAGS=\n")


@needs_bash
def test_start_that_cannot_pull_the_image_leaves_the_machine_unwell(machine):
    machine.answers |= {"docker": "exit 1", "nvidia-smi": "echo GPU 0"}
    assert machine.run("startup.sh").returncode == 1
    assert len(machine.calls("docker")) == 5
    assert " 503 " in machine.run("health.sh", input="GET / HTTP/1.1\r\n\r\n").stdout


@needs_bash
@pytest.mark.parametrize(
    ("units", "status"), [("", "200"), ("convtailor-trainer@0.service loaded failed failed", "503")]
)
def test_health_is_bad_once_a_worker_has_failed_for_good(machine, units, status):
    (machine.folder / "etc" / "convtailor").mkdir()
    (machine.folder / "etc" / "convtailor" / "worker-0.conf").touch()
    machine.answers["systemctl"] = f"echo '{units}' | sed '/^$/d'"
    answer = machine.run("health.sh", input="GET / HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").stdout
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert answer.endswith("\n\n")


@needs_bash
def test_idle_machine_asks_its_own_group_to_delete_it(machine):
    assert machine.run("retire.sh").returncode == 0
    [call] = machine.calls("gcloud")
    assert call.removeprefix("gcloud compute instance-groups managed delete-instances ").split() == [
        "convtailor-trainer",
        "--zone=europe-west4-a",
        "--instances=convtailor-trainer-x1",
        "--quiet",
    ]


@needs_bash
@pytest.mark.parametrize("reason", ["busy", "failed", "stopping", "preempted"])
def test_machine_stays_while_a_worker_works_or_failed_or_it_is_going_anyway(machine, reason):
    if reason in ("busy", "failed"):
        state = {"busy": "active running", "failed": "failed failed"}[reason]
        machine.answers["systemctl"] = f"echo 'convtailor-trainer@1.service loaded {state}'"
    if reason == "stopping":
        assert machine.run("shutdown.sh").returncode == 0
        assert machine.calls("systemctl") == ["systemctl stop convtailor-trainer@*.service"]
    if reason == "preempted":
        machine.metadata["preempted"] = "TRUE"
    assert machine.run("retire.sh").returncode == 0
    assert machine.calls("gcloud") == []


def test_worker_is_stopped_within_the_notice_of_a_spot_machine_and_retires_only_by_success():
    unit = (WORKER / "convtailor-trainer@.service").read_text(encoding="utf-8")
    wait_s = int(re.search(r"docker stop --time (\d+)", unit)[1])
    assert wait_s < int(re.search(r"TimeoutStopSec=(\d+)", unit)[1]) < 30
    assert "OnSuccess=convtailor-retire.service" in unit
    assert "Restart=on-failure" in unit


def test_worker_does_not_start_again_after_the_exit_codes_that_no_restart_mends():
    from services.trainer.__main__ import NO_GPU  # noqa: PLC0415 - beside its only use

    unit = (WORKER / "convtailor-trainer@.service").read_text(encoding="utf-8")
    assert re.search(r"^RestartPreventExitStatus=(.*)$", unit, re.MULTILINE)[1].split() == ["2", str(NO_GPU)]


def test_start_asks_for_just_the_attributes_that_the_instance_template_gives():
    template = (ROOT / "infra" / "terraform" / "trainer.tf").read_text(encoding="utf-8")
    given = set(re.findall(r"^    (convtailor-\S+) +=", template, re.MULTILINE))
    assert given == {*attributes(), "convtailor-image", "convtailor-gpus"}
    handed = set(re.findall(r'file\("\$\{path\.module\}/\.\./worker/([^"]+)"', template))
    assert handed == {*SCRIPTS, *UNITS}


def test_health_port_is_the_one_that_the_firewall_lets_through():
    [port] = re.findall(r"ListenStream=(\d+)", (WORKER / "convtailor-health.socket").read_text(encoding="utf-8"))
    template = (ROOT / "infra" / "terraform" / "trainer.tf").read_text(encoding="utf-8")
    assert re.search(r'health_port += "(\d+)"', template)[1] == port
