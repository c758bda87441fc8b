"""Layers, networks and losses, with PyTorch's names, arguments, layouts and `state_dict` keys."""

from minigrad.nn import init
from minigrad.nn.activation import GELU, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from minigrad.nn.container import ModuleDict, ModuleList, Sequential
from minigrad.nn.dropout import Dropout
from minigrad.nn.linear import Linear
from minigrad.nn.loss import BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, Loss, MSELoss
from minigrad.nn.module import Module, RemovableHandle
from minigrad.nn.parameter import Buffer, Parameter
from minigrad.nn.shape import Flatten

__all__ = [
    "GELU",
    "BCEWithLogitsLoss",
    "Buffer",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "L1Loss",
    "LeakyReLU",
    "Linear",
    "Loss",
    "MSELoss",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Parameter",
    "ReLU",
    "RemovableHandle",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "init",
]
