"""The place where PyTorch has its functions: those of `tinygrad_cnn.functional`, under its name for them."""

from tinygrad_cnn.functional import *  # noqa: F403
