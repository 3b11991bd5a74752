"""The tool that asks whether tests would notice mistakes: what it changes is there, and so are the tests it asks."""

import pytest

from tools.mutants import suites


@pytest.mark.parametrize("module", sorted(suites.SUITES))
def test_a_module_that_was_renamed_does_not_drop_out_of_the_mutants_unseen(module: str) -> None:
    assert (suites.ROOT / module).is_file()
    named = suites.tests_of([module])
    assert named
    assert [path for path in named if not (suites.ROOT / path).is_file()] == []
