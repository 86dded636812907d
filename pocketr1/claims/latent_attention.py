"""Two exact claims about latent attention: absorption changes nothing, and RoPE on content keys would forbid
it.
"""

import torch
from torch import Tensor

from ..attention import causal_mask
from ..configuration import Heads, Latent
from ..latent import absorb, expand
from ..sizes import cache_elements
from ..transformer import rope, rotations
from .claim import Claim, Numbers

SHAPE = Latent(heads=8, latent_dim=32, query_dim=None, content_dim=8, rope_dim=4, value_dim=8)
"""DeepSeek-V3's proportions, a sixteenth of its size."""

SEQ = 64
MOST_ERROR = 1e-5
LEAST_RESIDUAL = 0.1


def _normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator)


def absorbed_against_naive(seed: int) -> Numbers:
    """The largest difference between the two forms, relative to the largest output, and what each caches."""
    generator = torch.Generator().manual_seed(seed)
    rotation = rotations(torch.arange(SEQ), SHAPE.rope_dim)
    arguments = (
        _normal(generator, 2, SHAPE.heads, SEQ, SHAPE.content_dim),
        rope(_normal(generator, 2, SHAPE.heads, SEQ, SHAPE.rope_dim), rotation),
        _normal(generator, 2, SEQ, SHAPE.latent_dim),
        rope(_normal(generator, 2, 1, SEQ, SHAPE.rope_dim), rotation),
        _normal(generator, SHAPE.heads, SHAPE.content_dim, SHAPE.latent_dim) / SHAPE.latent_dim**0.5,
        _normal(generator, SHAPE.heads, SHAPE.value_dim, SHAPE.latent_dim) / SHAPE.latent_dim**0.5,
        causal_mask(SEQ, SEQ),
    )
    naive, absorbed = expand(*arguments), absorb(*arguments)
    many_heads = Heads(heads=SHAPE.heads, key_heads=SHAPE.heads, head_dim=SHAPE.content_dim)
    return {
        "error": ((naive - absorbed).abs().max() / naive.abs().max()).item(),
        "cached numbers": float(cache_elements(1, SHAPE)),
        "cached by multi-head attention": float(cache_elements(1, many_heads)),
    }


def rope_between_the_matrices(seed: int) -> Numbers:
    """How far the best single matrix is from all products that RoPE on content keys would need.

    A score is query^T R(offset) W latent. Absorption needs one matrix in the place of R(offset) W, for every
    offset. The one with the least squared error is their mean; the residual is its distance from them,
    relative to their size. Without RoPE in between, R is the identity, and the residual is that of rounding.
    """
    generator = torch.Generator().manual_seed(seed)
    up_key = _normal(generator, SHAPE.content_dim, SHAPE.latent_dim)
    turned = rope(
        up_key.T.unsqueeze(1).expand(-1, SEQ, -1), rotations(torch.arange(SEQ), SHAPE.content_dim)
    )  # [latent, offset, dim]
    plain = up_key.T.unsqueeze(1).expand(-1, SEQ, -1)
    return {"residual with RoPE": _residual(turned), "residual without": _residual(plain)}


def _residual(products: Tensor) -> float:
    best = products.mean(dim=1, keepdim=True)
    return ((products - best).norm() / products.norm()).item()


ABSORPTION = Claim(
    name="mla_absorbed",
    statement="Absorbed latent attention gives what the naive form gives, from a much smaller cache.",
    published="DeepSeek-V2, arXiv 2405.04434, section 2.1.2, and `absorb` in DeepSeek-V3's model.py: the "
    "same output. V3's cache holds 576 numbers a token and layer, 1.76 % of the 32,768 of multi-head "
    "attention of that shape (our arithmetic)",
    here="random weights and texts of 64 tokens, 8 heads: one form against the other, in float32",
    decides=f"they differ by less than {MOST_ERROR} of the largest output, and the cache is smaller",
    misleads="nothing is trained here: this is algebra, and says nothing about quality",
    measure=absorbed_against_naive,
    holds=lambda n: n["error"] < MOST_ERROR and n["cached numbers"] < n["cached by multi-head attention"],
    exact=True,
)

DECOUPLING = Claim(
    name="rope_blocks_absorption",
    statement="RoPE on the content keys would forbid absorption, so position needs a key of its own.",
    published="DeepSeek-V2 (arXiv 2405.04434, section 2.1.3), without a figure: RoPE would stand between two "
    "matrices",
    here="random up-projections of keys, offsets 0 to 63: the best single matrix, against all products that "
    "it would have to replace",
    decides=f"with RoPE that matrix misses by more than {LEAST_RESIDUAL} of their size, and without RoPE by "
    f"less than {MOST_ERROR}",
    misleads="one matrix does not fit all offsets, but nothing forbids to keep one for each offset",
    measure=rope_between_the_matrices,
    holds=lambda n: n["residual with RoPE"] > LEAST_RESIDUAL and n["residual without"] < MOST_ERROR,
    exact=True,
)
