"""infra/lab: what compose, systemd and nginx are told exists in the image and the program, and keeps the rules."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from services.intake.settings import IntakeSettings
from services.onebox.cli import convtailor
from services.onebox.services import Onebox
from services.reporter.settings import ReporterSettings
from services.trainer.settings import TrainerSettings
from shared.settings import describe, load
from tests.infra import dockerfile
from tests.waiting import PATIENCE_S

yaml = pytest.importorskip("yaml", reason="needs PyYAML")
ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "infra" / "lab"
COMPOSE = yaml.safe_load((LAB / "compose.yaml").read_text(encoding="utf-8"))
[SERVICE] = COMPOSE["services"].values()
IMAGE = dockerfile.stages(dockerfile.parse((ROOT / SERVICE["build"]["dockerfile"]).read_text(encoding="utf-8")))[-1]
UNIT = (LAB / "convtailor.service").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "lab.md").read_text(encoding="utf-8")
SETTINGS = (IntakeSettings, TrainerSettings, ReporterSettings)


def unit(section: str) -> dict[str, str]:
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str
    parser.read_string(UNIT)
    return dict(parser[section])


def told_settings(*, is_commented: bool = False) -> dict[str, str]:
    text = (LAB / "convtailor.env").read_text(encoding="utf-8")
    start = "#?" if is_commented else ""
    return dict(re.findall(rf"^{start}(CONVTAILOR_\w+)=(.*)$", text, re.MULTILINE))


def options_of(command: str) -> set[str]:
    found = convtailor.get_command(click.Context(convtailor), command)
    assert found is not None, command
    return {flag for parameter in found.params for flag in parameter.opts}


def limits_of(words: str, start: str) -> int:
    """Return the seconds of a time such as ``20s`` or ``20``."""
    return int(re.fullmatch(r"(\d+)s?", words.removeprefix(start))[1])


def test_settings_are_known_and_taken_as_they_stand_and_with_every_example():
    known = {name for service in SETTINGS for name, _, _ in describe(service)}
    every = told_settings(is_commented=True)
    assert set(every) - known == set()
    assert set(told_settings()) < set(every)
    for told in (told_settings(), every):
        for service in SETTINGS:
            load(service, told)
    assert load(IntakeSettings, told_settings()).forwarded_hops == 1, "nginx, and nobody else, is before it"


def test_compose_builds_the_image_from_where_it_lies_and_gives_it_what_it_asks_for():
    context = (LAB / SERVICE["build"]["context"]).resolve()
    assert context == ROOT
    assert (context / SERVICE["build"]["dockerfile"]).is_file()
    assert (LAB / SERVICE["env_file"]).is_file()
    [volume] = dockerfile.named(IMAGE, "VOLUME")
    mounted = dict(each.split(":") for each in SERVICE["volumes"])
    assert list(mounted.values()) == volume.exec_form
    assert set(mounted) == set(COMPOSE["volumes"])
    [port] = SERVICE["ports"]
    [exposed] = dockerfile.named(IMAGE, "EXPOSE")
    assert port.endswith(f":{exposed.words}")
    assert port.startswith("${LISTEN:-127.0.0.1}:"), "nobody is let in past nginx unless that is asked for"


def test_compose_bounds_what_the_container_takes_and_may_do():
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    assert SERVICE["security_opt"] == ["no-new-privileges:true"]
    assert SERVICE["restart"] == "unless-stopped"
    assert {"mem_limit", "memswap_limit", "cpus", "pids_limit", "init"} <= set(SERVICE)
    assert "privileged" not in SERVICE
    assert "user" not in SERVICE, "the image has its own"
    assert dockerfile.named(IMAGE, "HEALTHCHECK"), "compose asks the image's own"


def test_what_the_image_writes_outside_of_its_volume_lies_in_memory():
    [volume] = dockerfile.named(IMAGE, "VOLUME")
    writable = [*volume.exec_form, *(each.partition(":")[0] for each in SERVICE["tmpfs"])]
    variables = dockerfile.variables(IMAGE)
    for name in ("HOME", "MPLCONFIGDIR"):
        assert variables[name].startswith(tuple(writable)), name


def test_both_wait_for_longer_than_the_service_takes_to_stop(tmp_path):
    takes_s = Onebox(tmp_path, {})._stop_within_s
    assert limits_of(SERVICE["stop_grace_period"], "") >= 2 * takes_s
    assert limits_of(unit("Service")["TimeoutStopSec"], "") >= 2 * takes_s


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="needs docker-compose")
def test_compose_itself_takes_the_file():
    command = ["docker-compose", "--file", str(LAB / "compose.yaml"), "config"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    told = yaml.safe_load(done.stdout)["services"]["convtailor"]
    assert told["environment"] == told_settings()


def test_the_unit_starts_the_program_as_it_can_be_started():
    program, command, *words = shlex.split(unit("Service")["ExecStart"])
    assert program.endswith("/bin/convtailor")
    assert {word for word in words if word.startswith("--")} <= options_of(command)
    state = unit("Service")["StateDirectory"]
    assert words[words.index("--data") + 1] == f"/var/lib/{state}"
    assert unit("Service")["EnvironmentFile"] == "/etc/convtailor/convtailor.env"
    assert unit("Service")["RestartPreventExitStatus"] == "2"
    assert unit("Service")["SuccessExitStatus"] == "143"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_takes_the_unit_and_finds_little_that_it_could_do(tmp_path):
    path = tmp_path / "convtailor.service"
    path.write_text(re.sub(r"^(ExecStart=)\S+", r"\1/bin/true", UNIT, flags=re.MULTILINE), encoding="utf-8")
    environ = {**os.environ, "SYSTEMD_PAGER": ""}

    def asked(*words: str) -> subprocess.CompletedProcess:
        command = ["systemd-analyze", *words, str(path)]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=environ)

    verified = asked("verify", "--man=no")
    ours = [line for line in verified.stderr.splitlines() if "convtailor" in line]
    assert (verified.returncode, ours) == (0, []), verified.stderr
    secure = asked("security", "--offline=yes", "--threshold=20")
    if "unrecognized option" in secure.stderr:
        pytest.skip("this systemd does not look at units offline")
    assert secure.returncode == 0, secure.stdout[-2000:]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_the_unit_allows_the_call_by_which_decoders_are_confined():
    allowed = unit("Service")["SystemCallFilter"].split()
    assert "seccomp" in allowed, "it is in none of the groups of every version of systemd"
    command = ["systemd-analyze", "syscall-filter", *(each for each in allowed if each.startswith("@"))]
    assert subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False).returncode == 0


def test_the_page_names_files_commands_and_flags_that_exist():
    for path in re.findall(r"infra/[\w./-]+\w", PAGE):
        assert (ROOT / path).exists(), path
    code = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).replace("\\\n", " ").splitlines()
    code += re.findall(r"`([^`\n]+)`", PAGE)
    found = [match for line in code for match in re.finditer(r"(?:^|\s|/)convtailor ([a-z]+)((?: [^|&]*)?)", line)]
    commands = [match for match in found if match[1] in convtailor.list_commands(click.Context(convtailor))]
    assert {"submit", "keys", "forget"} <= {match[1] for match in commands}
    for match in commands:
        assert set(re.findall(r"(?<=\s)--[a-z-]+", match[2])) <= options_of(match[1]), match[0]
    known = {name for service in SETTINGS for name, _, _ in describe(service)} | {"CONVTAILOR_API_KEY"}
    assert set(re.findall(r"CONVTAILOR_[A-Z_]+", PAGE)) <= known


def test_every_link_of_the_page_leads_somewhere():
    for link in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / "docs" / link).exists() or link.startswith("https://"), link
