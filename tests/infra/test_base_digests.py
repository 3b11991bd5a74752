"""``make lock-bases`` pins every base image by what the registry answers, and may be run again."""

import os
import re
import shutil
import subprocess

import pytest

from tests.infra import dockerfile
from tests.infra.machine import ROOT
from tests.waiting import PATIENCE_S

DIGESTS = ("a" * 64, "b" * 64)


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_every_base_image_is_pinned_by_its_digest_and_again_by_a_newer_one(tmp_path):
    shutil.copytree(ROOT / "infra" / "docker", tmp_path / "infra" / "docker")
    shutil.copy(ROOT / "Makefile", tmp_path)
    for digest in DIGESTS:
        docker = tmp_path / "bin" / "docker"
        docker.parent.mkdir(exist_ok=True)
        docker.write_text(f'#!/bin/bash\n[[ "$*" == "buildx imagetools inspect "* ]] && echo sha256:{digest}\n')
        docker.chmod(0o755)
        environ = {**os.environ, "PATH": f"{docker.parent}:{os.environ['PATH']}"}
        command = ["make", "--no-print-directory", "lock-bases"]
        done = subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == 0, done.stderr
        for path in (tmp_path / "infra" / "docker").glob("*.Dockerfile"):
            text = path.read_text(encoding="utf-8")
            bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
            assert all(base.endswith(f"@sha256:{digest}") and base.count("@") == 1 for base in bases), bases
            assert "base pinned" not in dockerfile.faults(text)


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_images_are_built_of_bases_that_a_digest_pins_unless_told_otherwise(tmp_path):
    shutil.copytree(ROOT / "infra" / "docker", tmp_path / "infra" / "docker")
    shutil.copy(ROOT / "Makefile", tmp_path)
    gcloud = tmp_path / "bin" / "gcloud"
    gcloud.parent.mkdir()
    gcloud.write_text(f'#!/bin/bash\necho "$*" >>{tmp_path}/built\n')
    gcloud.chmod(0o755)
    environ = {**os.environ, "PATH": f"{gcloud.parent}:{os.environ['PATH']}"}

    def build(*words: str) -> subprocess.CompletedProcess:
        command = ["make", "--no-print-directory", "images", "REGISTRY=r", "RELEASE=1", *words]
        return subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    files = sorted((tmp_path / "infra" / "docker").glob("*.Dockerfile"))
    pinned = files[0].read_text(encoding="utf-8")
    files[0].write_text(re.sub(r"^(FROM [^ @\n]+)@\S+", r"\1", pinned, flags=re.MULTILINE), encoding="utf-8")
    refused = build()
    assert refused.returncode != 0
    assert not (tmp_path / "built").exists()
    assert files[0].name in refused.stderr
    assert files[1].name not in refused.stderr
    assert "make lock-bases" in refused.stderr
    assert build("BASES=tags").returncode == 0
    (tmp_path / "built").unlink()
    files[0].write_text(pinned, encoding="utf-8")
    assert build().returncode == 0
    assert (tmp_path / "built").exists()
