"""Mutants of functions, made and run by mutmut in a copy of the repository."""

import ast
import difflib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tools.mutants.suites import tests_of

MUTMUT = "mutmut==3.8.1"
_ALIVE, _NO_TEST, _NOT_RUN = 0, 33, None
_CHOSEN = "not RealHouse and not learns_what_was_corrected and not every_message_of_reports"
"""Programs that tests start find no mutants: they look for modules in the repository only.

Decoders, which rest for a while after the test, mutmut would take for a mutant that ended; and who reads the modules
for messages would find those of all mutants in them.
"""
Noticed = tuple[int, int, tuple[str, ...]]
"""Mutants of a module that were noticed, those that were tried, and what was changed in those alive."""
_AT_ONCE = 4
"""Processes for each processor: most of the half second that a mutant takes is waiting."""
_TEXTS = (
    r"\b_?log(ger)?\.",  # log lines
    r"^\s*raise ",
    r"\b(message|fix|reason)=",
    r'^\s*\+? ?f?"[^"]* [^"]* [^"]*"',  # lines of prose
)
"""Lines that are not mutated: words for people, of which no test should repeat every letter."""


def install(folder: Path) -> Path:
    """Put the tool into a folder of its own, once; it is no part of the environment of this repository."""
    target = folder / MUTMUT
    if not target.exists():
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "pip", "install", "--quiet", "--target", target, MUTMUT], check=True)  # noqa: S603
    return target


def settings(modules: Sequence[str]) -> str:
    """Return the section of ``pyproject.toml`` that tells mutmut what to do."""
    options = {
        "source_paths": ["services", "shared"],
        "only_mutate": list(modules),
        "also_copy": ["docs", "infra", "tools", "benchmarks", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"],
        "do_not_mutate_patterns": list(_TEXTS),
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist", "-k", _CHOSEN],
        "pytest_add_cli_args_test_selection": tests_of(list(modules)),
    }
    return "\n[tool.mutmut]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items())


def run(modules: Sequence[str], copy: Path, tool: Path, *, within_s: float) -> None:
    """Let mutmut work through the modules, several at a time, for as long as there is time."""
    with (copy / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(settings(modules))
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(_AT_ONCE * (os.cpu_count() or 1))]
    environ = {**os.environ, "PYTHONPATH": str(tool)}
    began = time.monotonic()
    with (
        (copy / "mutmut.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603
            command, cwd=copy, env=environ, stdout=log, stderr=log, start_new_session=True
        ) as process,
    ):
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            pass
        finally:
            with suppress(ProcessLookupError):  # a mutant may never end by itself, nor hear that it should
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode and time.monotonic() - began < within_s:
        raise RuntimeError((copy / "mutmut.log").read_text(encoding="utf-8", errors="replace")[-3000:])


def counted(module: str, copy: Path) -> Noticed:
    """Return what became of the mutants of a module."""
    meta = copy / "mutants" / f"{module}.meta"
    if not meta.exists():
        return 0, 0, ()
    codes: dict[str, int | None] = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    counts = Counter(codes.values())
    num_tried = len(codes) - counts[_NOT_RUN]
    alive = [name.rpartition(".")[2] for name, code in codes.items() if code in (_ALIVE, _NO_TEST)]
    source = (copy / "mutants" / module).read_text(encoding="utf-8")
    functions = {node.name: node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    return num_tried - len(alive), num_tried, tuple(_change(name, functions) for name in alive)


def _change(name: str, functions: dict[str, ast.FunctionDef]) -> str:
    """Return the lines that a mutant takes away and puts in their place."""
    original = functions[f"{name.rpartition('__mutmut_')[0]}__mutmut_orig"]
    before, after = (
        [line for statement in function.body for line in ast.unparse(statement).splitlines()]
        for function in (original, functions[name])
    )
    lines = [line for line in difflib.ndiff(before, after) if line.startswith(("- ", "+ "))]
    return f"{name}\n    " + "\n    ".join(lines)
