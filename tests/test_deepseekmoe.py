import copy
import math

import pytest
import torch

from pocketr1 import deepseekmoe
from pocketr1.configuration import Experts, Heads, ModelConfig
from pocketr1.model import LanguageModel
from pocketr1.moe import aux_loss, load
from pocketr1.sizes import DEEPSEEK_V2, DEEPSEEK_V3, MIXTRAL_8X7B, count_params, experts_params
from pocketr1.transformer import next_token_loss


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def layer(dim=8, **shape):
    built = deepseekmoe.DeepSeekMoE(dim, Experts(**{"experts": 8, "active": 2, "width": 4, **shape}))
    with torch.no_grad():
        for n, parameter in enumerate(built.parameters()):
            parameter.copy_(random(*parameter.shape, seed=n))
    return built


def test_combinations_as_published():
    assert deepseekmoe.combinations(16, 2) == 120
    assert deepseekmoe.combinations(64, 8) == 4_426_165_368


def test_split_keeps_parameters_and_work():
    coarse = Experts(16, 2, 256)
    fine = deepseekmoe.split(coarse, 4)
    assert fine == Experts(64, 8, 64)
    routers = 12 * (64 - 16)
    assert experts_params(12, fine) == tuple(count + routers for count in experts_params(12, coarse))


def test_shared_experts_are_split_like_the_others():
    coarse = Experts(16, 2, 256, shared=2, scale=2.5, balance="bias")
    fine = deepseekmoe.split(coarse, 4)
    assert fine == Experts(64, 8, 64, shared=8, scale=2.5, balance="bias")
    routers = 12 * (64 - 16)
    assert experts_params(12, fine) == tuple(count + routers for count in experts_params(12, coarse))


def test_what_cannot_be_split_is_refused():
    with pytest.raises(ValueError, match="256 cannot be cut into 3"):
        deepseekmoe.split(Experts(16, 2, 256), 3)


def test_group_limit_by_hand():
    limited = deepseekmoe.group_limit(torch.tensor([[1.0, 9, 6, 5]]), groups=2, kept=1)
    assert limited.tolist() == [[-math.inf, -math.inf, 6, 5]]


def test_group_limit_beats_negative_scores_and_allows_groups_of_one():
    limited = deepseekmoe.group_limit(torch.tensor([[-1.0, -2, -5, -6]]), groups=2, kept=1)
    assert limited.topk(2).indices.tolist() == [[0, 1]]
    assert deepseekmoe.group_limit(torch.tensor([[3.0, 4.0]]), 2, 1).tolist() == [[-math.inf, 4]]


def test_the_bias_selects_and_does_not_weigh():
    weights, chosen = deepseekmoe.sigmoid_gate(torch.zeros(1, 3), torch.tensor([0.2, 0, 0.1]), 2)
    assert chosen.tolist() == [[0, 2]]
    assert weights.tolist() == [[0.5, 0.5]]


def test_one_constant_on_all_biases_changes_nothing():
    logits = random(20, 8)
    plain = deepseekmoe.sigmoid_gate(logits, torch.zeros(8), 3, 2.5)
    shifted = deepseekmoe.sigmoid_gate(logits, torch.full((8,), 0.25), 3, 2.5)
    for one, other in zip(plain, shifted, strict=True):
        assert torch.equal(one, other)


def test_weights_sum_to_the_scale():
    weights, _ = deepseekmoe.sigmoid_gate(random(20, 8), random(8, seed=1), 3, 2.5)
    torch.testing.assert_close(weights.sum(-1), torch.full((20,), 2.5))


def test_the_bias_moves_against_the_load_by_equal_steps():
    bias = deepseekmoe.update_bias(torch.tensor([1.0, 0, 0]), torch.tensor([30, 1, 11]), 0.5)
    assert bias.tolist() == [0.5, 0.5, 0.5]
    assert deepseekmoe.update_bias(torch.zeros(2), torch.tensor([3, 3]), 0.5).tolist() == [0, 0]


def test_the_shared_expert_is_added_as_it_is():
    found = deepseekmoe.shared_expert(
        torch.ones(1, 2),
        torch.ones(1, 1),
        torch.zeros(1, 1).long(),
        lambda x, weights, chosen: 3 * weights * x,
        lambda x: 10 * x,
    )
    assert found.tolist() == [[13, 13]]


def test_specialisation_by_hand():
    assert deepseekmoe.specialisation(torch.tensor([[5, 0], [0, 5]])) == pytest.approx(1)
    assert deepseekmoe.specialisation(torch.tensor([[5, 5], [1, 1], [0, 0]])) == pytest.approx(0)


def test_specialisation_is_what_is_lost_of_the_entropies():
    visits = torch.randint(0, 9, (3, 5), generator=torch.Generator().manual_seed(0)).double()

    def entropy(counts):
        p = counts / counts.sum()
        return -torch.special.xlogy(p, p).sum().item() / math.log(2)

    expected = entropy(visits.sum(0)) + entropy(visits.sum(1)) - entropy(visits.flatten())
    assert deepseekmoe.specialisation(visits) == pytest.approx(expected)


def test_deepseek_v3_has_its_published_size():
    parts = deepseekmoe.v3_params(DEEPSEEK_V3)
    total, active = (sum(count) / 1e9 for count in zip(*parts.values(), strict=True))
    assert [round(total, 1), round(active, 1)] == [671.0, 37.6]
    assert round(active - parts["embedding"][1] / 1e9, 1) == 36.6


@pytest.mark.parametrize("config", [DEEPSEEK_V3, DEEPSEEK_V2, MIXTRAL_8X7B])
def test_the_parts_add_up_to_all_parameters(config):
    parts = deepseekmoe.v3_params(config)
    assert tuple(sum(count) for count in zip(*parts.values(), strict=True)) == count_params(config)


@pytest.mark.parametrize(("groups", "kept"), [(1, 1), (4, 2)])
@pytest.mark.parametrize("implementation", ["eager", "grouped_mm"])
def test_the_layer_is_transformers_deepseek_v3_moe(groups, kept, implementation):
    """With copied weights and a bias: same experts, weights within 1e-6, outputs and gradients within 1e-5,
    relative."""
    deepseek = pytest.importorskip(
        "transformers.models.deepseek_v3", reason="the transformers package is missing"
    )
    config = deepseek.DeepseekV3Config(
        hidden_size=8, n_routed_experts=8, num_experts_per_tok=3, n_group=groups, topk_group=kept,
        moe_intermediate_size=4, n_shared_experts=2, routed_scaling_factor=2.5, norm_topk_prob=True,
    )  # fmt: skip
    config._experts_implementation = implementation
    theirs = deepseek.modeling_deepseek_v3.DeepseekV3MoE(config)
    ours = layer(active=3, shared=2, scale=2.5, groups=groups, kept_groups=kept, balance="bias")
    with torch.no_grad():
        ours.bias.copy_(random(8, seed=20) * 0.3)
        theirs.gate.weight.copy_(ours.router)
        theirs.gate.e_score_correction_bias.copy_(ours.bias)
        theirs.experts.gate_up_proj.copy_(torch.cat([ours.experts.gate, ours.experts.up], dim=1))
        theirs.experts.down_proj.copy_(ours.experts.down)
        for name in ("gate", "up", "down"):
            getattr(theirs.shared_experts, f"{name}_proj").weight.copy_(getattr(ours.shared, name).weight)
    x = random(3, 7, 8, seed=21).requires_grad_()
    _, their_weights, their_chosen = theirs.gate(x)
    weights, chosen = ours.route(x.flatten(0, 1) @ ours.router.T)
    order, their_order = chosen.argsort(-1), their_chosen.argsort(-1)
    assert torch.equal(chosen.gather(-1, order), their_chosen.gather(-1, their_order))
    assert (weights.gather(-1, order) - their_weights.gather(-1, their_order)).abs().max() < 1e-6
    found, expected = ours(x), theirs(x)
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()
    weight = random(3, 7, 8, seed=22)
    mine = torch.autograd.grad(
        (found * weight).sum(), [x, ours.router, ours.experts.down, ours.shared.up.weight]
    )
    others = [x, theirs.gate.weight, theirs.experts.down_proj, theirs.shared_experts.up_proj.weight]
    for one, other in zip(mine, torch.autograd.grad((expected * weight).sum(), others), strict=True):
        assert (one - other).abs().max() < 1e-5 * other.abs().max()


@pytest.mark.parametrize("router", ["softmax", "sigmoid", "hash"])
@pytest.mark.parametrize("shared", [0, 1])
def test_the_layer_is_its_formula(router, shared):
    built = layer(router=router, shared=shared, scale=1.5 if router == "softmax" else 1.0)
    x = random(2, 5, 8, seed=9)
    built.see(torch.arange(10).reshape(2, 5))
    flat = x.reshape(10, 8)
    weights, chosen = built.route(None if router == "hash" else flat @ built.router.T)
    expected = built.experts.one_by_one(flat, weights, chosen)
    if shared:
        expected = expected + built.shared(flat)
    torch.testing.assert_close(built(x), expected.reshape(2, 5, 8), rtol=1e-4, atol=1e-4)


def test_only_training_counts_the_load_and_only_real_tokens():
    built, x = layer(balance="bias", bias_speed=0.25), random(2, 5, 8)
    tokens = torch.tensor([[3, 4, 5, 0, 0], [6, 7, 8, 9, 0]])
    built.see(tokens)
    with torch.no_grad():
        built(x)
    built.eval()(x)
    assert built.counts.sum() == 0
    assert built.max_vio == 0
    built.train()(x)
    _, chosen = built.route(x.flatten(0, 1) @ built.router.T)
    expected = load(chosen[(tokens != 0).flatten()], 8)
    assert torch.equal(built.counts, expected)
    assert expected.sum() == 7 * 2
    assert built.max_vio == pytest.approx(float(expected.max()) / (14 / 8) - 1)
    built.balance()
    assert torch.equal(built.bias, deepseekmoe.update_bias(torch.zeros(8), expected, 0.25))
    assert built.counts.sum() == 0


@pytest.mark.parametrize("balance", ["none", "sequence", "batch"])
def test_only_the_bias_balancing_moves_the_bias(balance):
    built = layer(balance=balance)
    built(random(2, 5, 8))
    built.balance()
    assert built.bias.eq(0).all()
    assert ("bias" in built.state_dict()) is False


@pytest.mark.parametrize("router", ["softmax", "sigmoid"])
@pytest.mark.parametrize("balance", ["sequence", "batch"])
def test_the_auxiliary_loss_is_over_what_it_says(router, balance):
    built, x = layer(router=router, balance=balance, alpha=0.1), random(2, 5, 8)
    built.see(torch.tensor([[3, 4, 5, 0, 0], [6, 7, 8, 9, 0]]))
    built(x)
    logits = x @ built.router.T
    scores = logits.softmax(-1) if router == "softmax" else logits.sigmoid()
    chosen = scores.topk(2).indices
    rows = [(scores[0, :3], chosen[0, :3]), (scores[1, :4], chosen[1, :4])]
    if balance == "sequence":
        expected = torch.stack([aux_loss(*row, 0.1) for row in rows]).mean()
    else:
        expected = aux_loss(*(torch.cat(parts) for parts in zip(*rows, strict=True)), 0.1)
    torch.testing.assert_close(deepseekmoe.balance_loss(built), expected)
    gradient = torch.autograd.grad(deepseekmoe.balance_loss(built), built.router)[0]
    assert gradient.abs().max() > 0


def test_a_model_sums_its_layers_losses_and_can_be_copied_between_steps():
    shape = Experts(4, 2, 8, balance="batch", alpha=0.1, dense_layers=1, dense_width=8)
    model = LanguageModel(ModelConfig(11, 16, 3, Heads(2, 2, 8), shape))
    assert deepseekmoe.balance_loss(model) == 0
    tokens = torch.randint(1, 11, (2, 6), generator=torch.Generator().manual_seed(0))
    model(tokens)
    losses = [block.feed_forward.auxiliary for block in model.blocks[1:]]
    torch.testing.assert_close(deepseekmoe.balance_loss(model), losses[0] + losses[1])
    copied = copy.deepcopy(model)
    assert deepseekmoe.balance_loss(copied) == 0
    assert torch.equal(copied(tokens), model(tokens))
    for block in model.blocks[1:]:
        block.feed_forward.balance()
    assert deepseekmoe.balance_loss(model) == 0


def test_the_bias_evens_a_skewed_load():
    built = layer(dim=8, experts=8, active=2, balance="bias", bias_speed=0.02)
    x = random(256, 8, seed=5).unsqueeze(0) + 1.5
    loads = []
    for _ in range(100):
        built(x)
        loads.append(built.max_vio)
        built.balance()
    assert loads[0] > 1.0
    assert loads[-1] < 0.3


def test_a_hash_router_must_see_the_tokens():
    with pytest.raises(AssertionError, match="see the tokens"):
        layer(router="hash")(random(1, 2, 8))


def test_hash_routing_in_a_model_depends_on_tokens_alone():
    model = LanguageModel(ModelConfig(11, 16, 1, Heads(2, 2, 8), Experts(4, 2, 8, router="hash")))
    assert (
        next_token_loss(model(torch.tensor([[1, 2, 3]])), torch.tensor([[1, 2, 3]]), torch.ones(1, 3).bool())
        > 0
    )
    assert model.blocks[0].feed_forward.counts.tolist() == [1, 1, 2, 2]
