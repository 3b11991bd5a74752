"""The services as one machine's child processes: killed, misconfigured, orphaned, stopped."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from services.client.api.client import Client
from services.client.fault import Unreachable
from services.onebox.service_process import RestartRule
from services.onebox.services import Onebox
from shared.errors import UserFault
from tests.waiting import PATIENCE_S, until

ROOT = Path(__file__).parents[2]
BOX_IN_A_PROCESS = """
import json, os, sys, time
from pathlib import Path
from services.onebox.services import Onebox
with Onebox(Path(sys.argv[1]), os.environ) as box:
    box.wait_ready(within_s=300)
    print(json.dumps([service.pid for service in box.services]), flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    with Onebox(tmp_path_factory.mktemp("box"), os.environ) as box:
        box.wait_ready(within_s=PATIENCE_S)
        yield box


def state_of(created, client):
    try:
        return client.status(created.job_id, created.token).state
    except Unreachable:
        return None


@pytest.mark.parametrize("name", ["intake", "trainer", "reporter"])
def test_a_service_that_is_killed_comes_back_and_nothing_is_lost(box, name):
    service = next(service for service in box.services if service.name == name)
    with Client(box.url) as client:
        created = client.submit("ada@example.org", {})
        killed = until(lambda: service.pid)
        before = psutil.Process(killed).children(recursive=True)
        os.kill(killed, signal.SIGKILL)
        until(lambda: service.pid not in (None, killed))
        _, alive = psutil.wait_procs(before, timeout=PATIENCE_S)
        assert not alive
        until(lambda: state_of(created, client) == "awaiting_upload")
    box.check()


def test_settings_that_make_no_sense_are_told_with_the_log(tmp_path):
    with (
        Onebox(tmp_path, {**os.environ, "CONVTAILOR_TRAINER_LEASE_S": "soon"}) as box,
        pytest.raises(UserFault) as caught,
    ):
        until(box.check)
    fault = caught.value.fault
    assert fault.code == "service_died"
    assert fault.details["log"] == str(tmp_path / "logs" / "trainer.log")
    assert any("CONVTAILOR_TRAINER_LEASE_S" in line for line in fault.details["last_lines"])


def test_a_service_that_keeps_dying_is_given_up(tmp_path):
    with Onebox(tmp_path, os.environ, rule=RestartRule(max_deaths=2, soon_s=60)) as box:
        box.wait_ready(within_s=PATIENCE_S)
        intake = box.services[0]
        first = until(lambda: intake.pid)
        os.kill(first, signal.SIGKILL)
        os.kill(until(lambda: intake.pid != first and intake.pid), signal.SIGKILL)
        with pytest.raises(UserFault, match="intake service was ended by signal 9, 2 times in a row"):
            until(box.check)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_no_service_outlives_the_one_who_started_it(tmp_path, sent):
    with subprocess.Popen(
        [sys.executable, "-c", BOX_IN_A_PROCESS, str(tmp_path)], cwd=ROOT, env=os.environ, stdout=subprocess.PIPE
    ) as owner:
        pids = json.loads(owner.stdout.readline())
        services = [psutil.Process(pid) for pid in pids if pid]
        family = [*services, *(child for service in services for child in service.children(recursive=True))]
        owner.send_signal(sent)
        _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert len(services) >= 2
    assert not alive
