"""``convtailor run`` for real: three services, a real network, a mail; and everything that can go wrong on the way."""

import ast
import email
import email.policy
import json
import signal
import zipfile
from functools import partial

import numpy as np
import psutil
import pytest

from services.client.follow import Patience
from services.client.terminal.summary import read_result
from shared.json_codec import to_json
from tests.onebox_fixture import QUICK, SHAPES, Program, draw, draw_folder, run_program
from tests.preloaded.python import preloaded_python
from tests.waiting import PATIENCE_S

ALWAYS = {
    "labels.txt",
    "mail.eml",
    "model.h5",
    "model.keras",
    "model.zip",
    "predict.py",
    "report.html",
    "result.json",
}


def told_files(folder):
    """Return the names of what a folder of results should hold: the other formats are what its result says."""
    result = read_result(folder / "result.json")
    told = {"strangers.json"} if result.certainty is not None and result.certainty.check is not None else set()
    return ALWAYS | told | {each.file for each in result.formats if each.left_out_because is None}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def photos(home):
    folder = draw_folder(home / "photos")
    (folder / "circle" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


@pytest.fixture(scope="module")
def delivered(home, photos):
    """One whole run, asked for as JSON, where the network is wanted in one other format."""
    order = ("run", "photos", "--email", "ada@example.org", "--out", "results", "--seed", "3", *QUICK, "--json")
    return run_program(*order, cwd=home, environ={"CONVTAILOR_FORMATS": "onnx", "CONVTAILOR_WARM_CHILD": "true"})


def mail_in(folder):
    return email.message_from_bytes((folder / "mail.eml").read_bytes(), policy=email.policy.default)


@pytest.mark.slow
def test_a_folder_becomes_the_files_that_its_result_tells_of_and_nothing_else(delivered, home):
    assert delivered.code == 0, delivered.err
    assert {path.name for path in (home / "results").iterdir()} == told_files(home / "results")
    assert [each.file for each in read_result(home / "results/result.json").formats] == ["model.onnx"]
    assert (home / "results/labels.txt").read_text().split() == list(SHAPES)
    ast.parse((home / "results/predict.py").read_text(encoding="utf-8"))
    assert "<html" in (home / "results/report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_standard_output_is_the_result_and_standard_error_the_progress(delivered, home):
    result = read_result(home / "results/result.json")
    assert delivered.document == json.loads((home / "results/result.json").read_text(encoding="utf-8"))
    assert to_json(result)["winner"] == "tiny"
    assert (result.seed, result.classes) == (3, SHAPES)
    assert [each.path.rpartition("/")[2] for each in result.quarantined] == ["broken.png"]
    assert sum((result.counts.train, result.counts.validation, result.counts.test)) == 60
    for words in ("Pack folder", "Upload", "Read images", "Compare networks", "Improve winner", "best so far tiny"):
        assert words in delivered.err
    assert "Traceback" not in delivered.err


@pytest.mark.slow
def test_the_mail_parses_and_is_for_its_person(delivered, home):
    mail = mail_in(home / "results")
    assert mail["To"] == "ada@example.org"
    assert mail["X-Job-Id"] == delivered.document["job_id"]
    assert "tiny" in mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    for name in ("model.h5", "report.html"):  # the server is gone when the mail is read
        assert (home / "results" / name).as_uri() in html


@pytest.mark.slow
def test_the_delivered_network_classifies_new_pictures_sideways_ones_too(delivered, home):
    rng = np.random.default_rng(99)
    inbox = home / "inbox"
    inbox.mkdir()
    for shape in SHAPES:
        image = draw(shape, rng)
        exif = image.getexif()
        exif[0x0112] = 6
        image.save(inbox / f"{shape}.jpg", exif=exif)
    (inbox / "note.jpg").write_text("no picture")
    told = run_program(
        "predict", "results/model.h5", "inbox", "--json", "--sort-into", "sorted", cwd=home, python=preloaded_python()
    )
    assert told.code == 1, told.err
    answers = {row["path"].rpartition("/")[2]: row for row in told.document["images"]}
    assert "no picture of a kind that is known" in answers.pop("note.jpg")["error"]
    assert {name: row["class"] for name, row in answers.items()} == {f"{shape}.jpg": shape for shape in SHAPES}
    assert {path.relative_to(home / "sorted").as_posix() for path in (home / "sorted").rglob("*.*")} == {
        f"{shape}/{shape}.jpg" for shape in SHAPES
    }
    assert all(sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-3) for row in answers.values())


def test_a_corrupt_zip_is_one_error_document_and_one_mail(home):
    whole = home / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("cat/1.jpg", bytes(5000))
    (home / "half.zip").write_bytes(whole.read_bytes()[:2500])
    (home / "half").mkdir()
    (home / "half/mine.txt").write_text("mine")
    told = run_program("run", "half.zip", "--email", "ada@example.org", "--out", "half", "--json", cwd=home)
    assert told.code == 1, told.err
    error = told.document["error"]
    assert set(error) == {"code", "message", "fix", "details"}
    assert error["details"]["state"] == "rejected"
    assert sorted(path.name for path in (home / "half").iterdir()) == ["mail.eml", "mine.txt", "report.html"]
    assert error["fix"] in " ".join(mail_in(home / "half").get_body(("plain",)).get_content().split())


def test_a_bad_address_is_a_usage_fault_of_the_server(home, photos):
    told = run_program("run", "photos", "--email", "no address", "--out", "bad", "--json", cwd=home)
    assert (told.code, told.document["error"]["code"]) == (2, "invalid_email")
    assert not (home / "bad").exists()


@pytest.mark.slow
def test_ctrl_c_cancels_delivers_the_best_so_far_and_leaves_nothing_running(home, photos):
    endless = ("--candidates", "tiny", "--levels", "last", "--tune-epochs", "1000", "--tune-trials", "100")
    program = Program(
        ["run", "photos", "--email", "ada@example.org", "--out", "cancelled", *endless, "--json"], cwd=home
    )
    program.await_line("Improve winner")
    family = program.family()
    program.send(signal.SIGINT)
    told = program.finish()
    assert told.code == 130, told.err
    error = told.document["error"]
    assert (error["code"], error["details"]["state"]) == ("interrupted", "cancelled")
    assert {path.name for path in (home / "cancelled").iterdir()} == told_files(home / "cancelled")
    assert not psutil.wait_procs(family, timeout=PATIENCE_S)[1]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_before_the_training_leaves_nothing_behind(home, photos, number, code):
    program = Program(["run", "photos", "--email", "ada@example.org", "--out", f"early{code}"], cwd=home)
    program.await_line("Start services")
    family = program.family()
    program.send(number)
    told = program.finish()
    assert told.code == code, told.err
    assert "Traceback" not in told.err
    assert not [path.name for path in (home / f"early{code}").glob("*") if path.name != "mail.eml"]
    assert not psutil.wait_procs(family, timeout=PATIENCE_S)[1]


def test_a_server_is_spoken_with_by_commands_and_stops_on_ctrl_c(home, photos):
    server = Program(["serve", "--port", "0", "--data", "served"], cwd=home)
    ready = home / "served/ready.json"
    patience = Patience(interval_s=0.05)
    while not ready.exists():
        patience.wait(patience.interval_s)
    url = json.loads(ready.read_text())["url"]
    family = server.family()

    run = partial(run_program, cwd=home, python=preloaded_python())
    made = run("submit", "photos", "--email", "ada@example.org", "--server", url, "--json").document
    assert run("cancel").code == 0
    watched = run("watch", made["job_id"], "--json")
    while not (seen := run("status", "--json")).document["mailed_at"]:
        patience.wait(patience.interval_s)
    fetched = run("fetch", "--out", "fetched")
    server.send(signal.SIGINT)
    stopped = server.finish()

    assert (watched.code, watched.document["error"]["code"]) == (1, "job_cancelled")
    assert (seen.code, seen.document["state"]) == (0, "cancelled")
    assert fetched.code == 0
    assert [path.name for path in (home / "fetched").iterdir()] == ["report.html"]
    assert stopped.code == 0
    assert f"curl -s {url}/v1/jobs" in stopped.out
    assert not psutil.wait_procs(family, timeout=PATIENCE_S)[1]
    gone = run("status", "--json")
    assert (gone.code, gone.document["error"]["code"]) == (3, "unreachable")
