"""Conversations with a language model, turn by turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minigrad.data import DataError
from minigrad.data.tokenizers import Message, chat_tokens
from minigrad.inference.pretrained import Writer
from minigrad.training.experiment import UsageError


class Conversation:
    """A chat, of which the model reads the latest turns.

    Args:
        writer: the language model.
        tokens: the maximum length of an answer.
        sampling: the sampling settings of `Writer.generate`.

    Attributes:
        messages: the turns that the model still reads.
        forgotten: the number of turns dropped from the context.

    Raises:
        UsageError: if the model has no known chat format.
    """

    def __init__(self, writer: Writer, tokens: int = 300, **sampling: Any) -> None:
        self._writer, self._tokens, self._sampling = writer, tokens, sampling
        self._room = writer.model.block_size - min(tokens, writer.model.block_size // 2)
        self.messages: list[Message] = []
        self.forgotten = 0
        self._length()

    def say(self, text: str) -> Iterator[str]:
        """Yield the answer to the user's next turn in pieces.

        Both become turns of the conversation.

        Raises:
            UsageError: for a turn that exceeds the context, a setting out of range, or a lone surrogate.
        """
        self.messages.append(Message("user", text))
        while len(self.messages) > 1 and self._length() > self._room:
            del self.messages[:2]  # a question and its answer
            self.forgotten += 2
        pieces = []
        for piece in self._writer.chat(self.messages, self._tokens, **self._sampling):
            pieces.append(piece)
            yield piece
        self.messages.append(Message("assistant", "".join(pieces)))

    def _length(self) -> int:
        try:
            return len(chat_tokens(self._writer.tokenizer, self.messages))
        except DataError as error:
            raise UsageError(str(error)) from None
