"""How the NumPy backend replays a captured step (`tc.capture`).

A recorded program says what is computed; a plan says where, by whom and with which memory. The way from one
to the other, file by file; `_steps` and `_fuse` lie in `tinygrad_cnn`, because other backends use them too:

    _steps.py     the calls of the program, ready to be rearranged
    _fuse.py      neighbours that become one: a ReLU inside the convolution before it
    cut.py        what a thread can do with its part of the batch
    lower.py      steps become tasks: what each thread does, and what is done once (tasks.py)
    norm.py       batch normalization, in whose middle the parts have to meet
    order.py      as few meetings as possible
    chain.py      elementwise tasks that become one, block by block
    cells.py      where in memory everything lies, and what can share
    bind.py       every task as a function without arguments
    plan.py       all of it in order; and how to look at it
"""

from .plan import NumpyPlan

__all__ = ["NumpyPlan"]
