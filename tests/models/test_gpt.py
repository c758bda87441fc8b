import itertools
import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from minigrad import Tensor, is_grad_enabled, nn, no_grad
from minigrad.engine import random
from minigrad.nn.generation import draw
from minigrad.optim import AdamW
from models.gpt import GPT

SIZES = {"vocab_size": 11, "block_size": 8, "n_layer": 2, "n_head": 2, "n_embd": 12}
TOKENS = np.random.default_rng(0).integers(0, 11, (3, 8))


def model(**changes):
    random.seed(0)
    return GPT(**{**SIZES, **changes}).eval()


def moved(gpt):
    """With parameters that are none of them at their first value, so that biases and norms count."""
    generator = np.random.default_rng(1)
    for parameter in gpt.parameters():
        parameter.data += generator.normal(scale=0.2, size=parameter.shape)
    return gpt


def test_weights_begin_as_in_nanogpt():
    gpt = model(vocab_size=300, n_embd=96, n_layer=8)
    state = gpt.state_dict()
    np.testing.assert_allclose(state["h.0.attn.in_proj_weight"].std(), 0.02, rtol=0.05)
    np.testing.assert_allclose(state["wte.weight"].std(), 0.02, rtol=0.05)
    for name in ("h.3.attn.out_proj.weight", "h.3.mlp.2.weight"):
        np.testing.assert_allclose(state[name].std(), 0.02 / 4, rtol=0.05)
    assert not any(np.any(array) for name, array in state.items() if name.endswith("bias"))
    assert all(np.all(array == 1) for name, array in state.items() if "ln_" in name and name.endswith("weight"))


def test_the_parameters_are_those_of_gpt_2():
    assert sum(p.size for p in model(vocab_size=65, block_size=64, n_layer=4, n_embd=128, bias=False).parameters()) == (
        65 * 128 + 64 * 128 + 4 * (12 * 128**2 + 2 * 128) + 128
    )


def test_scores_are_products_with_the_vectors_of_the_tokens_unless_weights_are_free():
    tied, free = model(), model(tie_weights=False)
    assert tied.lm_head.weight is tied.wte.weight
    assert free.lm_head.weight is not free.wte.weight
    assert len(list(free.parameters())) == len(list(tied.parameters())) + 1


def test_a_later_token_changes_no_bit_of_an_earlier_score():
    gpt = moved(model())
    before = gpt(Tensor(TOKENS)).data
    for place in (3, 7):
        changed = TOKENS.copy()
        changed[:, place] = (changed[:, place] + 1) % 11
        after = gpt(Tensor(changed)).data
        assert after[:, :place].tobytes() == before[:, :place].tobytes()
        assert not np.any(np.all(after[:, place:] == before[:, place:], axis=-1))


def test_it_learns_what_follows():
    gpt = model(dropout=0.0).train()
    tokens = (np.arange(8) + np.arange(11)[:, None]) % 11
    optimizer, criterion = (
        AdamW(gpt.parameters(), lr=1e-2, weight_decay=0.1, decay="matrices"),
        nn.CrossEntropyLoss(axis=-1),
    )
    for _ in range(60):
        optimizer.zero_grad()
        loss = criterion(gpt(Tensor(tokens)), (tokens + 1) % 11)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    assert list(gpt.eval().generate([4], 12, top_k=1)) == [(5 + i) % 11 for i in range(12)]


@pytest.mark.parametrize("sampling", [{"top_k": 1}, {"temperature": 0.7, "top_k": 5}, {"top_p": 0.8}, {}], ids=str)
def test_with_a_cache_it_writes_what_it_writes_without(sampling):
    gpt = moved(model())
    written = [1, 2, 3]
    arguments = {"temperature": 1.0, "top_k": None, "top_p": None, **sampling}
    generator = np.random.default_rng(5)
    for _ in range(12):  # beyond the block, where only its last tokens count
        with no_grad():
            scores = gpt(Tensor([written[-8:]], dtype=np.int64)).data[0, -1]
        written.append(draw(scores, **arguments, random=generator))
    assert list(gpt.generate([1, 2, 3], 12, seed=5, **sampling)) == written[3:]


def test_tokens_come_one_by_one_and_leave_gradients_on_between():
    writing = model().generate([1], 10**9)
    assert len(list(itertools.islice(writing, 4))) == 4
    assert is_grad_enabled()


def test_seeds_decide():
    gpt = model()
    assert list(gpt.generate([1], 20, seed=1)) == list(gpt.generate([1], 20, seed=1))
    assert list(gpt.generate([1], 20, seed=1)) != list(gpt.generate([1], 20, seed=2))


def shares(scores, **arguments):
    generator = np.random.default_rng(0)
    arguments = {"temperature": 1.0, "top_k": None, "top_p": None, **arguments}
    drawn = [draw(np.asarray(scores, np.float32), random=generator, **arguments) for _ in range(4000)]
    return np.bincount(drawn, minlength=len(scores)) / len(drawn)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [0.1, 0.4, 0.2, 0.3]),
        ({"temperature": 0.5}, np.array([1, 16, 4, 9]) / 30),
        ({"top_k": 2}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_k": 1, "temperature": 100.0}, [0, 1, 0, 0]),
        ({"top_k": 9}, [0.1, 0.4, 0.2, 0.3]),
        ({"top_p": 0.3}, [0, 1, 0, 0]),
        ({"top_p": 0.5}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_p": 1.0}, [0.1, 0.4, 0.2, 0.3]),
    ],
)
def test_tokens_are_drawn_by_their_probabilities(arguments, expected):
    np.testing.assert_allclose(shares(np.log([0.1, 0.4, 0.2, 0.3]), **arguments), expected, atol=0.03)


def test_scores_without_bound_are_drawn_from():
    assert np.array_equal(shares([1e30, -np.inf, 0.0]), [1, 0, 0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompt": []}, "the prompt is empty: give at least one token"),
        ({"prompt": [1, 70, -2]}, r"the vocabulary has the tokens 0 to 10, and the prompt has \[-2, 70\]"),
        ({"prompt": [1], "temperature": 0}, "temperature must be above 0, got 0; top_k=1 always takes the likeliest"),
        ({"prompt": [1], "temperature": float("nan")}, "temperature must be above 0, got nan"),
        ({"prompt": [1], "top_k": 0}, "top_k must be at least 1, got 0"),
        ({"prompt": [1], "top_p": 0.0}, "top_p is a probability, above 0 and at most 1, got 0.0"),
        ({"prompt": [1], "tokens": -1}, "tokens must be at least 0, got -1"),
        ({"prompt": [1], "repetition_penalty": 0.0}, "repetition_penalty must be above 0, got 0.0; 1 changes nothing"),
    ],
)
def test_what_cannot_be_written_is_refused_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        model().generate(**arguments)


def test_of_a_prompt_longer_than_the_block_the_end_counts_and_it_is_said():
    gpt = moved(model())
    with pytest.warns(UserWarning, match="the prompt has 11 tokens and the model sees 8: the first 3 are left out"):
        long = gpt.generate(range(11), 5)
    assert list(long) == list(gpt.generate(range(3, 11), 5))


def test_a_sequence_longer_than_the_block_is_refused():
    with pytest.raises(ValueError, match="block_size is 8, got a sequence of 9 tokens"):
        model()(Tensor(np.zeros((1, 9), np.int64)))


def test_a_model_has_blocks():
    with pytest.raises(ValueError, match="n_layer must be at least 1, got 0"):
        model(n_layer=0)


@pytest.mark.parametrize("tie_weights", [True, False])
def test_weights_go_to_a_folder_and_come_back(tmp_path, tie_weights):
    gpt = moved(model(tie_weights=tie_weights))
    gpt.save_pretrained(tmp_path)
    back = GPT.from_pretrained(tmp_path)
    assert (back.lm_head.weight is back.wte.weight) == tie_weights
    assert list(back.state_dict()) == list(gpt.state_dict())
    np.testing.assert_array_equal(back.eval()(Tensor(TOKENS)).data, gpt(Tensor(TOKENS)).data)


def test_a_model_without_biases_comes_back_with_biases_of_zero(tmp_path):
    gpt = moved(model(bias=False))
    gpt.save_pretrained(tmp_path)
    np.testing.assert_array_equal(GPT.from_pretrained(tmp_path).eval()(Tensor(TOKENS)).data, gpt(Tensor(TOKENS)).data)


def test_files_without_the_first_word_of_their_names_and_with_masks_are_read_too(tmp_path):
    gpt = moved(model())
    gpt.save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    arrays = {name.removeprefix("transformer."): array for name, array in load_file(file).items()}
    arrays["h.0.attn.bias"] = np.tri(8, dtype=np.float32).reshape(1, 1, 8, 8)
    save_file(arrays, file)
    np.testing.assert_array_equal(GPT.from_pretrained(tmp_path).eval()(Tensor(TOKENS)).data, gpt(Tensor(TOKENS)).data)


def test_weights_that_do_not_fit_are_all_listed(tmp_path):
    model().save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    arrays = load_file(file)
    del arrays["transformer.ln_f.weight"]
    arrays["transformer.wpe.weight"] = np.zeros((4, 12), np.float32)
    arrays["transformer.h.7.ln_1.bias"] = np.zeros(12, np.float32)
    save_file(arrays, file)
    with pytest.raises(ValueError, match="the weights do not fit the described model") as error:
        GPT.from_pretrained(tmp_path)
    assert str(error.value).splitlines()[1:] == [
        "  missing: transformer.ln_f.weight",
        "  unexpected: transformer.h.7.ln_1.bias",
        "  transformer.wpe.weight: expected shape (8, 12), got (4, 12)",
    ]


def test_files_that_are_broken_or_of_others_are_refused(tmp_path):
    model().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "n_head": 5}))
    with pytest.raises(ValueError, match="embed_dim must be a multiple of num_heads=5, got 12"):
        GPT.from_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((tmp_path / "model.safetensors").read_bytes()[:500])
    with pytest.raises(ValueError, match="is not a complete safetensors file"):
        GPT.from_pretrained(tmp_path)
    for change, message in [
        ({"model_type": "llama"}, "describes a model of type 'llama'; supported: 'gpt2'"),
        (
            {"activation_function": "silu"},
            "activation_function is 'silu'; supported: 'gelu_new', 'gelu_pytorch_tanh', ",
        ),
        ({"n_inner": 60}, "n_inner is 60; supported: 48"),
        ({"scale_attn_weights": False}, "scale_attn_weights is False; supported: True"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx is True: an unknown setting"),
        ({"n_embd": "12", "n_head": 0}, "n_embd must be an integer from 1, found '12'"),
        ({"layer_norm_epsilon": "small"}, "layer_norm_epsilon must be a number above 0, found 'small'"),
    ]:
        (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(ValueError, match=message):
            GPT.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2", "n_layer": 2}))
    with pytest.raises(ValueError, match="lacks vocab_size, n_positions, n_embd, n_head"):
        GPT.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match="is not JSON"):
        GPT.from_pretrained(tmp_path)


@pytest.mark.parity
def test_scores_and_gradients_are_those_of_the_same_lines_in_pytorch():
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    F = torch.nn.functional  # noqa: N806
    gpt = moved(model()).to(np.float64)
    p = {name: torch.tensor(array, requires_grad=True) for name, array in gpt.state_dict().items()}
    tokens = torch.tensor(TOKENS)
    x = p["wte.weight"][tokens] + p["wpe.weight"]
    for h in ("h.0.", "h.1."):
        y = F.layer_norm(x, (12,), p[h + "ln_1.weight"], p[h + "ln_1.bias"])
        y = F.linear(y, p[h + "attn.in_proj_weight"], p[h + "attn.in_proj_bias"])
        q, k, v = (part.reshape(3, 8, 2, 6).transpose(1, 2) for part in y.split(12, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(3, 8, 12)
        x = x + F.linear(y, p[h + "attn.out_proj.weight"], p[h + "attn.out_proj.bias"])
        y = F.layer_norm(x, (12,), p[h + "ln_2.weight"], p[h + "ln_2.bias"])
        y = F.gelu(F.linear(y, p[h + "mlp.0.weight"], p[h + "mlp.0.bias"]), approximate="tanh")
        x = x + F.linear(y, p[h + "mlp.2.weight"], p[h + "mlp.2.bias"])
    x = F.layer_norm(x, (12,), p["ln_f.weight"], p["ln_f.bias"])
    expected = F.linear(x, p["wte.weight"])
    result = gpt(Tensor(TOKENS))
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=1e-11, atol=1e-11)
    g = np.random.default_rng(2).normal(size=result.shape)
    result.backward(g)
    expected.backward(torch.tensor(g))
    for name, parameter in gpt.named_parameters():
        np.testing.assert_allclose(parameter.grad, p[name].grad.numpy(), rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parity
@pytest.mark.parametrize("activation", ["gelu_new", "gelu", "relu"])
def test_a_gpt_2_of_hugging_face_comes_and_goes(tmp_path, activation):
    torch = pytest.importorskip("torch", reason="parity with Hugging Face needs torch")
    transformers = pytest.importorskip("transformers", reason="parity with Hugging Face needs transformers")
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=11,
        n_positions=8,
        n_embd=12,
        n_layer=2,
        n_head=2,
        activation_function=activation,
        layer_norm_epsilon=1e-3,
        bos_token_id=None,
        eos_token_id=None,
    )
    theirs = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
        expected = theirs(torch.tensor(TOKENS)).logits.numpy()
    theirs.save_pretrained(tmp_path / "theirs")
    gpt = GPT.from_pretrained(tmp_path / "theirs").eval()
    np.testing.assert_allclose(gpt(Tensor(TOKENS)).data, expected, atol=1e-4)
    gpt.save_pretrained(tmp_path / "ours")
    back, report = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    with torch.no_grad():
        np.testing.assert_array_equal(back.eval()(torch.tensor(TOKENS)).logits.numpy(), expected)


class TestPadding:
    LENGTHS = (8, 5, 1)

    def padded(self, left):
        """Sequences of several lengths with padding of the token 7, in front or behind, and the mask."""
        mask = np.array([np.arange(8) < 8 - n if left else np.arange(8) >= n for n in self.LENGTHS])
        tokens = np.full((3, 8), 7)
        for row, hidden, sequence, n in zip(tokens, mask, TOKENS, self.LENGTHS, strict=True):
            row[~hidden] = sequence[:n]
        return tokens, mask

    @pytest.mark.parametrize("left", [True, False])
    def test_a_padded_sequence_has_the_scores_that_it_has_alone(self, left):
        gpt = moved(model()).to(np.float64)
        tokens, mask = self.padded(left)
        scores = gpt(Tensor(tokens), key_padding_mask=mask).data
        for found, hidden, sequence, n in zip(scores, mask, TOKENS, self.LENGTHS, strict=True):
            np.testing.assert_allclose(found[~hidden], gpt(Tensor(sequence[None, :n])).data[0], rtol=1e-10)

    def test_padded_prompts_are_read_in_parts_by_a_cache(self):
        gpt = moved(model()).to(np.float64)
        tokens, mask = self.padded(left=True)
        caches = [nn.KeyValueCache() for _ in gpt.h]
        with no_grad():
            whole = gpt.hidden(tokens, key_padding_mask=mask).data
            parts = [gpt.hidden(tokens[:, :6], caches, mask[:, :6]), gpt.hidden(tokens[:, 6:], caches, mask)]
        for i, hidden in enumerate(mask):
            found = np.concatenate([part.data[i] for part in parts])
            np.testing.assert_allclose(found[~hidden], whole[i][~hidden], rtol=1e-10)

    def test_a_mask_of_another_shape_is_refused(self):
        with pytest.raises(ValueError, match=r"key_padding_mask must be \(N, 8\) for tokens \(3, 8\), got \(3, 7\)"):
            model()(Tensor(TOKENS), key_padding_mask=np.zeros((3, 7), bool))

    @pytest.mark.parity
    def test_the_scores_are_those_of_transformers(self, tmp_path):
        torch = pytest.importorskip("torch", reason="parity needs torch")
        transformers = pytest.importorskip("transformers", reason="parity needs transformers")
        gpt = moved(model())
        gpt.save_pretrained(tmp_path)
        theirs = transformers.GPT2LMHeadModel.from_pretrained(tmp_path).eval()
        tokens, mask = self.padded(left=True)
        places = np.maximum(np.cumsum(~mask, axis=1) - 1, 0)
        with torch.no_grad():
            expected = theirs(
                torch.tensor(tokens), attention_mask=torch.tensor(~mask), position_ids=torch.tensor(places)
            ).logits.numpy()
        scores = gpt(Tensor(tokens), key_padding_mask=mask).data
        np.testing.assert_allclose(scores[~mask], expected[~mask], rtol=1e-3, atol=1e-4)
