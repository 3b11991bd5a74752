"""``make lock-bases`` pins every base image by what the registry answers, and may be run again."""

import os
import re
import shutil
import subprocess

import pytest

from tests.infra import dockerfile
from tests.infra.machine import ROOT

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
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        for path in (tmp_path / "infra" / "docker").glob("*.Dockerfile"):
            text = path.read_text(encoding="utf-8")
            bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
            assert all(base.endswith(f"@sha256:{digest}") and base.count("@") == 1 for base in bases), bases
            assert "base pinned" not in dockerfile.faults(text)
