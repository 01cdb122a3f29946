"""Learning-rate schedules, by PyTorch's name for this room.

    schedule    LRScheduler, what all share; SequentialLR, ChainedScheduler
    decay       StepLR, MultiStepLR, ExponentialLR, PolynomialLR, CosineAnnealingLR, and for the beginning
                ConstantLR, LinearLR (a warm-up)
    formula     LambdaLR, MultiplicativeLR
    cycle       OneCycleLR, CyclicLR, CosineAnnealingWarmRestarts
    plateau     ReduceLROnPlateau

`tc.optim` offers the same names, so that nobody has to know in which room they are.
"""

from tinygrad_cnn.optim.cycle import *  # noqa: F403
from tinygrad_cnn.optim.decay import *  # noqa: F403
from tinygrad_cnn.optim.formula import *  # noqa: F403
from tinygrad_cnn.optim.plateau import *  # noqa: F403
from tinygrad_cnn.optim.schedule import *  # noqa: F403
