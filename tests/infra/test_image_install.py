"""What the Dockerfiles install, installed here: no container engine is needed to see that an image would start."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.infra import dockerfile

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "infra" / "docker"
UV = Path(sys.executable).with_name("uv")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not UV.exists() or sys.platform != "linux", reason="needs uv beside Python, on Linux"),
]
LOOK = """\
import importlib, importlib.util, json, pathlib, pkgutil, sys
import services, shared, {service}
left = () if importlib.util.find_spec("flask") else ("shared.web.",)  # the trainer's image holds it, never imports it
left += ("services.trainer.export.formats.coreml.",)  # imported where there is coremltools, which no image needs
for package in (shared, {service}):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if found.name.startswith(left):
            continue
        if not found.name.endswith("__main__") or found.name == "{service}.__main__":
            importlib.import_module(found.name)
names = {names!r}
print(json.dumps({{
    "from": str(pathlib.Path(shared.__file__).parent.parent),
    "present": [name for name in names if importlib.util.find_spec(name)],
    "imported": [name for name in names if name in sys.modules],
}}))
"""
WATCHED = (
    "tensorflow",
    "keras",
    "matplotlib",
    "sendgrid",
    "flask",
    "gunicorn",
    "sklearn",
    "google.cloud.pubsub",
    "click",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What would be in an image."""

    python: Path
    app: Path

    def look(self, service: str) -> dict:
        """Import everything of a service and say what was found."""
        code = LOOK.format(service=service, names=[*WATCHED])
        done = subprocess.run(
            [self.python, "-c", code],
            cwd=self.app,
            env={"HOME": str(self.app), "MPLCONFIGDIR": str(self.app)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def uv(*words: str | Path, **more) -> subprocess.CompletedProcess:
    """Run uv with the machine's own registry of packages; skip where it cannot be reached."""
    done = subprocess.run([UV, *words], capture_output=True, text=True, timeout=600, check=False, **more)
    unreachable = re.search(r"(dns error|[Cc]onnect|timed out|[Nn]etwork|request failed)", done.stderr)
    if done.returncode and unreachable:
        pytest.skip(f"no registry of packages can be reached: {done.stderr.strip().splitlines()[0]}")
    return done


def python_of(image: str) -> str:
    """Return the image's Python where this machine has it, else the one at work: the requirements hold for both."""
    [wanted] = dockerfile.python_versions((DOCKER / f"{image}.Dockerfile").read_text(encoding="utf-8"))
    if wanted == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = uv("python", "find", "--no-python-downloads", wanted)
    return wanted if found.returncode == 0 else sys.executable


def copied(image: str, app: Path) -> Path:
    """Lay out the sources as the Dockerfile's COPY lines do."""
    instructions = dockerfile.parse((DOCKER / f"{image}.Dockerfile").read_text(encoding="utf-8"))
    for copy in dockerfile.named(dockerfile.stages(instructions)[-1], "COPY"):
        source, target = copy.words.split()[-2:]
        if target.startswith("/app/"):
            place = app / target.removeprefix("/app/")
            if source.endswith("/"):
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, place)
    return app


def with_cpu_build(folder: Path) -> Path:
    """Write the trainer's requirements with the CPU build of TensorFlow, a tenth of the download."""
    locked = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    own = re.split(r"\n(?=\S)", (DOCKER / "requirements" / "trainer.txt").read_text(encoding="utf-8"))
    kept = [entry for entry in own if not entry.startswith(("nvidia-", "tensorflow=="))]
    cpu = [entry for entry in locked if entry.startswith("tensorflow-cpu==")]
    path = folder / "requirements.txt"
    path.write_text("\n".join([*kept, *cpu]) + "\n", encoding="utf-8")
    return path


def install(image: str, folder: Path, *, requirements: Path | None = None) -> Image:
    """Install an image's requirements into a clean environment beside its sources."""
    made = uv("venv", "--quiet", "--python", python_of(image), folder / "venv")
    assert made.returncode == 0, made.stderr
    python = folder / "venv" / "bin" / "python"
    synced = uv(
        "pip",
        "sync",
        "--quiet",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--python",
        python,
        requirements or DOCKER / "requirements" / f"{image}.txt",
    )
    assert synced.returncode == 0, synced.stderr
    return Image(python=python, app=copied(image, folder / "app"))


def test_intake_runs_on_what_its_image_installs_and_nothing_heavy_is_there(tmp_path):
    image = install("intake", tmp_path)
    seen = image.look("services.intake")
    assert seen["from"] == str(image.app)
    assert set(seen["present"]) == {"flask", "gunicorn", "google.cloud.pubsub", "click"}


def test_reporter_runs_on_what_its_image_installs_and_tensorflow_is_not_there(tmp_path):
    image = install("reporter", tmp_path)
    seen = image.look("services.reporter")
    assert seen["from"] == str(image.app)
    assert {"matplotlib", "sendgrid", "google.cloud.pubsub"} <= set(seen["present"])
    assert not {"tensorflow", "keras", "sklearn"} & set(seen["present"])


def test_trainer_requirements_can_be_had_as_wheels_with_cuda(tmp_path):
    """The wheels are gigabytes, so they are found and not fetched; nothing is said about whether they see a GPU."""
    uv("venv", "--quiet", "--python", python_of("trainer"), tmp_path / "venv")
    planned = uv(
        "pip",
        "sync",
        "--dry-run",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--python",
        tmp_path / "venv" / "bin" / "python",
        DOCKER / "requirements" / "trainer.txt",
    )
    assert planned.returncode == 0, planned.stderr
    would = set(re.findall(r"^ \+ ([a-z0-9-]+)==", planned.stderr, re.MULTILINE))
    assert {"tensorflow", "nvidia-cudnn-cu12", "nvidia-cublas-cu12", "keras", "google-cloud-pubsub"} <= would
    assert "tensorflow-cpu" not in would


def test_trainer_runs_on_what_its_image_installs_with_the_cpu_build_in_place_of_cuda(tmp_path):
    image = install("trainer", tmp_path, requirements=with_cpu_build(tmp_path))
    seen = image.look("services.trainer")
    assert seen["from"] == str(image.app)
    assert {"tensorflow", "keras", "sklearn", "google.cloud.pubsub"} <= set(seen["present"])
    assert not {"matplotlib", "flask", "sendgrid"} & set(seen["present"])


def test_onebox_wheel_is_built_by_the_locked_back_end_without_a_network(tmp_path):
    """Its requirements are those that these tests run on; here only the wheel is made, as its Dockerfile makes it."""
    source = tmp_path / "source"
    for name in ("shared", "services"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    made = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-cache-dir", "--no-deps", "--no-build-isolation", "--no-index",
         "--wheel-dir", tmp_path / "wheel", source],
        capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "PIP_NO_INPUT": "1"},
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    [wheel] = (tmp_path / "wheel").glob("convtailor-*.whl")
    assert wheel.stat().st_size > 1e6, "the bundled backbone is part of the package"
