"""The guides lead somewhere: every path and every link that they name exists."""

import re
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ("README.md", "CONTRIBUTING.md", "docs/architecture.md")
PLACES = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
PATH = re.compile(rf"`((?:{'|'.join(PLACES)})/[\w./{{}},*-]*|[\w-]+\.(?:md|toml|lock))`")
LINK = re.compile(r"\]\(((?!https?:|#)[^)#]+)")


def named_paths(text: str) -> set[str]:
    return {path for each in PATH.findall(text) for path in spelled_out(each)}


def spelled_out(path: str) -> list[str]:
    """Return what the braces of a path stand for."""
    parts = [part.split(",") for part in re.split(r"[{}]", path)]
    return ["".join(chosen) for chosen in product(*parts)]


@pytest.mark.parametrize("guide", GUIDES)
def test_every_path_that_a_guide_names_exists(guide: str) -> None:
    paths = named_paths((ROOT / guide).read_text(encoding="utf-8"))
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("guide", GUIDES)
def test_every_link_of_a_guide_leads_somewhere(guide: str) -> None:
    links = LINK.findall((ROOT / guide).read_text(encoding="utf-8"))
    assert sorted(link for link in links if not ((ROOT / guide).parent / link).exists()) == []


def test_the_page_of_rooms_knows_every_floor_and_every_package_of_the_trainer() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    floors = [
        path.name for path in (ROOT / "shared").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    ]
    assert [name for name in floors if name != "__init__.py" and name not in drawn[0]] == []
    rooms = [path.name for path in (ROOT / "services" / "trainer").iterdir() if (path / "__init__.py").exists()]
    assert [name for name in rooms if f"{name}/" not in drawn[1]] == []


def test_the_table_answers_the_twenty_likeliest_questions() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .+ \| .*`.+`.* \|$", page, re.MULTILINE)
    assert len(rows) >= 20


def test_the_readme_links_both() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {"docs/architecture.md", "CONTRIBUTING.md"} <= set(LINK.findall(readme))
