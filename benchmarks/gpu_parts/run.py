"""What was asked for on the command line, as every part gets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

PRECISIONS = ("tf32", "float32", "bfloat16")
LAYOUTS = ("channels_last", "nchw")

Row: TypeAlias = dict[str, Any]
Say: TypeAlias = Callable[[str], None]
Measured: TypeAlias = Iterator[Row]
# A title, the rows of the table with its head, and notes below it.
Table: TypeAlias = tuple[str, list[list[str]], list[str]]
Tables: TypeAlias = Iterator[Table]


def told(say: Say, where: str) -> Say:
    """`say`, with words before each line that tell what is being measured."""
    return lambda line: say(f"{where}: {line}")


def rounding(precision: str, *, dry_run: bool) -> str:
    """How products were rounded: no processor rounds to TF32, so a dry run does without."""
    return "float32 for tf32" if dry_run and precision == "tf32" else precision


@dataclass(frozen=True)
class Run:
    """One run of `gpu.py`.

    Args:
        dry_run: on NumPy and PyTorch's CPU, with tiny batches: does everything run?
        quick: the same question on the GPU: two turns, few steps, few epochs.
        workloads, contenders: names in `contenders.py`.
        precisions: of PRECISIONS.
        layout: PyTorch's, of LAYOUTS; ours chooses by itself.
        rounds: turns of each contender.
        threads: processors for everybody.
        patience: seconds to wait for a turn, or a compilation.
        data: the folder of Fashion-MNIST.
        plans: where our timed cuDNN plans are kept.
    """

    dry_run: bool
    quick: bool
    workloads: tuple[str, ...]
    contenders: tuple[str, ...]
    precisions: tuple[str, ...]
    layout: str
    rounds: int
    threads: int
    patience: float
    data: Path
    plans: Path

    @property
    def is_short(self) -> bool:
        """Whether only a little of everything is done."""
        return self.dry_run or self.quick
