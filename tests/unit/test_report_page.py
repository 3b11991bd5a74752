"""The page of a report: what a reader of many classes, on a phone, in the dark, on paper or by ear gets of it."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from services.reporter.report.confusions.clusters import MOST_MEMBERS, clusters
from services.reporter.report.confusions.grid import grid_of
from services.reporter.report.downloads import Downloads, local_downloads
from services.reporter.report.figures import Picture
from services.reporter.report.letter import write_letter, write_page
from services.reporter.report.plots.style import percent_axis
from services.reporter.report.statistics import class_rows
from shared.errors import Fault
from shared.job.findings.photographs import ClassFiles, OwnParts
from shared.job.findings.training import CandidateResult, Foretold, Unfreezing
from shared.job.job import JobState, TrialState
from shared.job.result import Result
from tests.job_fixture import make_job
from tests.reporter_fixture import JOB_ID, finished_job
from tests.result_fixture import cross_validated, make_result

NOTHING = Downloads()


def page_of(result: Result, downloads: Downloads = NOTHING, **figures: Picture) -> str:
    return write_page(finished_job(), result, figures=figures, downloads=downloads)


@cache
def species(number: int) -> Result:
    return make_result(tuple(f"species {i}" for i in range(number)), num_candidates=3, per_class=9, skill=0.7)


@pytest.mark.parametrize("number", [2, 10, 60, 250])
def test_a_page_has_every_class_and_stays_small_whatever_their_number(number: int) -> None:
    page = page_of(species(number))
    shown = "{i}. species {name}</th>" if number > 25 else ">species {name}</th>"
    assert all(shown.format(i=i + 1, name=i) in page for i in range(number))
    assert len(page.encode()) < 5_000_000


def test_the_worst_class_comes_first() -> None:
    page = page_of(species(10))
    rows = sorted(class_rows(species(10)), key=lambda row: row.score.f1)
    places = [page.index(f">{row.score.name}</th>") for row in (rows[0], rows[-1])]
    assert places == sorted(places)


def test_classes_that_are_numbers_are_not_numbered_by_others() -> None:
    of_digits = make_result(tuple(str(digit) for digit in range(10)), num_candidates=1)
    assert ">3</th>" in page_of(of_digits)
    of_years = make_result(tuple(str(year) for year in range(1970, 2010)), num_candidates=1)
    assert ">1973 (no. 4)</th>" in page_of(of_years)
    assert "4. 1973" not in page_of(of_years)


def to_do_of(result: Result) -> str:
    found = re.search(r'id="what-to-do-next".*?</section>', page_of(result), re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split()) if found else ""


def test_what_to_do_next_is_a_few_lines_near_the_top() -> None:
    told = to_do_of(make_result())
    for what in (
        "2 photographs that stand out",
        "for one class: 2 pictures lie",
        "photographs of “hat” first",
        "2 files",
    ):
        assert what in told
    assert "answers above 80" in told
    page = page_of(make_result())
    assert page.index('id="what-to-do-next"') < page.index('id="class-by-class')


def test_of_a_network_that_should_not_be_used_no_answer_is_advised() -> None:
    assert "Use" not in to_do_of(make_result(skill=0.1)).split()


def test_of_one_thing_to_do_it_is_said_in_the_singular_and_of_none_nothing() -> None:
    result = replace(make_result(), quarantined=(), num_quarantined=None, certainty=None, growth=None)
    assert result.suspects is not None
    one = replace(result, suspects=replace(result.suspects, num_likely=1, num_twins=0, twins=()))
    assert "1 photograph that stands out" in to_do_of(one)
    assert "1 picture lies in several" in to_do_of(one)
    duplicates = replace(result.duplicates, conflicts=(), num_conflicts=None)
    assert to_do_of(replace(result, suspects=None, duplicates=duplicates)) == ""


def test_of_copies_that_gave_way_to_a_test_of_the_persons_own_nothing_is_to_be_repaired() -> None:
    result = make_result()
    own = replace(
        result,
        duplicates=replace(result.duplicates, num_given_way=result.num_left_out, near_groups=2, mixed_groups=1),
        counts=replace(result.counts, own_split=OwnParts(train=("train",), test=("test",))),
    )
    assert "Repair" in to_do_of(result)
    assert "Repair" not in to_do_of(own)
    assert "only served to learn from" in page_of(result)
    assert "only served to learn from" not in page_of(own), "a test that somebody made stays as it is"


def test_the_page_tells_which_photograph_served_for_what() -> None:
    files = ClassFiles(
        name="cats", test=("pets/cats/7.jpg", "pets/cats/9.jpg"), train=("pets/cats/1.jpg", "a/2.jpg"), num_more=3
    )
    page = page_of(replace(make_result(), split=(files,)))
    assert "cats: to test with</span><br>in pets/cats/: 7.jpg, 9.jpg<" in page
    assert "cats: to learn from</span><br>pets/cats/1.jpg, a/2.jpg<" in page
    assert "cats: to choose with" not in page
    assert "3 more photographs" in page
    assert (
        "which photograph served for what" not in page_of(replace(make_result(), split=())).lower()
    )  # an older document tells nothing


def test_how_often_an_answer_is_right_has_a_range_like_how_often_a_class_is_found() -> None:
    (row, *_) = class_rows(species(10))
    low, high = row.precision_interval
    assert 0 <= low < row.score.precision < high <= 1
    assert f"({round(100 * low)}–{round(100 * high)})" in page_of(species(10))


def test_a_class_that_was_never_said_has_no_precision() -> None:
    result = make_result(("a", "b"), num_candidates=1)
    result = replace(result, test=replace(result.test, confusion_matrix=((10, 0), (10, 0))))
    assert "never\u00a0said" in page_of(result)


def test_layers_and_curves_are_behind_a_line_that_opens_them() -> None:
    page = page_of(make_result())
    for line in re.findall(r"<summary[^>]*>(.*?)</summary>", page):
        assert line.strip()
    folded = "".join(re.findall(r"<details.*?</details>", page, re.DOTALL))
    assert "block_59_expand" in folded
    assert "block_59_expand" not in page.replace(folded, "").partition("<details")[0]


def test_one_reason_that_kept_out_many_networks_is_said_once() -> None:
    skipped = tuple(
        CandidateResult(name=f"net{i}", state=TrialState.SKIPPED, skipped_because="No weights here.") for i in range(17)
    )
    result = replace(make_result(num_candidates=1), candidates=(*make_result().candidates[:1], *skipped))
    page, letter = page_of(result), write_letter(finished_job(), result, figures={}, downloads=NOTHING)
    assert page.count("No weights here.") == letter.html.count("No weights here.") == 1
    assert "17 networks not compared, and why" in page
    assert "net16" in page


def test_a_count_of_the_matrix_leads_to_its_photographs() -> None:
    result = make_result()
    page = page_of(result)
    links = set(re.findall(r'class="matrix-link" href="#([^"]+)"', page))
    assert links
    assert links == set(re.findall(r'class="cell-photographs" id="([^"]+)"', page))
    mistake = result.test.mistakes[0]
    actual, predicted = (result.classes.index(name) + 1 for name in (mistake.actual, mistake.predicted))
    _, _, after = page.partition(f'id="cell-{actual}-{predicted}"')
    assert mistake.path in after.partition("</ul>")[0].replace("<wbr>", "")


def test_of_many_classes_the_groups_that_are_mixed_up_are_shown_and_the_whole_at_full_size() -> None:
    page = page_of(species(60))
    assert "mixed up among them" in page
    assert "All 60 classes at full size" in page
    assert "Confusion matrix of 60 classes" in page


def test_names_of_columns_stand_upright_only_where_they_do_not_run_into_one_another() -> None:
    few, many = make_result(("1", "2", "3"), skill=0.5), species(250)
    assert grid_of(few, range(3)).is_level
    assert "rotate(-90)" not in page_of(few)
    assert grid_of(many, (7, 8), is_group=True).is_level
    assert not grid_of(many, (147, 148), is_group=True).is_level


def test_a_phone_shows_short_tables_whole_and_gives_room_to_long_names() -> None:
    page = page_of(make_result(("a", "a class of a long name")))
    assert ".data { min-width" not in page
    assert re.search(r'class="cell long"[^>]*>a class of a long name<', page)
    assert not re.search(r'class="cell long"[^>]*>a<', page)


def test_groups_hold_those_that_are_mixed_up_and_no_more_than_can_be_looked_at() -> None:
    matrix = [[20 if one == other else 0 for other in range(30)] for one in range(30)]
    for one, other in ((0, 1), (1, 2), (10, 11)):
        matrix[one][other] = 5
    assert [each.members for each in clusters(matrix)] == [(0, 1, 2), (10, 11)]
    chain = [[5 if abs(one - other) <= 1 else 0 for other in range(30)] for one in range(30)]
    assert max(len(each.members) for each in clusters(chain)) <= MOST_MEMBERS
    assert clusters([[5, 0], [0, 5]]) == []


def test_a_page_has_landmarks_headings_that_name_them_and_tables_that_keyboards_can_scroll() -> None:
    page = page_of(make_result())
    assert page.count("<main") == page.count("<h1") == page.count("<footer") == page.count("<header") == 1
    assert '<nav class="contents" aria-label="Contents">' in page
    named = re.findall(r'<section [^>]*aria-labelledby="([^"]+)"', page)
    assert len(named) > 8
    assert all(f'id="{name}"' in page for name in named)
    assert set(re.findall(r'<a class="link" href="#([^"]+)"', page)) <= set(re.findall(r'id="([^"]+)"', page))
    scrolled = re.findall(r'<div class="(?:plot-frame )?wide"([^>]*)>', page)
    assert scrolled
    assert all('role="region" tabindex="0" aria-label="' in each for each in scrolled)
    assert " style=" not in page  # a strict policy of a page around it would forbid them


def test_a_plot_has_a_dark_face_on_the_page_and_a_light_one_in_a_mail() -> None:
    bars = Picture(name="accuracy-bars", alt="Bars", subtype="png", data=b"light", dark=b"dark")
    assert bars.dark_uri in page_of(make_result(), **{bars.name: bars})
    letter = write_letter(finished_job(), make_result(), figures={bars.name: bars}, downloads=NOTHING)
    assert "<picture" not in letter.html


def test_a_page_in_a_folder_links_to_its_neighbours_and_bears_being_moved(tmp_path: Path) -> None:
    job = finished_job()
    page = page_of(make_result(), local_downloads(job, tmp_path, with_report=False))
    links = re.findall(r'<a class="(?:button|link)" href="([^"#]+)"', page)
    assert "model.h5" in links
    assert not [link for link in links if ":" in link or "/" in link]
    assert "files in the folder of this page" in page


def test_ticks_say_where_they_are() -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415

    axes = Figure().subplots()
    for low, high in ((0.9, 1.0), (0.955, 0.995), (0.0, 1.0), (0.9931, 0.9957)):
        axes.set_ylim(low, high)
        percent_axis(axes.yaxis)
        told = [float(axes.yaxis.get_major_formatter()(tick, 0).rstrip("%")) for tick in axes.get_yticks()]
        assert told == pytest.approx([100 * tick for tick in axes.get_yticks()], abs=1e-4)
        assert len(set(told)) > 2


def test_what_ended_without_a_network_is_a_page_of_its_own_with_the_same_landmarks() -> None:
    fault = Fault(code="class_too_small", message="Class cats has 3 images.", fix="Add two.")
    page = write_page(make_job(JOB_ID, JobState.REJECTED, fault=fault), None, figures={}, downloads=NOTHING)
    assert page.count("<main") == 1
    assert "<nav" not in page
    assert " not-printed" not in page.partition("<main")[2]
    assert '<div class="everything"' not in page  # what is left away on the one page of a long report is printed here


def test_where_nothing_was_trained_no_full_report_is_promised_and_no_training_told(tmp_path: Path) -> None:
    cancelled = make_job(JOB_ID, JobState.CANCELLED)
    letter = write_letter(cancelled, None, figures={}, downloads=local_downloads(cancelled, tmp_path))
    assert "Open this as a page" in letter.html
    assert "full report" not in letter.html
    assert "The link leads to a file on the computer that the job ran on." in letter.text


def test_the_sections_of_a_page_can_stand_in_another_page() -> None:
    page = page_of(cross_validated(make_result()))
    _, _, rest = page.partition("<!-- sections -->")
    sections, _, _ = rest.partition("<!-- end of sections -->")
    assert sections.strip().startswith("<main")
    assert sections.strip().endswith("</main>")


def test_a_class_with_few_tests_has_what_cross_validation_found_beside_it() -> None:
    page = page_of(cross_validated(make_result(per_class=12)))
    few = page.partition("Found, cross-validated")[2].partition("</table>")[0]
    assert few.count("<tr>") > 2
    assert re.search(r"\d+\u00a0% \(\d+–\d+\)", few)
    assert "Found, cross-validated" not in page_of(cross_validated(make_result(per_class=60)))
    assert "Found, cross-validated" not in page_of(make_result())


def test_what_the_person_wanted_together_is_told() -> None:
    result = make_result()
    result = replace(result, counts=replace(result.counts, group_by="folder", num_groups=12))
    assert "by folder: 12 groups" in page_of(result)


def test_what_was_foretold_of_each_network_stands_beside_what_it_came_to() -> None:
    result = cross_validated(make_result())

    def foretold(rank: int) -> Foretold:
        return Foretold(num_images=100, accuracy=0.6 + 0.1 * rank, log_me=1.5 - rank, h_score=2.0, sfda=-0.5 - rank)

    done = [replace(each, foretold=foretold(rank)) for rank, each in enumerate(result.candidates[:3])]
    done[0] = replace(done[0], foretold=replace(foretold(0), p2l=-0.25))
    found = page_of(replace(result, candidates=(*done, *result.candidates[3:])))
    table = found.partition("What was foretold of them")[2].partition("</details>")[0]
    assert table.count("<tr>") == 1 + len(done)
    for said in ("1.500", "-0.500", "-0.250", "P2L is adapted", "89.5"):
        assert said in table
    assert "foretold by: LogME, the H-score and SFDA." in table
    assert "What was foretold" not in page_of(replace(result, candidates=(done[0], *result.candidates[1:])))


@pytest.mark.parametrize(
    ("mine", "others", "p_value", "told"),
    [
        (1, 0, 1.0, "1 photograph was recognised by it alone and 0 by the next best"),
        (21, 4, 0.001, "it is hardly luck that it came out ahead"),
        (
            1,
            12,
            0.003,
            "1 photograph was recognised by it alone and 12 by the next best, runner_up, alone (p = 0.003): that",
        ),
    ],
)
def test_a_network_is_told_to_be_ahead_of_the_next_only_where_it_is(mine, others, p_value: float, told: str) -> None:
    result = cross_validated(make_result(num_candidates=3))
    assert result.choice is not None
    choice = replace(result.choice, winner_only=mine, runner_up_only=others, p_value=p_value)
    page = page_of(replace(result, choice=choice))
    assert told in page
    assert ("came out ahead" in page) == (mine > others and p_value < 0.05)


def test_a_gain_that_no_number_shows_is_not_told_as_one() -> None:
    result = make_result(num_candidates=1)
    assert result.growth is not None
    barely = replace(result.growth.doubled, accuracy=result.growth.points[-1].accuracy + 0.001)
    assert "Twice as many of all" in page_of(result)
    assert "Twice as many of all" not in page_of(replace(result, growth=replace(result.growth, doubled=barely)))


def test_names_from_right_to_left_turn_neither_numbers_nor_lists_around() -> None:
    cats, dogs = "قطط الشوارع", "کلب\u200cمن"
    result = make_result((cats, dogs, "birds"), num_candidates=1)
    letter = write_letter(finished_job(), result, figures={}, downloads=NOTHING)
    for told in (letter.html, page_of(result)):
        assert f"\u2068{cats}\u2069, \u2068{dogs}\u2069 and birds" in " ".join(told.split())
    assert "\\u2068" not in letter.text + letter.html + page_of(result)
    assert f"\u2068{cats}\u2069" in letter.subject
    (row,) = (line for line in letter.text.splitlines() if line.startswith(f"1. \u2068{cats}\u2069") and "%" in line)
    assert row.endswith(str(result.test.per_class[0].num_images))
    assert "\u2068" not in page_of(make_result(("Käse", "日本"), num_candidates=1))


def test_a_temperature_is_told_by_what_it_was_fitted_on() -> None:
    assert "fitted on the validation photographs" in page_of(make_result(num_candidates=1))
    judged = cross_validated(make_result(num_candidates=1))
    assert "by layers that had not learnt from them, and built into the model" in page_of(judged)
    deeper = Unfreezing(is_used=True, reason="")
    assert "fitted on the validation photographs" in page_of(replace(judged, unfreezing=deeper))
