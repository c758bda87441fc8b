"""Tiny models of other people's kinds, which know nothing, and runs of them."""

from pathlib import Path

from minigrad.data.tokenizers import BytePairs, train_byte_pairs
from minigrad.engine import random
from models.gpt import GPT
from models.llama import Llama

PROSE = "the quick brown fox jumps over the lazy dog; " * 40
CHATML = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

MODELS = {
    "gpt2": "GPT: {vocab_size: 290, block_size: 32, n_layer: 2, n_head: 2, n_embd: 16}",
    "llama": "Llama: {vocab_size: 290, block_size: 32, n_layer: 2, n_head: 4, n_kv_head: 2, n_embd: 16}",
    "qwen2": "Llama: {vocab_size: 290, block_size: 32, n_layer: 2, n_head: 2, n_embd: 16, qkv_bias: true}",
}
"""What the config of a run says of its model, by the kind that Hugging Face's has."""

CONFIG = """\
name: {name}
data: {{BytePairText: {{path: prose.txt, tokenizer: {tokenizer}, block_size: 8, val_fraction: 0.2,
  test_fraction: 0.2}}}}
loader: {{batch_size: 8}}
model: {{{model}}}
loss: {{CrossEntropyLoss: {{axis: -1}}}}
optimizer: {{AdamW: {{lr: 1e-2}}}}
trainer: {{max_steps: 5}}
"""


def tokenizer() -> BytePairs:
    return train_byte_pairs(PROSE, 290, "smollm", CHATML)


def llama(**changes) -> Llama:
    random.seed(0)
    return Llama(**{"vocab_size": 290, "block_size": 64, "n_layer": 1, "n_head": 2, "n_embd": 16, **changes})


def gpt(**changes) -> GPT:
    random.seed(0)
    return GPT(**{"vocab_size": 290, "block_size": 64, "n_layer": 1, "n_head": 2, "n_embd": 16, **changes})


def write_config(folder: Path, kind: str, tokenizer: str = "tokenizer.json") -> str:
    """Writes a config beside its text, and returns the name of the run that it makes."""
    (folder / "prose.txt").write_text(PROSE)
    (folder / f"{kind}.yaml").write_text(CONFIG.format(name=kind, tokenizer=tokenizer, model=MODELS[kind]))
    return f"runs/{kind}/0001"
