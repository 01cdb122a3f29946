"""Optimizers: how parameters move once their gradients are known.

    optimizer   Optimizer: groups of parameters, their state, saving and loading
    sgd         SGD: downhill, with momentum, Nesterov's momentum and weight decay
    adam        Adam: a step length for every element
    schedule    LRScheduler, OneCycleLR: learning rates that change while training

Names, arguments, defaults and results are torch.optim's.
"""

from tinygrad_cnn.optim.adam import *  # noqa: F403
from tinygrad_cnn.optim.optimizer import *  # noqa: F403
from tinygrad_cnn.optim.schedule import *  # noqa: F403
from tinygrad_cnn.optim.sgd import *  # noqa: F403
