import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pocketr1 import transformer
from pocketr1.attention import causal_mask
from pocketr1.configuration import Heads


def random(*shape, seed=0, grad=False, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=dtype).requires_grad_(grad)


def assert_same(ours, theirs, inputs, tolerance=1e-5):
    """Equal in value, and in gradient with respect to every input."""
    torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance)
    weight = random(*ours.shape, seed=9, dtype=ours.dtype)
    gradients = [
        torch.autograd.grad((result * weight).sum(), inputs, retain_graph=True) for result in (ours, theirs)
    ]
    for mine, other in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=10 * tolerance)


@pytest.mark.parametrize("eps", [1e-6, 0.1])
def test_rms_norm_is_pytorchs(eps):
    x, gain = (random(2, 3, 8) + 2).requires_grad_(), random(8, seed=1, grad=True)
    assert_same(transformer.rms_norm(x, gain, eps), F.rms_norm(x, (8,), gain, eps), [x, gain])


def test_rms_norm_by_hand():
    x = transformer.rms_norm(torch.tensor([3.0, 4.0]), torch.tensor([1.0, 2.0]), eps=0.0)
    torch.testing.assert_close(x, torch.tensor([3 / math.sqrt(12.5), 8 / math.sqrt(12.5)]))


def test_rms_norm_of_zeros_is_zero():
    assert transformer.RMSNorm(4, 1e-6)(torch.zeros(4)).tolist() == [0, 0, 0, 0]


def test_rotations_by_hand():
    rotation = transformer.rotations(torch.tensor([0, 2]), 4, base=100.0)
    torch.testing.assert_close(rotation.angle(), torch.tensor([[0, 0], [2, 0.2]]))
    torch.testing.assert_close(rotation.abs(), torch.ones(2, 2))


def test_a_quarter_turn():
    quarter = torch.tensor([[1j, 1.0 + 0j]])
    torch.testing.assert_close(
        transformer.rope(torch.tensor([[1.0, 0, 2, 3]]), quarter), torch.tensor([[0.0, 1, 2, 3]])
    )


def test_rope_is_a_rotation_matrix_on_neighbouring_pairs():
    x, positions = random(2, 3, 5, 6, grad=True), torch.arange(5) + 2
    matrix = torch.zeros(5, 6, 6)
    for t in range(5):
        for i in range(3):
            angle = (t + 2) * 10_000 ** (-2 * i / 6)
            c, s = math.cos(angle), math.sin(angle)
            matrix[t, 2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = torch.tensor([[c, -s], [s, c]])
    expected = torch.einsum("tij,bhtj->bhti", matrix, x)
    assert_same(transformer.rope(x, transformer.rotations(positions, 6)), expected, [x])


@given(
    offset=st.integers(0, 40), distance=st.integers(0, 40), pairs=st.integers(1, 8), seed=st.integers(0, 99)
)
@settings(max_examples=50, deadline=None)
def test_scores_depend_on_the_distance_alone(offset, distance, pairs, seed):
    query, key = random(2, 1, 2 * pairs, seed=seed, dtype=torch.float64)

    def score(query_position, key_position):
        turned = [
            transformer.rope(x, transformer.rotations(torch.tensor([t]), 2 * pairs))
            for x, t in ((query, query_position), (key, key_position))
        ]
        return (turned[0] * turned[1]).sum()

    assert abs(score(distance, 0) - score(distance + offset, offset)) < 1e-4


def test_rope_keeps_lengths():
    x = random(5, 8)
    turned = transformer.rope(x, transformer.rotations(torch.arange(5), 8))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    assert (turned[1:] - x[1:]).abs().max() > 0.1


def test_swiglu_number_by_number():
    x, gate, up, down = random(4), random(3, 4, seed=1), random(3, 4, seed=2), random(4, 3, seed=3)
    expected = [0.0] * 4
    for inner in range(3):
        g, u = float(gate[inner] @ x), float(up[inner] @ x)
        for out in range(4):
            expected[out] += float(down[out, inner]) * u * g / (1 + math.exp(-g))
    torch.testing.assert_close(transformer.swiglu(x, gate, up, down), torch.tensor(expected))


def test_repeat_heads_gives_neighbours_the_same_head():
    x = torch.arange(2.0).reshape(1, 2, 1, 1)
    assert transformer.repeat_heads(x, 2).flatten().tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(("heads", "key_heads"), [(4, 4), (4, 2), (4, 1), (1, 1)])
def test_grouped_query_attention_is_pytorchs(heads, key_heads):
    torch.manual_seed(0)
    layer = transformer.GroupedQueryAttention(16, Heads(heads, key_heads, 6))
    x = random(2, 5, 16, grad=True)
    rotation = transformer.rotations(torch.arange(5), 6)

    def split(y, count):
        return y.reshape(2, 5, count, 6).transpose(1, 2)

    query, key = (
        transformer.rope(split(y, count), rotation)
        for y, count in ((layer.query(x), heads), (layer.key(x), key_heads))
    )
    found = F.scaled_dot_product_attention(
        query, key, split(layer.value(x), key_heads), is_causal=True, enable_gqa=True
    )
    expected = layer.output(found.transpose(1, 2).reshape(2, 5, -1))
    assert_same(layer(x, rotation, causal_mask(5, 5)), expected, [x, *layer.parameters()])


def test_block_adds_what_each_part_says_to_the_stream():
    attention, feed_forward = nn.Linear(4, 4), nn.Linear(4, 4)

    class Attention(nn.Module):
        def forward(self, x, rotation, mask, cache):
            assert (rotation, mask, cache) == ("rotation", "mask", "cache")
            return attention(x)

    block = transformer.Block(4, Attention(), feed_forward, eps=0.1)
    with torch.no_grad():
        block.attention_norm.gain.copy_(torch.tensor([1.0, 2, 3, 4]))
        block.feed_forward_norm.gain.copy_(torch.tensor([4.0, 3, 2, 1]))
    x = random(2, 3, 4)
    middle = x + attention(F.rms_norm(x, (4,), torch.tensor([1.0, 2, 3, 4]), 0.1))
    expected = middle + feed_forward(F.rms_norm(middle, (4,), torch.tensor([4.0, 3, 2, 1]), 0.1))
    torch.testing.assert_close(block(x, "rotation", "mask", "cache"), expected)


def test_loss_of_equal_logits():
    tokens = torch.tensor([[1, 2, 3]])
    loss = transformer.next_token_loss(torch.zeros(1, 3, 50), tokens, torch.ones(1, 3, dtype=torch.bool))
    assert loss.item() == pytest.approx(math.log(50))


def test_loss_counts_masked_targets_only_and_weighs_tokens_alike():
    logits, tokens = random(2, 5, 7), torch.randint(7, (2, 5), generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[True, False, True, True, False], [False, True, False, False, False]])
    logprobs = logits.log_softmax(-1)
    counted = [(0, 2), (0, 3), (1, 1)]  # the first column cannot be predicted
    expected = -sum(logprobs[row, t - 1, tokens[row, t]] for row, t in counted) / 3
    torch.testing.assert_close(transformer.next_token_loss(logits, tokens, mask), expected)
