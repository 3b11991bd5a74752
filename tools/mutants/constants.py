"""Mutants of numbers that no function holds: constants of a module and defaults of its classes.

The mutation tool changes functions only; a limit that is never reached in any test stands beside them.
"""

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.mutants.suites import tests_of

_WITHIN_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A number in a module.

    Args:
        module: Path of the module.
        name: What it is called there.
        line: Where it stands, from 1.
        start: Column, in bytes of UTF-8, at which it begins.
        end: Column at which it ends.
        value: The number.
    """

    module: str
    name: str
    line: int
    start: int
    end: int
    value: float

    def mutated(self, source: str, value: float) -> str:
        """Return the source of the module with another number."""
        lines = source.encode().split(b"\n")
        line = lines[self.line - 1]
        lines[self.line - 1] = line[: self.start] + repr(value).encode() + line[self.end :]
        return b"\n".join(lines).decode()


def constants_in(module: str, source: str) -> list[Constant]:
    """Return the numbers to the right of a name, at the top of a module or of one of its classes."""
    tree = ast.parse(source)
    found = []
    for body in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        for node in body.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                name = ast.unparse(target) if isinstance(body, ast.Module) else f"{body.name}.{ast.unparse(target)}"
                found += [_constant(module, name, number) for number in ast.walk(node.value) if _is_number(number)]
    return found


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _constant(module: str, name: str, node: Any) -> Constant:
    return Constant(
        module=module, name=name, line=node.lineno, start=node.col_offset, end=node.end_col_offset, value=node.value
    )


def others_than(value: float) -> tuple[float, ...]:
    """Return the numbers to try instead: a good deal more, and as little as there is."""
    return (3 * value + 1, 0) if value != 0 else (1,)


def survives(constant: Constant, value: float, folder: Path) -> bool:
    """Tell whether the tests of a module pass although one of its numbers is another.

    Args:
        constant: Which.
        value: The other number.
        folder: A copy of the repository to do this in; left as it was.
    """
    path = folder / constant.module
    source = path.read_text(encoding="utf-8")
    path.write_text(constant.mutated(source, value), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests_of([constant.module])]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=_WITHIN_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return False
    finally:
        path.write_text(source, encoding="utf-8")
    return done.returncode == 0
