"""The same tokens, sooner: a model's weights rearranged for writing one token at a time.

One step of a small model is a few hundred tiny operations, and starting them costs more than computing them.
So here are fewer. The gains of the norms are multiplied into the matrices after them. One matrix stands for
those that read the same vector. Latent attention's up-projections are multiplied into their neighbours, the
scale of the scores too. For a few tokens, all experts are computed at once and weighted, most of them by
zero.

    generate(FastWriter(model), prompts, sampling, generator)

Some weights are copied, and others are the model's own: make a new FastWriter after every update of the
model. Nothing here has a gradient. Tests hold it against the readable model.
"""

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from .cache import Cache, LayerCache
from .deepseekmoe import DeepSeekMoE
from .latent import LatentAttention
from .model import LanguageModel
from .transformer import Block, FeedForward, GroupedQueryAttention, RMSNorm, rotations

FEW_TOKENS = 32
"""Up to so many tokens, computing all experts is faster than sorting tokens by expert."""


class FastWriter:
    """Writes what a model would write; stands in its place in `generate` and `cached_step`."""

    @torch.no_grad()
    def __init__(self, model: LanguageModel) -> None:
        self.config = model.config
        self.rope_dim = model.rope_dim
        self.embedding = model.embedding.weight.detach()
        blocks = [cast(Block, block) for block in model.blocks]
        self.layers = [(_fast_attention(block), _fast_feed_forward(block)) for block in blocks]
        self.norm = _Norm(model.norm)
        self.head = self.norm.into(model.head.weight)
        self.turns = torch.empty(0)

    @torch.inference_mode()
    def run(
        self, tokens: Tensor, positions: Tensor, mask: Tensor | None, cache: Cache | None = None
    ) -> Tensor:
        """As `LanguageModel.run`, with a cache from this object's `room`."""
        assert cache is not None, "a FastWriter needs a cache"
        if mask is not None and mask.ndim == 2 and tokens.shape[1] == 1:
            mask = None  # one new token and no padding: it may look at everything
        # Padding stands before position 0. Nobody looks at it: any rotation will do.
        rotation = self.turns[positions.clamp(min=0).expand(tokens.shape).reshape(-1)].unsqueeze(1)
        x = F.embedding(tokens.reshape(-1), self.embedding)  # [batch * new, dim] from here on
        for (attend, feed_forward), kept in zip(self.layers, cache.layers, strict=True):
            x = attend(x, rotation, mask, kept)
            x = feed_forward(x, tokens)
        return torch.mm(self.norm(x), self.head).view(*tokens.shape, -1)

    def room(self, batch: int, capacity: int) -> Cache:
        """An empty cache for `capacity` tokens of `batch` sequences."""
        if len(self.turns) < capacity:
            self.turns = rotations(torch.arange(capacity), self.rope_dim, self.config.rope_base)
        return Cache([attend.room(batch, capacity) for attend, _ in self.layers])


class _Norm:
    """RMSNorm with its gain in the matrices after it (`into`): a call divides by the root mean square."""

    def __init__(self, norm: RMSNorm) -> None:
        self.dim = len(norm.gain)
        self.gain = norm.gain * math.sqrt(self.dim)
        self.eps = norm.eps * self.dim

    def into(self, weight: Tensor) -> Tensor:
        """A weight [out, dim] as in `nn.Linear` -> [dim, out], to be multiplied with what a call gives."""
        return (weight * self.gain).T.contiguous()

    def __call__(self, x: Tensor) -> Tensor:
        # The sum of squares for the mean: the factor between them is in the gain.
        return x * (x * x).sum(dim=-1, keepdim=True).add_(self.eps).rsqrt_()


def _turn(x: Tensor, rotation: Tensor) -> Tensor:
    """`rope` for [tokens, head, dim] and rotations [tokens, 1, dim / 2]."""
    tokens, heads, dim = x.shape
    turned = torch.view_as_complex(x.view(tokens, heads, dim // 2, 2)) * rotation
    return torch.view_as_real(turned).view(tokens, heads, dim)


def _weights(matches: Tensor, mask: Tensor | None, heads: int) -> Tensor:
    """Softmax of matches [groups, rows, keys], whose rows are the queries of heads that share keys."""
    if mask is None:
        return matches.softmax(dim=-1)
    new, keys = mask.shape[-2:]
    return matches.view(-1, heads, new, keys).masked_fill(~mask, -math.inf).softmax(dim=-1).view_as(matches)


class _Heads:
    """`GroupedQueryAttention`: x [batch * new, dim] -> x + attention(norm(x))."""

    def __init__(self, layer: GroupedQueryAttention, norm: RMSNorm) -> None:
        self.norm = _Norm(norm)
        self.heads, self.key_heads, self.dim = layer.heads, layer.key_heads, layer.head_dim
        query = layer.query.weight / math.sqrt(layer.head_dim)
        self.projection = self.norm.into(torch.cat([query, layer.key.weight, layer.value.weight]))
        self.output = layer.output.weight.T.contiguous()
        self.room = layer.room

    def __call__(self, x: Tensor, rotation: Tensor, mask: Tensor | None, cache: LayerCache) -> Tensor:
        projected = torch.mm(self.norm(x), self.projection).view(len(x), -1, self.dim)
        turned = _turn(projected[:, : self.heads + self.key_heads], rotation)
        query, key = (
            self._by_head(turned[:, : self.heads], cache),
            self._by_head(turned[:, self.heads :], cache),
        )
        keys, values = cache.append(key, self._by_head(projected[:, self.heads + self.key_heads :], cache))
        # Heads that share keys are rows of one product.
        queries = query.reshape(cache.rows * self.key_heads, -1, self.dim)
        matches = torch.bmm(queries, keys.flatten(0, 1).transpose(1, 2))
        found = torch.bmm(_weights(matches, mask, self.heads), values.flatten(0, 1))
        found = found.view(cache.rows, self.heads, -1, self.dim).transpose(1, 2)
        return torch.addmm(x, found.reshape(len(x), -1), self.output)

    def _by_head(self, x: Tensor, cache: LayerCache) -> Tensor:
        return x.unflatten(0, (cache.rows, -1)).transpose(1, 2)


class _Latent:
    """`LatentAttention`, absorbed: x [batch * new, dim] -> x + attention(norm(x)).

    A query comes out of one matrix ready to meet the latents; what the heads found goes through one matrix to
    the output. Latent and shared key lie side by side in the cache, so one product gives the scores.
    """

    def __init__(self, layer: LatentAttention, norm: RMSNorm) -> None:
        self.shape = shape = layer.shape
        self.norm, self.latent_norm = _Norm(norm), layer.norm
        self.query_norm = None if layer.query_norm is None else _Norm(layer.query_norm)
        self.width = shape.latent_dim + shape.rope_dim
        by_head = layer.query.weight.unflatten(0, (shape.heads, -1))
        content, position = by_head.split([shape.content_dim, shape.rope_dim], dim=1)
        moved = torch.einsum("hcl,hcd->hld", layer.up_key, content)
        query = torch.cat([moved, position], dim=1).flatten(0, 1)
        query = query / math.sqrt(shape.content_dim + shape.rope_dim)
        first = query if layer.query_down is None else layer.query_down.weight
        self.projection = self.norm.into(torch.cat([layer.down.weight, layer.rope_key.weight, first]))
        self.query = None if self.query_norm is None else self.query_norm.into(query)
        output = torch.einsum(
            "dhv,hvl->hld", layer.output.weight.unflatten(1, (shape.heads, -1)), layer.up_value
        )
        self.output = output.flatten(0, 1).contiguous()

    def room(self, batch: int, capacity: int) -> LayerCache:
        """As `LatentAttention.room`, with latent and shared key in one room."""
        return LayerCache(self.output.new_zeros(batch, capacity, self.width))

    def __call__(self, x: Tensor, rotation: Tensor, mask: Tensor | None, cache: LayerCache) -> Tensor:
        projected = torch.mm(self.norm(x), self.projection)
        (kept,) = cache.append(
            self._kept(projected[:, : self.width], rotation).view(cache.rows, -1, self.width)
        )
        queries = self._queries(projected[:, self.width :], rotation).unflatten(0, (cache.rows, -1))
        # All heads look at the same latents: they are rows of one product.
        rows = queries.transpose(1, 2).reshape(cache.rows, -1, self.width)
        weights = _weights(torch.bmm(rows, kept.transpose(1, 2)), mask, self.shape.heads)
        found = torch.bmm(weights, kept[..., : self.shape.latent_dim])
        found = found.view(cache.rows, self.shape.heads, -1, self.shape.latent_dim).transpose(1, 2)
        return torch.addmm(x, found.reshape(len(x), -1), self.output)

    def _kept(self, x: Tensor, rotation: Tensor) -> Tensor:
        latents, key = x[:, : self.shape.latent_dim], x[:, self.shape.latent_dim :]
        return torch.cat([self.latent_norm(latents), _turn(key.unsqueeze(1), rotation).squeeze(1)], dim=1)

    def _queries(self, x: Tensor, rotation: Tensor) -> Tensor:
        if self.query_norm is not None and self.query is not None:
            x = torch.mm(self.query_norm(x), self.query)
        queries = x.reshape(len(x), self.shape.heads, self.width)
        content, position = queries[..., : self.shape.latent_dim], queries[..., self.shape.latent_dim :]
        return torch.cat([content, _turn(position, rotation)], dim=-1)


class _Dense:
    """`FeedForward`: x [tokens, dim] -> x + feed_forward(norm(x))."""

    def __init__(self, layer: FeedForward, norm: RMSNorm) -> None:
        self.norm = _Norm(norm)
        self.width = len(layer.gate.weight)
        self.gate_up = self.norm.into(torch.cat([layer.gate.weight, layer.up.weight]))
        self.down = layer.down.weight.T.contiguous()

    def __call__(self, x: Tensor, tokens: Tensor) -> Tensor:
        both = torch.mm(self.norm(x), self.gate_up)
        return torch.addmm(x, F.silu(both[:, : self.width]) * both[:, self.width :], self.down)


class _Experts:
    """`DeepSeekMoE`: x [tokens, dim] -> x + experts(norm(x)); for few tokens, all experts at once."""

    def __init__(self, layer: DeepSeekMoE, norm: RMSNorm) -> None:
        self.layer, self.plain_norm, self.norm = layer, norm, _Norm(norm)
        self.router = None if layer.router is None else self.norm.into(layer.router)
        gates, ups = layer.experts.gate.flatten(0, 1), layer.experts.up.flatten(0, 1)
        downs = layer.experts.down.transpose(1, 2).flatten(0, 1)
        self.routed = len(gates)
        if layer.shared is not None:
            gates, ups = (
                torch.cat([gates, layer.shared.gate.weight]),
                torch.cat([ups, layer.shared.up.weight]),
            )
            downs = torch.cat([downs, layer.shared.down.weight.T])
        self.width, self.down = len(gates), downs.contiguous()
        self.gate_up = self.norm.into(torch.cat([gates, ups]))

    def __call__(self, x: Tensor, tokens: Tensor) -> Tensor:
        self.layer.see(tokens)
        if len(x) > FEW_TOKENS:
            return x + self.layer(self.plain_norm(x))
        scaled = self.norm(x)
        weights, chosen = self.layer.route(None if self.router is None else torch.mm(scaled, self.router))
        both = torch.mm(scaled, self.gate_up)
        hidden = F.silu(both[:, : self.width]) * both[:, self.width :]
        every = torch.zeros(len(x), self.layer.shape.experts).scatter_(1, chosen, weights)
        hidden[:, : self.routed].unflatten(1, (self.layer.shape.experts, -1)).mul_(every.unsqueeze(-1))
        return torch.addmm(x, hidden, self.down)


def _fast_attention(block: Block) -> _Heads | _Latent:
    if isinstance(block.attention, LatentAttention):
        return _Latent(block.attention, block.attention_norm)
    return _Heads(cast(GroupedQueryAttention, block.attention), block.attention_norm)


def _fast_feed_forward(block: Block) -> _Dense | _Experts:
    if isinstance(block.feed_forward, DeepSeekMoE):
        return _Experts(block.feed_forward, block.feed_forward_norm)
    return _Dense(cast(FeedForward, block.feed_forward), block.feed_forward_norm)
