import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketr1 import latent
from pocketr1.attention import attend, causal_mask
from pocketr1.configuration import Latent
from pocketr1.transformer import rms_norm, rope, rotations


def random(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def inputs(
    batch=2, heads=3, queries=4, keys=6, content=4, rope_dim=2, latent_dim=5, value=7, dtype=torch.float32
):
    shapes = [
        (batch, heads, queries, content), (batch, heads, queries, rope_dim), (batch, keys, latent_dim),
        (batch, 1, keys, rope_dim), (heads, content, latent_dim), (heads, value, latent_dim),
    ]  # fmt: skip
    return [random(*shape, seed=n, dtype=dtype).requires_grad_() for n, shape in enumerate(shapes)]


def test_what_is_kept():
    h, down, key, gain = random(2, 5, 8), random(6, 8, seed=1), random(4, 8, seed=2), random(6, seed=3)
    rotation = rotations(torch.arange(5), 4)
    latents, rope_key = latent.compress(h, down, key, gain, rotation)
    torch.testing.assert_close(latents, rms_norm(h @ down.T, gain))
    torch.testing.assert_close(rope_key, rope((h @ key.T).unsqueeze(1), rotation))


def test_two_parts_score_like_one_vector():
    content_query, rope_query, _, rope_key, _, _ = inputs()
    content_key = random(2, 3, 6, 4, seed=9)
    query = torch.cat([content_query, rope_query], dim=-1)
    key = torch.cat([content_key, rope_key.expand(-1, 3, -1, -1)], dim=-1)
    expected = query @ key.transpose(-2, -1) / math.sqrt(6)
    torch.testing.assert_close(
        latent.decoupled_scores(content_query, rope_query, content_key, rope_key), expected
    )


@pytest.mark.parametrize("mask", [None, causal_mask(4, 6)])
@pytest.mark.parametrize("form", [latent.expand, latent.absorb])
def test_both_forms_are_attention_over_made_keys_and_values(form, mask):
    arguments = inputs(dtype=torch.float64)
    content_query, rope_query, latents, rope_key, up_key, up_value = arguments
    key = torch.stack([latents @ matrix.T for matrix in up_key], dim=1)
    key = torch.cat([key, rope_key.expand(-1, 3, -1, -1)], dim=-1)
    value = torch.stack([latents @ matrix.T for matrix in up_value], dim=1)
    expected, _ = attend(torch.cat([content_query, rope_query], dim=-1), key, value, mask)
    found = form(*arguments, mask)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    weight = random(*found.shape, seed=9, dtype=torch.float64)
    for ours, theirs in zip(
        *(torch.autograd.grad((y * weight).sum(), arguments) for y in (found, expected)), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-11)


@given(
    sizes=st.fixed_dictionaries(
        {
            name: st.integers(1, 4)
            for name in ("batch", "heads", "queries", "keys", "content", "latent_dim", "value")
        }
    ),
    pairs=st.integers(1, 3),
)
@settings(max_examples=40, deadline=None)
def test_absorbed_equals_naive_in_every_shape(sizes, pairs):
    arguments = inputs(**sizes, rope_dim=2 * pairs)
    torch.testing.assert_close(latent.absorb(*arguments), latent.expand(*arguments), rtol=1e-4, atol=1e-4)


def test_position_in_the_content_keys_cannot_be_absorbed():
    """Keys of equal content at different positions: one moved matrix gives them one score, rotated keys
    differ."""
    up_key = random(4, 5)
    kept = random(5, seed=1).expand(3, 5)
    query = random(4, seed=2)
    rotated = rope(kept @ up_key.T, rotations(torch.arange(3), 4)) @ query
    absorbed = kept @ (up_key.T @ query)
    assert absorbed.std() < 1e-6
    assert rotated.std() > 0.1


@pytest.mark.parametrize("query_dim", [None, 10])
def test_the_layer_is_transformers_deepseek_v3_attention(query_dim):
    """With copied weights: outputs within 1e-6 and gradients within 1e-5 of the `transformers` package."""
    deepseek = pytest.importorskip(
        "transformers.models.deepseek_v3", reason="the transformers package is missing"
    )
    heads, content, rope_dim, value, latent_dim, dim = 3, 8, 4, 6, 12, 16
    config = deepseek.DeepseekV3Config(
        hidden_size=dim, num_attention_heads=heads, num_key_value_heads=heads, q_lora_rank=query_dim,
        kv_lora_rank=latent_dim, qk_rope_head_dim=rope_dim, qk_nope_head_dim=content, v_head_dim=value,
        max_position_embeddings=64, attn_implementation="eager", rms_norm_eps=1e-6,
    )  # fmt: skip
    modeling = deepseek.modeling_deepseek_v3
    theirs = modeling.DeepseekV3Attention(config, 0)
    ours = latent.LatentAttention(dim, Latent(heads, latent_dim, query_dim, content, rope_dim, value))
    with torch.no_grad():
        for n, parameter in enumerate(ours.parameters()):
            parameter.copy_(random(*parameter.shape, seed=n) * 0.5)
        if query_dim is None:
            theirs.q_proj.weight.copy_(ours.query.weight)
        else:
            theirs.q_a_proj.weight.copy_(ours.query_down.weight)
            theirs.q_a_layernorm.weight.copy_(ours.query_norm.gain)
            theirs.q_b_proj.weight.copy_(ours.query.weight)
        theirs.kv_a_proj_with_mqa.weight.copy_(torch.cat([ours.down.weight, ours.rope_key.weight]))
        theirs.kv_a_layernorm.weight.copy_(ours.norm.gain)
        theirs.kv_b_proj.weight.copy_(torch.cat([ours.up_key, ours.up_value], dim=1).flatten(0, 1))
        theirs.o_proj.weight.copy_(ours.output.weight)
    x, positions = random(2, 7, dim, seed=50).requires_grad_(), torch.arange(7)
    mask = causal_mask(7, 7)
    cos_sin = modeling.DeepseekV3RotaryEmbedding(config)(x, positions[None])
    additive = torch.zeros(1, 1, 7, 7).masked_fill(~mask, -math.inf)
    expected, _ = theirs(x, cos_sin, additive)
    found = ours(x, rotations(positions, rope_dim), mask)
    assert (found - expected).abs().max() < 1e-6 * expected.abs().max()
    weight = random(*found.shape, seed=51)
    for mine, other in zip(
        *(torch.autograd.grad((y * weight).sum(), [x, p]) for y, p in
          ((found, ours.output.weight), (expected, theirs.o_proj.weight))), strict=True
    ):  # fmt: skip
        assert (mine - other).abs().max() < 1e-5 * other.abs().max()


def test_the_cache_holds_latents_and_shared_keys_alone():
    shape = Latent(heads=3, latent_dim=12, query_dim=None, content_dim=8, rope_dim=4, value_dim=6)
    layer = latent.LatentAttention(16, shape)
    cache = layer.room(batch=2, capacity=5)
    assert sum(room.numel() for room in cache.rooms) == 2 * 5 * (12 + 4)


def test_the_layer_with_a_cache_continues_the_layer_without():
    shape = Latent(heads=2, latent_dim=6, query_dim=5, content_dim=4, rope_dim=2, value_dim=3)
    layer = latent.LatentAttention(8, shape)
    with torch.no_grad():
        for n, parameter in enumerate(layer.parameters()):
            parameter.copy_(random(*parameter.shape, seed=n))
    x, rotation = random(2, 5, 8, seed=20), rotations(torch.arange(5), 2)
    whole = layer(x, rotation, causal_mask(5, 5))
    cache = layer.room(2, 5)
    with torch.no_grad():
        first = layer(x[:, :3], rotation[:3], causal_mask(3, 3), cache)
        rest = layer(x[:, 3:], rotation[3:], causal_mask(2, 5), cache)
    torch.testing.assert_close(torch.cat([first, rest], dim=1), whole, rtol=0, atol=1e-4)


def test_only_distances_matter_to_the_layer():
    """Queries and keys are both turned, by the same angles: moving the whole text changes nothing."""
    layer = latent.LatentAttention(8, Latent(2, 6, None, 4, 2, 3))
    with torch.no_grad():
        for n, parameter in enumerate(layer.parameters()):
            parameter.copy_(random(*parameter.shape, seed=n))
    x, mask = random(2, 5, 8, seed=20), causal_mask(5, 5)
    here, there = (layer(x, rotations(torch.arange(5) + start, 2), mask) for start in (0, 7))
    torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-4)
    stretched = layer(x, rotations(torch.arange(5) * 2, 2), mask)
    assert (here - stretched).abs().max() > 0.01
