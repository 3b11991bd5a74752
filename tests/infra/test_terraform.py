"""The Terraform configuration holds together and makes what services rely on; test_access.py tells who may do what."""

import re
import shutil
import subprocess
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from shared.job.events import Topic
from tests.infra.configuration import read
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "infra" / "terraform"
CONFIGURATION = read(TERRAFORM)
BLOCKS = CONFIGURATION.blocks
RUN = CONFIGURATION.of_type("google_cloud_run_v2_service")
IAM = {
    address: body for address, body in BLOCKS.items() if re.match(r"google_\w+_iam_(member|binding|policy)\.", address)
}
TOPICS = CONFIGURATION.local("topics")


def only(blocks: list[dict]) -> dict:
    [block] = blocks
    return block


@pytest.mark.skipif(not shutil.which("terraform"), reason="needs terraform")
def test_files_are_formatted():
    command = ["terraform", "fmt", "-check", "-recursive", TERRAFORM]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stdout) == (0, ""), "run: terraform fmt -recursive infra/terraform"


def test_everything_that_is_referred_to_exists_and_everything_given_is_used():
    used = {found for address in BLOCKS for found in CONFIGURATION.references(address)}
    assert used - set(BLOCKS) == set()
    given = {address for address in BLOCKS if address.startswith(("var.", "local.", "data."))}
    assert given - used == set()


def test_variables_have_types_outputs_tell_what_they_are_and_names_are_of_one_kind():
    """What tflint's recommended rules look at, beside what is used and what is written down."""
    for address, body in BLOCKS.items():
        name = address.split(".")[-1]
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name), address
        if address.startswith("var."):
            assert body["type"], address
            assert body.get("default", "") is not None or "nullable" not in body, address
        if address.startswith("output."):
            assert body["description"].endswith("."), address
    source = "\n".join(path.read_text(encoding="utf-8") for path in TERRAFORM.glob("*.tf"))
    needed = set(re.findall(r'^(?:resource|data|ephemeral) "([a-z]+)_', source, re.MULTILINE))
    pinned = dict(re.findall(r'(\w+) = \{\s+source  = "[\w/]+"\s+version = "(~> [\d.]+)"', source))
    assert set(pinned) == needed, "every provider that is used is pinned, and no other is asked for"
    assert re.search(r'required_version = ">= \d+\.\d+"', source)
    assert not re.search(r'= "\$\{[^}"]*\}"$', source, re.MULTILINE), "an expression alone needs no quotes"
    assert not re.search(r"[!=]= \[\]", source), "comparing with an empty list is always false"
    assert not re.search(r"^\s*//|/\*", source, re.MULTILINE), "comments begin with #"


def test_nothing_waits_for_itself():
    # A variable's own validation may name it.
    graph = {address: CONFIGURATION.references(address) - {address} for address in BLOCKS}
    assert len([*TopologicalSorter(graph).static_order()]) == len(BLOCKS)


def test_everything_but_the_project_is_named_by_the_prefix():
    unnamed = (
        "google_project_service.",
        "google_firestore_field.",
        "google_firestore_index.",
        "google_monitoring_notification",
        "google_monitoring_dashboard.",
    )
    for address, body in BLOCKS.items():
        if address.startswith("google_") and not address.startswith(unnamed) and address not in IAM:
            keys = (
                "name",
                "name_prefix",
                "account_id",
                "repository_id",
                "role_id",
                "secret_id",
                "display_name",
                "bucket",
                "secret",
            )
            name = next(body[key] for key in keys if key in body)
            named = r"var\.prefix|local\.trainer_group_name|google_\w+\.\w+(\[[^\]]*\])?\.(name|id)"
            assert re.search(named, name), address


def test_every_topic_has_one_subscription_and_a_place_for_dead_letters_that_keeps_them():
    assert set(TOPICS) == {str(topic) for topic in Topic}
    assert CONFIGURATION.local("topic_names") == "${toset(keys(local.topics))}"
    topics, subscriptions = (CONFIGURATION.of_type(f"google_pubsub_{kind}") for kind in ("topic", "subscription"))
    topics.pop("budget")  # Google's own, which only a workflow hears
    assert {name: body["name"] for name, body in topics.items()} == {
        "live": "${var.prefix}${each.key}",
        "dead": "${var.prefix}${each.key}-dead",
    }
    assert {body["for_each"] for body in topics.values()} == {"${local.topic_names}"}
    assert set(subscriptions) == set(topics)
    for name, body in subscriptions.items():
        assert body["name"] == f"${{google_pubsub_topic.{name}[each.key].name}}"
        assert body["topic"] == f"${{google_pubsub_topic.{name}[each.key].id}}"
        assert only(body["expiration_policy"]) == {"ttl": ""}, "or it is deleted after 31 quiet days"
    policy = only(subscriptions["live"]["dead_letter_policy"])
    assert policy["dead_letter_topic"] == "${google_pubsub_topic.dead[each.key].id}"
    assert only(subscriptions["live"]["retry_policy"])["maximum_backoff"] == "600s"
    assert subscriptions["dead"]["message_retention_duration"] == f"{31 * 86400}s"


def test_pubsub_itself_may_make_dead_letters():
    for address, role in (
        ("google_pubsub_topic_iam_member.agent_buries", "roles/pubsub.publisher"),
        ("google_pubsub_subscription_iam_member.agent_acknowledges", "roles/pubsub.subscriber"),
    ):
        body = BLOCKS[address]
        assert (body["for_each"], body["role"]) == ("${local.topic_names}", role)
        assert body["member"] == "${local.pubsub_agent}"


def test_deadlines_fit_those_who_have_to_keep_them():
    assert (TOPICS["uploads"]["ack_s"], CONFIGURATION.local("lease_s"), CONFIGURATION.local("report_s")) == (
        60,
        15,
        600,
    )
    assert TOPICS["jobs"] == {"ack_s": "${local.lease_s}", "attempts": 50}
    assert all(5 <= topic["attempts"] <= 100 for topic in TOPICS.values())
    assert "CONVTAILOR_TRAINER_LEASE_S = tostring(local.lease_s)" in CONFIGURATION.local("trainer_environment")
    assert TOPICS["results"]["ack_s"] == "${local.report_s}"
    assert only(RUN["reporter"]["template"])["timeout"] == "${local.report_s}s"
    for clock in ("sweep", "expire"):
        deadline = BLOCKS[f"google_cloud_scheduler_job.{clock}"]["attempt_deadline"]
        assert only(RUN["intake"]["template"])["timeout"] == deadline == "300s"


def test_pushes_go_to_routes_that_exist_with_tokens_that_the_services_expect():
    endpoints = CONFIGURATION.local("push_endpoints") | {
        clock: only(BLOCKS[f"google_cloud_scheduler_job.{clock}"]["http_target"])["uri"]
        for clock in ("sweep", "expire")
    }
    for service, names in {"intake": ("uploads", "sweep", "expire"), "reporter": ("results",)}.items():
        sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "services" / service).rglob("*.py"))
        for name in names:
            assert f"google_cloud_run_v2_service.{service}.uri" in endpoints[name]
            assert f'"{endpoints[name].partition(".uri}")[2]}"' in sources
        assert RUN[service]["custom_audiences"] == ["${local.push_audience}"]
        environment = CONFIGURATION.local(f"{service}_environment")
        assert "CONVTAILOR_PUSH_AUDIENCE = local.push_audience" in environment
        assert "CONVTAILOR_PUSH_ACCOUNT = google_service_account.push.email" in environment
    tokens = [
        body
        for address in (
            "google_pubsub_subscription.live",
            "google_cloud_scheduler_job.sweep",
            "google_cloud_scheduler_job.expire",
        )
        for body in oidc(BLOCKS[address])
    ]
    expected = {"service_account_email": "${google_service_account.push.email}", "audience": "${local.push_audience}"}
    assert tokens == [expected] * 3


def oidc(value) -> list[dict]:
    if isinstance(value, dict):
        own = value.get("oidc_token", [])
        return own + [found for key, each in value.items() if key != "oidc_token" for found in oidc(each)]
    return [found for each in value for found in oidc(each)] if isinstance(value, list) else []


def test_services_are_protected_wait_for_their_store_and_take_no_more_than_they_have_threads():
    for name, body in RUN.items():
        template = only(body["template"])
        assert body["deletion_protection"] == "${var.deletion_protection}"
        assert template["max_instance_request_concurrency"] == f"${{local.{name}_threads}}"
        assert f"CONVTAILOR_REQUEST_THREADS = tostring(local.{name}_threads)" in CONFIGURATION.local(
            f"{name}_environment"
        )
        probe = only(only(template["containers"])["startup_probe"])
        assert only(probe["http_get"])["path"] == "/healthz"
        assert probe["period_seconds"] * probe["failure_threshold"] == 240, "the most that Cloud Run takes"
        assert probe["timeout_seconds"] <= probe["period_seconds"]
        assert "${google_firestore_index.this}" in body["depends_on"]
        assert "liveness_probe" not in only(template["containers"])


def test_services_are_paid_for_by_the_request_and_a_rollback_does_not_hold_the_next_release_back():
    for body in RUN.values():
        assert only(only(only(body["template"])["containers"])["resources"])["cpu_idle"] is True
        assert body["traffic"] == [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}]


def test_an_alert_on_a_metric_of_a_log_waits_until_monitoring_knows_the_metric():
    metrics = {f"google_logging_metric.{name}" for name in CONFIGURATION.of_type("google_logging_metric")}
    wait = BLOCKS["time_sleep.metrics_known"]
    assert wait["create_duration"] == "600s"
    assert CONFIGURATION.references("time_sleep.metrics_known") == metrics
    for name, body in CONFIGURATION.of_type("google_monitoring_alert_policy").items():
        if CONFIGURATION.references(f"google_monitoring_alert_policy.{name}") & metrics:
            assert "${time_sleep.metrics_known}" in body["depends_on"], name


def test_a_new_key_is_there_before_the_old_one_goes_and_the_old_one_can_be_had_again():
    for name, body in CONFIGURATION.of_type("google_secret_manager_secret_version").items():
        assert body["deletion_policy"] == "DISABLE", name
        assert only(body["lifecycle"]) == {"create_before_destroy": True}, name


def test_registry_deletes_only_what_no_release_names():
    registry = BLOCKS["google_artifact_registry_repository.images"]
    assert only(registry["docker_config"])["immutable_tags"] is True
    assert only(only(registry["cleanup_policies"])["condition"])["tag_state"] == "UNTAGGED"


def test_trainers_come_from_zero_leave_by_themselves_and_are_never_taken_from_their_work():
    scaling = only(BLOCKS["google_compute_autoscaler.trainer"]["autoscaling_policy"])
    assert (scaling["min_replicas"], scaling["mode"]) == (0, "ONLY_SCALE_OUT")
    idle_s = BLOCKS["var.trainer_idle_s"]["default"]
    assert scaling["stabilization_period"] * 2 < idle_s, "or the group makes anew what has just removed itself"
    metric = only(scaling["metric"])
    assert metric["name"] == "pubsub.googleapis.com/subscription/num_undelivered_messages"
    assert 'google_pubsub_subscription.live["jobs"].name' in metric["filter"]
    assert metric["single_instance_assignment"] == "${local.trainer_workers}"
    group = BLOCKS["google_compute_instance_group_manager.trainer"]
    assert "target_size" not in group
    assert only(group["update_policy"])["type"] == "OPPORTUNISTIC"
    template = BLOCKS["google_compute_instance_template.trainer"]
    assert only(template["lifecycle"]) == {"create_before_destroy": True}
    assert only(template["scheduling"])["on_host_maintenance"] == "TERMINATE"
    assert BLOCKS["var.trainer_spot"]["default"] is True


def test_a_group_of_several_zones_is_as_that_of_one_and_takes_nobody_from_work_for_evenness():
    kinds = ("instance_group_manager", "autoscaler")
    zonal = {kind: BLOCKS[f"google_compute_{kind}.trainer"] for kind in kinds}
    regional = {kind: BLOCKS[f"google_compute_region_{kind}.trainer"] for kind in kinds}
    assert {zonal[kind]["count"] for kind in kinds} == {"${local.trainer_spans ? 0 : 1}"}
    assert {regional[kind]["count"] for kind in kinds} == {"${local.trainer_spans ? 1 : 0}"}
    policies = [only(twin["autoscaler"]["autoscaling_policy"]) for twin in (zonal, regional)]
    assert policies[0] == policies[1] | {"stabilization_period": 60}
    for key in ("name", "base_instance_name", "version", "auto_healing_policies"):
        assert zonal["instance_group_manager"][key] == regional["instance_group_manager"][key]
    updates = [only(twin["instance_group_manager"]["update_policy"]) for twin in (zonal, regional)]
    assert updates[1] == updates[0] | {"instance_redistribution_type": "NONE"}
    assert "target_size" not in regional["instance_group_manager"]
    assert BLOCKS["var.trainer_zones"]["default"] == []
    assert "var.trainer_idle_s >= 1200" in str(regional["instance_group_manager"]["lifecycle"])
    stop = BLOCKS["google_workflows_workflow.stop"]["source_contents"]
    assert stop.count("${local.trainer_place}") == 2
    assert {"regionAutoscalers", "regionInstanceGroupManagers"} <= set(re.findall(r"region\w+", stop))


def test_every_file_is_told_of_and_the_example_gives_all_that_must_be_given():
    readme = (TERRAFORM / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(\w+\.tf)`", readme))
    assert told | {"versions.tf", "variables.tf", "outputs.tf"} == {path.name for path in TERRAFORM.glob("*.tf")}
    variables = {address.removeprefix("var."): body for address, body in BLOCKS.items() if address.startswith("var.")}
    example = set(re.findall(r"^(\w+) += ", readme.split("terraform.tfvars")[1].split("```")[0], re.MULTILINE))
    assert {name for name, body in variables.items() if "default" not in body} <= example <= set(variables)
    assert Counter(CONFIGURATION.files[f"var.{name}"] for name in variables) == {"variables.tf": len(variables)}
    assert all(body["description"].endswith(".") for body in variables.values())
