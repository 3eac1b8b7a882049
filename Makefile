PYTHON ?= python3
BIN := venv/bin
READY := venv/.ready

.PHONY: lab test figures table1 ablations notebooks format pins clean

# The course, open in JupyterLab.
lab: $(READY)
	$(BIN)/jupyter lab --allow-root --notebook-dir=notebooks notebooks/00_drive_on_ice.ipynb

# Everything: style, unit tests, notebooks, browser.
test: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m pytest

# Every figure and table that the README and the notebooks show.
figures: $(READY)
	$(BIN)/python -m damlite figures

# The paper's Table 1, predicting states and velocities; ARGS="--seeds 2 --quick" for a first look.
ARGS ?= --seeds 20 --predict state velocity
table1: $(READY)
	$(BIN)/python -m damlite table1 $(ARGS)

# What each choice in planning is worth.
ablations: $(READY)
	$(BIN)/python -m damlite ablations

# Run the notebooks from top to bottom and keep what they show.
notebooks: $(READY)
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.store_widget_state=False notebooks/*.ipynb

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv venv
	$(BIN)/python -m pip install --disable-pip-version-check -e ".[lab,test]" -c constraints.txt
	touch $@

clean:
	rm -rf venv build *.egg-info
