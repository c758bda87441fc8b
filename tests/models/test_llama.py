"""Llama's family, beside Hugging Face's transformers."""

import json

import numpy as np
import pytest

from minigrad import Tensor, check_gradients, nn, no_grad
from minigrad.engine import random
from minigrad.formats import FormatError
from minigrad.nn import KeyValueCache
from minigrad.optim import AdamW
from models.llama import Llama, SwiGLU

SIZES = {"vocab_size": 11, "block_size": 12, "n_layer": 2, "n_head": 4, "n_embd": 16, "n_hidden": 20, "n_kv_head": 2}
TOKENS = np.random.default_rng(0).integers(0, 11, (3, 12))


def model(**changes):
    random.seed(0)
    llama = Llama(**{**SIZES, **changes}).eval()
    generator = np.random.default_rng(1)
    for parameter in llama.parameters():  # none at its first value, so that biases and norms count
        parameter.data += generator.normal(scale=0.2, size=parameter.shape)
    return llama


def test_a_gated_layer_is_its_formula():
    layer = SwiGLU(4, 6)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    gate, up = x @ layer.gate_proj.weight.data.T, x @ layer.up_proj.weight.data.T
    expected = (gate / (1 + np.exp(-gate)) * up) @ layer.down_proj.weight.data.T
    np.testing.assert_allclose(layer(Tensor(x)).data, expected, rtol=1e-5, atol=1e-6)


def test_weights_begin_small_and_scores_may_be_products_with_the_vectors():
    random.seed(0)
    llama = Llama(vocab_size=300, n_layer=1, n_head=2, n_embd=64, tie_weights=True)
    assert llama.lm_head.weight is llama.embed_tokens.weight
    assert llama.layers[0].mlp.gate_proj.out_features == 170
    np.testing.assert_allclose(llama.embed_tokens.weight.data.std(), 0.02, rtol=0.05)


def test_a_later_token_changes_no_bit_of_an_earlier_score():
    llama = model()
    before = llama(Tensor(TOKENS)).data
    changed = TOKENS.copy()
    changed[:, 7] = (changed[:, 7] + 1) % 11
    after = llama(Tensor(changed)).data
    assert after[:, :7].tobytes() == before[:, :7].tobytes()
    assert not np.any(np.all(after[:, 7:] == before[:, 7:], axis=-1))


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
@pytest.mark.parametrize("step", [1, 5])
def test_with_a_cache_the_scores_are_those_without(kv_heads, step):
    llama = model(n_kv_head=kv_heads)
    caches = [KeyValueCache() for _ in llama.layers]
    with no_grad():
        parts = [llama.hidden(TOKENS[:, i : i + step], caches).data for i in range(0, 12, step)]
        whole = llama.hidden(TOKENS).data
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, rtol=1e-4, atol=1e-5)


def test_beyond_the_block_the_last_tokens_count():
    llama = model()
    written = [1, 2, 3]
    for _ in range(14):
        with no_grad():
            written.append(int(llama(np.array([written[-12:]])).data[0, -1].argmax()))
    assert list(llama.generate([1, 2, 3], 14, top_k=1)) == written[3:]


def test_gradients_are_right():
    block = model(n_layer=1, qkv_bias=True).to(np.float64).layers[0]
    check_gradients(block, np.random.default_rng(0).normal(size=(1, 3, 16)))


def test_it_learns_what_follows():
    random.seed(0)
    llama = Llama(**{**SIZES, "n_layer": 1})
    tokens = (np.arange(8) + np.arange(11)[:, None]) % 11
    optimizer, criterion = AdamW(llama.parameters(), lr=1e-2), nn.CrossEntropyLoss(axis=-1)
    for _ in range(80):
        optimizer.zero_grad()
        loss = criterion(llama(Tensor(tokens)), (tokens + 1) % 11)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    assert list(llama.eval().generate([4], 6, top_k=1)) == [5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_layer": 0}, "n_layer must be at least 1, got 0"),
        ({"n_kv_head": 0}, "num_kv_heads must be at least 1, got 0"),
        ({"n_kv_head": 3}, "num_heads must be a multiple of num_kv_heads=3, got 4"),
        ({"n_embd": 12}, "dim must be even"),
    ],
)
def test_sizes_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Llama(**{**SIZES, **changes})


def test_a_sequence_longer_than_the_block_is_refused():
    with pytest.raises(ValueError, match="block_size is 12, got a sequence of 13 tokens"):
        model()(Tensor(np.zeros((1, 13), np.int64)))


@pytest.mark.parametrize("changes", [{}, {"tie_weights": True}, {"qkv_bias": True}, {"rope_base": 5e5, "eps": 1e-3}])
def test_weights_go_to_a_folder_and_come_back(tmp_path, changes):
    llama = model(**changes)
    llama.save_pretrained(tmp_path)
    back = Llama.from_pretrained(tmp_path)
    assert (back.lm_head.weight is back.embed_tokens.weight) == changes.get("tie_weights", False)
    for name, array in llama.state_dict().items():
        np.testing.assert_array_equal(back.state_dict()[name], array)
    np.testing.assert_array_equal(back(Tensor(TOKENS)).data, llama(Tensor(TOKENS)).data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, r"rope_scaling is \{'rope_type': 'llama3', "),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, r"rope_parameters is \{'rope_type': 'yarn', "),
        ({"head_dim": 8}, "head_dim is 8; supported: 4"),
        ({"sliding_window": 4096}, "sliding_window is 4096; supported: "),
        ({"model_type": "qwen2", "use_sliding_window": True}, "use_sliding_window is True; supported: False"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, r"layer_types is \['full_attention', 'sliding_att"),
        ({"attention_bias": True}, "attention_bias is True; supported: False"),
        ({"mlp_bias": True}, "mlp_bias is True; supported: False"),
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'; supported: 'silu'"),
        ({"use_qk_norm": True}, "use_qk_norm is True: an unknown setting"),
        ({"quantization_config": {"bits": 4}}, r"quantization_config is \{'bits': 4\}: an unknown setting"),
        ({"hidden_size": 0}, "hidden_size must be an integer from 1, found 0"),
        ({"num_key_value_heads": "2"}, "num_key_value_heads must be an integer from 1, found '2'"),
        ({"rope_theta": -1}, "rope_theta must be a number above 0, found -1"),
        ({"rope_theta": True}, "rope_theta must be a number above 0, found True"),
        ({"model_type": "qwen3"}, "describes a model of type 'qwen3'; supported: 'llama', 'mistral', 'qwen2'"),
        ({"model_type": ["llama"]}, r"describes a model of type \['llama'\]"),
    ],
    ids=str,
)
def test_what_would_be_computed_otherwise_is_refused_by_its_key(tmp_path, change, message):
    model().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(FormatError, match=message) as error:
        Llama.from_pretrained(tmp_path)
    assert str(error.value).startswith(str(tmp_path / "config.json"))


def test_all_keys_that_are_wrong_are_said_at_once(tmp_path):
    model().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["vocab_size"], config["hidden_size"]
    (tmp_path / "config.json").write_text(json.dumps({**config, "mlp_bias": True, "logit_scale": 2}))
    with pytest.raises(FormatError) as error:
        Llama.from_pretrained(tmp_path)
    assert str(error.value).splitlines()[1:] == [
        "  it lacks vocab_size, hidden_size",
        "  mlp_bias is True; supported: False",
        "  logit_scale is 2: an unknown setting",
    ]


# A wrong order of the rows that turn together gives fluent nonsense without an error, which only numbers show.


@pytest.mark.parity
@pytest.mark.parametrize("shard", ["5GB", "40KB"], ids=["one file", "several"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kv_heads", [4, 2, 1], ids=["MHA", "GQA", "MQA"])
@pytest.mark.parametrize("name", ["Llama", "Mistral", "Qwen2"])
def test_a_model_of_hugging_face_comes_and_goes(tmp_path, name, kv_heads, dtype, shard):
    torch = pytest.importorskip("torch", reason="parity with Hugging Face needs torch")
    transformers = pytest.importorskip("transformers", reason="parity with Hugging Face needs transformers")
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(
        vocab_size=101,
        hidden_size=64,
        intermediate_size=112,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=kv_heads,
        max_position_embeddings=128,
        rope_theta=500000.0,
        tie_word_embeddings=kv_heads == 2,
        **({} if name == "Llama" else {"sliding_window": None}),
    )
    made = getattr(transformers, f"{name}ForCausalLM")(config).to(getattr(torch, dtype))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    made.save_pretrained(tmp_path / "theirs", max_shard_size=shard)
    assert (tmp_path / "theirs" / "model.safetensors").exists() == (shard == "5GB")

    def scores(folder):
        read = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        with torch.no_grad():
            return read(torch.tensor(tokens)).logits.numpy()

    tokens = np.random.default_rng(0).integers(0, 101, (2, 60))
    expected = scores(tmp_path / "theirs")
    llama = Llama.from_pretrained(tmp_path / "theirs")
    caches = [KeyValueCache() for _ in llama.layers]
    with no_grad():
        np.testing.assert_allclose(llama(tokens).data, expected, rtol=0, atol=1e-5)
        steps = [llama.lm_head(llama.hidden(tokens[:, i : i + 1], caches)).data for i in range(60)]
    np.testing.assert_allclose(np.concatenate(steps, 1), expected, rtol=0, atol=1e-5)
    llama.save_pretrained(tmp_path / "ours")
    np.testing.assert_allclose(scores(tmp_path / "ours"), expected, rtol=0, atol=1e-5)
