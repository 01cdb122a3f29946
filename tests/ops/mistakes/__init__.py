"""Mistakes that people make in gradient rules: a catalogue of wrong ones, each plausible, each to be noticed.

`test_mutations` puts each in the place of the right rule and lets the generated checks look at it. `kernels`
holds the same for forward passes.
"""

from ops.mistakes import elements, layers, places, reductions, windows
from ops.mistakes.kernels import WRONG_KERNELS

__all__ = ["MISTAKES", "WRONG_KERNELS"]

MISTAKES = [
    *elements.ARITHMETIC,
    *elements.ELEMENTWISE,
    *elements.TRIGONOMETRY,
    *elements.LOGARITHMS,
    *places.MOVEMENT,
    *places.SCANS,
    *places.ROWS_AND_COLUMNS,
    *reductions.REDUCTIONS,
    *windows.PRODUCTS,
    *windows.CONVOLUTION,
    *windows.POOLING,
    *layers.NORMALIZATION_AND_LOSSES,
]
