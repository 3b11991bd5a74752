"""What holds for all tests, however they are started."""

import signal

import pytest

# Contract suites are imported as bases by several folders of tests; their assertions are to tell what they saw.
for port in ("job_store", "object_store", "event_bus", "mailer"):
    pytest.register_assert_rewrite(f"tests.contract.{port}_contract")

# A shell's background job ignores Ctrl-C, and so would every program that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
