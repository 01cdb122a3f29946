"""Optimizers: how parameters move once their gradients are known.

    optimizer   Optimizer: groups of parameters, their state, saving and loading
    sgd         SGD: downhill, with momentum, Nesterov's momentum and weight decay
    adam        Adam: a step length for every element
    schedule    LRScheduler, OneCycleLR: learning rates that change while training

Names, arguments, defaults and results are torch.optim's.
"""

from tinygrad_cnn.optim.adam import Adam
from tinygrad_cnn.optim.optimizer import Optimizer, ParamGroup
from tinygrad_cnn.optim.schedule import LRScheduler, OneCycleLR
from tinygrad_cnn.optim.sgd import SGD

__all__ = ["SGD", "Adam", "LRScheduler", "OneCycleLR", "Optimizer", "ParamGroup"]
