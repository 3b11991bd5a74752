"""The plots of docs/method.md say what the rows of docs/benchmarks.md say."""

import pytest

from tools.method_plots import DOCS, Gain, draw_gains, draw_parts, gains_of, parts_of, rows_of, tables_of, with_tables

PAGE = """# Benchmarks

| figure | measured | target | reached | how |
|---|---|---|---|---|
| heads, test accuracy: features | 0.8 |  |  | hands 0.700, hats 0.900; 5 seeds |
| heads, test accuracy: and levels | 5 points more |  |  | hands 0.800, hats 0.900; 5 seeds |
| test accuracy on hands, ours less stock | -1.5 points | ≥ -0.7 | **no** | standard error 0.7; seed 0: 0.800/0.815 |
| fine-tuning below a fitted head, hands: gain on the test | 0.5 points |  |  | 5 seeds, kept in 1 |
| test accuracy, ours less stock | -1.5 points |  |  | mean of hands |
"""


def test_each_part_and_each_set_is_drawn_with_the_number_of_its_row(tmp_path):
    rows = rows_of(PAGE)
    parts, gains = parts_of(rows), gains_of(rows)
    assert parts == {"features": {"hands": 0.7, "hats": 0.9}, "and levels": {"hands": 0.8, "hats": 0.9}}
    assert gains == {"hands": Gain(points=-1.5, error=0.7)}
    draw_parts(parts, tmp_path / "method" / "parts.svg")
    draw_gains(gains, tmp_path / "method" / "gains.svg")
    assert sorted(path.name for path in (tmp_path / "method").iterdir()) == ["gains.svg", "parts.svg"]


def test_a_page_without_the_rows_says_what_to_run():
    with pytest.raises(SystemExit, match="python -m benchmarks heads"):
        parts_of({})


def test_plots_drawn_twice_from_the_same_rows_are_the_same(tmp_path):
    parts = parts_of(rows_of(PAGE))
    for folder in ("one", "two"):
        draw_parts(parts, tmp_path / folder / "parts.svg")
    assert (tmp_path / "one" / "parts.svg").read_bytes() == (tmp_path / "two" / "parts.svg").read_bytes()


def test_tables_say_what_parts_and_fine_tuning_gave():
    tables = tables_of(rows_of(PAGE))
    assert "| features | 80.0 % | 70.0 % | 90.0 % |" in tables
    assert "| hands | 0.5 points | 5 seeds, kept in 1 |" in tables


def test_the_page_of_the_method_shows_what_the_page_of_benchmarks_has():
    page = (DOCS / "method.md").read_text(encoding="utf-8")
    rows = rows_of((DOCS / "benchmarks.md").read_text(encoding="utf-8"))
    assert page == with_tables(page, tables_of(rows)), "run: python -m tools.method_plots"
