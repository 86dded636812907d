import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from pocketr1.attention import (
    MultiHeadAttention,
    attend,
    causal_mask,
    merge_heads,
    scores,
    softmax,
    split_heads,
)

SHAPES = {
    "no leading axes": ((3, 8), (5, 8), (5, 6)),
    "batch and heads": ((2, 3, 4, 8), (2, 3, 4, 8), (2, 3, 4, 8)),
    "fewer queries than keys": ((2, 3, 2, 8), (2, 3, 7, 8), (2, 3, 7, 5)),
    "more queries than keys": ((2, 6, 8), (2, 3, 8), (2, 3, 4)),
    "keys shared by the heads": ((2, 3, 4, 8), (2, 1, 5, 8), (2, 1, 5, 8)),
    "one of everything": ((1, 1, 1, 1), (1, 1, 1, 1), (1, 1, 1, 1)),
}


def normal(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


def tensors(shapes, dtype=torch.float32):
    return [normal(*shape, seed=seed, dtype=dtype) for seed, shape in enumerate(shapes)]


def assert_same_with_gradients(got, expected, inputs, **tolerance):
    """Equal values, and equal gradients of a weighted sum (the plain sum of a softmax has none)."""
    torch.testing.assert_close(got, expected, **tolerance)
    direction = normal(*expected.shape, seed=9, dtype=expected.dtype).detach()
    found = torch.autograd.grad(got, inputs, direction, retain_graph=True)
    for mine, theirs in zip(
        found, torch.autograd.grad(expected, inputs, direction, retain_graph=True), strict=True
    ):
        torch.testing.assert_close(mine, theirs, **tolerance)


def test_the_examples_of_the_docstrings_are_true():
    assert scores(torch.tensor([[1.0, 2, 0, 1]]), torch.tensor([[2.0, 1, 5, 0]])).item() == 2
    for shift in (0, 1000):
        torch.testing.assert_close(
            softmax(torch.tensor([shift, shift + math.log(3)], dtype=torch.float64)),
            torch.tensor([0.25, 0.75], dtype=torch.float64),
        )
    assert causal_mask(2, 4).tolist() == [[True, True, True, False], [True, True, True, True]]
    values = torch.tensor([[1.0], [2.0], [6.0]])
    assert attend(torch.zeros(1, 4), torch.ones(3, 4), values)[0].item() == pytest.approx(3)
    hidden = torch.tensor([[True, True, False]])
    assert attend(torch.zeros(1, 4), torch.ones(3, 4), values, hidden)[0].item() == pytest.approx(1.5)
    tokens = torch.tensor([[[1, 2, 3, 4], [5, 6, 7, 8]]])
    assert split_heads(tokens, 2).tolist() == [[[[1, 2], [5, 6]], [[3, 4], [7, 8]]]]
    assert merge_heads(split_heads(tokens, 2)).tolist() == tokens.tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
def test_attend_is_pytorchs_attention_in_value_and_gradient(shapes, dtype):
    inputs = tensors(shapes, dtype)
    output, weights = attend(*inputs)
    assert output.dtype == weights.dtype == dtype
    query, key, value = inputs
    leading = torch.broadcast_shapes(query.shape[:-2], key.shape[:-2])
    key, value = (t.expand(*leading, *t.shape[-2:]) for t in (key, value))
    expected = functional.scaled_dot_product_attention(query, key, value)
    assert_same_with_gradients(output, expected, inputs)
    unit = torch.eye(key.shape[-2], dtype=dtype).expand(*leading, -1, -1)
    assert_same_with_gradients(weights, functional.scaled_dot_product_attention(query, key, unit), inputs[:2])


@pytest.mark.parametrize(
    "mask",
    [
        causal_mask(4, 6),
        torch.tensor([[True] + 5 * [False], 3 * [True, False], 6 * [True], 5 * [False] + [True]]),
        torch.tensor([6 * [True], [False, True, True, False, True, True]]).reshape(2, 1, 1, 6),
    ],
    ids=["causal", "irregular", "one for each sequence"],
)
def test_masked_attend_is_pytorchs_in_value_and_gradient(mask):
    inputs = tensors([(2, 3, 4, 8), (2, 3, 6, 8), (2, 3, 6, 5)])
    output, weights = attend(*inputs, mask)
    expected = functional.scaled_dot_product_attention(*inputs, attn_mask=mask)
    assert_same_with_gradients(output, expected, inputs)
    assert (weights[~mask.expand_as(weights)] == 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, 4))


def test_a_hidden_key_has_no_influence_whatever_it_holds():
    query, key, value = (t.detach() for t in tensors([(3, 8), (4, 8), (4, 8)]))
    mask = torch.tensor([True, True, False, True])
    before, _ = attend(query, key, value, mask)
    key[2], value[2] = 100 * query[0], 1e6
    after, _ = attend(query, key, value, mask)
    assert torch.equal(before, after)


def test_a_query_that_may_look_at_nothing_comes_out_as_nan_and_the_others_are_untouched():
    query, key, value = tensors([(2, 8), (3, 8), (3, 8)])
    output, weights = attend(query, key, value, torch.tensor([3 * [False], 3 * [True]]))
    assert output[0].isnan().all() and weights[0].isnan().all()
    torch.testing.assert_close(output[1], attend(query, key, value)[0][1])


def test_the_variance_of_scores_does_not_depend_on_the_length():
    for dim in (4, 64, 1024):
        found = scores(normal(200, dim, seed=1), normal(200, dim, seed=2))
        assert found.var().item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 4, 5), (4, 1)])
def test_softmax_is_pytorchs_in_value_and_gradient(shape):
    logits = normal(*shape)
    assert_same_with_gradients(softmax(logits), torch.softmax(logits, dim=-1), [logits])


def test_softmax_keeps_its_gradient_when_the_largest_logits_are_tied():
    logits = torch.tensor([[2.0, 2.0, 1.0]], dtype=torch.float64, requires_grad=True)
    assert_same_with_gradients(softmax(logits), torch.softmax(logits, dim=-1), [logits])


@pytest.mark.parametrize("far", [1000.0, -1000.0, 1e30])
def test_softmax_does_not_overflow_and_rows_do_not_disturb_one_another(far):
    logits = torch.tensor([[0.0, 1.0, -torch.inf], [far, far, -far], [-far, 0.0, far]])
    assert torch.equal(softmax(logits), torch.stack([softmax(row) for row in logits]))
    torch.testing.assert_close(softmax(logits), torch.softmax(logits, dim=-1))


@given(queries=st.integers(1, 9), earlier=st.integers(0, 9))
def test_the_last_query_sees_all_keys_and_each_one_before_it_one_less(queries, earlier):
    mask = causal_mask(queries, earlier + queries)
    assert mask.dtype == torch.bool
    for row, seen in enumerate(mask.tolist()):
        assert seen == [position <= earlier + row for position in range(earlier + queries)]


def test_a_mask_for_the_last_queries_is_the_end_of_the_whole_mask():
    assert torch.equal(causal_mask(3, 7), causal_mask(7, 7)[-3:])


@settings(max_examples=40, deadline=None)
@given(batch=st.integers(1, 3), seq=st.integers(1, 5), heads=st.integers(1, 4), dim=st.integers(1, 4))
def test_splitting_and_merging_undo_one_another_and_keep_a_heads_numbers_together(batch, seq, heads, dim):
    x = torch.arange(batch * seq * heads * dim).reshape(batch, seq, heads * dim)
    pieces = split_heads(x, heads)
    assert pieces.shape == (batch, heads, seq, dim)
    for head in range(heads):
        assert torch.equal(pieces[:, head], x[:, :, head * dim : (head + 1) * dim])
    assert torch.equal(merge_heads(pieces), x)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="3 heads cannot share 8 dimensions"):
        MultiHeadAttention(8, 3)
    with pytest.raises(Exception, match="head"):
        split_heads(torch.zeros(1, 2, 8), 3)


def layer_and_pytorchs(dim, heads):
    """A layer with random weights and biases, and PyTorch's with the same."""
    torch.manual_seed(0)
    ours, theirs = MultiHeadAttention(dim, heads), torch.nn.MultiheadAttention(dim, heads, batch_first=True)
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    with torch.no_grad():
        parts = (ours.query, ours.key, ours.value)
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        theirs.out_proj.load_state_dict(ours.output.state_dict())
    return ours, theirs


@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("masked", [False, True])
def test_the_layer_is_pytorchs_in_value_weights_and_gradient(heads, masked):
    ours, theirs = layer_and_pytorchs(8, heads)
    x = normal(2, 5, 8)
    mask = causal_mask(5, 5) if masked else None
    output, weights = ours(x, mask)
    expected, expected_weights = theirs(
        x, x, x, attn_mask=None if mask is None else ~mask, average_attn_weights=False
    )
    assert_same_with_gradients(output, expected, [x], rtol=1e-4, atol=1e-5)
    assert_same_with_gradients(weights, expected_weights, [x], rtol=1e-4, atol=1e-5)
    output.sum().backward()
    ours_by_parameter = torch.cat([ours.query.weight.grad, ours.key.weight.grad, ours.value.weight.grad])
    expected.sum().backward()
    torch.testing.assert_close(ours_by_parameter, theirs.in_proj_weight.grad, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.output.bias.grad, theirs.out_proj.bias.grad)


def test_a_causal_layer_does_not_look_ahead():
    layer, _ = layer_and_pytorchs(8, 2)
    x = normal(1, 6, 8).detach()
    before, _ = layer(x, causal_mask(6, 6))
    x[:, 3:] += 1
    after, _ = layer(x, causal_mask(6, 6))
    assert torch.equal(before[:, :3], after[:, :3])
    assert not torch.isclose(before[:, 3:], after[:, 3:]).all(dim=-1).any()


def test_without_a_mask_the_order_of_the_tokens_changes_nothing_but_the_order_of_the_results():
    layer, _ = layer_and_pytorchs(8, 2)
    x, order = normal(2, 5, 8), torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(layer(x[:, order])[0], layer(x)[0][:, order])
    causal = causal_mask(5, 5)
    assert not torch.allclose(layer(x[:, order], causal)[0], layer(x, causal)[0][:, order])
