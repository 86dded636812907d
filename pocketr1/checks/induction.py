"""Checks of the induction lesson's exercise: where a head looks when its text repeats itself."""

from collections.abc import Callable

import torch
from torch import Tensor

from .specification import Case, Check, Mistake


def _causal_weights(*shape: int, seed: int = 0) -> Tensor:
    """Attention weights of random scores [..., tokens, tokens] under a causal mask."""
    logits = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return logits.masked_fill(torch.ones(shape).tril() == 0, -torch.inf).softmax(dim=-1)


def _from(first: Callable[[int], int], back: Callable[[int], int]) -> Callable[[Tensor, int], Tensor]:
    """The mean weight from each t >= first(period) to t - back(period)."""

    def score(weights: Tensor, period: int) -> Tensor:
        query = torch.arange(first(period), weights.shape[-2])
        return weights[..., query, query - back(period)].mean(dim=-1)

    return score


_expected = _from(lambda period: period, lambda period: period - 1)


def _second_saying_only(weights: Tensor, period: int) -> Tensor:
    return _expected(weights[..., : 2 * period, : 2 * period], period)


def _one_whole_saying(weights: Tensor, period: int) -> Tensor:
    looks = [weights[..., query, query - period + 1] for query in range(period, 2 * period)]
    return torch.stack(looks).mean(dim=0)


def _share_of_all_queries(weights: Tensor, period: int) -> Tensor:
    queries = weights.shape[-2]
    return _expected(weights, period) * (queries - period) / queries


def _sum_by_period(weights: Tensor, period: int) -> Tensor:
    return _expected(weights, period) * (weights.shape[-2] - period) / period


def _largest(weights: Tensor, period: int) -> Tensor:
    query = torch.arange(period, weights.shape[-2])
    return weights[..., query, query - period + 1].amax(dim=-1)


INDUCTION_SCORE = Check(
    expected=_expected,
    cases=(
        Case(
            "period 2 and four tokens, A B A B",
            lambda: (
                torch.tensor(
                    [[1.0, 0.0, 0.0, 0.0], [0.9, 0.1, 0.0, 0.0], [0.6, 0.3, 0.1, 0.0], [0.1, 0.15, 0.7, 0.05]]
                ),
                2,
            ),
        ),
        Case("period 3 and six tokens", lambda: (_causal_weights(6, 6), 3)),
        Case("a second saying that breaks off", lambda: (_causal_weights(7, 7), 4)),
        Case("three sayings", lambda: (_causal_weights(9, 9), 3)),
        Case("two sequences and three heads", lambda: (_causal_weights(2, 3, 8, 8), 4)),
    ),
    mistakes=(
        Mistake(
            "same_token",
            "this measures the look at the earlier copy itself, t - period; an induction head looks at what"
            " came after it, one place later",
            _from(lambda period: period, lambda period: period),
        ),
        Mistake(
            "one_too_far",
            "this measures the look at t - period + 2; what came after the earlier copy is one place before"
            " that",
            _from(lambda period: period, lambda period: period - 2),
        ),
        Mistake(
            "previous_token",
            "this measures the look at the token before, t - 1, which makes a previous-token head",
            _from(lambda period: period, lambda period: 1),
        ),
        Mistake(
            "first_saying_counted",
            "the mean begins one place too early, in the first saying, where no token has been seen before;"
            " begin with t = period",
            _from(lambda period: period - 1, lambda period: period - 1),
        ),
        Mistake(
            "first_of_second_saying_lost",
            "the mean begins one place too late: the first token of the second saying has an earlier copy,"
            " too",
            _from(lambda period: period + 1, lambda period: period - 1),
        ),
        Mistake(
            "last_query_lost",
            "the last token is left out of the mean; it has an earlier copy, too",
            lambda weights, period: _expected(weights[..., :-1, :], period),
        ),
        Mistake(
            "second_saying_only",
            "the mean ends with the second saying; later ones count as well",
            _second_saying_only,
        ),
        Mistake(
            "one_whole_saying",
            "the second saying is taken to be whole, and the last; it may break off, and others may follow:"
            " go on to the last token that there is",
            _one_whole_saying,
        ),
        Mistake(
            "mean_of_all_keys",
            "the mean runs over all keys, and is 1 / tokens whatever the head does; for each t only one key"
            " counts",
            lambda weights, period: weights[..., period:, :].mean(dim=(-2, -1)),
        ),
        Mistake(
            "divided_by_all_queries",
            "the sum is divided by how many tokens there are; divide by how many of them were counted",
            _share_of_all_queries,
        ),
        Mistake(
            "divided_by_period",
            "the sum is divided by `period`; divide by how many weights were added up, which is another"
            " number where the text breaks off or is said three times",
            _sum_by_period,
        ),
        Mistake(
            "offset_sign",
            "this diagonal lies above the main one, where nobody may look: below it, an offset is negative,"
            " 1 - period. And leave out its first weight, which belongs to t = period - 1",
            lambda weights, period: weights.diagonal(period - 1, -2, -1).mean(dim=-1),
        ),
        Mistake(
            "summed",
            "the weights are added up, not averaged: a score should lie between 0 and 1",
            lambda weights, period: _expected(weights, period) * (weights.shape[-2] - period),
        ),
        Mistake(
            "largest",
            "this is the largest of the weights; their mean is asked for",
            _largest,
        ),
        Mistake(
            "largest_weight",
            "this is the mean of each row's largest weight, wherever that is; for each t the weight on"
            " t - period + 1 counts, large or small",
            lambda weights, period: weights[..., period:, :].amax(dim=-1).mean(dim=-1),
        ),
        Mistake(
            "axes_swapped",
            "rows and columns have changed places, or the offset has the wrong sign: the first of the two"
            " axes is the query, which looks, and the second the key, which is looked at",
            lambda weights, period: _expected(weights.transpose(-2, -1), period),
        ),
        Mistake(
            "heads_averaged",
            "all heads and sequences are averaged together; each should keep its own score",
            lambda weights, period: _expected(weights, period).mean(),
        ),
    ),
    why="From t, the earlier copy of the same token stands `period` places back, and what came after it one"
    " place nearer. A head that looks there has found the answer by content, and the score is its share"
    " of attention, from 0 to 1.",
)

CHECKS = {"induction_score": INDUCTION_SCORE}
