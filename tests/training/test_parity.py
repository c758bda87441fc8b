import pytest

from minigrad.data import Digits
from minigrad.engine import Tensor, random
from minigrad.nn import CrossEntropyLoss, Linear, ReLU, Sequential
from minigrad.optim import Adam
from minigrad.runs import RunDirectory
from minigrad.training import Experiment, Trainer, Training

torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
pytestmark = pytest.mark.parity


def test_pytorch_reads_the_best_weights_as_they_are(tmp_path):
    load_file = pytest.importorskip("safetensors.torch").load_file
    random.seed(0)
    model = Sequential(Linear(64, 16), ReLU(), Linear(16, 10))
    experiment = Experiment("digits", Digits(), model, CrossEntropyLoss(), Adam, trainer=Trainer(max_epochs=1))
    directory = RunDirectory.create(tmp_path, "digits", "")
    Training(experiment).run(directory)

    theirs = torch.nn.Sequential(torch.nn.Linear(64, 16), torch.nn.ReLU(), torch.nn.Linear(16, 10))
    theirs.load_state_dict(load_file(directory.path / "checkpoints" / "best.safetensors"))
    inputs = experiment.data.test.inputs.copy()
    expected = theirs(torch.from_numpy(inputs)).detach()
    torch.testing.assert_close(torch.from_numpy(model(Tensor(inputs)).data), expected)
