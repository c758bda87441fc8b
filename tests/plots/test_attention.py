import numpy as np
import pytest

from minigrad import Tensor, no_grad, ops
from minigrad.cli import main
from minigrad.data import CharText
from minigrad.nn import CrossEntropyLoss, Embedding, LayerNorm, Linear, MultiHeadAttention, Residual, Sequential
from minigrad.optim import SGD
from minigrad.training import Experiment, UsageError

plots = pytest.importorskip("minigrad.plots", reason="pictures need matplotlib")
PROSE = "the quick brown\nfox jumps over the lazy dog; " * 40


@pytest.fixture
def experiment(tmp_path):
    """A model of two layers of attention, of two heads and of one, for a text of blocks of 16."""
    (tmp_path / "prose.txt").write_text(PROSE)
    data = CharText(str(tmp_path / "prose.txt"), block_size=16)
    model = Sequential(
        Embedding(data.vocab_size, 8),
        Residual(LayerNorm(8), MultiHeadAttention(8, 2, is_causal=True)),
        MultiHeadAttention(8, 1),
        Linear(8, data.vocab_size),
    )
    return Experiment("text", data, model.eval(), CrossEntropyLoss(axis=-1), SGD)


def panels(picture):
    figure = picture.figure()
    figure.canvas.draw()
    return [axes for part in figure.subfigs for axes in part.axes]


def test_each_head_of_each_layer_has_a_panel_whose_rows_and_columns_are_the_tokens(experiment):
    picture = plots.attention(experiment, "lazy\nfox")
    shown = panels(picture)
    assert [axes.get_title(loc="left") for axes in shown] == ["1.1, head 1", "1.1, head 2", "2, head 1"]
    for axes in shown:
        for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
            assert "".join(tick.get_text() for tick in ticks) == "lazy⏎fox"


def test_what_is_shown_are_the_weights_that_the_model_computes_with(experiment):
    shown = panels(plots.attention(experiment, "lazy fox"))
    _, block, second, _ = experiment.model
    with no_grad():
        x = experiment.model[0](Tensor(experiment.data.encode("lazy fox")[np.newaxis]))
        mha = block[1]
        q, k, _ = ops.split(ops.linear(block[0](x), mha.in_proj_weight, mha.in_proj_bias), 3, axis=-1)
        for head in range(2):
            columns = slice(4 * head, 4 * head + 4)
            weights = ops.attention_weights(q[..., columns].data, k[..., columns].data, is_causal=True)[0]
            np.testing.assert_allclose(shown[head].images[0].get_array()[..., 3] ** 2, weights, rtol=1e-5, atol=1e-7)
        _, weights = second(block(x), need_weights=True)
    np.testing.assert_allclose(shown[2].images[0].get_array()[..., 3] ** 2, weights.data[0], rtol=1e-5, atol=1e-7)


def test_looking_changes_nothing_in_the_model(experiment):
    inputs = Tensor(experiment.data.val.batch(slice(2))[0])
    before = experiment.model(inputs).data
    plots.attention(experiment, "lazy fox")
    np.testing.assert_array_equal(experiment.model(inputs).data, before)


def test_a_text_longer_than_the_block_shows_its_end_and_says_so(experiment):
    picture = plots.attention(experiment, "jumps over the lazy dog")
    labels = "".join(tick.get_text() for tick in panels(picture)[0].get_yticklabels())
    assert labels == "ver␣the␣lazy␣dog"
    assert "The last 16 of 23 tokens are shown." in picture.note


def test_a_model_without_attention_is_refused(experiment):
    experiment.model = Sequential(experiment.model[0], experiment.model[3])
    with pytest.raises(UsageError, match="Sequential has no MultiHeadAttention layer"):
        plots.attention(experiment, "fox")


def test_the_command_draws_into_the_run_and_says_where(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prose.txt").write_text(PROSE)
    (tmp_path / "mine.yaml").write_text(
        "name: mine\ndata: {CharText: {path: prose.txt, block_size: 8}}\nmodel:\n  Sequential:\n"
        "    - Embedding: ['${data.vocab_size}', 8]\n    - MultiHeadAttention: [8, 2]\n"
        "    - Linear: [8, '${data.vocab_size}']\nloss: {CrossEntropyLoss: {axis: -1}}\n"
        "optimizer: {SGD: {lr: 0.1}}\ntrainer: {max_steps: 1}\n"
    )
    assert main(["train", "mine.yaml"]) == 0
    capsys.readouterr()
    assert main(["plot", "runs/mine/0001", "--attention", "lazy fox"]) == 0
    path = tmp_path / capsys.readouterr().out.strip()
    assert path.name == "attention.png"
    assert path.read_bytes().startswith(b"\x89PNG")
