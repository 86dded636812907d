"""Answers to the DeepSeekMoE exercises: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import torch
from einops import einsum, reduce
from torch import Tensor
from torch.nn import functional

from pocketr1.configuration import Experts, ModelConfig
from pocketr1.sizes import attention_params, count_params, experts_params

# combinations


def combinations_by_factorials(experts: int, active: int) -> int:
    return math.factorial(experts) // (math.factorial(active) * math.factorial(experts - active))


def combinations_by_pascal(experts: int, active: int) -> int:
    row = [1]
    for _ in range(experts):
        row = [1, *(left + right for left, right in itertools.pairwise(row)), 1]
    return row[active]


def combinations_by_product(experts: int, active: int) -> int:
    top = math.prod(range(experts - active + 1, experts + 1))
    return top // math.prod(range(1, active + 1))


# split


def split_by_dict(experts: Experts, pieces: int) -> Experts:
    width, rest = divmod(experts.width, pieces)
    if rest != 0:
        raise ValueError(f"{pieces} pieces of {experts.width}?")
    fields = asdict(experts)
    fields["width"] = width
    for name in ("experts", "active", "shared"):
        fields[name] *= pieces
    return Experts(**fields)


def split_by_copying(experts: Experts, pieces: int) -> Experts:
    if int(experts.width / pieces) * pieces != experts.width:
        raise ValueError("not equal")
    grown = replace(experts, experts=pieces * experts.experts, active=pieces * experts.active)
    return replace(grown, width=int(experts.width / pieces), shared=pieces * experts.shared)


def split_in_full(experts: Experts, pieces: int) -> Experts:
    if experts.width % pieces != 0:
        raise ValueError("the pieces would not be equal")
    return Experts(
        experts.experts * pieces,
        experts.active * pieces,
        experts.width // pieces,
        experts.shared * pieces,
        experts.router,
        experts.scale,
        experts.groups,
        experts.kept_groups,
        experts.dense_layers,
        experts.dense_width,
        experts.balance,
        experts.alpha,
        experts.bias_speed,
    )


def split_with(**change: Callable[[Experts, int], Any]) -> Callable[[Experts, int], Experts]:
    """The right split by a loop over fields, some of them made in another way."""

    def split(experts: Experts, pieces: int) -> Experts:
        if experts.width % pieces:
            raise ValueError
        made: dict[str, Any] = {"width": experts.width // pieces}
        for name in ("experts", "active", "shared"):
            made[name] = getattr(experts, name) * pieces
        made |= {name: make(experts, pieces) for name, make in change.items()}
        return replace(experts, **made)

    return split


def rounded_down(experts: Experts, pieces: int) -> Experts:
    return replace(
        experts,
        width=experts.width // pieces,
        active=experts.active * pieces,
        experts=experts.experts * pieces,
        shared=experts.shared * pieces,
    )


def float_width(experts: Experts, pieces: int) -> Experts:
    return replace(rounded_down(experts, pieces), width=experts.width / pieces)  # type: ignore[arg-type]


def other_fields_lost(experts: Experts, pieces: int) -> Experts:
    if experts.width % pieces:
        raise ValueError
    return Experts(
        experts=experts.experts * pieces,
        width=experts.width // pieces,
        active=experts.active * pieces,
        shared=experts.shared * pieces,
    )


def shared_and_others_lost(experts: Experts, pieces: int) -> Experts:
    if experts.width % pieces:
        raise ValueError("no equal pieces")
    return Experts(pieces * experts.experts, pieces * experts.active, experts.width // pieces)


def error_returned(experts: Experts, pieces: int) -> Any:
    if experts.width % pieces:
        return ValueError("no equal pieces")
    return split_in_full(experts, pieces)


def asserted(experts: Experts, pieces: int) -> Experts:
    assert experts.width % pieces == 0
    return split_in_full(experts, pieces)


def unchanged(experts: Experts, pieces: int) -> Experts:
    return experts


# shared_expert


def shared_in_place(x: Tensor, weights: Tensor, chosen: Tensor, routed: Any, shared: Any) -> Tensor:
    y = torch.zeros_like(x)
    y += shared(x)
    y += routed(x, weights, chosen)
    return y


def shared_token_by_token(x: Tensor, weights: Tensor, chosen: Tensor, routed: Any, shared: Any) -> Tensor:
    rows = [routed(x[[t]], weights[[t]], chosen[[t]]) + shared(x[[t]]) for t in range(len(x))]
    return torch.cat(rows)


def shared_by_stacking(x: Tensor, weights: Tensor, chosen: Tensor, routed: Any, shared: Any) -> Tensor:
    said = torch.stack([routed(x, weights, chosen), shared(x)])
    return reduce(said, "part token dim -> token dim", "sum")


# sigmoid_gate


def gate_by_sorting(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    scores = functional.sigmoid(logits)
    chosen = torch.argsort(scores + bias, dim=1, descending=True)[:, :active]
    weights = torch.take_along_dim(scores, chosen, dim=1)
    return scale * (weights / weights.sum(1, keepdim=True)), chosen


def gate_by_indexing(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    scores = logits.sigmoid()
    with torch.no_grad():
        _, chosen = torch.topk(scores + bias, active)
    weights = scores[torch.arange(len(logits)).unsqueeze(1), chosen]
    return functional.normalize(weights, p=1, dim=-1) * scale, chosen


def gate_by_loop(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    rows, numbers = [], []
    for row, its_bias in zip(logits.sigmoid(), bias.expand_as(logits), strict=True):
        best = (row + its_bias).topk(active).indices
        rows.append(row[best] * (scale / row[best].sum()))
        numbers.append(best)
    return torch.stack(rows), torch.stack(numbers)


def gate_by_taking_bias_away(
    logits: Tensor, bias: Tensor, active: int, scale: float = 1.0
) -> tuple[Tensor, Tensor]:
    scores = logits.sigmoid()
    best, chosen = (scores + bias).topk(active)
    weights = best - bias.expand_as(scores).gather(1, chosen)
    return weights / weights.sum(-1, keepdim=True) * scale, chosen


def gate_in_float64(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    scores = logits.double().sigmoid()
    chosen = (scores + bias).topk(active, dim=-1, sorted=True)[1]
    weights = scores.gather(-1, chosen)
    return weights / (weights.sum(-1, keepdim=True) + 1e-20) * scale, chosen


def gate(
    *,
    scores: Callable[[Tensor], Tensor] = lambda logits: 1 / (1 + (-logits).exp()),
    by: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda s, logits, bias: s + bias,
    take: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] = lambda s, logits, bias, c: s.gather(1, c),
    finish: Callable[[Tensor, Tensor, float], Tensor] = lambda w, s, scale: (
        w * (scale / w.sum(1, keepdim=True))
    ),
    choose: Callable[[Tensor, int], Tensor] = lambda by, active: by.argsort(1, descending=True)[:, :active],
) -> Callable[..., Any]:
    """The gate by sorting, with some of its steps changed."""

    def changed(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
        given = scores(logits)
        chosen = choose(by(given, logits, bias), active)
        return finish(take(given, logits, bias, chosen), given, scale), chosen

    return changed


def bias_weighs(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    weights, chosen = (logits.sigmoid() + bias).topk(active)
    return weights / weights.sum(-1, keepdim=True) * scale, chosen


def scaled_before(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    scores = logits.sigmoid() * scale
    chosen = (scores / scale + bias).topk(active).indices
    weights = scores.gather(-1, chosen)
    return weights / weights.sum(-1, keepdim=True), chosen


def scale_lost(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    return gate_by_sorting(logits, bias, active)


def bias_inside(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    return gate_by_sorting(logits + bias, torch.zeros_like(bias), active, scale)


def bias_inside_by_topk(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    weights, chosen = (logits + bias).sigmoid().topk(active)
    return weights * scale / weights.sum(-1, keepdim=True), chosen


def detached(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    weights, chosen = gate_by_sorting(logits, bias, active, scale)
    return weights.detach(), chosen


@torch.no_grad()
def without_gradient(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    return gate_by_loop(logits, bias, active, scale)


def divided_by_biased(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    scores = logits.sigmoid()
    chosen = (scores + bias).topk(active).indices
    total = (scores + bias).gather(1, chosen).sum(1, keepdim=True)
    return scores.gather(1, chosen) * scale / total, chosen


def divided_by_biased_topk(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    scores = torch.sigmoid(logits)
    best = torch.topk(scores + bias, active)
    return scale * scores.gather(-1, best.indices) / best.values.sum(dim=-1, keepdim=True), best.indices


def over_tokens(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    scores = logits.sigmoid()
    chosen = (scores + bias).topk(min(active, len(logits)), dim=0).indices
    weights = scores.gather(0, chosen)
    return weights / weights.sum(0) * scale, chosen


def over_tokens_by_sorting(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    scores = logits.sigmoid()
    chosen = (scores + bias).sort(dim=0, descending=True).indices[:active]
    weights = scores.gather(0, chosen)
    return scale * weights / weights.sum(0, keepdim=True), chosen


def sorted_by(order: Callable[[Tensor, Tensor], Tensor], right: Callable[..., Any]) -> Callable[..., Any]:
    def changed(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
        weights, chosen = right(logits, bias, active, scale)
        places = order(weights, chosen)
        return weights.gather(1, places), chosen.gather(1, places)

    return changed


def by_weight_topk(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    scores = logits.sigmoid()
    chosen = (scores + bias).topk(active).indices
    weights, places = scores.gather(-1, chosen).sort(dim=-1, descending=True, stable=True)
    return weights / weights.sum(-1, keepdim=True) * scale, chosen.gather(-1, places)


def by_number_from_mask(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    scores = logits.sigmoid()
    mask = torch.zeros_like(logits, dtype=torch.bool).scatter(1, (scores + bias).topk(active).indices, True)
    weights = scores[mask].reshape(len(logits), active)
    numbers = mask.nonzero()[:, 1].reshape(len(logits), active)
    return weights / weights.sum(-1, keepdim=True) * scale, numbers


def all_experts(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    weights, chosen = gate_by_sorting(logits, bias, active, scale)
    return torch.zeros_like(logits).scatter(1, chosen, weights), chosen


def all_experts_by_mask(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    scores = logits.sigmoid()
    chosen = (scores + bias).topk(active).indices
    kept = scores * functional.one_hot(chosen, logits.shape[1]).sum(1)
    return scale * kept / kept.sum(-1, keepdim=True), chosen


def scale_of_v3(logits: Tensor, bias: Tensor, active: int, scale: float = 1.0):
    return gate_by_loop(logits, bias, active, 2.5)


# update_bias


def update_by_where(bias: Tensor, load: Tensor, speed: float) -> Tensor:
    mean = load.float().mean()
    return torch.where(load > mean, bias - speed, torch.where(load < mean, bias + speed, bias))


@torch.no_grad()
def update_by_comparing(bias: Tensor, load: Tensor, speed: float) -> Tensor:
    total, experts = load.sum(), len(load)
    return bias + speed * ((load * experts < total).float() - (load * experts > total).float())


def update_by_loop(bias: Tensor, load: Tensor, speed: float) -> Tensor:
    mean, moved = sum(load.tolist()) / len(load), bias.clone()
    for expert, count in enumerate(load.tolist()):
        if count != mean:
            moved[expert] += speed if count < mean else -speed
    return moved


def update_by_copysign(bias: Tensor, load: Tensor, speed: float) -> Tensor:
    away = load.float().mean() - load
    return torch.where(away == 0, bias, bias + torch.copysign(torch.full_like(bias, speed), away))


def move_by(move: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """`move(load, mean)`, both float32, times the speed, added to the bias."""

    def update(bias: Tensor, load: Tensor, speed: float) -> Tensor:
        counts = load.float()
        return torch.add(bias, move(counts, counts.mean()), alpha=speed)

    return update


def ends_by_index(bias: Tensor, load: Tensor, speed: float) -> Tensor:
    moved = bias.clone()
    moved[load.argmax()] -= speed
    moved[load.argmin()] += speed
    return moved


def ends_by_one_hot(bias: Tensor, load: Tensor, speed: float) -> Tensor:
    def at(place: Tensor) -> Tensor:
        return functional.one_hot(place, len(load))

    return bias + speed * (at(load.argmin()) - at(load.argmax()))


def by_median(bias: Tensor, load: Tensor, speed: float) -> Tensor:
    ordered = load.sort().values.double()
    middle = (ordered[(len(load) - 1) // 2] + ordered[len(load) // 2]) / 2
    return bias + speed * torch.sign(middle - load).float()


# specialisation


def bits_by_entropies(visits: Tensor) -> float:
    def entropy(p: Tensor) -> Tensor:
        return -torch.special.xlogy(p, p).sum() / math.log(2)

    p = visits / visits.sum()
    return (entropy(p.sum(0)) + entropy(p.sum(1)) - entropy(p)).item()


def bits_by_loop(visits: Tensor) -> float:
    total, bits = visits.sum().item(), 0.0
    for kind in range(visits.shape[0]):
        for expert in range(visits.shape[1]):
            count = visits[kind, expert].item()
            if count > 0:
                even = visits[kind].sum().item() * visits[:, expert].sum().item() / total
                bits += count / total * math.log2(count / even)
    return bits


def bits_by_masking(visits: Tensor) -> Tensor:
    p = visits.float() / visits.sum()
    even = einsum(p.sum(1), p.sum(0), "kind, expert -> kind expert")
    there = p > 0
    return (p[there] * torch.log2(p[there] / even[there])).sum()


def bits(
    *,
    over: Callable[[Tensor], Tensor] = lambda visits: visits / visits.sum(),
    log: Callable[[Tensor], Tensor] = torch.log2,
    fraction: Callable[[Tensor, Tensor], Tensor] = lambda p, even: p / even,
    weight: Callable[[Tensor, Tensor], Tensor] = lambda p, visits: p,
    join: Callable[[Tensor], Tensor] = torch.sum,
) -> Callable[[Tensor], float]:
    """The sum over pairs, with some of its steps changed."""

    def changed(visits: Tensor) -> float:
        p = over(visits)
        even = p.sum(1, keepdim=True) * p.sum(0, keepdim=True)
        terms = weight(p, visits) * log(fraction(p, even))
        return join(torch.where(p > 0, terms, 0.0)).item()

    return changed


def totals_place_by_place(visits: Tensor) -> float:
    p = visits / visits.sum()
    return (p * torch.log2(p / (p.sum(0) * p.sum(1)))).sum().item()


def careless(visits: Tensor) -> float:
    p = visits / visits.sum()
    return (p * torch.log2(p / torch.outer(p.sum(1), p.sum(0)))).sum().item()


# v3_params

Parts = dict[str, tuple[int, int]]


def parts_from_given_counts(config: ModelConfig) -> Parts:
    shape: Any = config.feed_forward
    sparse = config.layers - config.dense_layers
    alone = replace(shape, shared=0, router="hash", balance="none", groups=1, kept_groups=1)
    every, some = experts_params(config.dim, alone)
    one_shared = experts_params(config.dim, replace(alone, experts=1, active=1))[0]

    def both(count: int) -> tuple[int, int]:
        return count, count

    return {
        "embedding": both(config.vocab * config.dim),
        "head": both(config.vocab * config.dim),
        "attention": both(attention_params(config) * config.layers),
        "dense layers": both(3 * config.dense_layers * config.dim * shape.dense_width),
        "routed experts": (sparse * every, sparse * some),
        "shared experts": both(sparse * shape.shared * one_shared),
        "routers": both(sparse * config.dim * shape.experts),
        "norms": both(config.dim * (1 + 2 * config.layers)),
    }


def parts_in_order(config: ModelConfig) -> Parts:
    experts: Any = config.feed_forward
    d, with_experts = config.dim, config.layers - experts.dense_layers
    expert = d * experts.width * 3
    parts: Parts = {}
    for name, count in [
        ("embedding", config.vocab * d),
        ("head", config.vocab * d),
        ("norms", 2 * config.layers * d + d),
        ("attention", config.layers * attention_params(config)),
        ("dense layers", experts.dense_layers * 3 * d * experts.dense_width),
        ("shared experts", with_experts * experts.shared * expert),
        ("routers", with_experts * experts.experts * d),
    ]:
        parts[name] = (count, count)
    parts["routed experts"] = (
        with_experts * experts.experts * expert,
        with_experts * experts.active * expert,
    )
    return parts


def parts_by_difference(config: ModelConfig) -> dict[str, list[int]]:
    """The norms are what is missing from `count_params`."""
    parts = {name: list(pair) for name, pair in parts_in_order(config).items() if name != "norms"}
    missing = count_params(config)[0] - sum(pair[0] for pair in parts.values())
    return {**parts, "norms": [missing, missing]}


def parts_with(
    change: Callable[[Any, Any, int], dict[str, Any]], right: Callable[[ModelConfig], Any] = parts_in_order
) -> Callable[[ModelConfig], Any]:
    """The right parts, with those that `change(config, its experts, one expert's size)` gives in their place.

    A single number stands for both of a pair.
    """

    def changed(config: ModelConfig) -> Any:
        shape: Any = config.feed_forward
        made = change(config, shape, 3 * config.dim * shape.width)
        return {
            **right(config),
            **{name: pair if isinstance(pair, tuple) else (pair, pair) for name, pair in made.items()},
        }

    return changed


def twice(change: Callable[[Any, Any, int], dict[str, Any]]) -> list[Callable[[ModelConfig], Any]]:
    """The same slip in two programs that are written differently."""
    return [parts_with(change), parts_with(change, parts_from_given_counts)]


def everywhere(config: Any, shape: Any, expert: int) -> dict[str, Any]:
    return {
        "routed experts": (
            config.layers * shape.experts * expert,
            config.layers * shape.active * expert,
        ),
        "shared experts": config.layers * shape.shared * expert,
        "routers": config.layers * shape.experts * config.dim,
    }


def one_layer(config: Any, shape: Any, expert: int) -> dict[str, Any]:
    return {
        "routed experts": (shape.experts * expert, shape.active * expert),
        "shared experts": shape.shared * expert,
        "routers": shape.experts * config.dim,
    }


def two_matrices(config: Any, shape: Any, expert: int) -> dict[str, Any]:
    sparse, small = config.layers - config.dense_layers, expert * 2 // 3
    return {
        "routed experts": (sparse * shape.experts * small, sparse * shape.active * small),
        "shared experts": sparse * shape.shared * small,
        "dense layers": config.dense_layers * 2 * config.dim * shape.dense_width,
    }


def with_prediction_module(right: Callable[[ModelConfig], Any]) -> Callable[[ModelConfig], Any]:
    return lambda config: right(replace(config, layers=config.layers + 1))


def mapped(change: Callable[[Any, Any], Any], right: Callable[[ModelConfig], Any]) -> Callable[[Any], Any]:
    """Each pair changed by `change(pair, config)`."""
    return lambda config: {name: change(pair, config) for name, pair in right(config).items()}


def share_of_all(pair: Any, config: Any) -> Any:
    return pair[0], pair[0] * config.feed_forward.active // config.feed_forward.experts


def sparse_layers(config: Any) -> int:
    return config.layers - config.dense_layers


RIGHT = {
    "combinations": [combinations_by_factorials, combinations_by_pascal, combinations_by_product, math.comb],
    "split": [split_by_dict, split_by_copying, split_in_full],
    "shared_expert": [shared_in_place, shared_token_by_token, shared_by_stacking],
    "sigmoid_gate": [
        gate_by_sorting,
        gate_by_indexing,
        gate_by_loop,
        gate_by_taking_bias_away,
        gate_in_float64,
    ],
    "update_bias": [update_by_where, update_by_comparing, update_by_loop, update_by_copysign],
    "specialisation": [bits_by_entropies, bits_by_loop, bits_by_masking],
    "v3_params": [parts_from_given_counts, parts_in_order, parts_by_difference],
}

WRONG: dict[str, dict[str, list[Callable[..., Any]]]] = {
    "combinations": {
        "permutations": [lambda n, k: math.factorial(n) // math.factorial(n - k)],
        "with_repetition": [lambda n, k: combinations_by_pascal(n + k - 1, k)],
        "powers": [lambda n, k: math.prod([n] * k)],
        "product": [lambda n, k: k * n],
        "pairs": [lambda n, k: n * (n - 1) // 2],
        "all_subsets": [lambda n, k: sum(math.comb(n, size) for size in range(n + 1))],
        "swapped": [lambda n, k: math.comb(k, n)],
        "listed": [lambda n, k: len(list(itertools.combinations(range(n), k)))],
        "decimal": [lambda n, k: math.factorial(n) / (math.factorial(k) * math.factorial(n - k))],
        "rest_not_divided_out": [lambda n, k: math.prod(range(k + 1, n + 1))],
    },
    "split": {
        "active_not_scaled": [split_with(active=lambda e, m: e.active)],
        "width_not_divided": [split_with(width=lambda e, m: e.width)],
        "experts_not_scaled": [split_with(experts=lambda e, m: e.experts)],
        "only_more_experts": [
            split_with(active=lambda e, m: e.active, width=lambda e, m: e.width, shared=lambda e, m: e.shared)
        ],
        "shared_not_scaled": [split_with(shared=lambda e, m: e.shared)],
        "other_fields_lost": [other_fields_lost],
        "shared_and_others_lost": [shared_and_others_lost],
        "error_returned": [error_returned],
        "asserted": [asserted],
        "three_numbers": [lambda e, m: [m * e.experts, m * e.active, e.width // m]],
        "float_width": [float_width],
        "rounded_down": [rounded_down],
        "dense_width_cut": [split_with(dense_width=lambda e, m: e.dense_width // m)],
        "not_split": [unchanged],
    },
    "shared_expert": {
        "gated": [lambda x, w, c, routed, shared: w[:, 0].unsqueeze(-1) * shared(x) + routed(x, w, c)],
        "scaled": [lambda x, w, c, routed, shared: einsum(w, shared(x), "t a, t d -> t d") + routed(x, w, c)],
        "takes_a_slot": [
            lambda x, w, c, routed, shared: shared(x) + routed(x, w[:, : w.shape[1] - 1], c[:, :-1])
        ],
        "takes_a_slot_and_weight": [
            lambda x, w, c, routed, shared: shared(x) * w[:, [-1]] + routed(x, w[:, :-1], c[:, :-1])
        ],
        "one_after_the_other": [lambda x, w, c, routed, shared: shared(routed(x, w, c))],
        "averaged": [lambda x, w, c, routed, shared: torch.stack([shared(x), routed(x, w, c)]).mean(0)],
        "shared_lost": [lambda x, w, c, routed, shared: 1 * routed(x, w, c)],
        "routed_lost": [lambda x, w, c, routed, shared: 1 * shared(x)],
        "token_added": [lambda x, w, c, routed, shared: sum([x, shared(x), routed(x, w, c)])],
        "weighed_again": [
            lambda x, w, c, routed, shared: w.sum(1).unsqueeze(1) * routed(x, w, c) + shared(x)
        ],
    },
    "sigmoid_gate": {
        "bias_weighs": [
            bias_weighs,
            gate(take=lambda s, logits, bias, c: (s + bias).gather(1, c)),
        ],
        "divided_by_all": [
            gate(finish=lambda w, s, scale: scale * w / s.sum(1, keepdim=True)),
            gate(scores=lambda z: z.sigmoid(), finish=lambda w, s, scale: w / s.sum(-1)[:, None] * scale),
        ],
        "total_of_all_tokens": [
            gate(finish=lambda w, s, scale: scale * w / w.sum()),
            gate(scores=torch.sigmoid, finish=lambda w, s, scale: w * (scale / w.flatten().sum(0))),
        ],
        "scale_lost": [scale_lost, scaled_before],
        "not_divided": [
            gate(finish=lambda w, s, scale: w * scale),
            gate(scores=torch.sigmoid, finish=lambda w, s, scale: scale * w),
        ],
        "softmax": [
            gate(scores=lambda z: functional.softmax(z, dim=1)),
            gate(scores=lambda z: (z - z.logsumexp(-1, keepdim=True)).exp()),
        ],
        "softmax_of_chosen": [
            gate(take=lambda s, z, bias, c: z.gather(1, c).softmax(-1)),
            gate(take=lambda s, z, bias, c: z.gather(1, c).exp()),
        ],
        "softmax_of_scores": [
            gate(take=lambda s, z, bias, c: s.gather(1, c).softmax(-1)),
            gate(take=lambda s, z, bias, c: s.gather(1, c).exp()),
        ],
        "bias_ignored": [
            gate(by=lambda s, z, bias: s),
            gate(by=lambda s, z, bias: z),
        ],
        "bias_on_logits": [
            gate(by=lambda s, z, bias: z + bias),
            gate(scores=torch.sigmoid, by=lambda s, z, bias: torch.add(z, bias)),
        ],
        "bias_inside": [bias_inside, bias_inside_by_topk],
        "bias_subtracted": [
            gate(by=lambda s, z, bias: s - bias),
            gate(scores=torch.sigmoid, by=lambda s, z, bias: s + -1 * bias),
        ],
        "divided_by_biased": [divided_by_biased, divided_by_biased_topk],
        "smallest": [
            gate(choose=lambda by, active: by.argsort(1)[:, :active]),
            gate(choose=lambda by, active: by.topk(active, largest=False)[1]),
        ],
        "over_tokens": [over_tokens, over_tokens_by_sorting],
        "by_weight": [
            by_weight_topk,
            sorted_by(lambda w, c: w.argsort(dim=1, descending=True, stable=True), gate_by_loop),
        ],
        "by_number": [by_number_from_mask, sorted_by(lambda w, c: c.argsort(1), gate_by_sorting)],
        "all_experts": [all_experts, all_experts_by_mask],
        "detached": [detached, without_gradient],
        "swapped": [
            lambda logits, bias, active, scale=1.0: gate_by_sorting(logits, bias, active, scale)[::-1],
            lambda logits, bias, active, scale=1.0: tuple(
                reversed(gate_by_loop(logits, bias, active, scale))
            ),
        ],
        "scale_of_v3": [
            scale_of_v3,
            gate(finish=lambda w, s, scale: w / w.sum(1, keepdim=True) * 2.5),
        ],
    },
    "update_bias": {
        "sign_flipped": [
            move_by(lambda load, mean: torch.sign(load - mean)),
            move_by(lambda load, mean: (load > mean).float() - (load < mean).float()),
        ],
        "proportional": [
            move_by(lambda load, mean: mean - load),
            lambda bias, load, speed: bias - speed * (load - load.sum() / len(load)),
        ],
        "relative": [
            move_by(lambda load, mean: 1 - load / mean),
            lambda bias, load, speed: bias + speed * (1 - load * len(load) / load.sum()),
        ],
        "share_of_visits": [
            move_by(lambda load, mean: 1 / len(load) - load / load.sum()),
            lambda bias, load, speed: bias + speed * (load.float().mean() - load) / load.sum(),
        ],
        "mean_goes_up": [
            move_by(lambda load, mean: 1 - 2 * (load > mean).float()),
            lambda bias, load, speed: torch.where(load <= load.float().mean(), bias + speed, bias - speed),
        ],
        "mean_goes_down": [
            move_by(lambda load, mean: 2 * (load < mean).float() - 1),
            lambda bias, load, speed: torch.where(load >= load.float().mean(), bias - speed, bias + speed),
        ],
        "only_down": [
            move_by(lambda load, mean: (mean - load).sign().clamp(max=0)),
            lambda bias, load, speed: torch.where(load > load.float().mean(), bias - speed, bias),
        ],
        "only_up": [
            move_by(lambda load, mean: (mean - load).sign().clamp(min=0)),
            lambda bias, load, speed: torch.where(load < load.float().mean(), bias + speed, bias),
        ],
        "only_the_ends": [ends_by_index, ends_by_one_hot],
        "median": [by_median, move_by(lambda load, mean: torch.sign(load.quantile(0.5) - load))],
        "mean_rounded_down": [
            lambda bias, load, speed: bias + speed * torch.sign(load.sum() // load.numel() - load),
            lambda bias, load, speed: bias + speed * torch.sign(int(load.float().mean()) - load),
        ],
        "mean_rounded_up": [
            lambda bias, load, speed: bias + speed * torch.sign(math.ceil(load.float().mean()) - load),
            move_by(lambda load, mean: torch.sign(mean.ceil() - load)),
        ],
        "bias_lost": [
            lambda bias, load, speed: speed * torch.sign(load.float().mean() - load),
            lambda bias, load, speed: update_by_where(0 * bias, load, speed),
        ],
        "speed_lost": [
            lambda bias, load, speed: bias + torch.sign(load.float().mean() - load),
            lambda bias, load, speed: update_by_loop(bias, load, 1),
        ],
        "recentred": [
            lambda bias, load, speed: (
                update_by_loop(bias - bias.mean(), load, speed) - update_by_loop(0 * bias, load, speed).mean()
            ),
            lambda bias, load, speed: (
                update_by_where(bias, load, speed) - update_by_where(bias, load, speed).mean()
            ),
        ],
    },
    "specialisation": {
        "in_nats": [bits(log=torch.log)],
        "zero_times_infinity": [careless],
        "totals_place_by_place": [totals_place_by_place],
        "counts_for_shares": [bits(over=lambda v: v.double() / v.sum(), weight=lambda p, visits: visits)],
        "kinds_alike": [bits(over=lambda v: v / v.sum(1, keepdim=True) / len(v))],
        "sign": [bits(fraction=lambda p, even: even / p)],
        "entropy_of_pairs": [bits(fraction=lambda p, even: 1 / p)],
        "entropy_of_experts": [bits(fraction=lambda p, even: 1 / p.sum(0, keepdim=True))],
        "what_is_left_open": [bits(fraction=lambda p, even: p.sum(1, keepdim=True) / p)],
        "share_of_entropy": [
            lambda visits: (
                bits_by_loop(visits) / bits(fraction=lambda p, even: 1 / p.sum(1, keepdim=True))(visits)
            )
        ],
        "mean_of_pairs": [bits(join=torch.mean)],
    },
    "v3_params": {
        "experts_in_all_layers": twice(everywhere),
        "dense_and_experts": twice(
            lambda config, shape, expert: {"dense layers": 3 * config.layers * config.dim * shape.dense_width}
        ),
        "shared_lost": twice(lambda config, shape, expert: {"shared experts": 0}),
        "shared_idle": twice(
            lambda config, shape, expert: {
                "shared experts": (sparse_layers(config) * shape.shared * expert, 0)
            }
        ),
        "one_shared": twice(lambda config, shape, expert: {"shared experts": sparse_layers(config) * expert}),
        "shared_counted_twice": twice(
            lambda config, shape, expert: {
                "routed experts": (
                    sparse_layers(config) * shape.experts * expert,
                    sparse_layers(config) * (shape.active + shape.shared) * expert,
                )
            }
        ),
        "all_active": twice(
            lambda config, shape, expert: {"routed experts": sparse_layers(config) * shape.experts * expert}
        ),
        "share_of_everything": [
            mapped(share_of_all, parts_in_order),
            mapped(share_of_all, parts_from_given_counts),
        ],
        "router_chosen_rows": twice(
            lambda config, shape, expert: {
                "routers": (
                    sparse_layers(config) * shape.experts * config.dim,
                    sparse_layers(config) * shape.active * config.dim,
                )
            }
        ),
        "embedding_idle": twice(lambda config, shape, expert: {"embedding": (config.vocab * config.dim, 0)}),
        "one_row_of_embedding": twice(
            lambda config, shape, expert: {"embedding": (config.vocab * config.dim, config.dim)}
        ),
        "one_table": twice(lambda config, shape, expert: {"head": 0}),
        "prediction_module_counted": [
            with_prediction_module(parts_in_order),
            with_prediction_module(parts_from_given_counts),
        ],
        "two_matrices": twice(two_matrices),
        "dense_width_of_experts": twice(
            lambda config, shape, expert: {"dense layers": config.dense_layers * expert}
        ),
        "one_layer_of_experts": twice(one_layer),
        "one_attention": twice(lambda config, shape, expert: {"attention": attention_params(config)}),
        "last_norm_lost": twice(lambda config, shape, expert: {"norms": 2 * config.layers * config.dim}),
        "one_norm": twice(lambda config, shape, expert: {"norms": config.layers * config.dim + config.dim}),
        "in_billions": [
            mapped(lambda pair, config: (pair[0] / 1e9, pair[1] / 1e9), parts_in_order),
            mapped(lambda pair, config: [count / 10**9 for count in pair], parts_from_given_counts),
        ],
        "active_first": [
            mapped(lambda pair, config: (pair[1], pair[0]), parts_in_order),
            mapped(lambda pair, config: [*reversed(pair)], parts_from_given_counts),
        ],
    },
}
