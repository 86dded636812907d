"""Answers to the routing exercises: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

import torch
from einops import einsum, rearrange, reduce
from torch import Tensor
from torch.nn import functional

# route, right


def route_by_best_logits(logits: Tensor, active: int) -> tuple[Tensor, Tensor]:
    best, chosen = logits.topk(active)
    return best.softmax(-1), chosen


def route_by_sorting(logits: Tensor, active: int) -> tuple[Tensor, Tensor]:
    chosen = logits.argsort(dim=-1, descending=True)[:, :active]
    probabilities = functional.softmax(logits, dim=1)
    weights = probabilities.gather(1, chosen)
    return weights / weights.sum(1, keepdim=True), chosen


def route_by_masking(logits: Tensor, active: int) -> tuple[Tensor, Tensor]:
    chosen = logits.topk(active, dim=-1).indices
    kept = torch.full_like(logits, float("-inf")).scatter(-1, chosen, logits.gather(-1, chosen))
    return kept.softmax(-1).gather(-1, chosen), chosen


def route_by_loop(logits: Tensor, active: int) -> tuple[Tensor, Tensor]:
    rows = [row.topk(active) for row in logits]
    weights = [torch.exp(best - best.logsumexp(0)) for best, _ in rows]
    return torch.stack(weights), torch.stack([chosen for _, chosen in rows])


def route_in_float64(logits: Tensor, active: int) -> tuple[Tensor, Tensor]:
    weights, chosen = logits.double().softmax(-1).topk(active)
    return functional.normalize(weights, p=1, dim=-1), chosen


# route, wrong


def not_divided(logits: Tensor, active: int):
    return tuple(logits.softmax(dim=-1).topk(active, dim=-1))


def not_divided_by_gather(logits: Tensor, active: int):
    chosen = logits.topk(active, dim=-1).indices
    return logits.softmax(dim=-1).gather(-1, chosen), chosen


def divided_by(total):
    """The chosen probabilities, divided by `total(of them)`."""

    def route(logits: Tensor, active: int):
        weights, chosen = logits.softmax(dim=-1).topk(active, dim=-1)
        return weights / total(weights), chosen

    return route


def over_tokens(logits: Tensor, active: int):
    weights, chosen = logits.softmax(dim=-1).topk(min(active, logits.shape[0]), dim=0)
    return weights / weights.sum(dim=0), chosen


def over_tokens_by_sorting(logits: Tensor, active: int):
    weights, chosen = logits.softmax(-1).sort(dim=0, descending=True, stable=True)
    return weights[:active] / weights[:active].sum(0, keepdim=True), chosen[:active]


def softmax_over_tokens(logits: Tensor, active: int):
    weights, chosen = torch.softmax(logits, dim=0).topk(active, dim=1)
    return weights / weights.sum(dim=1, keepdim=True), chosen


def softmax_over_tokens_by_hand(logits: Tensor, active: int):
    scores = (logits - logits.logsumexp(0)).exp()
    weights, chosen = scores.topk(active)
    return weights / weights.sum(-1, keepdim=True), chosen


def least_likely(logits: Tensor, active: int):
    weights, chosen = logits.softmax(-1).topk(active, largest=False)
    return weights / weights.sum(-1, keepdim=True), chosen


def least_likely_by_sorting(logits: Tensor, active: int):
    chosen = logits.argsort(-1)[:, :active]
    return logits.gather(-1, chosen).softmax(-1), chosen


def likeliest_last(logits: Tensor, active: int):
    chosen = logits.argsort(dim=-1)[:, -active:]
    return logits.gather(-1, chosen).softmax(-1), chosen


def likeliest_last_by_flipping(logits: Tensor, active: int):
    weights, chosen = route_by_best_logits(logits, active)
    return weights.flip(1), chosen.flip(1)


def by_number(logits: Tensor, active: int):
    chosen = logits.topk(active).indices.sort(dim=-1).values
    return logits.gather(-1, chosen).softmax(-1), chosen


def by_number_from_mask(logits: Tensor, active: int):
    mask = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, logits.topk(active).indices, True)
    chosen = mask.nonzero()[:, 1].reshape(len(logits), active)
    return logits[mask].reshape(len(logits), active).softmax(-1), chosen


def detached(logits: Tensor, active: int):
    weights, chosen = route_by_sorting(logits, active)
    return weights.detach(), chosen


@torch.no_grad()
def without_gradient(logits: Tensor, active: int):
    return route_by_best_logits(logits, active)


def unchosen_kept(logits: Tensor, active: int):
    scores = logits.softmax(-1)
    return scores, scores.topk(active).indices


def unchosen_kept_by_best_logits(logits: Tensor, active: int):
    return functional.softmax(logits, 1), torch.topk(logits, active, 1)[1]


def zeros_for_the_others(logits: Tensor, active: int):
    weights, chosen = route_by_best_logits(logits, active)
    return torch.zeros_like(logits).scatter(1, chosen, weights), chosen


def zeros_by_infinity(logits: Tensor, active: int):
    best, chosen = logits.topk(active)
    return logits.masked_fill(logits < best[:, -1:], float("-inf")).softmax(-1), chosen


def softmax_twice(logits: Tensor, active: int):
    weights, chosen = logits.softmax(-1).topk(active)
    return weights.softmax(-1), chosen


def softmax_twice_by_exp(logits: Tensor, active: int):
    scores = logits.softmax(-1)
    chosen = scores.argsort(-1, descending=True)[:, :active]
    powers = scores.gather(-1, chosen).exp()
    return powers / powers.sum(-1, keepdim=True), chosen


def logits_divided(logits: Tensor, active: int):
    best, chosen = logits.topk(active)
    return best / best.sum(-1, keepdim=True), chosen


def logits_divided_by_gather(logits: Tensor, active: int):
    chosen = logits.argsort(-1, descending=True)[:, :active]
    best = logits.gather(-1, chosen)
    return best / reduce(best, "token slot -> token 1", "sum"), chosen


def sigmoid(logits: Tensor, active: int):
    weights, chosen = torch.sigmoid(logits).topk(active)
    return weights / weights.sum(-1, keepdim=True), chosen


def sigmoid_by_gather(logits: Tensor, active: int):
    scores = 1 / (1 + torch.exp(-logits))
    chosen = scores.argsort(-1, descending=True)[:, :active]
    weights = scores.gather(-1, chosen)
    return weights / weights.sum(-1, keepdim=True), chosen


def overflowing(logits: Tensor, active: int):
    powers = torch.exp(logits)
    weights, chosen = (powers / powers.sum(-1, keepdim=True)).topk(active)
    return weights / weights.sum(-1, keepdim=True), chosen


def overflowing_in_place(logits: Tensor, active: int):
    scores = logits.exp()
    scores = scores.div(scores.sum(dim=-1, keepdim=True))
    weights, chosen = torch.topk(scores, active, dim=-1)
    return weights.div(weights.sum(dim=-1, keepdim=True)), chosen


def whole_maximum(logits: Tensor, active: int):
    return overflowing(logits - logits.max(), active)


def whole_maximum_in_place(logits: Tensor, active: int):
    powers = torch.exp(logits - logits.flatten().amax(0))
    best, chosen = (powers / powers.sum(dim=1, keepdim=True)).topk(active, dim=1)
    return best / best.sum(dim=1, keepdim=True), chosen


def equal_weights(logits: Tensor, active: int):
    chosen = logits.topk(active).indices
    return torch.ones(chosen.shape) / active, chosen


def equal_weights_from_ones(logits: Tensor, active: int):
    best, chosen = logits.topk(active)
    return torch.ones_like(best).softmax(-1), chosen


def swapped(logits: Tensor, active: int):
    weights, chosen = route_by_best_logits(logits, active)
    return chosen, weights


def swapped_by_sorting(logits: Tensor, active: int):
    return tuple(reversed(route_by_sorting(logits, active)))


def always_two(logits: Tensor, active: int):
    weights, chosen = logits.softmax(-1).topk(2)
    return weights / weights.sum(-1, keepdim=True), chosen


def always_two_by_best_logits(logits: Tensor, active: int):
    return route_by_best_logits(logits, 2)


# dispatch_combine, right


def combine_in_place(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    y = torch.zeros_like(x)
    for number in range(len(experts)):
        token, slot = torch.where(chosen == number)
        if len(token):
            y[token] = y[token] + weights[token, slot, None] * experts[number](x[token])
    return y


def combine_slot_by_slot(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    y = torch.zeros_like(x)
    for slot in range(chosen.shape[1]):
        for number, expert in enumerate(experts):
            token = (chosen[:, slot] == number).nonzero().squeeze(-1)
            y = y.index_add(0, token, expert(x[token]) * weights[token, slot].unsqueeze(-1))
    return y


def combine_token_by_token(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    rows = []
    for token in range(len(x)):
        answers = [
            weight * experts[number](x[token : token + 1])[0]
            for weight, number in zip(weights[token], chosen[token].tolist(), strict=True)
        ]
        rows.append(torch.stack(answers).sum(0))
    return torch.stack(rows)


def combine_by_masks(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    total = torch.zeros_like(x)
    for number, expert in enumerate(experts):
        mine = (chosen == number).any(dim=1)
        gate = (weights * (chosen == number)).sum(dim=1)
        if mine.any():
            part = torch.zeros_like(x)
            part[mine] = gate[mine].unsqueeze(1) * expert(x[mine])
            total = total + part
    return total


def combine_by_slots_first(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    answers = torch.zeros(*chosen.shape, x.shape[-1])
    for number, expert in enumerate(experts):
        token, slot = (chosen == number).nonzero(as_tuple=True)
        answers = answers.index_put((token, slot), expert(x[token]))
    return einsum(weights, answers, "token slot, token slot dim -> token dim")


# dispatch_combine, wrong


def single_tokens(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    rows = []
    for t in range(len(x)):
        rows.append(sum(weights[t, s] * experts[chosen[t, s]](x[t]) for s in range(chosen.shape[1])))
    return torch.stack(rows)


def single_tokens_in_place(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    y = torch.zeros_like(x)
    for t, token in enumerate(x):
        for weight, number in zip(weights[t], chosen[t], strict=True):
            y[t] += weight * experts[number](token)
    return y


def sum_not_assigned(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    y = torch.zeros_like(x)
    for number, expert in enumerate(experts):
        token, slot = torch.where(chosen == number)
        y.index_add(0, token, weights[token, slot].unsqueeze(-1) * expert(x[token]))
    return y


def weights_without_axis(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    y = torch.zeros_like(x)
    for number, expert in enumerate(experts):
        token, slot = torch.where(chosen == number)
        y = y.index_add(0, token, weights[token, slot] * expert(x[token]))
    return y


def weights_without_axis_in_place(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    y = torch.zeros_like(x)
    for number in range(len(experts)):
        token, slot = torch.where(chosen == number)
        y.index_add_(0, token, experts[number](x[token]) * weights[token, slot])
    return y


def over_experts(add):
    """A loop over experts; `add(y, token, weight, x, expert)` gives the new y."""

    def combine(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
        y = torch.zeros_like(x)
        for number, expert in enumerate(experts):
            token, slot = torch.where(chosen == number)
            if len(token):
                y = add(y, token, weights[token, slot].unsqueeze(-1), x, expert)
        return y

    return combine


def set_rows(y: Tensor, token: Tensor, rows: Tensor) -> Tensor:
    y = y.clone()
    y[token] = rows
    return y


def weight_on_input_slot_by_slot(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    y = torch.zeros_like(x)
    for slot in range(chosen.shape[1]):
        for number, expert in enumerate(experts):
            token = torch.where(chosen[:, slot] == number)[0]
            y[token] = y[token] + expert(x[token] * weights[token, slot, None])
    return y


def overwritten_by_masks(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    y = torch.zeros_like(x)
    for number, expert in enumerate(experts):
        mine = (chosen == number).any(dim=1)
        gate = (weights * (chosen == number)).sum(dim=1)
        if mine.any():
            y[mine] = gate[mine].unsqueeze(1) * expert(x[mine])
    return y


def average_of_all(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    return sum(expert(x) for expert in experts) / len(experts)


def average_by_stack(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    return reduce(torch.stack([expert(x) for expert in experts]), "expert token dim -> token dim", "mean")


def every_expert_by_gates(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    gates = torch.zeros(len(x), len(experts)).scatter(1, chosen, weights)
    return einsum(gates, torch.stack([e(x) for e in experts]), "token expert, expert token dim -> token dim")


def every_expert_by_masks(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    y = torch.zeros_like(x)
    for number, expert in enumerate(experts):
        y = y + (weights * (chosen == number)).sum(dim=1, keepdim=True) * expert(x)
    return y


def with_weights(change):
    """The right sum with other weights."""
    return lambda x, weights, chosen, experts: combine_slot_by_slot(x, change(weights), chosen, experts)


def plain_mean_by_token(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    rows = [
        torch.stack([experts[n](row[None])[0] for n in its]).mean(0)
        for row, its in zip(x, chosen, strict=True)
    ]
    return torch.stack(rows)


def first_slot_by_number(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    y = torch.zeros_like(x)
    for number, expert in enumerate(experts):
        token = torch.where(chosen[:, 0] == number)[0]
        y[token] = weights[token, 0].unsqueeze(-1) * expert(x[token])
    return y


def first_slot_by_token(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    answers = [experts[number](row[None]) for row, number in zip(x, chosen[:, 0].tolist(), strict=True)]
    return weights[:, :1] * torch.cat(answers)


def first_weight_by_number(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    y = torch.zeros_like(x)
    for number, expert in enumerate(experts):
        token, _ = torch.where(chosen == number)
        y = y.index_add(0, token, weights[token, 0].unsqueeze(-1) * expert(x[token]))
    return y


def weight_by_number(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    y = torch.zeros_like(x)
    for number, expert in enumerate(experts):
        token, _ = torch.where(chosen == number)
        column = min(number, weights.shape[1] - 1)
        y = y.index_add(0, token, weights[token, column].unsqueeze(-1) * expert(x[token]))
    return y


def weight_by_number_clamped(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    looked_up = torch.take_along_dim(weights, chosen.clamp(max=weights.shape[1] - 1), dim=1)
    return combine_by_slots_first(x, looked_up, chosen, experts)


def token_added(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    y = x.clone()
    for number, expert in enumerate(experts):
        token, slot = torch.where(chosen == number)
        y = y.index_add(0, token, weights[token, slot].unsqueeze(-1) * expert(x[token]))
    return y


def token_added_last(x: Tensor, weights: Tensor, chosen: Tensor, experts) -> Tensor:
    return combine_in_place(x, weights, chosen, experts) + x


# load, right


def load_by_bincount(chosen: Tensor, experts: int) -> Tensor:
    return torch.bincount(chosen.reshape(-1), minlength=experts)


def load_by_comparing(chosen: Tensor, experts: int) -> Tensor:
    return (chosen.flatten().unsqueeze(-1) == torch.arange(experts)).sum(dim=0)


def load_by_loop(chosen: Tensor, experts: int) -> Tensor:
    counts = [0] * experts
    for number in chosen.flatten().tolist():
        counts[number] += 1
    return torch.tensor(counts)


def load_by_adding(chosen: Tensor, experts: int) -> Tensor:
    ones = torch.ones(chosen.numel(), dtype=torch.long)
    return torch.zeros(experts, dtype=torch.long).index_add(0, chosen.flatten(), ones)


# dispatch_sorted, right


def sorted_by_inverse(x: Tensor, weights: Tensor, chosen: Tensor, experts: int, grouped) -> Tensor:
    order = chosen.flatten().argsort()
    ends = chosen.flatten().bincount(minlength=experts).cumsum(0).to(torch.int32)
    answers = grouped(x.repeat_interleave(chosen.shape[1], dim=0)[order], ends)
    back = torch.empty_like(order)
    back[order] = torch.arange(len(order))
    answers = rearrange(answers[back], "(token slot) dim -> token slot dim", slot=chosen.shape[1])
    return einsum(weights, answers, "token slot, token slot dim -> token dim")


def sorted_by_where(x: Tensor, weights: Tensor, chosen: Tensor, experts: int, grouped) -> Tensor:
    number, token, slot = [], [], []
    for expert in range(experts):
        its_token, its_slot = torch.where(chosen == expert)
        number.append(len(its_token))
        token.append(its_token)
        slot.append(its_slot)
    tokens, slots = torch.cat(token), torch.cat(slot)
    answers = grouped(x[tokens], torch.tensor(number).cumsum(0).int())
    return torch.zeros_like(x).index_add_(0, tokens, weights[tokens, slots].unsqueeze(1) * answers)


def sorted_slots_first(x: Tensor, weights: Tensor, chosen: Tensor, experts: int, grouped) -> Tensor:
    flat = chosen.T.flatten()
    order = flat.argsort(stable=True)
    token = order % len(x)
    ends = torch.searchsorted(flat[order], torch.arange(experts), right=True).int()
    answers = grouped(x[token], ends) * weights.T.flatten()[order, None]
    return torch.zeros_like(x).scatter_add(0, token.unsqueeze(-1).expand(-1, x.shape[1]), answers)


def sorted_by_sort(x: Tensor, weights: Tensor, chosen: Tensor, experts: int, grouped) -> Tensor:
    numbers, order = chosen.reshape(-1).sort(stable=True)
    token = torch.div(order, chosen.shape[1], rounding_mode="floor")
    ends = (numbers.unsqueeze(0) <= torch.arange(experts).unsqueeze(1)).sum(1, dtype=torch.int32)
    answers = grouped(x[token], ends)
    return torch.zeros_like(x).index_add(0, token, answers * weights.reshape(-1)[order].unsqueeze(-1))


# dispatch_sorted, wrong


def steps(ends=None, token=None, factors=None, back=None, order=None):
    """The right steps, one of them replaced."""

    def dispatch(x: Tensor, weights: Tensor, chosen: Tensor, experts: int, grouped) -> Tensor:
        slots = chosen.shape[1]
        rows = order(chosen.flatten()) if order else chosen.flatten().argsort(stable=True)
        tokens = token(rows, slots) if token else rows // slots
        counts = load_by_comparing(chosen, experts)
        parts = ends(counts) if ends else counts.cumsum(0).int()
        weight = factors(weights, rows) if factors else weights.flatten()[rows]
        answers = grouped(x[tokens], parts) * weight.unsqueeze(-1)
        return back(x, tokens, answers) if back else torch.zeros_like(x).index_add(0, tokens, answers)

    return dispatch


def divided_by_experts(x: Tensor, weights: Tensor, chosen: Tensor, experts: int, grouped) -> Tensor:
    return steps(token=lambda rows, slots: rows // experts)(x, weights, chosen, experts, grouped)


def token_by_remainder(x: Tensor, weights: Tensor, chosen: Tensor, experts: int, grouped) -> Tensor:
    return steps(token=lambda rows, slots: rows % len(x))(x, weights, chosen, experts, grouped)


def put_by_assignment(x: Tensor, tokens: Tensor, answers: Tensor) -> Tensor:
    y = torch.zeros_like(x)
    y[tokens] += answers
    return y


def weight_on_rows(x: Tensor, weights: Tensor, chosen: Tensor, experts: int, grouped) -> Tensor:
    order = chosen.flatten().argsort(stable=True)
    token = order // chosen.shape[1]
    answers = grouped(
        x[token] * weights.flatten()[order, None], load_by_loop(chosen, experts).cumsum(0).int()
    )
    return torch.zeros_like(x).index_add(0, token, answers)


def empty_experts_missing(x: Tensor, weights: Tensor, chosen: Tensor, experts: int, grouped) -> Tensor:
    order = chosen.flatten().argsort(stable=True)
    token = order // chosen.shape[1]
    answers = grouped(x[token], torch.bincount(chosen.flatten()).cumsum(0).int())
    return torch.zeros_like(x).index_add(0, token, answers * weights.flatten()[order, None])


# max_vio, right


def max_vio_by_ratio(load: Tensor) -> Tensor:
    return load.max() * len(load) / load.sum() - 1


def max_vio_by_floats(load: Tensor) -> Tensor:
    mean = load.float().mean()
    return (load.float().max() - mean) / mean


def max_vio_by_all(load: Tensor) -> Tensor:
    return (load / load.double().mean() - 1).max()


# max_vio, wrong


def of_floats(measure):
    return lambda load: measure(load.to(torch.float32))


# aux_loss, right


def aux_by_loops(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    if real is None:
        real = torch.ones(scores.shape[:-1], dtype=torch.bool)
    losses = []
    for s, c, r in zip(scores, chosen, real, strict=True):
        s, c = s[r], c[r]
        total = 0
        for expert in range(s.shape[-1]):
            f = s.shape[-1] / (c.shape[-1] * len(s)) * (c == expert).sum()
            total = total + f * (s[:, expert] / s.sum(dim=-1)).mean()
        losses.append(alpha * total)
    return torch.stack(losses).mean()


def aux_by_einsum(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    mask = torch.ones_like(scores[..., 0]) if real is None else real.to(scores.dtype)
    tokens = mask.sum(-1, keepdim=True)
    sent = functional.one_hot(chosen, scores.shape[-1]).to(scores.dtype)
    f = torch.einsum("...tke,...t->...e", sent, mask) * scores.shape[-1] / (chosen.shape[-1] * tokens)
    p = torch.einsum("...te,...t->...e", functional.normalize(scores, p=1, dim=-1), mask) / tokens
    return (alpha * f * p).sum(-1).mean()


def aux_by_scatter(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    groups, tokens, experts = scores.shape
    marks = torch.ones(groups, tokens, 1) if real is None else real.unsqueeze(-1).float()
    counts = torch.zeros(groups, experts).scatter_add(
        1, chosen.flatten(1), marks.expand(-1, -1, chosen.shape[-1]).flatten(1)
    )
    f = counts / counts.mean(dim=-1, keepdim=True)
    shares = scores / scores.sum(-1, keepdim=True)
    p = (shares * marks).sum(1) / marks.sum(1)
    return alpha * (f * p).sum() / groups


def aux_in_float64(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    return aux_by_einsum(scores.double(), chosen, alpha, real)


# aux_loss, wrong


def aux_with(f=None, p=None, join=None, sees=None):
    """The loss by its formula, group by group, with another f, P or sum."""

    def aux_loss(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
        keep = torch.ones(scores.shape[:-1], dtype=torch.bool) if real is None else real
        everything = torch.ones_like(keep)
        losses = []
        for s, c, r, e in zip(scores, chosen, keep, everything, strict=True):
            for_f = e if sees in ("f", "both") else r
            for_p = e if sees in ("p", "both") else r
            counts = load_by_comparing(c[for_f], s.shape[-1])
            of_f = (f or even_f)(counts, c[for_f], s[for_f])
            of_p = (p or mean_p)(s[for_p], c[for_p])
            losses.append((of_f * of_p).sum())
        return alpha * (join or torch.mean)(torch.stack(losses))

    return aux_loss


def even_f(counts: Tensor, chosen: Tensor, scores: Tensor) -> Tensor:
    return counts * len(counts) / chosen.numel()


def mean_p(scores: Tensor, chosen: Tensor) -> Tensor:
    return functional.normalize(scores, p=1, dim=-1).mean(0)


def masked(scores: Tensor, chosen: Tensor) -> Tensor:
    return torch.zeros_like(scores).scatter(-1, chosen, scores.gather(-1, chosen))


def p_detached_by_data(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    with torch.no_grad():
        return aux_by_einsum(scores, chosen, alpha, real)


def batch_by_flattening(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    one = [rearrange(part, "group token n -> 1 (group token) n") for part in (scores, chosen)]
    return aux_by_einsum(*one, alpha, None if real is None else real.reshape(1, -1))


def batch_by_masking(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    if real is not None:
        scores, chosen = scores[real], chosen[real]
    shares = scores / scores.sum(-1, keepdim=True)
    experts = scores.shape[-1]
    f = load_by_comparing(chosen, experts) * experts / chosen.numel()
    return alpha * (f * shares.reshape(-1, experts).mean(0)).sum()


def negative(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    return aux_by_scatter(scores, chosen, -alpha, real)


def without_alpha(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    return aux_by_scatter(scores, chosen, 1.0, real)


def per_group(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    marks = [None] * len(scores) if real is None else real.unsqueeze(1)
    rows = zip(scores.unsqueeze(1), chosen.unsqueeze(1), marks, strict=True)
    return torch.stack([aux_by_einsum(s, c, alpha, m) for s, c, m in rows])


def padding_seen(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    return aux_by_scatter(scores, chosen, alpha)


def divided_by_all(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    mask = torch.ones(scores.shape[:-1]) if real is None else real.float()
    sent = functional.one_hot(chosen, scores.shape[-1]).sum(-2) * mask.unsqueeze(-1)
    f = sent.mean(1) * scores.shape[-1] / chosen.shape[-1]
    p = (scores / scores.sum(-1, keepdim=True) * mask.unsqueeze(-1)).mean(1)
    return alpha * (f * p).sum(-1).mean()


def first_tokens(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    first = None if real is None else real.sort(dim=-1, descending=True).values
    return aux_by_loops(scores, chosen, alpha, first)


def first_tokens_cut(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    if real is None:
        return aux_by_loops(scores, chosen, alpha)
    lengths = real.sum(-1).tolist()
    parts = [
        aux_by_loops(s[None, :n], c[None, :n], alpha) for s, c, n in zip(scores, chosen, lengths, strict=True)
    ]
    return torch.stack(parts).mean()


def divided_by_length(scores: Tensor, chosen: Tensor, alpha: float, real: Tensor | None = None) -> Tensor:
    experts, active, length = scores.shape[-1], chosen.shape[-1], scores.shape[1]
    losses = []
    for place in range(len(scores)):
        keep = slice(None) if real is None else real[place]
        s, c = scores[place][keep], chosen[place][keep]
        f = load_by_comparing(c, experts) * experts / (active * length)
        losses.append((f * (s / s.sum(-1, keepdim=True)).sum(0) / length).sum())
    return alpha * sum(losses) / len(losses)


RIGHT = {
    "route": [
        route_by_best_logits,
        route_by_sorting,
        route_by_masking,
        route_by_loop,
        route_in_float64,
    ],
    "dispatch_combine": [
        combine_in_place,
        combine_slot_by_slot,
        combine_token_by_token,
        combine_by_masks,
        combine_by_slots_first,
    ],
    "load": [load_by_bincount, load_by_comparing, load_by_loop, load_by_adding],
    "dispatch_sorted": [sorted_by_inverse, sorted_by_where, sorted_slots_first, sorted_by_sort],
    "max_vio": [max_vio_by_ratio, max_vio_by_floats, max_vio_by_all],
    "aux_loss": [aux_by_loops, aux_by_einsum, aux_by_scatter, aux_in_float64],
}

WRONG = {
    "route": {
        "not_divided": [not_divided, not_divided_by_gather],
        "total_of_all_tokens": [
            divided_by(lambda weights: weights.sum()),
            lambda logits, active: divided_by(lambda weights: weights.flatten().sum(0))(logits, active),
        ],
        "axis_lost": [
            divided_by(lambda weights: weights.sum(-1)),
            divided_by(lambda weights: reduce(weights, "token slot -> token", "sum")),
        ],
        "over_tokens": [over_tokens, over_tokens_by_sorting],
        "softmax_over_tokens": [softmax_over_tokens, softmax_over_tokens_by_hand],
        "least_likely": [least_likely, least_likely_by_sorting],
        "likeliest_last": [likeliest_last, likeliest_last_by_flipping],
        "by_number": [by_number, by_number_from_mask],
        "detached": [detached, without_gradient],
        "unchosen_kept": [unchosen_kept, unchosen_kept_by_best_logits],
        "zeros_for_the_others": [zeros_for_the_others, zeros_by_infinity],
        "softmax_of_probabilities": [softmax_twice, softmax_twice_by_exp],
        "logits_for_weights": [logits_divided, logits_divided_by_gather],
        "sigmoid": [sigmoid, sigmoid_by_gather],
        "overflow": [overflowing, overflowing_in_place],
        "whole_maximum": [whole_maximum, whole_maximum_in_place],
        "equal_weights": [equal_weights, equal_weights_from_ones],
        "swapped": [swapped, swapped_by_sorting],
        "always_two": [always_two, always_two_by_best_logits],
        "returned_nothing": [lambda logits, active: None, lambda logits, active: (None, None)],
    },
    "dispatch_combine": {
        "weight_on_input": [
            over_experts(
                lambda y, token, weight, x, expert: y.index_add(0, token, expert(weight * x[token]))
            ),
            weight_on_input_slot_by_slot,
        ],
        "one_token_at_a_time": [single_tokens, single_tokens_in_place],
        "sum_not_assigned": [
            sum_not_assigned,
            over_experts(lambda y, token, weight, x, expert: (y.index_add(0, token, expert(x[token])), y)[1]),
        ],
        "raised": [weights_without_axis, weights_without_axis_in_place],
        "overwritten": [
            over_experts(lambda y, token, weight, x, expert: set_rows(y, token, weight * expert(x[token]))),
            overwritten_by_masks,
        ],
        "average_of_all": [average_of_all, average_by_stack],
        "every_expert_works": [every_expert_by_gates, every_expert_by_masks],
        "weight_lost": [
            over_experts(lambda y, token, weight, x, expert: y.index_add(0, token, expert(x[token]))),
            with_weights(torch.ones_like),
        ],
        "plain_mean": [
            with_weights(lambda weights: torch.ones_like(weights) / weights.shape[1]),
            plain_mean_by_token,
        ],
        "first_slot_only": [first_slot_by_number, first_slot_by_token],
        "first_weight_for_all": [
            first_weight_by_number,
            with_weights(lambda weights: weights[:, [0] * weights.shape[1]]),
        ],
        "weight_by_expert_number": [weight_by_number, weight_by_number_clamped],
        "token_added": [token_added, token_added_last],
        "weights_detached": [
            with_weights(lambda weights: weights.detach()),
            over_experts(
                lambda y, token, weight, x, expert: y.index_add(0, token, weight.data * expert(x[token]))
            ),
        ],
        "divided_again": [
            with_weights(lambda weights: weights / weights.sum(1, keepdim=True)),
            with_weights(lambda weights: functional.normalize(weights, p=1, dim=1)),
        ],
    },
    "load": {
        "last_experts_missing": [lambda chosen, experts: chosen.flatten().bincount()],
        "only_the_visited": [lambda chosen, experts: torch.unique(chosen, return_counts=True)[1]],
        "shares_of_tokens": [
            lambda chosen, experts: load_by_bincount(chosen, experts) / chosen.flatten(0, -2).shape[0]
        ],
        "shares_of_visits": [
            lambda chosen, experts: (chosen.flatten()[:, None] == torch.arange(experts)).float().mean(0)
        ],
        "first_choice_only": [lambda chosen, experts: chosen[..., 0].flatten().bincount(minlength=experts)],
        "for_each_slot": [
            lambda chosen, experts: torch.stack(
                [load_by_bincount(column, experts) for column in chosen.flatten(0, -2).T]
            )
        ],
        "visited_or_not": [
            lambda chosen, experts: torch.zeros(experts, dtype=torch.long).index_fill(0, chosen.flatten(), 1)
        ],
        "numbers_added": [lambda chosen, experts: chosen.reshape(-1, chosen.shape[-1]).sum(0)],
        "one_too_many": [
            lambda chosen, experts: torch.histc(chosen.float(), experts + 1, 0, experts + 1).long()
        ],
    },
    "dispatch_sorted": {
        "order_not_undone": [
            steps(back=lambda x, tokens, answers: answers.reshape(len(x), -1, x.shape[1]).sum(1))
        ],
        "starts_for_ends": [
            steps(ends=lambda counts: torch.cat([torch.zeros(1), counts.cumsum(0)[:-1]]).int())
        ],
        "last_rows": [steps(ends=lambda counts: (counts.cumsum(0) - 1).int())],
        "counts_for_ends": [steps(ends=lambda counts: counts.int())],
        "empty_experts_missing": [empty_experts_missing],
        "only_last_row_added": [steps(back=put_by_assignment)],
        "slot_for_token": [steps(token=lambda rows, slots: rows % slots)],
        "token_by_remainder": [token_by_remainder],
        "divided_by_experts": [divided_by_experts],
        "sum_not_assigned": [steps(back=lambda x, tokens, answers: torch.zeros_like(x))],
        "weights_not_sorted": [steps(factors=lambda weights, rows: weights.reshape(-1))],
        "weight_lost": [steps(factors=lambda weights, rows: torch.ones(len(rows)))],
        "weight_on_rows": [weight_on_rows],
        "ends_not_int32": [steps(ends=lambda counts: counts.cumsum(0))],
        "last_expert_first": [steps(order=lambda flat: (-flat).argsort(stable=True))],
    },
    "max_vio": {
        "mean_not_subtracted": [lambda load: load.max() * len(load) / load.sum()],
        "not_divided": [lambda load: load.max() - load.sum() / len(load)],
        "either_way": [lambda load: (load / load.double().mean() - 1).abs().max()],
        "divided_by_largest": [lambda load: 1 - load.double().mean() / load.max()],
        "divided_by_sum": [lambda load: load.max() / load.sum() - 1 / len(load)],
        "largest_minus_smallest": [lambda load: (load.max() - load.min()) * len(load) / load.sum()],
        "emptiest": [lambda load: 1 - load.min() / load.double().mean()],
        "standard_deviation": [of_floats(lambda load: load.std(correction=0) / load.mean())],
        "median": [of_floats(lambda load: (load.max() - load.median()) / torch.clamp(load.median(), min=1))],
        "whole_numbers": [
            lambda load: torch.tensor(
                float(
                    (max(load.tolist()) - sum(load.tolist()) // len(load))
                    // (sum(load.tolist()) // len(load))
                )
            )
        ],
        "for_each_expert": [lambda load: load / load.double().mean() - 1],
    },
    "aux_loss": {
        "p_detached": [aux_with(p=lambda s, c: mean_p(s, c).detach()), p_detached_by_data],
        "experts_lost": [
            aux_with(f=lambda counts, c, s: counts / c.numel()),
            aux_with(p=lambda s, c: mean_p(s, c) / s.shape[-1]),
        ],
        "active_lost": [
            aux_with(f=lambda counts, c, s: counts * len(counts) / len(c)),
            aux_with(f=lambda counts, c, s: counts / len(c) / (1 / len(counts))),
        ],
        "even_share_lost": [
            aux_with(f=lambda counts, c, s: counts / len(c)),
            aux_with(f=lambda counts, c, s: functional.one_hot(c, s.shape[-1]).sum(1).float().mean(0)),
        ],
        "counts_for_f": [
            aux_with(f=lambda counts, c, s: counts),
            aux_with(f=lambda counts, c, s: functional.one_hot(c, s.shape[-1]).sum((0, 1)).float()),
        ],
        "sign": [negative, aux_with(join=lambda losses: -losses.mean())],
        "scores_not_divided": [
            aux_with(p=lambda s, c: s.mean(0)),
            aux_with(p=lambda s, c: reduce(s, "token expert -> expert", "mean")),
        ],
        "softmax_of_scores": [
            aux_with(p=lambda s, c: s.softmax(-1).mean(0)),
            aux_with(p=lambda s, c: (s.exp() / s.exp().sum(-1, keepdim=True)).sum(0) / len(s)),
        ],
        "chosen_scores_only": [
            aux_with(p=lambda s, c: mean_p(masked(s, c), c)),
            aux_with(p=lambda s, c: (masked(s, c) / masked(s, c).sum(-1, keepdim=True)).sum(0) / len(s)),
        ],
        "divided_by_chosen": [
            aux_with(p=lambda s, c: (s / s.gather(-1, c).sum(-1, keepdim=True)).mean(0)),
            aux_with(p=lambda s, c: (s / masked(s, c).sum(-1, keepdim=True)).sum(0) / len(s)),
        ],
        "scores_for_f": [
            aux_with(f=lambda counts, c, s: len(counts) * mean_p(s, c)),
            aux_with(
                f=lambda counts, c, s: torch.ones(1) * len(counts),
                p=lambda s, c: (s / s.sum(-1, keepdim=True)).mean(0) ** 2,
            ),
        ],
        "counts_for_p": [
            aux_with(p=lambda s, c: load_by_loop(c, s.shape[-1]) / c.numel()),
            aux_with(p=lambda s, c: functional.one_hot(c, s.shape[-1]).float().mean((0, 1))),
        ],
        "batch_for_sequence": [batch_by_flattening, batch_by_masking],
        "summed_over_groups": [
            aux_with(join=torch.sum),
            aux_with(join=lambda losses: losses.mean() * len(losses)),
        ],
        "not_averaged": [per_group, aux_with(join=lambda losses: losses)],
        "alpha_lost": [
            without_alpha,
            lambda scores, chosen, alpha, real=None: aux_by_loops(scores, chosen, 1.0, real),
        ],
        "padding_counted": [padding_seen, aux_with(sees="both")],
        "padding_in_f": [
            aux_with(sees="f"),
            aux_with(f=even_f, sees="f"),
        ],
        "padding_in_p": [
            aux_with(sees="p"),
            aux_with(p=mean_p, sees="p"),
        ],
        "first_tokens_real": [first_tokens, first_tokens_cut],
        "divided_by_all": [divided_by_all, divided_by_length],
        "first_choice_only": [
            aux_with(f=lambda counts, c, s: load_by_loop(c[:, :1], len(counts)) * len(counts) / len(c)),
            aux_with(f=lambda counts, c, s: even_f(load_by_comparing(c[:, 0], len(counts)), c[:, 0], s)),
        ],
    },
}
