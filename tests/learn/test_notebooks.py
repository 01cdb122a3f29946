"""Every lesson: as its source says, executed to the end, right where solutions are filled in."""

import json
import re
from pathlib import Path

import pytest

from tinygrad_cnn.learn.exercise import exercises
from tinygrad_cnn.learn.notebooks import exercise_cells, solved

jupytext = pytest.importorskip("jupytext", reason="jupytext is not installed")
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

TUTORIALS = Path(__file__).parents[2] / "tutorials"
SOURCES = sorted(TUTORIALS.glob("*/[0-9][0-9]_*.py"))
LESSONS = pytest.mark.parametrize("source", SOURCES, ids=lambda path: f"{path.parent.name}-{path.stem}")
MOST_BYTES = 700_000


def notebook(source):
    return json.loads(source.with_suffix(".ipynb").read_text(encoding="utf-8"))


def text(lines):
    return "".join(lines)


def printed(cell):
    """What a cell says in words: its text output, and of pictures that there is one."""
    said = []
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            said.append(text(output["text"]))
        elif "data" in output:
            pictures = sorted(kind for kind in output["data"] if kind.startswith("image/"))
            said.append(text(output["data"].get("text/plain", "")) + " ".join(pictures))
    return "\n".join(said)


def execute(notebook, **options):
    nbclient.NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],  # not that this machine talks to itself without encryption
        **options,
    ).execute()


def test_there_are_lessons():
    assert [source.stem[:2] for source in SOURCES if source.parent.name == "en"] == [
        f"{number:02}" for number in range(9)
    ]


@LESSONS
def test_the_notebook_is_that_of_its_source(source):
    """`make tutorials` was run after the last change of the text."""
    written = [(cell.cell_type, cell.source) for cell in jupytext.read(source).cells]
    built = [(cell["cell_type"], text(cell["source"])) for cell in notebook(source)["cells"]]
    assert built == written


@LESSONS
def test_the_notebook_opens_everywhere(source):
    content = notebook(source)
    nbformat.validate(content)
    assert source.with_suffix(".ipynb").stat().st_size < MOST_BYTES
    assert len({cell["id"] for cell in content["cells"]}) == len(content["cells"])
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            assert cell["execution_count"]
            assert not any(output["output_type"] == "error" for output in cell["outputs"])


@LESSONS
def test_a_lesson_says_what_it_is_for(source):
    content = notebook(source)
    words = "\n".join(text(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "markdown")
    assert re.match(rf"# {source.stem[:2]} · \S", words)
    assert 5 <= content["metadata"]["tinygrad_cnn"]["minutes"] <= 120
    for part in (
        "**After this lesson you can**",
        "**Time:**",
        "## What to take with you",
        "**What to read next",
        "**Sources",
    ):
        assert part in words, part


@LESSONS
def test_every_exercise_of_the_catalogue_is_in_the_notebook(source):
    asked = [exercise.number for exercise, _, _ in exercise_cells(notebook(source))]
    assert asked == [each.number for each in exercises(source.stem[:2])]
    cells = notebook(source)["cells"]
    assert sum(text(cell["source"]).startswith("tc.learn.check(") for cell in cells) == len(asked)


@pytest.mark.slow
@LESSONS
def test_the_solved_notebook_runs(source, tmp_path):
    """From the first cell to the last: what it prints is what is stored, and every answer is right."""
    stored = notebook(source)
    filled = nbformat.reads(json.dumps(solved(stored)), as_version=4)
    execute(filled, resources={"metadata": {"path": str(tmp_path)}})
    answers = {id(cell) for exercise in exercise_cells(filled) for cell in exercise[1:]}
    for before, cell in zip(stored["cells"], filled["cells"], strict=True):
        if cell["cell_type"] != "code":
            continue
        if cell["source"].startswith("tc.learn.check("):
            assert "✓" in printed(cell), cell["source"]
        elif id(cell) not in answers and "varies" not in cell["metadata"].get("tags", ()):
            assert printed(cell) == printed(before), cell["source"]


def test_an_error_in_a_notebook_names_its_cell():
    code = """import tinygrad_cnn as tc
try:
    tc.ones(2, 3) @ tc.ones(2, 3)
except ValueError as error:
    print(error)"""
    small = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in ("1 + 1", code)])
    execute(small)
    assert "at:       Cell In[2], line 3: tc.ones(2, 3) @ tc.ones(2, 3)" in printed(small["cells"][1])
