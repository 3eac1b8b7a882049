PYTHON ?= python3
BIN := venv/bin
READY := venv/.ready
PYTEST := $(BIN)/python -m pytest

.PHONY: lab test portability figures table1 ablations notebooks format clean

# The course, open in JupyterLab.
lab: $(READY)
	$(BIN)/jupyter lab --allow-root --notebook-dir=notebooks notebooks/00_drive_on_ice.ipynb

# Everything: style, unit tests, browser, and every notebook once; two workers, each with whole files.
test: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(PYTEST) -n 2 --dist loadscope --no-loadscope-reorder

# Notebooks and numeric tests as on other processors, in six columns; ARGS="--only 05 --columns default-1" for some.
portability: $(READY)
	$(BIN)/python tests/portability.py $(ARGS)

# Every figure that the README and the notebooks show, from the stored tables.
figures: $(READY)
	$(BIN)/python -m damlite figures

# The stored Table 1 anew, predicting states and velocities; `python -m damlite table1` is for tries and writes beside.
table1: $(READY)
	$(BIN)/python -m damlite table1 --seeds 20 --predict state velocity --replace

# What each choice in planning is worth: the stored table anew.
ablations: $(READY)
	$(BIN)/python -m damlite ablations --replace

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
	touch $@

clean:
	rm -rf venv build *.egg-info
