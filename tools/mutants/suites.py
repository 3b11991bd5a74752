"""Which modules are mutated, and the fast tests that have to notice it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNIT = "tests/unit"
_STRUCTURE = ("archive_structure", "archive_other_task", "archive_class_hint", "archive_split_told", "split_names")

SUITES: dict[str, tuple[str, ...]] = {
    "shared/archive/zip_format/code_page.py": ("code_page",),
    "shared/archive/zip_format/content.py": ("zip_content",),
    "shared/archive/zip_format/directory.py": ("zip_directory",),
    "shared/archive/zip_format/end_record.py": ("zip_directory",),
    "shared/archive/entry.py": ("archive_names", "archive_rules"),
    "shared/archive/rules.py": ("archive_rules", "archive_index", "data_version"),
    "shared/archive/safety.py": ("archive_names", "archive_rules", "archive_index"),
    "shared/archive/class_faults.py": ("archive_rules", "archive_structure", "prepare"),
    **{
        f"shared/archive/structure/{module}.py": (*_STRUCTURE, "archive_rules", "data_version", "grouping")
        for module in (
            "annotation",
            "file_name",
            "folder_name",
            "folder_tree",
            "nesting",
            "own_split",
            "part_level",
            "recognise",
            "second_copy",
            "split",
        )
    },
    "shared/errors.py": ("intake_errors", "vendor_error", "options", "settings"),
    "shared/interval.py": ("interval", "as_uploaded"),
    "shared/job/claim.py": ("claim", "job_lease", "worker", "lost_message"),
    "shared/job/events.py": ("events", "outbox", "admission"),
    "shared/job/heartbeat.py": ("heartbeat", "cadence", "job_lease", "worker"),
    "shared/job/job.py": ("job", "sweeper"),
    "shared/job/options.py": ("options", "intake_errors", "money", "grouping", "expiry"),
    "shared/job/progress.py": ("cadence", "run_progress", "heartbeat"),
    "shared/job/stored.py": ("stored",),
    "shared/json_codec.py": ("json_codec", "result_schema", "stored"),
    "shared/layout.py": ("layout",),
    "shared/job/retention.py": ("expiry", "reporter_handler", "admission"),
    "shared/job/verdict/rule.py": ("verdict",),
    "shared/messaging/consumer.py": ("consumer", "lost_message"),
    "shared/messaging/disposition.py": ("disposition", "consumer", "push", "lost_message"),
    "shared/messaging/sweeper.py": ("sweeper",),
    "shared/wording.py": ("wording", "client_live", "money"),
    "services/client/terminal/stage.py": ("client_stage", "client_live"),
    "services/intake/job_request.py": ("intake_errors", "intake_api"),
    "services/reporter/report/limits.py": ("reporter_letter", "reporter_warnings"),
    "services/reporter/report/statistics.py": ("reporter_letter", "reporter_warnings"),
    "services/reporter/report/warnings.py": ("reporter_letter", "reporter_warnings"),
    "services/reporter/report/wording.py": ("reporter_letter", "reporter_warnings", "wording"),
    "services/trainer/data/copies/groups.py": ("duplicates", "prepare", "split"),
    "services/trainer/data/copies/alignment.py": ("copies", "data_version"),
    "services/trainer/data/copies/names.py": ("copies",),
    "services/trainer/data/copies/overlay.py": ("copies", "data_version"),
    "services/trainer/data/copies/proposals.py": ("copies", "data_version"),
    "services/trainer/data/copies/search.py": ("duplicates", "copies", "prepare", "data_version"),
    "services/trainer/data/copies/views.py": ("copies", "data_version"),
    "services/trainer/data/repetition.py": ("repetition", "prepare"),
    "services/trainer/data/split.py": ("split", "prepare", "grouping", "data_version"),
    "services/trainer/evaluation/metrics.py": ("metrics", "evaluation"),
    "services/trainer/failure.py": ("failure", "training_process"),
    "services/trainer/fitting/temperature.py": ("evaluation", "convex_head"),
    "services/trainer/run/cost.py": ("calibration",),
    "services/trainer/run/deadline.py": ("deadline", "deadline_kept", "worker"),
    "services/trainer/run/identity.py": ("identity", "ledger", "data_version"),
    "services/trainer/run/progress.py": ("run_progress", "money"),
    "services/trainer/tuning/recipe.py": ("tuning_search",),
    "services/trainer/tuning/search.py": ("tuning_search",),
    "services/trainer/worker/attempt.py": ("worker", "failure"),
}
"""Names of the files in ``tests/unit`` without ``test_`` and suffix; a mutant is alive where all of these pass."""


def tests_of(modules: list[str]) -> list[str]:
    """Return the paths of the tests of some modules, each once."""
    return sorted({f"{UNIT}/test_{name}.py" for module in modules for name in SUITES[module]})
