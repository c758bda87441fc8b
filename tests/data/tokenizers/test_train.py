"""Vocabularies learned from a text, beside Hugging Face's library."""

import json
import time
from pydoc_data.topics import topics

import pytest

from minigrad.data import DataError
from minigrad.data.tokenizers import train_byte_pairs

from .conftest import PROSE


@pytest.mark.parity
def test_the_merges_are_those_that_the_library_learns():
    library = pytest.importorskip("tokenizers", reason="parity with Hugging Face needs tokenizers")
    theirs = library.Tokenizer(library.models.BPE())
    theirs.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = library.trainers.BpeTrainer(
        vocab_size=700,
        min_frequency=2,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    text = "\n".join(topics.values())
    theirs.train_from_iterator([text], trainer)
    model = json.loads(theirs.to_str())["model"]
    ours = train_byte_pairs(text, 700)
    assert ours.merges == [tuple(pair) for pair in model["merges"]]
    assert ours.vocabulary == model["vocab"]


def test_the_most_frequent_pair_merges_first_and_of_equals_that_of_the_lower_numbers():
    assert train_byte_pairs("abab cdcd abab", 259, special=()).merges == [("a", "b"), ("c", "d"), ("ab", "ab")]


def test_what_a_text_has_once_becomes_no_token():
    assert train_byte_pairs("abcdefg", 1000).vocab_size == 257


def test_special_tokens_come_first_and_then_the_bytes():
    tokenizer = train_byte_pairs(PROSE, 300, special=("<s>", "</s>"))
    assert tokenizer.special == {"<s>": 0, "</s>": 1}
    assert tokenizer.vocab_size == 300
    assert tokenizer.encode("<s>!") == [0, 2]


def test_a_megabyte_takes_seconds():
    text = "\n".join(topics.values()) * 2
    start = time.process_time()
    train_byte_pairs(text[: 2**20], 1024)
    assert time.process_time() - start < 10


def test_a_size_without_room_for_the_bytes_is_refused():
    with pytest.raises(
        DataError, match="a vocabulary has at least 257 tokens, the bytes and the special ones; got a size of 256"
    ):
        train_byte_pairs(PROSE, 256)
