"""``python -m tools.mutants [MODULE...]`` changes the pure modules, a little and often; a test has to notice each time.

Prints a table, module by module: mutants noticed, mutants tried. Works in a copy below ``build/``, in processes of
low priority, for 25 minutes at most; what could not be tried by then is counted as not tried.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.mutants import constants, functions
from tools.mutants.suites import ROOT, SUITES, by_suite

FOLDER = ROOT / "build" / "mutants"
WITHIN_MINUTES = 25.0
Tried = dict[str, list[tuple[str, bool]]]
"""By module: what was changed, and whether no test noticed."""
_FOR_CONSTANTS = 0.3
"""Share of the time for constants, each of which needs a start of pytest."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the tool from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="such as shared/job/claim.py; default: all that have a suite")
    parser.add_argument("--minutes", type=float, default=WITHIN_MINUTES, help="longest time; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the order of constants; default: %(default)s")
    parser.add_argument("--alive", action="store_true", help="name the mutants that nobody noticed")
    asked = parser.parse_args(arguments)
    modules = asked.modules or sorted(SUITES)
    os.nice(10)
    began = time.monotonic()
    within_s = 60 * asked.minutes
    constants_tried = try_constants(
        modules, copied(FOLDER / "copy"), seed=asked.seed, within_s=within_s * _FOR_CONSTANTS
    )
    functions_tried, given_up = try_functions(modules, ends=began + within_s)
    print(f"{functions.MUTMUT}, seed {asked.seed}, {time.monotonic() - began:.0f} s\n")
    show(modules, functions_tried, constants_tried, names_alive=asked.alive)
    if given_up:
        sys.exit("\n".join(given_up))


def copied(target: Path) -> Path:
    """Return a fresh copy of what git knows or would take."""
    shutil.rmtree(target, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place)
    return target


def try_constants(modules: Sequence[str], copy: Path, *, seed: int, within_s: float) -> Tried:
    """Change the numbers of the modules in turn."""
    ends = time.monotonic() + within_s
    found = [
        (constant, value)
        for module in modules
        for constant in constants.constants_in(module, (copy / module).read_text(encoding="utf-8"))
        for value in constants.others_than(constant.value)
    ]
    random.Random(seed).shuffle(found)  # noqa: S311 - a sample, should the time not suffice
    tried: Tried = {module: [] for module in modules}
    for constant, value in found:
        if time.monotonic() < ends:
            is_alive = constants.survives(constant, value, copy)
            tried[constant.module].append((f"{constant.name}: {constant.value:g} → {value:g}", is_alive))
    return tried


def try_functions(modules: Sequence[str], *, ends: float) -> tuple[dict[str, functions.Noticed], list[str]]:
    """Change the functions of the modules, those first that are named first; also return where the tool failed."""
    tool = functions.install(FOLDER)
    found, given_up = {}, []
    for group in by_suite(modules):
        if (left_s := ends - time.monotonic()) > 0:
            copy = copied(FOLDER / "copy")
            try:
                functions.run(group, copy, tool, within_s=left_s)
            except RuntimeError as error:  # of the tool; other modules can be tried all the same
                given_up.append(f"{' '.join(group)}: {error}")
            found.update({module: functions.counted(module, copy) for module in group})
    return found, given_up


def show(modules: Sequence[str], noticed: Mapping[str, functions.Noticed], tried: Tried, *, names_alive: bool) -> None:
    """Print the table."""
    print("| module | functions | constants |\n|---|---|---|")
    sums = [0, 0, 0, 0]
    unnoticed = []
    for module in modules:
        num_noticed, num_tried, alive = noticed.get(module, (0, 0, ()))
        num_constants = len(tried[module])
        survivors = [name for name, is_alive in tried[module] if is_alive]
        row = [num_noticed, num_tried, num_constants - len(survivors), num_constants]
        sums = [sum(pair) for pair in zip(sums, row, strict=True)]
        print(f"| `{module}` | {_share(row[0], row[1])} | {_share(row[2], row[3])} |")
        unnoticed += [f"{module}: {name}" for name in (*alive, *survivors)]
    print(f"| all | {_share(sums[0], sums[1])} | {_share(sums[2], sums[3])} |")
    if names_alive:
        print("\n" + "\n".join(unnoticed))


def _share(num_noticed: int, num_tried: int) -> str:
    return f"{num_noticed}/{num_tried} ({num_noticed / num_tried:.0%})" if num_tried else "–"


if __name__ == "__main__":
    main()
