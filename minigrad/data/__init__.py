"""Datasets, loaders, file readers, augmentation and tokenizers."""

from minigrad.data.arrays import Arrays
from minigrad.data.augment import Augmentation, Crop, Cutout, Flip, Jitter, Rotate
from minigrad.data.byte_pair_text import BytePairText
from minigrad.data.dataset import Dataset, Targets, class_targets
from minigrad.data.digits import Digits
from minigrad.data.errors import DataError, DataWarning
from minigrad.data.examples import Examples
from minigrad.data.files import find
from minigrad.data.idx import IDX
from minigrad.data.image_folder import ImageFolder
from minigrad.data.loader import Batch, DataLoader
from minigrad.data.mnist import MNIST, FashionMNIST
from minigrad.data.options import Missing
from minigrad.data.sampler import Balanced, Sampler
from minigrad.data.sequences import Addition, Reverse
from minigrad.data.splits import split
from minigrad.data.synthetic import XOR, Circles, Moons, Spirals, Weather
from minigrad.data.table import Table
from minigrad.data.text import ByteText, CharText, Text
from minigrad.data.text_table import TextTable
from minigrad.data.tokens import Tokens
from minigrad.data.windows import Windows

__all__ = [
    "IDX",
    "MNIST",
    "XOR",
    "Addition",
    "Arrays",
    "Augmentation",
    "Balanced",
    "Batch",
    "BytePairText",
    "ByteText",
    "CharText",
    "Circles",
    "Crop",
    "Cutout",
    "DataError",
    "DataLoader",
    "DataWarning",
    "Dataset",
    "Digits",
    "Examples",
    "FashionMNIST",
    "Flip",
    "ImageFolder",
    "Jitter",
    "Missing",
    "Moons",
    "Reverse",
    "Rotate",
    "Sampler",
    "Spirals",
    "Table",
    "Targets",
    "Text",
    "TextTable",
    "Tokens",
    "Weather",
    "Windows",
    "class_targets",
    "find",
    "split",
]
