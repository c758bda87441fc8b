"""Every class that a config can name, with values at and beyond the edge of each argument: refused, or right.

The values follow from the annotations. `TABLE` has a row for each class: arguments that are right, and what is done
with an object. To add a kind of class, add its rows, and its module to `MODULES`.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from minigrad import Tensor, metrics, nn, optim
from minigrad.config import signature_of
from minigrad.config.annotations import Choice, DictOf, Inexpressible, Instance, ListOf, Plain, TupleOf, Union
from minigrad.data import XOR, Addition, Circles, DataLoader, Dataset, Digits, Moons, Reverse, Spirals, Weather
from minigrad.training import Callback, Checkpoint, EarlyStopping, Experiment, Trainer, plateau

MODULES = [nn, optim, metrics, plateau]
RANDOM = np.random.default_rng(0)
NAN, INF = math.nan, math.inf

EDGES: dict[Any, list[Any]] = {
    int: [0, -1, True, 1.5, "1", NAN],
    float: [0.0, -1.0, 1e-30, 1e30, NAN, INF, -INF, True, "0.5"],
    bool: [0, 1, "False"],
    str: ["", "nonsense", 1],
    type(None): [None],
}


def edges(spec: Any) -> list[Any]:
    """Values at and beyond the edge of what an annotation allows."""
    if isinstance(spec, Plain):
        return EDGES.get(spec.type, [])
    if isinstance(spec, Choice):
        return [*spec.values, "", "nonsense", 1, None]
    if isinstance(spec, Union):
        return [value for option in spec.options for value in edges(option)]
    if isinstance(spec, ListOf):
        return [(), 1, *((value,) for value in edges(spec.item))]
    if isinstance(spec, TupleOf):
        return [(), 1, *(tuple([value] * len(spec.items)) for value in edges(spec.items[0]))]
    assert isinstance(spec, (Instance, DictOf, Inexpressible))
    return ["nonsense", None]


class Row(NamedTuple):
    base: dict[str, Any]
    """Arguments that are right, all those that are required among them."""
    use: Callable[[Any], Any]
    """What is done with an object; its results, arrays or numbers, must be finite."""


def first_examples(data: Any) -> Any:
    return list(data.train.batch(slice(2)))


def floats(*shape: int) -> Tensor:
    return Tensor(RANDOM.uniform(0.1, 0.9, shape))


def layer(*shape: int, **base: Any) -> Row:
    x = floats(*shape)
    return Row(base, lambda module: module.to(np.float64)(x))


def loss(*inputs: Any, **base: Any) -> Row:
    return Row(base, lambda module: module(*inputs))


def optimizer(**base: Any) -> Row:
    def use(made: optim.Optimizer) -> Any:
        (p,) = made.param_groups[0]["params"]
        p.grad = np.ones_like(p.data)
        made.step(lambda: 1.0)
        return p.data

    return Row({"params": lambda: [nn.Parameter(np.ones(3))], **base}, use)


def schedule(**base: Any) -> Row:
    def use(made: Any) -> Any:
        rates = []
        for step in range(4):
            made.step(*[1.0] * isinstance(made, optim.ReduceLROnPlateau))
            rates.append(made.optimizer.param_groups[0]["lr"])
            assert rates[step] >= 0
        return rates

    return Row({"optimizer": lambda: optim.SGD([nn.Parameter([1.0])], lr=0.1, momentum=0.9), **base}, use)


def metric(outputs: np.ndarray, targets: np.ndarray, **base: Any) -> Row:
    def use(made: metrics.Metric) -> Any:
        made.update(outputs, targets)
        return made.compute()

    return Row(base, use)


def training(**settings: Any) -> list[Any]:
    """The results of a short training, its numbers alone."""
    experiment = Experiment(
        name="edges",
        data=Moons(n_samples=30),
        model=nn.Linear(2, 2),
        loss=nn.CrossEntropyLoss(),
        optimizer=lambda parameters: optim.SGD(parameters, lr=0.1),
        loader=lambda examples: DataLoader(examples, 4),
        **settings,
    )
    return [value for value in experiment.fit().values() if not isinstance(value, str)]


def adapted(lora: nn.LoRA) -> Any:
    """The results of a layer with an adapter whose matrices are not zero."""
    model = nn.Linear(3, 2)
    lora.attach(model)
    assert model.weight_lora is not None
    model.weight_lora.B.data[...] = 1
    return model.to(np.float64)(floats(4, 3))


def of_classes(kind: Any = nn.CrossEntropyLoss) -> Row:
    return loss(floats(4, 3), np.array([0, 1, 2, 1]))


ENCODER = {"d_model": 4, "nhead": 2, "dim_feedforward": 3}
SCORES, LABELS = RANDOM.normal(size=(6, 3)), np.array([0, 1, 2, 2, 1, 0])
SIGNS = np.array([1.0, -1.0, 1.0, -1.0])
RECURRENT = {"input_size": 3, "hidden_size": 2, "num_layers": 2}
POINTWISE = [nn.Identity, nn.ReLU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.GELU, nn.ELU, nn.CELU, nn.SELU, nn.SiLU]
POINTWISE += [nn.Mish, nn.Softplus, nn.LogSigmoid, nn.Softsign, nn.Hardtanh, nn.ReLU6, nn.Hardsigmoid, nn.Hardswish]
POINTWISE += [
    nn.Hardshrink,
    nn.Softshrink,
    nn.Tanhshrink,
    nn.PReLU,
    nn.Softmax,
    nn.LogSoftmax,
    nn.GLU,
    nn.Dropout,
    nn.Flatten,
]
TABLE = {
    **{kind: layer(3, 4) for kind in POINTWISE},
    nn.Linear: layer(2, 3, in_features=3, out_features=2),
    nn.Embedding: Row({"num_embeddings": 5, "embedding_dim": 2}, lambda m: m(np.array([0, 4]))),
    **{kind: layer(2, 2, 5, in_channels=2, out_channels=2, kernel_size=3) for kind in (nn.Conv1d, nn.ConvTranspose1d)},
    **{
        kind: layer(2, 2, 5, 5, in_channels=2, out_channels=2, kernel_size=3)
        for kind in (nn.Conv2d, nn.ConvTranspose2d)
    },
    nn.Bilinear: Row(
        {"in1_features": 3, "in2_features": 4, "out_features": 2},
        lambda m: m.to(np.float64)(floats(2, 3), floats(2, 4)),
    ),
    nn.CosineSimilarity: Row({}, lambda m: m(floats(2, 3), floats(2, 3))),
    nn.Upsample: layer(2, 2, 4, 4, scale_factor=2.0),
    nn.PixelShuffle: layer(2, 4, 3, 3, upscale_factor=2),
    **{kind: layer(1, 2, 4, kernel_size=2) for kind in (nn.MaxPool1d, nn.AvgPool1d)},
    **{kind: layer(1, 2, 4, output_size=2) for kind in (nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d)},
    nn.AdaptiveMaxPool2d: layer(1, 2, 4, 4, output_size=2),
    nn.MaxPool2d: layer(1, 2, 4, 4, kernel_size=2),
    nn.AvgPool2d: layer(1, 2, 4, 4, kernel_size=2),
    nn.AdaptiveAvgPool2d: layer(1, 2, 4, 4, output_size=2),
    nn.BatchNorm1d: layer(4, 3, num_features=3),
    nn.BatchNorm2d: layer(4, 3, 2, 2, num_features=3),
    nn.LayerNorm: layer(4, 3, normalized_shape=3),
    nn.RMSNorm: layer(4, 3, normalized_shape=3),
    nn.GroupNorm: layer(2, 4, 3, num_groups=2, num_channels=4),
    nn.PositionalEncoding: layer(2, 3, 4, embed_dim=4),
    nn.LearnedPositionalEmbedding: layer(2, 3, 4, max_len=5, embed_dim=4),
    nn.RotaryEmbedding: layer(2, 3, 4, dim=4),
    nn.RNN: layer(5, 2, 3, **RECURRENT),
    nn.LSTM: layer(5, 2, 3, **RECURRENT),
    nn.GRU: layer(5, 2, 3, **RECURRENT),
    nn.LastOutput: Row({}, lambda m: m((floats(2, 3, 4), floats(1, 2, 4)))),
    nn.SelfAttentionHead: layer(2, 3, 4, embed_dim=4),
    nn.MultiHeadAttention: layer(2, 3, 4, embed_dim=4, num_heads=2),
    nn.TransformerEncoderLayer: layer(2, 3, 4, **ENCODER),
    nn.TransformerDecoderLayer: Row(ENCODER, lambda m: m.to(np.float64)(floats(2, 3, 4), floats(2, 5, 4))),
    nn.TransformerEncoder: layer(2, 3, 4, encoder_layer=lambda: nn.TransformerEncoderLayer(**ENCODER), num_layers=2),
    nn.TransformerDecoder: Row(
        {"decoder_layer": lambda: nn.TransformerDecoderLayer(**ENCODER), "num_layers": 2},
        lambda m: m.to(np.float64)(floats(2, 3, 4), floats(2, 5, 4)),
    ),
    nn.Sequential: Row({}, lambda m: m(floats(2, 3))),
    nn.Residual: Row({}, lambda m: m(floats(2, 3))),
    nn.ModuleList: Row({}, len),
    nn.ModuleDict: Row({}, len),
    **{kind: loss(floats(4, 3), floats(4, 3)) for kind in (nn.MSELoss, nn.L1Loss, nn.HuberLoss, nn.SmoothL1Loss)},
    **{kind: loss(floats(4, 3), floats(4, 3)) for kind in (nn.PoissonNLLLoss, nn.BCELoss, nn.BCEWithLogitsLoss)},
    nn.KLDivLoss: loss(floats(4, 3), floats(4, 3)),
    nn.GaussianNLLLoss: loss(floats(4, 3), floats(4, 3), floats(4, 3)),
    nn.NLLLoss: of_classes(),
    nn.CrossEntropyLoss: of_classes(),
    nn.SoftMarginLoss: loss(floats(4), SIGNS),
    nn.HingeEmbeddingLoss: loss(floats(4), SIGNS),
    nn.MarginRankingLoss: loss(floats(4), floats(4), SIGNS),
    nn.CosineEmbeddingLoss: loss(floats(4, 3), floats(4, 3), SIGNS),
    nn.TripletMarginLoss: loss(floats(4, 3), floats(4, 3), floats(4, 3)),
    optim.SGD: optimizer(momentum=0.9),
    optim.Adam: optimizer(),
    optim.AdamW: optimizer(),
    **{kind: optimizer() for kind in (optim.NAdam, optim.RAdam, optim.Adagrad, optim.Lion)},
    optim.RMSprop: optimizer(momentum=0.9),
    optim.Muon: optimizer(params=lambda: [nn.Parameter(np.ones((3, 2)))]),
    optim.LBFGS: optimizer(),
    optim.StepLR: schedule(step_size=2),
    optim.MultiStepLR: schedule(milestones=[2, 3]),
    optim.ExponentialLR: schedule(gamma=0.9),
    optim.ConstantLR: schedule(),
    optim.LinearLR: schedule(),
    optim.PolynomialLR: schedule(),
    optim.CosineAnnealingWarmRestarts: schedule(T_0=3),
    optim.SequentialLR: schedule(
        schedulers=lambda: [optim.ConstantLR, lambda o: optim.StepLR(o, 1)],
        milestones=[2],
    ),
    optim.CosineAnnealingLR: schedule(T_max=3),
    optim.WarmupCosine: schedule(warmup_steps=2, total_steps=6),
    optim.OneCycleLR: schedule(max_lr=0.5, total_steps=6),
    optim.ReduceLROnPlateau: schedule(),
    **{kind: metric(SCORES, LABELS) for kind in (metrics.Accuracy, metrics.F1, metrics.Precision, metrics.Recall)},
    **{kind: metric(SCORES, LABELS) for kind in (metrics.ConfusionMatrix, metrics.Perplexity)},
    metrics.TopK: metric(SCORES, LABELS, k=2),
    metrics.ExactMatch: metric(SCORES[np.newaxis], LABELS[np.newaxis]),
    metrics.MeanAbsoluteError: metric(SCORES, SCORES),
    metrics.R2: metric(SCORES, SCORES),
    plateau.ReduceLROnPlateau: Row({}, lambda made: training(trainer=Trainer(max_epochs=2), callbacks=[made])),
    nn.LoRA: Row({"match": ["*"], "rank": 2}, adapted),
    Trainer: Row({"max_steps": 2}, lambda made: training(trainer=made)),
    Checkpoint: Row({}, lambda made: training(trainer=Trainer(max_steps=2, checkpoint=made))),
    EarlyStopping: Row({}, lambda made: training(trainer=Trainer(max_steps=2, early_stopping=made))),
    **{kind: Row({"n_samples": 60}, first_examples) for kind in (Circles, Moons, Spirals, Weather)},
    **{kind: Row({}, first_examples) for kind in (XOR, Digits, Addition, Reverse)},
}

RIGHT_THOUGH_INFINITE = {
    ("Muon", "ns_coefficients", (1e30, 1e30, 1e30)): "five times a polynomial of that size leave all of float64",
    ("TripletMarginLoss", "p", 1e-30): "three numbers have a norm of that order beyond all of float64",
}


def made(kind: type, arguments: dict[str, Any]) -> Any:
    return kind(**{name: value() if callable(value) else value for name, value in arguments.items()})


def numbers(result: Any) -> list[np.ndarray]:
    if isinstance(result, (list, tuple)):
        return [number for part in result for number in numbers(part)]
    return [np.asarray(result.data if isinstance(result, Tensor) else result)]


def test_every_class_has_a_row():
    public = {cls for module in MODULES for name, cls in vars(module).items() if isinstance(cls, type)}
    abstract = {
        nn.Module,
        nn.LanguageModel,
        nn.Loss,
        optim.Optimizer,
        optim.Schedule,
        metrics.Metric,
        Callback,
        nn.Adapter,
    }
    kinds = (nn.Module, nn.Adapter, optim.Optimizer, optim.Schedule, optim.ReduceLROnPlateau, metrics.Metric, Callback)
    settings = {Trainer, Checkpoint, EarlyStopping}
    made_up = {kind for kind in TABLE if issubclass(kind, Dataset)}  # those of files have tests with odd files
    classes = {cls for cls in public if issubclass(cls, kinds)} - abstract
    assert classes == set(TABLE) - settings - made_up, "add a row to TABLE in tests/config/test_edges.py"


@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.__name__)
def test_the_arguments_of_the_table_are_right(kind):
    row = TABLE[kind]
    assert all(np.isfinite(array).all() for array in numbers(row.use(made(kind, row.base))))


CASES = [
    (kind, name, value)
    for kind, row in TABLE.items()
    for name, parameter in signature_of(kind).parameters.items()
    if not parameter.is_variadic
    for value in edges(parameter.spec)
]


def used(row: Row, kind: type, name: str, value: Any) -> Any:
    """The results, or the error that refuses the value."""
    try:
        return row.use(made(kind, {**row.base, name: value}))
    except (ValueError, TypeError, IndexError) as error:
        return error


@pytest.mark.parametrize(
    ("kind", "name", "value"), CASES, ids=[f"{kind.__name__}-{name}-{value!r}" for kind, name, value in CASES]
)
def test_a_value_at_the_edge_is_refused_with_a_sentence_or_right(kind, name, value):
    if (kind.__name__, name, value) in RIGHT_THOUGH_INFINITE:
        return
    outcome = used(TABLE[kind], kind, name, value)
    if isinstance(outcome, Exception):
        raw = ("unsupported operand", "not supported between", "object is not")
        assert not any(words in str(outcome) for words in raw)
    else:
        assert all(np.isfinite(array).all() for array in numbers(outcome))
