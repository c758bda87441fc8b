"""Optuna studies in a database or file.

Several machines may share them.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import OptunaError
from optuna.pruners import MedianPruner, NopPruner
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from minigrad.training.experiment import UsageError
from minigrad.training.monitor import Mode
from minigrad.training.search.folder import others

LOCKED_SECONDS = 30.0
"""The time in seconds to wait for a locked database."""

_SPEC = "minigrad"  # the attribute of a study that says what is searched

optuna.logging.set_verbosity(optuna.logging.ERROR)


def open_study(storage: str, name: str, spec: Mapping[str, Any], mode: Mode, prune: bool) -> optuna.Study:
    """Return the study of this name in a storage.

    It may have trials of this search already.

    Args:
        storage: the URL of a database, as `sqlite:///search.db`, or the path of a file.
        name: of the study.
        spec: what is searched, as JSON can hold it.
        mode: the better direction of the monitored value.
        prune: whether trials end that fall behind the median of the others.

    Raises:
        UsageError: if the storage cannot be used, or has another search of this name.
    """
    with storage_errors(storage):
        study = optuna.create_study(
            storage=_storage(storage),
            study_name=name,
            direction="maximize" if mode == "max" else "minimize",
            pruner=MedianPruner() if prune else NopPruner(),
            load_if_exists=True,
        )
        known = study.user_attrs.get(_SPEC)
        if known is None and not study.get_trials(deepcopy=False):
            study.set_user_attr(_SPEC, dict(spec))
            known = spec
    if known != spec:
        what = others(known, spec) if known else "it was not made by minigrad"
        raise UsageError(f"{without_password(storage)} has another search {name!r}: {what}; choose another --name")
    return study


@contextmanager
def storage_errors(storage: str) -> Iterator[None]:
    """Raise UsageError for errors of a storage.

    The error is one sentence.
    """
    from sqlalchemy.exc import SQLAlchemyError  # which Optuna needs

    shown = without_password(storage)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ModuleNotFoundError as error:
        raise UsageError(f"{shown} needs {error.name}: pip install {error.name}") from error
    except (OptunaError, SQLAlchemyError, OSError, ValueError, LookupError, TypeError, AssertionError) as error:
        causes = [error, error.__cause__, error.__context__, getattr(error.__cause__, "orig", None)]
        text = " ".join(str(cause) for cause in causes if cause is not None)
        if "locked" in text:
            remedy = "end what writes to it, or wait, and start again: the trials so far are kept"
            raise UsageError(f"{shown} is locked by another program; {remedy}") from error
        reason = without_password((str(error.__cause__ or error) or type(error).__name__).splitlines()[0])
        raise UsageError(f"{shown} cannot be used as a storage of trials: {reason}") from error


def without_password(text: str) -> str:
    """Return a text with passwords removed from its URLs."""
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", text)


def _storage(storage: str) -> BaseStorage:
    if "://" not in storage:
        path = Path(storage)
        if path.exists() and path.stat().st_size and not path.read_bytes()[:1] == b"{":
            raise ValueError("it is no journal of Optuna; a database is named by a URL, as sqlite:///search.db")
        return JournalStorage(JournalFileBackend(storage))
    options = {"connect_args": {"timeout": LOCKED_SECONDS}} if storage.startswith("sqlite") else {}
    return RDBStorage(storage, engine_kwargs={"pool_pre_ping": True, **options})
