"""``python -m tools.settings_page`` writes ``docs/settings.md`` from the settings of every service; a test compares."""

from pathlib import Path

from services.intake.settings import IntakeSettings
from services.reporter.settings import ReporterSettings
from services.trainer.settings import TrainerSettings
from shared.settings import Settings, describe

TARGET = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
SERVICES: dict[str, type[Settings]] = {
    "Intake": IntakeSettings,
    "Trainer": TrainerSettings,
    "Reporter": ReporterSettings,
}
_HEAD = """\
# Settings

Generated from the code by `python -m tools.settings_page`.

Every service reads its settings from the environment when it starts, and reports every fault at once. `convtailor run`,
`serve` and `demo` hand their environment on to the services, so `CONVTAILOR_WEIGHTS=weights convtailor run …` works.
Secrets have no default and are never shown.
"""


def page() -> str:
    """Return the settings of all services as Markdown: first the common ones, then what each adds or changes."""
    parts = [_HEAD, _section("Every service", Settings, own=None)]
    parts += [_section(title, cls, own=cls) for title, cls in SERVICES.items()]
    return "\n".join(parts)


def _section(title: str, cls: type[Settings], *, own: type[Settings] | None) -> str:
    common = set(describe(Settings))
    rows = [row for row in describe(cls) if own is None or row not in common]
    lines = [f"| `{name}` | {default} | {help_text.replace('|', chr(92) + '|')} |" for name, default, help_text in rows]
    return "\n".join([f"## {title}\n", "| variable | default | what it does |", "|---|---|---|", *lines, ""])


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
