"""Observers of operations: NaN detection and profiling."""

from minigrad.observers.anomaly import AnomalyError, detect_anomaly

__all__ = ["AnomalyError", "detect_anomaly"]
