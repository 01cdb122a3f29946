"""How the CuPy backend replays a captured step (`tc.capture`): as one CUDA graph.

A small network's step is hundreds of kernels, and the processor needs longer to ask for most of them than the
GPU to run them. A CUDA graph is a list of kernels with their arguments that was given to the driver once;
afterwards one call starts them all. So three things are done to a recorded program:

    fuse.py        neighbours become one kernel: a convolution, its bias and its ReLU
    labels.py      among them the loss of a classifier and its gradient
    together.py    the small steps of many layers become one launch: the optimizer's updates, running
                   statistics, counters
    gradients.py   what can be read after the step lies side by side
    plan.py        what is left is run once kernel by kernel, then recorded as a graph, then replayed
    describe.py    and how to look at it

`tinygrad_cnn/_steps.py` and `_fuse.py` say what a step and a rule are.
"""

from .plan import CudaPlan

__all__ = ["CudaPlan"]
