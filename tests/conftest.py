"""Contract suites are imported as bases by several folders of tests; their assertions are to tell what they saw."""

import pytest

for port in ("job_store", "object_store", "event_bus", "mailer"):
    pytest.register_assert_rewrite(f"tests.contract.{port}_contract")
