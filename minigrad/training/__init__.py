"""Training: the loop, what it measures and keeps, and the command line around it."""

from minigrad.training.command import main
from minigrad.training.experiment import Experiment, ExperimentError, load
from minigrad.training.metrics import Accuracy, Metric
from minigrad.training.monitor import Checkpoint, EarlyStopping
from minigrad.training.run_directory import RunDirectory
from minigrad.training.trainer import Trainer, Training, TrainingError

__all__ = [
    "Accuracy",
    "Checkpoint",
    "EarlyStopping",
    "Experiment",
    "ExperimentError",
    "Metric",
    "RunDirectory",
    "Trainer",
    "Training",
    "TrainingError",
    "load",
    "main",
]
