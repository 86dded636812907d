"""Checks of the DeepSeekMoE exercises.

The inputs isolate one mechanism at a time: a bias that changes who is chosen shows whether it also weighs,
the same number on all biases must change nothing, a scale shows whether it was lost in the division, one
crowded expert shows whether a step grows with the distance, and a layer whose counts all differ shows which
of them went into a sum.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from ..configuration import Experts, Heads, Latent, ModelConfig
from ..sizes import DEEPSEEK_V3, attention_params
from .specification import Case, Check, Mistake


def _normal(*shape: int, seed: int = 0, size: float = 1.0) -> Tensor:
    return size * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# combinations


def _chosen_one_by_one(experts: int, active: int) -> int:
    """n * (n - 1) * ... / (1 * 2 * ...), with a whole number after every step."""
    ways = 1
    for place in range(active):
        ways = ways * (experts - place) // (place + 1)
    return ways


LISTED = "all choices, one by one"
FEW = 1_000_000  # more choices than that would fill the memory before the time is up


def _counted(candidate: Callable[[int, int], Any], experts: int, active: int) -> Any:
    """What the candidate returns. Where there are many choices, one that lists them is not called."""
    if math.comb(experts, active) > FEW and _goes_through_all(candidate):
        return LISTED
    return candidate(experts, active)


def _goes_through_all(candidate: Callable[[int, int], Any]) -> bool:
    """Whether 700,000 choices take it longer than a formula can."""
    start = time.thread_time()
    candidate(22, 11)
    return time.thread_time() - start > 0.02


COMBINATIONS = Check(
    expected=_chosen_one_by_one,
    call=_counted,
    gradients=False,
    cases=(
        Case("four experts, two active", lambda: (4, 2)),
        Case("five experts, one active", lambda: (5, 1)),
        Case("six experts, all active", lambda: (6, 6)),
        Case("seven experts, three active", lambda: (7, 3)),
        Case("16 experts, two active", lambda: (16, 2)),
        Case("64 experts, eight active", lambda: (64, 8)),
        Case("128 experts, 16 active: a number of 20 digits", lambda: (128, 16)),
    ),
    mistakes=(
        Mistake(
            "permutations",
            "the order is counted: experts 1 and 2 are taken for another choice than 2 and 1. The answers"
            " are added up, so the order does not matter",
            math.perm,
        ),
        Mistake(
            "with_repetition",
            "the same expert is allowed twice; a token visits different ones",
            lambda experts, active: math.comb(experts + active - 1, active),
        ),
        Mistake(
            "powers",
            "each slot chooses by itself, so that one expert may be chosen twice, and the order is counted",
            lambda experts, active: experts**active,
        ),
        Mistake(
            "product",
            "the two numbers are multiplied; that counts neither pairs nor triples",
            lambda experts, active: experts * active,
        ),
        Mistake(
            "pairs",
            "these are the pairs; take as many experts as are passed in",
            lambda experts, active: math.comb(experts, 2),
        ),
        Mistake(
            "all_subsets",
            "these are all sets of experts, of any size; a set has `active` of them",
            lambda experts, active: 2**experts,
        ),
        Mistake(
            "swapped",
            "the two numbers have changed places: `active` are chosen of `experts`",
            lambda experts, active: math.comb(active, experts),
        ),
        Mistake(
            "listed",
            "all choices are gone through, one by one; here there are too many for that: compute the number",
            lambda experts, active: (
                LISTED if math.comb(experts, active) > FEW else math.comb(experts, active)
            ),
        ),
        Mistake(
            "decimal",
            "this is a decimal number, which has room for about 16 digits; divide with `//`, or let"
            " `math.comb` do it",
            lambda experts, active: float(math.comb(experts, active)),
        ),
        Mistake(
            "rest_not_divided_out",
            "it is divided by the orders of the chosen ones, and not by those of the rest: the number is"
            " n! / (k! (n - k)!)",
            lambda experts, active: math.factorial(experts) // math.factorial(active),
        ),
    ),
    why="Sets, not lists: a sum does not know in which order it was added up. The same share of the layer"
    " can be chosen in far more ways when its pieces are small.",
)


# split


REFUSED = "a ValueError is raised"
ASSERTED = "an AssertionError is raised"
HANDED_BACK = "a ValueError is returned"


def _split_and_described(candidate: Callable[..., Any], experts: Experts, pieces: int) -> Any:
    """The fields of what was returned, or how the split was refused, where it should be."""
    try:
        found = candidate(experts, pieces)
    except (ValueError, AssertionError) as error:
        if experts.width % pieces:
            return REFUSED if isinstance(error, ValueError) else ASSERTED
        raise
    if isinstance(found, ValueError) or found is ValueError:
        return HANDED_BACK
    if not isinstance(found, Experts):
        return found
    fields = {f"field `{name}`": number for name, number in asdict(found).items()}
    return {**fields, "type of width": type(found.width).__name__}


def _split(*, refusing: bool = True, **change: Callable[[Experts, int], Any]) -> Callable[..., Any]:
    """The right split, with some fields made in another way."""

    def split(experts: Experts, pieces: int) -> Any:
        if refusing and experts.width % pieces:
            raise ValueError
        right = {
            "experts": experts.experts * pieces,
            "active": experts.active * pieces,
            "width": experts.width // pieces,
            "shared": experts.shared * pieces,
        }
        return replace(experts, **{**right, **{name: make(experts, pieces) for name, make in change.items()}})

    return lambda experts, pieces: _split_and_described(split, experts, pieces)


def _built_anew(experts: Experts, pieces: int, *, shared: bool = True) -> Any:
    def split(given: Experts, parts: int) -> Experts:
        if given.width % parts:
            raise ValueError
        kept = given.shared * parts if shared else 0
        return Experts(given.experts * parts, given.active * parts, given.width // parts, kept)

    return _split_and_described(split, experts, pieces)


def _refused_by(sign: str) -> Callable[[Experts, int], Any]:
    return lambda experts, pieces: sign if experts.width % pieces else _split()(experts, pieces)


def _as_before(field: str) -> Callable[[Experts, int], Any]:
    return lambda experts, pieces: getattr(experts, field)


SPLIT = Check(
    expected=_split(),
    call=_split_and_described,
    gradients=False,
    cases=(
        Case("16 experts of width 256, two active, in 4 pieces", lambda: (Experts(16, 2, 256), 4)),
        Case("in one piece", lambda: (Experts(8, 3, 20), 1)),
        Case("in three pieces", lambda: (Experts(10, 3, 60), 3)),
        Case("shared experts", lambda: (Experts(9, 2, 48, shared=2), 4)),
        Case(
            "other fields that are not the usual ones",
            lambda: (
                Experts(12, 2, 32, shared=1, scale=2.5, dense_layers=3, dense_width=64, balance="bias"),
                2,
            ),
        ),
        Case("a width of 20 that should be cut into 8", lambda: (Experts(16, 2, 20), 8)),
    ),
    mistakes=(
        Mistake(
            "active_not_scaled",
            "a token visits as many pieces as it visited experts, so it gets less work done than before;"
            " `active` grows too",
            _split(active=_as_before("active")),
        ),
        Mistake(
            "width_not_divided",
            "the width is that of a whole expert, so that the parameters and the work grow; a piece has its"
            " share of the width",
            _split(width=_as_before("width")),
        ),
        Mistake(
            "experts_not_scaled",
            "there are as many pieces as there were experts, so parameters are lost; `experts` grows too",
            _split(experts=_as_before("experts")),
        ),
        Mistake(
            "only_more_experts",
            "there are more experts, and nothing else has changed: they are not cut, they are copied",
            _split(active=_as_before("active"), width=_as_before("width"), shared=_as_before("shared")),
        ),
        Mistake(
            "shared_not_scaled",
            "the shared experts have lost parameters: they have the width of the routed ones, so as many more"
            " pieces are needed",
            _split(shared=_as_before("shared")),
        ),
        Mistake(
            "other_fields_lost",
            "the other fields have their usual values again; `replace(experts, ...)` keeps them",
            _built_anew,
        ),
        Mistake(
            "shared_and_others_lost",
            "a new `Experts` was made of three numbers, so the shared experts are gone, and the other fields"
            " have their usual values again; `replace(experts, ...)` keeps what is not named",
            lambda experts, pieces: _built_anew(experts, pieces, shared=False),
        ),
        Mistake(
            "error_returned",
            "a ValueError is returned, and nobody will notice; an error is raised: `raise ValueError(...)`",
            _refused_by(HANDED_BACK),
        ),
        Mistake(
            "asserted",
            "`assert` raises an AssertionError; a ValueError is asked for: `raise ValueError(...)`",
            _refused_by(ASSERTED),
        ),
        Mistake(
            "three_numbers",
            "these are numbers alone; return an `Experts`, with its other fields: `replace(experts, ...)`",
            lambda experts, pieces: (
                experts.experts * pieces,
                experts.active * pieces,
                experts.width // pieces,
            ),
        ),
        Mistake(
            "float_width",
            "the width is a decimal number; `//` divides whole numbers",
            _split(refusing=False, width=lambda experts, pieces: experts.width / pieces),
        ),
        Mistake(
            "rounded_down",
            "a width that cannot be cut is rounded down, so parameters get lost in silence; raise ValueError",
            _split(refusing=False),
        ),
        Mistake(
            "dense_width_cut",
            "the dense layers were cut too; they have no experts",
            _split(dense_width=lambda experts, pieces: experts.dense_width // pieces),
        ),
        Mistake(
            "not_split",
            "the experts are as they were",
            lambda experts, pieces: _split_and_described(lambda given, _: given, experts, pieces),
        ),
    ),
    why="Parameters go with the number of experts times their width, and work with the number that is"
    " visited times their width. Both products stay. What grows is the choice.",
)


# shared_expert

Shared = Callable[[Tensor], Tensor]
Routed = Callable[[Tensor, Tensor, Tensor], Tensor]


def _multiplying(*factors: float) -> Routed:
    """Experts that multiply by these factors: the weighted sum of those that were chosen."""
    constants = torch.tensor(factors)
    return lambda x, weights, chosen: x * (weights * constants[chosen]).sum(dim=-1, keepdim=True)


def _network(dim: int) -> Shared:
    matrix = _normal(dim, dim, seed=3)
    return lambda x: torch.tanh(x @ matrix)


def _sum_of_weights(weights: Tensor) -> Tensor:
    return weights.sum(dim=-1, keepdim=True)


SHARED_EXPERT = Check(
    expected=lambda x, weights, chosen, routed, shared: torch.stack(
        [shared(x), routed(x, weights, chosen)]
    ).sum(dim=0),
    cases=(
        Case(
            "one token, one routed expert that doubles, and a shared one that multiplies by ten",
            lambda: (
                torch.tensor([[1.0]]),
                torch.ones(1, 1),
                torch.tensor([[0]]),
                _multiplying(2),
                lambda x: 10 * x,
            ),
        ),
        Case(
            "two routed experts with weights 0.25 and 0.75",
            lambda: (
                torch.tensor([[1.0]]),
                torch.tensor([[0.25, 0.75]]),
                torch.tensor([[0, 2]]),
                _multiplying(2, 3, 5),
                lambda x: 10 * x,
            ),
        ),
        Case(
            "weights whose sum is 2.5",
            lambda: (
                torch.tensor([[1.0], [2.0]]),
                torch.tensor([[0.5, 2.0], [1.5, 1.0]]),
                torch.tensor([[1, 0], [2, 0]]),
                _multiplying(2, 3, 5),
                lambda x: 10 * x,
            ),
        ),
        Case(
            "a shared expert that is a small network",
            lambda: (
                _normal(5, 4),
                2.5 * _normal(5, 3, seed=1).softmax(dim=-1),
                _normal(5, 6, seed=2).topk(3).indices,
                _multiplying(2, 3, 5, 7, -1, 4),
                _network(4),
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "gated",
            "the shared expert is weighed by a router's weight; it always counts in full",
            lambda x, weights, chosen, routed, shared: (
                routed(x, weights, chosen) + weights[:, :1] * shared(x)
            ),
        ),
        Mistake(
            "scaled",
            "the shared expert is multiplied by the sum of the weights, 2.5 in DeepSeek-V3; the scale is for"
            " the routed ones alone",
            lambda x, weights, chosen, routed, shared: (
                routed(x, weights, chosen) + _sum_of_weights(weights) * shared(x)
            ),
        ),
        Mistake(
            "takes_a_slot",
            "the shared expert has taken the place of the last chosen one; it comes on top of them",
            lambda x, weights, chosen, routed, shared: routed(x, weights[:, :-1], chosen[:, :-1]) + shared(x),
        ),
        Mistake(
            "takes_a_slot_and_weight",
            "the shared expert has taken the place of the last chosen one, with its weight; it comes on top"
            " of them, and has no weight",
            lambda x, weights, chosen, routed, shared: (
                routed(x, weights[:, :-1], chosen[:, :-1]) + weights[:, -1:] * shared(x)
            ),
        ),
        Mistake(
            "one_after_the_other",
            "the shared expert was given what the routed ones said; it is given the token, as they are",
            lambda x, weights, chosen, routed, shared: shared(routed(x, weights, chosen)),
        ),
        Mistake(
            "averaged",
            "the two are averaged; add them",
            lambda x, weights, chosen, routed, shared: (routed(x, weights, chosen) + shared(x)) / 2,
        ),
        Mistake(
            "shared_lost",
            "the shared expert is missing from the sum",
            lambda x, weights, chosen, routed, shared: routed(x, weights, chosen),
        ),
        Mistake(
            "routed_lost",
            "the routed experts are missing from the sum",
            lambda x, weights, chosen, routed, shared: shared(x),
        ),
        Mistake(
            "token_added",
            "the token itself is in the sum too; the block adds it later (the residual)",
            lambda x, weights, chosen, routed, shared: x + routed(x, weights, chosen) + shared(x),
        ),
        Mistake(
            "weighed_again",
            "what the routed experts said is weighed once more; `routed` has applied the weights",
            lambda x, weights, chosen, routed, shared: (
                _sum_of_weights(weights) * routed(x, weights, chosen) + shared(x)
            ),
        ),
    ),
    why="Nobody chooses it and nobody weighs it, so what all tokens need can be learned once, in one place,"
    " and the routed experts are free for the rest.",
)


# sigmoid_gate

Gate = Callable[..., Any]


def _rows_one_by_one(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """Token by token, with a sigmoid written out."""
    scores = 1 / (1 + torch.exp(-logits))
    everyone = bias.detach().expand_as(scores)
    chosen = torch.stack(
        [
            torch.tensor(sorted(range(len(row)), key=lambda e: -row[e])[:active])  # noqa: B023
            for row in (scores.detach() + everyone).tolist()
        ]
    )
    weights = torch.take_along_dim(scores, chosen, dim=1)
    return scale * weights / torch.einsum("ta->t", weights)[:, None], chosen


def _gate(
    *,
    scores: Callable[[Tensor], Tensor] = torch.sigmoid,
    by: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda scores, logits, bias: scores + bias,
    weights: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] | None = None,
    divide_by: Callable[[Tensor, Tensor], Tensor] = lambda weights, scores: _sum_of_weights(weights),
    scaled: Callable[[Tensor, float], Tensor] = lambda weights, scale: scale * weights,
    dim: int = -1,
    largest: bool = True,
) -> Gate:
    """The steps of the gate, some of them done in another way.

    `by(scores, logits, bias)`: what the choice goes by. `weights(scores, logits, bias, chosen)`: before the
    division.
    """

    def gate(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
        given = scores(logits)
        count = active if dim == -1 else min(active, len(logits))
        chosen = by(given, logits, bias).topk(count, dim=dim, largest=largest).indices
        taken = given.gather(dim, chosen) if weights is None else weights(given, logits, bias, chosen)
        return scaled(taken / divide_by(taken, given), scale), chosen

    return gate


_right = _gate()


def _in_another_order(order: Callable[[Tensor, Tensor], Tensor]) -> Gate:
    """The right experts and weights, sorted by `order(weights, chosen)`."""

    def gate(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
        weights, chosen = _right(logits, bias, active, scale)
        places = order(weights, chosen)
        return weights.gather(-1, places), chosen.gather(-1, places)

    return gate


def _for_all_experts(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    weights, chosen = _right(logits, bias, active, scale)
    return torch.zeros_like(logits).scatter(-1, chosen, weights), chosen


def _biased(scores: Tensor, logits: Tensor, bias: Tensor, chosen: Tensor) -> Tensor:
    return (scores + bias).gather(-1, chosen)


def _gate_case(name: str, logits: list[float], bias: list[float], active: int, *scale: float) -> Case:
    return Case(
        name,
        lambda: (torch.tensor([logits]).float(), torch.tensor(bias).float(), active, *scale),
    )


SIGMOID_GATE = Check(
    expected=_rows_one_by_one,
    cases=(
        _gate_case("three equal logits and a bias of (0.2, 0, 0.1)", [0, 0, 0], [0.2, 0, 0.1], 2),
        _gate_case("no bias at all", [-1, 2, 0.5, 1], [0, 0, 0, 0], 2),
        _gate_case("a bias that changes who is chosen", [2, 1, -1, 0.5], [0, -0.3, 0.9, 0], 2),
        _gate_case("the same number on all biases", [-1, 2, 0.5, 1], [0.3, 0.3, 0.3, 0.3], 2),
        _gate_case("a scale of 2.5", [-1, 2, 0.5, 1], [0.1, 0, 0, -0.1], 3, 2.5),
        _gate_case("a single active expert", [-1, 2, 0.5], [1, 0, 0], 1, 4),
        _gate_case("biases below zero", [-1, 1, 0.2], [-0.5, -0.9, -0.8], 2),
        Case(
            "six tokens, five experts, three active",
            lambda: (_normal(6, 5, size=2.0), _normal(5, seed=1, size=0.3), 3, 2.5),
        ),
        Case("as many tokens as experts", lambda: (_normal(4, 4, seed=2), _normal(4, seed=3, size=0.3), 2)),
        Case(
            "a bias of its own for each token, which rules some experts out",
            lambda: (
                _normal(3, 4, seed=4),
                torch.tensor([[0.1, 0.0, -math.inf, 0.2]]).repeat(3, 1).roll(1, 0)
                + torch.tensor([[0.0, 0.0, 0.0, -math.inf], [0.0, 0.3, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]),
                2,
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "bias_weighs",
            "the bias is in the weights, so that an idle expert would be listened to because it is idle;"
            " choose by score plus bias, then take the scores without it",
            _gate(weights=_biased),
        ),
        Mistake(
            "divided_by_all",
            "the weights are divided by the sum over all experts; divide by the sum over the chosen ones",
            _gate(divide_by=lambda weights, scores: _sum_of_weights(scores)),
        ),
        Mistake(
            "total_of_all_tokens",
            "the weights are divided by the sum over all tokens; divide each token's by their own sum:"
            " sum(dim=-1, keepdim=True)",
            _gate(divide_by=lambda weights, scores: weights.sum()),
        ),
        Mistake(
            "scale_lost",
            "the scale has no effect: either it is missing, or it was applied before the division, where it"
            " cancels",
            _gate(scaled=lambda weights, scale: weights),
        ),
        Mistake(
            "not_divided",
            "the weights are not divided by their sum",
            _gate(divide_by=lambda weights, scores: torch.ones_like(weights)),
        ),
        Mistake(
            "softmax",
            "the scores are a softmax over the experts, as in DeepSeek-V2; those of V3 are sigmoids, each by"
            " itself",
            _gate(scores=lambda logits: logits.softmax(dim=-1)),
        ),
        Mistake(
            "softmax_of_chosen",
            "the right experts, weighed by a softmax of their logits; divide their sigmoids by their sum",
            _gate(
                weights=lambda scores, logits, bias, chosen: logits.gather(-1, chosen).softmax(dim=-1),
            ),
        ),
        Mistake(
            "softmax_of_scores",
            "the right experts, weighed by a softmax of their scores; divide the scores by their sum",
            _gate(weights=lambda scores, logits, bias, chosen: scores.gather(-1, chosen).softmax(dim=-1)),
        ),
        Mistake(
            "bias_ignored",
            "the experts are chosen by score alone, so the bias does nothing",
            _gate(by=lambda scores, logits, bias: scores),
        ),
        Mistake(
            "bias_on_logits",
            "the choice goes by logit plus bias; it should go by score plus bias, after the sigmoid",
            _gate(by=lambda scores, logits, bias: logits + bias),
        ),
        Mistake(
            "bias_inside",
            "the bias is added before the sigmoid, so it is in the scores, and weighs; add it after, for the"
            " choice alone",
            lambda logits, bias, active, scale=1.0: _gate(by=lambda scores, _, __: scores)(
                logits + bias, bias, active, scale
            ),
        ),
        Mistake(
            "bias_subtracted",
            "the bias is subtracted; a larger bias should make an expert likelier to be chosen",
            _gate(by=lambda scores, logits, bias: scores - bias),
        ),
        Mistake(
            "divided_by_biased",
            "the weights are scores without bias, but they are divided by a sum with bias",
            lambda logits, bias, active, scale=1.0: _divided_by_biased(logits, bias, active, scale),
        ),
        Mistake(
            "smallest",
            "these are the experts with the smallest sum of score and bias; take the largest",
            _gate(largest=False),
        ),
        Mistake(
            "over_tokens",
            "each expert chooses tokens; each token should choose experts, so topk goes over the last axis",
            _gate(dim=0, divide_by=lambda weights, scores: weights.sum(dim=0, keepdim=True)),
        ),
        Mistake(
            "by_weight",
            "the right experts, sorted by their weights; the first should be the one with the largest score"
            " plus bias",
            _in_another_order(lambda weights, chosen: weights.argsort(dim=-1, descending=True, stable=True)),
        ),
        Mistake(
            "by_number",
            "the right experts, sorted by number; the first should be the one with the largest score plus"
            " bias",
            _in_another_order(lambda weights, chosen: chosen.argsort(dim=-1)),
        ),
        Mistake(
            "all_experts",
            "there is a weight for every expert, with zeros for those that were not chosen; return those of"
            " the chosen ones, [tokens, active]",
            _for_all_experts,
        ),
        Mistake(
            "detached",
            "the numbers are right, but no gradient comes back to the logits, so the router could never"
            " learn; leave out `detach()`, `no_grad()` and `.item()`",
            lambda logits, bias, active, scale=1.0: _right(logits.detach(), bias, active, scale),
        ),
        Mistake(
            "swapped",
            "the two outputs have changed places: weights first, then the chosen experts",
            lambda logits, bias, active, scale=1.0: _right(logits, bias, active, scale)[::-1],
        ),
        Mistake(
            "scale_of_v3",
            "the scale is always 2.5; use the number that is passed in",
            lambda logits, bias, active, scale=1.0: _right(logits, bias, active, 2.5),
        ),
    ),
    why="Two jobs, two numbers: score plus bias decides who is asked, and the score alone how much the answer"
    " counts. So the bias can keep the load even and never says anything about the text.",
)


def _divided_by_biased(
    logits: Tensor, bias: Tensor, active: int, scale: float = 1.0
) -> tuple[Tensor, Tensor]:
    scores = logits.sigmoid()
    best, chosen = (scores + bias).topk(active, dim=-1)
    return scale * scores.gather(-1, chosen) / _sum_of_weights(best), chosen


# update_bias


def _one_by_one(bias: Tensor, load: Tensor, speed: float) -> Tensor:
    counts = load.tolist()
    moves = [(sum(counts) > n * len(counts)) - (sum(counts) < n * len(counts)) for n in counts]
    return bias + speed * torch.tensor(moves, dtype=bias.dtype)


def _moved(move: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor, float], Tensor]:
    """The bias plus speed times `move(load, its mean)`."""
    return lambda bias, load, speed: bias + speed * move(load.double(), load.double().mean()).float()


def _only_the_ends(load: Tensor, mean: Tensor) -> Tensor:
    ends = torch.zeros_like(load)
    ends[load.argmax()] -= 1
    ends[load.argmin()] += 1
    return ends


def _update_case(name: str, bias: list[float], load: list[int], speed: float) -> Case:
    return Case(name, lambda: (torch.tensor(bias), torch.tensor(load), speed))


UPDATE_BIAS = Check(
    expected=_one_by_one,
    gradients=False,
    cases=(
        _update_case("a load of (3, 1, 2)", [0.0, 0.0, 0.0], [3, 1, 2], 0.001),
        _update_case("an even load", [0.0, 0.3, -0.1], [4, 4, 4], 0.01),
        _update_case("one crowded expert", [0.0, 0.0, 0.0, 0.0], [97, 2, 1, 0], 0.01),
        _update_case("biases that have moved before", [0.5, -0.2, 0.1, 0.3], [0, 8, 3, 5], 0.05),
        _update_case("a mean of 2.5", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [9, 0, 0, 2, 3, 1], 0.1),
        _update_case("a load whose median is below its mean", [0.0, 0.0, 0.0, 0.0], [12, 3, 3, 2], 0.02),
        _update_case("a load whose median is above its mean", [1.0, 0.0, 0.0, 0.0], [0, 9, 8, 7], 0.02),
        _update_case("a speed of one half", [1.0, 0.0, 0.0], [30, 1, 11], 0.5),
    ),
    mistakes=(
        Mistake(
            "sign_flipped",
            "crowded experts get more bias, and idle ones less: they would grow apart; turn the sign",
            _moved(lambda load, mean: (load - mean).sign()),
        ),
        Mistake(
            "proportional",
            "the step grows with the distance from the mean: another rule, whose steps depend on how many"
            " tokens there are; here every step has the same size, the sign of the distance times the speed",
            _moved(lambda load, mean: mean - load),
        ),
        Mistake(
            "relative",
            "the step grows with the distance from the mean, as a share of the mean; here every step has the"
            " same size, the sign of the distance times the speed",
            _moved(lambda load, mean: (mean - load) / mean),
        ),
        Mistake(
            "share_of_visits",
            "the step grows with the distance from the mean, as a share of all visits; here every step has"
            " the same size, the sign of the distance times the speed",
            _moved(lambda load, mean: (mean - load) / load.sum()),
        ),
        Mistake(
            "mean_goes_up",
            "an expert whose load is the mean goes up; it should stay",
            _moved(lambda load, mean: torch.where(load > mean, -1.0, 1.0)),
        ),
        Mistake(
            "mean_goes_down",
            "an expert whose load is the mean goes down; it should stay",
            _moved(lambda load, mean: torch.where(load < mean, 1.0, -1.0)),
        ),
        Mistake(
            "only_down",
            "crowded experts go down, and idle ones stay; they should go up",
            _moved(lambda load, mean: -(load > mean).double()),
        ),
        Mistake(
            "only_up",
            "idle experts go up, and crowded ones stay; they should go down",
            _moved(lambda load, mean: (load < mean).double()),
        ),
        Mistake(
            "only_the_ends",
            "the fullest and the emptiest expert have moved; all that are not at the mean should",
            _moved(_only_the_ends),
        ),
        Mistake(
            "median",
            "the loads are held against their median; hold them against their mean, what each would get if"
            " all got equally many",
            _moved(lambda load, mean: (load.quantile(0.5) - load).sign()),
        ),
        Mistake(
            "mean_rounded_down",
            "the mean is rounded down to a whole number, so that an expert just below it seems to be at it;"
            " divide with `/`, or take the mean of floats",
            lambda bias, load, speed: bias + speed * (load.sum() // len(load) - load).sign(),
        ),
        Mistake(
            "mean_rounded_up",
            "the mean is rounded up to a whole number, so that an expert just above it seems to be at it;"
            " divide with `/`, or take the mean of floats",
            lambda bias, load, speed: bias + speed * (-(-load.sum() // len(load)) - load).sign(),
        ),
        Mistake(
            "bias_lost",
            "this is the move alone; add it to the bias as it was",
            lambda bias, load, speed: _one_by_one(torch.zeros_like(bias), load, speed),
        ),
        Mistake(
            "speed_lost",
            "every bias moves by 1; multiply by the speed",
            lambda bias, load, speed: _one_by_one(bias, load, 1.0),
        ),
        Mistake(
            "recentred",
            "the mean of all biases was taken away; that changes no choice, but it is not the published rule,"
            " and other numbers come out",
            lambda bias, load, speed: _centred(_one_by_one(bias, load, speed)),
        ),
    ),
    why="It looks at the load alone, and takes from it nothing but above or below: no gradient, so the"
    " weights of the model never hear of it.",
)


def _centred(bias: Tensor) -> Tensor:
    return bias - bias.mean()


# specialisation


def _entropy(counts: Tensor) -> float:
    p = counts.double() / counts.sum()
    return -torch.special.xlogy(p, p).sum().item() / math.log(2)


def _information(visits: Tensor) -> float:
    """What two entropies lose when the two are counted together; by rounding it would be a little below 0."""
    lost = _entropy(visits.sum(dim=0)) + _entropy(visits.sum(dim=1)) - _entropy(visits.flatten())
    return max(0.0, lost)


def _careless(visits: Tensor) -> float:
    """With 0 * log 0 as it comes, which is NaN."""
    p = visits.double() / visits.sum()
    return float((p * (p / (p.sum(dim=1, keepdim=True) * p.sum(dim=0))).log2()).sum())


def _totals_place_by_place(visits: Tensor) -> float:
    p = visits.double() / visits.sum()
    return float((p * (p / (p.sum(dim=0) * p.sum(dim=1))).log2()).sum())


def _mean_of_kinds(visits: Tensor) -> float:
    """As if all kinds were equally common."""
    rows = visits.double() / visits.sum(dim=1, keepdim=True)
    return _information(rows)


def _visits(*rows: list[int]) -> Tensor:
    return torch.tensor(rows)


SPECIALISATION = Check(
    expected=_information,
    gradients=False,
    cases=(
        Case("two kinds that use both experts alike", lambda: (_visits([4, 4], [4, 4]),)),
        Case("a rare kind that uses the experts like the other", lambda: (_visits([30, 60], [1, 2]),)),
        Case("two kinds that use one expert each", lambda: (_visits([5, 0], [0, 5]),)),
        Case("a pair that never occurs", lambda: (_visits([3, 1], [0, 4]),)),
        Case("a rare kind with an expert of its own", lambda: (_visits([20, 20, 0], [0, 0, 4]),)),
        Case(
            "three kinds and five experts",
            lambda: (_visits([9, 1, 3, 2, 5], [2, 7, 1, 6, 3], [1, 1, 8, 2, 9]),),
        ),
        Case("four kinds and two experts", lambda: (_visits([9, 1], [2, 7], [8, 2], [5, 5]),)),
    ),
    mistakes=(
        Mistake(
            "in_nats",
            "this is in nats, with the natural logarithm; bits have the logarithm to base 2",
            lambda visits: _information(visits) * math.log(2),
        ),
        Mistake(
            "zero_times_infinity",
            "a pair that never occurs gives 0 times minus infinity, which is NaN; it should add nothing",
            _careless,
        ),
        Mistake(
            "totals_place_by_place",
            "the totals of rows and columns are multiplied place by place; each row's total meets each"
            " column's: keep the axis that is summed over (keepdim=True)",
            _totals_place_by_place,
        ),
        Mistake(
            "counts_for_shares",
            "the logarithms are weighed by counts; weigh them by shares, so that they give a mean",
            lambda visits: _information(visits) * visits.sum().item(),
        ),
        Mistake(
            "kinds_alike",
            "each kind counts alike, however rare it is; count visits: divide once, by the sum of all",
            _mean_of_kinds,
        ),
        Mistake(
            "sign",
            "the fraction under the logarithm is upside down, or the sign is: this is minus the answer",
            lambda visits: -_information(visits),
        ),
        Mistake(
            "entropy_of_pairs",
            "this is the entropy of the pairs; divide p by what it would be if kind and expert had nothing to"
            " do with each other",
            lambda visits: _entropy(visits.flatten()),
        ),
        Mistake(
            "entropy_of_experts",
            "this is the entropy of the experts' load: how evenly they are visited, by whomever",
            lambda visits: _entropy(visits.sum(dim=0)),
        ),
        Mistake(
            "what_is_left_open",
            "this is what is still open about the expert when the kind is known; what the kind *tells* is the"
            " rest of the entropy",
            lambda visits: _entropy(visits.sum(dim=0)) - _information(visits),
        ),
        Mistake(
            "share_of_entropy",
            "this is a share of the kinds' entropy; the bits themselves are asked for",
            lambda visits: _information(visits) / _entropy(visits.sum(dim=1)),
        ),
        Mistake(
            "mean_of_pairs",
            "the terms are averaged; add them up, since p is in them already",
            lambda visits: _information(visits) / visits.numel(),
        ),
    ),
    why="If kind and expert had nothing to do with each other, p would be the product of its two totals, and"
    " every logarithm 0. What is left over is what a visit gives away.",
)


# v3_params

Parts = dict[str, tuple[int, int]]


def _v3(
    change: Callable[[ModelConfig, Parts], Any] = lambda config, parts: {},
) -> Callable[[ModelConfig], Any]:
    """All parts, layer by layer; with what `change(config, parts)` says in the place of some."""

    def count(config: ModelConfig) -> Any:
        parts = _layer_by_layer(config)
        return {**parts, **change(config, parts)}

    return count


def _experts_of(config: ModelConfig) -> Experts:
    assert isinstance(config.feed_forward, Experts)
    return config.feed_forward


def _layer_by_layer(config: ModelConfig) -> Parts:
    shape, dim = _experts_of(config), config.dim
    table = config.vocab * dim
    parts: dict[str, list[int]] = {"embedding": [table, table], "head": [table, table], "norms": [dim, dim]}

    def add(name: str, total: int, active: int) -> None:
        before = parts.get(name, [0, 0])
        parts[name] = [before[0] + total, before[1] + active]

    for name in ("attention", "dense layers", "routed experts", "shared experts", "routers"):
        add(name, 0, 0)
    for layer in range(config.layers):
        add("norms", 2 * dim, 2 * dim)
        add("attention", attention_params(config), attention_params(config))
        if layer < shape.dense_layers:
            dense = 3 * dim * shape.dense_width
            add("dense layers", dense, dense)
            continue
        expert = 3 * dim * shape.width
        add("routed experts", shape.experts * expert, shape.active * expert)
        add("shared experts", shape.shared * expert, shape.shared * expert)
        add("routers", shape.experts * dim, shape.experts * dim)
    return {name: (total, active) for name, (total, active) in parts.items()}


OF_EXPERTS = ("routed experts", "shared experts", "routers")


def _times(numerator: int, denominator: int, count: tuple[int, int]) -> tuple[int, int]:
    return count[0] * numerator // denominator, count[1] * numerator // denominator


def _experts_everywhere(config: ModelConfig, parts: Parts) -> Parts:
    sparse = config.layers - config.dense_layers
    return {name: _times(config.layers, sparse, parts[name]) for name in OF_EXPERTS}


def _one_layer_more(config: ModelConfig) -> Parts:
    return _layer_by_layer(replace(config, layers=config.layers + 1))


def _once(*names: str) -> Callable[[ModelConfig, Parts], Parts]:
    """These parts, counted for one layer."""

    def change(config: ModelConfig, parts: Parts) -> Parts:
        layers = dict.fromkeys(OF_EXPERTS, config.layers - config.dense_layers)
        return {name: _times(1, layers.get(name, config.layers), parts[name]) for name in names}

    return change


def _matrices(count: int) -> Callable[[ModelConfig, Parts], Parts]:
    names = ("dense layers", "routed experts", "shared experts")
    return lambda config, parts: {name: _times(count, 3, parts[name]) for name in names}


def _active(**counts: Callable[[ModelConfig, Parts], int]) -> Callable[[ModelConfig, Parts], Parts]:
    """Other active counts; the part's name has an underscore for a space."""

    def change(config: ModelConfig, parts: Parts) -> Parts:
        names = {name: name.replace("_", " ") for name in counts}
        return {
            names[name]: (parts[names[name]][0], active(config, parts)) for name, active in counts.items()
        }

    return change


def _share(config: ModelConfig, parts: Parts) -> Parts:
    shape = _experts_of(config)
    return {name: (total, total * shape.active // shape.experts) for name, (total, _) in parts.items()}


def _small(layers: int, experts: Experts, attention: Heads | Latent | None = None) -> ModelConfig:
    return ModelConfig(
        vocab=11, dim=6, layers=layers, attention=attention or Heads(2, 1, 4), feed_forward=experts
    )


V3_PARAMS = Check(
    expected=_v3(),
    gradients=False,
    cases=(
        Case("one layer of four experts, one active", lambda: (_small(1, Experts(4, 1, 8)),)),
        Case("three layers of eight experts, three active", lambda: (_small(3, Experts(8, 3, 5)),)),
        Case("shared experts", lambda: (_small(2, Experts(8, 2, 5, shared=2)),)),
        Case(
            "five layers, of which the first two are dense",
            lambda: (_small(5, Experts(8, 2, 5, shared=1, dense_layers=2, dense_width=14)),),
        ),
        Case(
            "latent attention",
            lambda: (
                _small(
                    4,
                    Experts(10, 4, 7, shared=3, dense_layers=1, dense_width=20),
                    Latent(2, 5, 9, 4, 2, 3),
                ),
            ),
        ),
        Case("DeepSeek-V3's sizes", lambda: (DEEPSEEK_V3,)),
    ),
    mistakes=(
        Mistake(
            "experts_in_all_layers",
            "every layer has experts here; the first `config.dense_layers` have none (V3: 58 of 61 have)",
            _v3(_experts_everywhere),
        ),
        Mistake(
            "dense_and_experts",
            "every layer has a dense network here, also those with experts",
            _v3(lambda config, parts: {"dense layers": _dense_everywhere(config)}),
        ),
        Mistake(
            "shared_lost",
            "the shared experts are not counted (V3: 257 experts a layer, not 256)",
            _v3(lambda config, parts: {"shared experts": (0, 0)}),
        ),
        Mistake(
            "shared_idle",
            "the shared experts are not active; every token visits them (V3: nine experts, not eight)",
            _v3(_active(shared_experts=lambda config, parts: 0)),
        ),
        Mistake(
            "one_shared",
            "one shared expert is counted in each layer; the number is `shared`",
            _v3(lambda config, parts: {"shared experts": _one_shared(config)}),
        ),
        Mistake(
            "shared_counted_twice",
            "the shared experts are counted among the active routed ones too",
            _v3(
                _active(
                    routed_experts=lambda config, parts: (
                        parts["routed experts"][1] + parts["shared experts"][1]
                    )
                )
            ),
        ),
        Mistake(
            "all_active",
            "all routed experts are active; a token visits `active` of them",
            _v3(_active(routed_experts=lambda config, parts: parts["routed experts"][0])),
        ),
        Mistake(
            "share_of_everything",
            "the same share of every part is active; attention, embedding and the rest work on every token",
            _v3(_share),
        ),
        Mistake(
            "router_chosen_rows",
            "only the chosen experts' part of the router is active; it scores all experts for every token",
            _v3(
                _active(
                    routers=lambda config, parts: (
                        parts["routers"][0] * _experts_of(config).active // _experts_of(config).experts
                    )
                )
            ),
        ),
        Mistake(
            "embedding_idle",
            "the embedding is not active: one may count so, since a look-up does no work. Here it is, as in"
            " the 37 billion of the paper; the lesson looks at the difference",
            _v3(_active(embedding=lambda config, parts: 0)),
        ),
        Mistake(
            "one_row_of_embedding",
            "one row of the embedding is active: one may count so, since the others are not looked up. Here"
            " all of it is, as in the 37 billion of the paper; the lesson looks at the difference",
            _v3(_active(embedding=lambda config, parts: config.dim)),
        ),
        Mistake(
            "one_table",
            "the head is not counted; V3 has a table of its own for it",
            _v3(lambda config, parts: {"head": (0, 0)}),
        ),
        Mistake(
            "prediction_module_counted",
            "there is one layer too many: as in the published files, which hold V3's module for predicting"
            " one more token (685 billion), but the model itself has `config.layers`",
            _one_layer_more,
        ),
        Mistake(
            "two_matrices",
            "an expert or a dense layer has two matrices here; SwiGLU has three: gate, up and down",
            _v3(_matrices(2)),
        ),
        Mistake(
            "dense_width_of_experts",
            "the dense layers have the experts' width; theirs is `dense_width`",
            _v3(lambda config, parts: {"dense layers": _dense_with(config, _experts_of(config).width)}),
        ),
        Mistake(
            "one_layer_of_experts",
            "the experts of one layer are counted; each layer has its own",
            _v3(_once(*OF_EXPERTS)),
        ),
        Mistake(
            "one_attention",
            "the attention of one layer is counted; each layer has its own",
            _v3(_once("attention")),
        ),
        Mistake(
            "last_norm_lost",
            "the norm at the end is missing: two in each layer, and one more",
            _v3(lambda config, parts: {"norms": (2 * config.layers * config.dim,) * 2}),
        ),
        Mistake(
            "one_norm",
            "one norm is counted in each layer; there are two",
            _v3(lambda config, parts: {"norms": ((config.layers + 1) * config.dim,) * 2}),
        ),
        Mistake(
            "in_billions",
            "these are billions; return whole numbers",
            lambda config: {name: (t / 1e9, a / 1e9) for name, (t, a) in _layer_by_layer(config).items()},
        ),
        Mistake(
            "active_first",
            "in each pair, active stands first; all of them come first, then the active ones",
            lambda config: {name: count[::-1] for name, count in _layer_by_layer(config).items()},
        ),
    ),
    why="In V3 nearly all parameters are in the routed experts, and nearly all of those rest. So the whole"
    " model must be stored, and a small part of it works.",
)


def _dense_with(config: ModelConfig, width: int) -> tuple[int, int]:
    dense = config.dense_layers * 3 * config.dim * width
    return dense, dense


def _dense_everywhere(config: ModelConfig) -> tuple[int, int]:
    dense = config.layers * 3 * config.dim * _experts_of(config).dense_width
    return dense, dense


def _one_shared(config: ModelConfig) -> tuple[int, int]:
    expert = (config.layers - config.dense_layers) * 3 * config.dim * _experts_of(config).width
    return expert, expert


CHECKS = {
    "combinations": COMBINATIONS,
    "split": SPLIT,
    "shared_expert": SHARED_EXPERT,
    "sigmoid_gate": SIGMOID_GATE,
    "update_bias": UPDATE_BIAS,
    "specialisation": SPECIALISATION,
    "v3_params": V3_PARAMS,
}
