# Every target sets up `.venv` first; `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
STUDENTS ?= 2000
SEED ?= 7
DEMO ?= demo
OUT ?= $(DEMO)/out
NAME ?=
CACHE ?=
# Tests run in so many processes; the files of tests are dealt out as wholes.
TEST_WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadscope

.PHONY: help
help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup:  ## Make or refresh .venv from the hash-pinned lock
	@python3 tools/bootstrap.py

.PHONY: run
run: setup  ## Simulate a university, run the whole pipeline, ask the pushed model
	$(BIN)/goalpath simulate --students $(STUDENTS) --seed $(SEED) --out $(DEMO)/data --force
	$(BIN)/goalpath run --data $(DEMO)/data --out $(DEMO)/out
	$(BIN)/goalpath predict --out $(DEMO)/out --any-student
	$(BIN)/goalpath recommend --out $(DEMO)/out --any-student --top-k 5
	$(BIN)/goalpath predict --out $(DEMO)/out --any-student --goal Enrollment

.PHONY: test
test: setup lint types  ## Lint, types and every test
	$(PYTEST)

.PHONY: test-fast
test-fast: setup  ## The tests that need no model and no pipeline
	$(PYTEST) -q -m "not slow and not e2e"

.PHONY: test-debian13
test-debian13:  ## `make test` on the newest TFX line, in a Debian 13 root (needs root)
	@python3 tools/debian13.py -- make test

.PHONY: lint
lint: setup  ## Style and likely mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: setup  ## mypy, strict
	$(BIN)/mypy components datasets pipeline schemas serving trainer benchmarks

.PHONY: format
format: setup  ## Format, and mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: quality-setup
quality-setup: setup  ## The packages that only `make quality` compares with, into .benchmark
	$(BIN)/uv pip install --quiet --target .benchmark --no-deps --require-hashes \
	  --python $(BIN)/python -r requirements/benchmark.txt

.PHONY: quality
quality: quality-setup  ## Measure the last run in OUT against its peers: benchmarks/QUALITY.md
	OMP_WAIT_POLICY=passive PYTHONPATH=.benchmark $(BIN)/python -m benchmarks.quality \
	  --out $(OUT) $(if $(NAME),--name $(NAME)) $(if $(CACHE),--cache $(CACHE))

.PHONY: golden
golden: setup  ## Write the compiled pipeline that tests compare with anew
	$(BIN)/python -m tests.pipeline.kubeflow.golden

.PHONY: lock
lock: setup  ## Resolve the dependencies anew
	$(BIN)/uv pip compile --quiet --upgrade setup.py requirements/py310-tfx1.16.in \
	  --extra kubeflow --extra postgres --extra test --extra lint --python-version 3.10 --python $(BIN)/python \
	  --generate-hashes --no-annotate --no-emit-index-url \
	  --custom-compile-command "make lock" --output-file requirements/py310-tfx1.16.txt
	$(BIN)/uv pip compile --quiet --upgrade setup.py requirements/py311-tfx1.21.in --universal \
	  --extra kubeflow --extra postgres --extra test --extra lint --python-version 3.11 \
	  --generate-hashes --no-annotate --no-emit-index-url \
	  --custom-compile-command "make lock" --output-file requirements/py311-tfx1.21.txt
	$(BIN)/uv pip compile --quiet --upgrade requirements/bootstrap.in --universal \
	  --python-version 3.10 --generate-hashes --no-annotate --no-emit-index-url \
	  --custom-compile-command "make lock" --output-file requirements/bootstrap.txt
	$(BIN)/uv pip compile --quiet --upgrade requirements/benchmark.in --no-deps \
	  --python-version 3.10 --python $(BIN)/python --generate-hashes --no-annotate \
	  --no-emit-index-url --custom-compile-command "make lock" \
	  --output-file requirements/benchmark.txt
	$(BIN)/uv pip compile --quiet --upgrade setup.py requirements/py310-tfx1.16.in \
	  --extra kubeflow --extra postgres --constraints requirements/py310-tfx1.16.txt --python-version 3.10 \
	  --python $(BIN)/python --generate-hashes --no-annotate --no-emit-index-url \
	  --custom-compile-command "make lock" --output-file requirements/image.txt
	$(BIN)/uv pip compile --quiet --upgrade requirements/kfp-local.in --universal \
	  --python-version 3.10 --generate-hashes --no-annotate --no-emit-index-url \
	  --custom-compile-command "make lock" --output-file requirements/kfp-local.txt

.PHONY: clean
clean:  ## Remove the environment, the demo and caches
	rm -rf .venv .benchmark $(DEMO) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info build
