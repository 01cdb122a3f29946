# The commands of this project; `make` alone lists them.
#
# Each sets up its own environment in .venv first, and again when a source file has changed. The package is
# installed as users get it, not as a link to this folder, so that a file missing from the package is noticed
# here.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := pyproject.toml README.md LICENSE $(shell find tinygrad_cnn backends tutorials -type f -not -name '*.pyc')

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check tutorials bench clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

demo: $(VENV)/demo.stamp ## train LeNet-5 on the embedded images and draw what it learned
	$(BIN)/tinygrad-cnn train

PYTEST := OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal --doctest-modules \
	--pyargs tinygrad_cnn tinygrad_cnn_backends tests

test: check ## format, lint, types, imports, tests, examples in docstrings
	$(PYTEST)

test-all: $(VENV)/parity.stamp check ## the same, and every function compared with PyTorch (a large download)
	$(PYTEST)

# The type checker looks at the installed package, hence from a folder where there is no other.
check: $(VENV)/test.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	cd $(VENV) && bin/mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache \
		-p tinygrad_cnn -p tinygrad_cnn_backends

tutorials: $(VENV)/test.stamp ## execute the lessons and write their notebooks
	$(BIN)/python scripts/build_tutorials.py

bench: ## speed and memory beside PyTorch and other frameworks, in an environment of its own
	$(PYTHON) benchmarks/environment.py
	benchmarks/.venv/bin/python benchmarks/compare.py

clean: ## remove what the commands above have made, except runs/
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find tinygrad_cnn backends tests benchmarks scripts -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/demo.stamp: EXTRAS := viz
$(VENV)/test.stamp: EXTRAS := metrics,tensorboard,viz,dev
$(VENV)/parity.stamp: EXTRAS := metrics,tensorboard,viz,dev,parity
$(VENV)/%.stamp: $(SOURCES) | $(BIN)/python
	@echo "installing tinygrad-cnn[$(EXTRAS)] into $(VENV)"
	@rm -rf build  # what an earlier build left there would be packed again
	$(PIP) install '.[$(EXTRAS)]'
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }  # half of one would be taken for a whole
