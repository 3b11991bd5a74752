"""What Terraform, Dockerfiles and systemd tell the services is what the services ask for, in both directions."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from services.intake.settings import IntakeSettings
from services.reporter.settings import MailCarrier, ReporterSettings
from services.trainer.settings import TrainerSettings
from shared.adapters.gcp.firestore import job_document
from shared.job.options import JobOptions
from shared.job.retention import KEEP_ENDED, retention_of
from shared.json_codec import adapter
from shared.layout import archive_key
from shared.push_gate import PushSettings
from shared.settings import Settings, describe, load
from tests.infra import dockerfile
from tests.infra.configuration import read, texts

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
CONFIGURATION = read(INFRA / "terraform")
SERVICES: dict[str, type[Settings]] = {
    "intake": IntakeSettings,
    "reporter": ReporterSettings,
    "trainer": TrainerSettings,
}


LEFT = {
    "of one machine, or of other mailers": {
        *("DELIVERY_DIR", "OUTBOX_DIR", "READY_FILE", "MIN_BYTES_PER_S", "STALL_S", "TRANSFER_THREADS", "GPU"),
        *("SMTP_CA_FILE", "SMTP_HOST", "SMTP_PASSWORD", "SMTP_PORT", "SMTP_SECURITY", "SMTP_TIMEOUT_S", "SMTP_USER"),
    },
    "Google's own, or for tests": {"PORT", "PUSH_CERTS_URL", "METADATA_URL"},
    "right for everybody; the variable settings changes it": {
        *(
            "CONFIRM_WITHIN_H",
            "LINK_VALID_S",
            "UPLOAD_VALID_S",
            "SWEEP_PATIENCE_S",
            "MAIL_LINK_DAYS",
            "MAIL_PATIENCE_H",
        ),
        *("GCP_HEARTBEAT_S", "LOG_LEVEL", "REPORTER_LEASE_S", "SENDGRID_TIMEOUT_S", "MAX_ATTEMPTS", "POLL_S"),
        *("DOWNLOAD", "DOWNLOAD_TIMEOUT_S", "FORMATS", "MIXED_PRECISION", "SCRATCH_DIR", "THREADS", "WAIT_FOR_DISK"),
        "WARM_CHILD",
    },
}
"""Settings that Terraform does not tell, by why not."""


def told_by_terraform(service: str) -> dict[str, str]:
    """Return variable → expression; the secrets of a service's env blocks included."""
    own = CONFIGURATION.local(f"{service}_environment")
    found = dict(CONFIGURATION.local("service_environment"))
    found |= dict(re.findall(r"(CONVTAILOR_\w+) = ([^,}]+)", own))
    run = CONFIGURATION.of_type("google_cloud_run_v2_service").get(service)
    for entry in run["template"][0]["containers"][0].get("env", []) if run else []:
        found[entry["name"]] = "a secret"
    if run and "${local.link_keys}" in str(run):
        found |= dict.fromkeys(re.findall(r"CONVTAILOR_LINK_KEY\w*", str(CONFIGURATION.local("link_keys"))), "a" * 32)
    return found


def is_switch(expression: str) -> bool:
    """Tell whether an expression says yes or no."""
    variables = re.findall(r"var\.(\w+)", expression)
    return "> 0" in expression or any(
        CONFIGURATION.blocks[f"var.{name}"].get("default") is True
        or CONFIGURATION.blocks[f"var.{name}"].get("default") is False
        for name in variables
    )


def told_by_image(service: str) -> dict[str, str]:
    text = (INFRA / "docker" / f"{service}.Dockerfile").read_text(encoding="utf-8")
    given = dockerfile.variables(dockerfile.parse(text))
    return {name: value for name, value in given.items() if name.startswith("CONVTAILOR_")}


def known_to(service: str) -> dict[str, str]:
    """Return variable → help."""
    return {name: text for name, _, text in describe(SERVICES[service])}


@pytest.mark.parametrize("service", SERVICES)
def test_service_knows_every_variable_that_it_is_told(service):
    assert {*told_by_terraform(service), *told_by_image(service)} - set(known_to(service)) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_told_every_variable_that_it_requires_on_google_cloud(service):
    conditions = ("required with the back-end `gcp`", "required with `sendgrid`")
    if service != "trainer":
        conditions = (*conditions, "required by intake and reporter with the back-end `gcp`")
    required = {name for name, text in known_to(service).items() if any(each in text for each in conditions)}
    required |= {name for name, default, _ in describe(SERVICES[service]) if default == "required"}
    assert {"CONVTAILOR_GCP_PROJECT", "CONVTAILOR_GCP_BUCKET"} <= required
    assert issubclass(SERVICES[service], PushSettings) == ("CONVTAILOR_PUSH_AUDIENCE" in required)
    assert required - set(told_by_terraform(service)) == set()


@pytest.mark.parametrize("service", SERVICES)
def test_service_takes_the_values(service):
    environ = told_by_image(service)
    for name, expression in told_by_terraform(service).items():
        literal = re.fullmatch(r'"?([\w.-]+)"?', expression)
        is_literal = literal and not expression.startswith(("local.", "var.", "google_"))
        computed = (
            "https://example.org" if name.endswith(("_URL", "_HOST")) else "true" if is_switch(expression) else "15"
        )
        environ[name] = literal[1] if is_literal else computed
    settings = load(SERVICES[service], environ)
    assert settings.backend == "gcp"
    if service == "reporter":
        assert settings.mailer is MailCarrier.SENDGRID
    if service != "trainer":
        assert (settings.host, settings.stop_grace_s) == ("0.0.0.0", 8)
        assert settings.port == load(SERVICES[service], environ | {"PORT": ""}).port != 9
        assert load(SERVICES[service], environ | {"PORT": "9"}).port == 9, "Cloud Run's own variable"


def test_every_setting_is_told_by_terraform_or_left_for_a_reason():
    told = {name for service in SERVICES for name in {*told_by_terraform(service), *told_by_image(service)}}
    every = {name.removeprefix("CONVTAILOR_") for service in SERVICES for name in known_to(service)}
    missing = every - {name.removeprefix("CONVTAILOR_") for name in told}
    assert {"PRICE_PER_HOUR", "MACHINE_TYPE", "CALIBRATION_FILE", "MAX_JOBS"} & missing == set()
    assert missing == set().union(*LEFT.values()), "tell it, or say here why nobody needs it told"
    assert "var.settings" in " ".join(texts(CONFIGURATION.of_type("google_cloud_run_v2_service")))
    assert "var.settings" in " ".join(texts(CONFIGURATION.blocks["google_compute_instance_template.trainer"]))


def test_what_an_operator_adds_reaches_every_service_and_overrules_nothing():
    used = texts(
        [
            CONFIGURATION.of_type("google_cloud_run_v2_service"),
            CONFIGURATION.of_type("google_compute_instance_template"),
        ]
    )
    merged = [text for text in used if "var.settings" in text]
    assert len(merged) == len(SERVICES)
    assert all(re.search(r"merge\(var\.settings, local\.\w+_environment\)", text) for text in merged)


def test_a_price_that_is_not_known_is_none():
    assert CONFIGURATION.blocks["var.price_per_hour"]["default"] == ""
    assert Settings(price_per_hour=None) == load(Settings, {"CONVTAILOR_PRICE_PER_HOUR": ""})


def test_no_file_of_the_installation_names_a_variable_that_no_service_has():
    known = {name for service in SERVICES for name in known_to(service)}
    for path in INFRA.rglob("*"):
        if path.is_file() and path.suffix != ".txt":
            named = set(re.findall(r"CONVTAILOR_[A-Z_]+", path.read_text(encoding="utf-8")))
            assert named - known == set(), path


def test_database_has_the_indexes_and_fields_that_the_store_asks_for():
    indexes = {(each["collection"], tuple(each["fields"])) for each in CONFIGURATION.local("indexes").values()}
    assert indexes == set(job_document.COMPOSITE_INDEXES)
    assert set(CONFIGURATION.local("ttl_fields").items()) == set(job_document.TTL_FIELDS)
    assert set(CONFIGURATION.local("unindexed_fields").items()) == set(job_document.UNINDEXED_FIELDS)


def test_objects_are_not_kept_for_longer_than_the_jobs_they_belong_to():
    variable = CONFIGURATION.blocks["var.artefact_days"]
    assert timedelta(days=variable["default"]) <= KEEP_ENDED
    assert f"<= {KEEP_ENDED.days}" in variable["validation"][0]["condition"]


def test_the_bucket_deletes_nothing_that_a_service_is_still_to_keep_and_forgets_as_many_days_as_it_says():
    settings = Settings()
    retention = retention_of(settings)
    for variable, days in (
        ("archive_days", retention.archives),
        ("most_archive_days", retention.most_archives),
        ("artefact_days", retention.artefacts),
    ):
        assert timedelta(days=CONFIGURATION.blocks[f"var.{variable}"]["default"]) == days, variable
        told = f"CONVTAILOR_{variable.upper()}"
        assert CONFIGURATION.local("service_environment")[told] == f"${{tostring(var.{variable})}}"
    longest_budget = timedelta(minutes=adapter(JobOptions).json_schema()["properties"]["budget_minutes"]["maximum"])
    attempts = TrainerSettings().max_attempts + 1
    patience = timedelta(hours=ReporterSettings().mail_patience_h)
    assert timedelta(days=CONFIGURATION.local("longest_training_days")) >= attempts * longest_budget + patience
    assert CONFIGURATION.local("longest_wait_days") >= CONFIGURATION.local("longest_training_days")


def test_news_of_uploads_is_of_the_folder_that_archives_go_to():
    notification = CONFIGURATION.blocks["google_storage_notification.uploaded"]
    assert archive_key("some-job").startswith(notification["object_name_prefix"])
    assert notification["event_types"] == ["OBJECT_FINALIZE"]


def test_failed_jobs_are_counted_by_a_line_that_the_reporter_writes():
    lines = CONFIGURATION.blocks["google_logging_metric.failed_jobs"]["filter"]
    handler = (ROOT / "services" / "reporter" / "handler.py").read_text(encoding="utf-8")
    assert re.search(r'jsonPayload\.message = \\?"reported an end', lines)
    assert '_log.info("reported an end", extra={"state": told.state' in handler
    for metric, field in (("trained_seconds", "trained_s"), ("job_cost", "cost")):
        assert (
            CONFIGURATION.blocks[f"google_logging_metric.{metric}"]["value_extractor"]
            == f"EXTRACT(jsonPayload.{field})"
        )
        assert f'"{field}": ' in handler
    logs = (ROOT / "shared" / "logs.py").read_text(encoding="utf-8")
    assert '"logger": record.name' in logs
