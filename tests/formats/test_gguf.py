"""GGUF files: the model and the tokenizer inside, and files that are not whole."""

import random as python_random
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from minigrad import Tensor
from minigrad.data.tokenizers import train_byte_pairs
from minigrad.engine import random
from minigrad.formats import FormatError, open_pretrained
from minigrad.formats.gguf import read_gguf
from models.llama import Llama

from .gguf_files import facts_of, gguf, tensors_of

PROSE = "The capital of France is Paris, and that of Spain is Madrid. " * 30
TOKENS = np.random.default_rng(0).integers(0, 280, (2, 9))


@pytest.fixture(scope="module")
def tokenizer():
    return train_byte_pairs(PROSE, 280, "smollm", ("<|endoftext|>", "<|im_start|>", "<|im_end|>"))


@pytest.fixture(scope="module")
def llama():
    random.seed(0)
    return Llama(280, 32, n_layer=2, n_head=4, n_embd=32, n_hidden=48, n_kv_head=2, rope_base=5e4, eps=1e-3).eval()


@pytest.fixture
def file(tmp_path, llama, tokenizer):
    """Writes a file with changes of the facts and the tensors; None takes one out."""

    def write(facts=(), tensors=(), kind="llama"):
        changed = {**facts_of(llama, tokenizer, kind), **dict(facts)}, {**tensors_of(llama), **dict(tensors)}
        kept = [{name: given for name, given in part.items() if given is not None} for part in changed]
        (tmp_path / "x.gguf").write_bytes(gguf(*kept))
        return tmp_path / "x.gguf"

    return write


def test_the_model_in_a_file_gives_the_scores_of_the_one_that_was_written(file, llama):
    pretrained = open_pretrained(file())
    back = pretrained.build(Llama)
    assert (pretrained.kind, pretrained.class_name, pretrained.end) == ("llama", "Llama", {0})
    np.testing.assert_array_equal(back(Tensor(TOKENS)).data, llama(Tensor(TOKENS)).data)


def test_the_tokenizer_in_a_file_is_the_one_that_was_written(file, tokenizer):
    back = open_pretrained(file()).tokenizer
    assert back.encode(PROSE + "<|im_end|>") == tokenizer.encode(PROSE + "<|im_end|>")
    assert back.special == tokenizer.special
    assert (back.prefix, back.is_nfc, back.ignores_merges) == ((), False, False)


def test_a_tokenizer_may_begin_with_a_token_and_ignore_merges(file):
    back = open_pretrained(file({"tokenizer.ggml.pre": "llama-bpe", "tokenizer.ggml.bos_token_id": 1})).tokenizer
    assert (back.pre_tokenizer, back.prefix, back.ignores_merges) == ("llama3", (1,), True)


def test_scores_are_products_with_the_vectors_where_there_is_no_other_matrix(file):
    back = open_pretrained(file(tensors={"output.weight": None})).build(Llama)
    assert back.lm_head.weight is back.embed_tokens.weight


def test_in_a_qwen2_the_halves_of_a_head_turn_together(file, llama):
    bias = {
        f"blk.{i}.attn_{x}.bias": ((n,), 0, bytes(4 * n))
        for i in (0, 1)
        for x, n in zip("qkv", (32, 16, 16), strict=True)
    }
    mixed = {}
    for i in (0, 1):
        for letter, heads in (("q", 4), ("k", 2)):
            shape, kind, raw = tensors_of(llama)[f"blk.{i}.attn_{letter}.weight"]
            rows = np.frombuffer(raw, "<f4").reshape(heads, 4, 2, 32).swapaxes(1, 2)
            mixed[f"blk.{i}.attn_{letter}.weight"] = shape, kind, rows.tobytes()
    back = open_pretrained(file(tensors={**bias, **mixed}, kind="qwen2")).build(Llama)
    np.testing.assert_allclose(back(Tensor(TOKENS)).data, llama(Tensor(TOKENS)).data, rtol=1e-6, atol=1e-7)


@pytest.mark.parity
def test_the_package_gguf_reads_the_same(file):
    package = pytest.importorskip("gguf", reason="parity of GGUF needs the package gguf")
    path = file()
    theirs, ours = package.GGUFReader(path), read_gguf(path)
    assert {t.name for t in theirs.tensors} == ours.tensors.keys()
    for tensor in theirs.tensors:
        np.testing.assert_array_equal(
            ours.tensors[tensor.name].read(), package.dequantize(tensor.data, tensor.tensor_type)
        )
    for name in ("general.architecture", "llama.rope.freq_base", "tokenizer.ggml.tokens", "tokenizer.ggml.token_type"):
        assert np.array_equal(ours.facts[name], theirs.fields[name].contents())


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"general.architecture": "gemma"}, "it describes a model of type 'gemma'; supported: llama, qwen2"),
        ({"general.architecture": 3}, "'general.architecture' must be of type str, found int"),
        ({"llama.block_count": None}, "its metadata lacks 'llama.block_count'"),
        ({"llama.block_count": "2"}, "'llama.block_count' must be of type int, found str"),
        ({"llama.attention.head_count": 0}, "llama.attention.head_count must be at least 1"),
        ({"llama.rope.scaling.type": "yarn"}, "llama.rope.scaling.type is 'yarn'; supported: 'none'"),
        ({"llama.expert_count": 8}, "llama.expert_count is 8; supported: 0"),
        (
            {"llama.rope.dimension_count": 4},
            "llama.rope.dimension_count is 4; supported: embedding_length / head_count, 8",
        ),
        ({"tokenizer.ggml.model": "llama"}, "its tokenizer is of kind 'llama'; supported: 'gpt2'"),
        ({"tokenizer.ggml.pre": "tekken"}, "its pre-tokenizer is 'tekken'; supported: gpt-2, llama-bpe, qwen2, smollm"),
        ({"tokenizer.ggml.pre": None}, "its pre-tokenizer is 'none'; supported: gpt-2"),
        ({"tokenizer.ggml.merges": ["a b c"]}, "a merge must be two tokens, found 'a b c'"),
        ({"tokenizer.ggml.merges": ["Z Z"]}, "merge 1, of 'Z' and 'Z': no token 'ZZ'"),
        ({"tokenizer.ggml.token_type": [1]}, "it has 280 tokens, and types of 1"),
        ({"tokenizer.ggml.add_bos_token": True}, "its metadata lacks 'tokenizer.ggml.bos_token_id'"),
        ({"general.alignment": 0}, "general.alignment must be a number from 1, found 0"),
    ],
    ids=str,
)
def test_another_kind_of_model_is_refused_by_the_name_of_the_fact(file, facts, message):
    path = file(facts)
    with pytest.raises(FormatError, match=message) as error:
        open_pretrained(path)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"output_norm.weight": None}, "missing: output_norm.weight"),
        ({"rope_freqs.weight": ((4,), 0, bytes(16))}, "unexpected: rope_freqs.weight"),
        ({"output_norm.weight": ((31,), 0, bytes(124))}, r"output_norm.weight: expected shape \(32,\), got \(31,\)"),
        ({"token_embd.weight": ((270, 32), 0, bytes(4 * 270 * 32))}, "output.weight: expected shape"),
    ],
    ids=str,
)
def test_weights_that_do_not_fit_are_named(file, tensors, message):
    path = file(tensors=tensors)
    with pytest.raises(FormatError, match=message):
        open_pretrained(path).build(Llama)


def test_a_vocabulary_larger_than_the_embedding_is_refused(file):
    small = {name: ((270, 32), 0, bytes(4 * 270 * 32)) for name in ("token_embd.weight", "output.weight")}
    with pytest.raises(FormatError, match="the tokenizer has 280 tokens, but the model has embeddings for 270"):
        open_pretrained(file(tensors=small)).build(Llama)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it ends within its header: 4 bytes expected at 0 of 0"),
        (b"GGML" + bytes(20), "it does not begin with the letters GGUF"),
        (gguf({}, {}, version=1), "it has version 1; supported: versions 2 and 3 in little endian"),
        (gguf({}, {}, version=3 << 24), "it has version 50331648; "),
        (gguf({}, {"a": ((2,), 0, bytes(8))})[:40], "it ends within its header"),
        (gguf({}, {"a": ((2,), 0, bytes(8))})[:-32], "the tensor 'a' ends at byte 8, but the file has 0"),
        (
            gguf({}, {"a": ((2,), 6, bytes(8))}),
            "quantization type 6; supported: F32, F16, Q4_0, Q4_1, Q8_0, Q4_K, Q6_K",
        ),
        (gguf({}, {"a": ((33,), 8, bytes(36))}), "has rows of 33 numbers, and a block of Q8_0 has 32"),
        (gguf({}, {"a": ((1, 1, 1, 1, 1), 0, bytes(4))}), "the tensor 'a' has 5 axes; the format allows at most 4"),
        (gguf({}, {"a": ((2**40, 2**40), 0, bytes(4))}), "ends at byte 4,835,703,278,458,516,698,824,704, but"),
        (gguf({}, {"a": ((0, 2**60), 0, b"")}), "has no numbers: its shape is "),
    ],
)
def test_a_file_that_is_not_whole_is_refused_with_its_name_and_the_fault(tmp_path, content, message):
    (tmp_path / "x.gguf").write_bytes(content)
    with pytest.raises(FormatError) as error:
        read_gguf(tmp_path / "x.gguf")
    assert str(error.value).startswith(f"{tmp_path / 'x.gguf'} is not a complete GGUF file: ")
    assert message in str(error.value)


def test_damaged_files_are_read_or_refused_and_take_no_more_memory_than_the_file(file, monkeypatch):
    whole, choose, refused = file().read_bytes(), python_random.Random(0), 0
    header = len(whole) - sum(len(raw) for _, _, raw in tensors_of(open_pretrained(file()).build(Llama)).values())
    monkeypatch.setattr("minigrad.formats.gguf.content", lambda path: np.frombuffer(current, np.uint8))
    tracemalloc.start()
    for i in range(1000):
        current = bytearray(whole)
        if i % 5 == 0:
            del current[choose.randrange(len(whole)) :]
        else:
            for _ in range(choose.choice([1, 2, 5])):
                current[choose.randrange(header)] = choose.choice([0, 1, 255, choose.randrange(256)])
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        try:
            open_pretrained("damaged.gguf")
        except FormatError:
            refused += 1
        _, peak = tracemalloc.get_traced_memory()
        assert peak - before < 500_000 + 10 * header
    tracemalloc.stop()
    assert refused > 500


MEASURE = """
import resource, sys
from minigrad.formats import open_pretrained
from models.llama import Llama
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
llama = open_pretrained(sys.argv[1]).build(Llama)
print((peak() - before) * 1024 / sum(4 * p.size for p in llama.parameters()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is in other units elsewhere")
@pytest.mark.parametrize("kind", [0, 8], ids=["F32", "Q8_0"])
def test_loading_takes_little_more_memory_than_the_model(tmp_path, tokenizer, kind):
    llama = Llama(280, 32, n_layer=8, n_head=4, n_embd=512, n_hidden=1536, n_kv_head=2)
    tensors = tensors_of(llama)
    if kind == 8:
        for name, (shape, _, raw) in tensors.items():
            if len(shape) == 2:
                tensors[name] = shape, 8, bytes(len(raw) // 128 * 34)
    (tmp_path / "x.gguf").write_bytes(gguf(facts_of(llama, tokenizer), tensors))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "x.gguf"], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 1.3
