"""Packages that a library would use if they were installed cost nothing where nobody needs them."""

import importlib
import sys

import pytest

from shared.process.lean_import import without_packages


def test_a_package_is_missing_within_and_there_afterwards() -> None:
    sys.modules.pop("wave", None)
    with without_packages("wave"), pytest.raises(ModuleNotFoundError):
        importlib.import_module("wave")
    assert importlib.import_module("wave").open


def test_what_is_imported_already_stays() -> None:
    with without_packages("sys", "pytest"):
        assert importlib.import_module("pytest") is pytest


def test_what_is_hidden_comes_back_after_a_fault() -> None:
    sys.modules.pop("wave", None)
    with pytest.raises(KeyError), without_packages("wave"):
        raise KeyError
    assert importlib.import_module("wave").open
