import json
import re
from dataclasses import replace
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from html.parser import HTMLParser

import pytest

from services.reporter.mailers.message import parse_sender, to_message
from services.reporter.report.downloads import Downloads, local_downloads, signed_downloads
from services.reporter.report.figures import Figures
from services.reporter.report.letter import Letter, write_letter, write_page
from services.reporter.report.sections.use import SNIPPET
from services.reporter.report.wording import percent
from shared.archive.class_faults import class_too_small, name_faults
from shared.errors import Fault, UserFault
from shared.job.findings.photographs import Quarantined
from shared.job.findings.training import Unfreezing
from shared.job.job import Artefacts, Job, JobState
from shared.job.result import Result
from shared.json_codec import from_json, to_json
from tests.job_fixture import NOW, archive_of, make_job
from tests.reporter_fixture import JOB_ID, LINKS, PUBLIC_URL, draw, finished_job
from tests.result_fixture import GOLDEN, UNFROZEN_DEPTH, cross_validated, make_result

SENDER = parse_sender("convtailor", "hello@convtailor.example")
HOSTILE = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def golden() -> Result:
    return from_json(Result, json.loads(GOLDEN.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def figures(golden: Result) -> Figures:
    return draw(golden)


def write(job: Job, result: Result | None = None, figures: Figures | None = None) -> Letter:
    downloads = signed_downloads(job, LINKS, expires_at=NOW + timedelta(days=7), public_url=PUBLIC_URL)
    return write_letter(job, result, figures=figures or {}, downloads=downloads)


def received(letter: Letter, job: Job) -> EmailMessage:
    """Return the mail as a mail program reads it from the wire."""
    data = to_message(letter, job, sender=SENDER, now=NOW).as_bytes()
    message = BytesParser(policy=policy.default).parsebytes(data)
    assert isinstance(message, EmailMessage)
    return message


class Visible(HTMLParser):
    """Collects what a person reads in an HTML document, element by element, and where it points."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []
        self.images: list[str] = []
        self.tags: set[str] = set()
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        self._hidden += tag in ("style", "title")
        if tag == "a":
            self.links.append(values["href"] or "")
        if tag == "img":
            self.images.append(values["src"] or "")
            assert values["alt"]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.texts.append(flat(data))


def flat(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").split())


def test_success_says_in_the_mail_what_the_person_wants_to_know(golden: Result, figures: Figures) -> None:
    job = finished_job()
    message = received(write(job, golden, figures), job)
    text = flat(message.get_body(("plain",)).get_content())
    assert message["Subject"] == "Your model: usable with review, 83 % right (dress, hat and 8 more)"
    assert "recognised 100 of 120 photographs that it had never seen before: 83 %" in text
    assert "Expect between 76 % and 89 % on photographs like these" in text
    assert "given all of these test photographs as you sent them, is right on 83 %" in text
    assert "The links work until 8 March 2026, 12:00 UTC" in text
    assert "mobilenet_v2 came out best" in text
    assert "skipped: Its weights cannot be had" in text
    assert "2,270,794" in text
    assert "1,125,130 (from layer block_14_expand on)" in text
    assert "Apache-2.0, of the pre-trained weights it grew from" in text
    assert "photos/hat/broken.jpg" in text
    assert "photos/shirt/12.jpg and photos/t-shirt/98.jpg" in text
    assert flat(SNIPPET) in text
    assert f"{PUBLIC_URL}/" in text


def test_the_fine_print_tells_whether_two_reports_are_about_the_same_photographs_split_alike(golden: Result) -> None:
    other = replace(golden, run=replace(golden.run, split_sha256="f" * 64))
    marks = [
        flat(write(finished_job(), each).text).partition("networks with the same mark")[0][-20:]
        for each in (golden, golden, other)
    ]
    assert marks[0] == marks[1] != marks[2]


def test_a_result_of_an_older_version_is_reported_without_what_it_does_not_know(golden: Result) -> None:
    document = to_json(golden)
    del document["run"]
    text = flat(write(finished_job(), from_json(Result, document)).text)
    assert "The fine print" in text or "THE FINE PRINT" in text
    assert "networks with the same mark" not in text


def test_both_parts_of_the_mail_say_the_same(golden: Result, figures: Figures) -> None:
    letter = write(finished_job(), golden, figures)
    seen, text = Visible(letter.html), flat(letter.text).lower()
    assert len(seen.texts) > 200
    missing = [
        each for each in seen.texts if each.lower() not in text and each not in ("convtailor", "0", "50", "100", "·")
    ]
    assert [each for each in missing if each.strip("· ")] == []
    assert all(link in letter.text for link in seen.links)
    assert len(set(seen.links)) == 6


def test_every_picture_of_the_mail_is_in_it_and_every_part_is_shown(golden: Result, figures: Figures) -> None:
    job = finished_job()
    message = received(write(job, golden, figures), job)
    html = message.get_body(("html",))
    parts = {part["Content-ID"].strip("<>"): part for part in message.walk() if part["Content-ID"]}
    shown = Visible(html.get_content()).images
    assert [source.removeprefix("cid:") for source in shown] == list(parts)
    assert len(parts) == 5 + 8 + 3
    assert all(part.get_content_disposition() == "inline" for part in parts.values())
    assert parts["confusion@convtailor"].get_content().startswith(b"\x89PNG")
    assert message.get_content_type() == "multipart/alternative"


def test_the_page_stands_alone_and_holds_what_the_mail_cuts(golden: Result, figures: Figures) -> None:
    long = replace(
        golden,
        quarantined=tuple(
            Quarantined(path=f"a/{i}.jpg", code="image_unreadable", reason="Broken.", fix="Copy again.")
            for i in range(40)
        ),
        num_quarantined=70_000,
    )
    job = finished_job()
    letter = write(job, long, figures)
    page = write_page(
        job, long, figures=figures, downloads=signed_downloads(job, LINKS, expires_at=NOW + timedelta(1), public_url="")
    )
    seen = Visible(page)
    assert "a/39.jpg" in page
    assert "a/39.jpg" not in letter.html
    assert "… and 69,990 more files." in letter.text
    assert "… and 69,960 more files." in page
    assert "70,000 files" in letter.text
    assert "block_59_expand" in page
    assert "block_59_expand" not in letter.html
    assert "The full report lists its layers." in flat(letter.text)
    assert all(source.startswith("data:image/") for source in seen.images)
    assert "<link" not in page
    assert "<script" not in page
    assert "report.html" not in page  # it has no link to itself


def test_hostile_names_stay_text_and_cannot_break_out_of_headers(golden: Result) -> None:
    evil = f"{HOSTILE}\r\nBcc: spy@example.org\u202e"
    names = (evil, *golden.classes[1:])
    per_class = (replace(golden.test.per_class[0], name=evil), *golden.test.per_class[1:])
    result = replace(golden, classes=names, test=replace(golden.test, per_class=per_class))
    job = finished_job()
    letter = write(job, result)
    message = received(letter, job)
    assert "script" not in Visible(letter.html).tags
    assert "&lt;script&gt;" in letter.html
    assert message["Bcc"] is None
    assert "\r" not in message["Subject"]
    assert "\u202e" not in letter.html + letter.text + letter.subject


@pytest.mark.parametrize("email", ["ada@example.org\r\nBcc: spy@example.org", "ada", "@", "a b@c d"])
def test_an_address_that_is_none_is_a_fault_of_the_person(email: str) -> None:
    job = make_job(state=JobState.REJECTED, email=email)
    with pytest.raises(UserFault) as caught:
        to_message(write(job), job, sender=SENDER, now=NOW)
    assert caught.value.fault.code == "mail_address_invalid"


def test_names_outside_ascii_arrive_as_they_are(golden: Result) -> None:
    result = make_result(("Bäume", "花", "кошка"), num_candidates=2)
    job = finished_job(email="ada@bücher.example")
    message = received(write(job, result), job)
    assert "Bäume, 花 and кошка" in message["Subject"]
    assert "кошка" in message.get_body(("plain",)).get_content()
    assert message["To"].addresses[0].domain == "xn--bcher-kva.example"


def test_headers_let_programs_recognise_repeats_and_automatic_mail() -> None:
    job = finished_job()
    first, again = (received(write(job, make_result(num_candidates=1)), job) for _ in range(2))
    assert first["Message-ID"] == again["Message-ID"] == f"<{JOB_ID}.done@convtailor.example>"
    assert (first["X-Job-Id"], first["Auto-Submitted"]) == (JOB_ID, "auto-generated")
    assert first["Date"].datetime == NOW.replace(microsecond=0)
    assert first["From"].addresses[0].addr_spec == "hello@convtailor.example"


def test_rejection_names_every_fault_its_files_and_the_way_on() -> None:
    faults = [
        Fault(
            code="class_too_small", message="Class cats has 3 images.", fix="Add two.", details={"classes": {"cats": 3}}
        ),
        Fault(
            code="archive_links",
            message="12 entries are links.",
            fix="Put the images themselves in.",
            details={"files": [f"cats/{i}.jpg" for i in range(12)], "count": 12},
        ),
    ]
    together = replace(faults[0], details={"faults": [to_json(fault) for fault in faults]})
    letter = write(make_job(JOB_ID, JobState.REJECTED, fault=together))
    text = flat(letter.text)
    assert letter.subject == "Your photographs need a correction first"
    for wanted in (
        "Class cats has 3 images.",
        "What to do: Add two.",
        "cats: 3",
        "12 entries are links.",
        "cats/9.jpg",
    ):
        assert wanted in text
    assert "cats/10.jpg" not in text
    assert "… and 2 more files." in text
    assert "Code: archive_links" in text
    assert f"send it as a new job at {PUBLIC_URL}" in text


def test_other_formats_are_told_with_what_they_do_and_why_one_is_missing(golden: Result) -> None:
    job = make_job(JOB_ID, JobState.REPORTING, archive=archive_of(), artefacts=Artefacts())
    text = flat(write(job, golden).text)
    assert "In plain Keras (3.9 or later):" in text
    assert "model.onnx onnxruntime 1.32.0 83 % 120 of 120" in text.replace("\xa0", " ").replace(" | ", " ")
    assert "model_float16.tflite was left out: it has 81.7% right of 120 test images" in text


def test_a_failure_names_what_trained_where_anything_did() -> None:
    fault = Fault(code="out_of_memory", message="Memory ran out.", fix="Choose tiny.")
    job = make_job(JOB_ID, JobState.FAILED, archive=archive_of(), fault=fault)
    assert f"Job {job.job_id}, trained on" not in flat(write(job).text)
    on_gpu = replace(job, device="Tesla T4, mixed precision")
    assert f"Job {job.job_id}, trained on Tesla T4, mixed precision" in flat(write(on_gpu).text)


def test_failure_says_what_happened_and_what_to_do() -> None:
    fault = Fault(code="out_of_memory", message="Memory ran out.", fix="Choose tiny.", details={"attempts": 3})
    letter = write(make_job(JOB_ID, JobState.FAILED, archive=archive_of(), fault=fault))
    text = flat(letter.text)
    assert letter.subject == "Your training did not finish"
    assert "Memory ran out. What to do: Choose tiny. Attempts: 3 Code: out_of_memory" in text
    assert "no model from this job" in text


def test_cancel_tells_what_there_is(golden: Result) -> None:
    without = write(make_job(JOB_ID, JobState.CANCELLED, archive=archive_of(), artefacts=Artefacts()))
    job = replace(finished_job(), state=JobState.CANCELLED)
    with_model = write(job, replace(golden, stopped_because="cancelled", tuning=None))
    assert without.subject == "Your job was cancelled"
    assert "so there is no model" in flat(without.text)
    assert with_model.subject.startswith("Stopped, with a model: usable with review, 83 % right")
    assert "this is the best model until then" in flat(with_model.text)
    assert "model.h5" in with_model.text


def test_sixty_classes_and_fifteen_candidates_stay_below_the_size_that_gmail_clips(figures: Figures) -> None:
    result = make_result(tuple(f"Schmetterling {i} 蝶" for i in range(60)), num_candidates=15, per_class=9)
    tiny = {name: replace(picture, data=b"x") for name, picture in figures.items()}
    letter = write(finished_job(), result, tiny)
    assert len(letter.html.encode()) < 102_000
    assert "These are the 16 weakest of 60 classes" in flat(letter.text)


def test_a_thousand_classes_stay_below_the_size_that_gmail_clips(figures: Figures) -> None:
    result = make_result(tuple(f"Schmetterling {i} 蝶" for i in range(1000)), num_candidates=31, skill=0.7)
    letter = write(finished_job(), result, {name: replace(picture, data=b"x") for name, picture in figures.items()})
    assert len(letter.html.encode()) < 102_000
    assert len(letter.text.encode()) < 102_000
    assert "These are the 16 weakest of 1,000 classes" in flat(letter.text)
    assert "Of the 1,000 classes it shows the 40 that are mixed up most" in flat(letter.text)


@pytest.mark.parametrize(
    ("depth", "told"),
    [
        (1.0, ", was fine-tuned too."),
        (0.5, f", was fine-tuned too, the last {percent(0.5)} of its layers alone."),
        (0.0, "Then the last layer of {winner} learnt alone, by the best recipe."),
    ],
)
def test_what_learnt_by_the_best_recipe_is_told(golden: Result, depth: float, told: str) -> None:
    assert golden.tuning is not None
    chosen = replace(golden.tuning.hyperparameters, depth=depth)
    tuned = replace(golden, tuning=replace(golden.tuning, hyperparameters=chosen))
    page = write_page(finished_job(), tuned, figures={}, downloads=Downloads())
    assert told.format(winner=tuned.winner) in page
    assert ("which begins at layer" in page) == (depth > 0)


def test_one_network_and_a_head_that_tuning_did_not_beat_are_told_as_such() -> None:
    result = make_result(num_candidates=1)
    assert result.tuning is not None
    result = replace(result, tuning=replace(result.tuning, best_epoch=0))
    text = flat(write(finished_job(), result, draw(result)).text)
    assert "One network, mobilenet_v2, was fitted to your photographs" in text
    assert "came out best" not in text
    assert "brought no gain" in text
    assert "later ones learnt the training photographs" not in text


def test_a_head_that_was_fitted_to_its_end_is_told_by_cross_validation_and_not_by_epochs() -> None:
    result = cross_validated(make_result())
    text = flat(write(finished_job(), result, draw(result)).text)
    assert "The 721 photographs for training and validation were dealt into 5 parts" in text
    assert "no other beats, in the probability given to the right class, by more than the standard error" in text
    assert "21 photographs were recognised by it alone and 12 by the next best, runner_up, alone (p = 0.16)" in text
    assert "the order of the two may be luck" in text
    assert "Being the best of 34 fitted layers flatters a network" in text
    assert "about 1.2 points are owed to that" in text
    assert "Cross-validated" in text
    assert "89.5 % ± 1.3" in text
    assert "looks at every photograph twice, as it is and mirrored" in text
    assert "+1.2 points, give or take 0.6" in text
    assert "The ring marks the strength that was chosen" in text
    assert "epoch" not in text.lower()


def test_mirror_images_that_harm_are_told_to_have_been_left() -> None:
    result = cross_validated(make_result(num_candidates=1), is_mirrored=False)
    text = flat(write(finished_job(), result, draw(result)).text)
    assert "Whether to look at every photograph mirrored as well was tried" in text
    assert "Left and right seem to matter here" in text
    assert "One network, mobilenet_v2, was fitted" in text


def test_mirror_images_that_some_of_many_photographs_gained_little_by_are_told_so() -> None:
    result = cross_validated(make_result(num_candidates=1), is_mirrored=False)
    assert result.mirroring is not None
    judged = replace(result.mirroring.judged, num_images=600)
    little = replace(result.mirroring, judged=judged, accuracy_gain=0.001, log_loss_gain=0.004, drawn_from=2125)
    result = replace(result, mirroring=little)
    text = flat(write(finished_job(), result, draw(result)).text)
    assert "cross-validated on 600 photographs of 2,125, drawn by class" in text
    assert "That is not sure enough to take twice as long for it" in text
    assert "Left and right" not in text


def test_whether_the_network_was_fine_tuned_is_told_with_what_each_depth_gained() -> None:
    left = replace(
        cross_validated(make_result(num_candidates=1)),
        unfreezing=Unfreezing(is_used=False, reason="a first attempt promised nothing", depths=(UNFROZEN_DEPTH,)),
    )
    text = flat(write(finished_job(), left, draw(left)).text)
    assert "the network was not fine-tuned: a first attempt promised nothing" in text
    assert "block_12_add -1.1 ± 0.9" in text


def test_links_may_lead_to_files_of_this_machine_which_never_end(golden, tmp_path):
    folder = tmp_path / "my results"
    job = finished_job()
    letter = write_letter(job, golden, figures={}, downloads=local_downloads(job, folder))
    seen = Visible(letter.html)
    assert (folder / "model.h5").as_uri() in seen.links
    assert (folder / "report.html").as_uri() in seen.links
    assert "The links lead to files on the computer that the job ran on." in letter.text
    assert "http" not in "".join(seen.links)
    assert "links work until" not in letter.text


def test_a_stranger_cannot_send_a_link_or_a_page_of_words_in_our_name():
    """Whoever submits chooses the folders' names and the address that the mail goes to."""
    lure = "YOUR ACCOUNT IS LOCKED https://evil.example.com/x www.evil.org mailto:eve@evil.net " + "pay now " * 500
    result = make_result()
    renamed = json.loads(json.dumps(to_json(result)).replace(json.dumps(result.classes[0])[1:-1], lure))
    letter = write(finished_job(), from_json(Result, renamed))
    fault = Fault(
        code="class_too_small", message=f"The class {lure[:90]} is small.", fix="Add.", details={"files": [lure]}
    )
    told = write(make_job(JOB_ID, JobState.REJECTED, fault=fault, archive=archive_of(JOB_ID)))
    for text in (letter.text, told.text, letter.html, told.html, letter.subject):
        assert not re.search(r"(?i)https?://evil|www\.evil|mailto:eve|evil\.(example\.com|org|net)", text)
        assert text.count("pay now") < 150


@pytest.mark.parametrize("length", [20, 240])
def test_a_fault_of_three_hundred_classes_fits_on_a_screen(length: int) -> None:
    sizes = {f"{'long name ' * (length // 10)}{number:03}": 2 for number in range(300)}
    told = write(make_job(JOB_ID, JobState.REJECTED, fault=class_too_small(sizes, (), min_images=5))).text
    what = told.partition("WHAT IS WRONG")[2].partition("TRY AGAIN")[0]
    assert what.count("\n") <= 50
    assert "and 288 more" in what
    assert "…: …" not in what


def test_what_nobody_sees_of_a_name_is_written_out_where_it_is_what_is_wrong() -> None:
    [fault] = name_faults(["cats\t", "dogs"])
    assert "Classes: cats\\x09" in write(make_job(JOB_ID, JobState.REJECTED, fault=fault)).text
