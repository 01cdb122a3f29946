"""Our GPU backend beside PyTorch on one GPU, in one run: one file of results, one set of tables.

    python benchmarks/gpu.py --json gpu.json                       # everything
    python benchmarks/gpu.py --json gpu.json --parts speed --workloads lenet-b128
    python benchmarks/gpu.py --dry-run                             # without a GPU: does everything run?
    python benchmarks/gpu.py --show gpu.json                       # the tables again

Needed are this package, CuPy, PyTorch built for CUDA, rich and, for the conformance tests, pytest; what is
missing is left out, with the reason. Each row is written to the file as soon as it is measured, and a later
command with the same file adds to it (`gpu_parts/results.py`), so a long measurement can be done in pieces.
What is measured, and how, stands in `gpu_parts/__init__.py`.

The exit status is 1 where there is no GPU, where a part could not be measured, where conformance tests failed
or did not run, and where two contenders did not compute the same.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import epochs
import machine
import tables
from gpu_parts import PARTS, bars, conformance, contenders, device, results, speed
from gpu_parts.run import LAYOUTS, PRECISIONS, Run
from rich.console import Console
from turns import in_fresh_process, in_words

DRY = "A dry run on NumPy and PyTorch's CPU, with tiny batches: nothing here was run on a GPU."
QUICK = "A trial (--quick): these figures say nothing."


def main() -> None:
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    try:
        if options.show:
            show(results.read(options.show), console)
        else:
            _measure_and_show(options, console)
    except results.ResultsError as problem:
        sys.exit(str(problem))


def _measure_and_show(options: argparse.Namespace, console: Console) -> None:
    if options.json:
        results.check_writable(options.json)
    if not options.dry_run and (problem := in_fresh_process(device.problem)) is not None:
        reason, hint = problem
        sys.exit(f"no GPU to measure: {reason}\n{hint}\n--dry-run does everything without one")
    facts = {
        "dry_run": options.dry_run,
        "quick": options.quick,
        "device": in_fresh_process(device.describe, options.dry_run),
        "command": " ".join(["python benchmarks/gpu.py", *sys.argv[1:]]),
    }
    found = results.begin(options.json, facts)
    with tempfile.TemporaryDirectory() as folder:
        run = _run(options, Path(folder))
        failed = _measure(run, options, found)
    show(found, console)
    strangers = speed.strangers(found["parts"]["speed"], dry_run=options.dry_run)
    if failed or strangers:
        sys.exit("\n".join([*failed, *(f"not the same work: {stranger}" for stranger in strangers)]))


def show(found: dict[str, Any], console: Console) -> None:
    """All tables, beginning with what they are worth."""
    for title, rows, notes in everything(found):
        console.print(tables.for_terminal(rows, title, notes))


def everything(found: dict[str, Any]) -> list[tuple[str, list[list[str]], list[str]]]:
    """Every table of the results: title, rows, notes; the facts come first, and the bars right after them."""
    made = [_facts(found), *bars.tables(found["bars"], found)]
    for name in PARTS:
        made += import_module(f"gpu_parts.{name}").tables(found["parts"][name], found)
    return made


def _facts(found: dict[str, Any]) -> tuple[str, list[list[str]], list[str]]:
    """On what and with what; and a warning where the rows are not of one state of the code."""
    facts = found["device"]
    commits = sorted({row["measured"]["commit"] for rows in found["parts"].values() for row in rows})
    clocks = [row["measured"]["clocks"] for rows in found["parts"].values() for row in rows]
    told = {
        "machine": machine.sentence({**facts, "threads": facts["machine"]["processors"]}),
        **{f"GPU: {name}": value for name, value in facts["gpu"].items()},
        **{name: value for name, value in facts["libraries"].items() if value is not None},
        "packages": ", ".join(f"{name} {version}" for name, version in facts["versions"].items()),
        "clocks": "; ".join(dict.fromkeys(", ".join(each.values()) for each in clocks if each))
        or "not readable",
    }
    notes = [DRY] * found["dry_run"] + [QUICK] * found["quick"]
    notes += [f"measured at several commits: {', '.join(commits)}"] * (len(commits) > 1)
    notes += [f"by {command}" for command in found["commands"]]
    return "on what", [["", ""], *([name, str(value)] for name, value in told.items())], notes


def _measure(run: Run, options: argparse.Namespace, found: dict[str, Any]) -> list[str]:
    """Every part that was asked for; returns what went wrong. Rows are saved as they come."""
    progress = Console(stderr=True, highlight=False, soft_wrap=True)
    failed = []
    for name in options.parts:
        try:
            for row in import_module(f"gpu_parts.{name}").measure(run, progress.print):
                stamped = {**row, "measured": {**device.stamp(), "commit": found["device"]["commit"]}}
                results.add(found, name, stamped)
                found["bars"] = bars.distances(found["parts"]["speed"], in_earnest=not run.is_short)
                results.save(found, options.json)
        except Exception as problem:
            failed.append(f"{name} could not be measured: {in_words(problem)}")
    if "conformance" in options.parts:
        failed += filter(None, map(conformance.failure, found["parts"]["conformance"]))
    return failed


def _run(options: argparse.Namespace, folder: Path) -> Run:
    plans = options.json.with_suffix(".plans.json") if options.json else folder / "plans.json"
    return Run(
        dry_run=options.dry_run,
        quick=options.quick,
        workloads=tuple(options.workloads),
        contenders=tuple(options.contenders),
        precisions=tuple(options.precisions),
        layout=options.layout,
        rounds=2 if options.dry_run or options.quick else options.rounds,
        threads=1 if options.dry_run else os.cpu_count() or 1,
        patience=options.patience,
        data=options.data,
        plans=plans.absolute(),
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Our GPU backend beside PyTorch, in one run.")

    def names(flag: str, known: tuple[str, ...], default: tuple[str, ...], about: str) -> None:
        listed = ", ".join(known)
        parser.add_argument(
            flag, nargs="+", choices=known, default=list(default), metavar="NAME", help=f"{about}: {listed}"
        )

    names("--parts", PARTS, PARTS, "what to measure")
    workloads = tuple(contenders.WORKLOADS)
    names("--workloads", workloads, workloads, "networks and batch sizes")
    names("--contenders", contenders.CONTENDERS, contenders.CONTENDERS, "who takes part")
    names("--precisions", PRECISIONS, PRECISIONS[:1], "how products are rounded (default tf32)")
    parser.add_argument("--layout", choices=LAYOUTS, default=LAYOUTS[0], help="PyTorch's layout of images")
    parser.add_argument("--rounds", type=int, default=11, help="turns of each contender (default 11)")
    parser.add_argument(
        "--patience", type=float, default=540, help="seconds to wait for a turn, a compilation, the tests"
    )
    parser.add_argument(
        "--data", type=Path, default=epochs.DEBIANS_FOLDER, metavar="FOLDER", help="where Fashion-MNIST is"
    )
    parser.add_argument("--quick", action="store_true", help="two short turns: does everything run?")
    parser.add_argument("--dry-run", action="store_true", help="on NumPy and PyTorch's CPU: without a GPU")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results, or add them")
    parser.add_argument("--show", type=Path, metavar="FILE", help="only print the tables of a file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
