"""Pretrained language models for generation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from minigrad.config import Registry
from minigrad.data import BytePairText, DataError
from minigrad.data.tokenizers import BytePairs, Message, chat_end, chat_tokens
from minigrad.formats import open_pretrained
from minigrad.nn import LanguageModel, Module
from minigrad.training.experiment import Experiment, UsageError, known_classes


class Writer:
    """A language model with its tokenizer.

    Attributes:
        model: the model, in evaluation mode.
        tokenizer: the tokenizer of its texts.
        end: the tokens that end a text.
    """

    def __init__(self, model: LanguageModel, tokenizer: BytePairs, end: Collection[int] = ()) -> None:
        self.model, self.tokenizer, self.end = model, tokenizer, frozenset(end)

    def generate(self, prompt: str, tokens: int = 300, **sampling: Any) -> Iterator[str]:
        """Yield the continuation of a prompt in pieces.

        Args:
            prompt: the start of the text, which may contain special tokens.
            tokens: the maximum number of new tokens.
            sampling: `temperature`, `top_k`, `top_p`, `seed` and `repetition_penalty`, as in `LanguageModel.generate`.

        Raises:
            UsageError: for an empty prompt, one that exceeds the context, a setting out of range, or a lone surrogate
                in the prompt.
        """
        try:
            start = [*self.tokenizer.prefix, *self.tokenizer.encode(prompt)]
        except DataError as error:
            raise UsageError(str(error)) from None
        return self._generate_text(start, tokens, self.end, sampling)

    def chat(self, messages: Iterable[Message], tokens: int = 1000, **sampling: Any) -> Iterator[str]:
        """Yield the assistant's next answer in pieces.

        Args:
            messages: the turns so far, the last by the user. Special tokens in them are plain text.
            tokens: the maximum number of new tokens.
            sampling: as for `generate`.

        Raises:
            UsageError: if the model has no known chat format; and as `generate`.
        """
        try:
            start, end = chat_tokens(self.tokenizer, messages), {*self.end, chat_end(self.tokenizer)}
        except DataError as error:
            raise UsageError(str(error)) from None
        return self._generate_text(start, tokens, end, sampling)

    def _generate_text(
        self, start: Sequence[int], tokens: int, end: Collection[int], sampling: dict[str, Any]
    ) -> Iterator[str]:
        if len(start) > self.model.block_size:
            raise UsageError(
                f"the prompt has {len(start)} tokens, and the model sees {self.model.block_size}: shorten it"
            )
        try:
            return self.tokenizer.decode(self.model.generate(start, tokens, end=end, **sampling))
        except ValueError as error:
            raise UsageError(str(error)) from error


def load_pretrained(path: str | Path, home: str | Path = ".") -> Writer:
    """Load a language model and its tokenizer, ready to generate.

    It reads a Hugging Face folder or a GGUF file:
    `"".join(minigrad.load_pretrained("SmolLM2.gguf").generate("The capital of France is", top_k=1))`.

    Args:
        path: the folder, with `config.json`, `model.safetensors` and the tokenizer, or the file.
        home: the folder whose `models/` has the model's class.

    Raises:
        FormatError: for a damaged file, or a model or tokenizer with unsupported features.
        UsageError: for a folder without a tokenizer, or a class that does not exist.
        OSError: if a file cannot be read.
    """
    return open_writer(path, known_classes(home))


def open_writer(path: str | Path, registry: Registry) -> Writer:
    """Load a pretrained language model with a registry's class.

    Raises:
        FormatError, UsageError or OSError: as `load_pretrained`.
    """
    pretrained = open_pretrained(path)
    if pretrained.tokenizer is None:
        raise UsageError(f"{path}: there is no tokenizer.json, nor vocab.json and merges.txt")
    try:
        cls = registry.find(pretrained.class_name, LanguageModel)
    except LookupError as error:
        raise UsageError(f"{path} needs the class {pretrained.class_name} of models/: {error}") from error
    model: Module = pretrained.build(cls)
    assert isinstance(model, LanguageModel)  # the registry returns no other class here
    return Writer(model, pretrained.tokenizer, pretrained.end)


def writer_of(experiment: Experiment) -> Writer:
    """Return the model and tokenizer of a run.

    Special tokens end a text.

    Raises:
        UsageError: if the run's tokens are not byte pairs, or its model is not a `LanguageModel`.
    """
    data, model = experiment.data, experiment.model
    if not isinstance(data, BytePairText):
        raise UsageError(
            f"only a model of BytePairText has tokens for the turns of a chat: this is {type(data).__name__}"
        )
    if not isinstance(model, LanguageModel):
        raise UsageError(f"{type(model).__name__} is not a LanguageModel, as GPT and Llama are, and cannot chat")
    return Writer(model, data.tokenizer, data.end)
