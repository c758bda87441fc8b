"""Two modules that own some of everything."""

import numpy as np

from minigrad.nn import Buffer, Linear, Module, ModuleList, Parameter, ReLU


class Scale(Module):
    """One parameter, one buffer that is saved, and one that is not."""

    def __init__(self, size=3):
        self.factor = Parameter(np.ones(size, np.float32))
        self.offset = Buffer(np.zeros(size, np.float32))
        self.table = Buffer(np.arange(size), persistent=False)

    def forward(self, x, power=1):
        return x * self.factor**power + self.offset


class Network(Module):
    def __init__(self):
        self.scale = Scale()
        self.layers = ModuleList([Linear(3, 4), ReLU(), Linear(4, 2)])
        self.bias = Parameter(np.zeros(2, np.float32))

    def forward(self, x):
        x = self.scale(x)
        for layer in self.layers:
            x = layer(x)
        return x + self.bias
