"""What a search is over: ranges and choices, and what of them a config does not take."""

import pytest

from minigrad.config import ConfigError, load_plan
from minigrad.training.experiment import Experiment, known_classes
from minigrad.training.search.grid import overrides_of
from minigrad.training.search.space import Choice, Range, Space, read_space


@pytest.fixture
def space(tmp_path):
    (tmp_path / "small.yaml").write_text("name: small\ndata: Moons\nmodel: {Sequential: [{Linear: [2, 2]}]}\n"
                                         "loss: CrossEntropyLoss\noptimizer: {SGD: {lr: 0.1}}\n")  # fmt: skip
    registry = known_classes(tmp_path)

    def load(point):
        return load_plan(tmp_path / "small.yaml", Experiment, registry, overrides_of(dict(point)))

    return lambda *texts: Space(read_space(texts), texts, load, load)


def test_ranges_and_choices_are_read():
    ranges = ["a.lr=log(1e-5,1e-1)", "b=uniform(0, 0.5)", "c=int(8,256)", "d=int(8, 256, log)"]
    assert read_space([*ranges, "e=[MLP, {CNN: {size: 2}}, 3]"]) == {
        "a.lr": Range(1e-5, 1e-1, log=True),
        "b": Range(0, 0.5),
        "c": Range(8, 256, whole=True),
        "d": Range(8, 256, log=True, whole=True),
        "e": Choice({"MLP": "MLP", '{"CNN": {"size": 2}}': {"CNN": {"size": 2}}, "3": 3}),
    }  # fmt: skip


@pytest.mark.parametrize(("text", "place", "message"), [
    ("optimizer.lr", "1:1", "expected key=log(a, b), uniform(a, b)"),
    ("optimizer.lr=0.1", "1:1", "expected key=log(a, b)"),
    ("optimizer.lr=gauss(0, 1)", "1:1", "expected key=log(a, b)"),
    ("optimizer.lr=log(1)", "1:14", "log(a, b) takes two numbers"),
    ("optimizer.lr=log(x, 1)", "1:14", "log(a, b) takes two numbers"),
    ("optimizer.lr=uniform(0, .inf)", "1:14", "uniform(a, b) takes two numbers"),
    ("optimizer.lr=int(1, 2.5)", "1:14", "int(a, b) takes two whole numbers"),
    ("optimizer.lr=int(true, 4)", "1:14", "int(a, b) takes two whole numbers"),
    ("optimizer.lr=log(1, 0.1)", "1:14", "expected the smaller number first, got 1 and 0.1"),
    ("optimizer.lr=log(0, 1)", "1:14", "a logarithmic scale begins above 0"),
    ("optimizer.lr=[1, 1]", "1:1", "a value is listed twice"),
    ("optimizer.lr=[1, 2", "1:14", "this bracket is not closed"),
    ("optimizer.lr=uniform(0, 1" + "0" * 40 + ")", "1:14", "takes two numbers"),
])  # fmt: skip
def test_what_is_no_range_is_refused_with_its_place(text, place, message):
    with pytest.raises(ConfigError) as error:
        read_space([text])
    assert f"--search:{place}: error: " in str(error.value)
    assert message in str(error.value)


def test_all_mistakes_are_said_at_once():
    with pytest.raises(ConfigError) as error:
        read_space(["a=log(0, 1)", "b", "c=[1]", "c=[2]"])
    assert str(error.value).endswith("3 errors; nothing was run")


def test_a_range_is_for_the_choices_that_have_its_key(space):
    found = space("optimizer=[SGD, Adam]", "optimizer.momentum=uniform(0, 0.9)", "optimizer.lr=log(1e-3, 1)")
    assert list(found.ranges_with({"optimizer": "SGD"})) == ["optimizer.momentum", "optimizer.lr"]
    assert list(found.ranges_with({"optimizer": "Adam"})) == ["optimizer.lr"]


@pytest.mark.parametrize(("texts", "message"), [
    (["optimizer.lx=log(1e-3, 1)"], "--search:1:11: error: SGD has no argument 'lx'"),
    (["optimizer=[SGD, Adem]"], "--search:1:17: error: "),
    (["optimizer=[SGD, Adam]", "optimizer.momemtum=uniform(0, 1)"], "--search:1:11: error: SGD has no argument"),
    (["modle=[MLP]"], "--search:1:1: error: "),
    (["trainer.max_epochs=uniform(1, 3.5)"], "--search:1:20: error: 'max_epochs'"),
])  # fmt: skip
def test_what_the_config_does_not_take_is_refused_at_its_place_on_the_command_line(space, texts, message):
    with pytest.raises(ConfigError) as error:
        space(*texts)
    assert message in str(error.value)


def test_many_listed_values_are_each_checked(space):
    texts = [f"{key}=[{', '.join(map(str, range(1, 21)))}]" for key in ("loader.batch_size", "trainer.max_epochs")]
    found = space(*texts)
    assert len(found._combinations()) == 40
    with pytest.raises(ConfigError, match="seed"):
        space(*texts, "seed=[1, x]")
