"""Tokenizer files: Hugging Face's `tokenizer.json`, and GPT-2's two."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from minigrad.data.errors import DataError
from minigrad.data.files import reading
from minigrad.data.tokenizers.byte_pairs import AddedToken, BytePairs
from minigrad.data.tokenizers.split import PATTERNS

_BYTE_LEVEL: dict[str, Any] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}

_PRE_TOKENIZERS: dict[str, dict[str, Any]] = {
    "gpt2": {**_BYTE_LEVEL, "use_regex": True},
    "smollm": {
        "type": "Sequence",
        "pretokenizers": [{"type": "Digits", "individual_digits": True}, {**_BYTE_LEVEL, "use_regex": True}],
    },
} | {
    name: {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": PATTERNS[name]}, "behavior": "Isolated", "invert": False},
            {**_BYTE_LEVEL, "use_regex": False},
        ],
    }
    for name in ("llama3", "qwen2")
}
"""The entry of each pre-tokenizer in the file."""

_MODEL = {
    "type": "BPE",
    "dropout": None,
    "unk_token": None,
    "continuing_subword_prefix": None,
    "end_of_word_suffix": None,
    "fuse_unk": False,
    "byte_fallback": False,
}
"""The file's settings for byte-level pairs, apart from vocabulary and merges."""


def read_tokenizer(path: str | Path) -> BytePairs:
    """Return the tokenizer in a file or folder.

    Args:
        path: a `tokenizer.json`, or a folder with one or with GPT-2's `vocab.json` and `merges.txt`.

    Raises:
        DataError: if the files cannot be read or are inconsistent, or if the tokenizer is not byte-level pairs with a
            pre-tokenizer in `PATTERNS`.
    """
    path = Path(path)
    if not path.is_dir():
        return _checked(path, _tokenizer, _json(path))
    if (path / "tokenizer.json").exists():
        return _checked(path / "tokenizer.json", _tokenizer, _json(path / "tokenizer.json"))
    if (path / "vocab.json").exists():
        return _checked(path, _gpt2, (_json(path / "vocab.json"), _text(path / "merges.txt")))
    raise DataError(f"{path}: expected tokenizer.json, or vocab.json and merges.txt; there is neither")


def tokenizer_json(tokenizer: BytePairs) -> str:
    """Return a tokenizer as `tokenizer.json`.

    Hugging Face's library and `read_tokenizer` read it.
    """
    texts = {number: token.text for number, token in tokenizer.added.items()}
    texts |= {number: text for text, number in tokenizer.vocabulary.items() if number in tokenizer.prefix}
    processor: dict[str, Any] = {**_BYTE_LEVEL, "use_regex": True}
    if tokenizer.prefix:
        prefix = [{"SpecialToken": {"id": texts[number], "type_id": 0}} for number in tokenizer.prefix]
        single = [*prefix, {"Sequence": {"id": "A", "type_id": 0}}]
        known = {texts[n]: {"id": texts[n], "ids": [n], "tokens": [texts[n]]} for n in tokenizer.prefix}
        pair = [*single, {"Sequence": {"id": "B", "type_id": 1}}]
        processor = {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": known}
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": number,
                "content": token.text,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": token.is_special,
            }
            for number, token in sorted(tokenizer.added.items())
        ],
        "normalizer": {"type": "NFC"} if tokenizer.is_nfc else None,
        "pre_tokenizer": _PRE_TOKENIZERS[tokenizer.pre_tokenizer],
        "post_processor": processor,
        "decoder": {**_BYTE_LEVEL, "use_regex": True},
        "model": {
            **_MODEL,
            "ignore_merges": tokenizer.ignores_merges,
            # with the added tokens, which the library would otherwise number itself
            "vocab": {**tokenizer.vocabulary, **{token.text: number for number, token in tokenizer.added.items()}},
            "merges": tokenizer.merges,
        },
    }
    return json.dumps(content, ensure_ascii=False)


def parse_tokenizer(text: str) -> BytePairs:
    """Return the tokenizer in a `tokenizer_json` text.

    Errors are those of `read_tokenizer`.
    """
    return _tokenizer(json.loads(text))


def _checked(path: Path, read: Callable[[Any], BytePairs], content: Any) -> BytePairs:
    """Call `read(content)`.

    Raises:
        DataError: naming the file, and the part of it that is not as expected.
    """
    try:
        return read(content)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else f"{error}"
        raise DataError(f"{path}: no tokenizer in Hugging Face's format: {reason}") from None


def _text(path: Path) -> str:
    with reading(path):
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: expected text in UTF-8: {error}") from None


def _json(path: Path) -> dict[str, Any]:
    text = _text(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: expected JSON: {error}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected an object in JSON, found {type(content).__name__}")
    return content


def _gpt2(files: tuple[dict[str, Any], str]) -> BytePairs:
    vocabulary, merges = files
    lines = [line for line in merges.split("\n") if line.strip() and not line.startswith("#version")]
    end = "<|endoftext|>"
    added = {vocabulary[end]: AddedToken(end)} if end in vocabulary else {}
    return BytePairs(_vocabulary(vocabulary), _merges(lines), "gpt2", added)


def _tokenizer(content: Mapping[str, Any]) -> BytePairs:
    model, normalizer = content["model"], content.get("normalizer")
    if model.get("type", "BPE") != "BPE":
        raise DataError(f"the model is {model['type']}; there is BPE alone")
    for key, expected in _MODEL.items():
        if key != "type" and (model.get(key) or None) != (expected or None) and key != "unk_token":
            raise DataError(f"model.{key} is {model[key]!r}; there is {json.dumps(expected)} alone")
    if normalizer not in (None, {"type": "NFC"}):
        raise DataError(f"the normalizer is {_describe(normalizer)}; there are null and NFC")
    if (content.get("decoder") or {}).get("type") != "ByteLevel":
        raise DataError(f"the decoder is {_describe(content.get('decoder'))}; there is ByteLevel alone")
    return BytePairs(
        _vocabulary(model["vocab"]),
        _merges(model["merges"]),
        _pre_tokenizer(content.get("pre_tokenizer")),
        dict(map(_added_token, content.get("added_tokens") or [])),
        _prefix(content.get("post_processor")),
        normalizer is not None,
        bool(model.get("ignore_merges")),
    )


def _vocabulary(vocabulary: Mapping[str, Any]) -> dict[str, int]:
    for text, number in vocabulary.items():
        if type(number) is not int or number < 0:
            raise DataError(f"the number of the token {text!r} must be a whole one from 0, found {number!r}")
    return dict(vocabulary)


def _merges(merges: list[Any]) -> list[tuple[str, str]]:
    """Return the pairs, each given as a list of two tokens or as text with a space between them."""
    pairs = []
    for rank, merge in enumerate(merges, 1):
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if len(pair) != 2 or not all(isinstance(token, str) and token for token in pair):
            raise DataError(f"merge {rank} must be two tokens, found {merge!r}")
        pairs.append((pair[0], pair[1]))
    return pairs


def _pre_tokenizer(found: Any) -> str:
    for name, known in _PRE_TOKENIZERS.items():
        if _essence(found) == _essence(known):
            return name
    raise DataError(f"the pre-tokenizer is {_describe(found)}; known are those of {', '.join(_PRE_TOKENIZERS)}")


def _essence(node: Any) -> Any:
    """Return a pre-tokenizer's entry without settings that change no token, and with defaults filled in."""
    if isinstance(node, list):
        return [_essence(part) for part in node]
    if not isinstance(node, dict):
        return node
    usual = {"use_regex": True} if node.get("type") == "ByteLevel" else {}
    return {key: _essence(value) for key, value in {**usual, **node}.items() if key != "trim_offsets"}


def _describe(node: Any) -> str:
    """Return the types in a part of the file, and its patterns."""
    if not isinstance(node, dict):
        return json.dumps(node)
    parts = next((value for value in node.values() if isinstance(value, list)), [])
    inner = [_describe(part) for part in parts] or [f"{k}={v!r}" for k, v in node.items() if k != "type"]
    return f"{node.get('type')}({', '.join(inner)})"


def _added_token(entry: Mapping[str, Any]) -> tuple[int, AddedToken]:
    for key in ("single_word", "lstrip", "rstrip"):
        if entry.get(key):
            raise DataError(f"the added token {entry['content']!r} has {key}, which is not supported")
    if type(entry["id"]) is not int or entry["id"] < 0 or not isinstance(entry["content"], str) or not entry["content"]:
        raise DataError(f"an added token must have a number from 0 and a text, found {entry!r}")
    return entry["id"], AddedToken(entry["content"], bool(entry.get("special")))


def _prefix(processor: Any) -> list[int]:
    """Return the tokens that a post-processor puts before a text.

    Raises:
        DataError: if it does anything else.
    """
    kind = None if processor is None else processor.get("type")
    if kind in (None, "ByteLevel"):
        return []
    if kind == "Sequence":
        return [number for part in processor["processors"] for number in _prefix(part)]
    if kind != "TemplateProcessing" or "Sequence" not in processor["single"][-1]:
        raise DataError(f"the post-processor is {_describe(processor)}; there are tokens before a text alone")
    names = [part["SpecialToken"]["id"] for part in processor["single"][:-1]]
    return [number for name in names for number in processor["special_tokens"][name]["ids"]]
