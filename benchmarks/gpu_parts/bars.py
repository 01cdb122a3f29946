"""What this backend has to reach, and how far it is from that."""

from __future__ import annotations

from statistics import median
from typing import Any, NamedTuple

from tables import ratios, spread

from gpu_parts import contenders
from gpu_parts.run import Row, Tables, rounding


class Bar(NamedTuple):
    """At that workload, `who` is at least so many times as fast as `reference`."""

    workload: str
    who: str
    reference: str
    least: float


BARS = (
    Bar("lenet-b128", "captured", "torch", 2.0),
    Bar("lenet-b128", "captured", "torch-graph", 1.0),
    Bar("resnet18-b512", "captured", "torch", 0.95),
)


def distances(rows: list[Row], *, in_earnest: bool) -> list[Row]:
    """Every bar, in every precision and layout it was measured in: the ratios turn by turn, and the verdict.

    `median` is None where one of the two is missing. `distance` is the part of the bar by which it is passed
    or, below zero, missed; None without a median, and where the run was not in earnest.
    """
    found: list[Row] = []
    for bar in BARS:
        measured = [row for row in rows if row["name"] == bar.workload]
        found += [_distance(bar, row, in_earnest) for row in measured] or [_distance(bar, None, in_earnest)]
    return found


def tables(rows: list[Row], found: dict[str, Any]) -> Tables:
    dry_run = found["dry_run"]
    body = [
        [
            " / ".join(contenders.title(row[name], dry_run=dry_run) for name in ("who", "reference")),
            row["workload"],
            ", ".join(rounding(word, dry_run=dry_run) for word in row["setting"]) or "–",
            f"≥ {row['least']:g}",
            spread(row["ratios"], 2),
            _verdict(row),
        ]
        for row in rows
    ]
    head = ["bars", "at", "with", "to reach", "reached", "verdict"]
    yield "bars", [head, *body], []


def _distance(bar: Bar, row: Row | None, in_earnest: bool) -> Row:
    by_name = {} if row is None else {contender["peer"]: contender for contender in row["contenders"]}
    pairs = ratios(row, by_name[bar.who], bar.reference) if {bar.who, bar.reference} <= set(by_name) else []
    middle = median(pairs) if pairs else None
    return {
        **bar._asdict(),
        "setting": [] if row is None else [row["precision"], row["layout"]],
        "ratios": pairs,
        "median": middle,
        "distance": middle / bar.least - 1 if in_earnest and middle is not None else None,
    }


def _verdict(row: Row) -> str:
    if row["median"] is None:
        return "not measured"
    if row["distance"] is None:
        return "not judged"
    return f"{'reached' if row['distance'] >= 0 else 'missed'}, by {abs(row['distance']):.0%}"
