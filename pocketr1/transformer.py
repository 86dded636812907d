"""The transformer block of today's models: RMSNorm, RoPE, SwiGLU, attention with shared keys, and residuals.

    x = x + attention(norm(x))
    x = x + feed_forward(norm(x))          (pre-norm: Xiong et al. 2020)

RoPE turns pairs of *neighbouring* numbers (x0, x1), (x2, x3), ..., as in the RoFormer paper and in
DeepSeek-V3's own code. Other code (GPT-NeoX, Llama in `transformers`) pairs x0 with x[dim / 2]: the same idea
with the numbers in another order. Weights trained with one convention do not work with the other.

No layer here has a bias: Llama and DeepSeek-V3 have none.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import attend, merge_heads, split_heads
from .cache import LayerCache
from .configuration import Heads


def rms_norm(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    """Bring each token's vector to a root mean square of one, then multiply it by a learnt gain.

    `x` [..., dim], `gain` [dim]; returns [..., dim]. `eps` is added to the mean square, so that a vector of
    zeros stays zero. Nothing is subtracted: unlike LayerNorm, the mean stays.

    (3, 4) has the mean square 12.5; with gain one it becomes (0.849, 1.131).
    Source: Zhang and Sennrich 2019 (arXiv 1910.07467), equation 4.
    """
    return x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + eps) * gain


class RMSNorm(nn.Module):
    """`rms_norm` with its gain, which starts at one."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """[..., dim] -> [..., dim]."""
        return rms_norm(x, self.gain, self.eps)


def rotations(positions: Tensor, dim: int, base: float = 10_000.0) -> Tensor:
    """How far RoPE turns each pair of numbers at each position, as complex numbers of length one.

    `positions` [...] are integers, `dim` is the even length of the vectors to be turned. Returns complex
    [..., dim / 2]: at position t, pair i is turned by the angle t * base^(-2i / dim), in radians. The first
    pair turns one radian a position, later ones ever more slowly. The complex number of an angle is
    cos(angle) + i sin(angle).

    Position 2, dim 4, base 100: the angles are 2 and 0.2.
    Source: Su et al. 2021, RoFormer (arXiv 2104.09864), section 3.2.2.
    """
    frequencies = base ** (-torch.arange(0, dim, 2, device=positions.device) / dim)
    angles = positions.unsqueeze(-1) * frequencies
    return torch.polar(torch.ones_like(angles), angles)


def rope(x: Tensor, rotation: Tensor) -> Tensor:
    """Turn each pair of neighbouring numbers by its angle, so that scores know how far apart tokens are.

    `x` [..., seq, dim]; `rotation` complex, broadcast to [..., seq, dim / 2], from `rotations`. Returns [...,
    seq, dim]. Pair i is (x[2i], x[2i + 1]). Seen as the complex number x[2i] + x[2i + 1] i, it is turned by
    multiplying it with its rotation. Queries and keys are turned, values are not.

    The pair (1, 0), turned by a quarter turn, becomes (0, 1).

    Source: Su et al. 2021 (arXiv 2104.09864),
    equation 34; the order of the pairs is that of DeepSeek-V3's model.py.
    """
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * rotation).flatten(-2)


def swiglu(x: Tensor, gate: Tensor, up: Tensor, down: Tensor) -> Tensor:
    """The feed-forward network: two projections, of which one opens and closes the other, and one back.

    `x` [..., dim]; weights as in `nn.Linear`: `gate` and `up` [width, dim], `down` [dim, width]. Returns
    [..., dim]. The gate goes through SiLU(z) = z * sigmoid(z), and is multiplied with the other projection,
    number by number.

    Source: Shazeer 2020 (arXiv 2002.05202), equation 6.
    """
    return F.linear(F.silu(F.linear(x, gate)) * F.linear(x, up), down)


class FeedForward(nn.Module):
    """`swiglu` with its three matrices: from `dim` to an inner `width` and back."""

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.gate = nn.Linear(dim, width, bias=False)
        self.up = nn.Linear(dim, width, bias=False)
        self.down = nn.Linear(width, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[..., dim] -> [..., dim]."""
        return swiglu(x, self.gate.weight, self.up.weight, self.down.weight)


def repeat_heads(x: Tensor, times: int) -> Tensor:
    """Give each head of keys or values to `times` neighbouring query heads.

    `x` [batch, key_heads, seq, dim] gives [batch, key_heads * times, seq, dim]. Two heads, twice: 0, 0, 1, 1.
    Source: Ainslie et al. 2023, GQA (arXiv 2305.13245), section 2.2.
    """
    return x if times == 1 else x.repeat_interleave(times, dim=1)


class GroupedQueryAttention(nn.Module):
    """Causal attention with RoPE, in which groups of query heads share one head of keys and values.

    `forward(x, rotation, mask, cache)` projects x (`self.query`, `self.key`, `self.value`), splits the
    results into `self.heads` and twice `self.key_heads` heads, turns queries and keys, and sends what the
    heads found through `self.output`. With a cache, new keys (turned) and values are added to it, and
    attention is over all it holds.

    Source: Ainslie et al. 2023, GQA (arXiv 2305.13245); RoPE as in `rope`.
    """

    def __init__(self, dim: int, shape: Heads) -> None:
        super().__init__()
        self.heads = shape.heads
        self.key_heads = shape.key_heads
        self.head_dim = shape.head_dim
        self.query = nn.Linear(dim, shape.heads * shape.head_dim, bias=False)
        self.key = nn.Linear(dim, shape.key_heads * shape.head_dim, bias=False)
        self.value = nn.Linear(dim, shape.key_heads * shape.head_dim, bias=False)
        self.output = nn.Linear(shape.heads * shape.head_dim, dim, bias=False)

    def forward(
        self, x: Tensor, rotation: Tensor, mask: Tensor | None, cache: LayerCache | None = None
    ) -> Tensor:
        """`x` [batch, seq, dim], `rotation` [(batch, 1,) seq, head_dim / 2], `mask` [(batch, 1,) seq, keys].

        Returns [batch, seq, dim].
        """
        query = rope(split_heads(self.query(x), self.heads), rotation)
        key = rope(split_heads(self.key(x), self.key_heads), rotation)
        value = split_heads(self.value(x), self.key_heads)
        if cache is not None:
            key, value = cache.append(key, value)
        group = self.heads // self.key_heads
        output, _ = attend(query, repeat_heads(key, group), repeat_heads(value, group), mask)
        return self.output(merge_heads(output))

    def room(self, batch: int, capacity: int) -> LayerCache:
        """An empty cache for `capacity` tokens of `batch` sequences: a key and a value for each key head."""
        shape = (batch, self.key_heads, capacity, self.head_dim)
        return LayerCache(self.key.weight.new_zeros(shape), self.key.weight.new_zeros(shape))


class Block(nn.Module):
    """One layer: attention and a feed-forward network, each with a norm before it and a residual around it.

    `attention(x, rotation, mask, cache)` and `feed_forward(x)` are the two parts, modules that give back the
    shape of x. `self.attention_norm` and `self.feed_forward_norm` are theirs.

    Source: Xiong et al. 2020 (arXiv 2002.04745), figure 1b (pre-norm).
    """

    def __init__(self, dim: int, attention: nn.Module, feed_forward: nn.Module, eps: float = 1e-6) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(dim, eps)
        self.attention = attention
        self.feed_forward_norm = RMSNorm(dim, eps)
        self.feed_forward = feed_forward

    def forward(
        self, x: Tensor, rotation: Tensor, mask: Tensor | None, cache: LayerCache | None = None
    ) -> Tensor:
        """`x` [batch, seq, dim] -> [batch, seq, dim]; the other arguments are for the attention."""
        x = x + self.attention(self.attention_norm(x), rotation, mask, cache)
        return x + self.feed_forward(self.feed_forward_norm(x))


def next_token_loss(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    """How surprised the model is by the tokens it is to predict, in nats: their mean cross-entropy.

    `logits` [batch, seq, vocab]: those at one position speak of the token at the next. `tokens` [batch, seq].
    `mask` bool [batch, seq], True at the *tokens* that are to be predicted; the first of a row cannot be,
    whatever its mask says. Returns a scalar: the mean over all counted tokens of the batch, long rows
    counting more than short ones. At least one token must be counted.

    All logits equal, 50 tokens in the vocabulary: the loss is ln 50 = 3.91.
    """
    counted = mask[:, 1:]
    return F.cross_entropy(logits[:, :-1][counted], tokens[:, 1:][counted])
