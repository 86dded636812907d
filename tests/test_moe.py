import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketr1 import moe


def random(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def bank(dim=8, experts=5, width=4, dtype=torch.float32):
    built = moe.ExpertBank(dim, experts, width)
    with torch.no_grad():
        for n, parameter in enumerate(built.parameters()):
            parameter.copy_(random(*parameter.shape, seed=n))
    return built.to(dtype)


def test_route_by_hand():
    weights, chosen = moe.route(torch.tensor([[0.0, math.log(3), math.log(2)]]), 2)
    assert chosen.tolist() == [[1, 2]]
    torch.testing.assert_close(weights, torch.tensor([[0.6, 0.4]]))


def test_route_is_the_softmax_of_the_best_logits_and_has_its_gradient():
    logits = random(6, 5).requires_grad_()
    weights, chosen = moe.route(logits, 3)
    best = logits.topk(3).values
    torch.testing.assert_close(weights, best.softmax(-1))
    weight = random(6, 3, seed=1)
    ours, theirs = (torch.autograd.grad((w * weight).sum(), logits)[0] for w in (weights, best.softmax(-1)))
    torch.testing.assert_close(ours, theirs)


def test_one_active_expert_has_weight_one_and_no_gradient():
    logits = random(6, 5).requires_grad_()
    weights, _ = moe.route(logits, 1)
    assert torch.equal(weights, torch.ones(6, 1))
    assert torch.autograd.grad(weights.sum(), logits)[0].abs().max() < 1e-6


def test_hash_routing_goes_by_the_token_alone():
    weights, chosen = moe.hash_route(torch.tensor([0, 1, 2, 0]), experts=5, active=2)
    assert chosen.tolist() == [[0, 1], [2, 3], [4, 0], [0, 1]]
    assert torch.equal(weights, torch.full((4, 2), 0.5))


def test_dispatch_by_hand():
    x = torch.tensor([[1.0], [10.0]])
    weights, chosen = torch.tensor([[0.25, 0.75], [1.0, 0.0]]), torch.tensor([[0, 2], [2, 0]])
    experts = [lambda x: 2 * x, lambda x: 100 * x, lambda x: 3 * x]
    assert moe.dispatch_combine(x, weights, chosen, experts).flatten().tolist() == [2.75, 30.0]


def test_sorted_rows_and_ends_by_hand():
    x, seen = torch.tensor([[10.0], [20.0], [30.0]]), {}

    def grouped(rows, ends):
        seen.update(rows=rows.flatten().tolist(), ends=ends.tolist(), dtype=ends.dtype)
        return rows

    y = moe.dispatch_sorted(x, torch.ones(3, 1), torch.tensor([[1], [0], [1]]), 3, grouped)
    assert seen == {"rows": [20, 10, 30], "ends": [1, 3, 3], "dtype": torch.int32}
    assert torch.equal(y, x)


def whole_sum(x, weights, chosen, experts):
    """Every expert on every token, then the chosen ones weighted: the oracle, in float64."""
    gates = torch.zeros(len(x), len(experts.down), dtype=x.dtype).scatter(1, chosen, weights)
    gate, up = (torch.einsum("td,ewd->etw", x, weight) for weight in (experts.gate, experts.up))
    return torch.einsum("te,edw,etw->td", gates, experts.down, gate * torch.sigmoid(gate) * up)


def routed(tokens=30, experts=5, active=2, dtype=torch.float32):
    weights, chosen = moe.route(random(tokens, experts, seed=7, dtype=dtype), active)
    return weights.detach().requires_grad_(), chosen


def test_the_loop_is_the_whole_sum_in_float64():
    x, (weights, chosen) = random(30, 8, dtype=torch.float64).requires_grad_(), routed(dtype=torch.float64)
    experts = bank(dtype=torch.float64)
    inputs = [x, weights, *experts.parameters()]
    ours, oracle = experts.one_by_one(x, weights, chosen), whole_sum(x, weights, chosen, experts)
    torch.testing.assert_close(ours, oracle, rtol=0, atol=1e-12)
    gradients = [torch.autograd.grad((y * random(30, 8, seed=8)).sum(), inputs) for y in (ours, oracle)]
    for mine, other in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-11)


@pytest.mark.parametrize("skewed", [False, True])
def test_sorted_equals_the_float64_oracle_in_value_and_gradient(skewed):
    x, (weights, chosen) = random(30, 8).requires_grad_(), routed()
    if skewed:
        chosen = torch.tensor([1, 3]).repeat(30, 1)  # experts 0, 2 and 4 are empty
    experts, oracle = bank(), bank(dtype=torch.float64)
    x64, weights64 = x.detach().double().requires_grad_(), weights.detach().double().requires_grad_()
    ours = experts(x, weights, chosen)
    theirs = oracle.one_by_one(x64, weights64, chosen)
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-5)
    weight = random(30, 8, seed=8)
    mine = torch.autograd.grad((ours * weight).sum(), [x, weights, *experts.parameters()])
    other = torch.autograd.grad((theirs * weight).sum(), [x64, weights64, *oracle.parameters()])
    for a, b in zip(mine, other, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=1e-4)


@given(tokens=st.integers(1, 12), experts=st.integers(1, 6), data=st.data())
@settings(max_examples=40, deadline=None)
def test_sorted_equals_loop_in_every_shape(tokens, experts, data):
    active = data.draw(st.integers(1, experts))
    weights, chosen = moe.route(random(tokens, experts, seed=data.draw(st.integers(0, 50))), active)
    x, built = random(tokens, 8, seed=3), bank(experts=experts)
    torch.testing.assert_close(
        built(x, weights, chosen), built.one_by_one(x, weights, chosen), rtol=1e-4, atol=1e-4
    )


def test_no_token_is_dropped():
    x, chosen = random(200, 8), torch.zeros(200, 1, dtype=torch.long)  # all to one expert
    y = bank()(x, torch.ones(200, 1), chosen)
    assert (y.abs().sum(-1) > 0).all()


def test_widths_that_grouped_mm_cannot_take_are_refused():
    with pytest.raises(ValueError, match="divisible by 4, not 8 and 6"):
        moe.ExpertBank(8, 2, 6)


def test_load_counts_unvisited_experts_too():
    assert moe.load(torch.tensor([[0, 2], [2, 0], [2, 1]]), 4).tolist() == [2, 1, 3, 0]


def test_max_vio_by_hand():
    assert moe.max_vio(torch.tensor([6, 2, 1, 3])).item() == 1.0
    assert moe.max_vio(torch.tensor([3, 3])).item() == 0.0


def test_aux_loss_of_an_even_load_is_alpha():
    chosen = torch.tensor([[[0], [1], [2], [3]]])
    assert moe.aux_loss(torch.ones(1, 4, 4), chosen, alpha=0.1).item() == pytest.approx(0.1)


def test_two_sequences_that_use_opposite_halves():
    chosen = torch.tensor([[[0, 1]] * 3, [[2, 3]] * 3])
    scores = torch.zeros(2, 3, 4).scatter(-1, chosen, 1.0)
    assert moe.aux_loss(scores, chosen, alpha=0.1).item() == pytest.approx(0.2)
    as_a_batch = moe.aux_loss(scores.reshape(1, 6, 4), chosen.reshape(1, 6, 2), alpha=0.1)
    assert as_a_batch.item() == pytest.approx(0.1)


def test_aux_loss_by_its_formula_and_with_its_gradient():
    logits = random(2, 6, 4).requires_grad_()
    scores = logits.sigmoid()
    chosen = scores.topk(2).indices
    expected = 0.0
    for s, c in zip(scores, chosen, strict=True):
        f = torch.stack([(c == i).sum() * 4 / (2 * 6) for i in range(4)])
        expected = expected + 0.01 * (f * (s / s.sum(-1, keepdim=True)).mean(0)).sum() / 2
    ours = moe.aux_loss(scores, chosen, 0.01)
    torch.testing.assert_close(ours, expected)
    mine, other = (torch.autograd.grad(y, logits, retain_graph=True)[0] for y in (ours, expected))
    torch.testing.assert_close(mine, other)
    assert mine.abs().max() > 0


def test_padding_does_not_count_in_the_aux_loss():
    scores, chosen = random(1, 6, 4).sigmoid(), random(1, 6, 4, seed=1).topk(2).indices
    real = torch.tensor([[True] * 4 + [False] * 2])
    ours = moe.aux_loss(scores, chosen, 0.01, real)
    torch.testing.assert_close(ours, moe.aux_loss(scores[:, :4], chosen[:, :4], 0.01))
    assert torch.isfinite(moe.aux_loss(scores, chosen, 0.01, torch.zeros_like(real)))


def test_falling_aux_loss_evens_the_load():
    x, router = (
        random(64, 8),
        torch.zeros(4, 8).normal_(generator=torch.Generator().manual_seed(1)).requires_grad_(),
    )
    x = x + 2  # a common direction, so that the router starts out of balance
    optimizer = torch.optim.SGD([router], lr=1.0)
    loads = []
    for _ in range(200):
        scores = F.linear(x, router).softmax(-1)
        chosen = scores.topk(1).indices
        loads.append(moe.max_vio(moe.load(chosen, 4)).item())
        optimizer.zero_grad()
        moe.aux_loss(scores[None], chosen[None], 0.1).backward()
        optimizer.step()
    assert loads[-1] < 0.5 * loads[0]
