"""Make slides of lessons: for each a page of HTML that needs no network and no Jupyter.

    python -m docs.slides          all lessons, into the folder work/slides
    python -m docs.slides 08 09    those whose file names start so

No cell is marked by hand. A heading begins a slide, and so does a text after code; below it stand
the code, what it printed, and what was seen. An exercise stands alone, so that the wall gives no
answer. Code that makes a figure is hidden. Not on slides: the set-up cell, starters and checks of
exercises, hints, links, and diagrams, whose words follow them in the lesson.
"""

import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from nbconvert.preprocessors import TagRemovePreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from tests.anatomy import DIAGRAM
from tests.solutions import NOTEBOOKS, exercise_of

HINT = re.compile(r"^<details><summary>Hint</summary>.*?^</details>$", re.DOTALL | re.MULTILINE)
SOLUTION = re.compile(r"^\[Solution\].*$", re.MULTILINE)
LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")
HEADING = re.compile(r"^(?=##? )", re.MULTILINE)
PAGE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>{colours}
html {{ scroll-snap-type: y proximity; font: 1.35em/1.5 sans-serif }}
body {{ margin: 0 }}
section {{ min-height: 100vh; box-sizing: border-box; padding: 2em 8vw; scroll-snap-align: start }}
section + section {{ border-top: 1px solid #888 }}
pre, code {{ font: 1em/1.35 monospace; white-space: pre-wrap }}
.highlight pre {{ background: #f3f3f3; padding: 0.5em }}
.prompt, .anchor-link {{ display: none }}
img {{ max-width: 100%; max-height: 70vh }}
td, th {{ padding: 0.1em 0.7em; text-align: left; border-bottom: 1px solid #ccc }}
@media print {{ section {{ break-after: page; border: none }} }}
</style>
{slides}
<script>
const steps = {{ ArrowRight: 1, ArrowLeft: -1 }};
addEventListener("keydown", event => {{
  if (!(event.key in steps)) return;
  event.preventDefault();
  const slides = [...document.querySelectorAll("section")];
  const here = slides.findLastIndex(slide => slide.getBoundingClientRect().top < 9);
  slides[here + steps[event.key]]?.scrollIntoView();
}});
</script>
</html>
"""


def slides_of(lesson: Path) -> Iterator[NotebookNode]:
    """Each slide as a small notebook."""
    slide: list[NotebookNode] = []
    for begins_slide, cell in shown(nbformat.read(lesson, as_version=4).cells):
        after_exercise = slide and slide[0].source.startswith("## Exercise")
        if slide and (begins_slide or after_exercise):
            yield new_notebook(cells=slide)
            slide = []
        slide.append(cell)
    yield new_notebook(cells=slide)


def shown(cells: list[NotebookNode]) -> Iterator[tuple[bool, NotebookNode]]:
    """What is for the wall, and whether it begins a slide: each part of a text, each code cell."""
    code = [cell for cell in cells if cell.cell_type == "code"]
    pairs = itertools.pairwise(code)
    answers = [cell.id for pair in pairs for cell in pair if exercise_of(pair[1])]
    for cell in cells:
        if cell.cell_type == "markdown":
            parts = [
                part.strip() for part in HEADING.split(shortened(cell.source)) if part.strip()
            ]
            for part in parts:
                says_what_was_seen = part is not parts[-1] and not part.startswith("#")
                yield not says_what_was_seen, new_markdown_cell(part)
        elif cell.id not in (code[0].id, *answers):
            if any("image/png" in output.get("data", {}) for output in cell.outputs):
                cell.metadata["tags"] = ["figure"]
            yield False, cell


def shortened(text: str) -> str:
    """The text of a cell without what is of no use on a wall."""
    for left_out in (HINT, DIAGRAM, SOLUTION):
        text = left_out.sub("", text)
    return LINK.sub(r"\1", text)


def page(lesson: Path) -> str:
    """All slides of a lesson as one page."""
    exporter = HTMLExporter(template_name="basic")
    exporter.register_preprocessor(TagRemovePreprocessor(remove_input_tags={"figure"}), True)
    made = [exporter.from_notebook_node(slide) for slide in slides_of(lesson)]
    colours = "\n".join(made[0][1]["inlining"]["css"])
    slides = "\n".join(f"<section>{body}</section>" for body, _ in made)
    return PAGE.format(title=lesson.stem, colours=colours, slides=slides)


def main(prefixes: list[str]) -> None:
    folder = NOTEBOOKS.parent / "work" / "slides"
    folder.mkdir(parents=True, exist_ok=True)
    for lesson in sorted(NOTEBOOKS.glob("*.ipynb")):
        if lesson.name.startswith(tuple(prefixes) or ""):
            (folder / f"{lesson.stem}.html").write_text(page(lesson), encoding="utf-8")
            print(f"work/slides/{lesson.stem}.html")


if __name__ == "__main__":
    main(sys.argv[1:])
