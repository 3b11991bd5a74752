"""The plots of docs/method.md say what the rows of docs/benchmarks.md say."""

import pytest

from tools.method_plots import Gain, draw_gains, draw_parts, gains_of, parts_of, rows_of

PAGE = """# Benchmarks

| figure | measured | target | reached | how |
|---|---|---|---|---|
| heads, test accuracy: features | 0.8 |  |  | hands 0.700, hats 0.900; 5 seeds |
| heads, test accuracy: and levels | 5 points more |  |  | hands 0.800, hats 0.900; 5 seeds |
| test accuracy on hands, ours less stock | -1.5 points | ≥ -0.7 | **no** | standard error 0.7; seed 0: 0.800/0.815 |
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
