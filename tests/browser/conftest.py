"""What pages are tested with: a browser, intake, and a few photographs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.watched import chromium
from tests.intake_process import IntakeProcess
from tests.onebox_fixture import draw_folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def intake(tmp_path_factory) -> Iterator[IntakeProcess]:
    process = IntakeProcess(tmp_path_factory.mktemp("intake")).start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def photographs(tmp_path_factory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("photographs") / "shapes", per_class=6)
