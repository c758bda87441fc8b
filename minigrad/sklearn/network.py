"""The network of an estimator: construction, training and pickling."""

from __future__ import annotations

import copy
import io
import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from minigrad.config import Plan, Registry, load_plan, parse_plan
from minigrad.engine import Tensor, no_grad
from minigrad.nn import Buffer, Module, Sequential
from minigrad.parallel import blas_threads
from minigrad.sklearn import rows
from minigrad.sklearn.rows import Rows
from minigrad.training import Experiment
from minigrad.training.experiment import building, known_classes
from minigrad.training.history import Recorder
from minigrad.training.trainer import Training

Model = Module | list[Module] | tuple[Module, ...] | str | Path | None
"""A module, a list of layers, or a config or model as YAML text or file."""

_NEVER = 2**62
_BATCH = 1024
"""Examples per batch of predictions."""

_CONFIG = """\
name: estimator
data: Rows
loss: {loss}
optimizer: {{AdamW: {{lr: 3e-3, weight_decay: 0.01}}}}
trainer: {{max_epochs: 100}}
model:
{model}
"""


class Network:
    """A trained module.

    Args:
        module: the module.
        plan: the config that the module was built from, as YAML; empty if the module was given.
        data: one example, for the sizes that a config refers to.

    Attributes:
        history: the training records, one per epoch or fewer.
    """

    def __init__(self, module: Module, plan: str, data: Rows) -> None:
        self.module = module
        self.history: list[Mapping[str, float]] = []
        self._plan = plan
        self._data = data

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs (N, k) for inputs.

        They are computed in float64, so that the other inputs of a batch affect only the last digits.
        """
        module = copy.deepcopy(self.module).to(np.float64).eval()
        with no_grad(), blas_threads(1):
            batches = (inputs[start : start + _BATCH] for start in range(0, len(inputs), _BATCH))
            return np.concatenate([module(Tensor(batch.astype(np.float64))).data for batch in batches])

    def __getstate__(self) -> dict[str, Any]:
        if not self._plan:
            return self.__dict__ | {"module": pack(self.module)}
        return self.__dict__ | {"module": {name: array.copy() for name, array in self.module.state_dict().items()}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not self._plan:
            self.module = unpack(state["module"])
            return
        plan = parse_plan(self._plan, "the config of the estimator", Experiment, _registry())
        self.module = plan.build("model", {"data": self._data}).to(self._data.train.inputs.dtype)
        self.module.load_state_dict(state["module"])
        self.module.eval()


def train(model: Model, data: Rows, loss: str, settings: Sequence[str], keeps_best: bool) -> Network:
    """Train a network.

    Args:
        model: the model; a module is copied with its weights.
        data: the examples.
        loss: the class of the loss, unless a config names another.
        settings: values that override the config, such as `optimizer.lr=1e-3`.
        keeps_best: whether to use the best weights on held-out examples instead of the last weights.

    Raises:
        ConfigError: for a config that cannot be built.
        TypeError: for an invalid model.
        TrainingError: if the loss is not finite.
    """
    module, config = _split_model(model)
    given = {"data": data} if module is None else {"data": data, "model": module}
    if not keeps_best:
        settings = [*settings, f"trainer.val_every={_NEVER}", "trainer.early_stopping=null"]
    plan = _plan(config, loss, [*settings, "data=Rows"])
    if plan["loader.batch_size"] > len(data.train):
        plan = _plan(config, loss, [*settings, "data=Rows", f"loader.batch_size={len(data.train)}"])
    with building(plan):
        experiment: Experiment = plan.build(given=given)
    experiment.model.to(data.train.inputs.dtype)
    network = Network(experiment.model, "" if module is not None else plan.to_yaml(), data.first())
    recorder = Recorder()
    Training(experiment).run(progress=recorder)
    network.history = recorder.records
    return network


def _split_model(model: Model) -> tuple[Module | None, str | Path | None]:
    """Return a copy of a module or a list of layers, and the config of everything else."""
    if isinstance(model, Module):
        return copy.deepcopy(model), "Identity"
    if model is None or isinstance(model, str | Path):
        return None, model
    layers = copy.deepcopy(list(model)) if isinstance(model, list | tuple) else []
    if not layers or not all(isinstance(layer, Module) for layer in layers):
        of = f" of {type(layers[0]).__name__}" if layers else ""
        found = f"{type(model).__name__}{of}"
        raise TypeError(f"a model is a Module, a list of layers, or a config as text or file, got {found}")
    return Sequential(*layers), "Identity"


def _plan(model: str | Path | None, loss: str, overrides: Sequence[str]) -> Plan:
    """Return the checked plan of a config, of only a model, or of the default model."""
    if isinstance(model, Path) or (model is not None and re.fullmatch(r"[^\n{}:]+\.ya?ml", model)):
        return _load(Path(model), overrides)
    if model is None:
        outputs = "${data.num_classes}" if loss == "CrossEntropyLoss" else "${data.num_targets}"
        model = (
            "Sequential:\n"
            '  - Linear: ["${data.num_features}", 64]\n'
            "  - ReLU\n"
            f'  - Linear: [64, "{outputs}"]'
        )  # fmt: skip
    text = model
    if not re.search(r"^model:", text, re.MULTILINE):
        text = _CONFIG.format(loss=loss, model="\n".join(f"  {line}" for line in text.splitlines()))
    with TemporaryDirectory() as folder:
        path = Path(folder, "estimator.yaml")
        path.write_text(text, encoding="utf-8")
        return _load(path, overrides)


def _load(path: Path, overrides: Sequence[str]) -> Plan:
    return load_plan(path, Experiment, _registry(), overrides)


def _registry() -> Registry:
    """Return the classes that a config may name, and `Rows`."""
    registry = known_classes()
    registry.add_module(rows)
    return registry


class _Pickler(pickle.Pickler):
    """A pickler that writes tensors as arrays."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Tensor):
            return type(obj), (obj.data, obj.persistent if isinstance(obj, Buffer) else obj.requires_grad)
        return NotImplemented


def pack(thing: Any) -> bytes:
    """Pickle modules, as scikit-learn pickles estimators."""
    buffer = io.BytesIO()
    _Pickler(buffer).dump(thing)
    return buffer.getvalue()


unpack: Callable[[bytes], Any] = pickle.loads
"""The inverse of `pack`. Like any pickle, it may run code: load only estimators that you trust."""
