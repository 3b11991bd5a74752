"""A ledger in memory."""

from dataclasses import dataclass, field, replace

from services.trainer.run.context import LedgerEntry
from services.trainer.run.identity import Facts


@dataclass
class MemoryLedger:
    """Finished trials, for as long as the test lasts."""

    entries: dict[str, LedgerEntry] = field(default_factory=dict)
    written: dict[str, Facts] = field(default_factory=dict)
    made_from: Facts = field(default_factory=dict)

    def of(self, facts: Facts) -> "MemoryLedger":
        return replace(self, made_from={**self.made_from, **facts})

    def find(self, name: str) -> LedgerEntry | None:
        return self.entries[name] if self.written.get(name) == self.made_from else None

    def record(self, entry: LedgerEntry) -> None:
        self.entries[entry.trial.name] = entry
        self.written[entry.trial.name] = self.made_from
