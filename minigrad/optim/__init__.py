"""Optimizers and learning rate schedules, as in PyTorch.

Names, arguments, defaults and trajectories are PyTorch's.
"""

from minigrad.optim.adagrad import Adagrad
from minigrad.optim.adam import Adam, AdamW
from minigrad.optim.bucket import Bucket
from minigrad.optim.clip import clip_grad_norm_
from minigrad.optim.lbfgs import LBFGS
from minigrad.optim.lion import Lion
from minigrad.optim.muon import Muon
from minigrad.optim.nadam import NAdam
from minigrad.optim.one_cycle import OneCycleLR
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.plateau import ReduceLROnPlateau
from minigrad.optim.radam import RAdam
from minigrad.optim.rmsprop import RMSprop
from minigrad.optim.schedule import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    PolynomialLR,
    Schedule,
    StepLR,
    WarmupCosine,
)
from minigrad.optim.sequential import SequentialLR
from minigrad.optim.sgd import SGD

__all__ = [
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Bucket",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LinearLR",
    "Lion",
    "MultiStepLR",
    "Muon",
    "NAdam",
    "OneCycleLR",
    "Optimizer",
    "PolynomialLR",
    "RAdam",
    "RMSprop",
    "ReduceLROnPlateau",
    "Schedule",
    "SequentialLR",
    "StepLR",
    "WarmupCosine",
    "clip_grad_norm_",
]
