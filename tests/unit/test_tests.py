"""What every test keeps to: it can fail, it neither sleeps nor measures time, and it leaves our own code as it is."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
OWN = {"services", "shared", "tools", "benchmarks"}
CHECKING = ("raises", "fail", "warns", "assert_")
PATCHING = ("setattr", "delattr", "patch", "object")
CLOCKS = {"monotonic", "perf_counter", "process_time", "monotonic_ns", "perf_counter_ns", "time_ns"}
ASKING = {"get", "post", "put", "delete", "head", "patch", "request", "stream", "Client"}

MAY_ASSERT_NOTHING = {
    "cloud/test_gcs_object_store.py::test_nothing_is_asked_of_google_before_it_is_used": "asking would raise",
    "cloud/test_v4_signing.py::test_published_signatures_fit": "one that does not fit raises",
    "unit/test_oidc.py::test_clocks_may_differ_by_a_few_seconds": "a token that is refused raises",
    "unit/test_oidc.py::test_the_accounts_token_is_taken": "a token that is refused raises",
}
"""Tests whose claim is that nothing is raised, and what would be."""

MAY_SLEEP = {
    "cloud/test_pubsub_event_bus.py": "leases of the emulator end by a clock that no test can move",
    "waiting.py": "looks again until something has happened elsewhere",
}
"""Files in which real time passes, and why."""

MAY_COMPARE_TIMES = {
    "unit/test_mirror.py": "its bucket answers when a given time is over, and no earlier",
    "waiting.py": "gives up, far later than it should ever take",
}
"""Files that ask a clock how late it is, and why."""


@cache
def modules() -> dict[str, ast.Module]:
    """Return every module of the tests, by its path."""
    return {
        path.relative_to(TESTS).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(TESTS.rglob("*.py"))
    }


def functions_in(tree: ast.AST) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def last_word(node: ast.AST) -> str:
    """Return ``c`` of ``a.b.c``."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def first_word(node: ast.AST) -> str:
    """Return ``a`` of ``a.b.c``, written as code or in quotes."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return str(node.value).partition(".")[0] if isinstance(node, ast.Constant) else getattr(node, "id", "")


def called_in(node: ast.AST) -> set[str]:
    return {last_word(each.func) for each in ast.walk(node) if isinstance(each, ast.Call)}


def helpers_called_in(node: ast.AST) -> set[str]:
    """Return what is called by a bare name or as a method of the test's own class."""
    called = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    return {last_word(each) for each in called if isinstance(each, ast.Name) or first_word(each) == "self"}


def checks(function: ast.FunctionDef, helpers: frozenset[str] = frozenset()) -> bool:
    """Tell whether a function asserts something, expects a fault, or calls a helper that does."""
    return (
        any(isinstance(each, ast.Assert) for each in ast.walk(function))
        or any(name.startswith(CHECKING) for name in called_in(function))
        or bool(helpers_called_in(function) & helpers)
    )


@cache
def helpers_that_check() -> frozenset[str]:
    """Return the names of functions of the tests that check something, or call one that does, and so on."""
    checking: set[str] = set()
    calls: defaultdict[str, set[str]] = defaultdict(set)
    for function in (each for tree in modules().values() for each in functions_in(tree)):
        calls[function.name] |= helpers_called_in(function)
        if checks(function):
            checking.add(function.name)
    while found := {name for name, called in calls.items() if name not in checking and called & checking}:
        checking |= found
    return frozenset(checking)


def test_every_test_can_fail() -> None:
    toothless = {
        f"{path}::{function.name}"
        for path, tree in modules().items()
        for function in functions_in(tree)
        if function.name.startswith("test_") and not checks(function, helpers_that_check())
    }
    assert toothless == set(MAY_ASSERT_NOTHING)


@pytest.mark.parametrize(
    ("body", "can_fail"),
    [
        ("assert f()", True),
        ("with pytest.raises(ValueError): f()", True),
        ("np.testing.assert_array_equal(a, b)", True),
        ("helper()", True),
        ("self.helper()", True),
        ("other.helper()", False),
        ("f(1)", False),
    ],
)
def test_the_look_tells_a_test_that_can_fail_from_one_that_cannot(body: str, *, can_fail: bool) -> None:
    (function,) = functions_in(ast.parse(f"def test_x(self):\n    {body}"))
    assert checks(function, frozenset({"helper"})) is can_fail


def test_no_test_sleeps_but_where_there_is_a_reason() -> None:
    assert {path for path, tree in modules().items() if "sleep" in called_in(tree)} == set(MAY_SLEEP)


def is_measuring(node: ast.AST) -> bool:
    """Tell whether a time is compared with another or taken from it; one that is only handed on is not measured."""
    is_compared = isinstance(node, ast.Compare) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub))
    return is_compared and bool(CLOCKS & called_in(node))


def test_no_test_measures_time_but_where_there_is_a_reason() -> None:
    measuring = {path for path, tree in modules().items() if any(is_measuring(node) for node in ast.walk(tree))}
    assert measuring == set(MAY_COMPARE_TIMES)


def hasty_requests_in(tree: ast.Module) -> list[int]:
    """Return the lines at which ``httpx``, which else gives up after five seconds, is not told for how long to wait."""
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)]
    asking = [call for call in calls if first_word(call.func) == "httpx" and call.func.attr in ASKING]
    return [call.lineno for call in asking if "timeout" not in {each.arg for each in call.keywords}]


def test_no_request_is_given_up_because_a_machine_is_busy() -> None:
    assert [f"{path}:{line}" for path, tree in modules().items() for line in hasty_requests_in(tree)] == []


def own_names(tree: ast.Module) -> set[str]:
    """Return the names by which a module knows things of ours."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)]
    return OWN | {
        alias.asname or alias.name
        for node in imports
        for alias in node.names
        if (getattr(node, "module", None) or alias.name).partition(".")[0] in OWN
    }


def patches_in(tree: ast.Module) -> list[int]:
    """Return the lines at which something of ours is replaced."""
    own = own_names(tree)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    return [call.lineno for call in calls if last_word(call.func) in PATCHING and first_word(call.args[0]) in own]


def test_no_test_patches_code_of_ours() -> None:
    assert [f"{path}:{line}" for path, tree in modules().items() for line in patches_in(tree)] == []


@pytest.mark.parametrize(
    "line",
    [
        'monkeypatch.setattr("shared.clock.utc_now", later)',
        'monkeypatch.setattr(clock, "utc_now", later)',
        'monkeypatch.delattr(clock.Clock, "utc_now")',
        'mock.patch("shared.clock.utc_now")',
        'mock.patch.object(clock, "utc_now")',
    ],
)
def test_the_look_sees_a_patch(line: str) -> None:
    assert patches_in(ast.parse(f"from shared import clock\n{line}")) == [2]
