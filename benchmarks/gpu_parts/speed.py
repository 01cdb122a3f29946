"""Images per second of training, with the batches on the GPU already: how fast is a step?

The harness is that of `compare.py`: contenders start from the same weights, see the same batches, take turns
in processes of their own, and have to get the same losses in their first steps. A turn is many steps, and
ends when the GPU has done the last of them. "peak MiB" is what the framework's allocator had of the GPU.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import tables as shared
from turns import as_data, compare

from gpu_parts import contenders
from gpu_parts.run import Measured, Row, Run, Say, Tables, told

KEY = ("name", "precision", "layout")

# Of the first losses, relative: rounding differs, and a step goes on from what the last one made.
MOST_APART = {"float32": 1e-3, "tf32": 1e-2, "bfloat16": 1e-1}


def measure(run: Run, say: Say) -> Measured:
    """A row for each workload in each precision."""
    for precision in run.precisions:
        entries = contenders.entries(run.contenders, precision, run)
        missing = contenders.missing(entries)
        for name in run.workloads:
            workload = contenders.workload(name, run)
            ready, left_out = compare(
                workload,
                [name for name in entries if name not in missing],
                rounds=run.rounds,
                threads=run.threads,
                patience=run.patience,
                say=told(say, f"speed in {precision}"),
                entries=entries,
            )
            row = as_data(workload, ready, missing | left_out)
            yield row | {"precision": precision, "layout": run.layout}


def strangers(rows: list[Row], *, dry_run: bool) -> list[str]:
    """Who has computed something else than PyTorch, and so was not measured at all."""
    return [
        f"{row['name']} in {row['precision']}: {contenders.title(contender['peer'], dry_run=dry_run)}"
        for row in rows
        for contender in row["contenders"]
        if not contender["apart"] <= MOST_APART[row["precision"]]
    ]


def tables(rows: list[Row], found: dict[str, Any]) -> Tables:
    dry_run = found["dry_run"]
    title = partial(contenders.title, dry_run=dry_run)
    for row in rows:
        here = {contender["peer"] for contender in row["contenders"]}
        references = [name for name in ("torch", "torch-graph") if name in here]
        compared = [f"× {title(name)}" for name in references]
        head = ["", "images/s", *compared, f"first {row['warm_up']} steps, s", "peak MiB", "apart"]
        body = [
            [
                title(contender["peer"]),
                shared.spread(contender["images_per_second"]),
                *(shared.spread(shared.ratios(row, contender, name), 2) for name in references),
                f"{contender['warm_up_seconds']:.1f}",
                f"{contender['peak_bytes'] / 2**20:,.0f}",
                f"{contender['apart']:.0e}",
            ]
            for contender in row["contenders"]
        ]
        notes = [f"without {title(name)}: {why}" for name, why in row["left_out"].items()]
        yield f"{row['title']}, {contenders.setting(row, dry_run=dry_run)}", [head, *body], notes
