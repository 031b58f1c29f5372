# `make` lists what there is. It needs Python 3.11 or newer and nothing else; all goes into .venv, build and results.

# The first of these that is 3.11 or newer (a pyenv shim may exist and not run, so it is asked, not looked up).
PYTHON ?= $(shell for python in python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
CORES ?= all
WORKERS ?= logical
PYTEST_ARGS ?=

# Rules call `dropnorm` by name, so the environment comes first in the PATH of what runs in it. Not exported for all
# recipes: $(PYTHON), which creates the environment, must not be found inside it.
IN_VENV := PATH="$(CURDIR)/.venv/bin:$$PATH"

# Snakemake runs one job a core: more threads in a job would only fight over cores, and change the last bits of a result.
export OMP_NUM_THREADS := 1

.DEFAULT_GOAL := help
.PHONY: help demo test book clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*##/  make \1\t/p' $(MAKEFILE_LIST)
	@echo
	@echo "  CORES=4                 cores for the demo (default: all)"
	@echo "  PYTHON=/path/to/python  the Python that .venv is made from"
	@echo "  WORKERS=4               processes for the tests (default: one a core)"
	@echo "  PYTEST_ARGS='-x -k ...' options for pytest"

demo: .venv/installed  ## the whole pipeline on bundled 8x8 digits, to a finished book (minutes, no download)
	$(IN_VENV) snakemake --cores $(CORES) --config scale=smoke
	@echo
	@echo "The book is at $(CURDIR)/build/book/smoke/html/index.html"
	@echo "Open that file in a browser, or serve it and open http://localhost:8000:"
	@echo "  .venv/bin/python -m http.server --directory build/book/smoke/html 8000"

test: .venv/installed  ## all tests
	$(IN_VENV) python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder $(PYTEST_ARGS)

book: .venv/installed  ## the book from the committed results in published/, into build/book/published/html
	$(IN_VENV) snakemake --cores 1 book --config source=published

clean:  ## remove built books, the demo's results and caches; other results, downloaded data and .venv stay
	rm -rf build results/smoke .pytest_cache .ruff_cache .hypothesis

# The stamp is written last: an interrupted or failed install is taken up again by the next call.
.venv/installed: pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "dropnorm needs Python 3.11 or newer; install it, or name it: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot create environments; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing into .venv, once: some 2 GB (more where torch comes with CUDA), one or two minutes on a fast connection ..."
	@"$(PYTHON)" -m venv .venv
	.venv/bin/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[all]"
	@touch $@
