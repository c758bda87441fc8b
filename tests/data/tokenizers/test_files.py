"""Files of tokenizers: read, written, and refused."""

import json
import random

import pytest

from minigrad.data import DataError
from minigrad.data.tokenizers import read_tokenizer, tokenizer_json

from .conftest import PROSE, with_added


@pytest.fixture
def file(tmp_path, trained):
    """Writes the file of a tokenizer with changes by the path of a key."""

    def write(changes=(), name="gpt2"):
        content = json.loads(tokenizer_json(trained[name]))
        for keys, value in dict(changes).items():
            *path, last = keys.split(".")
            node = content
            for key in path:
                node = node[int(key) if isinstance(node, list) else key]
            node[last] = value
        (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
        return tmp_path / "tokenizer.json"

    return write


@pytest.mark.parametrize("name", ["gpt2", "llama3", "qwen2", "smollm"])
def test_a_tokenizer_comes_back_from_its_file(trained, file, name):
    back = read_tokenizer(file(name=name))
    assert tokenizer_json(back) == tokenizer_json(trained[name])
    assert back.encode(PROSE) == trained[name].encode(PROSE)


def test_options_come_back_from_the_file(tmp_path, trained):
    tokenizer = with_added(trained["llama3"], prefix=[0], is_nfc=True, ignores_merges=True)
    (tmp_path / "tokenizer.json").write_text(tokenizer_json(tokenizer), encoding="utf-8")
    back = read_tokenizer(tmp_path)
    assert (back.added, back.prefix, back.is_nfc, back.ignores_merges) == (tokenizer.added, (0,), True, True)


def test_the_two_files_of_gpt_2_are_read(tmp_path, trained):
    tokenizer = trained["gpt2"]
    (tmp_path / "vocab.json").write_text(json.dumps(tokenizer.vocabulary), encoding="utf-8")
    lines = ["#version: 0.2", *map(" ".join, tokenizer.merges), ""]
    (tmp_path / "merges.txt").write_text("\n".join(lines), encoding="utf-8")
    back = read_tokenizer(tmp_path)
    assert back.encode(PROSE + "<|endoftext|>") == tokenizer.encode(PROSE + "<|endoftext|>")
    assert back.special == {"<|endoftext|>": 0}


def test_merges_may_be_texts_with_a_space(trained, file):
    merges = [" ".join(pair) for pair in trained["gpt2"].merges]
    assert read_tokenizer(file({"model.merges": merges})).merges == trained["gpt2"].merges


def test_defaults_may_be_left_out_of_a_pre_tokenizer(file):
    left_out = {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False}}
    assert read_tokenizer(file(left_out)).pre_tokenizer == "gpt2"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.type": "Unigram"}, "the model is Unigram; there is BPE alone"),
        ({"model.byte_fallback": True}, "model.byte_fallback is True; there is false alone"),
        ({"model.dropout": 0.1}, "model.dropout is 0.1; there is null alone"),
        ({"normalizer": {"type": "NFKC"}}, r"the normalizer is NFKC\(\); there are null and NFC"),
        (
            {"pre_tokenizer": {"type": "Metaspace", "replacement": "_"}},
            r"the pre-tokenizer is Metaspace\(replacement='_'\); known are those of gpt2, smollm, llama3, qwen2",
        ),
        ({"pre_tokenizer.add_prefix_space": True}, r"the pre-tokenizer is ByteLevel\(add_prefix_space=True, "),
        ({"pre_tokenizer": None}, "the pre-tokenizer is null"),
        ({"decoder": {"type": "WordPiece"}}, r"the decoder is WordPiece\(\); there is ByteLevel alone"),
        ({"decoder": None}, "the decoder is null; there is ByteLevel alone"),
        ({"post_processor": {"type": "Bert"}}, r"the post-processor is Bert\(\); there are tokens before a text alone"),
        ({"added_tokens.0.lstrip": True}, "the added token '<|endoftext|>' has lstrip, which is not supported"),
        ({"added_tokens.0.id": -1}, "an added token must have a number from 0 and a text"),
        ({"model.vocab": {"a": 1.5}}, "the number of the token 'a' must be a whole one from 0, found 1.5"),
        ({"model.merges": ["a b c"]}, "merge 1 must be two tokens, found 'a b c'"),
        ({"model.merges": [["é", "é"]]}, "merge 1, of 'é' and 'é': no token 'éé'"),
        ({"model": None}, "no tokenizer in Hugging Face's format"),
    ],
    ids=str,
)
def test_another_kind_of_tokenizer_is_refused_by_the_name_of_what_is_not_known(file, changes, message):
    path = file(changes)
    with pytest.raises(DataError, match=message) as error:
        read_tokenizer(path)
    assert str(error.value).startswith(f"{path}: ")


def test_what_is_no_file_of_a_tokenizer_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected tokenizer\.json, or vocab\.json and merges\.txt; there is neither"):
        read_tokenizer(tmp_path)
    with pytest.raises(DataError, match=r"none\.json: no such file"):
        read_tokenizer(tmp_path / "none.json")
    for content, message in [(b"{", "expected JSON"), (b"\xff", "expected text in UTF-8"), (b"[]", "found list")]:
        (tmp_path / "tokenizer.json").write_bytes(content)
        with pytest.raises(DataError, match=message):
            read_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "vocab.json").write_text("{}")
    with pytest.raises(DataError, match=r"merges.txt: no such file"):
        read_tokenizer(tmp_path)


def test_a_damaged_file_is_read_or_refused_with_a_sentence(file):
    path, choose, refused = file(), random.Random(0), 0
    whole = path.read_bytes()
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[choose.randrange(len(damaged))] = choose.choice(b'0129[]{},:"a')
        path.write_bytes(damaged)
        try:
            read_tokenizer(path)
        except DataError:
            refused += 1
    assert refused > 100
