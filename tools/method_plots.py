"""``python -m tools.method_plots`` shows in docs/method.md what each part gave, from the rows of docs/benchmarks.md."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

DOCS = Path(__file__).parent.parent / "docs"
FOLDER = DOCS / "method"
START, END = "<!-- measured -->", "<!-- /measured -->"
_PART = "heads, test accuracy: "
_TUNED = re.compile(r"fine-tuning below a fitted head, (\w+): gain on the test")
_AGAINST = re.compile(r"test accuracy on (\w+), ours less stock")
_OF_SET = re.compile(r"(\w+) (\d\.\d+)")
_ERROR = re.compile(r"standard error (\d+\.\d+)")
_WIDTH_IN, _HEIGHT_IN = 7.0, 3.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """By how much one thing reads more photographs rightly than another.

    Args:
        points: Of a hundred photographs.
        error: Standard error of that; 0 where the row does not tell.
    """

    points: float
    error: float


def rows_of(page: str) -> dict[str, tuple[str, str]]:
    """Return the measured value and the note of each row of a page of benchmarks, by name."""
    cells = [[cell.strip() for cell in line.split(" | ")] for line in page.splitlines() if line.startswith("| ")]
    return {each[0].removeprefix("| "): (each[1], each[-1].removesuffix(" |")) for each in cells if len(each) > 1}


def parts_of(rows: Mapping[str, tuple[str, str]]) -> dict[str, dict[str, float]]:
    """Return the test accuracy of every set, by part, each with all parts before it.

    Raises:
        SystemExit: If no part was measured.
    """
    found = {
        name.removeprefix(_PART): {of_set: float(value) for of_set, value in _OF_SET.findall(note)}
        for name, (_, note) in rows.items()
        if name.startswith(_PART)
    }
    if not found:
        raise SystemExit("docs/benchmarks.md has no rows of heads; run: python -m benchmarks heads")
    return found


def gains_of(rows: Mapping[str, tuple[str, str]]) -> dict[str, Gain]:
    """Return what was gained over the stock Keras way, by set."""
    gains = {}
    for name, (measured, note) in rows.items():
        found = _AGAINST.fullmatch(name)
        if found is not None:
            error = _ERROR.search(note)
            points = float(measured.split()[0])
            gains[found[1]] = Gain(points=points, error=float(error[1]) if error is not None else 0.0)
    return gains


def tables_of(rows: Mapping[str, tuple[str, str]]) -> str:
    """Return what each part added, and what fine-tuning did, as Markdown.

    Raises:
        SystemExit: If no part was measured.
    """
    parts = parts_of(rows)
    sets = list(next(iter(parts.values())))
    lines = [f"| each with all before it | mean | {' | '.join(sets)} |", "|---" * (2 + len(sets)) + "|"]
    for part, values in parts.items():
        shares = [sum(values.values()) / len(values), *values.values()]
        lines.append(f"| {part} | " + " | ".join(f"{100 * share:.1f} %" for share in shares) + " |")
    tuned = {found[1]: cells for name, cells in rows.items() if (found := _TUNED.fullmatch(name)) is not None}
    if tuned:
        lines += ["", "| fine-tuned below the head | gain on the test | how |", "|---|---|---|"]
        lines += [f"| {name} | {measured} | {note} |" for name, (measured, note) in tuned.items()]
    return "\n".join(lines)


def with_tables(page: str, tables: str) -> str:
    """Return a page with the tables in the place that its marks name."""
    before, _, rest = page.partition(START)
    return f"{before}{START}\n{tables}\n{END}{rest.partition(END)[2]}"


def draw_parts(parts: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Draw one line for each set, from the features alone to all parts together."""
    figure = Figure((_WIDTH_IN, _HEIGHT_IN), layout="constrained")
    axes = figure.subplots()
    places = range(len(parts))
    sets = list(next(iter(parts.values())))
    for name in sets:
        axes.plot(places, [100 * values[name] for values in parts.values()], marker="o", label=name)
    axes.set_xticks(places, [_wrapped(part) for part in parts], fontsize=7)
    axes.set_ylabel("test accuracy in %")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    _save(figure, path)


def draw_gains(gains: Mapping[str, Gain], path: Path) -> None:
    """Draw a bar for each set: points above the stock Keras way, with the standard error over the seeds."""
    figure = Figure((_WIDTH_IN, _HEIGHT_IN), layout="constrained")
    axes = figure.subplots()
    points, errors = [each.points for each in gains.values()], [each.error for each in gains.values()]
    axes.bar(list(gains), points, yerr=errors, width=0.5, capsize=4)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_ylabel("points above the stock way")
    axes.grid(axis="y", alpha=0.3)
    _save(figure, path)


def _wrapped(words: str, width: int = 16) -> str:
    lines: list[str] = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def _save(figure: Figure, path: Path) -> None:
    """Write a plot as SVG that is the same whenever it is drawn from the same rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.hashsalt": path.stem}):
        figure.savefig(path, metadata={"Date": None})


def main(arguments: Sequence[str]) -> int:
    """Draw both plots and write the tables, from the page of benchmarks.

    Args:
        arguments: None.
    """
    if arguments:
        raise SystemExit(f"received {list(arguments)}, expected no arguments")
    rows = rows_of((DOCS / "benchmarks.md").read_text(encoding="utf-8"))
    draw_parts(parts_of(rows), FOLDER / "parts.svg")
    draw_gains(gains_of(rows), FOLDER / "against_stock.svg")
    page = DOCS / "method.md"
    page.write_text(with_tables(page.read_text(encoding="utf-8"), tables_of(rows)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
