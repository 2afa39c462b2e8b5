# The course's few verbs. `make lab` and `make test` make their environment themselves.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help lab read test style faces units references test-oldest build site clean
.DELETE_ON_ERROR:

PYTHON =
GIGABYTES := $(if $(filter Linux,$(shell uname)),12,3)
OLDEST_TORCH = $(shell sed -n 's/^torch>=\([0-9.]*\).*/\1/p' requirements.txt)
export JUPYTER_PREFER_ENV_PATH = 1

help:
	@echo "make lab           open the course in JupyterLab (ARGS=--no-browser prints the address instead)"
	@echo "make read          show the course with answers and figures as a site, at an address of this machine alone"
	@echo "make test          run every test: make style, faces (the notebooks are as built), units, references"
	@echo "make test-oldest   run the tests of tasks and checks on the oldest torch that the course supports"
	@echo "make build         make the notebooks from their sources (NN=05 for one of them)"
	@echo "make site          make that site in site/ (ARGS=--epub makes an electronic book)"
	@echo "make clean         remove the environments and what the tests left"

lab: .venv/ready
	@.venv/bin/python -m course_utils.data
	@find solutions notebooks -maxdepth 1 -name '*.ipynb' -exec .venv/bin/python -m jupyter trust {} + >/dev/null 2>&1 || true
	@.venv/bin/python -m jupyter lab --LabApp.default_url=/lab/tree/notebooks --log-level=ERROR \
	  $$([ "$$(id -u)" -ne 0 ] || echo --allow-root) $(ARGS)

read: .venv/ready
	@.venv/bin/course site --serve $(NN) $(ARGS)

test: style faces units references

style: .venv/ready
	@.venv/bin/python -m ruff check .

faces: .venv/ready
	@.venv/bin/course build --check

# Two processes of one thread each, as the references were executed. What one process runs is a group: all tests of a
# notebook, or else of a file (tests/conftest.py); the slow groups come first.
units references test-oldest: export OMP_NUM_THREADS = 1
units: .venv/ready
	@.venv/bin/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder $(ARGS)

references: .venv/ready
	@COURSE_RECORD=1 PYTHONHASHSEED=0 .venv/bin/python -m pytest -n 2 --dist loadfile --nbval --nbval-current-env \
	  --nbval-sanitize-with tests/nbval_sanitize.cfg solutions

test-oldest: .venv-oldest/ready
	@.venv-oldest/bin/python -m pytest -n 2 --dist loadgroup $(wildcard tests/test_tasks.py tests/test_check.py) $(ARGS)

build: .venv/ready
	@.venv/bin/course build $(NN)

site: .venv/ready
	@.venv/bin/course site $(NN) $(ARGS)

clean:
	rm -rf .venv .venv-oldest .pytest_cache .ruff_cache build site screenshots

# An environment is made anew when it is missing, was left unfinished or has lost its Python; pip brings it up to date
# when requirements.txt or pyproject.toml changed or the folder was moved. `ready` holds the folder and is written last.
define make_environment
	@other=$$(cat $(@D)/unfinished 2>/dev/null); \
	if [ "$${other:-0}" -gt 0 ] && [ "$$other" -ne $$PPID ] && kill -0 "$$other" 2>/dev/null; then \
	  echo "Process $$other is installing into $(@D) already: wait for it, or delete that folder when it is something else." >&2; \
	  exit 1; fi
	@if [ -e $(@D)/unfinished ] || ! $(@D)/bin/python -c '$(SUPPORTED)' 2>/dev/null; then \
	  python=; for p in $(PYTHON) $(if $(PYTHON),,python3.13 python3.12 python3.11 python3 python); do \
	    if "$$p" -c '$(SUPPORTED)' 2>/dev/null; then python=$$p; break; fi; done; \
	  if [ -z "$$python" ]; then \
	    echo "The course needs Python 3.11, 3.12 or 3.13 with its venv module (on Debian and Ubuntu: apt install" \
	      "python3-venv); name one by PYTHON=/path/to/python when it is not on your PATH." >&2; exit 1; fi; \
	  free=$$(df -Pk . | awk 'NR == 2 { print int($$4 / 1000000) }'); \
	  if [ "$$free" -lt $(GIGABYTES) ]; then \
	    echo "The first installation needs about $(GIGABYTES) GB of disk, and only $$free GB are free here." >&2; exit 1; fi; \
	  rm -rf $(@D) && mkdir $(@D) && echo $$PPID > $(@D)/unfinished && "$$python" -m venv $(@D); \
	fi
	@$(@D)/bin/python -m pip install --quiet 'setuptools>=70.1'
endef
QUIET = $(if $(wildcard $@),--quiet)
SUPPORTED = import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

define environment_made
	@rm -f $(@D)/unfinished && printf '%s\n' "$(CURDIR)" > $@
endef

# A student's lab asks nothing about news and shows no instructor's panels (nbgrader's commands work all the same).
UNWANTED = @jupyterlab/apputils-extension:announcements @jupyter/nbgrader
UNWANTED_IN_SERVER = $(addprefix nbgrader.server_extensions.,formgrader validate_assignment assignment_list course_list)

.venv/ready: requirements.txt pyproject.toml
	$(make_environment)
	@.venv/bin/python -m pip install $(QUIET) -r requirements.txt --no-build-isolation -e .
	@.venv/bin/python -m jupyter labextension disable $(UNWANTED) >/dev/null 2>&1
	@.venv/bin/python -m jupyter server extension disable --sys-prefix $(UNWANTED_IN_SERVER) >/dev/null 2>&1
	$(environment_made)

.venv-oldest/ready: requirements.txt pyproject.toml
	$(make_environment)
	@.venv-oldest/bin/python -m pip install $(QUIET) -r requirements.txt --no-build-isolation -e . 'torch==$(OLDEST_TORCH).*'
	$(environment_made)

# Made by hand, moved with the folder, or without its Python: not ready.
is_ready = $(shell $(1)/bin/python -IS -c 'open("$(1)/ready").read().strip() == "$(CURDIR)" and print("yes")' 2>/dev/null)
.PHONY: $(foreach folder,.venv .venv-oldest,$(if $(call is_ready,$(folder)),,$(folder)/ready))
