"""Slides of a lesson: one HTML file of the cells tagged "slide", which fetches nothing."""

import html
import re
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from .solutions import SOLUTION

if TYPE_CHECKING:
    from nbformat import NotebookNode

PAGE = Template(files(__package__).joinpath("slides.html").read_text(encoding="utf-8"))
MISSING = "slides need nbconvert and latex2mathml: pip install 'damlite[lab]'"


def slides(book: "NotebookNode", title: str) -> str:
    """A page of slides: arrow keys or buttons turn it, and in print each slide is a page.

    Parameters
    ----------
    book : an executed notebook. A Markdown cell tagged "slide" begins one; a code cell tagged so stands below it, as
        its pictures, or, if it has none, as its source and what it prints
    title : of the page

    Raises
    ------
    ValueError
        If no cell is tagged, if a picture has no alt text, or if a library of the `lab` extra is missing.
    """
    found: list[list[str]] = []
    for cell in book.cells:
        if "slide" not in cell.metadata.get("tags", ()):
            continue
        if cell.cell_type == "markdown" or not found:
            found.append([])
        found[-1].append(markdown(talk(cell.source)) if cell.cell_type == "markdown" else shown(cell))
    if not found:
        raise ValueError(f'{title} must have cells tagged "slide", got none')
    sections = (f'<section aria-label="Slide {i}">\n{"".join(one)}</section>' for i, one in enumerate(found, start=1))
    return PAGE.substitute(title=html.escape(title), slides="\n".join(sections))


def talk(source: str) -> str:
    """What a Markdown cell says on a slide: neither solutions nor the exercises that begin in a summary's cell."""
    return re.split(r"^## Exercises", SOLUTION.sub("", source), flags=re.MULTILINE)[0]


def shown(cell: "NotebookNode") -> str:
    """A code cell on a slide."""
    pictures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
    if pictures:
        return "".join(map(picture, pictures))
    printed = "".join(output.get("text", output.get("data", {}).get("text/plain", "")) for output in cell.outputs)
    return "".join(f"<pre>{html.escape(text)}</pre>\n" for text in (cell.source, printed) if text)


def picture(output: "NotebookNode") -> str:
    """A picture, within the page, with its alt text."""
    alt = output.metadata.get("image/png", {}).get("alt", "")
    if not alt:
        raise ValueError("every picture on a slide must have alt text, got one without")
    data = output.data["image/png"].replace("\n", "")
    return f'<figure><img alt="{html.escape(alt)}" src="data:image/png;base64,{data}"></figure>\n'


def markdown(source: str) -> str:
    """Markdown as HTML, its formulas as MathML, which browsers draw by themselves."""
    try:
        from latex2mathml.converter import convert
        from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
    except ImportError:
        raise ValueError(MISSING) from None

    def formula(latex: str, display: str) -> str:
        latex = re.sub(r"\\(math[a-z]+) (\w)", r"\\\1{\2}", latex)  # else it leaves the alphabet to the browser
        latex = latex.replace("{aligned}", "{align*}")  # of the two it knows the second alone
        return convert(latex.replace(r"\arg\max", r"\operatorname{arg\,max}"), display=display)

    class Renderer(IPythonRenderer):
        def inline_math(self, body: str) -> str:
            return formula(body, "inline")

        def block_math(self, body: str) -> str:
            return formula(body, "block")

    return MarkdownWithMath(renderer=Renderer(escape=False, exclude_anchor_links=True)).render(source)
