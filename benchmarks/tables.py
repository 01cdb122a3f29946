"""The results as tables: for the terminal by rich, for the README in Markdown, from the same rows."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from epochs import CONTENDERS
from peers import ENTRIES
from rich.box import SIMPLE
from rich.table import Table

Rows = list[list[str]]

REFERENCES = {"torch": 2, "dezero": 1}  # whose speed is 1 in a column of its own, and digits after the point


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Median, and first and third quartile in brackets."""
    if not values:
        return "–"
    if len(values) == 1:
        return f"{values[0]:,.{digits}f}"
    first, middle, third = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle:,.{digits}f} ({first:,.{digits}f}–{third:,.{digits}f})"


def ratios(row: dict[str, Any], contender: dict[str, Any], reference: str) -> list[float]:
    """The speed of a contender in parts of another one's, turn by turn."""
    other = next(each for each in row["contenders"] if each["peer"] == reference)
    pairs = zip(contender["images_per_second"], other["images_per_second"], strict=True)
    return [mine / its for mine, its in pairs]


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Turn by turn."""
    return spread([mine / other for mine, other in zip(ours, theirs, strict=False)], 2)


def _mebibytes(count: float) -> str:
    return f"{count / 2**20:,.0f}"


# --- rows: a head, and what stands below it ------------------------------------------------------


def workload_rows(row: dict[str, Any]) -> Rows:
    here = {contender["peer"] for contender in row["contenders"]}
    references = {name: digits for name, digits in REFERENCES.items() if name in here}
    compared = [f"× {ENTRIES[name].title.partition(',')[0]}" for name in references]
    warm_up = f"first {row['warm_up']} steps, s"
    head = ["", "images/s", *compared, warm_up, "peak MiB", "of it work", "apart"]
    rows = [
        [
            ENTRIES[contender["peer"]].title,
            spread(contender["images_per_second"]),
            *(spread(ratios(row, contender, name), digits) for name, digits in references.items()),
            f"{contender['warm_up_seconds']:.1f}",
            _mebibytes(contender["peak_bytes"]),
            _mebibytes(contender["peak_bytes"] - contender["peak_after_import_bytes"]),
            f"{contender['apart']:.0e}",
        ]
        for contender in row["contenders"]
    ]
    return [head, *rows]


def scaling_rows(fits: list[dict[str, Any]]) -> Rows:
    head = ["time ~ sizeᵖ", "", "sizes", "ms per step", "p"]
    rows = [
        [
            fit["axis"],
            ENTRIES[fit["peer"]].title,
            " ".join(map(str, fit["sizes"])),
            " ".join(f"{seconds * 1e3:.3g}" for seconds in fit["seconds"]),
            f"{fit['exponent']:.2f}",
        ]
        for fit in fits
    ]
    return [head, *rows]


def epochs_rows(measured: dict[str, Any]) -> Rows:
    """Seconds are medians over the runs; accuracies stand there for each run."""
    reference = measured["contenders"].get("torch", [])
    rows = []
    for name, runs in measured["contenders"].items():
        totals = [run["seconds"][-1] for run in runs]
        fastest = _ratio([run["seconds"][-1] for run in reference], totals)
        reached = ", ".join(f"{run['accuracy'][-1]:.2%}" for run in runs)
        peak = _mebibytes(statistics.median(run["peak_bytes"] for run in runs))
        rows.append([CONTENDERS[name].title, spread(totals, 1), fastest, reached, peak])
    return [["", "seconds", "× PyTorch's speed", "test accuracy of each run", "peak MiB"], *rows]


def graphs_rows(measured: list[dict[str, Any]]) -> Rows:
    rows = [[row["model"], row["stage"], spread(row["milliseconds"], 1)] for row in measured]
    return [["one image", "stage", "ms"], *rows]


def overhead_rows(measured: list[dict[str, Any]]) -> Rows:
    rows = [
        [row["name"], spread(row["ours"], 2), spread(row["torch"], 2), _ratio(row["ours"], row["torch"])]
        for row in measured
    ]
    return [["one operation, 4×4", "ours, µs", "PyTorch, µs", "ours / PyTorch"], *rows]


def scalar_rows(measured: tuple[dict[str, list[float]], float]) -> Rows:
    times, _ = measured
    rows = [
        [name, spread([s * 1e3 for s in seconds], 1), _ratio(times.get("micrograd", []), seconds)]
        for name, seconds in times.items()
    ]
    return [["micrograd's demo", "ms per step", "× micrograd's speed"], *rows]


ROWS = {
    "fashion-epochs": epochs_rows,
    "scaling": scaling_rows,
    "graphs": graphs_rows,
    "overhead": overhead_rows,
    "scalar": scalar_rows,
}


# --- the two forms --------------------------------------------------------------------------------


def for_terminal(rows: Rows, title: str, notes: Sequence[str] = ()) -> Table:
    head, *body = rows
    caption = "\n".join(notes) or None
    table = Table(title=title, box=SIMPLE, title_justify="left", caption=caption, caption_justify="left")
    for number, name in enumerate(head):
        justify: Any = "left" if number == 0 or name in ("", "stage") else "right"
        table.add_column(name, justify=justify, overflow="fold")
    for row in body:
        table.add_row(*row)
    return table


def in_markdown(rows: Rows) -> str:
    head, *body = rows
    rule = ["---" if number == 0 or name in ("", "stage") else "---:" for number, name in enumerate(head)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *body])


def notes(measured: Any) -> list[str]:
    """Who is left out, and why."""
    left_out = measured.get("left_out", {}) if isinstance(measured, dict) else {}
    titles = {name: entry.title for name, entry in (ENTRIES | CONTENDERS).items()}
    return [f"without {titles[name]}: {reason}" for name, reason in left_out.items()]
