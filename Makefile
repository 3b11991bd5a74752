# Everything starts here: `make demo` shows convtailor at work, `make test` proves it. Both install what they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# TensorFlow has wheels for Python 3.11 to 3.13; the first of these found is used. Override: make demo PYTHON=/path/to/python
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& echo "$$python" && break; done)
export TF_CPP_MIN_LOG_LEVEL ?= 3

# What each image of infra/docker installs: extras of pyproject.toml, at the versions of requirements.lock.
IMAGES := intake reporter trainer onebox
EXTRAS_intake := gcp intake
EXTRAS_reporter := gcp reporter
EXTRAS_trainer := gcp gpu
EXTRAS_onebox := intake trainer reporter client
EXPORT := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: help demo test test-fast family compat mutants soak lint check format bench docs lock lock-images lock-bases check-bases images machine-image smoke clean

help:  ## Show this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 12

$(VENV)/.installed: requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "convtailor needs Python 3.11, 3.12 or 3.13 with the venv module (Debian, Ubuntu: apt install python3-venv)." \
		"Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; fi
	@echo "Installing convtailor and its locked dependencies into $(VENV) (once; TensorFlow is a large download) ..." >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/.installed  ## Run the whole service on handwritten digits, offline, and show the result.
	@$(BIN)/convtailor demo

# PYTEST_ARGS=-n0 runs them one after another, for --pdb and its like.
test: $(VENV)/.installed  ## Run every test, several at a time.
	@$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

test-fast: $(VENV)/.installed  ## Run the tests that need no TensorFlow and no processes.
	@$(BIN)/python -m pytest -n auto tests/unit tests/contract $(PYTEST_ARGS)

family: $(VENV)/.installed  ## Hold every row of the catalogue against its network, not one of each family alone.
	@$(BIN)/python -m pytest -n auto -m "family or not family" tests/keras/test_levels.py -k as_stated $(PYTEST_ARGS)

compat: $(VENV)/.installed  ## Load delivered networks in Keras 3.9 to 3.14 and in each other runtime alone, fetched once from the package registry.
	@$(BIN)/python -m pytest -m compat tests/compat $(PYTEST_ARGS)

lint: $(VENV)/.installed  ## Check style, formatting, types and the arrows between modules.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check: lint test  ## Everything a change must pass.

format: $(VENV)/.installed  ## Format the code and mend what can be mended.
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

bench: $(VENV)/.installed  ## Measure every number in docs/benchmarks.md and write that page.
	@$(BIN)/python -m benchmarks

soak: $(VENV)/.installed  ## Sixty small jobs while every process is killed, stopped, filled and locked (docs/testing.md).
	@$(BIN)/python -m benchmarks soak $(SOAK_ARGS)

mutants: $(VENV)/.installed  ## Ask the fast tests whether they would notice mistakes in the pure modules (docs/testing.md).
	@$(BIN)/python -m tools.mutants $(MUTANTS_ARGS)

docs: $(VENV)/.installed  ## Regenerate the pages of docs/ that are made from the code.
	@$(BIN)/python -m tools.settings_page
	@$(BIN)/python -m tools.cli_page
	@$(BIN)/python -m tools.sizes_page
	@$(BIN)/python -m tools.result_schema > docs/result.schema.json
	@$(BIN)/python -m tools.verdict_page

lock: $(VENV)/.installed  ## Pin the newest versions that pyproject.toml allows, with hashes.
	@$(BIN)/$(EXPORT) --extra all --group dev --upgrade pyproject.toml --output-file requirements.lock
	@$(MAKE) --no-print-directory lock-images UPGRADE=--upgrade

# The lock has TensorFlow's CPU build for x86-64 Linux; its CUDA build is held to the same version.
lock-images: $(VENV)/.installed  ## Derive from the lock what each image of infra/docker installs.
	@constraints=$$(mktemp); trap 'rm -f "$$constraints"' EXIT; \
	sed -nE 's/^tensorflow-cpu(==[^ ;]+).*/tensorflow\1/p' requirements.lock > "$$constraints"; \
	$(foreach image,$(IMAGES),$(BIN)/$(EXPORT) $(UPGRADE) --constraint requirements.lock --constraint "$$constraints" \
		$(addprefix --extra ,$(EXTRAS_$(image))) pyproject.toml --output-file infra/docker/requirements/$(image).txt;) \
	$(BIN)/$(EXPORT) --constraint requirements.lock --group pyproject.toml:build \
		--output-file infra/docker/requirements/build.txt

# A tag can be moved by whoever owns it, a digest cannot. Needs Docker's command line with buildx, and the registries.
lock-bases:  ## Pin the base images of infra/docker by the digests that their tags stand for today.
	@for base in $$(sed -nE 's/^FROM ([^ @]+:[^ @]+)(@sha256:[0-9a-f]+)?( .*)?$$/\1/p' infra/docker/*.Dockerfile | sort -u); do \
		digest=$$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$$base"); \
		sed -i -E "s|^FROM $$base(@sha256:[0-9a-f]+)?|FROM $$base@$$digest|" infra/docker/*.Dockerfile; \
		echo "$$base@$$digest"; \
	done

# What a tag stands for can change between two builds of one release.
check-bases:  ## Refuse base images that no digest pins; BASES=tags takes them all the same.
	@open="$$(grep -nE '^FROM [^ @]+( |$$)' infra/docker/*.Dockerfile || true)"; \
	if [ -n "$$open" ] && [ "$(BASES)" != tags ]; then \
		printf '%s\n' "These base images are named by tags, which their owners can move:" "$$open" \
			"Pin them with: make lock-bases, and commit that. To build all the same: make images BASES=tags …" >&2; exit 1; \
	fi

images: check-bases  ## Build the images of Google Cloud there: make images REGISTRY=… RELEASE=… (docs/operations.md).
	@gcloud builds submit --config infra/docker/cloudbuild.yaml --substitutions "_REGISTRY=$(REGISTRY),_RELEASE=$(RELEASE)" .

# PROJECT=… ZONE=… REGISTRY=… RELEASE=…, and GPUS=0 for trainers without; the others are told of in infra/image/build.sh.
machine-image:  ## Build the boot image of the trainers' machines on Google Cloud (docs/operations.md).
	@PROJECT="$(PROJECT)" ZONE="$(ZONE)" REGISTRY="$(REGISTRY)" RELEASE="$(RELEASE)" $(if $(GPUS),GPUS="$(GPUS)") \
		$(if $(PREFIX),PREFIX="$(PREFIX)") $(if $(ADDRESS),ADDRESS="$(ADDRESS)") infra/image/build.sh

smoke: $(VENV)/.installed  ## Send a small job to a deployed service and wait for its end: make smoke URL=… EMAIL=….
	@$(BIN)/python -m tools.smoke "$(URL)" "$(EMAIL)"

clean:  ## Remove what was installed and built.
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
