"""Data: what a dataset is, how its examples come in batches, and the datasets that are ready to use."""

from minigrad.data.arrays import Arrays
from minigrad.data.dataset import DataError, Dataset, Examples, Targets, class_targets, split
from minigrad.data.digits import Digits
from minigrad.data.loader import DataLoader
from minigrad.data.mnist import MNIST
from minigrad.data.synthetic import XOR, Moons, Spirals
from minigrad.data.table import Table

__all__ = [
    "MNIST",
    "XOR",
    "Arrays",
    "DataError",
    "DataLoader",
    "Dataset",
    "Digits",
    "Examples",
    "Moons",
    "Spirals",
    "Table",
    "Targets",
    "class_targets",
    "split",
]
