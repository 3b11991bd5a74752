import pytest

for port in ("job_store", "object_store", "event_bus"):
    pytest.register_assert_rewrite(f"tests.contract.{port}_contract")
