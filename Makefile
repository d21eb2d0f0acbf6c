# Two commands do everything: `make book` and `make test`. `make help` lists the rest.

VENV ?= .venv
PORT ?= 8000
RUN := $(VENV)/bin/python -m

# Python is chosen by tools/venv.sh unless it is named here: make book PYTHON=python3.12
PYTHON ?=

# Lessons run in an environment of their own (tools/run/environment.py). For what reads and tests them: one thread, this
# environment's kernel, assertions that hold, and modules from nowhere else.
export OMP_NUM_THREADS ?= 1
export JUPYTER_PREFER_ENV_PATH := 1
export PYTHONDONTWRITEBYTECODE ?= 1
unexport PYTHONOPTIMIZE PYTHONPATH PYTHONSTARTUP

.DEFAULT_GOAL := help
# Two targets at once would install into one environment, or build into one folder.
.NOTPARALLEL:
.PHONY: help book test check lesson notebooks figures student mutants sabotage matrix status diff-outputs repeat lock serve \
	clean book-env test-env

help: ## print these targets
	@echo "make TARGET [NB=05, a lesson] [Q=45, a question] [PYTHON=python3.12]"
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 14 | sed 's/^/  /'

book: book-env ## build the site in _build/html from the stored outputs
	@$(RUN) tools.site.build

test: test-env ## check everything: style, rules, site, exercises, parity, every cell's output
	@$(RUN) tools.run.suite

check: test-env ## check one lesson: style, rules, cells, exercises, parity, its page (NB=05; FAST=1 runs no cell)
	@$(RUN) tools.run.check $(if $(FAST),--fast) $(NB)

lesson: book-env ## write what a new lesson takes, as stubs that say what is missing (NB=04)
	@$(RUN) tools.lesson.new $(NB)

notebooks: book-env ## run the lessons and store their outputs (NB=05 for one)
	@$(RUN) tools.run.notebooks $(NB)

figures: book-env ## draw the vector figures of book/figures with the lessons' own functions (NB=)
	@$(RUN) tools.run.figures $(NB)

student: book-env ## write the student notebooks (exercises without solutions) to _build/student (NB=)
	@$(RUN) tools.lesson.student $(NB)

mutants: test-env ## break each lesson in every known way and see its questions fail (NB=, Q=)
	@$(RUN) tests.mutants.runner $(if $(Q),--question $(Q)) $(NB)

sabotage: test-env ## break random lines of a lesson and see whether anything notices (NB=05, COUNT=10, SEED=0)
	@$(RUN) tests.mutants.sabotage $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(NB)

matrix: test-env ## every output under other Pythons, versions, threads and CPUs (LEG=colab, NB=)
	@$(RUN) tools.matrix $(if $(LEG),--leg $(LEG)) $(NB)

status: book-env ## write the page of what the matrix found, for the lessons as they are now
	@$(RUN) tools.matrix --page

diff-outputs: book-env ## run the lessons and show what they print otherwise than stored (NB=, LEG=)
	@$(RUN) $(if $(LEG),tools.matrix.diff --leg $(LEG),tools.run.diff_outputs) $(NB)

repeat: test-env ## run each lesson five times on a busy machine, and store it twice (NB=, SEED=)
	@$(RUN) tools.run.repeat $(if $(SEED),--seed $(SEED)) $(NB)

lock: ## write constraints.txt and the locks with hashes from the lists of requirements (UPGRADE=1: the newest)
	@sh tools/lock.sh $(if $(UPGRADE),upgrade)

serve: book ## build, then show the site at http://127.0.0.1:8000 (PORT=8001 for another)
	@$(RUN) http.server --bind 127.0.0.1 --directory _build/html $(PORT)

clean: ## remove what was built; the environments in .venv and .matrix stay
	@rm -rf _build .pytest_cache .ruff_cache

book-env:
	@sh tools/venv.sh $(VENV) book "$(PYTHON)"

test-env:
	@sh tools/venv.sh $(VENV) test "$(PYTHON)"
