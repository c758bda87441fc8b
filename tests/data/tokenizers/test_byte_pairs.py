"""Texts to byte pairs and back, beside Hugging Face's library."""

import random
import time
import unicodedata

import pytest

from minigrad.data import DataError
from minigrad.data.tokenizers import AddedToken, BytePairs, tokenizer_json, train_byte_pairs
from minigrad.data.tokenizers.split import PATTERNS, words

from .conftest import PROSE, with_added

SMALL = {"a": 0, "b": 1, "ab": 2, "Ġ": 3, "aba": 4}


def theirs(tokenizer):
    library = pytest.importorskip("tokenizers", reason="parity with Hugging Face needs tokenizers")
    return library.Tokenizer.from_str(tokenizer_json(tokenizer))


def random_texts(count):
    """Texts of every kind of character that this Python's Unicode has, with what pre-tokenizers look at in between."""
    choose = random.Random(0)
    assigned = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")]
    pieces = [
        "'s",
        "'LL",
        "'ſ",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        "\x1c",
        "\x85",
        "\u3000",
        "1",
        "234",
        "٣",
        "½",
        "_",
        "<|endoftext|>",
    ]
    for _ in range(count):
        n = choose.randrange(40)
        yield "".join(
            choose.choice([choose.choice(assigned), choose.choice(pieces), chr(choose.randrange(128))])
            for _ in range(n)
        )


@pytest.mark.parity
@pytest.mark.parametrize("name", PATTERNS)
def test_a_thousand_random_texts_have_the_tokens_that_the_library_gives_them(trained, name):
    tokenizer, library = trained[name], theirs(trained[name])
    for text in random_texts(1000):
        tokens = tokenizer.encode(text)
        assert tokens == library.encode(text).ids, text
        assert "".join(tokenizer.decode(tokens, special=True)) == text


@pytest.mark.parity
def test_tokens_in_any_order_have_the_text_that_the_library_gives_them(trained):
    tokenizer, library, choose = trained["gpt2"], theirs(trained["gpt2"]), random.Random(1)
    for _ in range(300):  # most of them are no characters in UTF-8
        tokens = [choose.randrange(tokenizer.vocab_size) for _ in range(choose.randrange(30))]
        assert "".join(tokenizer.decode(tokens)) == library.decode(tokens)
        assert "".join(tokenizer.decode(tokens, special=True)) == library.decode(tokens, skip_special_tokens=False)


@pytest.mark.parity
@pytest.mark.parametrize("changes", [{}, {"is_nfc": True}, {"ignores_merges": True}, {"prefix": [0]}], ids=str)
def test_options_mean_what_they_mean_in_the_library(trained, changes):
    tokenizer = with_added(trained["llama3"], **changes)
    library = theirs(tokenizer)
    for text in [*random_texts(100), "a<tool>b <|endoftext|>c", "e\u0301 <tool><tool>", PROSE]:
        assert [*tokenizer.prefix, *tokenizer.encode(text)] == library.encode(text).ids, text


def test_the_pair_of_the_lowest_rank_merges_first_and_of_equals_the_leftmost():
    assert BytePairs(SMALL, [("a", "b"), ("ab", "a")]).encode("ababa") == [2, 4]
    assert BytePairs({"a": 0, "aa": 1}, [("a", "a")]).encode("aaaaa") == [1, 1, 0]


def test_a_word_of_the_vocabulary_is_one_token_where_merges_are_ignored():
    assert BytePairs(SMALL, []).encode("aba") == [0, 1, 0]
    assert BytePairs(SMALL, [], ignores_merges=True).encode("aba") == [4]


def test_the_text_of_a_special_token_is_that_token_or_text():
    tokenizer = BytePairs(SMALL, [], added={9: AddedToken("aba"), 7: AddedToken("bb", False)})
    assert tokenizer.encode("ababb") == [9, 7]
    assert tokenizer.encode("ababb", special=False) == [0, 1, 0, 7]
    assert tokenizer.special == {"aba": 9}
    assert tokenizer.vocab_size == 10
    assert "".join(tokenizer.decode([9, 0, 7])) == "abb"
    assert "".join(tokenizer.decode([9, 0, 7], special=True)) == "abaabb"


def test_of_two_special_tokens_at_a_place_the_longer_one_counts():
    tokenizer = BytePairs(SMALL, [], added={8: AddedToken("<a>"), 9: AddedToken("<a><b>")})
    assert tokenizer.encode("<a><b><a>") == [9, 8]


def test_a_character_comes_once_its_last_byte_has_come(trained):
    tokenizer = train_byte_pairs("", 257)
    written = list(tokenizer.decode(tokenizer.encode("é世")))
    assert written == ["", "é", "", "", "世", ""]
    cut = tokenizer.encode("é世")[:-1]
    assert "".join(tokenizer.decode(cut)) == "é�"


def test_a_megabyte_takes_seconds(trained):
    text = (PROSE + "".join(random_texts(200))) * 100
    text = text[: 2**20]
    start = time.process_time()
    trained["smollm"].encode(text)
    assert time.process_time() - start < 10


def test_a_word_of_a_hundred_thousand_letters_takes_a_second_not_an_hour(trained):
    start = time.process_time()
    trained["gpt2"].encode("the" * 30_000)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("name", PATTERNS)
def test_words_cover_a_text_end_to_end(name):
    for text in random_texts(200):
        assert "".join(words(name).findall(text)) == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pre_tokenizer": "gpt3"}, "unknown pre-tokenizer 'gpt3': did you mean 'gpt2'"),
        ({"vocabulary": {"a": 0, "b": 0}}, "two tokens of the vocabulary have the number 0; one is 'b'"),
        ({"merges": [("a", "c")]}, "merge 1, of 'a' and 'c': no token 'c'"),
        ({"merges": [("a", "b"), ("b", "a")]}, "merge 2, of 'b' and 'a': no token 'ba'"),
        ({"prefix": [70]}, "the prefix has the token 70, which the vocabulary lacks"),
    ],
)
def test_a_vocabulary_that_contradicts_itself_is_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        BytePairs(**{"vocabulary": SMALL, "merges": [], **arguments})


def test_what_has_no_tokens_is_refused(trained):
    with pytest.raises(DataError, match=r"expected characters, found half of a surrogate pair, '\\ud800'"):
        trained["gpt2"].encode("a\ud800")
    with pytest.raises(DataError, match="the vocabulary lacks a token for the byte 0x63, which 'abc' has"):
        BytePairs(SMALL, []).encode("abc")
    with pytest.raises(DataError, match=f"there is no token 5000: the vocabulary has {trained['gpt2'].vocab_size}"):
        list(trained["gpt2"].decode([5000]))
