"""Attention: each token asks a question, and takes from the others what answers it.

    attend(query, key, value) = softmax(query key^T / sqrt(dim)) value      (Vaswani et al. 2017, equation 1)

Built from the inside out: `scores`, `softmax`, `causal_mask`, `attend`, then several heads side by side
(`split_heads`, `merge_heads`) and the whole layer, `MultiHeadAttention`. Leading axes (batch, head) pass
through untouched, written `...` in shapes.

A mask is True where a query may look, as in PyTorch's `scaled_dot_product_attention`.
(`torch.nn.MultiheadAttention` means the opposite by the same word.) Two deviations from Vaswani et al.: the
projections have a bias, as in GPT-2, and there is no dropout.

Every query must be allowed one key at least. A query that may look at nothing has no weights: its softmax is
0/0, and its row comes out as NaN. Where a token is padding, let it look at itself.
"""

import math

import torch
from einops import rearrange
from torch import Tensor, nn


def scores(query: Tensor, key: Tensor) -> Tensor:
    """How well each query matches each key: their dot product, divided by the square root of their length.

    `query` [..., queries, dim] and `key` [..., keys, dim] give [..., queries, keys]: one row a query, one
    column a key. There need not be as many queries as keys.

    The query (1, 2, 0, 1) and the key (2, 1, 5, 0) have the dot product 4 and the length dim = 4: the score
    is 2.
    Source: Vaswani et al. 2017, "Attention is all you need", section 3.2.1, equation 1.
    """
    return query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])


def softmax(logits: Tensor) -> Tensor:
    """Logits turned into weights: not negative, in the proportions exp(logit), and each row sums to one.

    `logits` [..., keys] give [..., keys]; a row lies along the last axis. Large logits, like 1000, must work,
    although exp(1000) is infinite in float32: adding one number to a whole row does not change its softmax,
    so choose, row by row, a number that keeps exp in range. A logit of minus infinity gets exactly 0, as long
    as its row has a finite one.

    (0, ln 3) becomes (0.25, 0.75), and so does (1000, 1000 + ln 3).
    Source: Goodfellow et al. 2016, "Deep learning", section 4.1, on overflow and underflow.
    """
    exponentials = (logits - logits.amax(dim=-1, keepdim=True)).exp()
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


def causal_mask(queries: int, keys: int) -> Tensor:
    """Which query may look at which key, when nobody may look ahead: bool [queries, keys], True = may look.

    The queries are the *last* tokens of the sequence, as when a model that has read a text goes on writing:
    the last query sees all keys, the one before it all but one, and so on. (PyTorch's `is_causal` counts from
    the first token instead. The two agree when there are as many queries as keys.) A token may look at
    itself.

    Two queries and four keys: the first row is True, True, True, False; the second is True four times.
    Source: Vaswani et al. 2017, section 3.2.3, third point.
    """
    query_position = torch.arange(keys - queries, keys)
    key_position = torch.arange(keys)
    return key_position <= query_position.unsqueeze(1)


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """What each query takes away: the average of the values, weighted by how well their keys match.

    `query` [..., queries, dim], `key` [..., keys, dim], `value` [..., keys, width]; `mask`, if there is one,
    is bool, True = may look, and broadcasts to [..., queries, keys]. Returns (output [..., queries, width],
    weights [..., queries, keys]). Each row of weights sums to one, over the keys that its query may look at;
    the other weights are exactly 0. The mask lets every query look at one key at least.

    A query of zeros matches all keys alike: values 1, 2 and 6 give 3; with the last one hidden, 1.5.
    Source: Vaswani et al. 2017, section 3.2.1, equation 1; the mask, section 3.2.3.
    """
    logits = scores(query, key)
    if mask is not None:
        logits = logits.masked_fill(~mask, -math.inf)
    weights = softmax(logits)
    return weights @ value, weights


def split_heads(x: Tensor, heads: int) -> Tensor:
    """Cut each token's vector into `heads` equal pieces, and give every head its own piece of every token.

    `x` [batch, seq, width] gives [batch, heads, seq, width / heads]. Head 0 has the first width / heads
    numbers of each token, head 1 the next, and so on.

    Two tokens (1, 2, 3, 4) and (5, 6, 7, 8), two heads: head 0 has (1, 2) and (5, 6), head 1 has (3, 4) and
    (7, 8).
    Source: Vaswani et al. 2017, section 3.2.2; the pieces lie as in the weights of GPT-2 and of PyTorch.
    """
    return rearrange(x, "batch seq (head dim) -> batch head seq dim", head=heads)


def merge_heads(x: Tensor) -> Tensor:
    """Put the heads' pieces of each token side by side again, head 0 first: what `split_heads` did, undone.

    `x` [batch, heads, seq, dim] gives [batch, seq, heads * dim].

    Two heads, two tokens: head 0 has (1, 2) and (5, 6), head 1 has (3, 4) and (7, 8); the tokens are
    (1, 2, 3, 4) and (5, 6, 7, 8).
    Source: Vaswani et al. 2017, section 3.2.2, "Concat".
    """
    return rearrange(x, "batch head seq dim -> batch seq (head dim)")


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each on its own piece of the tokens, and a mixing of what they found.

    `forward(x, mask)` projects every token three times (`self.query`, `self.key`, `self.value`), splits each
    result into `self.heads` heads, lets every head attend on its own, merges the heads, and sends the result
    through `self.output`. Head h attends with dimension dim / heads.

    `dim` is the length of a token vector, a multiple of `heads`; otherwise ValueError.
    Source: Vaswani et al. 2017, section 3.2.2. The projections have a bias, as in GPT-2.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"{heads} heads cannot share {dim} dimensions equally")
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.output = nn.Linear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Attention among the tokens `x` [batch, seq, dim], as far as `mask` allows.

        `mask`, if there is one, is bool, True = may look, and broadcasts to [batch, heads, seq, seq]. Returns
        (output [batch, seq, dim], weights [batch, heads, seq, seq]).
        """
        query = split_heads(self.query(x), self.heads)
        key = split_heads(self.key(x), self.heads)
        value = split_heads(self.value(x), self.heads)
        output, weights = attend(query, key, value, mask)
        return self.output(merge_heads(output)), weights
