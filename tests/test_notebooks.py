"""The committed notebooks: executed, short-celled, light, free of leftovers. nbval runs them (see conftest.py)."""

import ast
import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import minutes
import nbval.plugin
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb"))
WIDGET = "application/vnd.jupyter.widget-view+json"
TAGS = {"guard", "panel", "slide", "teacher"}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return json.loads(request.param.read_text())


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source_of(cell):
    return "".join(cell["source"])


def outputs_of(notebook):
    return [output for cell in code_cells(notebook) for output in cell["outputs"]]


def tagged(notebook, tag):
    return [cell for cell in code_cells(notebook) if tag in cell["metadata"].get("tags", ())]


def test_there_are_fourteen_lessons():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{number:02d}" for number in range(14)]


def test_executed_in_order_and_without_errors(notebook):
    cells = code_cells(notebook)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for output in outputs_of(notebook) if output["output_type"] == "error"]
    assert not [output for output in outputs_of(notebook) if output.get("name") == "stderr"]


def test_cells_carry_nothing_but_tags(notebook):
    """No timing: a re-run shows what has changed, and nothing else."""
    for cell in notebook["cells"]:
        assert set(cell["metadata"]) <= {"tags"}
        assert set(cell["metadata"].get("tags", ())) <= TAGS


def test_no_widget_state_and_a_described_picture_for_every_widget(notebook):
    """A prediction has no picture: its question and its options stand as text."""
    assert "widgets" not in notebook["metadata"]
    widgets = [output for output in outputs_of(notebook) if WIDGET in output.get("data", {})]
    pictures = [output for output in widgets if not "".join(output["data"]["text/plain"]).startswith("Predict: ")]
    assert pictures
    for output in pictures:
        assert "image/png" in output["data"]
        assert output["metadata"]["image/png"]["alt"].endswith(".")


def test_every_figure_has_alt_text(notebook):
    for output in outputs_of(notebook):
        if output["output_type"] == "display_data" and "image/png" in output["data"]:
            assert output["metadata"]["image/png"]["alt"].endswith(".")


def test_cells_are_short(notebook):
    sources = [source_of(cell).splitlines() for cell in code_cells(notebook)]
    lines = sorted(sum(bool(line.strip()) for line in source) for source in sources)
    assert lines[-1] <= 15
    assert lines[len(lines) // 2] <= 6


def test_words_stand_between_any_two_code_cells(notebook):
    kinds = [cell["cell_type"] for cell in notebook["cells"]]
    assert ("code", "code") not in set(pairwise(kinds))


def test_what_guards_the_words_stands_in_one_cell_a_section(notebook):
    guards = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown" and re.search("^###? ", source_of(cell), re.MULTILINE):
            guards = 0
        guards += "guard" in cell["metadata"].get("tags", ())
        assert guards <= 1, source_of(cell)


def test_there_is_a_panel_to_show(notebook):
    """The browser runs these cells alone."""
    assert tagged(notebook, "panel")


def keeps_its_hour(path):
    """Whether a lesson claims the minutes that it takes, within 15 %, and is short enough and rich enough."""
    found = minutes.count(path)
    honest = abs(found.claimed - found.minutes) <= 0.15 * found.minutes
    short = found.minutes <= 60 and found.cells <= 90
    return honest and short and found.predictions >= 3 and found.panels >= 1 and found.exercises >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_lesson_keeps_its_hour(path):
    assert keeps_its_hour(path), minutes.count(path)


def test_students_see_few_asserts():
    assert sum(minutes.count(path).asserts for path in NOTEBOOKS) <= 60


def test_minutes_are_counted_as_promised(tmp_path):
    def code(source, *tags, outputs=()):
        return {"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}, "outputs": list(outputs)}

    def words(source):
        return {"cell_type": "markdown", "source": source, "metadata": {}}

    panel = {"data": {WIDGET: {}, "image/png": ""}}
    cells = [
        words("# A\n**Time** 12 minutes. - *"),  # four words: A, Time, 12, minutes
        code("a = 1\n\n# why\nassert a\nb = predict('which?')", outputs=[{"data": {WIDGET: {}}}]),  # three lines
        code("assert b", "guard"),
        words("**Predict** it."),  # two words
        code("lesson.panel()", "panel", outputs=[panel]),
        code("def f():\n    ...\nlesson.check_f(f)"),
        words(
            "<details><summary>Solution</summary>Many words.</details>\n## More (optional)\nWords.\n### Deeper\nWords."
        ),
        code("c = 2\nassert c"),
        words("## References\nWords. \n## End"),  # one
    ]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells}))
    found = minutes.count(tmp_path / "a.ipynb")
    counted = {"cells": 9, "words": 7, "lines": 7, "predictions": 1, "panels": 1, "exercises": 1}
    assert asdict(found) == {**counted, "asserts": 2, "claimed": 12}
    assert found.minutes == pytest.approx(7 / 120 + 7 / 10 + 1 + 4 + 5)


def test_it_seeds_by_the_packages_own_word(notebook):
    assert not [cell for cell in code_cells(notebook) if "manual_seed" in source_of(cell)]


def test_nothing_underscored_is_used(notebook):
    for cell in code_cells(notebook):
        python = "\n".join(line for line in source_of(cell).splitlines() if not line.lstrip().startswith(("%", "!")))
        used = {node.attr for node in ast.walk(ast.parse(python)) if isinstance(node, ast.Attribute)}
        hidden = {name for name in used if name.startswith("_") and not name.startswith("__")}
        assert not hidden, source_of(cell)


def test_predictions_are_committed_unanswered(notebook):
    said = ["".join(output.get("data", {}).get("text/plain", "")) for output in outputs_of(notebook)]
    assert not [text for text in said if text.startswith("You said ")]


def test_it_is_light():
    for path in NOTEBOOKS:
        assert path.stat().st_size < 1_000_000


def test_first_cell_has_objectives_and_minutes(notebook):
    first = source_of(notebook["cells"][0])
    for part in ("After this lesson you can", "Time", "Read before"):
        assert part in first
    text = "".join(source_of(cell) for cell in notebook["cells"])
    for part in (
        "## The puzzle",
        "**Predict",
        "## Summary",
        "## Exercises",
        "<summary>Solution",
        "## References",
    ):
        assert part in text


PAPER = {  # what a lesson says beside each name: a formula, an algorithm's own functions, a picture, a number
    **{f"Eq. {number}": r"\$" for number in range(1, 22)},
    "Alg. 1": "ESTIMATEVALUE",
    "Alg. 2": "TRAINMODEL|TRAINDISCRIMINATOR",
    "Alg. 3": "RSPLANNER|MBRL",
    "Fig. 1": "arrows",
    "Fig. 2": "densities|drawn",
    "Table 1": r"\d ± \d",
}


@pytest.mark.parametrize("name", PAPER)
def test_each_equation_algorithm_and_picture_of_the_paper_is_treated_by_its_name(name):
    """A range, as in "Eq. 5 to 8", names none, and references do not treat."""
    alone = re.compile(rf"(?<!to ){re.escape(name)}(?!\d| to \d)")
    paragraphs = [
        paragraph
        for path in NOTEBOOKS
        for cell in json.loads(path.read_text())["cells"]
        if cell["cell_type"] == "markdown"
        for paragraph in around(source_of(cell).partition("## References")[0])
    ]
    assert [text for text in paragraphs if alone.search(text) and re.search(PAPER[name], text)]


def around(text):
    """Each paragraph, with the next: the formula that it announces."""
    parts = [part for part in text.split("\n\n") if part.strip()]
    return ["\n".join(pair) for pair in pairwise([*parts, ""])]


def test_links_between_lessons_lead_there_and_say_their_titles(notebook):
    titles = {path.name: json.loads(path.read_text())["cells"][0]["source"][0] for path in NOTEBOOKS}
    text = "".join(source_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    for said, name in re.findall(r"\[([^\]]+)\]\((\w+\.ipynb)\)", text):
        assert name in titles
        assert " · " not in said or titles[name].strip() == f"# {said}"


def test_a_kernel_reaches_no_other_machine():
    attempt = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    ended = subprocess.run([sys.executable, "-c", attempt], capture_output=True, text=True, check=False)
    assert "the course fetches nothing" in ended.stderr


def test_notebooks_run_where_nothing_of_theirs_lies():
    """nbval would start a kernel in the notebook's own folder; `conftest.py` gives it an empty one."""
    kernel = nbval.plugin.RunningKernel("python3", cwd=str(NOTEBOOKS[0].parent))
    try:
        folder = Path(kernel.folder.name)
        assert os.listdir(folder) == []
        message = kernel.execute_cell_input("import os; assert os.getcwd() == " + repr(os.path.realpath(folder)))
        while (reply := kernel.get_message("shell", timeout=60))["parent_header"].get("msg_id") != message:
            pass
        assert reply["content"]["status"] == "ok", reply["content"]
    finally:
        kernel.stop()
    assert not folder.exists()
