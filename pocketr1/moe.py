"""Mixture of experts: many small feed-forward networks, of which each token visits a few.

    weights, chosen = route(router(x))                     which experts, and how much of each
    y = sum over chosen experts of weight * expert(x)      dispatch, compute, combine

A model's parameters grow with the number of experts, the work for one token with the number it visits. No
token is ever dropped: an expert takes as many as are sent to it. So the load must be kept even by other
means: `load` and `max_vio` measure it, `aux_loss` asks for it in the loss, and deepseekmoe.py does it with a
bias.

`dispatch_combine` is the readable loop over experts, in any precision. `dispatch_sorted` is the same sum with
one matrix product over all experts at once, after sorting: what the model runs on.

Sources: Shazeer et al. 2017 (arXiv 1701.06538), Switch (arXiv 2101.03961), Mixtral (arXiv 2401.04088).
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .transformer import swiglu

Expert = Callable[[Tensor], Tensor]


def route(logits: Tensor, active: int) -> tuple[Tensor, Tensor]:
    """Choose each token's experts, and how much each of them counts.

    `logits` [tokens, experts]: the router's score of each expert for each token. Returns (weights [tokens,
    active], chosen [tokens, active], int64): the `active` likeliest experts by softmax over the experts, the
    likeliest first, with their probabilities divided by their sum. The weights of a token sum to one. A
    gradient flows through them back to the logits.

    Logits (0, ln 3, ln 2) and two active: experts 1 and 2, with weights 0.6 and 0.4.
    Source: Mixtral (arXiv 2401.04088), section 2.1. Switch (top-1) and DeepSeek-V2 do not divide by the sum.
    """
    weights, chosen = logits.softmax(dim=-1).topk(active, dim=-1)
    return weights / weights.sum(dim=-1, keepdim=True), chosen


def hash_route(tokens: Tensor, experts: int, active: int) -> tuple[Tensor, Tensor]:
    """Choose experts by the token's number alone: nothing is learnt. For comparison.

    `tokens` [tokens], ids. Returns (weights, all 1 / active, and chosen), both [tokens, active]. Token t goes
    to the experts active * t, active * t + 1, ..., counted round and round.
    Source: after Roller et al. 2021, Hash layers (arXiv 2106.04426).
    """
    chosen = (tokens.unsqueeze(-1) * active + torch.arange(active)) % experts
    return torch.full(chosen.shape, 1 / active), chosen


def dispatch_combine(x: Tensor, weights: Tensor, chosen: Tensor, experts: Sequence[Expert]) -> Tensor:
    """Send each token to its experts, and add up what they answer, each times its weight.

    `x` [tokens, dim]; `weights` and `chosen` [tokens, active] as from `route`. `experts`: a list of functions
    from [n, dim] to [n, dim]; `chosen` has their places in the list. n may be 0. An expert is given the
    tokens that were sent to it, and no others: that is what saves work. Returns [tokens, dim].

    A token of 1, two experts that double and triple, weights 0.25 and 0.75: 0.25 * 2 + 0.75 * 3 = 2.75.
    """
    y = torch.zeros_like(x)
    for number, expert in enumerate(experts):
        token, slot = torch.where(chosen == number)
        y = y.index_add(0, token, weights[token, slot].unsqueeze(-1) * expert(x[token]))
    return y


def dispatch_sorted(
    x: Tensor, weights: Tensor, chosen: Tensor, experts: int, grouped: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """The sum of `dispatch_combine`, with all experts called at once on tokens sorted by expert.

    `x` [tokens, dim]; `weights` and `chosen` [tokens, active]; `experts`, how many there are. Returns
    [tokens, dim].

    `grouped(rows, ends)` is called once. `rows` [tokens * active, dim] are tokens, each standing there once
    for each of its experts: first those of expert 0, then those of expert 1, and so on. `ends` int32
    [experts] says where each expert's part ends: the number of rows up to and with its last. It returns what
    the experts answer, row by row [tokens * active, dim].

    Three experts; three tokens, sent to experts 1, 0 and 1: the rows are tokens 1, 0, 2, and ends (1, 3, 3).
    """
    order = chosen.flatten().argsort(stable=True)
    token = order // chosen.shape[1]
    ends = load(chosen, experts).cumsum(0).int()
    # index_select: the same rows as x[token], several times faster on a CPU, forward and backward.
    answers = grouped(x.index_select(0, token), ends) * weights.flatten()[order].unsqueeze(-1)
    return torch.zeros_like(x).index_add(0, token, answers)


def grouped_swiglu(rows: Tensor, ends: Tensor, gate: Tensor, up: Tensor, down: Tensor) -> Tensor:
    """`swiglu` on rows sorted by expert, each part with the weights of its own expert.

    `rows` [rows, dim], `ends` int32 [experts] as in `dispatch_sorted`; `gate` and `up` [experts, width, dim],
    `down` [experts, dim, width]. Returns [rows, dim]. On a CPU, `grouped_mm` wants float32 or bfloat16, and
    dim and width divisible by 4.
    """

    def project(x: Tensor, weight: Tensor) -> Tensor:
        return F.grouped_mm(x, weight.transpose(1, 2), offs=ends)

    return project(F.silu(project(rows, gate)) * project(rows, up), down)


class ExpertBank(nn.Module):
    """The weights of all experts of a layer, and the two ways of using them."""

    def __init__(self, dim: int, experts: int, width: int) -> None:
        super().__init__()
        if dim % 4 or width % 4:
            raise ValueError(f"dim and width of experts must be divisible by 4, not {dim} and {width}")
        self.gate = nn.Parameter(torch.empty(experts, width, dim))
        self.up = nn.Parameter(torch.empty(experts, width, dim))
        self.down = nn.Parameter(torch.empty(experts, dim, width))

    def forward(self, x: Tensor, weights: Tensor, chosen: Tensor) -> Tensor:
        """The fast way: x [tokens, dim], weights and chosen [tokens, active] -> [tokens, dim]."""

        def grouped(rows: Tensor, ends: Tensor) -> Tensor:
            return grouped_swiglu(rows, ends, self.gate, self.up, self.down)

        return dispatch_sorted(x, weights, chosen, len(self.down), grouped)

    def one_by_one(self, x: Tensor, weights: Tensor, chosen: Tensor) -> Tensor:
        """The readable way, `dispatch_combine`: the same result, in any precision."""
        return dispatch_combine(
            x, weights, chosen, [self._expert(number) for number in range(len(self.down))]
        )

    def _expert(self, number: int) -> Expert:
        return lambda x: swiglu(x, self.gate[number], self.up[number], self.down[number])


def load(chosen: Tensor, experts: int) -> Tensor:
    """How many tokens each expert gets.

    `chosen` [..., active]: each token's experts, by number. Returns int64 [experts]: one count for each
    expert, also for those that nobody visits.

    Chosen (0, 2), (2, 0), (2, 1), four experts: 2, 1, 3, 0.
    """
    return chosen.flatten().bincount(minlength=experts)


def max_vio(load: Tensor) -> Tensor:
    """How far the fullest expert is above the mean load, as a share of the mean: 0 when the load is even.

    `load` [experts], whole numbers as from `load`, at least one of them above 0. Returns a scalar tensor.

    (6, 2, 1, 3): the mean is 3, the fullest is 3 above it, so 1.
    Source: Wang et al. 2024, loss-free balancing (arXiv 2408.15664), equation 4, MaxVio.
    """
    mean = load.double().mean()
    return ((load.max() - mean) / mean).float()


def mean_over_tokens(values: Tensor, real: Tensor | None = None) -> Tensor:
    """The mean over the tokens: `values` [..., tokens, n] -> [..., n].

    `real` bool [..., tokens]: tokens where it is False are padding and left out. Where nothing is real, 0.
    """
    counted = torch.ones_like(values[..., :1]) if real is None else real.unsqueeze(-1).to(values.dtype)
    return (values * (counted / counted.sum(dim=-2, keepdim=True).clamp(min=1))).sum(dim=-2)


def aux_loss(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    """A loss that falls as the load becomes even: alpha * sum over experts of f * P.

    `scores` [groups, tokens, experts]: the router's positive scores of all experts, softmax or sigmoid;
    `chosen` [groups, tokens, active]. For each expert:

    f: how many tokens it got, divided by how many it would get if all got equally many. No gradient.
    P: the mean over tokens of its score, each token's scores divided by their sum first. With a gradient.

    A group is balanced by itself: each sequence may be one (DeepSeek-V3), or the whole batch. Returns the
    mean over groups, a scalar. `real` bool [groups, tokens] is for `mean_over_tokens`: padding, where it is
    False, counts neither in f nor in P. Each group has a real token.

    With an even load it is alpha. Source: DeepSeek-V3 (arXiv 2412.19437), equations 17-20; batch-wise:
    section 4.5.3.
    """
    experts, active = scores.shape[-1], chosen.shape[-1]
    sent = F.one_hot(chosen, experts).sum(dim=-2).to(scores.dtype)
    f = mean_over_tokens(sent, real) * experts / active
    p = mean_over_tokens(scores / scores.sum(dim=-1, keepdim=True), real)
    return alpha * (f * p).sum(dim=-1).mean()
