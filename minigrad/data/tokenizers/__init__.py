"""Byte-pair tokenizers of GPT-2, Llama 3, Qwen2 and SmolLM2."""

from minigrad.data.tokenizers.byte_pairs import AddedToken, BytePairs
from minigrad.data.tokenizers.chat import Message, chat_end, chat_tokens
from minigrad.data.tokenizers.files import read_tokenizer, tokenizer_json
from minigrad.data.tokenizers.train import train_byte_pairs

__all__ = [
    "AddedToken",
    "BytePairs",
    "Message",
    "chat_end",
    "chat_tokens",
    "read_tokenizer",
    "tokenizer_json",
    "train_byte_pairs",
]
