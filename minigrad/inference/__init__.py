"""Trained models in use: load, evaluate, predict, generate, export."""

from minigrad.inference.export import save_weights
from minigrad.inference.generate import generate
from minigrad.inference.huggingface import save_huggingface
from minigrad.inference.load import load_run, open_run
from minigrad.inference.predict import evaluate, predict
from minigrad.inference.pretrained import Writer, load_pretrained
from minigrad.inference.sources import read_sources

__all__ = [
    "Writer",
    "evaluate",
    "generate",
    "load_pretrained",
    "load_run",
    "open_run",
    "predict",
    "read_sources",
    "save_huggingface",
    "save_weights",
]
