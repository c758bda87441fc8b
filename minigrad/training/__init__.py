"""Training: experiments, the loop, and its callbacks."""

from minigrad.training.callback import Callback, ExperimentView, TrainingView
from minigrad.training.csv_log import CSVLog
from minigrad.training.divergence import TrainingError
from minigrad.training.ema import EMA
from minigrad.training.experiment import Experiment, ExperimentError, UsageError, load
from minigrad.training.history import History
from minigrad.training.monitor import Checkpoint, EarlyStopping
from minigrad.training.own_loop import train_step
from minigrad.training.plateau import ReduceLROnPlateau
from minigrad.training.tensorboard import TensorBoard
from minigrad.training.trainer import Trainer, Training
from minigrad.training.weights import Weights, load_weights

__all__ = [
    "EMA",
    "CSVLog",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "Experiment",
    "ExperimentError",
    "ExperimentView",
    "History",
    "ReduceLROnPlateau",
    "TensorBoard",
    "Trainer",
    "Training",
    "TrainingError",
    "TrainingView",
    "UsageError",
    "Weights",
    "load",
    "load_weights",
    "train_step",
]
