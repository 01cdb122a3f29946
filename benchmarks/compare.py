"""Everything that is measured, in one run: our package beside others, on this machine, now.

    python benchmarks/environment.py                          # once: makes benchmarks/.venv with all peers
    benchmarks/.venv/bin/python benchmarks/compare.py         # everything; an hour or two
    benchmarks/.venv/bin/python benchmarks/compare.py --workloads lenet-b64 mlp --peers ours torch
    benchmarks/.venv/bin/python benchmarks/compare.py --quick # does it run? (no figures to quote)
    benchmarks/.venv/bin/python benchmarks/compare.py --json out.json && python benchmarks/report.py out.json

Contenders start from the same weights, see the same batches and take turns (`turns.py`). What to read are
medians with their quartiles, and the ratios to PyTorch eager and to DeZero turn by turn. The column "apart"
says how far the first losses are from PyTorch's: a fast step that computes something else would be worth
nothing, and ends the run with an error.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import epochs
import machine
import scaling
import tables
from peers import ENTRIES, installed_version
from rich.console import Console
from turns import as_data, compare, in_fresh_process
from workloads import WORKLOADS, Workload

SUITES = ("graphs", "overhead", "scalar")  # files of this folder that measure by themselves
MEASURED_BY_A_SUITE = ("micrograd",)  # packages that are no peer: they know no convolutions
# No peer that would compile each of the seventeen networks anew.
SCALED = ("captured", "ours", "torch", "jax", "dezero")
MOST_APART = 1e-3  # of losses, float32, over the steps of the warm-up


def main() -> None:
    options = _options()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # tinygrad's clang
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    progress = Console(stderr=True, highlight=False)

    missing = {
        name: "not installed" for name in options.peers if installed_version(ENTRIES[name].package) is None
    }
    peers = [name for name in options.peers if name not in missing]
    packages = [*dict.fromkeys(ENTRIES[name].package for name in peers), *MEASURED_BY_A_SUITE]
    versions = {package: found for package in packages if (found := installed_version(package)) is not None}
    for name in missing:
        console.print(f"without {ENTRIES[name].title}: not installed")
    results: dict[str, Any] = {
        **in_fresh_process(machine.describe),
        "command": " ".join(["python benchmarks/compare.py", *sys.argv[1:]]),
        "threads": options.threads,
        "rounds": options.rounds,
        "quick": options.quick,
        "versions": versions,
        "missing": missing,
        "workloads": [],
    }
    console.print(machine.sentence(results))
    try:
        _measure(options, peers, results, console, progress)
    finally:  # what there is, also when somebody loses patience
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    strangers = [
        f"{row['name']}: {ENTRIES[c['peer']].title}"
        for row in results["workloads"]
        for c in row["contenders"]
        if c["apart"] > MOST_APART
    ]
    if strangers:
        sys.exit(f"not the same work: {', '.join(strangers)}")


def _measure(
    options: argparse.Namespace,
    peers: list[str],
    results: dict[str, Any],
    console: Console,
    progress: Console,
) -> None:
    """Everything that was asked for, one after the other, into `results` and onto the console."""

    def run(workload: Workload, names: list[str]) -> dict[str, Any]:
        workload = replace(workload, steps=1) if options.quick else workload
        limits = {"rounds": options.rounds, "threads": options.threads, "patience": options.patience}
        slow = [name for name in names if workload.name in ENTRIES[name].too_slow_for]
        names = [name for name in names if name not in slow]
        contenders, left_out = compare(workload, names, say=progress.print, **limits)
        left_out |= dict.fromkeys(slow, "a turn would take minutes")
        return as_data(workload, contenders, left_out)

    for name in options.workloads:
        if name in WORKLOADS:
            row = run(WORKLOADS[name], peers)
            results["workloads"].append(row)
            console.print(tables.for_terminal(tables.workload_rows(row), row["title"], tables.notes(row)))
    if "fashion-epochs" in options.workloads:
        recipe = epochs.QUICK if options.quick else epochs.Recipe(folder=options.data)
        packages = results["versions"]
        names = [name for name, entry in epochs.CONTENDERS.items() if entry.package in packages]
        limits = {"rounds": min(options.rounds, epochs.ROUNDS), "threads": options.threads}
        measured = epochs.measure(recipe, names, say=progress.print, **limits)
        results["fashion-epochs"] = measured
        title = "LeNet-5, from the files to the test images"
        console.print(tables.for_terminal(tables.epochs_rows(measured), title, tables.notes(measured)))
    if "scaling" in options.workloads:
        scaled = [name for name in peers if options.peers_given or name in SCALED]
        results["scaling"] = _scaling(run, scaled, options.quick)
        console.print(tables.for_terminal(tables.scaling_rows(results["scaling"]), "how the time grows"))
    for suite in SUITES:
        if suite in options.workloads:
            progress.print(suite)
            results[suite] = in_fresh_process(_suite, suite, options.rounds)
            console.print(tables.for_terminal(tables.ROWS[suite](results[suite]), suite))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Our package beside others, in one run.")
    every = [*WORKLOADS, "fashion-epochs", "scaling", *SUITES]
    parser.add_argument(
        "--workloads", nargs="+", choices=every, default=every, metavar="NAME", help=", ".join(every)
    )
    parser.add_argument("--peers", nargs="+", choices=list(ENTRIES), metavar="NAME", help=", ".join(ENTRIES))
    parser.add_argument("--rounds", type=int, default=15, help="turns of each contender (default 15)")
    parser.add_argument("--threads", type=int, default=2, help="processors for everybody (default 2)")
    parser.add_argument(
        "--patience", type=float, default=300, help="seconds to wait for a turn, or a compilation"
    )
    parser.add_argument(
        "--data", type=Path, default=epochs.DEBIANS_FOLDER, metavar="FOLDER", help="where Fashion-MNIST is"
    )
    parser.add_argument("--quick", action="store_true", help="two turns of one step: does everything run?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results; see report.py")
    options = parser.parse_args()
    options.peers_given = options.peers is not None
    options.peers = options.peers or list(ENTRIES)
    options.rounds = min(options.rounds, 2) if options.quick else options.rounds
    return options


# --- measuring ------------------------------------------------------------------------------------


def _scaling(run: Callable[..., dict[str, Any]], names: list[str], quick: bool) -> list[dict[str, Any]]:
    """Every size of every axis, fitted."""
    points = []
    for axis, sizes in scaling.SIZES.items():
        for size in sizes[:2] if quick else sizes:
            row = run(scaling.workload(axis, size), names)
            for contender in row["contenders"]:
                seconds = row["batch"] / statistics.median(contender["images_per_second"])
                points.append({"axis": axis, "size": size, "peer": contender["peer"], "seconds": seconds})
    return scaling.fits(points)


def _suite(name: str, rounds: int) -> Any:
    return import_module(name).measure(rounds)


if __name__ == "__main__":
    main()
