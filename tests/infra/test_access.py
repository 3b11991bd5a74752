"""Who may do what in the Google Cloud installation, and who may not."""

import re
from pathlib import Path

from shared import layout
from tests.infra.configuration import read, texts

CONFIGURATION = read(Path(__file__).resolve().parents[2] / "infra" / "terraform")
BLOCKS = CONFIGURATION.blocks
RUN = CONFIGURATION.of_type("google_cloud_run_v2_service")
IAM = {
    address: body for address, body in BLOCKS.items() if re.match(r"google_\w+_iam_(member|binding|policy)\.", address)
}


def only(blocks: list[dict]) -> dict:
    [block] = blocks
    return block


def test_buckets_are_closed_and_forget():
    buckets = CONFIGURATION.of_type("google_storage_bucket")
    for body in buckets.values():
        assert body["uniform_bucket_level_access"] is True
        assert body["public_access_prevention"] == "enforced"
    data = buckets["data"]
    assert only(data["soft_delete_policy"])["retention_duration_seconds"] == 0
    rules = {
        tuple(only(rule["condition"])["matches_prefix"]): only(rule["condition"])["age"]
        for rule in data["lifecycle_rule"]
    }
    assert rules == {
        (layout.UPLOADS,): "${ceil(max(var.archive_days, var.most_archive_days)) + local.longest_wait_days}",
        (layout.JOBS,): "${ceil(var.artefact_days) + local.longest_training_days}",
    }
    cors = only(data["cors"])
    assert set(cors["method"]) >= {"PUT", "POST"}
    signed = {"Content-Type", "x-goog-resumable", "x-goog-content-length-range", "x-goog-if-generation-match"}
    assert set(cors["response_header"]) == signed | {"Content-Range", "Range", "Location"}


def test_nobody_but_a_chosen_public_may_call_a_service():
    public = {address for address, body in BLOCKS.items() if {"allUsers", "allAuthenticatedUsers"} & set(texts(body))}
    assert public == set(), "organisations that share with their own domains only refuse them"
    assert {name: body.get("invoker_iam_disabled") for name, body in RUN.items()} == {
        "intake": "${var.public}",
        "reporter": None,
    }
    assert BLOCKS["var.public"]["default"] is False
    assert RUN["reporter"]["ingress"] == "INGRESS_TRAFFIC_INTERNAL_ONLY"


def test_every_service_runs_as_an_account_of_its_own():
    template = BLOCKS["google_compute_instance_template.trainer"]
    accounts = [only(body["template"])["service_account"] for body in RUN.values()]
    accounts.append(only(template["service_account"])["email"])
    assert sorted(accounts) == [
        f"${{google_service_account.{name}.email}}" for name in ("intake", "machine", "reporter")
    ]


def test_roles_are_narrow():
    project_wide = {address: body for address, body in IAM.items() if address.startswith("google_project_iam_")}
    assert {body["role"] for body in project_wide.values()} == {
        "${each.key}",
        "roles/datastore.user",
        "${google_project_iam_custom_role.leaver.id}",
        "${google_project_iam_custom_role.stopper[each.key].id}",  # these two where somebody asked for a hard stop
        "roles/workflows.invoker",
    }
    assert (
        "google_firestore_database.jobs.name"
        in only(BLOCKS["google_project_iam_member.jobs"]["condition"])["expression"]
    )
    roles = {text for body in BLOCKS.values() for text in texts(body) if text.startswith("roles/")}
    assert not {role for role in roles if re.search(r"(?i)(admin|owner|editor)", role)}
    assert not [address for address in IAM if not address.split(".")[0].endswith("_iam_member")], (
        "bindings drop others' rights"
    )
    machine = {address for address, body in project_wide.items() if body["member"].endswith("machine.member}")}
    assert machine == {"google_project_iam_member.machine_leaves", "google_project_iam_member.machine_tells"}
    told = BLOCKS["google_project_iam_member.machine_tells"]["for_each"]
    assert told == '${toset(["roles/logging.logWriter", "roles/monitoring.metricWriter"])}'
    leaver = set(BLOCKS["google_project_iam_custom_role.leaver"]["permissions"])
    assert leaver == {
        "compute.instanceGroupManagers.get",
        "compute.instanceGroupManagers.update",
        "compute.zoneOperations.get",
    }


def test_nobody_may_write_where_another_service_writes():
    access = CONFIGURATION.local("bucket_access")
    writers = {(entry["folder"], name.split("-")[0]) for name, entry in access.items() if "objectUser" in entry["role"]}
    assert writers == {("uploads", "intake"), ("jobs", "trainer"), ("jobs", "reporter")}
    assert "${each.value.folder}/" in only(BLOCKS["google_storage_bucket_iam_member.data"]["condition"])["expression"]


def test_who_deletes_what_others_wrote_may_do_nothing_else_with_it():
    access = CONFIGURATION.local("bucket_access")
    assert BLOCKS["google_project_iam_custom_role.object_deleter"]["permissions"] == ["storage.objects.delete"]
    deleters = {
        (entry["folder"], name.split("-")[0])
        for name, entry in access.items()
        if "google_project_iam_custom_role.object_deleter.id" in entry["role"]
    }
    assert deleters == {("uploads", "reporter"), ("jobs", "intake")}


def test_key_of_sendgrid_reaches_the_reporter_and_no_state():
    assert BLOCKS["var.sendgrid_key"]["ephemeral"] is True
    version = BLOCKS["google_secret_manager_secret_version.sendgrid_key"]
    assert version["secret_data_wo"] == "${var.sendgrid_key}"
    assert "secret_data" not in version
    users = {address for address in BLOCKS if "var.sendgrid_key" in CONFIGURATION.references(address)}
    assert users == {"google_secret_manager_secret_version.sendgrid_key"}
    readers = {body["member"] for body in IAM.values() if "sendgrid_key" in str(body)}
    assert readers == {"${google_service_account.reporter.member}"}


def test_key_of_links_is_in_no_state_and_the_one_before_stays_good():
    version = BLOCKS["google_secret_manager_secret_version.link_key"]
    assert version["secret_data_wo"] == "${ephemeral.random_password.link_key.result}"
    assert "secret_data" not in version
    assert BLOCKS["google_secret_manager_secret_iam_member.link_key_readers"]["for_each"] == {
        "intake": "${google_service_account.intake.member}",
        "reporter": "${google_service_account.reporter.member}",
    }
    assert "max(1, var.link_key_version - 1), var.link_key_version + 1" in CONFIGURATION.local("link_key_versions")
    keys = CONFIGURATION.local("link_keys")
    assert "CONVTAILOR_LINK_KEY_BEFORE" in str(keys)
    for body in RUN.values():
        assert "${local.link_keys}" in str(body)


def test_a_public_installation_asks_for_a_click_and_has_limits_unless_its_operator_says_otherwise():
    defaults = {
        name: BLOCKS[f"var.{name}"]["default"]
        for name in ("confirm_addresses", "jobs_per_network_hour", "jobs_per_address_day", "bytes_per_network_day")
    }
    assert all(defaults.values()), defaults
    assert BLOCKS["var.forwarded_hops"]["default"] == 1


def test_trainers_cannot_be_reached_from_the_internet():
    [interface] = BLOCKS["google_compute_instance_template.trainer"]["network_interface"]
    assert "access_config" not in interface
    firewalls = CONFIGURATION.of_type("google_compute_firewall")
    assert {name: set(body["source_ranges"]) for name, body in firewalls.items()} == {
        "health": {"130.211.0.0/22", "35.191.0.0/16"},  # Google's health checks
        "ssh": {"35.235.240.0/20"},  # Identity-Aware Proxy
    }
    assert firewalls["ssh"]["count"] == "${var.trainer_ssh ? 1 : 0}"
    assert BLOCKS["var.trainer_ssh"]["default"] is False


def test_what_decodes_photographs_of_strangers_may_resize_no_group_and_pull_no_image():
    """The container's account is the trainer's; the machine's own may impersonate it, and not the other way round."""
    rights = {address for address, body in IAM.items() if "google_service_account.trainer.member" in str(body)}
    assert rights == {
        "google_project_iam_member.jobs",
        "google_pubsub_subscription_iam_member.trainer_pulls",
        "google_pubsub_topic_iam_member.service_buries",
        "google_pubsub_topic_iam_member.trainer_publishes",
        "google_storage_bucket_iam_member.data_list",
        "google_storage_bucket_iam_member.weights",
    }
    impersonation = BLOCKS["google_service_account_iam_member.machine_acts_as_trainer"]
    assert impersonation["service_account_id"] == "${google_service_account.trainer.name}"
    assert impersonation["member"] == "${google_service_account.machine.member}"
    identity = CONFIGURATION.local("trainer_identity")
    assert "cloud-platform" not in identity["SCOPES"]
    assert identity["ACCOUNT"] == "${google_service_account.trainer.email}"
