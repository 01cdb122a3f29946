"""A notebook as teachers need it: with nbgrader's marks, and with the solutions filled in.

An exercise is two cells of code in a lesson: one for the answer, and one that checks it.

    gradient_b2 = ...                              # what the learner writes

    tc.learn.check("03.2", gradient_b2)            # what nbgrader grades

In the teacher's version the first one holds the solution of the catalogue too, between marks where nbgrader
takes it out again. Notebooks are dictionaries here, as nbformat describes them.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tinygrad_cnn.errors import FileFormatError
from tinygrad_cnn.learn.exercise import Exercise, find

Cell = dict[str, Any]
Notebook = dict[str, Any]

_CHECK = re.compile(r'tc\.learn\.check\("(\d\d\.\d+)", (\w+)\)')


def exercise_cells(notebook: Notebook) -> Iterator[tuple[Exercise, Cell, Cell]]:
    """Each exercise of a notebook with the cell for its answer and the cell that checks it.

    Raises:
        FileFormatError: a check without an answer before it, or of a variable of another name than the
            exercise's.
    """
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for answer, checks in pairwise(code):
        if found := _CHECK.fullmatch(_text(checks).strip()):
            exercise = find(found[1])
            if found[2] != exercise.name or not re.search(_opening(exercise), _text(answer), re.MULTILINE):
                raise FileFormatError(
                    f"exercise {exercise.number} has no place for its answer",
                    expected=f"a cell that gives {exercise.name} a value, and after it "
                    f'tc.learn.check("{exercise.number}", {exercise.name})',
                    got=_text(answer),
                )
            yield exercise, answer, checks


def graded(notebook: Notebook) -> Notebook:
    """The notebook with nbgrader's metadata: answers are solutions to write, checks are a point each."""
    marked = copy.deepcopy(notebook)
    for exercise, answer, checks in exercise_cells(marked):
        name = exercise.number.replace(".", "-")
        answer["metadata"]["nbgrader"] = {
            "grade": False,
            "grade_id": f"answer-{name}",
            "locked": False,
            "schema_version": 3,
            "solution": True,
            "task": False,
        }
        checks["metadata"]["nbgrader"] = {
            "grade": True,
            "grade_id": f"check-{name}",
            "locked": True,
            "points": 1,
            "schema_version": 3,
            "solution": False,
            "task": False,
        }
    return marked


def solved(notebook: Notebook) -> Notebook:
    """The notebook with every solution filled in, and without outputs: they belonged to the dots."""
    filled = copy.deepcopy(notebook)
    for exercise, answer, _ in exercise_cells(filled):
        dots = _text(
            answer
        ).rstrip()  # stay, so that the name of the answer survives when solutions are blanked
        answer["source"] = f"{dots}\n\n### BEGIN SOLUTION\n{exercise.solution()}\n### END SOLUTION"
    for cell in filled["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None
    return filled


def _opening(exercise: Exercise) -> str:
    return rf"^def {exercise.name}\(" if exercise.wants_function else rf"^{exercise.name} = "


def _text(cell: Cell) -> str:
    return "".join(cell["source"])
