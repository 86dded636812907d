"""Answers to the exercises on policy gradients: right ones in other styles, and mistakes people make."""

from __future__ import annotations

import math

import torch
from einops import einsum
from torch.nn import functional

# reinforce_loss, right


def loss_by_where(logprobs, advantages, mask):
    chosen = torch.where(mask, logprobs, 0.0)
    return -(chosen * advantages.detach().unsqueeze(1)).sum() / chosen.shape[0]


def loss_by_loop(logprobs, advantages, mask):
    total = 0
    for i in range(len(logprobs)):
        total = total + advantages[i].item() * logprobs[i][mask[i]].sum()
    return -total / len(logprobs)


def loss_by_einsum(logprobs, advantages, mask):
    return -einsum(logprobs, mask.to(logprobs.dtype), advantages.detach(), "b t, b t, b ->") / len(advantages)


def loss_by_filling(logprobs, advantages, mask):
    whole = logprobs.masked_fill(~mask, 0).sum(-1)
    with torch.no_grad():
        weights = advantages / advantages.numel()
    return torch.dot(-weights, whole)


# reinforce_loss, wrong


def summed(logprobs, mask):
    return logprobs.masked_fill(~mask, 0.0).sum(-1)


def rewarded_rows(logprobs, advantages, mask):
    earned = advantages.detach() != 0
    if not earned.any():
        return 0 * logprobs.sum()
    return -(advantages.detach()[earned] * summed(logprobs, mask)[earned]).mean()


def rewarded_by_count(logprobs, advantages, mask):
    count = max(1, int(advantages.count_nonzero()))
    return -(advantages.detach() @ summed(logprobs, mask)) / count


def tokens_averaged_by_loop(logprobs, advantages, mask):
    rows = [logprobs[i, mask[i]].mean() * advantages[i].item() for i in range(len(mask))]
    return -torch.stack(rows).mean()


def tokens_averaged(logprobs, advantages, mask):
    return -(advantages.detach() * (logprobs * mask).sum(1) / mask.sum(1)).mean()


# subtract_baseline, right


def baseline_by_loop(rewards):
    if len(rewards) == 1:
        return rewards.detach().clone()
    kept = [r - torch.cat([rewards[:i], rewards[i + 1 :]]).mean() for i, r in enumerate(rewards)]
    return torch.stack(kept).detach()


def baseline_by_matrix(rewards):
    size = len(rewards)
    if size == 1:
        return rewards.detach()
    weights = (1 - torch.eye(size)) / (size - 1)
    return rewards.detach() - weights @ rewards.detach()


def baseline_by_scaling(rewards):
    """With the mean of all, and then times G / (G - 1): the same."""
    with torch.no_grad():
        size = rewards.numel()
        return (rewards - rewards.mean()) * size / (size - 1) if size > 1 else rewards * 1


# subtract_baseline, wrong


def others(rewards):
    if len(rewards) == 1:
        return torch.zeros(1)
    return torch.stack([torch.cat([rewards[:i], rewards[i + 1 :]]).mean() for i in range(len(rewards))])


def earlier_by_loop(rewards):
    values, kept = rewards.tolist(), []
    for i, value in enumerate(values):
        kept.append(value - (sum(values[:i]) / i if i else 0.0))
    return torch.tensor(kept)


# gradient_variance, right


def variance_by_backward(loss_of_batch, parameter, batches):
    gradients = []
    for i in range(batches):
        parameter.grad = None
        loss_of_batch(i).backward()
        gradients.append(parameter.grad.clone())
    parameter.grad = None
    table = torch.stack(gradients)
    return table.mean(0), table.var(dim=0, correction=0).sum().item()


def variance_by_moments(loss_of_batch, parameter, batches):
    total, squares = torch.zeros_like(parameter).double(), 0.0
    for i in range(batches):
        (gradient,) = torch.autograd.grad(loss_of_batch(i), parameter)
        total = total + gradient.double()
        squares += gradient.double().square().sum().item()
    mean = (total / batches).detach()
    return mean, squares / batches - mean.square().sum().item()


def variance_by_loop(loss_of_batch, parameter, batches):
    gradients = [torch.autograd.grad(loss_of_batch(i), [parameter])[0] for i in range(batches)]
    mean = sum(gradients) / batches
    return mean, float(sum((gradient - mean).norm() ** 2 for gradient in gradients) / batches)


# gradient_variance, wrong


def table(loss_of_batch, parameter, batches):
    return torch.stack([torch.autograd.grad(loss_of_batch(i), parameter)[0] for i in range(batches)])


def with_spread(spread):
    def measure(loss_of_batch, parameter, batches):
        gradients = table(loss_of_batch, parameter, batches)
        return gradients.mean(0), spread(gradients.flatten(1))

    return measure


def of_losses(loss_of_batch, parameter, batches):
    losses = [loss_of_batch(i).item() for i in range(batches)]
    mean = sum(losses) / batches
    variance = sum((loss - mean) ** 2 for loss in losses) / batches
    return table(loss_of_batch, parameter, batches).mean(0), variance


def one_tensor(loss_of_batch, parameter, batches):
    gradients = []
    for number in range(batches):
        loss_of_batch(number).backward()
        gradients.append(parameter.grad)
    stacked = torch.stack(gradients)
    mean = stacked.mean(dim=0)
    return mean, (stacked - mean).square().flatten(1).sum(dim=1).mean().item()


def added_up(loss_of_batch, parameter, batches):
    gradients = []
    for i in range(batches):
        loss_of_batch(i).backward()
        gradients.append(parameter.grad.clone())
    gradients = torch.stack(gradients)
    return gradients.mean(0), gradients.var(dim=0, correction=0).sum().item()


def one_batch(loss_of_batch, parameter, batches):
    gradients = [torch.autograd.grad(loss_of_batch(0), parameter)[0] for _ in range(batches)]
    return gradients[0], torch.stack(gradients).var(dim=0, correction=0).sum().item()


def from_one(loss_of_batch, parameter, batches):
    gradients = [torch.autograd.grad(loss_of_batch(i + 1), parameter)[0] for i in range(batches)]
    gradients = torch.stack(gradients)
    return gradients.mean(0), gradients.var(dim=0, correction=0).sum().item()


def trained(loss_of_batch, parameter, batches):
    gradients = []
    for i in range(batches):
        (gradient,) = torch.autograd.grad(loss_of_batch(i), parameter)
        with torch.no_grad():
            parameter -= 0.1 * gradient
        gradients.append(gradient)
    gradients = torch.stack(gradients)
    return gradients.mean(0), gradients.var(dim=0, correction=0).sum().item()


# token_logprobs, right


def logprobs_by_cross_entropy(logits, completions, temperature=1.0):
    new = completions.shape[1]
    flat = (logits[:, -new - 1 : -1] / temperature).reshape(-1, logits.shape[-1])
    return -functional.cross_entropy(flat, completions.reshape(-1), reduction="none").reshape(
        completions.shape
    )


def logprobs_by_loops(logits, completions, temperature=1.0):
    rows, prompt = [], logits.shape[1] - completions.shape[1]
    for row, tokens in zip(logits, completions, strict=True):
        values = [
            torch.log_softmax(row[prompt + i - 1] / temperature, dim=0)[token]
            for i, token in enumerate(tokens.tolist())
        ]
        rows.append(torch.stack(values))
    return torch.stack(rows)


def logprobs_by_one_hot(logits, completions, temperature=1.0):
    scaled = logits[:, logits.size(1) - completions.size(1) - 1 : logits.size(1) - 1] / temperature
    chosen = functional.one_hot(completions, logits.size(-1))
    return (scaled * chosen).sum(-1) - scaled.logsumexp(-1)


def logprobs_of_everything(logits, completions, temperature=1.0):
    """All positions first, then those that predict."""
    everything = functional.log_softmax(logits / temperature, dim=-1)[:, :-1]
    everything = everything[:, everything.shape[1] - completions.shape[1] :]
    return torch.take_along_dim(everything, completions[..., None], dim=-1)[..., 0]


# token_logprobs, wrong


def predicting(logits, completions):
    return logits[:, -completions.shape[1] - 1 : -1]


def pick(values, completions):
    return values.gather(2, completions[:, :, None])[:, :, 0]


def made(change):
    return lambda logits, completions, temperature=1.0: change(
        predicting(logits, completions), completions, temperature
    )


def after(change):
    return lambda logits, completions, temperature=1.0: change(
        logprobs_by_loops(logits, completions, temperature), completions
    )


def hot(values, completions):
    return (values * functional.one_hot(completions, values.shape[-1])).sum(-1)


RIGHT = {
    "reinforce_loss": [loss_by_where, loss_by_loop, loss_by_einsum, loss_by_filling],
    "subtract_baseline": [baseline_by_loop, baseline_by_matrix, baseline_by_scaling],
    "gradient_variance": [variance_by_backward, variance_by_moments, variance_by_loop],
    "token_logprobs": [
        logprobs_by_cross_entropy,
        logprobs_by_loops,
        logprobs_by_one_hot,
        logprobs_of_everything,
    ],
}
WRONG = {
    "reinforce_loss": {
        "wrong_sign": [
            lambda p, a, m: (a.detach() * (p * m).sum(1)).mean(),
            lambda p, a, m: -loss_by_loop(p, a, m),
        ],
        "logprobs_detached": [
            lambda p, a, m: loss_by_where(p.detach(), a, m),
            lambda p, a, m: -(a.detach() * (p.data * m).sum(1)).mean(),
        ],
        "advantages_attached": [
            lambda p, a, m: -(a * (p * m).sum(1)).mean(),
            lambda p, a, m: -torch.dot(a, summed(p, m)) / len(a),
        ],
        "sign_and_attached": [
            lambda p, a, m: (a * (p * m).sum(1)).mean(),
            lambda p, a, m: torch.dot(a, summed(p, m)) / len(a),
        ],
        "rewarded_only": [rewarded_rows, rewarded_by_count],
        "probabilities": [
            lambda p, a, m: -(a.detach() * summed(p, m).exp()).mean(),
            lambda p, a, m: -(a.detach() * torch.where(m, p.exp(), 1.0).prod(1)).mean(),
        ],
        "probabilities_added": [
            lambda p, a, m: -(a.detach() * (p.exp() * m).sum(1)).mean(),
            lambda p, a, m: -torch.where(m, a.detach()[:, None] * p.exp(), 0.0).sum() / len(p),
        ],
        "mean_of_tokens": [tokens_averaged_by_loop, tokens_averaged],
        "over_all_tokens": [
            lambda p, a, m: -(a.detach()[:, None] * p * m).sum() / m.sum(),
            lambda p, a, m: -(a.detach()[:, None].expand_as(p)[m] * p[m]).mean(),
        ],
        "over_all_places": [
            lambda p, a, m: -(a.detach()[:, None] * p * m).mean(),
            lambda p, a, m: loss_by_where(p, a, m) / p.shape[1],
        ],
        "not_averaged": [
            lambda p, a, m: -(a.detach() * (p * m).sum(1)).sum(),
            lambda p, a, m: -torch.einsum("bt,b->", p * m, a.detach()),
        ],
        "mask_forgotten": [
            lambda p, a, m: -(a.detach() * p.sum(1)).mean(),
            lambda p, a, m: loss_by_loop(p, a, torch.ones_like(m)),
        ],
        "along_tokens": [
            lambda p, a, m: -(a.detach() * p * m).sum(1).mean(),
            lambda p, a, m: -torch.where(m, a.detach() * p, 0.0).sum() / len(p),
        ],
        "each_sample": [
            lambda p, a, m: -a.detach() * (p * m).sum(1),
            lambda p, a, m: -(a.detach()[:, None] * p.masked_fill(~m, 0)).sum(dim=1),
        ],
    },
    "subtract_baseline": {
        "bracket_forgotten": [
            lambda r: (r - r.sum() - r / max(len(r) - 1, 1)).detach(),
            lambda r: r.detach() - r.detach().sum() - r.detach() / (len(r) - 1 or 1),
        ],
        "alone_is_zero": [
            lambda r: baseline_by_loop(r) if len(r) > 1 else torch.zeros(1),
            lambda r: baseline_by_loop(r) * (len(r) > 1),
        ],
        "own_included": [
            lambda r: (r - r.mean()).detach(),
            lambda r: r.detach() - r.detach().sum() / len(r),
        ],
        "divided_by_all": [
            lambda r: (r - (r.sum() - r) / len(r)).detach(),
            lambda r: (r - r.mean() + r / r.numel()).detach(),
        ],
        "own_added": [
            lambda r: (r - r.sum() / max(1, len(r) - 1)).detach(),
            lambda r: r.detach() - r.detach().sum() / (len(r) - 1 or 1),
        ],
        "alone_is_nan": [
            lambda r: (r - (r.sum() - r) / (len(r) - 1)).detach(),
            lambda r: (
                ((r - r.mean()) * len(r) / torch.tensor(len(r) - 1.0)).detach()
                if len(r) > 1
                else r.detach() * math.nan
            ),
        ],
        "attached": [
            lambda r: r - (r.sum() - r) / max(1, len(r) - 1),
            lambda r: r - others(r),
        ],
        "baseline_returned": [
            lambda r: others(r.detach()),
            lambda r: ((r.sum() - r) / max(1, len(r) - 1)).detach(),
        ],
        "the_other_way_round": [
            lambda r: others(r.detach()) - r.detach(),
            lambda r: ((r.sum() - r) / max(1, len(r) - 1) - r).detach(),
        ],
        "standardised": [
            lambda r: ((r - r.mean()) / (r.std(correction=0) + 1e-6)).detach(),
            lambda r: (r.detach() - r.detach().mean()) / (r.detach().var(correction=0).sqrt() + 1e-6),
        ],
        "best_for_baseline": [
            lambda r: (r - r.max()).detach(),
            lambda r: r.detach() - r.detach().amax(dim=0, keepdim=True),
        ],
        "earlier_ones": [
            earlier_by_loop,
            lambda r: (r - (r.cumsum(0) - r) / torch.arange(len(r)).clamp(min=1)).detach(),
        ],
    },
    "gradient_variance": {
        "of_losses": [of_losses],
        "added_up": [added_up],
        "one_tensor": [one_tensor],
        "mean_over_numbers": [with_spread(lambda g: g.var(dim=0, correction=0).mean().item())],
        "divided_by_one_less": [with_spread(lambda g: g.var(dim=0).sum().item())],
        "standard_deviation": [with_spread(lambda g: g.var(dim=0, correction=0).sum().sqrt().item())],
        "from_zero": [with_spread(lambda g: g.square().sum(dim=1).mean().item())],
        "one_batch": [one_batch],
        "counted_from_one": [from_one],
        "changed_input": [trained],
    },
    "token_logprobs": {
        "same_position": [
            lambda z, c, t=1.0: pick((z[:, -c.shape[1] :] / t).log_softmax(-1), c),
            lambda z, c, t=1.0: hot(functional.log_softmax(z / t, -1)[:, z.shape[1] - c.shape[1] :], c),
        ],
        "from_the_start": [
            lambda z, c, t=1.0: pick((z[:, : c.shape[1]] / t).log_softmax(-1), c),
            lambda z, c, t=1.0: hot((z / t).log_softmax(-1)[:, torch.arange(c.shape[1])], c),
        ],
        "probabilities": [
            made(lambda z, c, t: pick((z / t).softmax(-1), c)),
            made(lambda z, c, t: hot(torch.exp((z / t).log_softmax(-1)), c)),
        ],
        "raw_logits": [made(lambda z, c, t: pick(z / t, c)), made(lambda z, c, t: hot(z, c) / t)],
        "temperature_ignored": [
            made(lambda z, c, t: pick(z.log_softmax(-1), c)),
            made(lambda z, c, t: hot(z, c) - z.logsumexp(-1)),
        ],
        "multiplied": [
            made(lambda z, c, t: pick((z * t).log_softmax(-1), c)),
            made(lambda z, c, t: hot(functional.log_softmax(t * z, dim=2), c)),
        ],
        "divided_afterwards": [
            made(lambda z, c, t: pick(z.log_softmax(-1), c) / t),
            made(lambda z, c, t: hot(z.log_softmax(-1) / t, c)),
        ],
        "underflow": [
            made(lambda z, c, t: pick((z / t).softmax(-1).log(), c)),
            made(lambda z, c, t: pick((z / t).softmax(-1), c).log()),
        ],
        "over_positions": [
            made(lambda z, c, t: pick((z / t).log_softmax(1), c)),
            made(lambda z, c, t: hot(functional.log_softmax(z / t, dim=-2), c)),
        ],
        "likeliest": [
            made(lambda z, c, t: (z / t).log_softmax(-1).amax(-1)),
            made(lambda z, c, t: pick((z / t).log_softmax(-1), z.argmax(-1))),
        ],
        "negative": [after(lambda p, c: -p), made(lambda z, c, t: -pick((z / t).log_softmax(-1), c))],
        "summed": [
            after(lambda p, c: p.sum(1)),
            made(lambda z, c, t: pick((z / t).log_softmax(-1), c).sum(-1)),
        ],
        "filling_set_to_zero": [
            after(lambda p, c: p.masked_fill(c == 0, 0.0)),
            after(lambda p, c: torch.where(c > 0, p, torch.zeros_like(p))),
        ],
        "end_left_out": [
            after(lambda p, c: p[:, :-1]),
            lambda z, c, t=1.0: pick((z[:, -c.shape[1] - 1 : -2] / t).log_softmax(-1), c[:, :-1]),
        ],
    },
}
