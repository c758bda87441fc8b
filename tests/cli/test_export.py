"""The model of a run for other tools."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from minigrad import Tensor, load_run
from minigrad.cli.export import TARGETS

from .conftest import RUN


def test_the_weights_are_those_of_the_run_under_the_keys_of_its_model(said, trained):
    assert said("export", RUN, "--weights", "net.safetensors") == (0, "net.safetensors\n", "")
    weights, expected = load_file(trained / "net.safetensors"), load_run(RUN).model.state_dict()
    assert weights.keys() == expected.keys()
    for name, array in weights.items():
        np.testing.assert_array_equal(array, expected[name])


def test_pytorch_takes_the_weights_and_computes_the_same(said, trained):
    torch = pytest.importorskip("torch", reason="the weights are for PyTorch")
    loaded = pytest.importorskip("safetensors.torch")
    assert said("export", RUN, "--weights", "net.safetensors")[0] == 0
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    theirs.load_state_dict(loaded.load_file(trained / "net.safetensors"))
    x = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    run = load_run(RUN)
    np.testing.assert_allclose(run.model(Tensor(x)).data, theirs(torch.from_numpy(x)).detach().numpy(), rtol=1e-5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "choose one format: --weights FILE or --onnx FILE or --huggingface DIR"),
        (["--weights", "net.pt"], "net.pt: the weights are written in the safetensors format: name it net.safetensors"),
        (["--weights", f"{RUN}/checkpoints/best.safetensors"], "is inside the run's own folder: write it elsewhere"),
        (["--weights", "none/net.safetensors"], "none/net.safetensors: there is no folder none"),
        (["--weights"], "--weights needs a value, as in: --weights FILE"),
        (["--weight", "x"], "did you mean --weights?"),
    ],
)
def test_what_cannot_be_exported_is_told_in_a_sentence(said, words, message):
    code, out, err = said("export", RUN, *words)
    assert code in (1, 2)
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1


def test_every_format_is_an_option_with_a_sentence(said):
    out = said("export", "-h")[1]
    assert all(f"--{name} {target.metavar}" in out for name, target in TARGETS.items())
