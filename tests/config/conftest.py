"""A small world to write configs about: a class or two of each kind, and nothing of the other rooms."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from minigrad.config import ConfigError, Plan, Registry, load_plan

BUILT: list[str] = []


class Module:
    def __init__(self) -> None:
        BUILT.append(type(self).__name__)


class Linear(Module):
    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.arguments = (in_features, out_features, bias)


class ReLU(Module):
    pass


class GELU(Module):
    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__()
        self.approximate = approximate


class Dropout(Module):
    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"p is a probability, from 0 to 1, got {p}")
        self.p = p


class Sequential(Module):
    def __init__(self, *layers: Module) -> None:
        super().__init__()
        self.layers = layers


class MLP(Module):
    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        self.sizes = sizes


class Branches(Module):
    def __init__(self, named: dict[str, Module], *tail: Module, scale: float = 1.0) -> None:
        super().__init__()
        self.named, self.tail, self.scale = named, tail, scale


class GPT(Module):
    n_embd: int

    def __init__(self, vocab_size: int, n_embd: int = 32, head: Module | None = None) -> None:
        super().__init__()
        self.vocab_size, self.n_embd, self.head = vocab_size, n_embd, head


class Sloppy(Module):
    def __init__(self, width, depth: int = 2) -> None:
        super().__init__()


class Greedy(Module):
    def __init__(self, width: int, **kwargs: int) -> None:
        super().__init__()


class Loss(Module):
    pass


class CrossEntropyLoss(Loss):
    def __init__(self, label_smoothing: float = 0.0, weight: list[float] | None = None) -> None:
        super().__init__()
        self.label_smoothing, self.weight = label_smoothing, weight


class MSELoss(Loss):
    pass


class Dataset:
    pass


class Digits(Dataset):
    def __init__(self, root: str | Path | None = None) -> None:
        BUILT.append("Digits")
        self.root = root

    @property
    def num_features(self) -> int:
        return 64

    @property
    def labels(self) -> list[str]:
        return ["zero", "one"]


class Text(Dataset):
    def __init__(self, path: Path = Path("text.txt"), vocab_size: int | None = None) -> None:
        BUILT.append("Text")
        self.path, self.size = path, vocab_size

    @property
    def vocab_size(self) -> int:
        return self.size or 65


class Optimizer:
    pass


class AdamW(Optimizer):
    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        if lr < 0:
            raise ValueError(f"lr must not be negative, got {lr}")
        self.params, self.lr, self.betas = params, lr, betas


class SGD(Optimizer):
    def __init__(self, params: Any, lr: float = 1e-3, momentum: float = 0.0) -> None:
        self.params, self.lr, self.momentum = params, lr, momentum


class Metric:
    pass


class Accuracy(Metric):
    pass


class TopK(Metric):
    def __init__(self, k: int = 5) -> None:
        self.k = k


class DataLoader:
    def __init__(self, examples: Any, batch_size: int = 32, shuffle: bool = True) -> None:
        self.examples, self.batch_size, self.shuffle = examples, batch_size, shuffle


@dataclass(frozen=True)
class EarlyStopping:
    monitor: str = "val/loss"
    patience: int = 5


@dataclass(frozen=True)
class Trainer:
    max_epochs: int = 10
    grad_clip: float | None = None
    early_stopping: EarlyStopping | None = None
    checkpoint: EarlyStopping = EarlyStopping("val/accuracy", patience=1)


@dataclass
class Experiment:
    """What a run is."""

    name: str
    data: Dataset
    model: Module
    loss: Loss
    optimizer: Callable[[Any], Optimizer]
    seed: int = 0
    loader: Callable[[Any], DataLoader] = DataLoader
    metrics: list[Metric] = field(default_factory=list)
    trainer: Trainer = field(default_factory=Trainer)
    root: str | None = None


KINDS: dict[str, type] = {
    "Module": Module,
    "Loss": Loss,
    "Dataset": Dataset,
    "Optimizer": Optimizer,
    "Metric": Metric,
}

CONFIG = """\
name: digits
data: Digits
model:
  Sequential:
    - Linear: [64, 10]
    - ReLU
loss: CrossEntropyLoss
optimizer:
  AdamW: {lr: 3e-3}
"""


@pytest.fixture
def config() -> str:
    """A config that is right."""
    return CONFIG


@pytest.fixture
def experiment() -> type:
    """The signature that configs call."""
    return Experiment


@pytest.fixture
def registry() -> Registry:
    zoo = types.ModuleType("zoo")
    vars(zoo).update({name: cls for name, cls in globals().items() if isinstance(cls, type)})
    return Registry(KINDS, [zoo])


@pytest.fixture
def built() -> list[str]:
    """The names of what has been built, in order."""
    BUILT.clear()
    return BUILT


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, so that files have short names."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def plan(here: Path, registry: Registry) -> Callable[..., Plan]:
    """Plans a config's text: `plan(text, "optimizer.lr=1")`."""

    def plan(text: str, *overrides: str) -> Plan:
        Path("mine.yaml").write_text(text, encoding="utf-8", newline="")
        return load_plan("mine.yaml", Experiment, registry, overrides)

    return plan


@pytest.fixture
def errors(plan: Callable[..., Plan]) -> Callable[..., str]:
    """What is said of a config's text that is wrong."""

    def errors(text: str, *overrides: str) -> str:
        with pytest.raises(ConfigError) as caught:
            plan(text, *overrides)
        return str(caught.value)

    return errors


@pytest.fixture
def error(errors: Callable[..., str], config: str) -> Callable[..., str]:
    """What is said of the right config with a part of it replaced, without the last line, which only counts."""

    def error(right: str, wrong: str) -> str:
        assert config.count(right) == 1
        said, _, count = errors(config.replace(right, wrong)).rpartition("\n")
        assert count == "1 error; nothing was run"
        return said

    return error
