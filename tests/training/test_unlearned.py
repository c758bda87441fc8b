"""A training says which weights its first step does not change."""

import warnings

import pytest

from minigrad import Tensor, nn
from minigrad.cli import main
from minigrad.data import DataLoader, Moons
from minigrad.engine import random
from minigrad.optim import SGD
from minigrad.training import Experiment, Trainer, TrainingError


class Listed(nn.Module):
    """Layers in a list, which no optimizer sees, and one that is never called."""

    def __init__(self):
        self.first = nn.Linear(2, 4)
        self.layers = [nn.Linear(4, 2)]
        self.idle = nn.Linear(2, 2)
        self.frozen = nn.Linear(2, 2).requires_grad_(False)

    def forward(self, x):
        return self.layers[0](self.first(x))


class Cut(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(2, 2)

    def forward(self, x):
        return Tensor(self.linear(x).data)


def experiment(model, **settings):
    return Experiment(
        name="unlearned",
        data=Moons(n_samples=60),
        model=model,
        loss=nn.CrossEntropyLoss(),
        optimizer=lambda parameters: SGD(parameters, lr=0.1),
        loader=lambda examples: DataLoader(examples, batch_size=8),
        trainer=Trainer(max_steps=3, **settings),
    )


@pytest.mark.parametrize("settings", [{}, {"shards": 2}, {"compile": True}])
def test_each_weight_is_named_once_with_its_remedy(settings):
    with pytest.warns(UserWarning, match="^not learned: ") as caught:
        experiment(Listed(), **settings).fit()
    listed, idle = (str(warning.message) for warning in caught)
    assert listed.startswith("not learned: layers of Listed")
    assert listed.endswith("is a list with modules, whose parameters no optimizer gets: make it a ModuleList")
    assert idle.startswith("not learned: layer 'idle' (Linear)")
    assert "is never called" in idle


def test_a_model_whose_loss_follows_from_no_weight_is_refused():
    with pytest.raises(TrainingError, match=r"the loss depends on no trainable weight: .* detached from the graph"):
        experiment(Cut()).fit()


def test_looking_changes_no_bit(monkeypatch):
    def weights(model):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            experiment(model).fit()
        return [array.tobytes() for array in model.state_dict().values()]

    random.seed(0)
    looked = weights(nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2)))
    monkeypatch.setattr("minigrad.training.preflight.unreached", lambda *arguments: [])
    monkeypatch.setattr("minigrad.training.preflight.hidden_weights", lambda model: [])
    random.seed(0)
    assert weights(nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))) == looked


NET = """\
from minigrad import nn


class Net(nn.Module):
    \"\"\"A network with a layer in a list.\"\"\"

    def __init__(self, width: int = 4) -> None:
        self.first = nn.Linear(2, width)
        self.layers = [nn.Linear(width, 2)]

    def forward(self, x):
        y = self.first(x)
        return LEAVE
"""
CONFIG = """\
name: net
data: {Moons: {n_samples: 60}}
model: Net
loss: CrossEntropyLoss
optimizer: {SGD: {lr: 0.1}}
trainer: {max_steps: 2}
"""


def project(folder, monkeypatch, leave):
    monkeypatch.chdir(folder)
    (folder / "models").mkdir()
    (folder / "models" / "net.py").write_text(NET.replace("LEAVE", leave))
    (folder / "net.yaml").write_text(CONFIG)


def test_check_names_them_with_the_line_in_models(tmp_path, monkeypatch, capsys):
    project(tmp_path, monkeypatch, "self.layers[0](y)")
    assert main(["check", "net.yaml"]) == 0
    assert "warning: not learned: layers of Net (models/net.py:9) is a list with modules" in capsys.readouterr().err


def test_nothing_is_run_where_nothing_learns(tmp_path, monkeypatch, capsys):
    project(tmp_path, monkeypatch, "self.layers[0](y.detach()).detach()")
    assert main(["train", "net.yaml"]) == 2
    told = capsys.readouterr().err
    assert "net.yaml:3:8: error: the loss depends on no trainable weight" in told
    assert not (tmp_path / "runs").exists()
