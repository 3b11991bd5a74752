"""Every argument of the Terraform files is one that the provider takes, and none that it requires is missing.

The schema beside this file is what ``tools/provider_schema.py`` keeps of the provider's. Where Terraform and its
provider can be had, ``terraform validate`` says more.
"""

import copy
import gzip
import json
import re
from pathlib import Path

import pytest

from tests.infra.configuration import read

HERE = Path(__file__).parent
SCHEMA = json.loads(gzip.decompress((HERE / "provider_schema.json.gz").read_bytes()))
TERRAFORM = HERE.parents[1] / "infra" / "terraform"
CONFIGURATION = read(TERRAFORM)
META = {"for_each", "count", "depends_on", "provider", "lifecycle", "timeouts", "dynamic"}
GOOGLE = [address for address in CONFIGURATION.blocks if address.startswith(("google_", "data.google_"))]


def faults(where: str, body: dict, schema: dict) -> list[str]:
    """Return what the provider would refuse in a block."""
    found, given = [], {name for name in body if name not in META}
    inner = [(name, block) for name in given & set(schema["blocks"]) for block in body[name] if isinstance(block, dict)]
    for dynamic in body.get("dynamic", []):
        for name, spec in dynamic.items():
            given.add(name)
            inner += [(name, content) for content in spec.get("content", [])]
    found += [f"{where}: {name} is not known" for name in given - set(schema["attributes"]) - set(schema["blocks"])]
    for name, block in inner:
        if name in schema["blocks"]:
            found += faults(f"{where}.{name}", block, schema["blocks"][name])
    for name, attribute in schema["attributes"].items():
        if attribute.get("required") and name not in given:
            found.append(f"{where}: {name} is missing")
        if name in given and attribute.get("computed") and not attribute.get("optional"):
            found.append(f"{where}: {name} is read-only")
        value = body.get(name)
        if (
            isinstance(value, str)
            and "${" not in value
            and attribute.get("one_of")
            and value not in attribute["one_of"]
        ):
            found.append(f"{where}: {name} is {value!r}, expected one of {attribute['one_of']}")
    found += [
        f"{where}: {name} is missing"
        for name, each in schema["blocks"].items()
        if each.get("min_items") and name not in given
    ]
    return found


REGIONAL = {"distribution_policy_zones", "distribution_policy_target_shape"}
"""What a regional group has besides its zonal twin, as the provider's bindings for other languages tell of 6.50.0."""


def schema_of(address: str) -> dict:
    kind, name = "resource", address.partition(".")[0]
    if address.startswith("data."):
        kind, name = "data", address.split(".")[1]
    return SCHEMA[kind].get(name) or regional(SCHEMA[kind][name.replace("_region_", "_")])


def regional(twin: dict) -> dict:
    """Return the schema of a regional twin, which is not among those that were kept: its place is a region."""
    schema = copy.deepcopy(twin)
    schema["attributes"]["region"] = schema["attributes"].pop("zone")
    if "update_policy" in schema["blocks"]:
        schema["attributes"] |= {name: {"optional": True} for name in REGIONAL}
        schema["blocks"]["update_policy"]["attributes"]["instance_redistribution_type"] = {
            "optional": True,
            "one_of": ["PROACTIVE", "NONE"],
        }
    else:
        del schema["blocks"]["autoscaling_policy"]["attributes"]["stabilization_period"]  # not known of it
    return schema


@pytest.mark.parametrize("address", GOOGLE)
def test_provider_takes_every_argument_and_misses_none(address):
    assert faults(address, CONFIGURATION.blocks[address], schema_of(address)) == []


def test_schema_is_of_a_provider_that_the_configuration_asks_for():
    wanted = re.search(r'version = "~> (\d+\.\d+)"', (TERRAFORM / "versions.tf").read_text(encoding="utf-8"))[1]
    assert SCHEMA["version"].startswith(wanted)


def test_a_fault_of_each_kind_is_seen():
    address = "google_pubsub_topic.live"
    schema = schema_of(address)
    assert faults(address, {"nme": "x"}, schema) == [f"{address}: nme is not known", f"{address}: name is missing"]
    assert faults(address, {"name": "x", "effective_labels": {}}, schema) == [
        f"{address}: effective_labels is read-only"
    ]
    run = schema_of("google_cloud_run_v2_service.intake")["blocks"]["traffic"]
    assert "expected one of" in faults("traffic", {"type": "LATEST"}, run)[0]
