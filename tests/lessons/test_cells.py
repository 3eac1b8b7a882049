"""No order of a lesson's cells shows other numbers: told from their source, and tried on a few small cells."""

import json
from pathlib import Path

import pytest
from cells import hazards

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
MODULES = "import damlite as dl\nimport torch"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_order_of_its_cells_shows_another_number(path):
    """`make shuffle` runs them in random orders."""
    cells = json.loads(path.read_text())["cells"]
    assert not hazards(["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"])


@pytest.mark.parametrize(
    ("sources", "name"),
    [
        (["x = 1", "print(x)", "x = 2"], "x"),
        (["x = 1", "x = x + 1"], "x"),
        (["x = 1", "x += 1"], "x"),
        (["x = [1]", "x[0] = 2"], "x"),
        (["x = []", "x.append(2)"], "x"),
        (["x = 1", "def f():\n    return x\n\n\nprint(f())", "for x in range(3):\n    print(x)"], "x"),
        (["x = 1", "f = lambda: x", "with open('a') as x:\n    pass"], "x"),
        (["for x in x:\n    print(x)", "x = [1]"], "x"),
        ([MODULES, "g = dl.seeded(0)", "torch.rand(1, generator=g)"], "g"),
        (["import numpy as np\ng = np.random.default_rng(0)", "print(g.integers(9))"], "g"),
        ([MODULES, "n, g = 3, dl.seeded(0)", "def draw():\n    return torch.rand(n, generator=g)"], "g"),
        ([MODULES, "data, model = 1, 2", "dl.fit_model(model, data)"], "model"),
        ([MODULES, "models = {1: 2}", "fits = [dl.fit_model(models[k], 3) for k in models]"], "models"),
    ],
)
def test_a_hazard_is_named(sources, name):
    found = hazards(sources)
    assert found and all(sentence.startswith(f"{name}: ") for sentence in found)


@pytest.mark.parametrize(
    "sources",
    [
        ["x = 1", "print(x)", "y = x"],
        ["for x in range(3):\n    print(x)", "x = 2\nprint(x, [x for x in range(x)])"],
        ["x = []\nfor i in range(3):\n    x.append(i)\n    x[0] += 1", "print(x)"],
        [MODULES, "g = dl.seeded(0)\ntorch.rand(1, generator=g)", "g = dl.seeded(1)\ntorch.rand(1, generator=g)"],
        [MODULES, "for k in (1, 2):\n    model = dl.DynamicsModel(k)\n    dl.fit_model(model, k)", "torch.rand(3)"],
        ["which = predict('?')", "which.against(3)"],
        ["%matplotlib inline\nx = 1", "def f(x):\n    x = x + 1\n    return x\n\n\nf(x)"],
    ],
)
def test_what_is_harmless_is_not(sources):
    assert hazards(sources) == []
