"""What a person sees while a job runs, drawn on a recorded console."""

import io
import re
from dataclasses import replace

from rich.console import Console

from services.client.api.job_view import JobView
from services.client.commands.status import _print_status
from services.client.terminal.live import LiveBars, LiveLines, open_live
from services.client.terminal.stage import Stage
from services.client.terminal.summary import print_summary
from shared.job.job import JobState
from shared.job.progress import Best
from tests.result_fixture import cross_validated, make_result

SCREEN = Stage(
    key="screen",
    done=120,
    total=600,
    unit="images",
    detail="tiny [x]",
    eta_s=42.0,
    best=Best(candidate="mobilenet", val_accuracy=0.912),
)


class Seconds:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def recorded(*, is_terminal):
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=110, color_system=None, legacy_windows=False)


def test_lines_tell_stages_and_new_bests_at_once_and_the_rest_every_ten_seconds():
    console, clock = recorded(is_terminal=False), Seconds()
    with LiveLines(console, clock=clock) as live:
        live.show(Stage(key="upload", done=1_000_000, total=4_000_000, unit="bytes"))
        live.show(Stage(key="upload", done=2_000_000, total=4_000_000, unit="bytes"))
        clock.now += 2
        live.show(SCREEN)
        clock.now += 9
        live.show(replace(SCREEN, done=300))
        live.show(replace(SCREEN, done=310, best=Best(candidate="tiny", val_accuracy=0.95)))
        clock.now += 10
        live.show(replace(SCREEN, done=400, best=Best(candidate="tiny", val_accuracy=0.95)))
        live.show(None)
    assert console.file.getvalue().splitlines() == [
        "    0.0 s  Upload · 1.0/4.0 MB",
        "    2.0 s  Compare networks · 120/600 images · tiny [x] · best so far mobilenet 91.2% · about 42 s left",
        "   11.0 s  Compare networks · 310/600 images · tiny [x] · best so far tiny 95.0% · about 42 s left",
        "   21.0 s  Compare networks · 400/600 images · tiny [x] · best so far tiny 95.0% · about 42 s left",
    ]


def test_bars_show_phase_counts_best_and_time_left_and_keep_what_is_finished():
    console, clock = recorded(is_terminal=True), Seconds()
    with LiveBars(console, clock=clock) as live:
        live.show(Stage(key="queue"))
        clock.now += 3
        live.show(SCREEN)
        live._bars.refresh()
        drawn = console.file.getvalue()
        clock.now += 4
        live.show(replace(SCREEN, done=600))
        clock.now += 2  # all units are done, the stage is not
        live.show(Stage(key="tune", done=1, total=8, unit="epochs"))
        live.show(None)
    frame = [line for line in drawn.splitlines() if "Compare networks" in line][-1]
    assert "120/600 images" in frame
    assert "tiny [x]" in frame
    assert "best so far mobilenet 91.2% · about 42 s left" in drawn
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", console.file.getvalue()).replace("\r", "\n")
    queue, screen, tune = [line for line in plain.splitlines() if line.strip()][-3:]
    assert "Wait for trainer" in queue
    assert "3 s" in queue
    assert "Compare networks" in screen
    assert "600/600 images 6 s" in screen
    assert "Improve winner" in tune


def test_the_console_decides_between_bars_and_lines():
    assert isinstance(open_live(recorded(is_terminal=True)), LiveBars)
    assert isinstance(open_live(recorded(is_terminal=False)), LiveLines)


def test_a_log_that_asks_for_colours_and_a_terminal_that_moves_no_cursor_have_lines(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(open_live(), LiveLines)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(open_live(recorded(is_terminal=True)), LiveLines)


def test_the_summary_tells_winner_interval_candidates_classes_and_what_was_left_out():
    console = recorded(is_terminal=False)
    result = make_result()
    print_summary(result, console)
    text = console.file.getvalue()
    low, high = result.test.interval
    assert f"{result.winner}: {result.test.accuracy:.1%} right on {result.test.num_images} held-back images" in text
    assert f"95 % interval {low:.1%} to {high:.1%}" in text
    assert all(candidate.name in text for candidate in result.candidates)
    assert "CONVTAILOR_WEIGHTS" in text
    assert all(name in text for name in result.classes)
    assert "2 files left out, such as photos/hat/broken.jpg" in text
    assert "1 picture lies in several classes, such as photos/shirt/12.jpg, photos/t-shirt/98.jpg." in text


def test_the_summary_tells_what_cross_validation_and_mirror_images_gave():
    console = recorded(is_terminal=False)
    print_summary(cross_validated(make_result()), console)
    text = console.file.getvalue()
    assert "cross-validated" in text
    assert "with mirror images" in text


def test_status_names_the_device_once_there_is_one(capsys):
    _print_status(JobView(job_id="j", state=JobState.QUEUED))
    _print_status(JobView(job_id="j", state=JobState.TRAINING, device="NVIDIA L4, mixed precision"))
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("Job")] == [
        "Job j: queued",
        "Job j: training · on NVIDIA L4, mixed precision",
    ]
