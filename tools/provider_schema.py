"""``python -m tools.provider_schema SCHEMA``: keeps of a provider's schema what the installation uses, for its test.

SCHEMA is the output of ``terraform providers schema -json``, packed by gzip or not.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

from tests.infra.configuration import read

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "tests" / "infra" / "provider_schema.json.gz"
GOOGLE = "registry.terraform.io/hashicorp/google"


def main(path: Path) -> None:
    """Write the schema of the resources and data sources that infra/terraform names."""
    data = path.read_bytes()
    document = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    provider = document["provider_schemas"][GOOGLE]
    used = {address.rsplit(".", 1)[0] for address in read(ROOT / "infra" / "terraform").blocks}
    kept = {
        "version": document.get("x_provider_version", "unknown"),
        "resource": {name: _pruned(provider["resource_schemas"][name]) for name in sorted(used) if _is_google(name)},
        "data": {
            name.removeprefix("data."): _pruned(provider["data_source_schemas"][name.removeprefix("data.")])
            for name in sorted(used)
            if name.startswith("data.google_")
        },
    }
    text = json.dumps(kept, separators=(",", ":"), sort_keys=True)
    KEPT.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _is_google(name: str) -> bool:
    return name.startswith("google_")


def _pruned(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the block with what decides whether a configuration is taken."""
    block = schema["block"]
    attributes = {
        name: {key: each[key] for key in ("required", "optional", "computed") if each.get(key)}
        | ({"one_of": values} if (values := each.get("x", {}).get("Enum")) else {})
        for name, each in block.get("attributes", {}).items()
    }
    blocks = {
        name: _pruned(each) | {key: each[key] for key in ("min_items", "max_items") if each.get(key)}
        for name, each in block.get("block_types", {}).items()
    }
    return {"attributes": attributes, "blocks": blocks}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
