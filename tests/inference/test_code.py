"""Which code a run that was trained elsewhere may use: the same file, or what the user trusts."""

from pathlib import Path

import pytest

import minigrad
from minigrad.cli import main
from minigrad.config import ConfigError

NET = """\
from minigrad.nn import Linear, Module


class Net(Module):
    def __init__(self) -> None:
        self.head = Linear(2, 2)

    def forward(self, x):
        return self.head(x)
"""
CONFIG = """\
name: mine
data: {Moons: {n_samples: 60}}
loader: {batch_size: 10}
model: Net
loss: CrossEntropyLoss
optimizer: {SGD: {lr: 0.1}}
trainer: {max_epochs: 1}
"""
RUN = Path("runs/mine/0001")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with a run of a class of its models/."""
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    Path("models/net.py").write_text(NET)
    Path("mine.yaml").write_text(CONFIG)
    assert main(["train", "mine.yaml"]) == 0
    return tmp_path


def test_the_same_file_in_models_is_used_whatever_it_is_called(home):
    assert (RUN / "code" / "net.py").read_text() == NET
    Path("models/net.py").rename("models/renamed.py")
    assert type(minigrad.load_run(RUN).model).__module__ == "models.renamed"


def test_another_file_of_the_class_is_not_used_and_the_copy_only_if_it_is_trusted(home):
    Path("models/net.py").write_text(NET.replace("return self", "return 0 * self"))
    with pytest.raises(
        ConfigError, match=r"'Net' is code that came with this run, .* and models/net\.py differs from it"
    ):
        minigrad.load_run(RUN)
    assert type(minigrad.load_run(RUN, trust=True).model).__module__ == "code.net"


def test_code_that_was_tampered_with_never_runs_unasked(home):
    (RUN / "code" / "net.py").write_text(f"{NET}\nfrom pathlib import Path\nPath('ran').touch()\n")
    Path("models/net.py").unlink()
    for words in (["evaluate"], ["predict", "x.csv"], ["plot"], ["export", "--weights", "x.safetensors"]):
        main([words[0], str(RUN), *words[1:]])
        assert not Path("ran").exists()
    assert main(["evaluate", str(RUN), "--trust"]) == 0
    assert Path("ran").exists()


def test_a_file_counts_as_the_same_only_with_those_that_it_imports(home):
    Path("models/blocks.py").write_text("SIZE = 2\n")
    Path("models/net.py").write_text(f"if False:\n    from models.blocks import SIZE\n{NET}")
    (RUN / "code" / "net.py").write_bytes(Path("models/net.py").read_bytes())
    (RUN / "code" / "blocks.py").write_text("SIZE = 3\n")
    with pytest.raises(ConfigError, match="is code that came with this run"):
        minigrad.load_run(RUN)


def test_a_resume_with_another_file_is_refused_until_it_is_said_which(home, capsys):
    Path("models/net.py").write_text(f"{NET}# edited\n")
    assert main(["resume", str(RUN), "trainer.max_epochs=2"]) == 2
    assert "models/net.py differs from it" in capsys.readouterr().err
    assert main(["resume", str(RUN), "trainer.max_epochs=2", "--trust"]) == 0
    assert (RUN / "code" / "net.py").read_text() == NET
    assert main(["resume", str(RUN), "trainer.max_epochs=3", "--allow-changes"]) == 0
    assert (RUN / "code" / "net.py").read_text() == f"{NET}# edited\n"


def test_a_run_without_a_copy_of_its_code_goes_by_names(home):
    (RUN / "code" / "net.py").unlink()
    (RUN / "code").rmdir()
    Path("models/net.py").write_text(f"{NET}# edited\n")
    assert main(["evaluate", str(RUN)]) == 0


def test_packages_are_recorded_by_name_and_never_imported_for_it(home, monkeypatch, capsys):
    Path("my_metrics.py").write_text(
        "from minigrad.metrics import Accuracy\n\n\nclass Mine(Accuracy):\n    '''Own.'''\n"
    )
    monkeypatch.syspath_prepend(home)
    assert main(["train", "mine.yaml", "--import", "my_metrics", "metrics=[Mine]"]) == 0
    assert not (Path("runs/mine/0002/code") / "my_metrics.py").exists()
    assert main(["evaluate", "runs/mine/0002"]) == 2
    assert "this run was trained with --import my_metrics" in capsys.readouterr().err
    assert main(["evaluate", "runs/mine/0002", "--import", "my_metrics"]) == 0
