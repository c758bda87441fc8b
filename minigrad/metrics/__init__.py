"""Metrics, exact over a dataset however it is batched."""

from minigrad.metrics.classification import (
    F1,
    Accuracy,
    Average,
    ConfusionMatrix,
    Perplexity,
    Precision,
    Recall,
    TopK,
)
from minigrad.metrics.collection import MetricCollection
from minigrad.metrics.metric import Metric
from minigrad.metrics.regression import R2, MeanAbsoluteError
from minigrad.metrics.sequence import ExactMatch

__all__ = [
    "F1",
    "R2",
    "Accuracy",
    "Average",
    "ConfusionMatrix",
    "ExactMatch",
    "MeanAbsoluteError",
    "Metric",
    "MetricCollection",
    "Perplexity",
    "Precision",
    "Recall",
    "TopK",
]
