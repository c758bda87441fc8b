"""Lesson 6: what its functions give, that its blocks run, and that what it says of SmolLM2 is so."""

import re

import numpy as np
import pytest

from docs.lessons import language_model
from minigrad import load_pretrained

PAGE = "6_a_language_model_that_others_trained.md"


@pytest.fixture
def toy():
    return language_model.toy()


@pytest.fixture
def without_files(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    language_model.opened.cache_clear()
    yield
    language_model.opened.cache_clear()


def test_pieces_are_the_text(toy):
    text = "The capital of Zürich is 2024"
    assert "".join(piece for piece in language_model.pieces(toy, text) if "\ufffd" not in piece) in text.replace(
        "ü", ""
    )
    assert language_model.pieces(toy, "The cat") == ["The", " cat"]


def test_the_likeliest_come_first_and_of_all_the_sum_is_1(toy):
    shares = language_model.likeliest(toy, "The capital of France is", 10_000)
    assert sum(shares.values()) == pytest.approx(1, abs=0.02)  # two tokens may have the same text
    best = list(language_model.likeliest(toy, "The capital of France is", 8).values())
    assert best == sorted(best, reverse=True)
    assert set(list(shares)[:2]) == {" Paris", " Rome"}


def test_attention_has_weights_with_the_sum_1_and_none_for_what_comes_later(toy):
    weights = language_model.attention_weights(toy, "The cat sat on the mat")
    assert weights.shape == (2, 4, 6, 6)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    assert (weights[..., np.triu_indices(6, 1)[0], np.triu_indices(6, 1)[1]] == 0).all()


def test_the_best_head_is_the_one_that_takes_most():
    weights = np.zeros((3, 2, 4, 4))
    weights[2, 1, 3, 0] = 0.5
    assert language_model.best_head(weights, looks=3, at=0) == (2, 1)


def test_without_the_model_every_block_of_the_page_runs_on_the_toy(without_files, read_page, capsys):
    page = read_page(PAGE)
    assert page.names["model"].vocab_size < 400
    assert capsys.readouterr().out


def test_every_picture_can_be_drawn(without_files, tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    from docs.lessons.figures.language_model import PICTURES

    for picture in PICTURES:
        path = picture().save(tmp_path, svg=True)
        assert path.name == f"6_{picture.__name__}.svg"
        assert path.stat().st_size > 5_000


@pytest.mark.slow
def test_what_the_page_says_of_smollm2_is_so(smollm2, read_page, monkeypatch, capsys):
    writer = load_pretrained(smollm2)
    monkeypatch.setattr(language_model, "opened", lambda: writer)
    page = read_page(PAGE)
    printed = capsys.readouterr().out
    for said in re.findall(r"^print\(.*\)  # ([\d,.]+)", "\n".join(page.blocks), re.MULTILINE):
        assert said.rstrip(".") in printed
    for told in ("['un', 'belie', 'vable']", " Paris 0.77", "14 9 0.8\n", "0.57\n", " Paris.\n"):
        assert told in printed
    assert [
        round(language_model.likeliest(writer, text, 1)[" Rome"], 2)
        for text in ("The capital of Atlantis is", "The capital of France is")
    ] == [1, 1]
