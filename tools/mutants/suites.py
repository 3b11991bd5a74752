"""Which modules are mutated, and the fast tests that have to notice it."""

from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNIT = "tests/unit"
_STRUCTURE = ("archive_structure", "archive_other_task", "archive_class_hint", "archive_split_told", "split_names")

SUITES: dict[str, tuple[str, ...]] = {
    "shared/archive/zip_format/code_page.py": ("code_page",),
    "shared/archive/zip_format/content.py": ("zip_content",),
    "shared/archive/zip_format/directory.py": ("zip_end", "zip_directory"),
    "shared/archive/zip_format/end_record.py": ("zip_end", "zip_directory"),
    "shared/archive/entry.py": ("archive_entry", "archive_names", "archive_rules"),
    "shared/archive/rules.py": ("archive_rules", "archive_index", "data_version", *_STRUCTURE),
    "shared/archive/safety.py": ("archive_safety", "archive_names", "archive_rules", "archive_index"),
    "shared/archive/class_faults.py": ("archive_rules", "archive_structure", "prepare"),
    **{
        f"shared/archive/structure/{module}.py": (
            *_STRUCTURE,
            "archive_second_copy",
            "archive_rules",
            "data_version",
            "grouping",
        )
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
    "shared/messaging/disposition.py": ("disposition", "consumer", "push", "lost_message", "logs"),
    "shared/messaging/sweeper.py": ("sweeper",),
    "shared/wording.py": ("wording", "client_live", "money"),
    "services/client/terminal/stage.py": ("client_stage", "client_live"),
    "services/intake/job_request.py": ("intake_errors", "intake_api"),
    "services/reporter/report/limits.py": ("reporter_letter", "reporter_warnings"),
    "services/reporter/report/statistics.py": ("report_statistics", "reporter_warnings"),
    "services/reporter/report/warnings.py": ("reporter_warnings",),
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
    "services/trainer/worker/attempt.py": ("attempt", "worker", "failure"),
    "services/intake/operation/retry.py": ("operator_action",),
    "services/onebox/prediction/answers.py": ("prediction", "client_terminal"),
    "services/onebox/results/pairing.py": ("results_again",),
    "services/trainer/analysis/certainty.py": ("analysis",),
    "services/trainer/analysis/growth.py": ("analysis",),
    "services/trainer/analysis/nearest.py": ("analysis",),
    "services/trainer/analysis/suspects.py": ("analysis",),
    "services/trainer/data/copies/across.py": ("split", "repetition", "grouping", "data_version"),
    "services/trainer/data/grouping.py": ("grouping",),
    "services/trainer/evaluation/as_uploaded.py": ("as_uploaded",),
    "services/trainer/evaluation/lit_picture.py": ("lit_picture",),
    "services/trainer/export/formats/judgement.py": ("format_judgement",),
    "services/trainer/fitting/comparison/optimism.py": ("choice",),
    "services/trainer/fitting/comparison/paired.py": ("choice", "as_uploaded"),
    "services/trainer/fitting/comparison/racing.py": ("racing",),
    "services/trainer/fitting/comparison/ridge.py": ("racing",),
    "services/trainer/fitting/comparison/transferability.py": ("racing",),
    "services/trainer/fitting/folds.py": ("convex_head", "analysis"),
    "services/trainer/fitting/logistic.py": ("convex_head", "fitting_speed"),
    "services/trainer/fitting/out_of_fold.py": ("choice", "unfreezing", "convex_head"),
    "services/trainer/fitting/standard.py": ("standard", "convex_head", "strangers"),
    "services/trainer/scratch/need.py": ("disk_need", "thrift", "disk_room"),
    "services/trainer/strangers/learning.py": ("strangers", "one_reader"),
    "services/trainer/tuning/unfreezing/depth.py": ("unfreezing",),
    "services/trainer/zoo/combination/limits.py": ("limits",),
    "services/trainer/zoo/sources/auto.py": ("auto", "candidate_list"),
    "shared/access/limits.py": ("access_limits", "admission"),
    "shared/access/signed_link.py": ("mail_links", "confirmation_mail"),
    "shared/archive/corrected.py": ("corrected",),
    "shared/job/retraining/correction.py": ("retraining",),
    "shared/job/retraining/pairing.py": ("retraining", "results_again"),
    "shared/job/verdict/evidence.py": ("verdict",),
    "shared/language/number.py": ("report_language", "fault_words"),
    "shared/text/bound.py": ("fault_bound",),
    "shared/text/printable.py": ("printable", "retraining", "wording"),
}
"""Names of the files in ``tests/unit`` without ``test_`` and suffix; a mutant is alive where all of these pass."""


def by_suite(modules: Sequence[str]) -> list[list[str]]:
    """Return modules in groups of those that have the same tests: nobody else's have a say, nor take their time."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for module in modules:
        groups.setdefault(SUITES[module], []).append(module)
    return list(groups.values())


def tests_of(modules: list[str]) -> list[str]:
    """Return the paths of the tests of some modules, each once."""
    return sorted({f"{UNIT}/test_{name}.py" for module in modules for name in SUITES[module]})
