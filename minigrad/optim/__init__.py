"""Optimizers and learning rate schedules, with PyTorch's names, arguments and trajectories."""

from minigrad.optim.adam import Adam, AdamW
from minigrad.optim.bucket import Bucket
from minigrad.optim.clip import clip_grad_norm_
from minigrad.optim.one_cycle import OneCycleLR
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.plateau import ReduceLROnPlateau
from minigrad.optim.schedule import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    Schedule,
    StepLR,
    WarmupCosine,
)
from minigrad.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Bucket",
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "Optimizer",
    "ReduceLROnPlateau",
    "Schedule",
    "StepLR",
    "WarmupCosine",
    "clip_grad_norm_",
]
