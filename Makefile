PYTHON ?= python3
BIN := venv/bin
READY := venv/.ready
LAB := venv/share/damlite
PYTEST := $(BIN)/python -m pytest

.PHONY: lab test coverage portability shuffle panels bench mutants lanes figures report tables table1 particles ladder sensitivity ablations ratios distractors map notebooks format clean

# The course, open in JupyterLab: contents at its side, no word on news. The reader's own settings come on top, own
# workspaces stay as they are, and a port that is taken is passed over. ARGS="--no-browser" and the like for JupyterLab.
lab: $(READY) $(LAB)/settings/overrides.json $(LAB)/workspaces/default-37a8.jupyterlab-workspace
	$(BIN)/jupyter lab --allow-root --LabApp.app_settings_dir=$(abspath $(LAB))/settings \
		--LabApp.workspaces_dir=$(abspath $(LAB))/workspaces --notebook-dir=notebooks $(ARGS) \
		notebooks/00_drive_on_ice.ipynb

# Copied again only when ours is newer: a reader's layout of the course is kept.
$(LAB)/%: lab/%
	mkdir -p $(@D)
	cp $< $@

# Everything: style, unit tests, browser, and every notebook once; three workers, each with whole files: browsers wait.
# One thread each, unless told otherwise: where more threads than cores wait for each other, all takes twice as long.
test coverage: export OMP_NUM_THREADS ?= 1
test: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(PYTEST) -n 3 --dist loadscope --no-loadscope-reorder

# The lines and branches of the package that unit tests reach, without browser and notebooks: 92 % at least.
coverage: $(READY)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist loadscope --no-loadscope-reorder tests \
		--ignore tests/test_browser.py --ignore tests/test_install.py
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# Notebooks and numeric tests as on other processors, in six columns; ARGS="--only 05 --columns default-1" for some.
portability: $(READY)
	$(BIN)/python tests/portability.py $(ARGS)

# Every lesson's cells in random orders, and each twice: no other number than in order. ARGS="--only 05 --orders 3".
shuffle: export OMP_NUM_THREADS = 1
shuffle: $(READY)
	$(BIN)/python tests/shuffle.py $(ARGS)

# 500 random settings over all panels of all lessons; fails if memory grows. ARGS=50 for fewer.
panels: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python tests/panels_at_random.py $(ARGS)

# Once a week: the tests with the oldest versions that pyproject.toml allows and with the newest, in environments of
# their own; ARGS=quick for the oldest in short. Gigabytes, where pip takes a PyTorch for graphics cards.
lanes:
	$(PYTHON) tests/versions.py $(ARGS)

# What costs what, on one thread, beside mbrl-lib: `figures/speed.csv`, for `make report` and `make figures`.
bench: bench-venv/.ready
	OMP_NUM_THREADS=1 bench-venv/bin/python tests/benchmarks/all.py $(ARGS)

bench-venv/.ready: pyproject.toml constraints.txt tests/benchmarks/requirements.txt
	$(PYTHON) -m venv bench-venv
	bench-venv/bin/python -m pip install --disable-pip-version-check -e . -c constraints.txt
	bench-venv/bin/python -m pip install --disable-pip-version-check --no-deps -r tests/benchmarks/requirements.txt
	touch $@

# Would quick tests notice if one thing in the method were another? Hours for all; ARGS="--sample 300" for some.
mutants: mutants-venv/.ready
	OMP_NUM_THREADS=1 mutants-venv/bin/python tests/mutants/run.py $(ARGS)

mutants-venv/.ready: pyproject.toml constraints.txt tests/mutants/requirements.txt
	$(PYTHON) -m venv mutants-venv
	mutants-venv/bin/python -m pip install --disable-pip-version-check -e ".[lab,test]" -c constraints.txt \
		-r tests/mutants/requirements.txt
	touch $@

# Every figure that the README and the notebooks show, from the stored tables.
figures: $(READY)
	$(BIN)/python -m damlite figures

# Every table of numbers in README.md and REPRODUCTION.md, from the stored tables.
report: $(READY)
	$(BIN)/python -m damlite report

# Every stored table anew. What is finished is kept in table1_pieces/, so that all of it goes on where it was stopped,
# and each *_settings.json in figures/ tells the seconds that every piece took.
tables: $(READY)
	@echo "All stored tables: hours on two cores, most of them for sensitivity and ladder. Stop and go on as you like."
	$(MAKE) table1
	$(MAKE) particles
	$(MAKE) ladder
	$(MAKE) sensitivity
	$(MAKE) ablations
	$(MAKE) ratios
	$(MAKE) distractors
	$(MAKE) map

# Table 1 under each recipe, predicting states and velocities; `python -m damlite table1` is for tries, written beside.
table1: $(READY)
	$(BIN)/python -m damlite table1 --seeds 20 --predict state velocity --replace
	$(BIN)/python -m damlite table1 --seeds 20 --predict state velocity --recipe paper --replace
	$(BIN)/python -m damlite table1 --seeds 20 --predict state velocity --recipe paper-trajectory --replace

# Our recipe with 1, 2, 5 and 20 particles.
particles: $(READY)
	$(BIN)/python -m damlite particles --replace

# From the paper's recipe to ours, one choice at a time.
ladder: $(READY)
	$(BIN)/python -m damlite ladder --replace

# What the paper leaves open, one at a time under its recipe.
sensitivity: $(READY)
	$(BIN)/python -m damlite sensitivity --replace

# What each choice in planning is worth: the stored table anew.
ablations: $(READY)
	$(BIN)/python -m damlite ablations --replace

# From no weights to an oracle's, with the same return-weighted models.
ratios: $(READY)
	$(BIN)/python -m damlite ratios --replace

# Is discrimination easier in high dimensions? Minutes.
distractors: $(READY)
	$(BIN)/python -m damlite distractors --replace

# Who wins where, without learning and with fitted models.
map: $(READY)
	$(BIN)/python -m damlite map --episodes 500 --fitted --replace

# Run the notebooks from top to bottom and keep what they show.
notebooks: export OMP_NUM_THREADS = 1
notebooks: $(READY)
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.store_widget_state=False \
		--ExecutePreprocessor.record_timing=False --ExecutePreprocessor.timeout=1200 notebooks/*.ipynb
	$(BIN)/jupyter nbconvert --to notebook --inplace --coalesce-streams notebooks/*.ipynb

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv venv
	$(BIN)/python -m pip install --disable-pip-version-check -e ".[lab,test]" -c constraints.txt
	$(BIN)/python -m compileall -q damlite  # as pip does with all that is not editable
	touch $@

clean:
	rm -rf venv bench-venv mutants-venv lanes build *.egg-info
