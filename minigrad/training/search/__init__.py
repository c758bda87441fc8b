"""Sweeps: grids, repeats, folds and hyperparameter searches."""
