import json
import re
from pathlib import Path

import jsonschema
import pytest

from shared.job.result import Result
from shared.json_codec import from_json, to_json
from tests.result_fixture import GOLDEN, make_result
from tools.result_schema import schema_text

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads(schema_text())


def test_the_schema_in_the_docs_is_the_one_of_the_code() -> None:
    assert (DOCS / "result.schema.json").read_text(encoding="utf-8") == schema_text(), (
        "regenerate it: python -m tools.result_schema > docs/result.schema.json"
    )


def test_every_field_of_the_document_is_described() -> None:
    described = set(re.findall(r"`([a-z0-9_.\[\]]+)`", (DOCS / "result.md").read_text(encoding="utf-8")))
    names = {part for name in described for part in name.replace("[]", "").split(".")}
    fields = set(SCHEMA["properties"])
    for kind in SCHEMA["$defs"].values():
        fields |= set(kind.get("properties", {}))
    recipes = {"learning_rate", "batch_size", "weight_decay", "label_smoothing", "dropout", "epochs"}
    assert fields - names - recipes == set()


def test_the_golden_document_holds_and_survives_a_round_trip() -> None:
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    jsonschema.validate(document, SCHEMA)
    assert to_json(from_json(Result, document)) == document
    assert from_json(Result, document) == make_result()


def test_a_result_of_before_licences_were_told_is_still_read() -> None:
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    del document["model"]["weights_licence"]
    assert from_json(Result, document).model.weights_licence is None


def test_a_result_of_before_there_were_other_formats_is_still_read() -> None:
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    del document["formats"], document["model"]["oldest_keras"]
    assert from_json(Result, document).formats == ()


def test_a_result_of_before_recipes_chose_depth_levels_and_views_is_still_read() -> None:
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    for name in ("depth", "every_level", "mirrored"):
        del document["tuning"]["hyperparameters"][name]
    recipe = from_json(Result, document).tuning.hyperparameters
    assert (recipe.depth, recipe.every_level, recipe.mirrored) == (1.0, False, False)


def test_a_result_of_before_there_were_estimates_is_still_read() -> None:
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    del document["bill"]
    assert from_json(Result, document).bill is None


def test_a_result_of_before_photographs_were_scored_as_uploaded_is_still_read() -> None:
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    del document["as_uploaded"]
    assert from_json(Result, document).as_uploaded is None


def test_a_result_of_before_near_duplicates_were_counted_is_still_read() -> None:
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    document["duplicates"] = {"exact": 6, "near_groups": 3, "conflicts": []}
    del document["test"]["num_independent"]
    del document["counts"]["validation_independent"]
    for score in document["test"]["per_class"]:
        del score["num_independent"]
    result = from_json(Result, document)
    assert result.duplicates.repeated == ()
    assert result.test.num_independent is None


def test_the_schema_refuses_what_is_no_result() -> None:
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    del document["test"]["interval"]
    with pytest.raises(jsonschema.ValidationError, match="interval"):
        jsonschema.validate(document, SCHEMA)
