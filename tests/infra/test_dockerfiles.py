"""The images: built by the rules, of the locked versions, each with its own service and nothing else."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.infra import dockerfile

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "infra" / "docker"
IMAGES = ("intake", "onebox", "reporter", "trainer")
GOOD = (DOCKER / "intake.Dockerfile").read_text(encoding="utf-8")
BASE = re.search(r"FROM (\S+)", GOOD)[1]


def text_of(image: str) -> str:
    return (DOCKER / f"{image}.Dockerfile").read_text(encoding="utf-8")


def pins(path: Path) -> dict[str, set[tuple[str, str]]]:
    """Return name → (version, hashes) of a requirements file; a name may have a version for each range of Python."""
    found: dict[str, set[tuple[str, str]]] = {}
    for entry in re.split(r"\n(?=\S)", path.read_text(encoding="utf-8").strip()):
        name, version = re.match(r"([a-z0-9-]+)==([^ ]+)", entry).groups()
        found.setdefault(name, set()).add((version, " ".join(sorted(re.findall(r"sha256:\w+", entry)))))
    return found


def test_every_image_has_its_dockerfile():
    assert sorted(path.name for path in DOCKER.glob("*Dockerfile")) == [f"{image}.Dockerfile" for image in IMAGES]


@pytest.mark.parametrize("image", IMAGES)
def test_dockerfile_keeps_every_rule(image):
    assert dockerfile.faults(text_of(image)) == set()


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("base pinned", BASE, "python:latest"),
        ("base pinned", BASE, "python:3.11-slim-bookworm"),
        ("base pinned", BASE, "python"),
        ("base pinned", BASE, BASE.split("@")[0]),
        ("multi-stage", "COPY --from=builder /opt/venv /opt/venv\n", "COPY shared/ /opt/venv/\n"),
        ("not root", "USER 10001:10001\n", ""),
        ("not root", "USER 10001:10001\n", "USER 0:0\n"),
        ("not root", "USER 10001:10001\n", "USER root\n"),
        ("not root", "\nCMD", "\nUSER root\nCMD"),
        ("not root", "\nCMD", "\nRUN id\nCMD"),
        ("exec form", 'CMD ["python", "-m", "services.intake"]', "CMD python -m services.intake"),
        ("exec form", 'CMD ["python", "-m", "services.intake"]', ""),
        ("no ADD", "COPY shared/ /app/shared/", "ADD shared/ /app/shared/"),
        ("no package lists", "WORKDIR /app", "RUN apt-get update && apt-get install -y gcc"),
        ("no secret", "WORKDIR /app", "ENV CONVTAILOR_SENDGRID_KEY=SG.x"),
        ("no secret", "WORKDIR /app", "ARG SMTP_PASSWORD"),
        ("little copied", "COPY shared/ /app/shared/", "COPY . /app/"),
        ("little copied", "COPY shared/ /app/shared/", "COPY ./ /app/"),
        ("little copied", "COPY shared/ /app/shared/", "COPY tests/ /app/tests/"),
        ("hashes", " --require-hashes", ""),
        ("hashes", "WORKDIR /app", "RUN pip install gunicorn"),
        ("no index", "--require-hashes", "--require-hashes --index-url=https://pypi.example.org/simple"),
        ("unbuffered", "PYTHONUNBUFFERED=1", "PYTHONUNBUFFERED="),
    ],
)
def test_each_rule_finds_the_fault_it_is_for(rule, old, new):
    bad = GOOD.replace(old, new)
    assert bad != GOOD
    assert rule in dockerfile.faults(bad)


@pytest.mark.parametrize("image", ["intake", "reporter", "trainer"])
def test_image_holds_its_own_service_and_starts_it(image):
    last = dockerfile.stages(dockerfile.parse(text_of(image)))[-1]
    copied = {each.words.split()[0] for each in dockerfile.named(last, "COPY")}
    assert copied == {"--from=builder", "shared/", "services/__init__.py", f"services/{image}/"}
    [command] = dockerfile.named(last, "CMD")
    assert command.exec_form == ["python", "-m", f"services.{image}"]
    assert not dockerfile.named(last, "HEALTHCHECK"), "Cloud Run and the worker's systemd do not read it"


def test_onebox_keeps_its_data_in_a_volume_and_says_whether_it_is_well():
    last = dockerfile.stages(dockerfile.parse(text_of("onebox")))[-1]
    [volume] = dockerfile.named(last, "VOLUME")
    [command] = dockerfile.named(last, "CMD")
    assert command.exec_form == ["convtailor", "serve", "--host", "0.0.0.0", "--data", *volume.exec_form]
    assert dockerfile.named(last, "HEALTHCHECK")


@pytest.mark.parametrize("image", IMAGES)
def test_image_installs_its_own_requirements_on_a_python_that_the_lock_is_for(image):
    text = text_of(image)
    assert {f"infra/docker/requirements/{image}.txt"} <= set(re.findall(r"infra/docker/requirements/\S+\.txt", text))
    locked_for = re.search(r"--python-version (\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"))[1]
    [version] = dockerfile.python_versions(text)
    assert version == ("3.12" if image == "trainer" else locked_for), "the lock is universal, from its version on"


def test_trainer_stands_on_a_cuda_base():
    bases = [each.words.split()[0] for each in dockerfile.named(dockerfile.parse(text_of("trainer")), "FROM")]
    assert len(set(bases)) == 1
    assert bases[0].startswith("nvidia/cuda:12.")


@pytest.mark.parametrize("image", [*IMAGES, "build"])
def test_image_gets_the_locked_versions(image):
    locked, own = pins(ROOT / "requirements.lock"), pins(DOCKER / "requirements" / f"{image}.txt")
    cuda = {name for name in own if name.startswith("nvidia-")}
    assert bool(cuda) is (image == "trainer")
    for name, versions in own.items():
        if name not in cuda:
            assert versions <= locked[name], "run: make lock-images"


def test_both_builds_of_tensorflow_are_of_one_version_and_never_in_one_image():
    trainer, onebox = (pins(DOCKER / "requirements" / f"{image}.txt") for image in ("trainer", "onebox"))
    version = {version for version, _ in trainer["tensorflow"]}
    assert version == {version for version, _ in onebox["tensorflow-cpu"]}
    assert "tensorflow-cpu" not in trainer


@pytest.mark.parametrize(
    ("image", "absent"),
    [
        ("intake", {"tensorflow", "tensorflow-cpu", "keras", "matplotlib", "sendgrid", "numpy"}),
        ("reporter", {"tensorflow", "tensorflow-cpu", "keras", "scikit-learn"}),
        ("trainer", {"flask", "gunicorn", "matplotlib", "sendgrid", "pytest"}),
        ("onebox", {"google-cloud-pubsub", "pytest", "ruff"}),
    ],
)
def test_image_is_free_of_what_others_need(image, absent):
    assert absent & set(pins(DOCKER / "requirements" / f"{image}.txt")) == set()


@pytest.mark.parametrize("image", IMAGES)
def test_image_has_everything_that_its_extras_name(image):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = re.search(rf"^EXTRAS_{image} := (.+)$", makefile, re.MULTILINE)[1].split()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted, queue = set(), [*project["dependencies"]]
    queue += [need for extra in extras for need in project["optional-dependencies"][extra]]
    while queue:
        name, inner = re.match(r"([A-Za-z0-9-]+)(?:\[([^\]]+)\])?", queue.pop()).groups()
        if name == "convtailor":
            queue += [need for extra in inner.split(",") for need in project["optional-dependencies"][extra]]
        else:
            wanted.add(name.lower())
    assert wanted <= set(pins(DOCKER / "requirements" / f"{image}.txt")), "run: make lock-images"


def test_no_file_of_the_images_names_a_registry_of_packages():
    for path in [*DOCKER.rglob("*.txt"), *DOCKER.glob("*Dockerfile")]:
        text = path.read_text(encoding="utf-8")
        # Addresses of this machine are no registry.
        assert not re.search(r"(index-url|find-links|https?://(?!127\.0\.0\.1|\$\(hostname\)))", text), path


def test_only_sources_and_requirements_are_sent_to_the_builder():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    copied = {
        word
        for image in IMAGES
        for copy in dockerfile.named(dockerfile.parse(text_of(image)), "COPY")
        if "--from=" not in copy.words
        for word in copy.words.split()[:-1]
    }
    allowed = [rule[1:] for rule in rules if rule.startswith("!")]
    assert all(word.startswith(tuple(allowed)) for word in copied)
    assert not set(allowed) & {"tests", "docs", "benchmarks", ".venv", ".git"}


def test_cloud_build_makes_the_images_that_run_on_google_cloud():
    config = (DOCKER / "cloudbuild.yaml").read_text(encoding="utf-8")
    built = re.findall(r'--file=infra/docker/(\w+)\.Dockerfile, "--tag=\$\{_REGISTRY\}/(\w+):\$\{_RELEASE\}"', config)
    pushed = re.findall(r"^  - \$\{_REGISTRY\}/(\w+):\$\{_RELEASE\}$", config, re.MULTILINE)
    assert built == [(image, image) for image in pushed]
    assert sorted(pushed) == ["intake", "reporter", "trainer"]
