"""The templates: a outline becomes the mail's text, the mail's HTML or the page that stands alone."""

import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from services.reporter.report.blocks import Bar, Outline
from services.reporter.report.wording import isolated, width
from shared.language.number import NBSP
from shared.language.speech import _, spoken
from shared.text.printable import printable

TEXT_COLUMNS = 76
_FOLDER = Path(__file__).parent / "templates"
_STYLES = ("look.css", "report.css", "dark.css")


def render_text(outline: Outline) -> str:
    """Return the plain-text part of the mail; lines hold 76 columns but for addresses and tables."""
    text = _environment().get_template("mail.txt.jinja").render(outline=outline)
    return isolated(text.replace(NBSP, " ").rstrip()) + "\n"


def render_mail(outline: Outline) -> str:
    """Return the HTML part of the mail: pictures by ``cid:``, style in attributes, media rules in the head."""
    page = _environment().get_template("mail.html.jinja").render(outline=outline, is_mail=True)
    return isolated(CSSInliner(keep_at_rules=True, minify_css=True, load_remote_stylesheets=False).inline(page))


def render_page(outline: Outline) -> str:
    """Return ``report.html``: one file with everything inside."""
    sections, style = Markup(render_sections(outline)), Markup(style_sheet())  # noqa: S704 - our own templates
    page = _environment().get_template("report.html.jinja")
    return isolated(page.render(outline=outline, sections=sections, style_sheet=style))


def render_sections(outline: Outline) -> str:
    """Return what a page shows of a report, without head, brand and footer: one ``main`` element for any page.

    It needs :func:`style_sheet` and ``data:`` pictures; it has neither scripts nor style attributes.
    """
    return _environment().get_template("sections.html.jinja").render(outline=outline)


def style_sheet() -> str:
    """Return the style of :func:`render_sections`, light, dark, on a phone and in print."""
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in _STYLES)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=select_autoescape(("html.jinja",), disabled_extensions=("txt.jinja",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    # Not cached by language: messages are asked for when a page is made.
    environment.globals |= {"_": _, "spoken": spoken}
    environment.filters |= {"wrapped": _wrapped, "aligned": _aligned, "cells": _band}
    environment.tests["bar"] = lambda value: isinstance(value, Bar)
    return environment


def _wrapped(text: str, indent: str = "") -> str:
    """Wrap running text; neither words nor addresses are torn apart."""
    lines = textwrap.wrap(
        text,
        TEXT_COLUMNS,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)


def _aligned(rows: Sequence[Sequence[object]], numeric_from: int) -> str:
    """Return rows as columns of a fixed-width face, the first row ruled off as titles."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(width(row[column]) for row in texts) for column in range(len(texts[0]))]
    lines = []
    for row in texts:
        cells = []
        for column, cell in enumerate(row):
            padding = " " * (widths[column] - width(cell))
            cells.append(padding + cell if column >= numeric_from else cell + padding)
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * each for each in widths))
    return "\n".join(lines)


def _band(interval: tuple[float, float]) -> tuple[int, int, int]:
    """Return whole percentages before, of and after the band of an interval; they add up to 100."""
    low = min(99, round(interval[0] * 100))
    high = max(low + 1, round(interval[1] * 100))
    return low, high - low, 100 - high
