"""Reports and mails are whole in the language of their job: nothing is forgotten, and each says what English says."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from services.reporter.confirmation import ask_to_confirm
from services.reporter.report.downloads import Downloads, Kept, local_downloads, signed_downloads
from services.reporter.report.letter import write_letter, write_page
from services.reporter.report.limits import MAIL, PAGE
from services.reporter.report.outline import outline_of
from services.reporter.report.plots.drawing import drawn
from services.reporter.report.plots.plan import planned_plots, thumbnails, undrawn
from services.reporter.report.rendering import render_mail, render_page, render_text
from services.reporter.report.retelling.reason import why_not_compared, why_not_delivered, why_unfrozen
from services.reporter.report.wording import enumeration, moment, number, percent, quoted, spending, took
from services.trainer.fitting.comparison.racing import why_left, why_not_worth_it
from services.trainer.run.memory import memory_objection
from services.trainer.zoo.sources.mirror import FolderMirror
from services.trainer.zoo.sources.weights import resolve
from shared.errors import Fault
from shared.job.candidates import AUTO
from shared.job.events import confirmation_awaited
from shared.job.findings.comparison import Comparison, Corrected
from shared.job.findings.photographs import OwnParts, RepeatedClass
from shared.job.findings.training import Foretold, Unfreezing
from shared.job.job import Job, JobState
from shared.job.options import JobOptions
from shared.job.result import Remark, Result
from shared.job.verdict.rule import REASONS, WORDS
from shared.json_codec import to_json
from shared.language import catalogue
from shared.language.catalogue import LANGUAGES, Language, catalogue_of
from shared.language.speech import speaking
from tests.job_fixture import NOW, make_job
from tests.language_fixture import PLACES, Blank
from tests.reporter_fixture import JOB_ID, LINKS, PUBLIC_URL, finished_job, open_office
from tests.result_fixture import UNFROZEN_DEPTH, cross_validated, make_result
from tools.catalogues import gathered_of_reports

OTHERS = [Language(each) for each in LANGUAGES if each != "en"]
CLASSES = ("4711", "4712", "4713")
"""Names that hold no word of any language."""
FOLDER = Path("/4711")
WORD = re.compile(r"[^\W\d_]{2,}")
OF_NO_LANGUAGE = {
    *("px", "min", "ms", "UTC", "convtailor", "LogME", "score", "SFDA", "keras", "tensorflow"),
    *("onnxruntime", "ai", "edge", "litert", "Apache", "exhaustive", "true", "predict", "python", "genetic", "budget"),
    *("earthquake", "prefix", "tiny", "runner", "up", "of", "unheard", "code", "unknown", "mathdefault"),
}
"""Names of programs, options, units and of the world of these tests."""
STORED_SENTENCES = ("reason", "fix", "message", "skipped_because", "left_out_because", "summary")


class Seen(HTMLParser):
    """Collects what a person reads or hears of a page; code is none of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("style", "pre")
        self.texts += [value for name, value in attrs if name in ("alt", "aria-label") and value]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "pre")

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.texts.append(data)


def everything() -> Iterator[Result]:
    """Yield results that together have each thing to tell that a result can have."""
    plain = make_result(CLASSES, num_candidates=4, skill=0.7)
    torn = RepeatedClass(name="4711", num_images=20, largest_group=15, num_straddling=9, num_test_straddling=3)
    whole = RepeatedClass(name="4712", num_images=20, largest_group=15, num_straddling=0, num_test_straddling=0)
    compared = Comparison(
        job_id="1",
        winner="tiny",
        num_images=30,
        num_left_out=2,
        accuracy=0.9,
        older_accuracy=0.8,
        gained=("4711/1.jpg",),
        lost=("4711/2.jpg",),
        num_gained=12,
        num_lost=2,
        p_value=0.01,
    )
    foretold = Foretold(num_images=60, accuracy=0.8, log_me=0.1, h_score=0.2, sfda=0.3)
    yield replace(
        plain,
        candidates=tuple(replace(each, foretold=foretold) for each in plain.candidates),
        remarks=tuple(Remark(code=code, message="m", fix="f") for code in ("hidden_folders", "unheard_of")),
        comparison=compared,
        corrected=Corrected(job_id="1", num_moved=2, num_left_out=1, num_test_moved=1),
        duplicates=replace(plain.duplicates, repeated=(torn, whole)),
        stopped_because="budget",
        as_uploaded=None if plain.as_uploaded is None else replace(plain.as_uploaded, p_value=0.01),
    )
    judged = cross_validated(make_result(CLASSES, num_candidates=3, skill=0.99, per_class=200), is_mirrored=False)
    yield replace(
        judged,
        unfreezing=Unfreezing(is_used=False, reason="there was no time left", depths=(UNFROZEN_DEPTH,)),
        counts=replace(judged.counts, own_split=OwnParts(train=("t",)), group_by="prefix", num_groups=7),
        duplicates=replace(judged.duplicates, repeated=(torn,)),
        stopped_because="earthquake",
        comparison=replace(compared, p_value=0.6),
    )
    yield make_result(tuple(str(1000 + each) for each in range(70)), num_candidates=20, skill=0.6)
    yield replace(plain, tuning=None, certainty=None, growth=None, suspects=None, run=None, bill=None, split=())


@cache
def every_end() -> tuple[tuple[Job, Result | None], ...]:
    return tuple(ends())


def ends() -> Iterator[tuple[Job, Result | None]]:
    """Yield each end that a job can have."""
    for result in everything():
        yield finished_job(), result
    bad = make_result(CLASSES, skill=0.3)
    unheard = Fault(code="unheard_of", message="m", fix="f", details={"files": ["4711/1.jpg"], "count": 3})
    yield make_job(JOB_ID, JobState.CANCELLED), bad
    yield make_job(JOB_ID, JobState.FAILED, fault=unheard), bad
    yield make_job(JOB_ID, JobState.FAILED), None
    yield make_job(JOB_ID, JobState.CANCELLED), None
    yield make_job(JOB_ID, JobState.REJECTED, fault=unheard), None
    yield replace(finished_job(), state=JobState.FAILED, fault=unheard), None


def downloads_of(job: Job) -> tuple[Downloads, Downloads]:
    signed = signed_downloads(job, LINKS, expires_at=NOW + timedelta(days=7), public_url=PUBLIC_URL)
    kept = Kept(files_until=NOW, photographs_until=NOW)
    return replace(signed, kept=kept), replace(local_downloads(job, FOLDER), kept=Kept(files_until=NOW))


def names_in(document: object) -> Iterator[str]:
    """Yield every name that a document holds; sentences that were stored in English are none."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield str(key)
            if key not in STORED_SENTENCES:
                yield from names_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from names_in(value)
    elif isinstance(document, str) and len(document) < 200:
        yield document


def words_left(texts: list[str], names: set[str]) -> set[str]:
    """Return the words of a text that nothing explains: no name, no file, no address, no unit."""
    text = " ".join(texts)
    text = re.sub(r"(?:https?|file)://\S+|\S+[._/]\S+", " ", text)
    return {word for word in WORD.findall(text) if word not in OF_NO_LANGUAGE and word not in names}


@pytest.mark.parametrize("number", range(10))
def test_whatever_a_report_or_a_mail_says_comes_from_the_catalogue(number):
    job, result = every_end()[number]
    names = {word for name in [JOB_ID, *names_in(to_json(result))] for word in WORD.findall(name)}
    with speaking("xx", Blank()):
        for downloads in downloads_of(job):
            figures = {each.name: each for each in thumbnails(result)} | dict(undrawn(result)) if result else {}
            mail = outline_of(job, result, figures=figures, downloads=downloads, limits=MAIL)
            page = outline_of(job, result, figures=figures, downloads=downloads, limits=PAGE)
            seen = [*Seen(render_mail(mail)).texts, *Seen(render_page(page)).texts, mail.subject]
            assert words_left(seen, names) == set()
            bare = re.sub(r"import keras.*?\[None\]\)\)", "", render_text(mail), flags=re.DOTALL)
            assert words_left([bare], names) == set()


def test_whatever_a_plot_says_comes_from_the_catalogue(monkeypatch):
    said: list[str] = []

    def write_down(figure: Figure, stream: object, **_look: object) -> None:
        figure.draw_without_rendering()
        said.extend(each.get_text() for each in figure.findobj(Text) if each.get_visible())

    monkeypatch.setattr(Figure, "savefig", write_down)
    for result in [*everything()][:2]:
        names = {word for name in names_in(to_json(result)) for word in WORD.findall(name)}
        with speaking("xx", Blank()):
            for name in planned_plots(result):
                drawn(result, name)
        assert words_left(said, names) == set()
    assert len(said) > 100


def test_the_mail_that_asks_for_a_click_comes_in_the_language_of_the_job():
    for language, told in ((Language.GERMAN, "Wenn Sie es waren"), (Language.FRENCH, "Si c’était vous")):
        office = open_office()
        until = office.clock() + timedelta(days=1)
        job = make_job(JOB_ID, JobState.AWAITING_UPLOAD, confirm_by=until, options=JobOptions(language=language))
        office.store.create(job)
        ask_to_confirm(confirmation_awaited(JOB_ID, office.clock()), office.tools)
        [message] = office.tray.messages
        assert message["Subject"] == catalogue_of(language, catalogue.REPORT).gettext("Did you ask for a network?")
        assert told in message.get_content()


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_of_reports_is_told_in_every_language_with_the_same_places(language):
    told = catalogue_of(language, catalogue.REPORT)
    for message in gathered_of_reports():
        one, many = message.id if isinstance(message.id, tuple) else (message.id, None)
        if not one:
            continue
        forms = [told.ngettext(one, many, count) for count in (1, 2)] if many else [told.gettext(one)]
        for form in forms:
            assert form, f"{one!r} is missing in {language}; run: python -m tools.catalogues"
            assert set(PLACES.findall(form)) | {"count"} == set(PLACES.findall(many or one)) | {"count"}, one
        known = told._catalog
        assert one in known or (one, 0) in known, f"{one!r} is missing in {language}; run: python -m tools.catalogues"


def test_no_sign_of_french_stands_alone_at_the_beginning_of_a_line_of_a_report():
    told = [each for key, each in catalogue_of("fr", catalogue.REPORT)._catalog.items() if key]
    assert [each for each in told if re.search(r" [:;!?»%]|« |\d%", each)] == []


@pytest.mark.parametrize("language", OTHERS)
def test_page_and_report_judge_a_network_in_the_same_words(language):
    page, report = catalogue_of(language), catalogue_of(language, catalogue.REPORT)

    def spaced(text: str) -> str:
        return " ".join(text.replace("\u202f", " ").split())

    for sentence in REASONS.values():
        assert spaced(page.gettext(sentence)) == spaced(report.gettext(sentence))
    for title in WORDS.values():
        assert spaced(page.gettext(f"{title}.")) == spaced(f"{report.gettext(title)}.")


@pytest.mark.parametrize(
    ("language", "words", "subject"),
    [("de", ("Verwechslungsmatrix", "Was es verwechselt"), "Ihr Netz: "), ("fr", ("Matrice de confusion",), "Votre ")],
)
def test_a_report_is_written_in_the_language_of_its_job(language, words, subject):
    job, result = finished_job(options=JobOptions(language=Language(language))), make_result(CLASSES)
    downloads = Downloads()
    page = write_page(job, result, figures={}, downloads=downloads)
    letter = write_letter(job, result, figures={}, downloads=downloads)
    assert f'<html lang="{language}">' in page
    assert f'<html lang="{language}">' in letter.html
    assert letter.subject.startswith(subject)
    for word in words:
        assert word in page
    links, places = set(re.findall(r'href="#([^"]+)"', page)), set(re.findall(r'id="([^"]+)"', page))
    assert links <= places


def test_numbers_moments_and_lists_are_written_as_each_language_writes_them():
    when = datetime(2026, 11, 1, 18, 49, tzinfo=UTC)
    told = {}
    for language in LANGUAGES:
        with speaking(language):
            told[language] = (
                number(1_234_567),
                percent(0.8951, 1),
                took(8.25),
                moment(when),
                quoted("4711"),
                enumeration(list("abcdefgh"), most=3),
                spending(185, 0.021),
            )
    assert told["en"] == (
        *("1,234,567", "89.5\u00a0%", "8.2\u00a0s", "1\u00a0November 2026, 18:49\u00a0UTC", "“4711”"),
        *("a, b and 6 more", "3 min 05 s at a cost of 0.021"),
    )
    assert told["de"] == (
        *("1.234.567", "89,5\u00a0%", "8,2\u00a0s", "1.\u00a0November 2026, 18:49\u00a0UTC", "„4711“"),
        *("a, b und 6 weitere", "3 min 05 s zu Kosten von 0,021"),
    )
    assert told["fr"] == (
        *("1\u202f234\u202f567", "89,5\u202f%", "8,2\u00a0s", "1er\u00a0novembre 2026, 18:49\u00a0UTC"),
        *("«\u00a04711\u00a0»", "a, b et 6 autres", "3 min 05 s au coût de 0,021"),
    )


def test_what_the_trainer_stored_in_english_is_recognised_and_told_again():
    left = why_left(0.031, num_images=1200, accuracy=0.61, best=0.83)
    big = memory_objection(10**10, 10**9)
    assert big is not None
    with speaking("de"):
        told = why_not_compared(f"{left}; exhaustive = true gives it its turn")
        assert "3,1\u00a0%" in told
        assert "Bildern" in told
        dear = why_not_compared(why_not_worth_it("mobilenet", num_images=1200, times=9.87))
        assert "1.200 Bildern" in dear
        assert "mobilenet" in dear
        assert "9,9" in dear
        assert "Arbeitsspeicher" in why_not_compared(big)
        assert "1.234 s" in why_not_compared(
            "would take about 1,234 s where 3 s of the budget are left for it; raise budget_minutes"
        )
        assert "81,7\u00a0%" in why_not_delivered("it has 81.7% right of 120 test images, where 83.3% are expected")
        assert why_unfrozen("there was no time left") == "es blieb keine Zeit"
        assert why_not_compared("something nobody has heard of") == "der Grund steht in result.json"
    assert why_not_compared("something nobody has heard of") == "something nobody has heard of"


@pytest.mark.parametrize("has_mirror", [True, False])
def test_why_weights_could_not_be_had_is_told_with_what_helps(tmp_path, has_mirror):
    mirror = FolderMirror(tmp_path) if has_mirror else None
    found = resolve(
        (AUTO,), mirror=mirror, allow_download=False, cache_dir=tmp_path, find_installed=lambda _backbone: None
    )
    remedy = "put a.h5 into the folder CONVTAILOR_WEIGHTS, or let the trainer reach the network"
    without_network = ("mobilenet", f"the download server cannot be reached; {remedy}")
    with speaking("fr"):
        for name, reason in (*found.skipped, without_network):
            told = why_not_compared(reason)
            assert "result.json" not in told, (name, reason)
            assert "\u202f; " in told
