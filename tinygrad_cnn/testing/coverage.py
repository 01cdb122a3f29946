"""What of every operation is tested, as a table: `python -m tinygrad_cnn.testing.coverage`.

Nothing is looked up: the command runs every example that the tests run, and counts. A column is a question
of `checks` (forward, gradient, second order, broadcasting, errors), or a backend that was found, with the
examples of the conformance tests that passed on it. A cell without an example needs a written reason; an
empty one without a reason, or an example that fails, makes the command end with 1.

    python -m tinygrad_cnn.testing.coverage              the table
    python -m tinygrad_cnn.testing.coverage conv relu    some operations only
    python -m tinygrad_cnn.testing.coverage --json       the same for programs
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from tinygrad_cnn._op import REGISTRY, Op
from tinygrad_cnn.backend import Backend, backends, get_backend
from tinygrad_cnn.errors import BackendUnavailable
from tinygrad_cnn.testing import conformance
from tinygrad_cnn.testing._reasons import reason_for
from tinygrad_cnn.testing.checks import QUESTIONS, Example, numpy_backends
from tinygrad_cnn.testing.samples import cases, has_gradient, library_operations


class Cell(NamedTuple):
    """How one question about one operation is answered.

    Attributes:
        passed: how many examples ran.
        failed: what went wrong in the others.
        reason: why there is no example, where there is none.
    """

    passed: int
    failed: tuple[str, ...]
    reason: str | None

    @property
    def is_gap(self) -> bool:
        return not (self.passed or self.failed or self.reason)


Coverage = dict[str, dict[str, Cell]]  # by operation, then by column


def measure(ops: Iterable[Op]) -> Coverage:
    """Run every example of the operations and count, column by column."""
    found = _found_backends()
    return {op.name: dict(_row(op, found)) for op in ops}


def _row(op: Op, found: dict[str, Backend | str]) -> Iterator[tuple[str, Cell]]:
    for column, examples in QUESTIONS.items():
        yield column, _cell(list(examples(op)), reason_for(op, column))
    for column, backend in found.items():
        if isinstance(backend, str):
            yield column, Cell(0, (), backend)
        else:
            yield column, _cell(list(_conformance(op, backend)), reason_for(op, column))


def _cell(examples: Sequence[Example], reason: str | None) -> Cell:
    failed = tuple(text for example in examples if (text := _failure(example)) is not None)
    return Cell(len(examples) - len(failed), failed, None if examples else reason)


def _failure(example: Example) -> str | None:
    try:
        example.run()
    except Exception as error:  # whatever it is, it belongs into the report, not in its way
        return f"{example}: {type(error).__name__}: {error}"
    return None


# --- backends -------------------------------------------------------------------------------------


def _found_backends() -> dict[str, Backend | str]:
    """Every backend that is installed, under its column's name; or why it cannot run here."""
    fast, readable = numpy_backends()
    found: dict[str, Backend | str] = {"numpy": fast, "numpy, readable": readable}
    for name in backends():
        if name not in found:
            try:
                found[name] = get_backend(name)
            except BackendUnavailable as error:
                found[name] = f"the {name} backend cannot run here: {error.problem}"
    return found


def _conformance(op: Op, backend: Backend) -> Iterator[Example]:
    """The conformance tests about operations, on one of them."""
    for case, dtype in itertools.product(cases(op), conformance.WIDE):
        label, place = f"{case} in {dtype} on {backend}", (backend, case, dtype)
        yield Example(op, label, partial(conformance.test_shapes_and_dtypes_are_the_inferred_ones, *place))
        if backend.executes:
            yield Example(op, label, partial(conformance.test_values_equal_the_readable_kernel, *place))
        if backend.executes and has_gradient(case):
            yield Example(op, label, partial(conformance.test_gradients_equal_the_readable_kernels, *place))


# --- what is shown --------------------------------------------------------------------------------


def table(coverage: Coverage) -> tuple[Table, list[str]]:
    """The table, one section a family of operations, and its footnotes."""
    columns = list(next(iter(coverage.values())))
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    shown.add_column("examples that ran", no_wrap=True, min_width=max(map(len, coverage)))
    for column in columns:
        shown.add_column(column.replace(" ", "\n"), justify="right", no_wrap=True)
    notes: dict[str, str] = {}
    rows = itertools.groupby(coverage.items(), key=lambda row: REGISTRY[row[0]].__module__)
    for _, family in rows:
        for name, cells in family:
            shown.add_row(name, *[_text(cell, notes) for cell in cells.values()])
        shown.add_section()
    shown.add_row("total", *[str(sum(row[column].passed for row in coverage.values())) for column in columns])
    return shown, [f"{letter}  {sentence}" for sentence, letter in notes.items()]


def _text(cell: Cell, notes: dict[str, str]) -> str:
    if cell.failed:
        return f"[bold red]{len(cell.failed)} failed"
    if cell.passed:
        return str(cell.passed)
    if cell.reason is None:
        return "[bold red]nothing"
    return f"[dim]{notes.setdefault(cell.reason, _letters(len(notes)))}"


def _letters(number: int) -> str:
    """a, b ... z, aa, ab ..."""
    first, last = divmod(number, 26)
    return (_letters(first - 1) if first else "") + chr(ord("a") + last)


def as_json(coverage: Coverage) -> str:
    """The same as JSON: {operation: {column: {"passed": ..., "failed": [...], "reason": ...}}}."""
    rows = {name: {column: cell._asdict() for column, cell in row.items()} for name, row in coverage.items()}
    return json.dumps(rows, indent=2, ensure_ascii=False)


def gaps(coverage: Coverage) -> list[str]:
    """Cells with neither an example nor a reason, and examples that failed."""
    found = []
    for name, row in coverage.items():
        for column, cell in row.items():
            found += [f"{name}, {column}: no example and no reason"] if cell.is_gap else []
            found += [f"{name}, {column}: {failure}" for failure in cell.failed]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 when a cell is empty without a reason or an example fails."""
    parser = argparse.ArgumentParser(prog="python -m tinygrad_cnn.testing.coverage", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("operations", nargs="*", metavar="operation", help="only these (all)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    known = {op.name: op for op in library_operations()}
    unknown = [name for name in options.operations if name not in known]
    if unknown:
        parser.error(f"no operation is called {', '.join(unknown)}")
    coverage = measure([known[name] for name in options.operations or known])
    if options.json:
        print(as_json(coverage))
    else:
        console = Console(width=None if sys.stdout.isatty() else 120)
        shown, notes = table(coverage)
        console.print(shown)
        console.print(*notes, sep="\n", style="dim", highlight=False)
    for gap in gaps(coverage):
        print(gap, file=sys.stderr)
    return 1 if gaps(coverage) else 0


if __name__ == "__main__":
    sys.exit(main())
