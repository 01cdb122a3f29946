"""What every epoch of a training run measured, and how numbers of batches become one of an epoch."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Literal

from tinygrad_cnn.errors import ArgumentError, UnknownName

Row = dict[str, float]


class History:
    """One row an epoch: its number, the learning rate, losses, accuracies, and how fast it was.

    Args:
        rows: those of a run that is taken up again.

    Raises:
        UnknownName: `history[...]` of something that was not measured; shows what was.

    >>> history = History([{"epoch": 1, "test_loss": 0.9}, {"epoch": 2, "test_loss": 0.5}])
    >>> history["test_loss"]
    [0.9, 0.5]
    >>> history.best("test_loss", "min")
    {'epoch': 2, 'test_loss': 0.5}
    """

    def __init__(self, rows: Iterable[Mapping[str, float]] = ()) -> None:
        self.rows: list[Row] = [dict(row) for row in rows]

    def append(self, row: Row) -> None:
        """Add what the latest epoch measured."""
        self.rows.append(row)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> list[float]:
        """One number an epoch, such as `history["test_accuracy"]`."""
        if self.rows and name not in self.rows[-1]:
            raise UnknownName.among(name, self.rows[-1], kind="measurement", argument="name")
        return [row[name] for row in self.rows]

    def best(self, name: str, mode: Literal["min", "max"]) -> Row:
        """The row of the epoch with the smallest or largest number; the earliest of several."""
        if not self.rows:
            raise ArgumentError("no epoch is complete, so none is best", got="an empty history")
        values = self[name]
        return self.rows[values.index(min(values) if mode == "min" else max(values))]

    def to_csv(self) -> str:
        """The rows as comma-separated values, with names in the first line and every digit of each number.

        >>> print(History([{"epoch": 1, "test_loss": 0.5}]).to_csv(), end="")
        epoch,test_loss
        1,0.5
        """
        text = io.StringIO()
        writer = csv.DictWriter(text, self.rows[0] if self.rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()

    def __repr__(self) -> str:
        return f"History({len(self)} epochs: {', '.join(self.rows[-1]) if self.rows else 'nothing yet'})"


class Means:
    """Running means, where a batch of 64 images counts twice as much as one of 32.

    >>> means = Means()
    >>> means.add({"loss": 1.0}, weight=64); means.add({"loss": 4.0}, weight=32)
    >>> means.values()
    {'loss': 2.0}
    """

    def __init__(self) -> None:
        self.weight = 0
        self._sums: dict[str, float] = {}

    def add(self, values: Mapping[str, float], *, weight: int) -> None:
        self.weight += weight
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value * weight

    def values(self) -> Row:
        """The means so far (of nothing at all: no values)."""
        return {name: total / self.weight for name, total in self._sums.items()}
