"""Reports and mails of every kind as pictures, for eyes: ``python -m tests.browser.gallery FOLDER [NAME …]``.

What is drawn: ends of jobs and numbers of classes (see ``ENDS``), each on a desktop and a phone, light and dark, and
the page as it is printed too.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.reporter.report.downloads import local_downloads
from services.reporter.report.letter import Letter, write_letter, write_page
from shared.errors import Fault
from shared.job.job import Artefacts, Job, JobState
from shared.job.result import Result
from tests.browser.watched import chromium
from tests.job_fixture import archive_of, make_job
from tests.reporter_fixture import JOB_ID, draw, finished_job
from tests.result_fixture import CLOTHES, cross_validated, make_result

DESKTOP, PHONE, PAPER = (1000, 800), (375, 700), (690, 1040)
_Told = tuple[Job, Result | None]


def _species(number: int) -> tuple[str, ...]:
    return tuple(f"species {position:03d} of the meadow" for position in range(number))


def _rejected() -> _Told:
    fault = Fault(
        code="class_too_small",
        message="Class 'cats' has 3 images; at least 10 are needed.",
        fix="Add photographs of 'cats', or leave the class out.",
        details={"classes": {"cats": 3}, "files": [f"cats/{number}.jpg" for number in range(3)]},
    )
    return make_job(JOB_ID, JobState.REJECTED, fault=fault), None


def _cancelled() -> _Told:
    return make_job(JOB_ID, JobState.CANCELLED, archive=archive_of(), artefacts=Artefacts()), None


def _failed() -> _Told:
    fault = Fault(
        code="training_crashed",
        message="The training ended early 3 times; each attempt carried on from the one before.",
        fix="Submit the archive again; if it fails again, send this message to whoever runs this service.",
    )
    return make_job(JOB_ID, JobState.FAILED, archive=archive_of(), artefacts=Artefacts(), fault=fault), None


def _stopped() -> _Told:
    result = replace(cross_validated(make_result()), stopped_because="cancelled")
    return replace(finished_job(), state=JobState.CANCELLED), result


ENDS: dict[str, Callable[[], _Told]] = {
    "success-2": lambda: (finished_job(), cross_validated(make_result(("cats", "dogs"), per_class=60, skill=0.97))),
    "success-10": lambda: (finished_job(), cross_validated(make_result(CLOTHES, per_class=40, skill=0.95))),
    "tuned-10": lambda: (finished_job(), make_result(CLOTHES, num_candidates=15)),
    "species-60": lambda: (finished_job(), cross_validated(make_result(_species(60), num_candidates=15, per_class=9))),
    "species-250": lambda: (finished_job(), cross_validated(make_result(_species(250), per_class=9, skill=0.7))),
    "digits-10": lambda: (finished_job(), cross_validated(make_result(tuple("0123456789"), per_class=9, skill=0.85))),
    "weak": lambda: (finished_job(), cross_validated(make_result(CLOTHES, skill=0.55))),
    "useless": lambda: (finished_job(), cross_validated(make_result(CLOTHES, skill=0.1))),
    "rejected": _rejected,
    "failed": _failed,
    "cancelled": _cancelled,
    "stopped": _stopped,
}


def shoot(page: Any, path: Path, size: tuple[int, int], scheme: str, *, media: str = "screen") -> bytes:
    """Return a page from its top to its end as a PNG."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme, media=media)
    page.goto(path.as_uri())
    picture: bytes = page.screenshot(full_page=True)
    return picture


def shown_mail(letter: Letter) -> str:
    """Return the HTML part of a mail as a mail program shows it, its pictures in place."""
    html = letter.html
    for picture in letter.pictures:
        html = html.replace(picture.cid_uri, picture.data_uri)
    return html


def _written(name: str, folder: Path) -> Iterator[tuple[str, Path]]:
    job, result = ENDS[name]()
    figures = draw(result) if result is not None else {}
    page, mail = folder / f"{name}.html", folder / f"{name}-mail.html"
    page.write_text(
        write_page(job, result, figures=figures, downloads=local_downloads(job, folder, with_report=False)), "utf-8"
    )
    letter = write_letter(job, result, figures=figures, downloads=local_downloads(job, folder))
    mail.write_text(shown_mail(letter), "utf-8")
    yield from (("page", page), ("mail", mail))


def main(folder: Path, names: list[str]) -> None:
    """Write pages, mails and their pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser, browser.new_context() as context:
        sheet = context.new_page()
        for name in names or ENDS:
            for kind, path in _written(name, folder):
                for size, width in (("desktop", DESKTOP), ("phone", PHONE)):
                    for scheme in ("light", "dark"):
                        target = folder / f"{name}-{kind}-{size}-{scheme}.png"
                        target.write_bytes(shoot(sheet, path, width, scheme=scheme))
                if kind == "page":
                    (folder / f"{name}-printed.png").write_bytes(shoot(sheet, path, PAPER, "light", media="print"))
                    sheet.emulate_media(color_scheme="null", media="null")
                    sheet.pdf(path=folder / f"{name}.pdf", prefer_css_page_size=True, print_background=True)
            print(name, f"{(folder / f'{name}.html').stat().st_size / 1e6:.2f} MB", flush=True)  # noqa: T201 - a program


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
