"""What the preflight says of a project, by answers of gcloud as they are recorded in its documentation."""

import json
import subprocess
import sys
from runpy import run_path

import pytest

from tests.infra.configuration import read
from tests.infra.machine import ROOT
from tests.waiting import PATIENCE_S

PROGRAM = run_path(str(ROOT / "infra" / "preflight.py"), run_name="preflight")
Wish, Unseen, Finding, look = (PROGRAM[name] for name in ("Wish", "Unseen", "Finding", "look"))
ZONE = "https://www.googleapis.com/compute/v1/projects/p/zones/"
READY = {
    "billing projects describe": {"billingAccountName": "billingAccounts/0-0-0", "billingEnabled": True},
    "billing accounts get-iam-policy": {"bindings": [{"role": "roles/billing.admin", "members": ["user:ada@x.org"]}]},
    "services list": [{"config": {"name": f"{name}.googleapis.com"}} for name in PROGRAM["APIS"]],
    "compute regions describe": {
        "quotas": [
            {"metric": "SSD_TOTAL_GB", "limit": 500.0, "usage": 0.0},
            {"metric": "NVIDIA_L4_GPUS", "limit": 0.0, "usage": 0.0},
            {"metric": "PREEMPTIBLE_NVIDIA_L4_GPUS", "limit": 4.0, "usage": 1.0},
        ]
    },
    "compute project-info describe": {"quotas": [{"metric": "GPUS_ALL_REGIONS", "limit": 2.0, "usage": 0.0}]},
    "compute machine-types list": [{"name": "g2-standard-8", "zone": f"{ZONE}europe-west4-{each}"} for each in "abc"],
    "resource-manager org-policies describe": {"listPolicy": {"allValues": "ALLOW"}},
    "auth list": [{"account": "ada@x.org", "status": "ACTIVE"}],
    "projects get-iam-policy": {"bindings": [{"role": "roles/owner", "members": ["user:ada@x.org"]}]},
}


def findings(answers=None, policies=None, **wished):
    def ask(arguments):
        name = " ".join(word for word in arguments[:3] if not word.startswith("--"))
        if policies and arguments[3:4] and arguments[3] in policies:
            policy = policies[arguments[3]]
            return {"booleanPolicy" if "enforced" in policy else "listPolicy": policy}
        found = next(value for key, value in {**READY, **(answers or {})}.items() if name.startswith(key))
        if isinstance(found, Exception):
            raise found
        return found

    told = list(look(Wish(project="p", **wished), ask, lambda wish: Finding(verdict="ok", what="sender")))
    return {each.what: each for each in told if each.verdict != "ok"}


def test_a_project_that_has_everything_lacks_nothing():
    assert findings() == {}


def test_each_of_the_three_gates_of_a_gpu_is_told_apart():
    """Regional, its pre-emptible twin, and the one over all regions, which is 0 in new projects."""
    everywhere = {"compute project-info describe": {"quotas": [{"metric": "GPUS_ALL_REGIONS", "limit": 0, "usage": 0}]}}
    [(what, finding)] = findings(everywhere).items()
    assert what == "quota GPUS_ALL_REGIONS: 2 wanted, 0 free"
    assert "iam-admin/quotas?project=p" in finding.do
    assert list(findings(spot=False)) == ["quota NVIDIA_L4_GPUS: 2 wanted, 0 free"]
    assert list(findings(max_machines=4, disk_gb=100)) == [
        "quota PREEMPTIBLE_NVIDIA_L4_GPUS: 4 wanted, 3 free",
        "quota GPUS_ALL_REGIONS: 4 wanted, 2 free",
    ]
    assert findings(everywhere, gpus=0, machine_type="g2-standard-8") == {}


@pytest.mark.parametrize(
    ("constraint", "policy", "said"),
    [
        ("compute.vmExternalIpAccess", {"allValues": "DENY"}, "trainer_nat = true"),
        ("compute.trustedImageProjects", {"allowedValues": ["projects/debian-cloud"]}, "deeplearning-platform-release"),
        ("iam.disableServiceAccountCreation", {"enforced": True}, "lifted"),
        ("compute.disableGuestAttributesAccess", {"enforced": True}, "lifted"),
        ("gcp.resourceLocations", {"allowedValues": ["in:us-locations"]}, "in:us-locations"),
    ],
)
def test_a_policy_of_the_organisation_that_would_refuse_the_apply_is_named_with_the_way_around(
    constraint, policy, said
):
    [finding] = findings(policies={constraint: policy}).values()
    assert finding.verdict == "missing"
    assert said in finding.do
    assert findings(policies={"gcp.resourceLocations": {"allowedValues": ["in:europe-locations"]}}) == {}


def test_a_zone_without_the_machine_is_told_with_those_that_have_it():
    [finding] = findings(zone="europe-west4-d").values()
    assert finding.do == "zone = one of europe-west4-a, europe-west4-b, europe-west4-c"


def test_what_google_does_not_tell_stops_no_other_check_and_is_no_fault():
    told = findings({"billing projects describe": Unseen("PERMISSION_DENIED"), "services list": []})
    assert told["billing"].verdict == "unseen"
    assert told["APIs that come first are on"].do.startswith("gcloud services enable cloudresourcemanager")


def test_defaults_are_those_of_the_configuration():
    blocks, wish = read(ROOT / "infra" / "terraform").blocks, Wish(project="p")
    for name in ("region", "zone"):
        assert getattr(wish, name) == blocks[f"var.{name}"]["default"]
    for name in ("machine_type", "gpus", "spot", "max_machines", "disk_gb"):
        assert getattr(wish, name) == blocks[f"var.trainer_{name}"]["default"]


def test_it_runs_where_gcloud_is_missing_or_refuses_and_changes_nothing(tmp_path):
    (tmp_path / "gcloud").write_text(f'#!/bin/bash\necho "$*" >>{tmp_path}/calls\necho "ERROR: denied" >&2\nexit 1\n')
    (tmp_path / "gcloud").chmod(0o755)
    command = [sys.executable, ROOT / "infra" / "preflight.py", "--project", "p"]
    environ = {"PATH": f"{tmp_path}:/bin:/usr/bin"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (done.returncode, "missing" in done.stdout) == (0, False), done.stdout + done.stderr
    verbs = {" ".join(line.split()[:4]) for line in (tmp_path / "calls").read_text().splitlines()}
    assert all(set(each.split()) & {"describe", "list", "get-iam-policy"} for each in verbs), verbs


def test_a_sender_that_sendgrid_does_not_know_is_missing(monkeypatch):
    answers = {"domains": [{"domain": "example.org", "valid": False}], "verified_senders": {"results": []}}

    class Answer:
        def __init__(self, url):
            self.text = json.dumps(answers[url.rpartition("/")[2]])

        def __enter__(self):
            return self

        def __exit__(self, *raised):
            return None

        def read(self, *size):
            return self.text

    urllib = PROGRAM["urllib"]
    monkeypatch.setattr(urllib.request, "urlopen", lambda request, timeout: Answer(request.full_url))
    wish = Wish(project="p", mail_from="reports@example.org")
    assert PROGRAM["sender_of_sendgrid"](wish, "SG.x").verdict == "missing"
    answers["domains"][0]["valid"] = True
    assert PROGRAM["sender_of_sendgrid"](wish, "SG.x").verdict == "ok"
    assert PROGRAM["sender_of_sendgrid"](wish, "").verdict == "unseen"
