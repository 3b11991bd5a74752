"""A Dockerfile as a list of instructions, and the house's rules over it."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

_PINNED = re.compile(
    r"^(python:\d+\.\d+\.\d+-slim-[a-z]+|nvidia/cuda:\d+\.\d+\.\d+-base-ubuntu\d+\.\d+)@sha256:[0-9a-f]{64}$"
)
_SECRET = re.compile(r"(KEY|PASSWORD|SECRET|TOKEN|CREDENTIAL)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction, its continued lines joined."""

    name: str
    words: str

    @property
    def exec_form(self) -> list[str] | None:
        """The words of an exec form, or none of a shell form."""
        try:
            return json.loads(self.words)
        except ValueError:
            return None


def parse(text: str) -> list[Instruction]:
    """Return the instructions; comments and blank lines are dropped."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    pairs = [line.strip().partition(" ") for line in joined.splitlines()]
    return [Instruction(name=name.upper(), words=words.strip()) for name, _, words in pairs]


def stages(instructions: list[Instruction]) -> list[list[Instruction]]:
    """Return the stages, each beginning with its FROM."""
    found: list[list[Instruction]] = []
    for each in instructions:
        if each.name == "FROM":
            found.append([])
        found[-1].append(each)
    return found


def named(instructions: list[Instruction], name: str) -> list[Instruction]:
    return [each for each in instructions if each.name == name]


def variables(instructions: list[Instruction]) -> dict[str, str]:
    """Return what ENV sets in the last stage."""
    words = " ".join(each.words for each in named(stages(instructions)[-1], "ENV"))
    return {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|\S+)', words)}


def python_versions(text: str) -> set[str]:
    """Return the versions of Python, ``major.minor``, that a Dockerfile's stages run on."""
    return set(re.findall(r"(?:FROM python:|install --yes --no-install-recommends python)(\d+\.\d+)", text))


def faults(text: str) -> set[str]:
    """Return the names of the rules that a Dockerfile breaks."""
    instructions = parse(text)
    return {name for name, holds in RULES.items() if not holds(instructions)}


def _base_is_pinned(instructions: list[Instruction]) -> bool:
    return all(_PINNED.match(each.words.split()[0]) for each in named(instructions, "FROM"))


def _is_multi_stage(instructions: list[Instruction]) -> bool:
    last = stages(instructions)[-1]
    return len(stages(instructions)) > 1 and any("--from=" in each.words for each in named(last, "COPY"))


def _runs_as_somebody(instructions: list[Instruction]) -> bool:
    """The numeric user is the last word on who runs; nothing but what starts the service comes after it."""
    users = named(stages(instructions)[-1], "USER")
    if not users:
        return False
    after = instructions[instructions.index(users[-1]) + 1 :]
    return re.match(r"^[1-9]\d{3,}:[1-9]\d{3,}$", users[-1].words) is not None and [e.name for e in after] == ["CMD"]


def _starts_without_a_shell(instructions: list[Instruction]) -> bool:
    commands = [each for each in instructions if each.name in ("CMD", "ENTRYPOINT")]
    return len(commands) == 1 and bool(commands[0].exec_form)


def _fetches_nothing_by_add(instructions: list[Instruction]) -> bool:
    return not named(instructions, "ADD") and not any("curl" in e.words or "wget" in e.words for e in instructions)


def _keeps_no_package_lists(instructions: list[Instruction]) -> bool:
    runs = [each.words for each in named(instructions, "RUN") if re.search(r"\bapt(-get)?\b", each.words)]
    return all("--no-install-recommends" in run and "rm -rf /var/lib/apt/lists/*" in run for run in runs)


def _holds_no_secret(instructions: list[Instruction]) -> bool:
    settings = [each.words for each in instructions if each.name in ("ENV", "ARG")]
    return not any(_SECRET.search(name) for words in settings for name in re.findall(r"(\w+)(?:=|$| )", words))


def _copies_only_what_it_needs(instructions: list[Instruction]) -> bool:
    """No whole context, and into the image that runs nothing but sources and what the builder made."""
    for copy in named(instructions, "COPY"):
        sources = [word for word in copy.words.split() if not word.startswith("--")][:-1]
        if any(PurePosixPath(source) == PurePosixPath() or source.startswith((".", "*")) for source in sources):
            return False
    last = [each.words for each in named(stages(instructions)[-1], "COPY")]
    return all(words.startswith(("--from=", "shared/", "services/")) for words in last)


def _installs_by_hash(instructions: list[Instruction]) -> bool:
    """Whatever pip fetches is held to a hash; what it does not fetch needs none."""
    commands = [part for each in named(instructions, "RUN") for part in each.words.split("&&")]
    pips = [part for part in commands if re.search(r"\bpip (install|wheel)\b", part)]
    return bool(pips) and all("--require-hashes" in pip or "--no-index" in pip for pip in pips)


def _names_no_index(instructions: list[Instruction]) -> bool:
    hosts = ("--index-url", "--extra-index-url", "--find-links", "--trusted-host", "https://", "PIP_INDEX")
    return not any(host in each.words for each in instructions for host in hosts)


def _logs_at_once(instructions: list[Instruction]) -> bool:
    return variables(instructions).get("PYTHONUNBUFFERED") == "1"


RULES: dict[str, Callable[[list[Instruction]], bool]] = {
    "base pinned": _base_is_pinned,
    "multi-stage": _is_multi_stage,
    "not root": _runs_as_somebody,
    "exec form": _starts_without_a_shell,
    "no ADD": _fetches_nothing_by_add,
    "no package lists": _keeps_no_package_lists,
    "no secret": _holds_no_secret,
    "little copied": _copies_only_what_it_needs,
    "hashes": _installs_by_hash,
    "no index": _names_no_index,
    "unbuffered": _logs_at_once,
}
