"""Training: the loop, what it measures and keeps, and the command line around it."""

from minigrad.training.callback import Callback
from minigrad.training.callbacks import ReduceLROnPlateau, TensorBoard
from minigrad.training.checkpoint import CheckpointError, read_checkpoint
from minigrad.training.command import main
from minigrad.training.experiment import Experiment, ExperimentError, UsageError, load
from minigrad.training.generation import generate
from minigrad.training.metrics import (
    F1,
    R2,
    Accuracy,
    ConfusionMatrix,
    ExactMatch,
    MeanAbsoluteError,
    Metric,
    Perplexity,
    Precision,
    Recall,
    TopK,
)
from minigrad.training.monitor import Checkpoint, EarlyStopping
from minigrad.training.outcome import evaluate, load_run, predict
from minigrad.training.run_directory import RunDirectory
from minigrad.training.settings import Trainer
from minigrad.training.trainer import Training, TrainingError

__all__ = [
    "F1",
    "R2",
    "Accuracy",
    "Callback",
    "Checkpoint",
    "CheckpointError",
    "ConfusionMatrix",
    "EarlyStopping",
    "ExactMatch",
    "Experiment",
    "ExperimentError",
    "MeanAbsoluteError",
    "Metric",
    "Perplexity",
    "Precision",
    "Recall",
    "ReduceLROnPlateau",
    "RunDirectory",
    "TensorBoard",
    "TopK",
    "Trainer",
    "Training",
    "TrainingError",
    "UsageError",
    "evaluate",
    "generate",
    "load",
    "load_run",
    "main",
    "predict",
    "read_checkpoint",
]
