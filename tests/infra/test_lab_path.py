"""The lab's way, as docs/lab.md tells it, from another machine: through nginx, by the program's client."""

import json
import subprocess
import sys

import pytest

from tests.infra.proxy import PREFIX, free_ports, needs_nginx, proxy
from tests.intake_process import IntakeProcess
from tests.onebox_fixture import draw_folder, environment
from tests.other_machine import HERE, on_it, other_machine
from tests.waiting import PATIENCE_S, until

pytestmark = needs_nginx


@pytest.fixture
def lab(tmp_path):
    """A server behind nginx that another machine reaches, and what runs the program there."""
    with other_machine() as is_there:
        if not is_there:
            pytest.skip("needs the right to make network namespaces")
        ports = free_ports(2)
        public_url = f"https://{HERE}:{ports[1]}{PREFIX}"
        intake = IntakeProcess(tmp_path, public_url=public_url, forwarded_hops=1).start()
        try:
            with proxy(tmp_path, host=HERE, ports=(ports[0], ports[1]), upstream=intake.url) as served:
                yield intake, served
        finally:
            intake.kill()


def test_a_folder_is_sent_followed_and_cancelled_from_another_machine(lab, tmp_path):
    intake, served = lab
    trusting = {**environment(tmp_path), "SSL_CERT_FILE": str(served.certificate)}

    def there(*words: str) -> subprocess.CompletedProcess:
        line = on_it(sys.executable, "-m", "services.onebox.cli", *words)
        return subprocess.run(
            line, env=trusting, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    shapes = draw_folder(tmp_path / "shapes", per_class=6)
    sent = there("submit", str(shapes), "--email", "ada@example.org", "--server", served.url, "--json")
    assert sent.returncode == 0, sent.stderr
    job_id = json.loads(sent.stdout)["job_id"]

    def told() -> dict:
        asked = there("status", "--json")
        assert asked.returncode == 0, asked.stderr
        return json.loads(asked.stdout)

    status = until(lambda: (now := told())["state"] == "queued" and now)
    assert status["job_id"] == job_id
    assert there("cancel").returncode == 0
    past_nginx = there("submit", str(shapes), "--email", "ada@example.org", "--server", intake.url)
    assert past_nginx.returncode == 3, "only nginx is reached from elsewhere"
