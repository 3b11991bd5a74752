"""Every folder says what lives in it and what must not, and none holds more than a person takes in at a glance."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted(
    path.parent.relative_to(ROOT)
    for top in ("shared", "services", "benchmarks", "tools", "tests")
    for path in (ROOT / top).rglob("__init__.py")
)
MOST_FILES = 10


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_a_package_says_in_one_sentence_what_lives_there_and_what_must_not(package: Path) -> None:
    told = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8")))
    assert told is not None
    assert re.fullmatch(r"[^.!?]+(?:\.\w[^.!?]*)*\.", told), "one sentence"
    assert re.search(r"\b(no|not|nor|none|nothing|never)\b", told), "what must not be there"


@pytest.mark.parametrize("package", [path for path in PACKAGES if path.parts[0] in ("shared", "services")], ids=str)
def test_a_package_holds_few_files_and_nothing_but_one_idea(package: Path) -> None:
    modules = [path.name for path in (ROOT / package).glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_FILES, "divide it by ideas"


def test_each_decision_has_a_number_of_its_own_which_its_title_tells():
    pages = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    numbers = [int(page.name.split("-")[0]) for page in pages]
    assert len(numbers) == len(set(numbers))
    assert [page.read_text().split(".")[0] for page in pages] == [f"# {number}" for number in numbers]
