"""Whatever the settings, a training that was interrupted twice ends like one that was not."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.data import DataLoader, Examples, Moons
from minigrad.engine import random
from minigrad.metrics import F1, Accuracy
from minigrad.nn import CrossEntropyLoss, Dropout, Linear, ReLU, Sequential
from minigrad.optim import SGD, Adam, AdamW, ExponentialLR, StepLR, WarmupCosine
from minigrad.runs import RunDirectory
from minigrad.training import Callback, EarlyStopping, Experiment, Trainer, Training

STEPS = 24

OPTIMIZERS = {
    "sgd": lambda parameters: SGD(parameters, lr=0.1),
    "nesterov": lambda parameters: SGD(parameters, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda parameters: Adam(parameters, lr=0.05, weight_decay=0.1),
    "groups": lambda parameters: AdamW([{"params": parameters[:2], "lr": 0.01}, {"params": parameters[2:]}]),
}
SCHEDULES = {
    "none": None,
    "steps": lambda optimizer: StepLR(optimizer, step_size=5),
    "exponential": lambda optimizer: ExponentialLR(optimizer, gamma=0.9),
    "cosine": lambda optimizer: WarmupCosine(optimizer, warmup_steps=3),
}
SETTINGS = st.fixed_dictionaries(
    {
        "accumulate": st.integers(1, 4),
        "shards": st.integers(1, 3),
        "val_every": st.none() | st.integers(1, 9),
        "log_every": st.integers(1, 9),
        "grad_clip": st.none() | st.just(0.1),
        "on_nan": st.sampled_from(["stop", "skip"]),
        "early_stopping": st.none() | st.just(EarlyStopping("val/accuracy", patience=2)),
    }
)
LOADERS = st.fixed_dictionaries({"batch_size": st.integers(3, 9), "shuffle": st.booleans(), "drop_last": st.booleans()})


class Interrupts(Callback):
    """Ends the training after a step, as a signal does."""

    def __init__(self, at):
        self.at = at

    def on_step_end(self, training):
        if training.step == self.at:
            training.interrupt()


def training(trainer, loader, optimizer, schedule, at=0, threads=1):
    random.seed(0)
    data = Moons(n_samples=60)
    if trainer["on_nan"] == "skip":
        inputs = data.train.inputs.copy()
        inputs[7] = np.nan
        data.train = Examples(inputs, data.train.targets)
    experiment = Experiment(
        name="moons",
        data=data,
        model=Sequential(Linear(2, 8), ReLU(), Dropout(0.3), Linear(8, 2)),
        loss=CrossEntropyLoss(),
        optimizer=OPTIMIZERS[optimizer],
        loader=lambda examples: DataLoader(examples, **loader),
        metrics=[Accuracy(), F1()],
        schedule=SCHEDULES[schedule],
        trainer=Trainer(max_steps=STEPS, **trainer),
        callbacks=[Interrupts(at)],
    )
    return Training(experiment, threads)


@settings(max_examples=8, deadline=None)
@given(
    SETTINGS,
    LOADERS,
    st.sampled_from(sorted(OPTIMIZERS)),
    st.sampled_from(sorted(SCHEDULES)),
    st.tuples(st.integers(1, STEPS), st.integers(1, STEPS)),
)
def test_a_training_interrupted_twice_ends_with_the_same_bytes(
    tmp_path_factory, trainer, loader, optimizer, schedule, interruptions
):
    root = tmp_path_factory.mktemp("runs")
    parts = (trainer, loader, optimizer, schedule)
    whole = RunDirectory.create(root, "whole", "")
    expected = training(*parts).run(whole)

    torn = RunDirectory.create(root, "torn", "")
    for at, threads in zip((*interruptions, 0), (2, 1, 3), strict=True):
        part = training(*parts, at=at, threads=threads)
        if saved := torn.read("last"):
            part.load_state(*saved)
            torn.rewind(saved[1]["run"]["metrics"])
        results = part.run(torn)

    assert results == expected
    for name in ("metrics.jsonl", "checkpoints/last.safetensors", "checkpoints/best.safetensors"):
        assert (torn.path / name).read_bytes() == (whole.path / name).read_bytes()
