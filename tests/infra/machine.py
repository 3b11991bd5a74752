"""A folder that the scripts of infra/ take for a machine, with stand-ins that refuse what the real programs refuse.

Docker answers only once it is installed and started, pulls only from a registry that it was logged in to, and knows of
GPUs only where NVIDIA's toolkit has said so before it was started; iptables knows Docker's chain while Docker runs.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
WORKER = ROOT / "infra" / "worker"
IMAGE = ROOT / "infra" / "image"
METADATA = {
    "attributes/convtailor-image": "registry.example.org/project/convtailor/trainer:r1",
    "attributes/convtailor-gpus": "2",
    "attributes/created-by": "projects/1/regions/europe-west4/instanceGroupManagers/convtailor-trainer",
    "zone": "projects/1/zones/europe-west4-a",
    "name": "convtailor-trainer-x1",
    "preempted": "FALSE",
    "service-accounts/default/token": '{"access_token": "machine-token", "expires_in": 3000}',
}
_DOCKER = """

[[ -e $M/state/docker-runs ]] || { echo "Cannot connect to the Docker daemon" >&2; exit 1; }
case "$1" in
info) cat $M/state/runtimes ;;
login)
  [[ "$*" == *"--username oauth2accesstoken --password-stdin"* && "$(cat)" == machine-token ]] || exit 1
  mkdir -p $M/root/.docker; echo "${@: -1}" >>$M/root/.docker/config.json ;;
logout) rm -f $M/root/.docker/config.json ;;
image) [[ -e $M/state/images/${@: -1} ]] ;;
pull)
  image="${@: -1}"
  grep -q "https://${image%%/*}" $M/root/.docker/config.json || { echo "denied: Unauthenticated request" >&2; exit 1; }
  [[ ! -e $M/state/registry-is-away ]] || exit 1
  mkdir -p "$M/state/images/$image" ;;
run) image="$(sed -E 's/.* ([^ ]+:r[0-9]+)( .*)?$/\\1/' <<<"$*")"; [[ -e $M/state/images/$image ]] || exit 125 ;;
network)
  if [[ $2 == inspect ]]; then [[ -e $M/state/network ]]; else
    [[ ! -e $M/state/network ]] || { echo "network with name convtailor already exists" >&2; exit 1; }
    touch $M/state/network
  fi ;;
*) echo "docker: '$1' is not a docker command" >&2; exit 1 ;;
esac
"""
_SYSTEMCTL = """
if [[ "$*" =~ ^(start|restart)\\ docker ]]; then
  [[ -e $M/bin/docker ]] || { echo "Failed to start docker.service: Unit docker.service not found." >&2; exit 5; }
  touch $M/state/docker-runs
  grep -qs nvidia $M/etc/docker/daemon.json && r='{"nvidia":{},"runc":{}}' || r='{"runc":{}}'
  echo "$r" >$M/state/runtimes
fi
"""
_IPTABLES = """
[[ -e $M/state/docker-runs ]] || { echo "iptables: No chain/target/match by that name." >&2; exit 1; }
rule="${*:3}"
if [[ "$*" == *--check* ]]; then grep -qsFx -- "$rule" $M/state/rules; else echo "$rule" >>$M/state/rules; fi
"""
_APT = """
[[ "$*" != *" install "*docker.io* ]] || cp $M/packages/docker $M/bin/docker
"""
_TOOLKIT = """
[[ "$*" == "runtime configure --runtime=docker" ]] || exit 1
mkdir -p $M/etc/docker; echo '{"runtimes": {"nvidia": {}}}' >$M/etc/docker/daemon.json
"""
_SYSTEM = (
    "bash",
    "cat",
    "chmod",
    "cp",
    "dirname",
    "env",
    "grep",
    "mkdir",
    "mktemp",
    "mv",
    "rm",
    "sed",
    "tail",
)
_SYSTEM += ("touch", "wc")
_OF_THE_MACHINE = re.compile(r"(?<![\w.])/(etc|run|var|root)(?=[/ \n]|$)")
_PROGRAMS = {"systemctl": _SYSTEMCTL, "iptables": _IPTABLES, "apt-get": _APT, "nvidia-ctk": _TOOLKIT}


class Machine:
    """The machine, and what scripts did to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metadata = dict(METADATA)
        self.answers: dict[str, str] = {}
        for name in ("etc/systemd/system", "run", "var/lib", "var/tmp", "bin", "root", "packages", "state"):
            (folder / name).mkdir(parents=True)
        self._stand_in("docker", _DOCKER, where="packages")

    @classmethod
    def of_built_image(cls, folder: Path, *, holds: str | None = METADATA["attributes/convtailor-image"]) -> "Machine":
        """Return a machine of an image that install.sh made, with NVIDIA's runtime and a release's container."""
        machine = cls(folder)
        machine._stand_in("docker", _DOCKER)
        (folder / "etc" / "docker").mkdir()
        (folder / "etc" / "docker" / "daemon.json").write_text('{"runtimes": {"nvidia": {}}}')
        if holds is not None:
            (folder / "state" / "images" / holds).mkdir(parents=True)
        return machine

    def run(self, script: Path, **more) -> subprocess.CompletedProcess:
        """Run a script of infra/ with this folder for its machine."""
        for name in ("gcloud", "nvidia-smi", "sleep", "sync", "chown"):
            self._stand_in(name, self.answers.get(name, ""))
        for name, body in _PROGRAMS.items():
            self._stand_in(name, self.answers.get(name, body))
        self._stand_in("install", 'for each; do [[ $each == -* ]] || mkdir -p "$each"; done')
        known = "\n".join(f"*/{name}) printf '%s' {_quoted(text)};;" for name, text in self.metadata.items())
        written = f'[[ "$*" == *guest-attributes* ]] && {{ printf "%s\\n" "$*" >>{self.folder}/state/told; exit; }}'
        compute = f"""*/add-google-cloud-ops-agent-repo.sh)
  for each; do [[ $file != --output ]] || break; file=$each; done; echo 'echo agent $* >>{self.folder}/calls' >$each ;;
"""
        compute += f"*/deleteInstances) cat >{self.folder}/state/curl-config ;;"
        self._stand_in("curl", f'{written}\ncase "${{@: -1}}" in\n{known}\n{compute}\n*) exit 22;;\nesac')
        text = re.sub(_OF_THE_MACHINE, rf"{self.folder}/\1", script.read_text("utf-8"))
        copy = self.folder / script.name
        copy.write_text(text, encoding="utf-8")
        environ = {"PATH": f"{self.folder}/bin:{_system_path(self.folder)}", "M": str(self.folder)}
        return subprocess.run(
            ["bash", copy], env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False, **more
        )

    def calls(self, program: str) -> list[str]:
        """Return the command lines of a program, in order."""
        path = self.folder / "calls"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [line for line in lines if line.startswith(f"{program} ")]

    def _stand_in(self, name: str, body: str, *, where: str = "bin") -> None:
        path = self.folder / where / name
        path.write_text(f'#!/bin/bash\nM={self.folder}\necho "{name} $*" >>$M/calls\n{body}\n', encoding="utf-8")
        path.chmod(0o755)


def attributes() -> list[str]:
    """Return the attributes that startup.sh lays out as files."""
    return re.findall(r"^place (\S+)", (WORKER / "startup.sh").read_text(encoding="utf-8"), re.MULTILINE)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _system_path(folder: Path) -> str:
    """Return a folder with what every Linux has; a machine must not find this one's own Docker."""
    system = folder / "system"
    if not system.exists():
        system.mkdir()
        (system / "python3").symlink_to(sys.executable)
        for name in _SYSTEM:
            (system / name).symlink_to(shutil.which(name))
    return str(system)
