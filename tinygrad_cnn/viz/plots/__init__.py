"""Plots with numbers in them, drawn with matplotlib; each function returns a `Plot`.

plot      `Plot`, which a notebook shows and `save` writes; what all plots share
cells     arrays as cells with their numbers, in rows with signs between them
arrays    `plot_arrays`: small arrays side by side
window    `plot_window`: one position of a sliding window, product by product
images    `plot_images`: pictures in a grid
lines     `plot_lines`: curves, and points on them with their tangents
bars      `plot_bars`: distributions side by side
regions   `plot_regions`: how a classifier cuts the plane
training  `plot_history` and `plot_confusion`: how a training run went
filters   `plot_filters`: the kernels of a layer
"""

from tinygrad_cnn.viz.plots.arrays import plot_arrays
from tinygrad_cnn.viz.plots.bars import plot_bars
from tinygrad_cnn.viz.plots.filters import plot_filters
from tinygrad_cnn.viz.plots.images import plot_images
from tinygrad_cnn.viz.plots.lines import Point, plot_lines
from tinygrad_cnn.viz.plots.plot import Plot
from tinygrad_cnn.viz.plots.regions import plot_regions
from tinygrad_cnn.viz.plots.training import plot_confusion, plot_history
from tinygrad_cnn.viz.plots.window import plot_window

__all__ = [
    "Plot",
    "Point",
    "plot_arrays",
    "plot_bars",
    "plot_confusion",
    "plot_filters",
    "plot_history",
    "plot_images",
    "plot_lines",
    "plot_regions",
    "plot_window",
]
