"""Parameters and layers that patterns choose: what a pattern means, what is done with what it matches."""

from fnmatch import fnmatchcase

import numpy as np
import pytest

from minigrad import Tensor, nn, optim
from minigrad.nn.patterns import covers, matching, renamed

NAMES = ["wte.weight", "h.0.attn.in_proj_weight", "h.0.attn.in_proj_bias", "h.10.mlp.weight", "h.2.ln.bias", "head"]


def network():
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Sequential(nn.Linear(6, 6), nn.Tanh()), nn.Linear(6, 3))


def names_of(patterns):
    return [name for name in NAMES if any(covers(pattern, name) for pattern in patterns)]


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "*.bias",
        "h.?.attn.*",
        "h.[02].*",
        "h.[!0]*.*",
        "*_weight",
        "wte.weight",
        "[",
        "h.[",
        "h.[z-a].*",
        "h.[]0].*",
    ],
)
def test_a_pattern_matches_whole_names_as_fnmatch_does(pattern):
    for name in NAMES:
        parents = [name.rsplit(".", i)[0] for i in range(name.count(".") + 1)]
        assert covers(pattern, name) == any(fnmatchcase(each, pattern) for each in parents)


def test_a_star_crosses_dots_and_the_name_of_a_module_means_everything_below_it():
    assert names_of(["*bias"]) == ["h.0.attn.in_proj_bias", "h.2.ln.bias"]
    assert names_of(["h.0"]) == ["h.0.attn.in_proj_weight", "h.0.attn.in_proj_bias"]
    assert names_of(["h.1"]) == []
    assert names_of(["h"]) == names_of(["h.*"])


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("wte.weights", "'wte.weights' matches no parameter; did you mean 'wte.weight'?"),
        ("h.0.atn", "'h.0.atn' matches no parameter; did you mean 'h.0.attn'?"),
        ("encoder", "'encoder' matches no parameter; there are wte, h, head"),
    ],
)
def test_a_pattern_that_matches_nothing_is_refused_with_the_nearest_name(pattern, told):
    with pytest.raises(nn.PatternError) as refused:
        matching(["*", pattern], NAMES)
    assert str(refused.value) == told
    assert refused.value.index == 1


def test_wildcards_of_a_new_name_stand_for_what_those_of_the_pattern_matched():
    assert renamed("layers.3.w.out", "layers.*.w.*", "h.*.weight.*") == "h.3.weight.out"
    assert renamed("encoder.0.bias", "encoder", "body") == "body.0.bias"
    assert renamed("encoder.0.bias", "decoder", "body") is None
    assert renamed("a.b", "?.b", "x?.y") == "xa.y"


def test_freezing_stops_exactly_what_is_matched_also_where_it_is_shared():
    model = network()
    model.add_module("twin", nn.Linear(4, 6))
    model.twin.weight = getattr(model, "0").weight
    nn.freeze(model, ["twin", "*.0.bias"])
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    assert frozen == ["0.weight", "2.0.bias", "twin.bias"]


def test_nothing_is_frozen_if_a_pattern_matches_nothing():
    model = network()
    with pytest.raises(nn.PatternError, match="'9' matches no parameter"):
        nn.freeze(model, ["0", "9"])
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("patterns", [1, [1], None])
def test_what_is_no_list_of_patterns_is_refused(patterns):
    with pytest.raises(TypeError, match="list of patterns"):
        nn.freeze(network(), patterns)


def test_groups_have_their_options_and_what_nothing_matches_comes_first():
    model = network()
    groups = nn.parameter_groups(model, [{"match": "*.bias", "weight_decay": 0.0}, {"match": ["3.weight"], "lr": 0.1}])
    optimizer = optim.AdamW(groups, lr=0.01)
    shown = [(len(g["params"]), g["lr"], g["weight_decay"]) for g in optimizer.param_groups]
    assert shown == [(2, 0.01, 0.01), (3, 0.01, 0.0), (1, 0.1, 0.01)]
    assert len(nn.parameter_groups(model, [{"match": "*"}])) == 1


@pytest.mark.parametrize(
    ("groups", "index", "told"),
    [
        ([{"match": "*.bias"}, {"match": "3"}], 1, r"'3.bias' is in two groups, by '\*.bias' and by '3'"),
        ([{"match": "*.bias"}, {"lr": 1.0}], 1, "a group needs match"),
        ([{"match": ["0", "hed"]}], 0, "'hed' matches no parameter"),
    ],
)
def test_groups_that_cannot_be_are_refused_with_their_number(groups, index, told):
    with pytest.raises(nn.PatternError, match=told) as refused:
        nn.parameter_groups(network(), groups)
    assert refused.value.index == index


@pytest.mark.parametrize("patterns", [["2"], ["*"], ["0", "2.*"]])
def test_recomputed_layers_have_the_same_gradients_to_the_bit(patterns):
    x = Tensor(np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32))
    plain, again = network(), network()
    again.load_state_dict(plain.state_dict())
    nn.recompute(again, patterns)
    for model in (plain, again):
        (model(x) ** 2).sum().backward()
    for one, other in zip(plain.parameters(), again.parameters(), strict=True):
        np.testing.assert_array_equal(one.grad, other.grad)


def test_the_inside_of_a_recomputed_layer_is_computed_once_more_in_the_backward_pass():
    model, calls = network(), []
    getattr(model, "2").register_forward_hook(lambda *_: calls.append("outer"))
    getattr(getattr(model, "2"), "1").register_forward_hook(lambda *_: calls.append("inner"))
    nn.recompute(model, ["2", "2.1"])  # within each other: the outermost alone
    result = model(Tensor(np.ones((2, 4), np.float32))).sum()
    assert calls == ["inner", "outer"]
    result.backward()
    assert calls == ["inner", "outer", "inner"]


def test_a_layer_that_writes_its_buffers_cannot_be_computed_again():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.BatchNorm1d(2)))
    with pytest.raises(nn.PatternError, match=r"layer '1.0' \(BatchNorm1d\) looks at the whole batch"):
        nn.recompute(model, ["0", "1"])
    with pytest.raises(nn.PatternError, match="'5' matches no layer"):
        nn.recompute(model, ["5"])
    assert not any(module.recomputes for module in model.modules())
