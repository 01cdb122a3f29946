"""The backends that ship with tinygrad_cnn, each a plug-in like anybody else's.

In the repository this folder is `backends/`; installed, it is the package `tinygrad_cnn_backends`. The
core never imports it: backends are found through the entry-point group `tinygrad_cnn.backends`.

    numpy   the default: NumPy on the processor
    cupy    CuPy on an NVIDIA GPU; tested without one so far
    scalar  one Python object for every number: the specification
    meta    shapes and dtypes only, for summaries of networks too large to build
"""
