"""What a job costs on Firestore, counted, and that docs/operations.md says so."""

from pathlib import Path

import pytest

from tests.cloud.firestore_bill import Price, price_of_a_job

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def price(firestore_emulator: str) -> Price:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator)
        return price_of_a_job("demo-bill")


def test_a_training_job_is_written_at_most_once_in_five_seconds_and_never_read_every_second(price: Price) -> None:
    assert price.minute.writes <= 12
    assert price.minute.reads <= 12
    assert price.minute.deletes == 0


def test_the_table_of_costs_says_what_is_counted(price: Price) -> None:
    once, minute = price.once, price.minute
    row = next(line for line in PAGE.splitlines() if line.startswith("| Firestore |"))
    assert f"{once.writes} writes, {once.reads} reads and {once.deletes} deletes a job" in row
    assert f"{minute.writes} writes and {minute.reads} reads for each minute it trains" in row
    assert f"{price.look.reads} reads for each look at its status meanwhile" in row
    assert (price.look.writes, price.look.deletes) == (0, 0)


def test_a_sweep_that_finds_nothing_idle_writes_nothing(price: Price) -> None:
    assert (price.sweep.writes, price.sweep.deletes) == (0, 0)
    row = next(line for line in PAGE.splitlines() if line.startswith("| sweeper |"))
    assert f"{price.sweep.reads} reads while one job trains" in row
