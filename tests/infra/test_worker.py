"""The trainer's machine: its scripts run here, with stand-ins for the programs that they call."""

import http.client
import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from runpy import run_path

import pytest

from tests.infra.machine import IMAGE, METADATA, ROOT, WORKER, Machine, attributes
from tests.waiting import PATIENCE_S

SCRIPTS = sorted(path.name for path in WORKER.glob("*.sh"))
UNITS = sorted(path.name for path in WORKER.iterdir() if path.suffix in (".service", ".socket"))
needs_bash = pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")


@pytest.fixture
def machine(tmp_path):
    made = Machine.of_built_image(tmp_path)
    made.metadata |= {f"attributes/{name}": f"({name})" for name in attributes()}
    return made


def run(machine: Machine, script: str, **more):
    return machine.run(WORKER / script, **more)


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
        ["systemd-analyze", "verify", "--man=no", *instances],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "convtailor" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


@needs_bash
def test_start_lays_out_every_file_and_starts_one_worker_for_each_gpu(machine):
    machine.answers["nvidia-smi"] = "printf 'GPU 0\\nGPU 1\\n'"
    for _ in range(2):  # the second time as after a reboot
        done = run(machine, "startup.sh")
        assert done.returncode == 0, done.stderr
    placed = {path.relative_to(machine.folder).as_posix(): path for path in (machine.folder / "etc").rglob("*.*")}
    units = {f"etc/systemd/system/{name}" for name in UNITS}
    names = ("worker.env", "retire.sh", "health.sh", "identity.py", "identity.conf")
    ours = {f"etc/convtailor/{name}" for name in names}
    confs = {f"etc/convtailor/worker-{number}.conf" for number in (0, 1)}
    assert set(placed) - {"etc/systemd/system", "etc/docker/daemon.json"} == units | ours | confs
    assert placed["etc/convtailor/worker.env"].read_text() == "(convtailor-environment)"
    assert placed["etc/convtailor/worker.env"].stat().st_mode & 0o777 == 0o600
    assert placed["etc/convtailor/retire.sh"].stat().st_mode & 0o777 == 0o755
    image = METADATA["attributes/convtailor-image"]
    assert placed["etc/convtailor/worker-1.conf"].read_text() == f"IMAGE={image}\nGPU_FLAGS=--gpus device=1\n"
    assert not [line for line in machine.calls("docker") if " pull " in line], "the boot image holds this release"
    started = [line.split()[-1] for line in machine.calls("systemctl") if "start " in line]
    workers = ["convtailor-trainer@0.service", "convtailor-trainer@1.service"]
    early = ["convtailor-health.socket", "docker.service", "convtailor-identity.service"]
    assert started == [*early, *workers] * 2


@needs_bash
def test_start_keeps_containers_from_the_machines_own_token_once_however_often_it_runs(machine):
    machine.metadata["attributes/convtailor-gpus"] = "0"
    for _ in range(2):
        assert run(machine, "startup.sh").returncode == 0
    [rule] = (machine.folder / "state" / "rules").read_text().splitlines()
    to_metadata = "--in-interface convtailor0 --destination 169.254.0.0/16 --protocol tcp ! --destination-port 53"
    assert rule == f"DOCKER-USER {to_metadata} --jump REJECT"
    [made] = [line for line in machine.calls("docker") if line.startswith("docker network create")]
    assert "bridge.name=convtailor0" in made
    unit = (WORKER / "convtailor-trainer@.service").read_text(encoding="utf-8")
    gateway = re.search(r"--gateway=(\S+)", made)[1]
    assert "--network convtailor " in unit
    assert set(re.findall(r"[=/](10\.[\d.]+):8089", unit)) == {gateway}
    assert f'"ADDRESS", "{gateway}"' in (WORKER / "identity.py").read_text(encoding="utf-8")


@needs_bash
def test_start_without_gpus_makes_one_worker_on_the_cpu_and_waits_for_no_driver(machine):
    machine.metadata["attributes/convtailor-gpus"] = "0"
    (machine.folder / "etc" / "docker" / "daemon.json").unlink()
    done = run(machine, "startup.sh")
    assert done.returncode == 0, done.stderr
    assert machine.calls("nvidia-smi") == []
    [conf] = (machine.folder / "etc" / "convtailor").glob("worker-*.conf")
    assert conf.read_text().endswith("\nGPU_FLAGS=\n")


@needs_bash
def test_start_with_an_image_of_another_release_pulls_the_container_by_the_machines_account(tmp_path):
    machine = Machine.of_built_image(tmp_path, holds=None)
    machine.metadata |= {f"attributes/{name}": f"({name})" for name in attributes()}
    machine.metadata["attributes/convtailor-gpus"] = "0"
    done = run(machine, "startup.sh")
    assert done.returncode == 0, done.stderr
    assert f"docker pull --quiet {METADATA['attributes/convtailor-image']}" in machine.calls("docker")
    assert "machine-token" not in "".join(machine.calls("docker"))


@needs_bash
@pytest.mark.parametrize(
    ("lack", "said"),
    [
        ("docker", "has no Docker"),
        ("runtime", "no runtime of NVIDIA's"),
        ("registry", "cannot pull registry.example.org"),
    ],
)
def test_start_on_an_image_that_lacks_something_says_what_and_leaves_the_machine_unwell(tmp_path, lack, said):
    machine = Machine(tmp_path) if lack == "docker" else Machine.of_built_image(tmp_path, holds=None)
    machine.metadata |= {f"attributes/{name}": f"({name})" for name in attributes()}
    machine.answers["nvidia-smi"] = "echo GPU 0"
    if lack == "runtime":
        (tmp_path / "etc" / "docker" / "daemon.json").unlink()
    (tmp_path / "state" / "registry-is-away").touch()
    done = run(machine, "startup.sh")
    assert done.returncode == 1
    assert said in done.stderr
    assert " 503 " in run(machine, "health.sh", input="GET / HTTP/1.1\r\n\r\n").stdout


@needs_bash
@pytest.mark.parametrize("gpus", ["1", "0"])
def test_boot_image_is_one_that_the_start_takes(tmp_path, gpus):
    machine = Machine(tmp_path)
    machine.metadata |= {f"attributes/{name}": f"({name})" for name in attributes()}
    machine.metadata["attributes/convtailor-gpus"] = gpus
    installed = machine.run(IMAGE / "install.sh")
    assert installed.returncode == 0, installed.stderr
    assert "--data ready " in (tmp_path / "state" / "told").read_text()
    assert not (tmp_path / "root" / ".docker" / "config.json").exists(), "the image would hold a token"
    (tmp_path / "calls").unlink()
    machine.answers["nvidia-smi"] = "echo GPU 0"
    started = run(machine, "startup.sh")
    assert started.returncode == 0, started.stderr
    assert not [line for line in machine.calls("docker") if " pull " in line or " login " in line]


@needs_bash
def test_boot_image_that_cannot_be_made_says_so_instead_of_being_copied(tmp_path):
    machine = Machine(tmp_path)
    machine.answers["nvidia-ctk"] = "exit 1"
    assert machine.run(IMAGE / "install.sh").returncode != 0
    assert "--data failed in line" in (tmp_path / "state" / "told").read_text()


@needs_bash
@pytest.mark.parametrize(
    ("units", "status"), [("", "200"), ("convtailor-trainer@0.service loaded failed failed", "503")]
)
def test_health_is_bad_once_a_worker_has_failed_for_good(machine, units, status):
    (machine.folder / "etc" / "convtailor").mkdir()
    (machine.folder / "etc" / "convtailor" / "worker-0.conf").touch()
    machine.answers["systemctl"] = f"echo '{units}' | sed '/^$/d'"
    answer = run(machine, "health.sh", input="GET / HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n").stdout
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert answer.endswith("\n\n")


@needs_bash
@pytest.mark.parametrize("place", ["regions/europe-west4", "zones/europe-west4-a"])
def test_idle_machine_asks_its_own_group_to_delete_it(machine, place):
    group = f"projects/1/{place}/instanceGroupManagers/convtailor-trainer"
    machine.metadata["attributes/created-by"] = group
    assert run(machine, "retire.sh").returncode == 0
    [call] = [line for line in machine.calls("curl") if "deleteInstances" in line]
    assert call.endswith(f" https://compute.googleapis.com/compute/v1/{group}/deleteInstances")
    body = json.loads(re.search(r"--data (\{.*\}) https", call)[1])
    assert body["instances"] == ["zones/europe-west4-a/instances/convtailor-trainer-x1"]
    assert "machine-token" not in call
    assert (machine.folder / "state" / "curl-config").read_text() == 'header = "Authorization: Bearer machine-token"\n'


@needs_bash
@pytest.mark.parametrize("reason", ["busy", "failed", "stopping", "preempted"])
def test_machine_stays_while_a_worker_works_or_failed_or_it_is_going_anyway(machine, reason):
    if reason in ("busy", "failed"):
        state = {"busy": "active running", "failed": "failed failed"}[reason]
        machine.answers["systemctl"] = f"echo 'convtailor-trainer@1.service loaded {state}'"
    if reason == "stopping":
        assert run(machine, "shutdown.sh").returncode == 0
        assert machine.calls("systemctl") == ["systemctl stop convtailor-trainer@*.service"]
    if reason == "preempted":
        machine.metadata["preempted"] = "TRUE"
    assert run(machine, "retire.sh").returncode == 0
    assert not [line for line in machine.calls("curl") if "deleteInstances" in line]


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
    assert handed == {*SCRIPTS, *UNITS, "identity.py"}


def test_health_port_is_the_one_that_the_firewall_lets_through():
    [port] = re.findall(r"ListenStream=(\d+)", (WORKER / "convtailor-health.socket").read_text(encoding="utf-8"))
    template = (ROOT / "infra" / "terraform" / "trainer.tf").read_text(encoding="utf-8")
    assert re.search(r'health_port += "(\d+)"', template)[1] == port


class _Google(BaseHTTPRequestHandler):
    """The real metadata server and IAM, in one."""

    def do_GET(self):
        answers = {
            "/computeMetadata/v1/instance/service-accounts/default/token": '{"access_token": "machine-token"}',
            "/computeMetadata/v1/instance/preempted": "FALSE",
            "/computeMetadata/v1/project/project-id": "demo",
            "/computeMetadata/v1/universe/universe-domain": "googleapis.com",
        }
        self._answer(answers[self.path.partition("?")[0]])

    def do_POST(self):
        self.server.asked.append(
            (self.path, self.headers["Authorization"], self.rfile.read(int(self.headers["Content-Length"])))
        )
        self._answer('{"accessToken": "trainer-token", "expireTime": "2999-01-01T00:00:00Z"}')

    def _answer(self, text):
        self.send_response(200)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("ETag", "e1")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def identity():
    """Yield the address that containers take for the metadata server, and what Google was asked by it."""
    program = run_path(str(WORKER / "identity.py"))
    google = ThreadingHTTPServer(("127.0.0.1", 0), _Google)
    google.asked = []
    url = f"http://127.0.0.1:{google.server_port}"
    known = program["Identity"]("trainer@demo.iam.gserviceaccount.com", ["scope-a"], metadata_url=url, iam_url=url)
    server = program["IdentityServer"]("127.0.0.1", 0, known)
    for each in (google, server):
        threading.Thread(target=each.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", google.asked
    for each in (server, google):
        each.shutdown()
        each.server_close()


LIBRARY = """
import google.auth, google.auth.transport.requests
from google.auth.compute_engine import _metadata
request = google.auth.transport.requests.Request()
credentials, project = google.auth.default(request=request)
credentials.refresh(request)
credentials.refresh(request)
print(credentials.service_account_email, credentials.token, project)
"""


def test_googles_libraries_in_a_container_get_the_trainers_token_and_never_the_machines(identity, tmp_path):
    pytest.importorskip("google.auth")
    address, asked = identity
    told = {"GCE_METADATA_HOST": address, "GCE_METADATA_IP": address, "HOME": str(tmp_path)}
    command = [sys.executable, "-c", LIBRARY]
    done = subprocess.run(command, env=told, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.stdout.split() == ["trainer@demo.iam.gserviceaccount.com", "trainer-token", "demo"], done.stderr
    [(path, authorization, body)] = asked  # the second token is the first
    assert path == "/v1/projects/-/serviceAccounts/trainer@demo.iam.gserviceaccount.com:generateAccessToken"
    assert authorization == "Bearer machine-token"
    assert json.loads(body)["scope"] == ["scope-a"]


@pytest.mark.parametrize(
    "path",
    [
        "instance/service-accounts/machine@demo.iam.gserviceaccount.com/token",
        "instance/service-accounts/default/identity?audience=x",
        "instance/attributes/convtailor-environment",
        "instance/attributes/?recursive=true",
        "instance/service-accounts/?recursive=true",
        "../instance/preempted",
    ],
)
def test_containers_are_told_nothing_else_of_the_machine(identity, path):
    connection = http.client.HTTPConnection(identity[0], timeout=PATIENCE_S)
    connection.request("GET", f"/computeMetadata/v1/{path}", headers={"Metadata-Flavor": "Google"})
    assert connection.getresponse().status == 404
    connection.close()


def test_a_worker_in_a_container_still_hears_that_its_machine_is_taken_away(identity):
    connection = http.client.HTTPConnection(identity[0], timeout=PATIENCE_S)
    for headers, status in (({}, 403), ({"Metadata-Flavor": "Google"}, 200)):
        connection.request("GET", "/computeMetadata/v1/instance/preempted?last_etag=NONE", headers=headers)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Metadata-Flavor"]) == (status, "Google")
        text = answer.read()
    assert (text, answer.headers["ETag"]) == (b"FALSE", "e1")
    connection.close()


@pytest.mark.skipif(not shutil.which("docker"), reason="needs Docker's command line")
def test_docker_knows_every_flag_that_the_machine_gives_it():
    unit = (WORKER / "convtailor-trainer@.service").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1].replace("$GPU_FLAGS", "--gpus device=0")]
    scripts = "".join(
        (folder / name).read_text(encoding="utf-8").replace("\\\n", " ")
        for folder, name in ((WORKER, "startup.sh"), (IMAGE, "install.sh"))
    )
    lines += re.findall(r"docker network create[^\n]+", scripts) + re.findall(r"docker run[^\n]+", scripts)
    assert len(lines) == 3
    for line in lines:
        words = [
            "image:r1" if word in ("${IMAGE}", "$image") else "/dev/null" if word.endswith("worker.env") else word
            for word in shlex.split(line)
        ]
        done = subprocess.run(
            ["docker", "--host=unix:///nonexistent", *words[1:]],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert "daemon" in done.stderr, done.stderr  # all flags were read; there was nobody to do it
