"""Choosing the next token: temperature, top-p, and one seeded sampler for every machine.

The sampler is the inverse CDF: lay the probabilities side by side on a line from 0 to 1, throw a uniform
number at it, and take the token on whose stretch it lands. The uniform numbers come from a generator with a
seed, drawn before any token is chosen, so a row's tokens do not depend on when the rows beside it end.
"""

import torch
from torch import Tensor


def softmax_with_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Probabilities from logits [..., vocab]; a temperature below one sharpens, above one flattens them.

    The logits are divided by the temperature, then softmax is taken. Temperature 0 is the limit: all
    probability on the largest logit, on the first of them if there are several. Returns [..., vocab].

    Logits (0, ln 2) give (1/3, 2/3) at temperature 1 and (0.2, 0.8) at temperature 0.5.
    """
    if temperature == 0:
        return torch.zeros_like(logits).scatter(-1, logits.argmax(dim=-1, keepdim=True), 1.0)
    return (logits / temperature).softmax(dim=-1)


def top_p(probabilities: Tensor, mass: float) -> Tensor:
    """Keep the fewest likeliest tokens whose probabilities together reach `mass`; the others get 0.

    `probabilities` [..., vocab], in any order; returns [..., vocab] in the same order, summing to one. The
    token with which the sum reaches `mass` is kept. Among equally likely tokens the first is taken first.
    `mass` 1 keeps all.

    (0.2, 0.5, 0.3) with mass 0.6 becomes (0, 0.625, 0.375).
    Source: Holtzman et al. 2019 (arXiv 1904.09751), section 3.1, "nucleus sampling".
    """
    ordered, ids = probabilities.sort(dim=-1, descending=True, stable=True)
    # A token is kept while the likelier ones before it do not reach the mass yet.
    before = ordered.cumsum(dim=-1) - ordered
    kept = torch.zeros_like(probabilities).scatter(-1, ids, ordered * (before < mass))
    return kept / kept.sum(dim=-1, keepdim=True)


def sample_inverse_cdf(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    """Draw one token a row: the first whose cumulative probability is above the row's uniform number.

    `probabilities` [batch, vocab]; `uniforms` [batch] in [0, 1). Returns int64 [batch]. A token of
    probability 0 is never drawn, not even with a uniform number of 0, nor where rounding leaves the sum of a
    row below it.

    (0.2, 0, 0.8): 0.1 gives token 0; 0.2 gives token 2; 0.9 gives token 2.
    """
    cumulative = probabilities.cumsum(dim=-1)
    # The sum may be 0.9999999: as a share of the sum, a uniform number always lands on a token.
    thresholds = uniforms.unsqueeze(-1) * cumulative[:, -1:]
    return torch.searchsorted(cumulative, thresholds, right=True).squeeze(-1)
