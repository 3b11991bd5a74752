"""Pages that are made from the code say what the code says."""

import ast
import re
from pathlib import Path

from tools import settings_page, sizes_page

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_settings_is_the_one_the_code_makes():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_page.page(), "run: make docs"
    assert "CONVTAILOR_WEIGHTS" in page


def test_the_page_of_sizes_is_the_one_the_code_makes():
    assert (ROOT / "docs" / "sizes.md").read_text(encoding="utf-8") == sizes_page.page(), "run: make docs"


def test_every_error_code_is_explained_and_every_explained_code_exists():
    explained = set(
        re.findall(r"^\| (.+?) \|", (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    on_the_page = {code for cell in explained for code in re.findall(r"`([a-z_]+)`", cell)}
    in_the_code, literals = _codes_and_literals()
    assert in_the_code - on_the_page == set(), "explain these in docs/errors.md"
    assert on_the_page - literals == set(), "no code says these any more"


def _codes_and_literals():
    """Return the codes given to faults as literals, and every string of the sources."""
    codes, literals = set(), set()
    for path in [*(ROOT / "shared").rglob("*.py"), *(ROOT / "services").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                literals.add(node.value)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"UserFault", "UsageFault", "Fault"}:
                given = [*node.args[:1], *(each.value for each in node.keywords if each.arg == "code")]
                codes |= {each.value for each in given if isinstance(each, ast.Constant)}
    return codes - {"unknown"}, literals
