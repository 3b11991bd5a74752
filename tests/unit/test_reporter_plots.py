import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from services.reporter.report.figures import Figures
from services.reporter.report.limits import MAIL
from services.reporter.report.plots import bars, curves, fonts, style
from services.reporter.report.plots import matrix as matrix_plot
from services.reporter.report.plots.paths import scale_strengths
from services.reporter.report.sections.confusions import confusion_section
from services.reporter.report.statistics import confusions, matrix_view
from shared.job.findings.training import History
from shared.job.result import Result
from tests.reporter_fixture import draw
from tests.result_fixture import cross_validated, make_result


@cache
def figures_of(shape: str) -> Figures:
    return draw(SHAPES[shape]())


SHAPES = {
    "two classes, one candidate": lambda: make_result(("Katze", "Hund"), num_candidates=1, num_epochs=1),
    "ten classes, four candidates": make_result,
    "sixty classes, twelve candidates": lambda: make_result(
        tuple(f"蝶 {i}" for i in range(60)), num_candidates=13, per_class=9
    ),
}


def decode(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image.convert("RGB")


def num_colours(image: Image.Image) -> int:
    return len(image.getcolors(maxcolors=image.width * image.height) or [])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_plot_decodes_has_content_and_fits_a_mail(shape: str) -> None:
    figures = figures_of(shape)
    assert {"accuracy-bars", "candidate-accuracy", "candidate-loss", "tuning", "confusion"} <= set(figures)
    for name in ("accuracy-bars", "candidate-accuracy", "candidate-loss", "tuning", "confusion"):
        image = decode(figures[name].data)
        ink = np.asarray(image).min(axis=2) < 250
        assert image.width >= 1024, name
        assert 0.005 < ink.mean() < 0.9, name
        assert num_colours(image) > 20, name
        assert len(figures[name].data) < 600_000, name


@pytest.mark.parametrize("num", range(2, 8))
def test_of_however_few_strengths_two_ticks_have_labels(num: int) -> None:
    strengths = [10 ** (-2 - 0.75 * number) for number in range(num)]
    figure = Figure()
    axes = figure.subplots()
    axes.plot(strengths, range(num))
    scale_strengths(axes, strengths)
    figure.draw_without_rendering()
    low, high = sorted(axes.get_xlim())
    ticks = [*axes.xaxis.get_major_ticks(), *axes.xaxis.get_minor_ticks()]
    assert len([tick for tick in ticks if tick.label1.get_text() and low <= tick.get_loc() <= high]) > 1


def test_strengths_are_drawn_instead_of_epochs_where_there_were_none() -> None:
    figures = draw(cross_validated(make_result()))
    assert {"accuracy-bars", "strengths"} <= set(figures)
    assert not {"candidate-accuracy", "candidate-loss", "tuning"} & set(figures)
    image = decode(figures["strengths"].data)
    assert image.width >= 1024
    assert num_colours(image) > 20


def test_the_matrix_grows_with_the_classes_so_that_names_stay_legible() -> None:
    small = decode(figures_of("two classes, one candidate")["confusion"].data)
    large = decode(figures_of("sixty classes, twelve candidates")["confusion"].data)
    assert small.width == style.WIDTH_IN * style.DOTS_PER_INCH
    assert large.width / 60 > 30  # pixels per class


def test_of_many_classes_the_matrix_shows_those_mixed_up_most_and_counts_the_rest() -> None:
    result = make_result(tuple(f"class {i}" for i in range(300)), num_candidates=1, skill=0.7)
    view = matrix_view(result)
    commonest = confusions(result)[0]
    shown = [result.classes[row] for row in view.rows]
    assert {commonest.actual, commonest.predicted} <= set(shown)
    assert len(shown) <= 40
    for row, counts in zip(view.rows, view.counts, strict=True):
        assert sum(counts) == sum(result.test.confusion_matrix[row])
        assert counts[view.rows.index(row)] == result.test.confusion_matrix[row][row]
    assert decode(matrix_plot.confusion_matrix(result)).width < 2000


def test_many_classes_that_are_never_mixed_up_need_no_matrix() -> None:
    result = make_result(tuple(f"class {i}" for i in range(100)), num_candidates=1)
    right = tuple(tuple(3 * (actual == said) for said in range(100)) for actual in range(100))
    result = replace(result, test=replace(result.test, confusion_matrix=right))
    assert "confusion" not in draw(result)
    assert "What it mixes up" in {section.title for section in [confusion_section(result, draw(result), MAIL)]}


def test_right_is_green_and_wrong_is_brown() -> None:
    result = make_result(("a", "b"), num_candidates=1)
    matrix = ((10, 0), (10, 0))
    result = replace(result, test=replace(result.test, confusion_matrix=matrix))
    red, green, _ = decode(matrix_plot.confusion_matrix(result)).split()
    difference = np.asarray(green).astype(int) - np.asarray(red).astype(int)
    top, bottom = difference[: len(difference) // 2], difference[len(difference) // 2 :]
    assert top.max() > 30 > -30 > bottom.min()


def test_names_that_no_font_has_become_numbers_instead_of_empty_boxes() -> None:
    assert fonts.label("Bär", 0) == "Bär"
    assert fonts.label("\U00012000\U00012001", 6) == "no. 7"  # cuneiform
    assert fonts.label("price $5 and $6", 0) == r"price \$5 and \$6"
    assert len(fonts.label("x" * 300, 0)) <= 24


@pytest.mark.parametrize("curve", [curves.candidate_curves, lambda result: curves.candidate_curves(result, loss=True)])
def test_curves_with_losses_that_blew_up_are_still_drawn(curve: Callable[[Result], bytes]) -> None:
    bad = History(accuracy=(0.5, 0.4), loss=(1.0, float("nan")), val_accuracy=(0.5, 0.4), val_loss=(9e9, float("inf")))
    result = make_result(num_candidates=2, num_epochs=5)
    result = replace(
        result, candidates=(replace(result.candidates[0], history=bad, best_epoch=1), *result.candidates[1:])
    )
    assert num_colours(decode(curve(result))) > 20


def test_the_same_result_gives_the_same_bytes() -> None:
    assert bars.accuracy_bars(make_result()) == figures_of("ten classes, four candidates")["accuracy-bars"].data
