"""A result of a thousand classes: the reporter needs no more than its machine has, and the mail reaches its person."""

import sys
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.many_classes import report_on

MB = 10**6
MOST_BYTES = 400 * MB
"""Of reporter and drawing together; an instance has a gigabyte and four requests at a time."""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of another process")
@pytest.mark.parametrize("num_classes", [100, 1000])
def test_the_report_on_many_classes_takes_little_memory_and_is_mailed(tmp_path: Path, num_classes: int) -> None:
    report = report_on(num_classes, tmp_path)
    assert 50 * MB < report.peak_bytes < MOST_BYTES
    message = message_from_bytes(report.mail, policy=policy.default)
    names = {part.get_filename() for part in message.walk() if part.get_content_maintype() == "image"}
    assert "confusion.png" in names
    assert len(report.mail) < 2 * MB
    assert len(report.page) < 5 * MB
    assert all(name.encode() in report.page for name in report.classes)
