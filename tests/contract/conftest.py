import pytest

for port in ("job_store", "object_store", "event_bus", "mailer"):
    pytest.register_assert_rewrite(f"tests.contract.{port}_contract")
