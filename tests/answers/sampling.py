"""Answers to the sampling exercises: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# softmax_with_temperature, right


def tempered_by_hand(logits: Tensor, temperature: float) -> Tensor:
    if temperature == 0.0:
        return functional.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype)
    shifted = (logits - logits.max(dim=-1, keepdim=True).values) / temperature
    return shifted.exp() / shifted.exp().sum(dim=-1, keepdim=True)


def tempered_by_log_softmax(logits: Tensor, temperature: float) -> Tensor:
    if not temperature:
        best = torch.zeros_like(logits)
        for row, numbers in zip(
            best.view(-1, best.shape[-1]), logits.reshape(-1, logits.shape[-1]), strict=True
        ):
            row[numbers.argmax()] = 1
        return best
    return functional.log_softmax(logits / temperature, dim=-1).exp()


def tempered_in_float64(logits: Tensor, temperature: float) -> Tensor:
    if temperature < 1e-12:
        return torch.eye(logits.shape[-1], dtype=torch.float64)[logits.argmax(dim=-1)]
    return torch.softmax(logits.double() / temperature, -1)


def tempered_by_powers(logits: Tensor, temperature: float) -> Tensor:
    """Probabilities to the power of 1 / temperature, by their logarithms."""
    if temperature == 0:
        places = torch.arange(logits.shape[-1])
        return (places == logits.argmax(-1, keepdim=True)).float()
    powers = logits.log_softmax(-1) * (1 / temperature)
    return (powers - powers.logsumexp(-1, keepdim=True)).exp()


# softmax_with_temperature, wrong


def above_zero(softmax):
    """A mistake at temperatures above 0; right at 0."""
    return lambda logits, temperature: (softmax if temperature else tempered_by_hand)(logits, temperature)


def at_zero(softmax):
    """A mistake at temperature 0; right above."""
    return lambda logits, temperature: (
        tempered_by_hand(logits, temperature) if temperature else softmax(logits)
    )


def last_at_zero_by_loop(logits: Tensor) -> Tensor:
    rows = []
    for row in logits:
        chosen = torch.zeros_like(row)
        chosen[max(range(len(row)), key=lambda token: (row[token].item(), token))] = 1
        rows.append(chosen)
    return torch.stack(rows)


# sample_inverse_cdf, right


def sample_by_shares(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    cumulative = probabilities.cumsum(-1)
    cumulative = cumulative / cumulative[:, -1:]
    return (cumulative <= uniforms[:, None]).sum(-1)


def sample_by_last_possible(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    token = (probabilities.cumsum(dim=-1) <= uniforms.unsqueeze(1)).sum(dim=-1)
    places = torch.arange(probabilities.shape[-1])
    last = torch.where(probabilities > 0, places, -1).amax(dim=-1)
    return torch.minimum(token, last)


def sample_by_loops(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    chosen = []
    for row, uniform in zip(probabilities, uniforms, strict=True):
        left = uniform * row.sum()
        for token, probability in enumerate(row):
            if left < probability:
                chosen.append(token)
                break
            left = left - probability
    return torch.tensor(chosen)


def sample_by_searching(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    cumulative = probabilities.double().cumsum(dim=-1)
    wanted = uniforms.double().unsqueeze(-1) * cumulative[:, -1:]
    return torch.searchsorted(cumulative.contiguous(), wanted, side="right")[:, 0]


def sample_by_argmax(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    cumulative = probabilities.cumsum(dim=-1)
    return (cumulative > uniforms[:, None] * cumulative[:, -1:]).to(torch.int8).argmax(dim=-1)


# sample_inverse_cdf, wrong


def boundary_by_searching(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    cumulative = probabilities.cumsum(-1)
    return torch.searchsorted(cumulative, uniforms.unsqueeze(-1) * cumulative[:, -1:]).squeeze(-1)


def boundary_by_counting(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    cumulative = probabilities.cumsum(-1)
    return (cumulative < uniforms.unsqueeze(-1) * cumulative[:, -1:]).sum(-1)


def past_the_end_by_searching(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    return torch.searchsorted(probabilities.cumsum(-1), uniforms[:, None], right=True)[:, 0]


def past_the_end_by_counting(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    return (uniforms[:, None] >= probabilities.cumsum(dim=1)).long().sum(dim=1)


def cut_by_minimum(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    return past_the_end_by_searching(probabilities, uniforms).clamp(0, probabilities.shape[1] - 1)


def cut_by_a_last_sum_of_one(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    cumulative = probabilities.cumsum(-1)
    cumulative[:, -1] = 1.0
    return (cumulative > uniforms[:, None]).int().argmax(-1)


def none_above_by_float(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    return (probabilities.cumsum(-1) > uniforms.reshape(-1, 1)).float().argmax(-1)


def none_above_by_loop(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    chosen = []
    for row, uniform in zip(probabilities.cumsum(-1), uniforms, strict=True):
        chosen.append(next((token for token, total in enumerate(row) if total > uniform), 0))
    return torch.tensor(chosen)


def not_cumulative_by_loop(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    chosen = []
    for row, uniform in zip(probabilities, uniforms, strict=True):
        chosen.append(next((token for token, one in enumerate(row) if one > uniform), 0))
    return torch.tensor(chosen)


def one_number_by_item(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    cumulative = probabilities.cumsum(dim=-1)
    return (cumulative <= uniforms[0].item() * cumulative[:, -1:]).sum(dim=-1)


def ranks_by_sorting(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    ordered, _ = torch.sort(probabilities, descending=True)
    return sample_by_shares(ordered, uniforms)


def ranks_by_argsort(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    ids = probabilities.argsort(dim=-1, descending=True)
    return sample_by_argmax(probabilities.gather(-1, ids), uniforms)


def summed_over_rows_by_counting(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    return (
        (probabilities.cumsum(0) > uniforms[:, None] * probabilities.sum(1, keepdim=True)).float().argmax(1)
    )


def summed_over_rows_by_stacking(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    sums = torch.stack([probabilities[: row + 1].sum(dim=0) for row in range(len(probabilities))])
    return (sums > (uniforms * probabilities.sum(-1)).unsqueeze(-1)).to(torch.uint8).argmax(-1)


def other_end_by_flipping(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    return probabilities.shape[-1] - 1 - sample_by_shares(probabilities.flip(1), uniforms)


def other_end_by_counting(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    """How much probability there is from each token on: the last token for which it is above the number."""
    to_come = probabilities.flip(-1).cumsum(-1).flip(-1)
    return (to_come > uniforms[:, None] * to_come[:, :1]).sum(-1) - 1


# top_p, right


def top_p_by_loops(probabilities: Tensor, mass: float) -> Tensor:
    kept = torch.zeros_like(probabilities).reshape(-1, probabilities.shape[-1])
    for row, out in zip(probabilities.reshape(-1, probabilities.shape[-1]), kept, strict=True):
        total = 0.0
        for token in row.argsort(descending=True, stable=True):
            if total >= mass:
                break
            out[token] = row[token]
            total += row[token]
    return (kept / kept.sum(-1, keepdim=True)).reshape(probabilities.shape)


def top_p_by_shifting(probabilities: Tensor, mass: float) -> Tensor:
    """As in many libraries: what is past the mass goes, shifted by one so that the crossing one stays."""
    ordered, ids = torch.sort(probabilities, dim=-1, descending=True, stable=True)
    remove = ordered.cumsum(-1) >= mass
    remove = torch.cat([torch.zeros_like(remove[..., :1]), remove[..., :-1]], dim=-1)
    ordered = ordered.masked_fill(remove, 0.0)
    ordered = ordered / ordered.sum(-1, keepdim=True)
    return ordered.gather(-1, ids.argsort(-1))


def top_p_by_counting(probabilities: Tensor, mass: float) -> Tensor:
    ordered, ids = probabilities.sort(dim=-1, descending=True, stable=True)
    count = (ordered.cumsum(dim=-1) < mass).sum(dim=-1, keepdim=True) + 1
    rank = ids.argsort(dim=-1)
    kept = torch.where(rank < count, probabilities, 0.0)
    return functional.normalize(kept, p=1, dim=-1)


def top_p_in_float64(probabilities: Tensor, mass: float) -> Tensor:
    wide = probabilities.double()
    ids = wide.argsort(dim=-1, descending=True, stable=True)
    ordered = wide.gather(-1, ids)
    ordered = ordered * ((ordered.cumsum(-1) - ordered) < mass)
    return torch.zeros_like(wide).scatter_(-1, ids, ordered / ordered.sum(-1, keepdim=True))


# top_p, wrong


def crossing_dropped(probabilities: Tensor, mass: float) -> Tensor:
    ordered, ids = probabilities.sort(dim=-1, descending=True)
    ordered = torch.where(ordered.cumsum(-1) > mass, 0.0, ordered)
    kept = ordered.gather(-1, ids.argsort(-1))
    return kept / kept.sum(-1, keepdim=True)


def one_too_many(probabilities: Tensor, mass: float) -> Tensor:
    ordered, ids = torch.sort(probabilities, dim=-1, descending=True, stable=True)
    remove = ordered.cumsum(-1) > mass
    remove = torch.cat([torch.zeros_like(remove[..., :1]), remove[..., :-1]], dim=-1)
    ordered = ordered.masked_fill(remove, 0.0)
    return (ordered / ordered.sum(-1, keepdim=True)).gather(-1, ids.argsort(-1))


def sorted_order(probabilities: Tensor, mass: float) -> Tensor:
    ordered = probabilities.sort(dim=-1, descending=True).values
    ordered = ordered * (ordered.cumsum(-1) - ordered < mass)
    return ordered / ordered.sum(-1, keepdim=True)


def not_sorted(probabilities: Tensor, mass: float) -> Tensor:
    before = probabilities.cumsum(-1) - probabilities
    kept = torch.where(before < mass, probabilities, 0.0)
    return kept / kept.sum(-1, keepdim=True)


def unlikeliest_first(probabilities: Tensor, mass: float) -> Tensor:
    ids = probabilities.argsort(dim=-1, stable=True)
    ordered = probabilities.gather(-1, ids)
    kept = (ordered * (ordered.cumsum(-1) - ordered < mass)).gather(-1, ids.argsort(-1))
    return kept / kept.sum(-1, keepdim=True)


def threshold(probabilities: Tensor, mass: float) -> Tensor:
    kept = probabilities * (probabilities >= mass)
    return kept / kept.sum(-1, keepdim=True)


def softmax_again(probabilities: Tensor, mass: float) -> Tensor:
    kept = top_p_by_counting(probabilities, mass) > 0
    return torch.where(kept, probabilities, -torch.inf).softmax(-1)


def ties_kept(probabilities: Tensor, mass: float) -> Tensor:
    smallest = torch.where(top_p_by_counting(probabilities, mass) > 0, probabilities, 2.0).amin(-1, True)
    return functional.normalize(torch.where(probabilities < smallest, 0.0, probabilities), p=1, dim=-1)


RIGHT = {
    "softmax_with_temperature": [
        tempered_by_hand,
        tempered_by_log_softmax,
        tempered_in_float64,
        tempered_by_powers,
    ],
    "sample_inverse_cdf": [
        sample_by_shares,
        sample_by_last_possible,
        sample_by_loops,
        sample_by_searching,
        sample_by_argmax,
    ],
    "top_p": [top_p_by_loops, top_p_by_shifting, top_p_by_counting, top_p_in_float64],
}

WRONG = {
    "softmax_with_temperature": {
        "multiplied": [above_zero(lambda logits, temperature: (temperature * logits).softmax(-1))],
        "multiplied_everywhere": [lambda logits, temperature: (temperature * logits).softmax(-1)],
        "divided_afterwards": [above_zero(lambda logits, temperature: logits.softmax(-1) * temperature**-1)],
        "temperature_ignored": [above_zero(lambda logits, temperature: logits.log_softmax(-1).exp())],
        "logits_returned": [above_zero(lambda logits, temperature: torch.div(logits, temperature))],
        "overflow": [
            above_zero(
                lambda logits, temperature: (
                    torch.exp(logits / temperature) / torch.exp(logits / temperature).sum(-1).unsqueeze(-1)
                )
            )
        ],
        "over_the_batch": [
            above_zero(lambda logits, temperature: functional.softmax(logits / temperature, 0))
        ],
        "division_by_zero": [lambda logits, temperature: torch.softmax(logits / temperature, dim=-1)],
        "zero_as_one": [lambda logits, temperature: torch.softmax(logits / (temperature or 1), dim=-1)],
        "uniform_at_zero": [at_zero(lambda logits: torch.full_like(logits, 1 / logits.shape[-1]))],
        "shared_at_zero": [
            lambda logits, temperature: torch.softmax(logits / max(temperature, 1e-4), dim=-1),
            lambda logits, temperature: torch.softmax(logits / (temperature + 1e-9), dim=-1),
        ],
        "several_at_zero": [at_zero(lambda logits: (logits >= logits.max(-1, keepdim=True).values).float())],
        "last_at_zero": [at_zero(last_at_zero_by_loop)],
        "token_at_zero": [at_zero(lambda logits: logits.max(dim=-1).indices)],
    },
    "sample_inverse_cdf": {
        "on_the_boundary": [boundary_by_searching, boundary_by_counting],
        "past_the_end": [past_the_end_by_searching, past_the_end_by_counting],
        "cut_at_the_end": [cut_by_minimum, cut_by_a_last_sum_of_one],
        "none_above": [none_above_by_float, none_above_by_loop],
        "not_cumulative": [
            not_cumulative_by_loop,
            lambda probabilities, uniforms: (probabilities > uniforms[:, None]).byte().argmax(1),
        ],
        "likeliest": [
            lambda probabilities, uniforms: probabilities.max(dim=-1).indices,
            lambda probabilities, uniforms: torch.topk(probabilities, 1).indices.squeeze(-1),
        ],
        "one_before": [
            lambda probabilities, uniforms: sample_by_shares(probabilities, uniforms) - 1,
            lambda probabilities, uniforms: sample_by_searching(probabilities, uniforms).sub(1),
        ],
        "one_number_for_all": [
            one_number_by_item,
            lambda probabilities, uniforms: sample_by_loops(
                probabilities, torch.full_like(uniforms, uniforms[0].item())
            ),
        ],
        "summed_over_rows": [summed_over_rows_by_counting, summed_over_rows_by_stacking],
        "sorted_ranks": [ranks_by_sorting, ranks_by_argsort],
        "from_the_other_end": [other_end_by_flipping, other_end_by_counting],
        "axis_kept": [
            lambda probabilities, uniforms: sample_by_argmax(probabilities, uniforms)[:, None],
            lambda probabilities, uniforms: sample_by_loops(probabilities, uniforms).reshape(-1, 1),
        ],
    },
    "top_p": {
        "crossing_dropped": [crossing_dropped],
        "one_too_many": [one_too_many],
        "not_renormalised": [
            lambda probabilities, mass: torch.where(
                top_p_by_counting(probabilities, mass) > 0, probabilities, 0.0
            )
        ],
        "sorted_order": [sorted_order],
        "not_sorted": [not_sorted],
        "unlikeliest_first": [unlikeliest_first],
        "threshold": [threshold],
        "softmax_again": [softmax_again],
        "ties_kept": [ties_kept],
        "logarithms": [lambda probabilities, mass: top_p_by_shifting(probabilities, mass).log()],
    },
}
