"""What is on a plot: its pixels, what is written, which cells are marked."""

import io

import numpy as np


def pixels(content):
    """A PNG file as (H, W, 4) numbers from 0 to 1."""
    from matplotlib.image import imread

    return imread(io.BytesIO(content))


def texts(plot):
    """Everything that is written on a plot."""
    from matplotlib.text import Text

    return [text.get_text() for text in plot.figure.findobj(Text) if text.get_text()]


def placed_texts(plot):
    """Everything that is written on a sheet, with its place in inches."""
    (axes,) = plot.figure.axes
    return {
        tuple(np.round(text.get_position(), 3)): text.get_text() for text in axes.texts if text.get_text()
    }


def marked(plot):
    """The rectangles (left, top, right, bottom) around everything that has a halo, in inches."""
    from matplotlib.collections import LineCollection

    (axes,) = plot.figure.axes
    halos = [lines for lines in axes.collections if isinstance(lines, LineCollection)][::2]
    ends = [np.concatenate(lines.get_segments()) for lines in halos]
    return [(*corners.min(axis=0), *corners.max(axis=0)) for corners in ends]


def texts_inside(plot, rectangle):
    """What is written inside a rectangle, line by line."""
    left, top, right, bottom = rectangle
    places = placed_texts(plot)
    inside = [(y, x) for x, y in places if left < x < right and top < y < bottom]
    return [places[x, y] for y, x in sorted(inside)]


def fills(plot):
    """The colours of the cells, in reading order."""
    from matplotlib.colors import to_hex

    (axes,) = plot.figure.axes
    return [to_hex(patch.get_facecolor()) for patch in axes.patches]
