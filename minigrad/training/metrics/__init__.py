"""Numbers about outputs and targets that are exact over a whole part of the data, however it was cut into batches."""

from minigrad.training.metrics.classification import (
    F1,
    Accuracy,
    Average,
    ConfusionMatrix,
    Perplexity,
    Precision,
    Recall,
    TopK,
)
from minigrad.training.metrics.metric import Metric, Tally
from minigrad.training.metrics.regression import R2, MeanAbsoluteError
from minigrad.training.metrics.sequence import ExactMatch

__all__ = [
    "F1",
    "R2",
    "Accuracy",
    "Average",
    "ConfusionMatrix",
    "ExactMatch",
    "MeanAbsoluteError",
    "Metric",
    "Perplexity",
    "Precision",
    "Recall",
    "Tally",
    "TopK",
]
