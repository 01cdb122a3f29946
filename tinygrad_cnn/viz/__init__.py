"""Pictures: computation graphs, arrays, curves, and plots of a training run.

    tc.Graph.of(loss).render("graph.svg")       the forward graph, name scopes as boxes
    viz.plot_arrays({"x": x, "w": w})           small arrays side by side, with their numbers
    viz.plot_window(x, kernel, (0, 1))          one position of a convolution, product by product
    viz.plot_images(images, titles)             pictures in a grid
    viz.plot_lines({"loss": (x, y)}, ...)       curves, and tangents on them
    viz.plot_bars({"p": p, "q": q}, labels)     distributions side by side
    viz.plot_regions(classify, points, labels)  how a classifier cuts the plane
    viz.plot_history(history)                   loss and accuracy, epoch by epoch
    viz.plot_confusion(matrix, names)           which class is taken for which
    viz.plot_filters(weights)                   what the first layer looks for

    views     which picture of a graph: forward, backward, twin; each has a file
    picture   what a picture consists of, before it is written down
    fold      scopes as single boxes, repeated ones as "× N"
    theme     colours, forms and fonts, once for all pictures
    drawing   a picture in any format: dot (with labels), mermaid, tikz; render makes SVG, PNG, PDF of DOT
    methods   what `Graph` gets of all this
    player    a page that plays a graph step by step
    terminal  the same in a terminal, with keys or as a listing; steps is what happens, in a teacher's words
    explain   why a gradient is zero, NaN, tiny or huge; the reasons stand in reasons
    plots     pictures with numbers in them, with matplotlib: a notebook shows them, `.save(path)` writes them
    memory    where in memory the values of a captured step lie, task by task

Importing this package gives `Graph` its methods `draw`, `to_dot`, `render`, `zoom`, `diff`, `save`, `load`
and some more, and its display in notebooks.
"""

from tinygrad_cnn import _trace_read, _trace_write
from tinygrad_cnn.graph import Graph, Recording, record
from tinygrad_cnn.io import tensorboard
from tinygrad_cnn.viz import diff, explain, methods, zoom
from tinygrad_cnn.viz.diff import Diff
from tinygrad_cnn.viz.drawing import Drawing
from tinygrad_cnn.viz.memory import MemoryDrawing
from tinygrad_cnn.viz.player import Player, step, to_html
from tinygrad_cnn.viz.plots import (
    Plot,
    Point,
    plot_arrays,
    plot_bars,
    plot_confusion,
    plot_filters,
    plot_history,
    plot_images,
    plot_lines,
    plot_regions,
    plot_window,
)
from tinygrad_cnn.viz.render import renderer

__all__ = [
    "Diff",
    "Drawing",
    "Graph",
    "MemoryDrawing",
    "Player",
    "Plot",
    "Point",
    "Recording",
    "plot_arrays",
    "plot_bars",
    "plot_confusion",
    "plot_filters",
    "plot_history",
    "plot_images",
    "plot_lines",
    "plot_regions",
    "plot_window",
    "record",
    "renderer",
    "step",
]

for _name, _method in {
    "draw": methods.draw,
    "to_dot": methods.to_dot,
    "to_mermaid": methods.to_mermaid,
    "to_tikz": methods.to_tikz,
    "render": methods.render,
    "_repr_svg_": methods.svg,
    "zoom": zoom.zoom,
    "diff": diff.diff,
    "save": _trace_write.save,
    "to_tensorboard": tensorboard.to_tensorboard,
    "to_json": _trace_write.to_json,
    "to_html": to_html,
    "explain": explain.explain,
    "load": staticmethod(_trace_read.load),
    "from_json": staticmethod(_trace_read.from_json),
}.items():
    setattr(Graph, _name, _method)
