"""Make the notebooks of the lessons from their plain-text sources, with everything they print and draw.

    make tutorials                                            all of them
    python scripts/build_tutorials.py 03 07                   some
    python scripts/build_tutorials.py --language en 03

A lesson is written in `tutorials/LANGUAGE/NN_name.py` (jupytext's percent format, which editors run cell by
cell) and read in the notebook of the same name beside it. The notebook is executed from its first cell to its
last in a fresh kernel, as a learner would; nothing in it is written by hand. What differs from run to run
(identifiers, times of execution) is left out, so that a difference between two versions means something.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

from tinygrad_cnn.learn.notebooks import graded

TUTORIALS = Path(__file__).parents[1] / "tutorials"
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_MOST_SECONDS = 180  # for one cell


def build(source: Path) -> Path:
    """Execute one lesson and write its notebook beside it."""
    notebook = executed(read(source))
    target = source.with_suffix(".ipynb")
    nbformat.write(notebook, target)
    return target


def read(source: Path) -> Any:
    """The notebook of a source, not yet executed; with nbgrader's marks, and the same identifiers always."""
    notebook = jupytext.read(source)
    notebook.metadata = {
        "jupytext": {"formats": "ipynb,py:percent"},
        "kernelspec": _KERNEL,
        "language_info": {"name": "python"},
        "tinygrad_cnn": dict(notebook.metadata["tinygrad_cnn"]),
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        seen[digest] += 1
        cell.id = f"{digest}-{seen[digest]}"
    return nbformat.from_dict(graded(notebook))


def executed(notebook: Any) -> Any:
    """The notebook with its outputs, less what differs from run to run."""
    NotebookClient(
        notebook,
        timeout=_MOST_SECONDS,
        kernel_name="python3",
        coalesce_streams=True,  # what a cell prints is one output, however slowly it comes
        extra_arguments=["--log-level=ERROR"],  # not that this machine talks to itself without encryption
    ).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            _keep_a_still_picture(output)
    return notebook


def _keep_a_still_picture(output: Any) -> None:
    """A page that moves shows its picture until somebody runs the cell: other people's scripts are not run
    by any program that shows notebooks, and the page would be most of the file.
    """
    data = output.get("data", {})
    if "image/svg+xml" in data:
        data.pop("text/html", None)


def main() -> None:
    """Build what was asked for; say how long each took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lessons", nargs="*", metavar="NN", help="numbers of lessons; all of them by default")
    parser.add_argument("--language", default="*", help="such as en; all of them by default")
    arguments = parser.parse_args()
    sources = [
        path
        for path in sorted(TUTORIALS.glob(f"{arguments.language}/[0-9][0-9]_*.py"))
        if not arguments.lessons or path.name[:2] in arguments.lessons
    ]
    if not sources:
        sys.exit(f"no such lesson in {TUTORIALS}")
    for source in sources:
        start = time.perf_counter()
        target = build(source)
        seconds = time.perf_counter() - start
        size = target.stat().st_size / 1024
        print(f"{target.relative_to(TUTORIALS)}  {size:.0f} KiB  {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
