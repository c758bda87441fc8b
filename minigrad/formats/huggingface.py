"""Hugging Face folders: `config.json`, `model.safetensors`, `tokenizer.json`.

The weights may be in one file or in several.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from math import isclose
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from minigrad.data.errors import DataError
from minigrad.data.tokenizers import BytePairs, read_tokenizer, tokenizer_json
from minigrad.formats import safetensors
from minigrad.formats.atomic import replacing, write_durably
from minigrad.formats.errors import FormatError
from minigrad.formats.family import Family
from minigrad.formats.gpt2 import GPT2
from minigrad.formats.llama import LLAMA
from minigrad.formats.pretrained import Pretrained
from minigrad.formats.stored import Stored
from minigrad.formats.weights import by_names
from minigrad.nn import Module
from minigrad.paths import require_file

T = TypeVar("T", bound=Module)

FAMILIES: dict[str, Family] = {"gpt2": GPT2, "llama": LLAMA, "mistral": LLAMA, "qwen2": LLAMA}
"""The families by `model_type`."""


def load(path: str | Path, cls: type[T], kinds: Collection[str]) -> T:
    """Load a model from a folder, in evaluation mode.

    Args:
        path: the folder.
        cls: the class that implements these models.
        kinds: the values of `model_type` that it implements.

    Raises:
        FormatError: for another kind of model, unsupported features, a damaged file, or weights that are missing,
            unexpected or of another shape.
        OSError: if a file cannot be read.
    """
    return _describe(Path(path), kinds).build(cls)


def open_folder(path: str | Path) -> Pretrained:
    """Open a model and its tokenizer without reading the weights.

    Raises:
        FormatError: as for `load`, and for a tokenizer that `read_tokenizer` does not support.
        OSError: if a file cannot be read.
    """
    folder = Path(path)
    return _describe(folder, FAMILIES.keys())._replace(tokenizer=_tokenizer(folder))


def weights(path: str | Path, model: Module) -> dict[str, Stored]:
    """Return the arrays of a folder, read on demand.

    If `model` is of the class that implements the folder's models, arrays get their names in `model`. All other arrays
    keep their names in the files.

    Raises:
        FormatError: for a damaged file, a `config.json` of a known kind with unknown keys, or a model with other
            settings than the folder describes.
        OSError: if a file cannot be read.
    """
    folder = Path(path)
    kind = _json(folder / "config.json").get("model_type") if (folder / "config.json").exists() else None
    family = FAMILIES.get(kind) if isinstance(kind, str) else None
    if family is None or type(model).__name__ != family.class_name:
        return _stored(folder)
    described = _describe(folder, FAMILIES.keys())
    _check_computes(model, family, described)
    return by_names(model, described.stored, described.parts)


def _check_computes(model: Module, family: Family, described: Pretrained) -> None:
    """Compare the settings that do not affect shapes between a model and a folder."""
    try:
        own = family.arguments(family.config(model))
    except AttributeError:  # a user's class that only shares the name
        return
    shaped = ("vocab_size", "block_size", "n_layer", "n_embd", "n_hidden", "qkv_bias", "tie_weights")
    others = [
        f"{name} is {own[name]!r} in this model and {theirs!r} there"
        for name, theirs in described.arguments.items()
        if name not in shaped and not (own[name] == theirs or _is_close(own[name], theirs))
    ]
    if others:
        raise FormatError("\n  ".join([f"the model in {described.path} has other settings:", *others]))


def _is_close(own: Any, theirs: Any) -> bool:
    return isinstance(own, float) and isclose(own, theirs, rel_tol=1e-5)


def _describe(folder: Path, kinds: Collection[str]) -> Pretrained:
    """Return the description of a folder's model, without its tokenizer."""
    file = folder / "config.json"
    config = _json(file)
    kind = config.get("model_type")
    if not isinstance(kind, str) or kind not in kinds:
        raise FormatError(f"{file} describes a model of type {kind!r}; supported: {', '.join(map(repr, kinds))}")
    family = FAMILIES[kind]
    try:
        arguments = family.arguments(config)
    except FormatError as error:
        raise FormatError(f"{file}: {error}") from None
    stored = {tidy: array for name, array in _stored(folder).items() if (tidy := family.tidy(name)) is not None}
    parts, end = family.parts(arguments), _end(folder, config)
    return Pretrained(folder, kind, family.class_name, arguments, stored, parts, None, end)


def kind_of(model: Module) -> str:
    """Return the `model_type` under which a model is written.

    Raises:
        FormatError: for a model of another class.
    """
    for kind, family in FAMILIES.items():
        if family.class_name == type(model).__name__:
            return kind
    classes = " and ".join(dict.fromkeys(family.class_name for family in FAMILIES.values()))
    raise FormatError(f"{type(model).__name__} is not supported by transformers; {classes} can be written")


def save(
    model: Module, path: str | Path, kind: str, tokenizer: BytePairs | None = None, end: Collection[int] = ()
) -> None:
    """Write a model as a folder for Hugging Face's transformers.

    Args:
        model: of the class of `FAMILIES[kind]`.
        path: the folder, created if necessary.
        kind: the `model_type`.
        tokenizer: written as `tokenizer.json`, if given.
        end: the tokens that end a text.

    Raises:
        OSError: if a file cannot be written; no partial file is left.
    """
    folder, family = Path(path), FAMILIES[kind]
    folder.mkdir(parents=True, exist_ok=True)
    config = family.config(model)
    config["eos_token_id"] = sorted(end) if len(end) > 1 else next(iter(end), None)
    parts = family.parts(family.arguments(config))
    arrays: dict[str, np.ndarray] = {}
    for name, array in model.state_dict().items():
        if name == "lm_head.weight" and config["tie_word_embeddings"]:
            continue
        part = parts(name)
        arrays |= zip(part.names, part.split(array), strict=True)
    arrays = family.complete(arrays)
    with replacing(folder / "model.safetensors") as out:
        safetensors.write(out, safetensors.arrange(arrays), {"format": "pt"})
    if tokenizer is not None:
        write_durably(folder / "tokenizer.json", tokenizer_json(tokenizer).encode())
        write_durably(folder / "tokenizer_config.json", b'{"tokenizer_class": "PreTrainedTokenizerFast"}\n')
    write_durably(folder / "config.json", (json.dumps(config, indent=2) + "\n").encode())


def _json(file: Path) -> dict[str, Any]:
    try:
        require_file(file)
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{file} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise FormatError(f"{file}: expected an object in JSON, found {type(content).__name__}")
    return content


def _stored(folder: Path) -> dict[str, Stored]:
    """Return the arrays of a folder, from one file or from several with an index."""
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").exists() or not index.exists():
        return safetensors.stored(folder / "model.safetensors")
    places = _json(index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(file, str) for file in places.values()):
        raise FormatError(f"{index}: expected a weight_map with the file of each array")
    if outside := sorted({file for file in places.values() if Path(file).name != file}):
        raise FormatError(f"{index}: expected names of files in its folder, found {', '.join(map(repr, outside))}")
    files = {file: safetensors.stored(folder / file) for file in sorted(set(places.values()))}
    if lost := [name for name, file in places.items() if name not in files[file]]:
        raise FormatError("\n  ".join([f"{index} names arrays that are not in their file:", *lost]))
    return {name: files[file][name] for name, file in places.items()}


def _tokenizer(folder: Path) -> BytePairs | None:
    if not any((folder / name).exists() for name in ("tokenizer.json", "vocab.json")):
        return None
    try:
        return read_tokenizer(folder)
    except DataError as error:
        raise FormatError(str(error)) from None


def _end(folder: Path, config: dict[str, Any]) -> frozenset[int]:
    """Return the end-of-text tokens, from the generation config or else from the model's config."""
    file = folder / "generation_config.json"
    found = (_json(file) if file.exists() else {}).get("eos_token_id")
    found = config.get("eos_token_id") if found is None else found
    tokens = [] if found is None else found if isinstance(found, list) else [found]
    if not all(type(token) is int for token in tokens):
        raise FormatError(f"{folder}: eos_token_id must be the number of a token, or a list of them; found {found!r}")
    return frozenset(tokens)
