"""Training: the loop around forward, backward and update, and what people want to happen along the way.

    trainer = tc.Trainer(model, tc.optim.SGD(model.parameters(), lr=0.1), callbacks=[ProgressBar()])
    history = trainer.fit(train_loader, test_loader, epochs=10)
    history["test_accuracy"]            # one number an epoch

- `trainer.py`: `Trainer`, the loop itself; reads like the textbook's
- `callbacks.py`: `Callback`, and `CSVLogger`, `Checkpoint`, `EarlyStopping`
- `progress.py`: `ProgressBar`, one line that moves, or plain lines in a log file
- `tensorboard.py`: `TensorBoard`, the run in a browser; its pictures are made in `mosaic.py`
- `history.py`: `History`, what every epoch measured
- `steps.py`: what is done with a batch; `replayed.py`: captured if it can be; `ahead.py`: without waiting
  for a GPU
- `blame.py`: which operation made the NaN
"""

from tinygrad_cnn.train.callbacks import Callback, Checkpoint, CSVLogger, EarlyStopping
from tinygrad_cnn.train.history import History
from tinygrad_cnn.train.progress import ProgressBar
from tinygrad_cnn.train.tensorboard import TensorBoard
from tinygrad_cnn.train.trainer import Step, Trainer

__all__ = [
    "CSVLogger",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "History",
    "ProgressBar",
    "Step",
    "TensorBoard",
    "Trainer",
]
