"""Checks of the routing exercises.

The inputs isolate one mechanism at a time: experts that multiply by different constants show who worked on
what, experts that add a constant show where the weight stands, an expert that nobody visits shows what is
counted, two sequences that use opposite halves of the experts show what is balanced.
The references are independent of the course's own code: a softmax of the best logits, every expert on every
token and then a weighted sum, and the auxiliary loss group by group.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .specification import Case, Check, Mistake

Expert = Callable[[Tensor], Tensor]


def _normal(*shape: int, seed: int = 0, size: float = 1.0) -> Tensor:
    return size * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _choices(tokens: int, experts: int, active: int, seed: int = 0) -> Tensor:
    """Distinct experts for each token, in any order."""
    return _normal(tokens, experts, seed=seed).topk(active, dim=-1).indices


# route


def _expected_route(logits: Tensor, active: int) -> tuple[Tensor, Tensor]:
    best, chosen = logits.topk(active, dim=-1)
    return best.softmax(dim=-1), chosen


def _route_by(scores: Callable[[Tensor], Tensor], *, divided: bool = True) -> Callable[..., Any]:
    """Routes by `scores(logits)`, the chosen ones divided by their sum or not."""

    def route(logits: Tensor, active: int) -> tuple[Tensor, Tensor]:
        weights, chosen = scores(logits).topk(active, dim=-1)
        return weights / weights.sum(dim=-1, keepdim=True) if divided else weights, chosen

    return route


def _divided_by(total: Callable[[Tensor], Tensor]) -> Callable[..., tuple[Tensor, Tensor]]:
    """Routes by a softmax, the chosen probabilities divided by `total(of them)`."""

    def route(logits: Tensor, active: int) -> tuple[Tensor, Tensor]:
        weights, chosen = logits.softmax(dim=-1).topk(active, dim=-1)
        return weights / total(weights), chosen

    return route


def _softmax_by_hand(logits: Tensor) -> Tensor:
    return logits.exp() / logits.exp().sum(dim=-1, keepdim=True)


def _tokens_of_each_expert(logits: Tensor, active: int) -> tuple[Tensor, Tensor]:
    weights, chosen = logits.softmax(dim=-1).topk(min(active, len(logits)), dim=0)
    return weights / weights.sum(dim=0, keepdim=True), chosen


def _all_weights(logits: Tensor, active: int, *, zeros: bool) -> tuple[Tensor, Tensor]:
    weights, chosen = _expected_route(logits, active)
    everything = logits.softmax(dim=-1)
    return torch.zeros_like(logits).scatter(-1, chosen, weights) if zeros else everything, chosen


def _least_likely(logits: Tensor, active: int) -> tuple[Tensor, Tensor]:
    weights, chosen = logits.softmax(dim=-1).topk(active, dim=-1, largest=False)
    return weights / weights.sum(dim=-1, keepdim=True), chosen


ROUTE = Check(
    expected=_expected_route,
    cases=(
        Case(
            "one token, the logits (0, ln 3, ln 2) and two active experts",
            lambda: (torch.tensor([[0.0, 3.0, 2.0]]).add(torch.tensor([[1.0, 0.0, 0.0]])).log(), 2),
        ),
        Case("one active expert of four", lambda: (_normal(1, 4), 1)),
        Case("all of three experts active", lambda: (_normal(2, 3), 3)),
        Case("a chosen expert whose logit is below zero", lambda: (torch.tensor([[-1.0, -3.0, 0.5]]), 2)),
        Case("five tokens, six experts, two active", lambda: (_normal(5, 6, size=2.0), 2)),
        Case("as many tokens as experts", lambda: (_normal(4, 4, seed=1), 3)),
        Case("a logit of 89, whose exponential is too large", lambda: (torch.tensor([[5.0, 89.0, 10.0]]), 2)),
        Case(
            "two tokens, one with logits near 89 and one with logits near -20",
            lambda: (torch.tensor([[5.0, 89.0, 10.0], [-20.0, -19.0, -18.0]]), 2),
        ),
    ),
    mistakes=(
        Mistake(
            "not_divided",
            "the weights of a token do not sum to one: another convention, that of Switch and of DeepSeek-V2;"
            " here, as in Mixtral and DeepSeek-V3, they are divided by their sum",
            _route_by(lambda logits: logits.softmax(dim=-1), divided=False),
        ),
        Mistake(
            "total_of_all_tokens",
            "the weights are divided by the sum over all tokens; divide each token's by their own sum:"
            " sum(dim=-1, keepdim=True)",
            _divided_by(lambda weights: weights.sum()),
        ),
        Mistake(
            "axis_lost",
            "the sum has lost its last axis, so it no longer lines up with the tokens; keep that axis, with"
            " length one (keepdim=True)",
            _divided_by(lambda weights: weights.sum(dim=-1)),
        ),
        Mistake(
            "over_tokens",
            "each expert chooses tokens; each token should choose experts, so topk goes over the last axis",
            _tokens_of_each_expert,
        ),
        Mistake(
            "softmax_over_tokens",
            "the softmax runs over the tokens; it should run over the experts, the last axis",
            _route_by(lambda logits: logits.softmax(dim=0)),
        ),
        Mistake(
            "least_likely",
            "these are the least likely experts; take the likeliest",
            _least_likely,
        ),
        Mistake(
            "likeliest_last",
            "the experts are the right ones, in the wrong order: the likeliest should come first",
            lambda logits, active: tuple(part.flip(-1) for part in _expected_route(logits, active)),
        ),
        Mistake(
            "by_number",
            "the experts are the right ones, sorted by their number: the likeliest should come first",
            lambda logits, active: _in_order_of_number(*_expected_route(logits, active)),
        ),
        Mistake(
            "detached",
            "the numbers are right, but no gradient comes back to the logits, so the router could never"
            " learn; leave out `detach()`, `no_grad()` and `.item()`",
            lambda logits, active: _expected_route(logits.detach(), active),
        ),
        Mistake(
            "unchosen_kept",
            "there is a weight for every expert, also for those that were not chosen; keep the chosen ones:"
            " [tokens, active]",
            partial(_all_weights, zeros=False),
        ),
        Mistake(
            "zeros_for_the_others",
            "there is a weight for every expert, with zeros for those that were not chosen; return the chosen"
            " ones alone, [tokens, active]",
            partial(_all_weights, zeros=True),
        ),
        Mistake(
            "softmax_of_probabilities",
            "a softmax was taken of probabilities; take it of logits: either of all and divide, or of the"
            " best ones alone",
            lambda logits, active: _softmax_twice(logits, active),
        ),
        Mistake(
            "logits_for_weights",
            "the logits themselves are divided by their sum; they may be negative. Take the softmax first",
            _route_by(lambda logits: logits),
        ),
        Mistake(
            "sigmoid",
            "the scores are sigmoids, as in DeepSeek-V3, which comes in lesson 06; here they are a softmax",
            _route_by(lambda logits: logits.sigmoid()),
        ),
        Mistake(
            "overflow",
            "e to the power of a large logit is infinite, and infinite divided by infinite is NaN; `softmax`"
            " takes the maximum away first",
            _route_by(_softmax_by_hand),
        ),
        Mistake(
            "whole_maximum",
            "the maximum of all tokens is taken away; take each token's own, or a token far below the others"
            " has nothing left but zeros",
            _route_by(lambda logits: _softmax_by_hand(logits - logits.max())),
        ),
        Mistake(
            "equal_weights",
            "all chosen experts have the same weight; a likelier one should count for more",
            lambda logits, active: (
                torch.full((len(logits), active), 1 / active),
                _expected_route(logits, active)[1],
            ),
        ),
        Mistake(
            "swapped",
            "the two outputs have changed places: weights first, then the chosen experts",
            lambda logits, active: _expected_route(logits, active)[::-1],
        ),
        Mistake(
            "always_two",
            "there are always two experts for a token; use the number that is passed in",
            lambda logits, active: _expected_route(logits, 2),
        ),
    ),
    why="Divided by their sum, the probabilities of the chosen experts are a softmax of the chosen logits"
    " alone. The choice itself has no gradient; the weights have one, and through them the router learns"
    " which of the experts that it tried helped more.",
)


def _in_order_of_number(weights: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    chosen, order = chosen.sort(dim=-1)
    return weights.gather(-1, order), chosen


def _softmax_twice(logits: Tensor, active: int) -> tuple[Tensor, Tensor]:
    best, chosen = logits.softmax(dim=-1).topk(active, dim=-1)
    return best.softmax(dim=-1), chosen


# dispatch_combine


def _watched(candidate: Callable[..., Any], x: Tensor, weights: Tensor, chosen: Tensor, experts: Any) -> Any:
    """What the candidate returns, and on how many tokens each expert worked."""
    worked = [0] * len(experts)

    def watched(number: int) -> Expert:
        def expert(tokens: Tensor) -> Tensor:
            worked[number] += tokens.numel() // x.shape[-1]
            return experts[number](tokens)

        return expert

    output = candidate(x, weights, chosen, [watched(number) for number in range(len(experts))])
    return {"returned": output, "tokens that each expert worked on": torch.tensor(worked)}


def _gates(weights: Tensor, chosen: Tensor, experts: int) -> Tensor:
    """[tokens, experts]: each expert's weight for each token, 0 where it was not chosen."""
    return (functional.one_hot(chosen, experts) * weights.unsqueeze(-1)).sum(dim=1)


def _summed(gates: Tensor, x: Tensor, experts: Sequence[Expert]) -> Tensor:
    return torch.stack([gates[:, [n]] * expert(x) for n, expert in enumerate(experts)]).sum(dim=0)


def _combined(weigh: Callable[[Tensor], Tensor] = lambda weights: weights) -> Callable[..., Any]:
    """The right sum with other weights, `weigh(weights)`; each expert works on its own tokens."""

    def combine(x: Tensor, weights: Tensor, chosen: Tensor, experts: Sequence[Expert]) -> Any:
        count = len(experts)
        output = _summed(_gates(weigh(weights), chosen, count), x, experts)
        return _report(output, chosen, count)

    return combine


def _report(output: Tensor, chosen: Tensor, experts: int) -> dict[str, Tensor]:
    worked = functional.one_hot(chosen, experts).sum(dim=(0, 1))
    return {"returned": output, "tokens that each expert worked on": worked}


def _loop(add: Callable[..., Tensor]) -> Callable[..., Any]:
    """A loop over experts and slots, in which `add(y, token, weight, x, expert)` gives the new y."""

    def combine(x: Tensor, weights: Tensor, chosen: Tensor, experts: Sequence[Expert]) -> Any:
        y = torch.zeros_like(x)
        for number, expert in enumerate(experts):
            for slot in range(chosen.shape[1]):
                token = torch.where(chosen[:, slot] == number)[0]
                y = add(y, token, weights[token, slot].unsqueeze(-1), x, expert)
        return _report(y, chosen, len(experts))

    return combine


def _dense(output: Callable[..., Tensor]) -> Callable[..., Any]:
    """Every expert works on every token; `output(x, weights, chosen, experts)`."""

    def combine(x: Tensor, weights: Tensor, chosen: Tensor, experts: Sequence[Expert]) -> Any:
        worked = torch.full((len(experts),), len(x))
        return {
            "returned": output(x, weights, chosen, experts),
            "tokens that each expert worked on": worked,
        }

    return combine


def _only_slot(slot: int) -> Callable[..., Any]:
    def combine(x: Tensor, weights: Tensor, chosen: Tensor, experts: Sequence[Expert]) -> Any:
        return _combined()(x, weights[:, [slot]], chosen[:, [slot]], experts)

    return combine


def _weight_of_expert_number(x: Tensor, weights: Tensor, chosen: Tensor, experts: Sequence[Expert]) -> Any:
    """The weight is looked up under the expert's number, where its slot belongs."""
    places = chosen.clamp(max=chosen.shape[1] - 1)
    return _combined(lambda given: given.gather(1, places))(x, weights, chosen, experts)


def _one_token_at_a_time(x: Tensor, weights: Tensor, chosen: Tensor, experts: Sequence[Expert]) -> Any:
    sums = [
        torch.stack([weight * experts[number](token) for weight, number in zip(*visits, strict=True)]).sum(0)
        for token, *visits in zip(x, weights, chosen.tolist(), strict=True)
    ]
    return _report(torch.stack(sums), chosen, len(experts))


def _times(*factors: float) -> list[Expert]:
    return [lambda x, factor=factor: factor * x for factor in factors]  # type: ignore[misc]


def _plus(*terms: float) -> list[Expert]:
    return [lambda x, term=term: x + term for term in terms]  # type: ignore[misc]


def _networks(count: int, dim: int) -> list[Expert]:
    """Small networks from [n, dim] to [n, dim], which take no single token [dim]."""

    def network(matrix: Tensor) -> Expert:
        def expert(x: Tensor) -> Tensor:
            if x.dim() != 2:
                raise ValueError(f"an expert takes [n, {dim}], and was given {list(x.shape)}")
            return torch.tanh(x @ matrix)

        return expert

    return [network(matrix) for matrix in _normal(count, dim, dim, seed=11)]


def _weights(tokens: int, active: int, seed: int = 5) -> Tensor:
    return _normal(tokens, active, seed=seed).softmax(dim=-1)


DISPATCH_COMBINE = Check(
    expected=_combined(),
    call=_watched,
    cases=(
        Case(
            "one token, sent to the second of three experts, with weight 1",
            lambda: (torch.tensor([[10.0]]), torch.ones(1, 1), torch.tensor([[1]]), _times(2, 3, 5)),
        ),
        Case(
            "one token, sent to two experts that double and multiply by five",
            lambda: (
                torch.tensor([[1.0]]),
                torch.tensor([[0.25, 0.75]]),
                torch.tensor([[0, 2]]),
                _times(2, 3, 5),
            ),
        ),
        Case(
            "experts that add a constant, so that it matters where the weight stands",
            lambda: (
                torch.tensor([[1.0], [2.0]]),
                torch.tensor([[0.25, 0.75], [0.5, 0.5]]),
                torch.tensor([[0, 2], [0, 2]]),
                _plus(10, 20, 40),
            ),
        ),
        Case(
            "two tokens that name the same two experts in opposite order",
            lambda: (
                torch.tensor([[1.0], [100.0]]),
                torch.tensor([[0.9, 0.1], [0.6, 0.4]]),
                torch.tensor([[1, 0], [0, 1]]),
                _times(2, 3),
            ),
        ),
        Case(
            "an expert that nobody visits, the last",
            lambda: (_normal(3, 2), _weights(3, 2), torch.tensor([[0, 1], [1, 0], [1, 0]]), _times(2, 3, 5)),
        ),
        Case(
            "six tokens, four small networks, two active",
            lambda: (_normal(6, 4), _weights(6, 2), _choices(6, 4, 2), _networks(4, 4)),
        ),
        Case(
            "weights that do not sum to one",
            lambda: (_normal(5, 4), 2.5 * _weights(5, 3), _choices(5, 4, 3), _networks(4, 4)),
        ),
        Case(
            "a batch as in training",  # large enough to tell an answer that would slow a training down
            lambda: (_normal(256, 16), _weights(256, 2), _choices(256, 8, 2), _networks(8, 16)),
        ),
    ),
    mistakes=(
        Mistake(
            "weight_on_input",
            "the weight is on what goes into the expert; it belongs on what comes out, since an expert is not"
            " a multiplication",
            _loop(lambda y, token, weight, x, expert: y.index_add(0, token, expert(weight * x[token]))),
        ),
        Mistake(
            "one_token_at_a_time",
            "each expert is called on single tokens, [dim]; it takes [n, dim], all its tokens at once:"
            " `x[token]`, where `token` holds the numbers of all that chose it",
            _one_token_at_a_time,
        ),
        Mistake(
            "sum_not_assigned",
            "nothing is added up: `index_add` gives a new tensor, and leaves `y` as it is. Keep what it"
            " gives, `y = y.index_add(...)`",
            _loop(lambda y, token, weight, x, expert: (expert(x[token]), y)[1]),
        ),
        Mistake(
            "overwritten",
            "the last expert overwrites what the others answered; add the answers up",
            _loop(lambda y, token, weight, x, expert: y.index_copy(0, token, weight * expert(x[token]))),
        ),
        Mistake(
            "average_of_all",
            "this is the average of all experts; each token should get the sum of its own ones, weighted",
            _dense(lambda x, weights, chosen, experts: torch.stack([e(x) for e in experts]).mean(dim=0)),
        ),
        Mistake(
            "every_expert_works",
            "the sum is right, but every expert worked on every token, so that no work is saved; give an"
            " expert its own tokens, `x[token]`, alone",
            _dense(
                lambda x, weights, chosen, experts: _summed(_gates(weights, chosen, len(experts)), x, experts)
            ),
        ),
        Mistake(
            "weight_lost",
            "the answers are added as they are; each should be multiplied by its weight first",
            _combined(torch.ones_like),
        ),
        Mistake(
            "plain_mean",
            "the chosen experts' answers are averaged; multiply each by its own weight",
            _combined(lambda weights: torch.full_like(weights, 1 / weights.shape[1])),
        ),
        Mistake(
            "first_slot_only",
            "only the first expert of each token is asked; `chosen` has one column for each active expert",
            _only_slot(0),
        ),
        Mistake(
            "first_weight_for_all",
            "the weight of the first expert is used for all of a token's experts; each has its own column",
            _combined(lambda weights: weights[:, :1].expand(weights.shape)),
        ),
        Mistake(
            "weight_by_expert_number",
            "the weight is looked up under the expert's number; column j of `weights` belongs to column j of"
            " `chosen`",
            _weight_of_expert_number,
        ),
        Mistake(
            "token_added",
            "the token itself is added to the sum; the block does that later (the residual)",
            lambda x, weights, chosen, experts: _with_token(x, weights, chosen, experts),
        ),
        Mistake(
            "weights_detached",
            "the numbers are right, but no gradient reaches the weights, so the router could never learn",
            _combined(lambda weights: weights.detach()),
        ),
        Mistake(
            "divided_again",
            "the weights are divided by their sum here; `route` has done that where it is wanted, and some"
            " models want another sum",
            _combined(lambda weights: weights / weights.sum(dim=-1, keepdim=True)),
        ),
    ),
    why="Each expert sees its own tokens and no others, so the work grows with the experts that a token"
    " visits, not with those that exist.",
)


def _with_token(x: Tensor, weights: Tensor, chosen: Tensor, experts: Sequence[Expert]) -> dict[str, Tensor]:
    report: dict[str, Tensor] = _combined()(x, weights, chosen, experts)
    return {**report, "returned": x + report["returned"]}


# load


def _expected_load(chosen: Tensor, experts: int) -> Tensor:
    return functional.one_hot(chosen, experts).flatten(0, -2).sum(dim=0)


def _up_to_the_last_visited(chosen: Tensor, experts: int) -> Tensor:
    return chosen.flatten().bincount()


LOAD = Check(
    expected=_expected_load,
    gradients=False,
    cases=(
        Case("three tokens, one expert each, two experts", lambda: (torch.tensor([[1], [0], [1]]), 2)),
        Case("two experts for each token", lambda: (torch.tensor([[0, 2], [2, 0], [2, 1]]), 3)),
        Case("a first expert that nobody visits", lambda: (torch.tensor([[1, 2], [2, 1]]), 3)),
        Case("a last expert that nobody visits", lambda: (torch.tensor([[0, 2], [2, 0], [2, 1]]), 5)),
        Case("two sequences of three tokens", lambda: (_choices(6, 4, 2).reshape(2, 3, 2), 4)),
        Case("as many tokens as experts", lambda: (_choices(5, 5, 3), 5)),
    ),
    mistakes=(
        Mistake(
            "last_experts_missing",
            "the experts after the last visited one are missing; an expert that nobody visits has the load 0",
            _up_to_the_last_visited,
        ),
        Mistake(
            "only_the_visited",
            "only visited experts have a count; one that nobody visits has the load 0",
            lambda chosen, experts: chosen.unique(return_counts=True)[1],
        ),
        Mistake(
            "shares_of_tokens",
            "the counts are divided by the number of tokens; the counts themselves are asked for",
            lambda chosen, experts: _expected_load(chosen, experts) / (chosen.numel() / chosen.shape[-1]),
        ),
        Mistake(
            "shares_of_visits",
            "the counts are divided by the number of all visits; the counts themselves are asked for",
            lambda chosen, experts: _expected_load(chosen, experts) / chosen.numel(),
        ),
        Mistake(
            "first_choice_only",
            "only each token's first expert is counted; all that it visits count",
            lambda chosen, experts: _expected_load(chosen[..., :1], experts),
        ),
        Mistake(
            "for_each_slot",
            "each column of `chosen` is counted by itself; add the columns up",
            lambda chosen, experts: functional.one_hot(chosen, experts).flatten(0, -3).sum(dim=0),
        ),
        Mistake(
            "visited_or_not",
            "this says whether an expert was visited; how often is asked for",
            lambda chosen, experts: (_expected_load(chosen, experts) > 0).long(),
        ),
        Mistake(
            "numbers_added",
            "the numbers of the experts are added up; count how often each occurs",
            lambda chosen, experts: chosen.flatten(0, -2).sum(dim=0),
        ),
        Mistake(
            "one_too_many",
            "there is a count for one expert more than there are; they are numbered from 0 to experts - 1",
            lambda chosen, experts: _expected_load(chosen, experts + 1),
        ),
    ),
    why="Counts for all experts, also for the idle ones: an expert with the load 0 is what a balance must"
    " notice first.",
)


# dispatch_sorted


def _overheard(
    candidate: Callable[..., Any], x: Tensor, weights: Tensor, chosen: Tensor, experts: int, grouped: Any
) -> Any:
    """What the candidate returns, and the `ends` that it gave to `grouped`, with their type."""
    heard = {"ends": torch.zeros(0, dtype=torch.int32), "type": "grouped was never called"}

    def overhearing(rows: Tensor, ends: Tensor) -> Any:
        heard.update(ends=ends.detach().clone(), type=str(ends.dtype).removeprefix("torch."))
        return grouped(rows, ends)

    output = candidate(x, weights, chosen, experts, overhearing)
    return {"returned": output, "ends": heard["ends"], "type of ends": heard["type"]}


def _answers_of_all(x: Tensor, experts: int, grouped: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Every expert's answer to every token, [experts, tokens, dim]: all rows belong to one at a time."""
    number = torch.arange(experts)
    return torch.stack([grouped(x, (len(x) * (number >= n)).int()) for n in range(experts)])


def _expected_sorted(
    x: Tensor, weights: Tensor, chosen: Tensor, experts: int, grouped: Callable[[Tensor, Tensor], Tensor]
) -> dict[str, Any]:
    answers = _answers_of_all(x, experts, grouped)
    y = torch.einsum("te,etd->td", _gates(weights, chosen, experts), answers)
    return {"returned": y, "ends": _expected_load(chosen, experts).cumsum(0), "type of ends": "int32"}


def _steps(
    *,
    token: Callable[[Tensor, Tensor, int], Tensor] = lambda order, chosen, experts: order // chosen.shape[1],
    ends: Callable[[Tensor, int], Tensor] = lambda chosen, experts: _expected_load(chosen, experts).cumsum(0),
    weight: Callable[[Tensor, Tensor], Tensor] = lambda weights, order: weights.flatten()[order],
    on_rows: bool = False,
    kind: torch.dtype = torch.int32,
    put: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda y, token, rows: y.index_add(0, token, rows),
    descending: bool = False,
) -> Callable[..., Any]:
    """The steps of the right answer, some of them done in another way."""

    def dispatch(x: Tensor, weights: Tensor, chosen: Tensor, experts: int, grouped: Any) -> Any:
        order = chosen.flatten().argsort(stable=True, descending=descending)
        tokens, factors = token(order, chosen, experts), weight(weights, order).unsqueeze(-1)
        rows = x[tokens] * factors if on_rows else x[tokens]
        answers = grouped(rows, ends(chosen, experts).to(kind))
        return put(torch.zeros_like(x), tokens, answers if on_rows else answers * factors)

    return partial(_overheard, dispatch)


def _assigned(y: Tensor, token: Tensor, rows: Tensor) -> Tensor:
    """`y[token] += rows`: where a token occurs twice, the last row alone is added."""
    y[token] += rows
    return y


def _starts(chosen: Tensor, experts: int) -> Tensor:
    counts = _expected_load(chosen, experts)
    return counts.cumsum(0) - counts


def _grouped_times(*factors: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Experts that multiply by `factors`, and add ten times as much: called on rows sorted by expert."""
    constants = torch.tensor(factors)

    def grouped(rows: Tensor, ends: Tensor) -> Tensor:
        row = torch.arange(len(rows), dtype=ends.dtype)
        number = (row.unsqueeze(-1) >= ends).sum(dim=-1).clamp(max=len(constants) - 1)
        factor = constants[number].unsqueeze(-1)
        return factor * rows + 10 * factor

    return grouped


DISPATCH_SORTED = Check(
    expected=_expected_sorted,
    call=_overheard,
    cases=(
        Case(
            "two tokens, one expert each, already in order",
            lambda: (
                torch.tensor([[1.0], [2.0]]),
                torch.ones(2, 1),
                torch.tensor([[0], [1]]),
                2,
                _grouped_times(2, 3),
            ),
        ),
        Case(
            "three tokens, one expert each, out of order, and a last expert that nobody visits",
            lambda: (
                torch.tensor([[1.0], [2.0], [3.0]]),
                torch.ones(3, 1),
                torch.tensor([[1], [0], [1]]),
                3,
                _grouped_times(2, 3, 5),
            ),
        ),
        Case(
            "one token with two experts",
            lambda: (
                torch.tensor([[1.0]]),
                torch.tensor([[0.25, 0.75]]),
                torch.tensor([[1, 0]]),
                2,
                _grouped_times(2, 3),
            ),
        ),
        Case(
            "three tokens with two experts each, and an empty expert in the middle",
            lambda: (
                torch.tensor([[1.0], [2.0], [3.0]]),
                torch.tensor([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]]),
                torch.tensor([[3, 0], [0, 2], [2, 3]]),
                4,
                _grouped_times(2, 3, 5, 7),
            ),
        ),
        Case(
            "all tokens sent to one expert",
            lambda: (
                _normal(4, 2),
                torch.ones(4, 1),
                torch.tensor([[1], [1], [1], [1]]),
                3,
                _grouped_times(2, 3, 5),
            ),
        ),
        Case(
            # 15 visits: with more than 16, an `argsort` without `stable` may change the order of equal ones,
            # and then no mistake agrees with the answer that makes it
            "five tokens, six experts, three active",
            lambda: (
                _normal(5, 4),
                _weights(5, 3),
                _choices(5, 6, 3),
                6,
                _grouped_times(2, 3, 5, 7, 11, 13),
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "order_not_undone",
            "the answers are added in sorted order; each row belongs to the token it was made of, not to the"
            " place where it stands",
            _steps(put=lambda y, token, rows: rows.unflatten(0, (len(y), -1)).sum(dim=1)),
        ),
        Mistake(
            "starts_for_ends",
            "`ends` holds where each expert's part begins; it should hold where it ends: the running sum,"
            " with the expert's own rows",
            _steps(ends=_starts),
        ),
        Mistake(
            "last_rows",
            "`ends` holds each part's last row; it should hold the row after it, as a slice's end does",
            _steps(ends=lambda chosen, experts: _expected_load(chosen, experts).cumsum(0) - 1),
        ),
        Mistake(
            "counts_for_ends",
            "`ends` holds how many rows each expert has; it should hold the running sum of these counts",
            _steps(ends=_expected_load),
        ),
        Mistake(
            "empty_experts_missing",
            "`ends` is too short: an expert that nobody visits needs its place too (`minlength`)",
            _steps(ends=lambda chosen, experts: _up_to_the_last_visited(chosen, experts).cumsum(0)),
        ),
        Mistake(
            "only_last_row_added",
            "`y[token] += rows` adds one row alone where a token occurs twice; `index_add` adds them all",
            _steps(put=_assigned),
        ),
        Mistake(
            "slot_for_token",
            "the remainder of the division by `active` is the slot; the token is the whole part, `//`",
            _steps(token=lambda order, chosen, experts: order % chosen.shape[1]),
        ),
        Mistake(
            "token_by_remainder",
            "the remainder of the division by the number of tokens is taken for the token; in"
            " `chosen.flatten()` the visits of one token stand side by side, so it is the whole part of the"
            " division by `active`",
            _steps(token=lambda order, chosen, experts: order % len(chosen)),
        ),
        Mistake(
            "divided_by_experts",
            "the places are divided by how many experts there are; each token has `active` places in"
            " `chosen.flatten()`, one for each column of `chosen`: `order // chosen.shape[1]`",
            _steps(token=lambda order, chosen, experts: order // experts),
        ),
        Mistake(
            "sum_not_assigned",
            "nothing is added up: `index_add` gives a new tensor, and leaves the old one as it is. Return, or"
            " keep, what it gives",
            _steps(put=lambda y, token, rows: y),
        ),
        Mistake(
            "weights_not_sorted",
            "the rows are sorted, but the weights are not; bring them into the same order",
            _steps(weight=lambda weights, order: weights.flatten()),
        ),
        Mistake(
            "weight_lost",
            "the answers are added as they are; each should be multiplied by its weight first",
            _steps(weight=lambda weights, order: torch.ones_like(weights.flatten())),
        ),
        Mistake(
            "weight_on_rows",
            "the weight is on the rows that go in; it belongs on the answers that come out",
            _steps(on_rows=True),
        ),
        Mistake(
            "ends_not_int32",
            "`ends` are int64; PyTorch's `grouped_mm`, which gets them, wants int32: `.int()`",
            _steps(kind=torch.int64),
        ),
        Mistake(
            "last_expert_first",
            "the rows of the last expert come first; sort in ascending order",
            _steps(descending=True),
        ),
    ),
    why="Sorted by expert, all tokens of an expert lie side by side, and one matrix product over all groups"
    " takes the place of a loop. Every row remembers which token it came from, so the way back is a sum.",
)


# max_vio


def _expected_max_vio(load: Tensor) -> Tensor:
    return load.float().max() / load.float().mean() - 1


def _of_floats(measure: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda load: measure(load.float())


MAX_VIO = Check(
    expected=_expected_max_vio,
    gradients=False,
    cases=(
        Case("the loads 3 and 3", lambda: (torch.tensor([3, 3]),)),
        Case("the loads 6, 2, 1 and 3", lambda: (torch.tensor([6, 2, 1, 3]),)),
        Case("one expert that gets everything", lambda: (torch.tensor([0, 0, 8, 0]),)),
        Case("one expert that gets nothing", lambda: (torch.tensor([5, 5, 5, 0]),)),
        Case("a mean that is not a whole number", lambda: (torch.tensor([4, 3, 7]),)),
    ),
    mistakes=(
        Mistake(
            "mean_not_subtracted",
            "this is the fullest load divided by the mean: 1 when all is even; subtract the mean first",
            _of_floats(lambda load: load.max() / load.mean()),
        ),
        Mistake(
            "not_divided",
            "this is how many tokens the fullest expert has too many; divide by the mean",
            _of_floats(lambda load: load.max() - load.mean()),
        ),
        Mistake(
            "either_way",
            "an expert with too little counts here as well as one with too much; the fullest alone counts: it"
            " is the one that all others wait for",
            _of_floats(lambda load: (load - load.mean()).abs().max() / load.mean()),
        ),
        Mistake(
            "divided_by_largest",
            "the excess is divided by the largest load; divide by the mean",
            _of_floats(lambda load: (load.max() - load.mean()) / load.max()),
        ),
        Mistake(
            "divided_by_sum",
            "the excess is divided by the sum of all loads; divide by their mean",
            _of_floats(lambda load: (load.max() - load.mean()) / load.sum()),
        ),
        Mistake(
            "largest_minus_smallest",
            "the smallest load is subtracted; subtract the mean",
            _of_floats(lambda load: (load.max() - load.min()) / load.mean()),
        ),
        Mistake(
            "emptiest",
            "this looks at the emptiest expert; look at the fullest",
            _of_floats(lambda load: (load.mean() - load.min()) / load.mean()),
        ),
        Mistake(
            "standard_deviation",
            "this is the spread of all loads; MaxVio looks at the fullest expert alone",
            _of_floats(lambda load: load.std(correction=0) / load.mean()),
        ),
        Mistake(
            "median",
            "the excess is measured against the median; measure it against the mean",
            _of_floats(lambda load: (load.max() - load.median()) / load.median().clamp(min=1)),
        ),
        Mistake(
            "whole_numbers",
            "the division is rounded down to a whole number; use `/`, and a mean that is not rounded",
            lambda load: ((load.max() - load.sum() // len(load)) // (load.sum() // len(load))).float(),
        ),
        Mistake(
            "for_each_expert",
            "there is a number for each expert; the largest of them is asked for",
            _of_floats(lambda load: (load - load.mean()) / load.mean()),
        ),
    ),
    why="The fullest expert is the last to finish, and all others wait for it. MaxVio says how much longer a"
    " layer takes than with an even load, if each expert has a machine of its own.",
)


# aux_loss

Group = tuple[Tensor, Tensor]
"""The scores [tokens, experts] and the chosen experts [tokens, active] of one group's real tokens."""


def _groups(scores: Tensor, chosen: Tensor, real: Tensor | None) -> Iterator[Group]:
    flat_scores, flat_chosen = (x.reshape(-1, *x.shape[-2:]) for x in (scores, chosen))
    marks = (
        torch.ones(flat_scores.shape[:2], dtype=torch.bool)
        if real is None
        else real.reshape(-1, real.shape[-1])
    )
    for group, its, marked in zip(flat_scores, flat_chosen, marks, strict=True):
        yield group[marked], its[marked]


def _f(scores: Tensor, chosen: Tensor) -> Tensor:
    """Each expert's tokens, divided by what an even share would be."""
    even = chosen.numel() / scores.shape[-1]
    return _expected_load(chosen, scores.shape[-1]) / even


def _p(scores: Tensor, chosen: Tensor) -> Tensor:
    return (scores / scores.sum(dim=-1, keepdim=True)).mean(dim=0)


def _product(scores: Tensor, chosen: Tensor) -> Tensor:
    return (_f(scores, chosen) * _p(scores, chosen)).sum()


def _aux(
    of_group: Callable[[Tensor, Tensor], Tensor] = _product,
    join: Callable[[Tensor], Tensor] = torch.mean,
    sees_padding: bool = False,
) -> Callable[..., Tensor]:
    """alpha times what `join` makes of `of_group` for each group."""

    def aux_loss(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
        groups = _groups(scores, chosen, None if sees_padding else real)
        return alpha * join(torch.stack([of_group(*group) for group in groups]))

    return aux_loss


def _of_batch(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    marked = torch.ones(scores.shape[:-1], dtype=torch.bool) if real is None else real
    return _aux()(scores[marked], chosen[marked], alpha)


def _divided_by_all(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    """Padding is left out of the sums, and counted in what they are divided by."""
    shares = torch.ones(()) if real is None else real.float().mean(dim=-1)
    return _aux(join=lambda losses: (losses * shares.flatten() ** 2).mean())(scores, chosen, alpha, real)


def _half_padding(
    scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None, *, f_sees: bool
) -> Tensor:
    """One of f and P is taken over padding too."""
    everything, marked = list(_groups(scores, chosen, None)), list(_groups(scores, chosen, real))
    for_f, for_p = (everything, marked) if f_sees else (marked, everything)
    pairs = zip(for_f, for_p, strict=True)
    return alpha * torch.stack([(_f(*one) * _p(*other)).sum() for one, other in pairs]).mean()


def _first_tokens(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    """Takes the number of real tokens for their places."""
    first = None if real is None else torch.arange(real.shape[-1]) < real.sum(dim=-1, keepdim=True)
    return _aux()(scores, chosen, alpha, first)


def _scores_of_chosen(scores: Tensor, chosen: Tensor) -> Tensor:
    """The scores, zero where an expert was not chosen."""
    return scores * functional.one_hot(chosen, scores.shape[-1]).sum(dim=-2)


def _aux_case(name: str, groups: int, tokens: int, experts: int, active: int, *, real: str = "") -> Case:
    """Sigmoid scores of a router out of balance. `real`: rows like "xxx..", True where there is an x."""

    def arguments() -> tuple[Any, ...]:
        scores = (_normal(groups, tokens, experts, seed=3) + torch.linspace(-1, 1, experts)).sigmoid()
        chosen = scores.topk(active, dim=-1).indices
        marks = torch.tensor([[letter == "x" for letter in row] for row in real.split()])
        return (scores, chosen, 0.1, marks) if real else (scores, chosen, 0.1)

    return Case(name, arguments)


def _halves() -> tuple[Tensor, Tensor, float]:
    """Two sequences of three tokens: one uses experts 0 and 1 alone, the other 2 and 3."""
    chosen = torch.tensor([[[0, 1]] * 3, [[2, 3]] * 3])
    return torch.zeros(2, 3, 4).scatter(-1, chosen, 0.98) + 0.01, chosen, 0.1


AUX_LOSS = Check(
    expected=_aux(),
    cases=(
        Case(
            "four tokens that go to four experts, and equal scores: an even load, where the loss is alpha",
            lambda: (torch.full((1, 4, 4), 0.25), torch.tensor([[[0], [1], [2], [3]]]), 0.1),
        ),
        Case(
            "three of four tokens sent to one of two experts",
            lambda: (
                torch.tensor([[[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.3, 0.7]]]),
                torch.tensor([[[0], [0], [0], [1]]]),
                0.01,
            ),
        ),
        _aux_case("scores that do not sum to one, as sigmoids", 1, 3, 4, 1),
        _aux_case("two active experts", 1, 5, 4, 2),
        Case("two sequences that use opposite halves of the experts: each is out of balance", _halves),
        _aux_case("three sequences, three active experts of five", 3, 4, 5, 3),
        _aux_case("padding at the end", 2, 5, 4, 2, real="xx... xxxx."),
        _aux_case("padding at the front", 2, 5, 4, 2, real="..xxx .xxxx"),
    ),
    mistakes=(
        Mistake(
            "p_detached",
            "the numbers are right, but no gradient comes back, so that this loss would change nothing; P"
            " needs its gradient, f has none",
            _aux(lambda scores, chosen: _product(scores.detach(), chosen)),
        ),
        Mistake(
            "experts_lost",
            "this is too small by the number of experts: f should be 1 when the load is even, and f * P is"
            " added up, not averaged",
            _aux(lambda scores, chosen: _product(scores, chosen) / scores.shape[-1]),
        ),
        Mistake(
            "active_lost",
            "f is not divided by the number of active experts: with an even load it should be 1, however"
            " many a token visits",
            _aux(lambda scores, chosen: _product(scores, chosen) * chosen.shape[-1]),
        ),
        Mistake(
            "even_share_lost",
            "f is the number of tokens divided by all tokens; divide it by the even share, active /"
            " experts, too",
            _aux(lambda scores, chosen: _product(scores, chosen) * chosen.shape[-1] / scores.shape[-1]),
        ),
        Mistake(
            "counts_for_f",
            "f is a count; divide it by what the expert would get if all got equally many",
            _aux(lambda scores, chosen: _product(scores, chosen) * chosen.numel() / scores.shape[-1]),
        ),
        Mistake(
            "sign",
            "the sign is wrong: falling, this loss would send ever more tokens to the fullest expert",
            _aux(lambda scores, chosen: -_product(scores, chosen)),
        ),
        Mistake(
            "scores_not_divided",
            "the scores are averaged as they are; divide each token's scores by their sum first, or sigmoids"
            " would make the loss small by all being small",
            _aux(lambda scores, chosen: (_f(scores, chosen) * scores.mean(dim=0)).sum()),
        ),
        Mistake(
            "softmax_of_scores",
            "P is made of a softmax of the scores, which are positive already; divide each token's scores by"
            " their sum",
            _aux(lambda scores, chosen: (_f(scores, chosen) * scores.softmax(dim=-1).mean(dim=0)).sum()),
        ),
        Mistake(
            "chosen_scores_only",
            "P is made of the chosen experts' scores alone; the scores of all experts count, or an expert"
            " that is never chosen would not be pulled up",
            _aux(
                lambda scores, chosen: (
                    _f(scores, chosen) * _p(_scores_of_chosen(scores, chosen), chosen)
                ).sum()
            ),
        ),
        Mistake(
            "divided_by_chosen",
            "each token's scores are divided by the sum of the chosen ones; divide them by the sum of all",
            _aux(
                lambda scores, chosen: (
                    _f(scores, chosen)
                    * (scores / _scores_of_chosen(scores, chosen).sum(dim=-1, keepdim=True)).mean(dim=0)
                ).sum()
            ),
        ),
        Mistake(
            "scores_for_f",
            "f is made of the scores too; it should count where the tokens went",
            _aux(lambda scores, chosen: scores.shape[-1] * _p(scores, chosen).square().sum()),
        ),
        Mistake(
            "counts_for_p",
            "P is made of counts too, and counts have no gradient; it should be the mean score",
            _aux(lambda scores, chosen: _f(scores, chosen).square().mean()),
        ),
        Mistake(
            "batch_for_sequence",
            "all sequences are put together; each group, that is each sequence here, should be balanced by"
            " itself",
            _of_batch,
        ),
        Mistake(
            "summed_over_groups",
            "the groups' losses are added up; take their mean, so that it does not matter how many there are",
            _aux(join=torch.sum),
        ),
        Mistake(
            "not_averaged",
            "there is a number for each group; return their mean",
            _aux(join=lambda losses: losses),
        ),
        Mistake(
            "alpha_lost",
            "alpha is not used: multiply the sum by it",
            lambda scores, chosen, alpha, real=None: _aux()(scores, chosen, 1.0, real),
        ),
        Mistake(
            "padding_counted",
            "padding counts like any token; leave out what `real` marks as False, in f and in P",
            _aux(sees_padding=True),
        ),
        Mistake(
            "padding_in_f",
            "padding still counts in f; leave it out there as in P",
            partial(_half_padding, f_sees=True),
        ),
        Mistake(
            "padding_in_p",
            "padding still counts in P; leave it out there as in f",
            partial(_half_padding, f_sees=False),
        ),
        Mistake(
            "divided_by_all",
            "padding is left out of the sums, but they are divided by the number of all tokens; divide by the"
            " number of real ones",
            _divided_by_all,
        ),
        Mistake(
            "first_tokens_real",
            "as many tokens are counted as are real, but always the first ones; padding may stand anywhere",
            _first_tokens,
        ),
        Mistake(
            "first_choice_only",
            "only each token's first expert counts in f; all that it visits count",
            _aux(lambda scores, chosen: _product(scores, chosen[:, :1])),
        ),
    ),
    why="The factor f says who gets too much, and P is what the router can change: the gradient lowers the"
    " scores of full experts and raises those of empty ones. When the load is even, it is zero.",
)

CHECKS = {
    "route": ROUTE,
    "dispatch_combine": DISPATCH_COMBINE,
    "load": LOAD,
    "dispatch_sorted": DISPATCH_SORTED,
    "max_vio": MAX_VIO,
    "aux_loss": AUX_LOSS,
}
