"""docs/operations.md names nothing that does not exist: commands, flags, variables, outputs, alerts, links."""

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from services.client.commands.access import KEY_VARIABLE
from services.intake.api.document import JobStatus
from services.intake.api.error_code import OWN_ERRORS
from services.intake.api.operator_document import JobLine
from services.intake.overview.exposition import gauges
from services.intake.overview.metrics import Census
from services.onebox.cli import convtailor
from shared.adapters.gcp.firestore.job_document import OUTBOX_UNREADABLE
from shared.job.events import Topic
from shared.job.job import JobState
from shared.job.options import JobOptions
from shared.settings import describe
from tests.infra.configuration import read, texts
from tests.infra.test_environment import SERVICES
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
CONFIGURATION = read(ROOT / "infra" / "terraform")
BLOCKS = CONFIGURATION.blocks
VARIABLES = {address.removeprefix("var.") for address in BLOCKS if address.startswith("var.")}
FENCED = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL))
GAUGES = {each.name: each._labelnames for each in gauges(Census(datetime.now(tz=UTC)), (0, 0))}
CODE = [*FENCED.splitlines(), *INLINE]


def commands(program: str) -> list[str]:
    """Return every command line of a program, without what comes before it and after it in its line."""
    found = []
    for line in CODE:
        for part in re.split(r" && | \| | > ", line):
            command = part.strip().removeprefix(".venv/bin/")
            if command.startswith(f"{program} "):
                found.append(command)
    return found


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.skipif(not shutil.which("gcloud"), reason="needs gcloud")
def test_gcloud_knows_every_command_and_flag(tmp_path):
    filled = {
        r'"\$\((date|cat)[^"]*\)"': "2026-01-01T00:00:00Z",
        r'"gs://\$\([^"]*\)/?"': "gs://bucket/",
        r'"[\w/:-]*(\$\w+[\w/:-]*)+"': "x",
    }
    lines = commands("gcloud")
    assert len(lines) > 15
    for pattern, value in filled.items():
        lines = [re.sub(pattern, value, line) for line in lines]
    lines = [*dict.fromkeys(lines)]
    path = tmp_path / "commands.json"
    path.write_text(json.dumps([{"command_string": line} for line in lines]), encoding="utf-8")
    command = ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    if "Invalid choice" in done.stderr:
        pytest.skip("this gcloud does not check commands")
    judged = json.loads(done.stdout)
    assert len(judged) == len(lines)
    assert [(each["command_string"], each["error_message"]) for each in judged if not each["success"]] == []


def test_convtailor_has_every_command_and_flag():
    assert {"submit", "watch", "forget", "serve"} <= {line.split()[1] for line in commands("convtailor")}
    for line in commands("convtailor"):
        _, name, *words = shlex.split(line)
        command = convtailor.get_command(click.Context(convtailor), name)
        if isinstance(command, click.Group):
            command = command.get_command(click.Context(command), words.pop(0))
        assert command is not None, line
        flags = {flag for parameter in command.params for flag in parameter.opts}
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= flags, line


def test_make_has_every_target_and_variable():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = commands("make")
    assert {"images", "machine-image", "test"} <= {line.split()[1] for line in lines}
    for line in lines:
        target = line.split()[1]
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), line
        given = re.findall(r"\b([A-Z_]+)=", line)
        assert all(f"$({name})" in makefile for name in given), line


def test_terraform_has_every_variable_output_and_target():
    assert set(re.findall(r"TF_VAR_(\w+)", PAGE)) <= VARIABLES
    outputs = {address.removeprefix("output.") for address in BLOCKS if address.startswith("output.")}
    assert set(re.findall(r"output -raw (\w+)", PAGE)) <= outputs
    assert set(re.findall(r"-target=(\S+)", PAGE)) <= set(BLOCKS)
    required = {name for name in VARIABLES if "default" not in BLOCKS[f"var.{name}"]} | {"sendgrid_key"}
    assert required <= set(re.findall(r"TF_VAR_(\w+)", PAGE.split("## What it costs")[0]))


def test_every_name_with_an_underscore_is_a_variable_a_state_or_a_check():
    known = VARIABLES | {str(state) for state in JobState} | {"public_url", "cpu_idle", OUTBOX_UNREADABLE}
    known |= {each.name for each in fields(JobOptions)}
    known |= {each.name for each in (*fields(JobStatus), *fields(JobLine))} | set(OWN_ERRORS.status_of_code)
    known |= GAUGES.keys()
    named = {match[1] for word in INLINE if (match := re.fullmatch(r"([a-z]+(?:_[a-z0-9]+)+)(=\S+)?", word))}
    assert len(named) > 15
    assert named - known == set()


def test_every_gauge_is_explained_with_its_labels():
    told = {name: f"{name}{{{','.join(labels)}}}" if labels else name for name, labels in GAUGES.items()}
    assert {word for word in INLINE if word.startswith("convtailor_")} == set(told.values())


def test_every_setting_exists():
    known = {name for service in SERVICES.values() for name, _, _ in describe(service)}
    assert set(re.findall(r"CONVTAILOR_[A-Z_]+", PAGE)) <= known | {KEY_VARIABLE}


def test_every_name_with_the_prefix_is_made():
    prefix = "convtailor-"
    queues = {f"{prefix}{topic}{end}" for topic in Topic for end in ("", "-dead")}
    keys = ("name", "secret_id", "base_instance_name")
    names = {
        body[key] for address, body in BLOCKS.items() if address.startswith("google_") for key in keys if key in body
    }
    made = (
        {name.replace("${var.prefix}", prefix) for name in names}
        | queues
        | {"convtailor-retire", "convtailor-data"}
        | {f"{prefix}overview"}
    )
    named = {word.rstrip("-") for line in CODE for word in re.findall(rf"\b{prefix}[a-z-]+", line)}
    assert named - made - {prefix.rstrip("-")} == set()
    assert (ROOT / "infra" / "worker" / "convtailor-retire.service").exists()


def test_every_alert_leads_to_its_section_and_every_section_has_its_alert():
    headings = re.findall(r"^### (Alert: .+)$", PAGE, re.MULTILINE)
    policies = CONFIGURATION.of_type("google_monitoring_alert_policy")
    led_to = set()
    for body in policies.values():
        [documentation] = body["documentation"]
        led_to.add(re.search(r"\$\{local\.runbook\}([a-z-]+)$", documentation["content"])[1])
    assert CONFIGURATION.local("runbook").endswith("docs/operations.md#alert-")
    assert {f"alert-{each}" for each in led_to} == {slug(heading) for heading in headings}
    assert len(led_to) == len(policies)


def test_every_link_leads_somewhere():
    anchors = {slug(heading) for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)}
    links = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert links
    for link in links:
        path, _, anchor = link.partition("#")
        assert (ROOT / "docs" / path).exists(), link
        assert path or anchor in anchors, link
    assert "docs/operations.md" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_defaults_it_tells_are_those_of_the_configuration():
    defaults = {name: BLOCKS[f"var.{name}"].get("default") for name in VARIABLES}
    assert f"`{defaults['trainer_machine_type']}` (default)" in PAGE
    assert f"default prefix `{defaults['prefix']}`" in PAGE
    assert defaults["trainer_spot"] is True
    schedule = BLOCKS["google_cloud_scheduler_job.sweep"]["schedule"]
    assert schedule == "*/2 * * * *"
    assert "every two minutes" in PAGE
    assert f"{24 * 60 // 2} calls a day" in PAGE


def test_it_deploys_by_one_path_in_an_order_in_which_each_command_finds_what_it_needs():
    deploying = PAGE.split("## Deploy\n")[1].split("### Apply failed")[0]
    lines = re.search(r"```sh\n(.*?)```", deploying, re.DOTALL)[1].strip().splitlines()
    assert [re.search(r"init$|-target|make [\w-]+|apply$|submit", line)[0] for line in lines] == [
        "init",
        "-target",
        "make images",
        "make machine-image",
        "apply",
        "submit",
    ]
    explained = re.findall(r"^(\d)\. ", deploying, re.MULTILINE)
    assert explained == [str(number + 1) for number in range(len(lines))]
    needed = CONFIGURATION.references("google_artifact_registry_repository_iam_member.machine_pulls")
    assert {"google_artifact_registry_repository.images", "google_service_account.machine"} <= needed


def test_no_price_stands_in_it():
    assert not re.search(r"[$€£]\s?\d|\d\s?(USD|EUR|cents?)\b", PAGE)
    assert not [text for body in BLOCKS.values() for text in texts(body) if re.search(r"\$\d", text)]
