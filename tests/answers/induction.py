"""Answers to the induction exercise: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

import torch
from einops import reduce
from torch import Tensor


def by_indexing(weights: Tensor, period: int) -> Tensor:
    query = torch.arange(period, weights.shape[-1])
    return weights[..., query, query - period + 1].mean(-1)


def by_loops(weights: Tensor, period: int) -> Tensor:
    total = 0
    for t in range(period, weights.shape[-2]):
        total = total + weights[..., t, t - period + 1]
    return total / (weights.shape[-2] - period)


def by_gather(weights: Tensor, period: int) -> Tensor:
    later = weights[..., period:, :]
    key = torch.arange(1, later.shape[-2] + 1).unsqueeze(-1).expand(*later.shape[:-1], 1)
    return later.gather(-1, key).squeeze(-1).mean(dim=-1)


def by_mask(weights: Tensor, period: int) -> Tensor:
    t = torch.arange(weights.shape[-2]).unsqueeze(1)
    wanted = (torch.arange(weights.shape[-1]) == t - period + 1) & (t >= period)
    return (weights * wanted).sum(dim=(-2, -1)) / wanted.sum()


def by_diagonal_in_float64(weights: Tensor, period: int) -> Tensor:
    found = weights.double()[..., period:, 1:].diagonal(dim1=-2, dim2=-1)
    return reduce(found, "... token -> ...", "mean")


def same_token_by_diagonal(weights: Tensor, period: int) -> Tensor:
    return weights.diagonal(offset=-period, dim1=-2, dim2=-1).mean(-1)


def one_too_far_by_diagonal(weights: Tensor, period: int) -> Tensor:
    return weights[..., period:, 2:].diagonal(dim1=-2, dim2=-1).sum(-1) / (weights.shape[-1] - period)


def one_too_far_by_loop(weights: Tensor, period: int) -> Tensor:
    found = [weights[..., t, t - period + 2] for t in range(period, weights.shape[-2])]
    return torch.stack(found).mean(0)


def previous_by_diagonal(weights: Tensor, period: int) -> Tensor:
    return weights.diagonal(offset=-1, dim1=-2, dim2=-1)[..., period - 1 :].mean(-1)


def second_saying_by_loop(weights: Tensor, period: int) -> Tensor:
    stop = min(2 * period, weights.shape[-2])
    return torch.stack([weights[..., t, t - period + 1] for t in range(period, stop)], -1).mean(-1)


def largest_by_loop(weights: Tensor, period: int) -> Tensor:
    best = weights[..., period, 1]
    for t in range(period + 1, weights.shape[-2]):
        best = torch.maximum(best, weights[..., t, t - period + 1])
    return best


RIGHT = {"induction_score": [by_indexing, by_loops, by_gather, by_mask, by_diagonal_in_float64]}

WRONG = {
    "induction_score": {
        "same_token": [
            lambda weights, period: weights[..., period:, :].diagonal(dim1=-2, dim2=-1).mean(-1),
            same_token_by_diagonal,
        ],
        "one_too_far": [one_too_far_by_loop, one_too_far_by_diagonal],
        "previous_token": [
            lambda weights, period: weights[..., period:, period - 1 :].diagonal(0, -2, -1).mean(-1),
            previous_by_diagonal,
        ],
        "first_saying_counted": [
            lambda weights, period: weights.diagonal(1 - period, -2, -1).mean(-1),
            lambda weights, period: weights[..., period - 1 :, :].diagonal(0, -2, -1).mean(-1),
        ],
        "first_of_second_saying_lost": [
            lambda weights, period: weights.diagonal(1 - period, -2, -1)[..., 2:].mean(-1),
            lambda weights, period: weights[..., period + 1 :, 2:].diagonal(0, -2, -1).mean(-1),
        ],
        "last_query_lost": [
            lambda weights, period: weights.diagonal(1 - period, -2, -1)[..., 1:-1].mean(-1),
            lambda weights, period: by_loops(weights[..., :-1, :], period),
        ],
        "second_saying_only": [
            lambda weights, period: weights.diagonal(1 - period, -2, -1)[..., 1 : period + 1].mean(-1),
            second_saying_by_loop,
        ],
        "one_whole_saying": [
            lambda weights, period: (
                sum(weights[..., t, t - period + 1] for t in range(period, 2 * period)) / period
            ),
        ],
        "mean_of_all_keys": [
            lambda weights, period: weights[..., period:, :].mean(-1).mean(-1),
            lambda weights, period: reduce(weights[..., period:, :], "... query key -> ...", "mean"),
        ],
        "divided_by_all_queries": [
            lambda weights, period: weights.diagonal(1 - period, -2, -1)[..., 1:].sum(-1) / weights.shape[-1],
            lambda weights, period: by_loops(weights, period) * (1 - period / weights.shape[-2]),
        ],
        "divided_by_period": [
            lambda weights, period: weights.diagonal(1 - period, -2, -1)[..., 1:].sum(-1) / period,
            lambda weights, period: by_loops(weights, period) * (weights.shape[-2] - period) / period,
        ],
        "offset_sign": [
            lambda weights, period: weights.diagonal(offset=period - 1, dim1=-2, dim2=-1).mean(-1),
            lambda weights, period: (
                weights.diagonal(period - 1, -2, -1).sum(-1) / (weights.shape[-1] - period + 1)
            ),
        ],
        "summed": [
            lambda weights, period: weights.diagonal(1 - period, -2, -1)[..., 1:].sum(-1),
            lambda weights, period: weights[..., period:, 1:].diagonal(0, -2, -1).sum(-1),
        ],
        "largest": [
            lambda weights, period: weights.diagonal(1 - period, -2, -1)[..., 1:].amax(-1),
            largest_by_loop,
        ],
        "largest_weight": [
            lambda weights, period: weights[..., period:, :].max(-1).values.mean(-1),
            lambda weights, period: reduce(weights.sort(-1)[0][..., period:, -1], "... query -> ...", "mean"),
        ],
        "axes_swapped": [
            lambda weights, period: by_loops(weights.mT, period),
            lambda weights, period: weights.diagonal(period - 1, -2, -1)[..., 1:].mean(-1),
        ],
        "heads_averaged": [
            lambda weights, period: weights.diagonal(1 - period, -2, -1)[..., 1:].mean(),
            lambda weights, period: by_loops(weights, period).flatten().mean(0),
        ],
    },
}
