"""Multi-head latent attention: keep one short latent a token, and make all heads' keys and values from it.

    latent   = norm(W_down h)                        kept: latent_dim numbers
    rope_key = rope(W_rope h)                        kept: rope_dim numbers, one key shared by all heads
    key      = [W_up_key latent; rope_key]           made from what is kept, head by head
    value    = W_up_value latent

(DeepSeek-V2, arXiv 2405.04434, equations 9-19; V3, arXiv 2412.19437, equations 1-11.)

`expand` makes keys and values as written: the naive form, good for training. `absorb` never makes them. A
score is query . (W_up_key latent) = (W_up_key^T query) . latent, so the matrix can go to the query's side,
once for the new token instead of once for every token in the cache; and the same with the values. Both give
the same output.

RoPE on the content keys would stand between the two matrices, query^T R(offset) W_up_key latent: a different
product for every offset, so no one matrix could be moved to the query. That is why position has a key of its
own.
"""

import math

import torch
import torch.nn.functional as F
from einops import einsum
from torch import Tensor, nn

from .attention import merge_heads, softmax, split_heads
from .cache import LayerCache
from .configuration import Latent
from .transformer import RMSNorm, rms_norm, rope


def compress(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> tuple[Tensor, Tensor]:
    """What each token leaves in the cache: its latent, and its key with position, shared by all heads.

    `h` [batch, seq, dim] is what the layer is given. `down` [latent_dim, dim] and `rope_key` [rope_dim, dim]
    are weights as in `nn.Linear`. Both are applied to `h`.

    Returns (latents, keys). The latents, [batch, seq, latent_dim], go through `rms_norm`, with `gain`
    [latent_dim] and `eps`, and are not turned. The keys, as one head, [batch, 1, seq, rope_dim], are turned
    by `rotation` (as in `rope`), and are not normalised.

    Source: DeepSeek-V3 (arXiv 2412.19437), equations 1 and 3; the norm is in its model.py.
    """
    key = F.linear(h, rope_key).unsqueeze(1)
    return rms_norm(F.linear(h, down), gain, eps), rope(key, rotation)


def decoupled_scores(
    content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor
) -> Tensor:
    """How well queries match keys in two parts: content without position, and position, shared by all heads.

    `content_query` [batch, head, queries, content_dim], `content_key` [batch, head, keys, content_dim];
    `rope_query` [batch, head, queries, rope_dim], `rope_key` [batch, 1, keys, rope_dim], both turned already.
    Returns [batch, head, queries, keys]: what `attention.scores` would give if each head's two parts stood
    side by side in one vector. (Scores: no softmax yet.)

    A content query (2, 0) and key (3, 5), a rope query (0, 4) and key (1, 2): the matches are 6 and 8, the
    vectors of both parts have 4 numbers, the score is 7.

    Source: DeepSeek-V3 (arXiv 2412.19437), equations 4, 9 and 10.
    """
    matches = content_query @ content_key.transpose(-2, -1) + rope_query @ rope_key.transpose(-2, -1)
    return matches / math.sqrt(content_query.shape[-1] + rope_query.shape[-1])


def masked_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Attention weights from scores [..., queries, keys]: exactly 0 where the mask is not True."""
    return softmax(scores if mask is None else scores.masked_fill(~mask, -math.inf))


def expand(
    content_query: Tensor,
    rope_query: Tensor,
    latents: Tensor,
    rope_key: Tensor,
    up_key: Tensor,
    up_value: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """Latent attention as its equations are written: make all keys and values from the latents, then attend.

    `content_query` [batch, head, queries, content_dim], `rope_query` [batch, head, queries, rope_dim];
    `latents` [batch, keys, latent_dim] and `rope_key` [batch, 1, keys, rope_dim] come from `compress` or its
    cache. `up_key` [head, content_dim, latent_dim] and `up_value` [head, value_dim, latent_dim] hold one
    matrix a head. `mask` as in `attention.attend`. Returns what each head found, [batch, head, queries,
    value_dim].

    Source: DeepSeek-V3 (arXiv 2412.19437), equations 2, 4, 5 and 10.
    """
    content_key = einsum(latents, up_key, "batch seq latent, head dim latent -> batch head seq dim")
    value = einsum(latents, up_value, "batch seq latent, head dim latent -> batch head seq dim")
    weights = masked_softmax(decoupled_scores(content_query, rope_query, content_key, rope_key), mask)
    return weights @ value


def absorb(
    content_query: Tensor,
    rope_query: Tensor,
    latents: Tensor,
    rope_key: Tensor,
    up_key: Tensor,
    up_value: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """What `expand` returns, without making a key or a value: the queries go to the latents.

    `content_query` [batch, head, queries, content_dim], `rope_query` [batch, head, queries, rope_dim];
    `latents` [batch, keys, latent_dim] and `rope_key` [batch, 1, keys, rope_dim]; `up_key` [head,
    content_dim, latent_dim] and `up_value` [head, value_dim, latent_dim], one matrix a head. `mask`, if there
    is one, is bool, True = may look; `masked_softmax(scores, mask)` takes care of it. Returns [batch, head,
    queries, value_dim].

    The two big matrices are applied once for each query, and never to the latents: with one query and many
    keys that is far fewer multiplications.

    Source: DeepSeek-V2 (arXiv 2405.04434), section 2.1.2, and `absorb` in DeepSeek-V3's model.py.
    """
    scale = math.sqrt(content_query.shape[-1] + rope_query.shape[-1])
    moved = einsum(content_query, up_key, "batch head seq dim, head dim latent -> batch head seq latent")
    content = einsum(moved, latents, "batch head seq latent, batch keys latent -> batch head seq keys")
    weights = masked_softmax((content + rope_query @ rope_key.transpose(-2, -1)) / scale, mask)
    found = einsum(weights, latents, "batch head seq keys, batch keys latent -> batch head seq latent")
    return einsum(found, up_value, "batch head seq latent, head dim latent -> batch head seq dim")


class LatentAttention(nn.Module):
    """Multi-head latent attention as a layer: the naive form on whole texts, the absorbed form on a cache.

    Queries may have a latent of their own (`query_dim`), which saves parameters and is not kept. With a
    cache, what is kept of a token is its latent and its shared key, and nothing else.

    Source: DeepSeek-V3 (arXiv 2412.19437), section 2.1.1.
    """

    def __init__(self, dim: int, shape: Latent, eps: float = 1e-6) -> None:
        super().__init__()
        self.shape = shape
        query_width = shape.heads * (shape.content_dim + shape.rope_dim)
        if shape.query_dim is None:
            self.query_down, self.query_norm = None, None
        else:
            self.query_down = nn.Linear(dim, shape.query_dim, bias=False)
            self.query_norm = RMSNorm(shape.query_dim, eps)
        self.query = nn.Linear(shape.query_dim or dim, query_width, bias=False)
        self.down = nn.Linear(dim, shape.latent_dim, bias=False)
        self.norm = RMSNorm(shape.latent_dim, eps)
        self.rope_key = nn.Linear(dim, shape.rope_dim, bias=False)
        self.up_key = nn.Parameter(torch.empty(shape.heads, shape.content_dim, shape.latent_dim))
        self.up_value = nn.Parameter(torch.empty(shape.heads, shape.value_dim, shape.latent_dim))
        self.output = nn.Linear(shape.heads * shape.value_dim, dim, bias=False)

    def forward(
        self, x: Tensor, rotation: Tensor, mask: Tensor | None, cache: LayerCache | None = None
    ) -> Tensor:
        """`x` [batch, seq, dim], `rotation` [(batch, 1,) seq, rope_dim / 2], `mask` [(batch, 1,) seq, keys].

        Returns [batch, seq, dim].
        """
        if self.query_down is None or self.query_norm is None:
            query = self.query(x)
        else:
            query = self.query(self.query_norm(self.query_down(x)))
        query = split_heads(query, self.shape.heads)
        content_query, rope_query = query.split([self.shape.content_dim, self.shape.rope_dim], dim=-1)
        rope_query = rope(rope_query, rotation)
        latents, rope_key = compress(
            x, self.down.weight, self.rope_key.weight, self.norm.gain, rotation, self.norm.eps
        )
        if cache is None:
            form = expand
        else:
            form = absorb
            latents, rope_key = cache.append(latents, rope_key)
        found = form(content_query, rope_query, latents, rope_key, self.up_key, self.up_value, mask)
        return self.output(merge_heads(found))

    def room(self, batch: int, capacity: int) -> LayerCache:
        """An empty cache for `capacity` tokens of `batch` sequences: a latent and a shared key a token."""
        weight = self.down.weight
        latents = weight.new_zeros(batch, capacity, self.shape.latent_dim)
        return LayerCache(latents, weight.new_zeros(batch, 1, capacity, self.shape.rope_dim))
