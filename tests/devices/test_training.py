"""Trainings on arrays of another make: the losses of the CPU, in ten configs."""

import struct
from itertools import islice

import numpy as np
import pytest

import minigrad
from minigrad.devices import device_of
from minigrad.training.placement import training_on_device
from minigrad.training.sharding import ShardingError
from minigrad.training.trainer import Training

from .stand_in import NAME


@pytest.fixture
def files(tmp_path):
    """Small files in the place of those that are not part of the package."""
    random = np.random.default_rng(0)
    for name, array in {
        "images": random.integers(0, 256, (300, 28, 28), np.uint8),
        "labels": np.arange(300, dtype=np.uint8) % 10,
    }.items():
        head = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
        (tmp_path / name).write_bytes(head + array.tobytes())
    (tmp_path / "text.txt").write_text("to be or not to be, that is the question\n" * 200)
    return tmp_path


CONFIGS = {
    "xor": [],
    "moons": [],
    "digits_mlp": [],
    "digits_attention": [],
    "attention_layers": [],
    "reverse_transformer": [],
    "sunny_day": [],
    "char_gpt": ["loader.batch_size=2"],
    "mnist_16": ["data={{IDX: {{images: {0}/images, labels: {0}/labels, targets: one_hot}}}}", "trainer.compile=false"],
    "mnist_cnn": ["data={{IDX: {{images: {0}/images, labels: {0}/labels, flatten: false}}}}", "loader.batch_size=4"],
    "shakespeare_gpt": ["data.CharText.path={0}/text.txt", "loader.batch_size=2"],
}


def trained(config, overrides, steps):
    """The losses and outputs of some steps, and where the numbers of the model were meanwhile."""
    experiment = minigrad.load(f"configs/{config}.yaml", overrides)
    training = Training(experiment)
    losses, places = [], set()
    with training_on_device(training):
        for batches in islice(training.batches(), steps):
            places |= {device_of(p.data) for p in (*training.model.parameters(), *training.model.buffers())}
            training.train_step(batches)
            losses.append(training.metrics.compute("train")["train/loss"])
            training.metrics.reset()
    assert {p.device for p in training.model.parameters()} == {"cpu"}
    return losses, places


@pytest.mark.parametrize("config", CONFIGS)
def test_a_config_trains_elsewhere_to_the_losses_of_the_cpu(config, files):
    overrides = [text.format(files) for text in CONFIGS[config]]
    found, places = trained(config, [*overrides, f"trainer.device={NAME}"], 3)
    wanted, _ = trained(config, [*overrides, "trainer.shards=1"], 3)
    assert places == {NAME}
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        ["trainer.accumulate=2", "trainer.grad_clip=0.1", "trainer.ema=0.9"],
        ["optimizer={LBFGS: {line_search_fn: strong_wolfe}}"],
        ["model.Sequential.0.Linear.bias=false", "loss={CrossEntropyLoss: {label_smoothing: 0.1}}"],
    ],
)
def test_what_a_trainer_does_besides_is_done_elsewhere_too(options):
    found, _ = trained("digits_mlp", [*options, f"trainer.device={NAME}"], 4)
    wanted, _ = trained("digits_mlp", [*options, "trainer.shards=1"], 4)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "path", "message"),
    [
        (["trainer.device=nowhere"], "trainer.device", "there is no device 'nowhere'; there are: cpu, cuda"),
        ([f"trainer.device={NAME}", "trainer.shards=2"], "trainer.shards", "a step is computed in one piece"),
        ([f"trainer.device={NAME}", "trainer.compile=true"], "trainer.compile", "compile is for steps on the CPU"),
    ],
)
def test_settings_that_a_device_cannot_have_are_named(options, path, message):
    with pytest.raises(ShardingError, match=message) as caught:
        Training(minigrad.load("configs/digits_mlp.yaml", options))
    assert caught.value.path == path
