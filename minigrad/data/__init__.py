"""Data: what a dataset is, how its examples come in batches, and the datasets that are ready to use."""

from minigrad.data.arrays import Arrays
from minigrad.data.dataset import DataError, Dataset, Examples, Targets, class_targets, split
from minigrad.data.digits import Digits
from minigrad.data.idx import IDX
from minigrad.data.loader import Batch, DataLoader
from minigrad.data.mnist import MNIST
from minigrad.data.sequences import Addition, Reverse
from minigrad.data.synthetic import XOR, Circles, Moons, Spirals, Weather
from minigrad.data.table import Table
from minigrad.data.text import ByteText, CharText, Text
from minigrad.data.tokens import Tokens

__all__ = [
    "IDX",
    "MNIST",
    "XOR",
    "Addition",
    "Arrays",
    "Batch",
    "ByteText",
    "CharText",
    "Circles",
    "DataError",
    "DataLoader",
    "Dataset",
    "Digits",
    "Examples",
    "Moons",
    "Reverse",
    "Spirals",
    "Table",
    "Targets",
    "Text",
    "Tokens",
    "Weather",
    "class_targets",
    "split",
]
