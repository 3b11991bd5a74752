"""``python -m tools.catalogues``: gather all messages for people into every catalogue, compile.

Faults are told by their codes, as `docs/errors.md` lists them; what the command line alone says stays English.

What is missing in a language afterwards stands in its ``.po`` file with an empty ``msgstr``; fill it in, run again.
"""

import io
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from shared.language.catalogue import FOLDER, PAGE, REPORT
from shared.language.fault import DETAIL, DETAILS, FILE, FIX, MESSAGE

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "services" / "intake" / "pages"
_TELLING = ("services/reporter", "services/trainer/export/bundle", "shared/job/verdict", "shared/language")
TOLD = tuple(ROOT / name for name in _TELLING)
"""Where reports, mails and cards are worded."""
LANGUAGES = ("de", "fr")
_METHODS = [("templates/**.jinja", "jinja2"), ("static/*.js", "javascript")]
_METHODS_OF_REPORTS = [("**.py", "python"), ("**.jinja", "jinja2")]
_JINJA = {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true"}
_MADE = datetime(2000, 1, 1, tzinfo=UTC)
"""The same messages give the same bytes."""
_FILES = "Single files"
_OF_PROGRAMS = ("Pushes", "On your own machine")
"""Sections of the page of errors that nobody reads in a browser."""
_KEYWORDS = {"_": None, "ngettext": (1, 2), "marked": None, "pgettext": ((1, "c"), 2)}


def gathered() -> Catalog:
    """Return every message of templates and scripts."""
    template = Catalog(fuzzy=False)
    found = extract_from_dir(str(PAGES), _METHODS, {"templates/**.jinja": _JINJA}, _KEYWORDS, comment_tags=())
    for _file, _line, message, _comments, context in found:
        template.add(message, context=context)
    for context, key in keys_of_faults():
        template.add(key, context=context)
    return template


def gathered_of_reports() -> Catalog:
    """Return every message of reports, mails and cards."""
    template = Catalog(fuzzy=False)
    for folder in TOLD:
        found = extract_from_dir(str(folder), _METHODS_OF_REPORTS, {"**.jinja": _JINJA}, _KEYWORDS, comment_tags=())
        for _file, _line, message, _comments, context in found:
            template.add(message, context=context)
    return template


def keys_of_faults() -> list[tuple[str, str]]:
    """Return context and key of all that the server says by code: of faults, of files, of details."""
    keys = [(DETAIL, name) for name in DETAILS]
    for section in re.split(r"^## ", (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0]
        if title not in _OF_PROGRAMS:
            cells = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
            codes = [code for cell in cells for code in re.findall(r"`([a-z_]+)`", cell)]
            keys += [(context, code) for code in codes for context in ((FILE,) if title == _FILES else (MESSAGE, FIX))]
    return keys


def brought_up_to_date(path: Path, language: str, template: Catalog) -> Catalog:
    """Return the catalogue of a language with the messages that there are now."""
    text = path.read_bytes() if path.exists() else _header(language).encode()
    catalogue = read_po(io.BytesIO(text), locale=language)
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.fuzzy = False
    catalogue.creation_date = catalogue.revision_date = _MADE
    return catalogue


def po_file(language: str, domain: str = PAGE) -> Path:
    """Return where the messages of a language are written down."""
    return FOLDER / language / "LC_MESSAGES" / f"{domain}.po"


def main() -> int:
    """Write every catalogue; return 1 where messages are missing."""
    templates = {PAGE: gathered(), REPORT: gathered_of_reports()}
    missing = [
        line for domain, template in templates.items() for each in LANGUAGES for line in _write(each, domain, template)
    ]
    sys.stdout.write("".join(missing))
    return 1 if missing else 0


def _write(language: str, domain: str, template: Catalog) -> list[str]:
    """Write and compile one catalogue; return a line for each message that it lacks."""
    path = po_file(language, domain)
    catalogue = brought_up_to_date(path, language, template)
    path.parent.mkdir(parents=True, exist_ok=True)
    text, compiled = io.BytesIO(), io.BytesIO()
    write_po(text, catalogue, width=120, no_location=True, omit_header=True, sort_output=True)
    path.write_bytes(_header(language).encode() + text.getvalue())
    write_mo(compiled, catalogue)
    path.with_suffix(".mo").write_bytes(compiled.getvalue())
    return [
        f"{language}, {domain}: missing {message.context or ''} {message.id!r}\n"
        for message in catalogue
        if message.id and not _is_told(message.string)
    ]


_HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural={plurals};\\n"

"""


_PLURALS = {"de": "(n != 1)", "fr": "(n > 1)"}
"""Of the two forms, the second; Babel knows a third one of French, for whole millions."""


def _header(language: str) -> str:
    return _HEADER.format(language=language, plurals=_PLURALS[language])


def _is_told(told: object) -> bool:
    return all(told) if isinstance(told, tuple) else bool(told)


if __name__ == "__main__":
    sys.exit(main())
