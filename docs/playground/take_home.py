"""Downloads for the visitor: the run of the training on the page, and equivalent Python code."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

import yaml
from playground.session import CONFIG, Session
from playground.slow_motion import activation_names

from minigrad.cli.main import main

SCRIPT = """\
import minigrad
from minigrad import Tensor, data, nn, optim

minigrad.seed({seed})
examples = data.{data}.train
model = nn.Sequential({layers})
loss, optimizer = nn.{loss}, optim.{optimizer}
for epoch in range({epochs}):
    for x, y in data.DataLoader(examples, batch_size={batch}).epoch(epoch):
        error = loss(model(Tensor(x)), Tensor(y))
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    print(epoch, error.item())
"""

LOADED = """\
import minigrad

experiment = minigrad.load("{name}.yaml")
print(experiment.fit())
"""

LAYERS = {"tanh": "nn.Tanh()", "relu": "nn.ReLU()", "sigmoid": "nn.Sigmoid()"}


def run(session: Session) -> bytes:
    """Return a zip file of the command line's run of this config, up to the step of the session.

    Training is deterministic, so the weights are those on the page.

    Raises:
        ValueError: before the first step.
    """
    training = session.training
    if not training.step:
        raise ValueError("nothing is trained yet: press Play, or take one step")
    overrides = [f"trainer.max_steps={training.step}", "trainer.max_epochs=null"]
    if getattr(training.schedule, "total_steps", None):
        overrides.append(f"schedule.total_steps={training.steps}")
    with tempfile.TemporaryDirectory() as folder:
        exit_code = main(["train", str(CONFIG), *overrides, "--runs-dir", folder])
        if exit_code:
            raise ValueError(f"the command line ended with exit code {exit_code}")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file():
                    file.write(path, Path("runs") / path.relative_to(folder))
            for path in sorted(Path().glob("*.csv")):
                file.write(path)
        return archive.getvalue()


def script(session: Session) -> str:
    """Return Python code that trains the same network on the same data to the same weights.

    If the model is not a chain of layers, or the experiment has a schedule or other extras, the code loads the config.
    """
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    experiment, trainer = session.experiment, config.get("trainer") or {}
    plain = {"name", "seed", "data", "loader", "model", "loss", "metrics", "optimizer", "trainer"}
    simple = set(config) <= plain and set(trainer) <= {"max_epochs", "max_steps", "val_every", "log_every"}
    names = activation_names(session.chain, experiment.data.train.inputs[:64]) if session.chain.layers else []
    if not names or not simple or "Perceptron" in str(config["model"]):
        return LOADED.format(name=experiment.name)
    layers = []
    for layer, name in zip(session.chain.layers, names, strict=True):
        layers += [f"nn.Linear({layer.in_features}, {layer.out_features})", *([LAYERS[name]] if name in LAYERS else [])]
    return SCRIPT.format(
        seed=experiment.seed,
        data=_call(config["data"]),
        layers=", ".join(layers),
        loss=_call(config["loss"]),
        optimizer=_call(config["optimizer"], "model.parameters()"),
        epochs=-(-session.training.steps // session.training.epoch_steps),
        batch=session.training.loader.batch_size,
    )


def _call(value: object, *first: str) -> str:
    """Return a class of a config and its arguments as Python code of a call."""
    name, arguments = next(iter(value.items())) if isinstance(value, dict) else (value, None)
    if isinstance(arguments, dict):
        given = [f"{key}={item!r}" for key, item in arguments.items()]
    else:
        given = [] if arguments is None else [repr(arguments)]
    return f"{name}({', '.join([*first, *given])})"
