"""Chat templates: conversations as the tokens a model expects.

The two templates are ChatML and that of Llama 3; a tokenizer has the special tokens of one of them. Special tokens
within a message are encoded as text, so that no message can impersonate another role.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from minigrad.data.errors import DataError
from minigrad.data.tokenizers.byte_pairs import BytePairs


class Message(NamedTuple):
    """A turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str


class _Form(NamedTuple):
    """Special tokens and text around the role and the message."""

    begin: str
    head_end: str | None
    head_text: str
    end: str
    end_text: str
    strips: bool


_FORMS = (
    _Form("<|im_start|>", None, "\n", "<|im_end|>", "\n", False),
    _Form("<|start_header_id|>", "<|end_header_id|>", "\n\n", "<|eot_id|>", "", True),
)


def chat_tokens(tokenizer: BytePairs, messages: Iterable[Message]) -> list[int]:
    """Return the tokens of a conversation.

    They end where the assistant's next turn begins.

    Raises:
        DataError: if the tokenizer does not have the special tokens of a known template.
    """
    form, special = _form(tokenizer), tokenizer.special
    tokens = list(tokenizer.prefix)
    for role, text in messages:
        tokens += _head(tokenizer, form, role, text.strip() if form.strips else text)
        tokens += [special[form.end], *tokenizer.encode(form.end_text, special=False)]
    return tokens + _head(tokenizer, form, "assistant", "")


def chat_end(tokenizer: BytePairs) -> int:
    """Return the token that ends a turn, as `chat_tokens`."""
    return tokenizer.special[_form(tokenizer).end]


def _form(tokenizer: BytePairs) -> _Form:
    for form in _FORMS:
        if {form.begin, form.head_end or form.begin, form.end} <= tokenizer.special.keys():
            return form
    expected = " nor ".join(f"{form.begin} … {form.end}" for form in _FORMS)
    raise DataError(f"this model was not taught to chat in a known form: its vocabulary has neither {expected}")


def _head(tokenizer: BytePairs, form: _Form, role: str, text: str) -> list[int]:
    """Return the beginning of a turn and its message."""
    begin = [tokenizer.special[form.begin]]
    if form.head_end is None:
        return begin + tokenizer.encode(role + form.head_text + text, special=False)
    begin += [*tokenizer.encode(role, special=False), tokenizer.special[form.head_end]]
    return begin + tokenizer.encode(form.head_text + text, special=False)
