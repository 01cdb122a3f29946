"""Pictures: computation graphs, and plots of a training run.

    tc.Graph.of(loss).render("graph.svg")       the forward graph, name scopes as boxes
    viz.plot_history(history, "curves.png")     loss and accuracy, epoch by epoch
    viz.plot_confusion(matrix, names, path)     which class is taken for which
    viz.plot_filters(weights, path)             what the first layer looks for

    theme     colours, forms and fonts, once for all pictures
    layout    where the parts of a graph go
    dot       a Graph in the DOT language
    render    DOT to SVG, PNG or PDF
    plots     curves, matrices, filters, with matplotlib

Importing this package gives `Graph` its methods `to_dot`, `render`, `save`, `load`, and its display in
notebooks.
"""

from tinygrad_cnn import _trace_read, _trace_write
from tinygrad_cnn.graph import Graph, Recording, record
from tinygrad_cnn.viz import dot, render
from tinygrad_cnn.viz.plots import plot_confusion, plot_filters, plot_history
from tinygrad_cnn.viz.render import renderer

__all__ = ["Graph", "Recording", "plot_confusion", "plot_filters", "plot_history", "record", "renderer"]

for _name, _method in {
    "to_dot": dot.to_dot,
    "render": render.render,
    "_repr_svg_": render.svg,
    "save": _trace_write.save,
    "to_json": _trace_write.to_json,
    "load": staticmethod(_trace_read.load),
}.items():
    setattr(Graph, _name, _method)
