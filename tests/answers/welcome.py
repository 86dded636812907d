"""Answers to the first lesson's exercise: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

import torch
from einops import einsum, reduce
from torch import Tensor
from torch.nn import functional


def with_einops(amounts: Tensor) -> Tensor:
    return amounts / reduce(amounts, "... parts -> ... 1", "sum")


def with_einsum(amounts: Tensor) -> Tensor:
    ones = torch.ones(amounts.shape[-1])
    return amounts / einsum(amounts, ones, "... parts, parts -> ...").unsqueeze(-1)


def with_normalize(amounts: Tensor) -> Tensor:
    return functional.normalize(amounts, p=1, dim=-1)


def by_logarithms(amounts: Tensor) -> Tensor:
    return amounts.log().softmax(dim=-1)


def in_double_precision(amounts: Tensor) -> Tensor:
    precise = amounts.double()
    return precise / precise.sum(-1, keepdim=True)


def with_loops(amounts: Tensor) -> Tensor:
    rows = amounts.reshape(-1, amounts.shape[-1])
    done = [torch.stack([amount / sum(row) for amount in row]) for row in rows]
    return torch.stack(done).reshape(amounts.shape)


def total_of_everything_by_mean(amounts: Tensor) -> Tensor:
    return amounts / (amounts.mean() * amounts.numel())


def columns_by_transpose(amounts: Tensor) -> Tensor:
    turned = amounts.movedim(0, -1)
    return (turned / turned.sum(-1, keepdim=True)).movedim(-1, 0)


def axis_lost_by_einsum(amounts: Tensor) -> Tensor:
    return amounts / einsum(amounts, "... parts -> ...")


def second_axis_by_transpose(amounts: Tensor) -> Tensor:
    return (amounts.transpose(0, 1) / amounts.sum(1)).transpose(0, 1)


def largest_by_sorting(amounts: Tensor) -> Tensor:
    return amounts / amounts.sort(dim=-1).values[..., -1:]


def count_by_mean(amounts: Tensor) -> Tensor:
    return amounts * amounts.new_ones(amounts.shape[-1]).softmax(-1)


def mean_by_count(amounts: Tensor) -> Tensor:
    return amounts * amounts.shape[-1] / amounts.sum(-1, keepdim=True)


def percentages_late(amounts: Tensor) -> Tensor:
    return functional.normalize(amounts, p=1, dim=-1) * 100


def softmax_by_hand(amounts: Tensor) -> Tensor:
    return amounts.exp() / amounts.exp().sum(-1, keepdim=True)  # e**50 still fits in float32


def squares_by_hand(amounts: Tensor) -> Tensor:
    return amounts / amounts.square().sum(-1, keepdim=True).sqrt()


def upside_down_by_power(amounts: Tensor) -> Tensor:
    return (amounts / amounts.sum(-1, keepdim=True)) ** -1


def row_by_row(amounts: Tensor) -> Tensor:
    """Rows of a table, and of whatever is in front of it, one at a time."""
    if amounts.dim() == 1:
        return amounts / sum(amounts)
    return torch.stack([row_by_row(row) for row in amounts])


def loop_by_index(amounts: Tensor) -> Tensor:
    result = torch.zeros_like(amounts)
    for row in range(len(amounts)):
        result[row] = amounts[row] / amounts[row].sum()
    return result


def columns_by_normalize(amounts: Tensor) -> Tensor:
    return functional.normalize(amounts, p=1, dim=-2)


RIGHT = {
    "shares": [
        with_einops,
        with_einsum,
        with_normalize,
        by_logarithms,
        in_double_precision,
        with_loops,
        row_by_row,
    ],
}

WRONG = {
    "shares": {
        "total_of_everything": [lambda amounts: amounts / amounts.sum(), total_of_everything_by_mean],
        "total_of_first_axis": [lambda amounts: amounts / amounts.sum(0), columns_by_transpose],
        "axis_lost": [lambda amounts: amounts / amounts.sum(-1), axis_lost_by_einsum],
        "second_axis": [lambda amounts: amounts / amounts.sum(1, True), second_axis_by_transpose],
        "loop_over_first_axis": [
            lambda amounts: torch.stack([row / row.sum() for row in amounts]),
            loop_by_index,
        ],
        "two_axes_only": [
            lambda amounts: (amounts.T / amounts.sum(-1)).T,
            lambda amounts: torch.t(torch.t(amounts) / torch.sum(amounts, -1)),
        ],
        "axis_put_back_in_front": [
            lambda amounts: amounts / amounts.sum(-1).unsqueeze(1),
            lambda amounts: amounts / amounts.sum(-1)[:, None],
        ],
        "axis_of_columns": [lambda amounts: amounts / amounts.sum(-2, keepdim=True), columns_by_normalize],
        "largest_is_one": [lambda amounts: amounts / amounts.max(-1, keepdim=True)[0], largest_by_sorting],
        "divided_by_count": [lambda amounts: amounts / amounts.shape[-1], count_by_mean],
        "divided_by_mean": [lambda amounts: amounts / amounts.mean(-1, keepdim=True), mean_by_count],
        "percentages": [
            lambda amounts: 100 * amounts / amounts.sum(-1, keepdim=True),
            percentages_late,
        ],
        "softmax": [lambda amounts: functional.softmax(amounts, dim=-1), softmax_by_hand],
        "root_of_squares": [lambda amounts: functional.normalize(amounts, dim=-1), squares_by_hand],
        "upside_down": [
            lambda amounts: amounts.sum(-1, keepdim=True) / amounts,
            upside_down_by_power,
        ],
    },
}
