"""Checks of the sampling exercises.

Probabilities are halves, quarters and eighths where a boundary is tested, so that no rounding decides.
Uniform numbers of 0, on a boundary, and the largest below 1 show what happens at the ends. The references are
loops over the tokens of a row, in float64.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from .specification import Case, Check, Mistake

LARGEST_UNIFORM = 1 - 2.0**-24  # the largest float32 below 1


def _normal(*shape: int, seed: int = 0, size: float = 1.0) -> Tensor:
    return size * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _shares(*shape: int, seed: int = 0) -> Tensor:
    return torch.softmax(_normal(*shape, seed=seed), dim=-1)


# softmax_with_temperature


def _expected_softmax(logits: Tensor, temperature: float) -> Tensor:
    if temperature == 0:
        return functional.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits.dtype)
    return functional.softmax(logits.double() / temperature, dim=-1).to(logits.dtype)


def _unless_zero(softmax: Callable[[Tensor, float], Tensor]) -> Callable[[Tensor, float], Tensor]:
    """A mistake at temperatures above 0; right at 0."""
    return lambda logits, temperature: (softmax if temperature else _expected_softmax)(logits, temperature)


def _at_zero(softmax: Callable[[Tensor], Tensor]) -> Callable[[Tensor, float], Tensor]:
    """A mistake at temperature 0; right above."""
    return lambda logits, temperature: (
        _expected_softmax(logits, temperature) if temperature else softmax(logits)
    )


def _shared_among_best(logits: Tensor) -> Tensor:
    best = (logits == logits.amax(dim=-1, keepdim=True)).to(logits.dtype)
    return best / best.sum(dim=-1, keepdim=True)


def _last_of_best(logits: Tensor) -> Tensor:
    return _expected_softmax(logits.flip(-1), 0).flip(-1)


def _exponentials(logits: Tensor, temperature: float) -> Tensor:
    powers = (logits / temperature).exp()
    return powers / powers.sum(dim=-1, keepdim=True)


def _two_best() -> Tensor:
    return torch.tensor([[1.0, 4.0, 2.0, 4.0], [0.0, -1.0, -2.0, -3.0]])


SOFTMAX_WITH_TEMPERATURE = Check(
    expected=_expected_softmax,
    gradients=False,  # at temperature 0 there is none, and just above it grows without bound
    cases=(
        Case("the logits (0, ln 2) at temperature 1", lambda: (torch.tensor([[0.0, math.log(2)]]), 1.0)),
        Case("the logits (0, ln 2) at temperature 0.5", lambda: (torch.tensor([[0.0, math.log(2)]]), 0.5)),
        Case("a temperature of 2", lambda: (_normal(1, 5), 2.0)),
        Case("as many rows as tokens, at 0.7", lambda: (_normal(3, 3), 0.7)),
        Case("two sequences of three positions, at 1.5", lambda: (_normal(2, 3, 5), 1.5)),
        Case("large logits at 0.5", lambda: (torch.tensor([[300.0, 300 + math.log(2), -300.0]]), 0.5)),
        Case("temperature 0, and all logits negative", lambda: (torch.tensor([[-3.0, -1.0, -2.0]]), 0.0)),
        Case("temperature 0, and two logits that are equally large", lambda: (_two_best(), 0.0)),
    ),
    mistakes=(
        Mistake(
            "multiplied",
            "the logits are multiplied by the temperature; divide by it, so that a low temperature makes"
            " differences larger",
            _unless_zero(lambda logits, temperature: torch.softmax(logits * temperature, dim=-1)),
        ),
        Mistake(
            "multiplied_everywhere",
            "the logits are multiplied by the temperature, so that 0 makes all tokens alike; divide by it,"
            " and see to temperature 0 by itself",
            lambda logits, temperature: torch.softmax(logits * temperature, dim=-1),
        ),
        Mistake(
            "divided_afterwards",
            "the probabilities are divided by the temperature, so that they no longer sum to one; divide"
            " the logits before the softmax",
            _unless_zero(lambda logits, temperature: torch.softmax(logits, dim=-1) / temperature),
        ),
        Mistake(
            "temperature_ignored",
            "the temperature changes nothing: divide the logits by it",
            _unless_zero(lambda logits, temperature: torch.softmax(logits, dim=-1)),
        ),
        Mistake(
            "logits_returned",
            "these are the divided logits; the softmax is still to come",
            _unless_zero(lambda logits, temperature: logits / temperature),
        ),
        Mistake(
            "overflow",
            "the exponential of a large logit is infinite; PyTorch's `softmax`, or one that subtracts the"
            " largest logit first, keeps clear of that",
            _unless_zero(_exponentials),
        ),
        Mistake(
            "over_the_batch",
            "the columns sum to one, not the rows: the softmax should run over the last axis, the vocabulary",
            _unless_zero(lambda logits, temperature: torch.softmax(logits / temperature, dim=0)),
        ),
        Mistake(
            "division_by_zero",
            "a temperature of 0 divides by zero; there, all probability goes to the largest logit",
            _at_zero(lambda logits: torch.softmax(logits / 0.0, dim=-1)),
        ),
        Mistake(
            "zero_as_one",
            "temperature 0 gives the plain softmax; there, all probability goes to the largest logit",
            _at_zero(lambda logits: torch.softmax(logits, dim=-1)),
        ),
        Mistake(
            "uniform_at_zero",
            "temperature 0 makes all tokens equally likely; it is the other end: all probability goes to"
            " the largest logit",
            _at_zero(lambda logits: torch.ones_like(logits) / logits.shape[-1]),
        ),
        Mistake(
            "shared_at_zero",
            "at temperature 0, logits that are equally large share the probability; the first of them gets"
            " it all, so that the same text comes out every time",
            _at_zero(_shared_among_best),
        ),
        Mistake(
            "several_at_zero",
            "at temperature 0, each of several largest logits gets a 1, so that the row sums to more than"
            " one; the first of them gets it all",
            _at_zero(lambda logits: (logits == logits.amax(dim=-1, keepdim=True)).to(logits.dtype)),
        ),
        Mistake(
            "last_at_zero",
            "at temperature 0, the last of several largest logits gets all; it should be the first",
            _at_zero(_last_of_best),
        ),
        Mistake(
            "token_at_zero",
            "temperature 0 returns the token's number; probabilities are asked for: 1 for that token, 0 for"
            " the others",
            _at_zero(lambda logits: logits.argmax(dim=-1)),
        ),
    ),
    why="Dividing by a small temperature makes differences between logits large, and softmax turns"
    " differences into ratios: at 0.5 every ratio of probabilities is squared, and towards 0 the largest"
    " takes all.",
)


# sample_inverse_cdf


def _expected_sample(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    chosen = []
    for row, uniform in zip(probabilities.tolist(), uniforms.tolist(), strict=True):
        wanted, sums = uniform * sum(row), 0.0
        for token, probability in enumerate(row):
            sums += probability
            if sums > wanted:
                chosen.append(token)
                break
    return torch.tensor(chosen)


def _count_below(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    """How many cumulative probabilities do not exceed the uniform number; as it is, without a share."""
    return (probabilities.cumsum(dim=-1) <= uniforms.unsqueeze(-1)).sum(dim=-1)


def _first_true(found: Tensor) -> Tensor:
    return found.int().argmax(dim=-1)


SAMPLE_INVERSE_CDF = Check(
    expected=_expected_sample,
    gradients=False,
    cases=(
        Case(
            "probabilities (0.25, 0, 0.75) and the uniform number 0.1",
            lambda: (torch.tensor([[0.25, 0, 0.75]]), torch.tensor([0.1])),
        ),
        Case(
            "probabilities (0.25, 0, 0.75) and the uniform number 0.9",
            lambda: (torch.tensor([[0.25, 0, 0.75]]), torch.tensor([0.9])),
        ),
        Case(
            "probabilities (0.25, 0, 0.75) and 0.25, which is just past the first stretch",
            lambda: (torch.tensor([[0.25, 0, 0.75]]), torch.tensor([0.25])),
        ),
        Case(
            "a likely token in the middle, and 0.4",
            lambda: (torch.tensor([[0.125, 0.125, 0.5, 0.25]]), torch.tensor([0.4])),
        ),
        Case(
            "three rows, each with its own number",
            lambda: (_shares(3, 5, seed=4), torch.tensor([0.1, 0.5, 0.7])),
        ),
        Case("as many rows as tokens", lambda: (_shares(4, 4), torch.tensor([0.1, 0.4, 0.6, 0.95]))),
        Case(
            "a first token of probability 0, and the uniform number 0",
            lambda: (torch.tensor([[0.0, 0.5, 0.5]]), torch.tensor([0.0])),
        ),
        Case(
            "a sum of 0.9999999, a last token of probability 0, and the largest number below 1",
            lambda: (torch.tensor([[0.5, 0.4999999, 0.0]]), torch.tensor([LARGEST_UNIFORM])),
        ),
    ),
    mistakes=(
        Mistake(
            "on_the_boundary",
            "the first cumulative probability that is equal or above is taken; it has to be above, or a"
            " uniform number of 0 draws a token of probability 0",
            lambda probabilities, uniforms: _first_true(
                probabilities.cumsum(dim=-1) >= uniforms.unsqueeze(-1) * probabilities.sum(-1, keepdim=True)
            ),
        ),
        Mistake(
            "past_the_end",
            "where rounding leaves the sum below the uniform number, the answer is no token at all: its"
            " number is the size of the vocabulary. Scale the uniform numbers by the sum",
            _count_below,
        ),
        Mistake(
            "cut_at_the_end",
            "where rounding leaves the sum below the uniform number, the last token is drawn, although its"
            " probability is 0; scale the uniform numbers by the sum instead",
            lambda probabilities, uniforms: _count_below(probabilities, uniforms).clamp(
                max=probabilities.shape[-1] - 1
            ),
        ),
        Mistake(
            "none_above",
            "where rounding leaves the sum below the uniform number, no cumulative probability is above it,"
            " and the `argmax` of nothing but False is 0; scale the uniform numbers by the sum",
            lambda probabilities, uniforms: _first_true(
                probabilities.cumsum(dim=-1) > uniforms.unsqueeze(-1)
            ),
        ),
        Mistake(
            "not_cumulative",
            "each probability is compared by itself; lay them side by side first, with `cumsum`",
            lambda probabilities, uniforms: _first_true(probabilities > uniforms.unsqueeze(-1)),
        ),
        Mistake(
            "likeliest",
            "the likeliest token is taken whatever the uniform number is; it should decide",
            lambda probabilities, uniforms: probabilities.argmax(dim=-1),
        ),
        Mistake(
            "one_before",
            "this is the token before the right one: the last whose cumulative probability does not exceed"
            " the uniform number",
            lambda probabilities, uniforms: _expected_sample(probabilities, uniforms) - 1,
        ),
        Mistake(
            "one_number_for_all",
            "all rows use the first uniform number; each has its own",
            lambda probabilities, uniforms: _expected_sample(probabilities, uniforms[:1].expand_as(uniforms)),
        ),
        Mistake(
            "summed_over_rows",
            "the sums run over the rows of the batch; they should run over the vocabulary, the last axis",
            lambda probabilities, uniforms: _first_true(
                probabilities.cumsum(dim=0) > uniforms.unsqueeze(-1) * probabilities.sum(-1, keepdim=True)
            ),
        ),
        Mistake(
            "sorted_ranks",
            "the probabilities were sorted first, and the answer is a place in that order; map it back to the"
            " token, or do not sort",
            lambda probabilities, uniforms: _expected_sample(
                probabilities.sort(dim=-1, descending=True).values, uniforms
            ),
        ),
        Mistake(
            "from_the_other_end",
            "the uniform number is measured from the other end of the line: another convention, as fair as"
            " this one, but it draws other tokens, and the course's runs would not come out the same",
            lambda probabilities, uniforms: (
                probabilities.shape[-1] - 1 - _expected_sample(probabilities.flip(-1), uniforms)
            ),
        ),
        Mistake(
            "axis_kept",
            "there is an axis too many: one token for each row, [batch], not [batch, 1]",
            lambda probabilities, uniforms: _expected_sample(probabilities, uniforms).unsqueeze(-1),
        ),
    ),
    why="A token of probability p owns a stretch of length p, so a uniform number lands on it with"
    " probability p. The number comes from outside, from a seed, so the same seed writes the same text.",
)


# top_p


def _expected_top_p(probabilities: Tensor, mass: float) -> Tensor:
    rows = probabilities.reshape(-1, probabilities.shape[-1])
    kept = torch.zeros_like(rows)
    for row, keep in zip(rows, kept, strict=True):
        reached = 0.0
        for token in sorted(range(len(row)), key=lambda token: -row[token].item()):
            keep[token] = row[token]
            reached += row[token].item()
            if reached >= mass:
                break
    return (kept / kept.sum(dim=-1, keepdim=True)).reshape(probabilities.shape)


def _kept_where(keep: Callable[[Tensor, float], Tensor]) -> Callable[[Tensor, float], Tensor]:
    """Sort, keep the places where `keep(sorted probabilities, mass)`, put them back, and renormalise."""

    def cut(probabilities: Tensor, mass: float) -> Tensor:
        ordered, ids = probabilities.sort(dim=-1, descending=True, stable=True)
        kept = torch.zeros_like(probabilities).scatter(-1, ids, ordered * keep(ordered, mass))
        return kept / kept.sum(dim=-1, keepdim=True)

    return cut


def _not_renormalised(probabilities: Tensor, mass: float) -> Tensor:
    return probabilities * (_expected_top_p(probabilities, mass) > 0)


def _in_sorted_order(probabilities: Tensor, mass: float) -> Tensor:
    return _expected_top_p(probabilities, mass).sort(dim=-1, descending=True).values


def _without_sorting(probabilities: Tensor, mass: float) -> Tensor:
    kept = probabilities * (probabilities.cumsum(dim=-1) - probabilities < mass)
    return kept / kept.sum(dim=-1, keepdim=True)


def _softmax_again(probabilities: Tensor, mass: float) -> Tensor:
    kept = _expected_top_p(probabilities, mass) > 0
    return probabilities.masked_fill(~kept, -math.inf).softmax(dim=-1)


def _ties_kept(probabilities: Tensor, mass: float) -> Tensor:
    smallest = probabilities.masked_fill(_expected_top_p(probabilities, mass) == 0, math.inf)
    kept = probabilities * (probabilities >= smallest.amin(dim=-1, keepdim=True))
    return kept / kept.sum(dim=-1, keepdim=True)


def _lowest_first(probabilities: Tensor, mass: float) -> Tensor:
    ordered, ids = probabilities.sort(dim=-1, stable=True)
    kept = torch.zeros_like(probabilities).scatter(
        -1, ids, ordered * (ordered.cumsum(dim=-1) - ordered < mass)
    )
    return kept / kept.sum(dim=-1, keepdim=True)


TOP_P = Check(
    expected=_expected_top_p,
    gradients=False,
    cases=(
        Case("(0.2, 0.5, 0.3) and a mass of 0.6", lambda: (torch.tensor([[0.2, 0.5, 0.3]]), 0.6)),
        Case("a mass that the likeliest token has alone", lambda: (torch.tensor([[0.2, 0.5, 0.3]]), 0.1)),
        Case("a mass that is reached exactly", lambda: (torch.tensor([[0.25, 0.5, 0.25]]), 0.5)),
        Case(
            "four tokens that are equally likely, and a mass of 0.5",
            lambda: (torch.tensor([[0.25] * 4]), 0.5),
        ),
        Case("a mass of 1", lambda: (torch.tensor([[0.25, 0.125, 0.5, 0.0, 0.125]]), 1.0)),
        Case("three rows, each in another order", lambda: (_shares(3, 6), 0.7)),
        Case("two sequences of three positions", lambda: (_shares(2, 3, 8, seed=1), 0.9)),
    ),
    mistakes=(
        Mistake(
            "crossing_dropped",
            "the token with which the sum reaches the mass is dropped; it belongs to those that are kept",
            _kept_where(lambda ordered, mass: ordered.cumsum(dim=-1) <= mass),
        ),
        Mistake(
            "one_too_many",
            "where the sum reaches the mass exactly, one more token is kept; stop at the one that reaches it",
            _kept_where(lambda ordered, mass: ordered.cumsum(dim=-1) - ordered <= mass),
        ),
        Mistake(
            "not_renormalised",
            "what is kept does not sum to one: divide it by its sum",
            _not_renormalised,
        ),
        Mistake(
            "sorted_order",
            "the probabilities come back sorted; each belongs in the place of its own token",
            _in_sorted_order,
        ),
        Mistake(
            "not_sorted",
            "the tokens are taken in the order of the vocabulary; take the likeliest first",
            _without_sorting,
        ),
        Mistake(
            "unlikeliest_first",
            "the unlikeliest tokens are taken first; sort the other way",
            _lowest_first,
        ),
        Mistake(
            "threshold",
            "each probability is compared with the mass by itself; it is the running sum of the sorted ones"
            " that counts",
            _kept_where(lambda ordered, mass: ordered >= mass),
        ),
        Mistake(
            "softmax_again",
            "a second softmax is taken of the probabilities that are kept; divide them by their sum"
            " instead, so that their ratios stay",
            _softmax_again,
        ),
        Mistake(
            "ties_kept",
            "tokens that are as likely as the last one are kept with it; take as few as reach the mass",
            _ties_kept,
        ),
        Mistake(
            "logarithms",
            "the logarithms of the probabilities are returned; return the probabilities",
            lambda probabilities, mass: _expected_top_p(probabilities, mass).log(),
        ),
    ),
    why="The tail of the vocabulary is long: each of its tokens is unlikely, but one of them comes up"
    " often. Cutting it off by mass keeps many tokens where the model is unsure, and one where it is"
    " sure.",
)


CHECKS = {
    "softmax_with_temperature": SOFTMAX_WITH_TEMPERATURE,
    "sample_inverse_cdf": SAMPLE_INVERSE_CDF,
    "top_p": TOP_P,
}
