"""Pages that are made from the code say what the code says."""

from pathlib import Path

from tools import settings_page

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_settings_is_the_one_the_code_makes():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_page.page(), "run: make docs"
    assert "CONVTAILOR_WEIGHTS" in page
