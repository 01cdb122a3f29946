"""Optimizers: how parameters move once their gradients are known.

    optimizer     Optimizer: groups of parameters, their state, saving and loading
    options       ParamGroup: parameters that share their options, and what these mean
    sgd           SGD: downhill, with momentum, Nesterov's momentum and weight decay
    heavy_ball    HeavyBall: momentum as lectures write it
    adagrad       Adagrad: shorter steps where there was much to go down
    adadelta      Adadelta: steps as long as they usually are
    rmsprop       RMSprop: gradients divided by their usual size
    adam          Adam, AdamW: both together, a direction and a step length for every element
    adamax        Adamax: the same by the largest gradient
    nadam         NAdam: the same with Nesterov's momentum
    radam         RAdam: the same with a warm-up of its own
    rprop         Rprop: by the signs of gradients alone

    lr_scheduler  learning rates that change while training: StepLR, CosineAnnealingLR, OneCycleLR ...
    averaging     AveragedModel: a network whose weights are an average over its training

Read `sgd` first; then every optimizer is a formula, a rule of a few lines (see `rule`) and its options.

Names, arguments, defaults and results are torch.optim's. What PyTorch offers for the sake of speed is left
out: foreach, fused, capturable, differentiable.
"""

from tinygrad_cnn.optim import lr_scheduler
from tinygrad_cnn.optim.adadelta import *  # noqa: F403
from tinygrad_cnn.optim.adagrad import *  # noqa: F403
from tinygrad_cnn.optim.adam import *  # noqa: F403
from tinygrad_cnn.optim.adamax import *  # noqa: F403
from tinygrad_cnn.optim.averaging import *  # noqa: F403
from tinygrad_cnn.optim.heavy_ball import *  # noqa: F403
from tinygrad_cnn.optim.lr_scheduler import *  # noqa: F403
from tinygrad_cnn.optim.nadam import *  # noqa: F403
from tinygrad_cnn.optim.optimizer import *  # noqa: F403
from tinygrad_cnn.optim.options import *  # noqa: F403
from tinygrad_cnn.optim.radam import *  # noqa: F403
from tinygrad_cnn.optim.rmsprop import *  # noqa: F403
from tinygrad_cnn.optim.rprop import *  # noqa: F403
from tinygrad_cnn.optim.sgd import *  # noqa: F403
