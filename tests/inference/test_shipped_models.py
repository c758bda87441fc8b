"""The configs that begin with models of others, with tiny ones of the same form, and with the real one."""

import io
import json
from pathlib import Path

import pytest

from minigrad.cli import main
from minigrad.data.tokenizers import train_byte_pairs
from minigrad.engine import random
from minigrad.formats import huggingface
from models.gpt import GPT
from models.llama import Llama

CONFIGS = Path(__file__).parents[2] / "configs"
DATES = (CONFIGS / "dates.txt").read_text(encoding="utf-8")
SIZES = {"n_layer": 1, "n_head": 2, "n_embd": 16}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder, with a folder of data that has a text, a Llama and a GPT-2 which know nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "data"))
    tokenizer = train_byte_pairs(DATES[:5000], 320, "smollm", ("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    random.seed(0)
    (tmp_path / "data").mkdir()
    llama = Llama(320, 8192, **SIZES, n_kv_head=1, n_hidden=24, rope_base=100000, tie_weights=True)
    huggingface.save(llama, tmp_path / "data" / "SmolLM2-135M-Instruct", "llama", tokenizer, [2])
    huggingface.save(GPT(320, 1024, **SIZES), tmp_path / "data" / "gpt2", "gpt2", tokenizer)
    (tmp_path / "data" / "tinyshakespeare.txt").write_text(DATES, encoding="utf-8")
    return tmp_path


TINY = [f"model.{name}={size}" for name, size in SIZES.items()]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("smollm_lora", ["model.n_kv_head=1", "model.n_hidden=24", "data.block_size=32"]),
        ("gpt2_finetune", ["data.block_size=32"]),
    ],
)
def test_a_config_learns_from_where_the_weights_are_and_its_run_writes(home, capsys, monkeypatch, name, changes):
    steps = ["trainer.max_steps=6", "trainer.val_every=3"]
    assert main(["train", str(CONFIGS / f"{name}.yaml"), *TINY, *changes, *steps]) == 0
    told = capsys.readouterr()
    result = json.loads(told.out.splitlines()[-1])
    assert "arrays were read" in told.err
    assert result["steps"] == 6
    assert main(["generate", result["run"], "<|im_start|>user", "--tokens", "3"]) == 0
    assert main(["export", result["run"], "--huggingface", "made"]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["generate", "made", "a date", "--chat", "--tokens", "3"]) == 0


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("smollm_lora", "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct"),
        ("gpt2_finetune", "https://huggingface.co/openai-community/gpt2"),
    ],
)
def test_without_the_files_it_is_said_where_they_were_looked_for_and_where_to_get_them(
    tmp_path, monkeypatch, capsys, name, place
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    assert main(["check", str(CONFIGS / f"{name}.yaml")]) == 2
    told = capsys.readouterr().err
    assert "no such file or folder; looked beside the config in" in told
    assert place in told


@pytest.mark.slow
def test_smollm2_learns_the_task_of_its_config(smollm2, home, capsys):
    huggingface_folder = str(home / "real")
    assert main(["export", str(smollm2), "--huggingface", huggingface_folder]) == 0
    real = [f"weights={huggingface_folder}", f"data.tokenizer={huggingface_folder}", "loader.batch_size=1"]
    steps = ["trainer.max_steps=8", "trainer.val_every=8", "data.val_fraction=0.02", "data.test_fraction=0.02"]
    assert main(["train", str(CONFIGS / "smollm_lora.yaml"), *real, *steps]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["val/loss"] < 1.2  # from 1.4
