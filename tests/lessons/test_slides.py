"""Slides: what stands on them, and that they fetch nothing."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from damlite.__main__ import main
from damlite.lessons.slides import markdown, slides

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
TAGGED = {"tags": ["slide"]}
MATH = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)


@pytest.fixture
def book():
    picture = new_output("display_data", {"image/png": "AAAA\nBBBB"}, metadata={"image/png": {"alt": 'A "car".'}})
    return new_notebook(
        cells=[
            new_markdown_cell("# Weigh $w = p/q$", metadata=TAGGED),
            new_markdown_cell("Not on a slide."),
            new_code_cell("draw()", metadata=TAGGED, outputs=[picture]),
            new_markdown_cell("## Summary\nIt works.\n\n## Exercises\n**1.** Do it.", metadata=TAGGED),
            new_code_cell("print(1 < 2)", metadata=TAGGED, outputs=[new_output("stream", text="True\n")]),
        ]
    )


def sections(page):
    return re.findall(r"<section.*?</section>", page, re.DOTALL)


def test_words_begin_a_slide_and_code_joins_it(book):
    first, second = sections(slides(book, "A lesson"))
    assert "<h1" in first and "<math" in first and 'alt="A &quot;car&quot;."' in first and "AAAABBBB" in first
    assert "draw()" not in first
    assert "It works." in second and "Exercises" not in second
    assert "<pre>print(1 &lt; 2)</pre>" in second and "<pre>True\n</pre>" in second


def test_what_cannot_be_a_slide_is_told(book):
    book.cells[2].outputs[0].metadata = {}
    with pytest.raises(ValueError, match="alt text"):
        slides(book, "A lesson")
    with pytest.raises(ValueError, match=r'A lesson must have cells tagged "slide", got none'):
        slides(new_notebook(cells=[new_markdown_cell("# A")]), "A lesson")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_formula_of_the_course_becomes_mathml(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            shown = markdown(cell.source)
            formulas = re.findall(r"<math.*?</math>", shown, re.DOTALL)
            assert "$" in MATH.sub("", cell.source) or not formulas
            assert not re.search(r"\\[a-zA-Z]|<mi>&(amp;)?</mi>", "".join(formulas)), cell.source
            assert "$" not in re.sub(r"<(math|code|pre|div).*?</\1>", "", shown, flags=re.DOTALL), cell.source


def test_letters_of_other_alphabets_are_written_as_such():
    assert "𝔼" in (made := markdown(r"$\mathbb E_p[X] = \mathbb{E}_q[wX]$").replace("&#x1D53C;", "𝔼"))
    assert "mathvariant" not in made


def test_the_command_writes_pages_that_fetch_nothing(tmp_path, capsys):
    tagged = [path for path in NOTEBOOKS if '"slide"' in path.read_text()]
    arguments = [
        "slides",
        *(path.stem for path in tagged),
        "--notebooks",
        str(NOTEBOOKS[0].parent),
        "--out",
        str(tmp_path),
    ]
    main(arguments)
    pages = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [page.stem for page in pages] == [path.stem for path in tagged]
    assert [page.stem[:2] for page in pages] == [f"{number:02d}" for number in range(13)]  # 13 is projects, not a talk
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert len(sections(text)) >= 3
        assert not re.search(r"<link|<script[^>]+src|@import|url\(|src=\"(?!data:)", text)
    with pytest.raises(SystemExit):
        main(arguments)
    assert "already; --replace" in capsys.readouterr().err
