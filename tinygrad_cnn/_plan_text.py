"""A plan in words: what `print(step.plan)` shows.

First what became of the step: its operations, threads, memory and fusions. Then one line a task, in order,
with the value it makes and where in memory that lies. Long plans fold: first what updates state, then layers,
then blocks of layers, until the whole fits on a page or two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import TypeAlias

from tinygrad_cnn._plan_data import CellData, PlanData, TaskData, without_task

Row: TypeAlias = dict[str, str]

MOST_LINES = 66  # for tasks; with more, they fold
# Column titles, and the widths to keep to where nobody asks for all of it.
_COLUMNS = {"by": 4, "task": 7, "layer": 12, "operation": 22, "result": 22, "bytes": 8, "at": 8, "over": 8}
_GAP = "  "
_NUMBERS = ("task", "bytes", "at")
_LEGEND = (
    "∂ is a task of the backward pass; at: where in its memory the result lies; over: what lay there before"
)


def described(data: PlanData, *, full: bool = False) -> str:
    """The plan as a text of at most about a hundred columns and eighty lines.

    Args:
        data: the plan.
        full: one line a task, however many there are, and nothing shortened.
    """
    groups = [[place] for place in range(len(data["tasks"]))] if full else _folded(data["tasks"])
    rows: list[Row] = []
    by = ""
    for group in groups:
        for row in _task_rows(data, group[0], full) if len(group) == 1 else [_group_row(data, group)]:
            # Who does it is said where it changes: in between, the threads need not wait for each other.
            row["by"], by = "" if row["by"] == by else row["by"], row["by"]
            rows.append(row)
    if len(data["parts"]) < 2:
        rows = [{**row, "by": ""} for row in rows]
    return "\n".join([*_header(data), "", *_table(rows, full), *([_LEGEND] if data["pools"] else [])])


# --- the header -----------------------------------------------------------------------------------


def _header(data: PlanData) -> Iterator[str]:
    tasks, parts = data["tasks"], data["parts"]
    yield f"{_many(len(data['operations']), 'operation')} in {_many(len(tasks), 'task')}"
    if len(parts) > 1:
        sizes = [stop - start for start, stop in parts]
        meetings = sum(1 for one, next in pairwise(tasks) if one["each"] != next["each"])
        each = sum(task["each"] for task in tasks)
        yield (
            f"{'threads':<8}{len(parts)}, with {' + '.join(map(str, sizes))} of the batch of {parts[-1][1]}: "
            f"{each} tasks in each, {len(tasks) - each} once for all; they meet {_times(meetings)}"
        )
    if data["pools"]:
        yield from _memory(data)
    fused = Counter(_fusions(data))
    if fused:
        yield from _wrapped("fused", (f"{n} × {what}" for what, n in fused.most_common()))
    free = Counter(without_task(data))
    if free:
        yield from _wrapped("no task", (f"{n} × {what}" for what, n in free.most_common()))


def _memory(data: PlanData) -> Iterator[str]:
    total = sum(pool["bytes"] for pool in data["pools"]) + sum(data["scratch"])
    unshared = sum(pool["bytes_unshared"] for pool in data["pools"]) + sum(data["scratch"])
    shared = f"; without sharing it would be {byte_text(unshared)}" if total < unshared else ""
    yield f"{'memory':<8}{byte_text(total)}{shared}"
    several = len(data["parts"]) > 1
    for pool in data["pools"]:
        whose = "whole values" if pool["part"] is None else f"part {pool['part']}" if several else "the batch"
        yield (
            f"{'':8}{whose:<14}{byte_text(pool['bytes']):>9} for {_many(len(pool['cells']), 'value')} "
            f"of {byte_text(pool['bytes_unshared'])}"
        )
    scratch = " + ".join(map(byte_text, data["scratch"]))
    yield f"{'':8}{'scratch':<14}{scratch:>9} for what kernels need while they work"


def _fusions(data: PlanData) -> Iterator[str]:
    """What became one: "conv + add + relu"."""
    done = {tuple(task["calls"]) for task in data["tasks"]}  # several tasks may be phases of the same
    for calls in sorted(done):
        names = [data["operations"][place] for place in calls]
        if len(names) > 1:
            yield " + ".join(_with_repeats(names))


def _with_repeats(names: Iterable[str]) -> Iterator[str]:
    for name, run in groupby(names):
        times = len(list(run))
        yield f"{times} {name}" if times > 1 else name


def _wrapped(title: str, items: Iterable[str]) -> Iterator[str]:
    """Items one after the other, in lines of a hundred columns behind a title."""
    line = f"{title:<8}"
    for place, item in enumerate(items):
        if place and len(line) + len(item) > 97:
            yield line + ","
            line = " " * 8 + item
        else:
            line += f", {item}" if place else item
    yield line


# --- folding --------------------------------------------------------------------------------------


def _folded(tasks: Sequence[TaskData]) -> list[list[int]]:
    """Places of tasks, in groups: neighbours that have most in common go together until all fit."""
    groups = [[place] for place in range(len(tasks))]
    alike = [_alike(tasks, *pair) for pair in pairwise(groups)]
    while len(groups) > MOST_LINES:
        place = alike.index(max(alike))
        groups[place : place + 2] = [groups[place] + groups[place + 1]]
        around = slice(max(0, place - 1), place + 2)
        alike[place : place + 1] = []
        alike[around.start : place + 1] = [_alike(tasks, *pair) for pair in pairwise(groups[around])]
    return groups


def _alike(tasks: Sequence[TaskData], one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    """How much two neighbouring groups have in common: the larger, the more."""
    both = [tasks[place] for place in (*one, *other)]
    phases = {task["phase"] for task in both}
    scope = _common([task["scope"] for task in both])
    depth = scope.count("/") + 1 if scope else 0
    return len(phases - {"update"}) < 2, phases == {"update"}, depth, -len(both)


# --- rows -----------------------------------------------------------------------------------------


def _task_rows(data: PlanData, place: int, full: bool) -> Iterator[Row]:
    """A line for a task; more of them, if everything it makes is to be seen."""
    task = data["tasks"][place]
    first, *more = task["writes"]
    for number, made in enumerate(task["writes"] if full else [first]):
        row = dict.fromkeys(_COLUMNS, "")
        row["by"] = "each" if task["each"] else "once"
        if number == 0:
            title = task["title"] if full else task["title"].rpartition(": ")[2]
            row |= {"task": str(place), "layer": _layer([task], full), "operation": title}
        others = f" +{len(more)}" if more and not full else ""
        row["result"] = f"{made['value']} {tuple(made['shape'])}{others}"
        if made["pool"] is None or made["cell"] is None:
            row["bytes"] = byte_text(made["bytes"]) if made["bytes"] else "state"
        elif made["bytes"]:
            cells = data["pools"][made["pool"]]["cells"]
            cell = cells[made["cell"]]
            row["bytes"], row["at"] = byte_text(cell["bytes"]), byte_text(cell["offset"])
            row["over"] = _listed([one["value"] for one in _before(cell, cells)], full)
        yield row


def _group_row(data: PlanData, group: Sequence[int]) -> Row:
    """One line for several tasks: what they do and make, added up."""
    tasks = [data["tasks"][place] for place in group]
    each = {task["each"] for task in tasks}
    counted = Counter(task["title"].rpartition(": ")[2] for task in tasks)
    row = dict.fromkeys(_COLUMNS, "")
    row["by"] = "both" if len(each) > 1 else "each" if each.pop() else "once"
    row["task"] = f"{group[0]}–{group[-1]}"
    row["layer"] = _layer(tasks, False)
    row["operation"] = ", ".join(f"{n} × {title}" if n > 1 else title for title, n in counted.most_common())
    made = sum(result["bytes"] for task in tasks for result in task["writes"])
    row["bytes"] = byte_text(made) if made else "state"
    return row


def _before(cell: CellData, cells: Iterable[CellData]) -> list[CellData]:
    """Whose memory a cell takes over: whatever lay there last, byte by byte."""
    free = [(cell["offset"], cell["offset"] + cell["bytes"])]
    found = []
    for one in sorted(cells, key=lambda one: -one["last"]):
        start, stop = one["offset"], one["offset"] + one["bytes"]
        if one["last"] >= cell["first"] or all(stop <= left or right <= start for left, right in free):
            continue
        found.append(one)
        around = [((left, min(right, start)), (max(left, stop), right)) for left, right in free]
        free = [(left, right) for pair in around for left, right in pair if left < right]
    return found


def _listed(values: Sequence[str], full: bool) -> str:
    if full or len(values) < 2:
        return " ".join(values)
    return f"{values[0]} +{len(values) - 1}"


def _layer(tasks: Sequence[TaskData], full: bool) -> str:
    """What some tasks have to do with: a layer, or a gradient of it, without the name of the network."""
    scope = _common([task["scope"] for task in tasks])
    phases = {task["phase"] for task in tasks}
    sign = "∂ " if "backward" in phases and "forward" not in phases else ""
    inside = scope.partition("/")[2]
    name = scope if full or not inside or inside[0].isdigit() else inside
    return f"{sign}{name or ('update' if phases == {'update'} else '')}".rstrip()


def _common(scopes: Sequence[str]) -> str:
    """The scope around all of some scopes.

    >>> _common(["net/block/conv", "net/block/bn"]), _common(["net", ""])
    ('net/block', '')
    """
    shared = []
    for names in zip(*(scope.split("/") for scope in scopes), strict=False):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return "/".join(shared)


# --- columns --------------------------------------------------------------------------------------


def _table(rows: Sequence[Row], full: bool) -> Iterator[str]:
    titles = {name: name for name in _COLUMNS}
    widths = {name: max(len(row[name]) for row in (titles, *rows)) for name in _COLUMNS}
    if not full:
        widths = {name: min(width, _COLUMNS[name]) for name, width in widths.items()}
    shown = [name for name in _COLUMNS if name == "result" or any(row[name] for row in rows)]
    for row in (titles, *rows):
        cells = {name: _cell(name, row[name], widths[name]) for name in shown}
        if not row["result"]:  # several tasks: the list of what they do runs on into this column
            del cells["result"]
            width = widths["operation"] + len(_GAP) + widths["result"]
            cells["operation"] = _cell("operation", row["operation"], width)
        yield _GAP.join(cells.values()).rstrip()


def _cell(name: str, text: str, width: int) -> str:
    """A text in its column: a number to the right; too long, it loses its end, or (a layer) its beginning."""
    if len(text) > width:
        text = f"…{text[1 - width :]}" if name == "layer" else f"{text[: width - 1]}…"
    return f"{text:>{width}}" if name in _NUMBERS else f"{text:<{width}}"


# --- words ----------------------------------------------------------------------------------------


def byte_text(count: int) -> str:
    """A number of bytes as people read it.

    >>> byte_text(40), byte_text(3 * 1024), byte_text(6_422_528)
    ('40 B', '3 KiB', '6.12 MiB')
    """
    if count < 1024:
        return f"{count} B"
    size, unit = (count / 1024, "KiB") if count < 1024**2 else (count / 1024**2, "MiB")
    return f"{size:,.0f} {unit}" if size >= 1000 else f"{size:.3g} {unit}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
