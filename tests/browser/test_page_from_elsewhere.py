"""Another machine of the network opens the page: everything that it is handed leads back to where it found the server.

The other machine is a network namespace with a cable to this one; the browser runs in it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.watched import chromium, found, go_to_start, needs_browser, watched
from tests.intake_process import IntakeProcess
from tests.onebox_fixture import draw_folder
from tests.other_machine import HERE, on_it, other_machine

pytestmark = [needs_browser, pytest.mark.slow]


@pytest.fixture
def program(tmp_path) -> Iterator[Path]:
    """A browser that runs on the other machine."""
    with other_machine() as is_there:
        if not is_there:
            pytest.skip("needs the right to make network namespaces")
        script = tmp_path / "browser"
        script.write_text(f'#!/bin/sh\nexec {" ".join(on_it(found()))} "$@"\n')
        script.chmod(0o755)
        yield script


def test_a_person_at_another_machine_sends_photographs_and_follows_the_job(tmp_path, program):
    intake = IntakeProcess(tmp_path, host="0.0.0.0").start()
    url = f"http://{HERE}:{intake.url.rpartition(':')[2]}"
    try:
        with chromium(program) as browser, watched(browser) as seen:
            go_to_start(seen.page, url)
            seen.page.set_input_files("#folder", draw_folder(tmp_path / "shapes", per_class=6))
            seen.page.get_by_label("Your e-mail address").fill("ada@example.org")
            seen.page.get_by_role("button", name="Send 18 photographs").click()
            seen.page.wait_for_url(f"{url}/v1/jobs/*#*")
            seen.see("#state", "Waiting for a free machine")
            seen.page.goto(f"{url}/docs")
            assert url in seen.page.locator("main").inner_text()
    finally:
        intake.kill()
