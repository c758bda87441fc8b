import pytest

from minigrad.data.tokenizers import AddedToken, BytePairs, train_byte_pairs

PROSE = (
    "It's 1, 22, 333 and 4444!  The quick brown fox can't jump\n\n over   the lazy dog; he says “Grüße, 世界”.\r\n" * 20
)


@pytest.fixture(scope="session")
def trained() -> dict[str, BytePairs]:
    """A small tokenizer by each pre-tokenizer."""
    return {name: train_byte_pairs(PROSE, 400, name) for name in ("gpt2", "llama3", "qwen2", "smollm")}


@pytest.fixture
def chat() -> BytePairs:
    """A tokenizer with the special tokens of ChatML."""
    return train_byte_pairs(PROSE, 300, "smollm", ("<|endoftext|>", "<|im_start|>", "<|im_end|>"))


def with_added(tokenizer: BytePairs, **changes) -> BytePairs:
    added = {**tokenizer.added, tokenizer.vocab_size: AddedToken("<tool>", False)}
    options = {"pre_tokenizer": tokenizer.pre_tokenizer, "added": added, **changes}
    return BytePairs(tokenizer.vocabulary, tokenizer.merges, **options)
