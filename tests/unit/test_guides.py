"""The guides lead somewhere: every path and every link that they name exists."""

import ast
import re
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted(
    str(path.relative_to(ROOT))
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"), *ROOT.glob("infra/**/*.md")]
)
PLACES = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
PATH = re.compile(rf"`((?:{'|'.join(PLACES)})/[\w./{{}},*-]*|[\w-]+\.(?:md|toml|lock))`")
REFERENCE = re.compile(r":\w+:`((?:shared|services|tools)\.[\w.\s]+)`")
DOTTED = re.compile(r"`((?:shared|services|tools|benchmarks|tests)\.[\w.]+)`")
LINK = re.compile(r"\]\(((?!https?:|#)[^)#]+)")


def named_paths(text: str) -> set[str]:
    return {path for each in PATH.findall(text) for path in spelled_out(each)}


def spelled_out(path: str) -> list[str]:
    """Return what the braces of a path stand for."""
    parts = [part.split(",") for part in re.split(r"[{}]", path)]
    return ["".join(chosen) for chosen in product(*parts)]


def names_in(module: Path) -> set[str]:
    """Return what a module defines or imports."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {ast.unparse(target) for target in targets}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {each.asname or each.name for each in node.names}
    return found


def leads_somewhere(reference: str) -> bool:
    """Tell whether a dotted name is one of a package, of a module, or of something in a module."""
    parts = reference.split(".")
    for length in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:length])
        if place.is_dir():
            return length == len(parts)
        if place.with_suffix(".py").exists():
            return set(parts[length:]) <= names_in(place.with_suffix(".py"))
    return False


@pytest.mark.parametrize("guide", GUIDES)
def test_every_path_that_a_guide_names_exists(guide: str) -> None:
    text = (ROOT / guide).read_text(encoding="utf-8")
    assert sorted(path for path in named_paths(text) if not (ROOT / path).exists()) == []
    assert [name for name in DOTTED.findall(text) if not leads_somewhere(name)] == []


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


def test_every_reference_of_a_docstring_leads_somewhere() -> None:
    astray = [
        f"{path.relative_to(ROOT)}: {reference}"
        for top in ("shared", "services", "tools", "tests")
        for path in ROOT.joinpath(top).rglob("*.py")
        for each in REFERENCE.findall(path.read_text(encoding="utf-8"))
        if not leads_somewhere(reference := re.sub(r"\s", "", each))
    ]
    assert astray == []
