"""Language models that others trained, as they are used."""

from pathlib import Path

import pytest

import minigrad
from minigrad.data.tokenizers import Message, train_byte_pairs
from minigrad.engine import random
from minigrad.formats import FormatError, huggingface
from minigrad.inference import Writer, load_pretrained
from minigrad.training import UsageError
from models.llama import Llama

HOME = Path(__file__).parents[2]
PROSE = "the quick brown fox jumps over the lazy dog; " * 20


@pytest.fixture
def folder(tmp_path):
    """A tiny Llama that knows nothing, in Hugging Face's form."""
    random.seed(0)
    tokenizer = train_byte_pairs(PROSE, 280, "smollm", ("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    model = Llama(280, 64, n_layer=1, n_head=2, n_embd=16, n_kv_head=1)
    huggingface.save(model, tmp_path / "tiny", "llama", tokenizer)
    return tmp_path / "tiny"


def test_a_folder_writes_text_by_the_seed(folder):
    writer = load_pretrained(folder, HOME)
    assert isinstance(writer.model, minigrad.nn.LanguageModel)
    once, again, other = (list(writer.generate("the fox", 12, seed=seed)) for seed in (1, 1, 2))
    assert once == again != other
    assert len(once) == 13  # the last piece is what an unfinished character leaves


def test_text_ends_at_the_token_that_ends_it(folder):
    writer = load_pretrained(folder, HOME)
    start = writer.tokenizer.encode("the fox")
    written = list(writer.model.generate(start, 12, top_k=1))
    short = Writer(writer.model, writer.tokenizer, {written[4]})
    text = "".join(writer.tokenizer.decode(written[: written.index(written[4])]))
    assert "".join(short.generate("the fox", 12, top_k=1)) == text


def test_an_answer_ends_with_the_turn(folder):
    writer = load_pretrained(folder, HOME)
    conversation = [Message("user", "the fox?")]
    asked = {}

    def generate(prompt, tokens, end, **sampling):
        asked.update(prompt=prompt, end=end, sampling=sampling)
        return iter(writer.tokenizer.encode("the dog"))

    writer.model.generate = generate
    assert "".join(writer.chat(conversation, temperature=0.5)) == "the dog"
    assert asked["end"] == {writer.tokenizer.special["<|im_end|>"]}
    assert asked["sampling"] == {"temperature": 0.5}
    text = "".join(writer.tokenizer.decode(asked["prompt"], special=True))
    assert text == "<|im_start|>user\nthe fox?<|im_end|>\n<|im_start|>assistant\n"


def test_what_cannot_be_written_is_a_sentence(folder):
    writer = load_pretrained(folder, HOME)
    for call, message in [
        (lambda: writer.generate(""), "the prompt is empty: give at least one token to go on from"),
        (lambda: writer.generate("a", temperature=0), "temperature must be above 0, got 0"),
        (lambda: writer.generate("\ud800"), "expected characters, found half of a surrogate pair"),
        (lambda: writer.generate("§" * 100), "the prompt has 200 tokens, and the model sees 64: shorten it"),
        (lambda: Writer(writer.model, train_byte_pairs(PROSE, 260)).chat([]), "not taught to chat in a known form"),
    ]:
        with pytest.raises(UsageError, match=message):
            call()


def test_what_cannot_be_loaded_is_a_sentence(folder, tmp_path):
    (folder / "tokenizer.json").unlink()
    with pytest.raises(UsageError, match=r"tiny: there is no tokenizer\.json, nor vocab\.json and merges\.txt"):
        load_pretrained(folder, HOME)
    (tmp_path / "cut.gguf").write_bytes(b"GGUF")
    with pytest.raises(FormatError, match=r"cut\.gguf is not a complete GGUF file"):
        minigrad.load_pretrained(tmp_path / "cut.gguf")


@pytest.mark.slow
def test_a_real_language_model_answers(smollm2):
    writer = load_pretrained(smollm2, HOME)
    assert "".join(writer.generate("The capital of France is", 2, top_k=1)) == " Paris."
    question = [Message("user", "What is the capital of France?")]
    assert "".join(writer.chat(question, 30, top_k=1)) == "The capital of France is Paris."
