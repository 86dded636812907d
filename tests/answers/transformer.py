"""Answers to the transformer exercises: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

import math

import torch
from einops import einsum, rearrange, reduce, repeat
from torch import Tensor, nn
from torch.nn import functional

from pocketr1.transformer import RMSNorm

# rms_norm, right


def norm_by_pytorch(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    return functional.rms_norm(x, gain.shape, weight=gain, eps=eps)


def norm_by_division(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    mean_square = (x**2).mean(-1, keepdim=True)
    return x / torch.sqrt(mean_square + eps) * gain


def norm_by_einops(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    size = (reduce(x * x, "... dim -> ... 1", "mean") + eps) ** 0.5
    return einsum(x / size, gain, "... dim, dim -> ... dim")


def norm_by_loops(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    rows = []
    for row in x.reshape(-1, x.shape[-1]):
        total = sum(number * number for number in row)
        rows.append(
            torch.stack([g * n / (total / len(row) + eps) ** 0.5 for g, n in zip(gain, row, strict=True)])
        )
    return torch.stack(rows).reshape(x.shape)


def norm_in_float64(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    wide = x.double()
    return wide * (wide.pow(2).mean(-1, keepdim=True) + eps).rsqrt() * gain


# rms_norm, wrong


def standard_deviation_by_pytorch(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    return gain * x / torch.sqrt(torch.var(x, dim=-1, unbiased=False, keepdim=True) + eps)


def mean_subtracted_by_hand(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt() * gain


def epsilon_outside_by_norm(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    return gain * x / (x.norm(dim=-1, keepdim=True) / x.shape[-1] ** 0.5 + eps)


def epsilon_lost_by_norm(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    return gain * x / x.square().mean(-1, keepdim=True).pow(0.5)


def sum_by_einsum(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    return gain * x * torch.rsqrt(torch.einsum("...d,...d->...", x, x).unsqueeze(-1) + eps)


def over_tokens_by_axis(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    return gain * x * torch.rsqrt(reduce(x * x, "... seq dim -> ... 1 dim", "mean") + eps)


# rotations, right


def rotations_by_exponential(positions: Tensor, dim: int, base: float = 10_000.0) -> Tensor:
    frequencies = torch.tensor([base ** (-2 * pair / dim) for pair in range(dim // 2)])
    return torch.exp(1j * positions[..., None] * frequencies)


def rotations_by_sines(positions: Tensor, dim: int, base: float = 10_000.0) -> Tensor:
    pair = torch.arange(dim // 2)
    angles = einsum(positions.float(), base ** (-2.0 * pair / dim), "... , pair -> ... pair")
    return torch.complex(angles.cos(), angles.sin())


def rotations_by_logarithm(positions: Tensor, dim: int, base: float = 10_000.0) -> Tensor:
    frequencies = torch.exp(torch.arange(0, dim, 2) * (-math.log(base) / dim))
    angles = positions.unsqueeze(-1) * frequencies
    return torch.view_as_complex(torch.stack([torch.cos(angles), torch.sin(angles)], dim=-1))


def rotations_in_float64(positions: Tensor, dim: int, base: float = 10_000.0) -> Tensor:
    angles = positions.double().unsqueeze(-1) / base ** (torch.arange(0, dim, 2).double() / dim)
    return torch.polar(torch.ones_like(angles), angles)


# rotations, wrong


def turns(frequencies):
    """Rotations whose pairs turn by these frequencies (a list for dim and base)."""

    def rotations(positions: Tensor, dim: int, base: float = 10_000.0) -> Tensor:
        angles = positions.unsqueeze(-1) * torch.tensor(frequencies(dim, base), dtype=torch.float32)
        return torch.polar(torch.ones_like(angles), angles)

    return rotations


def one_for_each_number(positions: Tensor, dim: int, base: float = 10_000.0) -> Tensor:
    half = rotations_by_sines(positions, dim, base)
    return torch.cat([half, half], dim=-1)


def in_degrees(positions: Tensor, dim: int, base: float = 10_000.0) -> Tensor:
    plain = positions.unsqueeze(-1) * base ** (-torch.arange(0, dim, 2) / dim)
    return torch.exp(1j * plain * math.pi / 180)


# rope, right


def rope_by_sines(x: Tensor, rotation: Tensor) -> Tensor:
    first, second = x[..., ::2], x[..., 1::2]
    cosine, sine = rotation.real, rotation.imag
    return torch.stack([first * cosine - second * sine, first * sine + second * cosine], dim=-1).flatten(-2)


def rope_by_filling(x: Tensor, rotation: Tensor) -> Tensor:
    turned = torch.empty_like(x)
    turned[..., 0::2] = x[..., 0::2] * rotation.real - x[..., 1::2] * rotation.imag
    turned[..., 1::2] = x[..., 0::2] * rotation.imag + x[..., 1::2] * rotation.real
    return turned


def rope_by_einops(x: Tensor, rotation: Tensor) -> Tensor:
    pairs = rearrange(x, "... (pair two) -> ... pair two", two=2)
    number = torch.complex(pairs[..., 0], pairs[..., 1]) * rotation
    return rearrange(torch.view_as_real(number), "... pair two -> ... (pair two)")


def rope_by_matrices(x: Tensor, rotation: Tensor) -> Tensor:
    matrix = torch.stack(
        [torch.stack([rotation.real, -rotation.imag], -1), torch.stack([rotation.imag, rotation.real], -1)],
        -2,
    )
    pairs = x.unflatten(-1, (-1, 2)).unsqueeze(-1)
    return (matrix @ pairs).squeeze(-1).flatten(-2)


def rope_by_neighbours(x: Tensor, rotation: Tensor) -> Tensor:
    cosine, sine = (part.repeat_interleave(2, dim=-1) for part in (rotation.real, rotation.imag))
    swapped = torch.stack([-x[..., 1::2], x[..., 0::2]], dim=-1).reshape(x.shape)
    return x * cosine + swapped * sine


def rope_in_float64(x: Tensor, rotation: Tensor) -> Tensor:
    number = torch.view_as_complex(x.double().reshape(*x.shape[:-1], -1, 2)) * rotation
    return torch.view_as_real(number).flatten(-2)


# rope, wrong


def half_split_as_in_transformers(x: Tensor, rotation: Tensor) -> Tensor:
    cosine, sine = (torch.cat([part, part], dim=-1) for part in (rotation.real, rotation.imag))
    half = x.shape[-1] // 2
    return x * cosine + torch.cat([-x[..., half:], x[..., :half]], dim=-1) * sine


def half_split_by_view(x: Tensor, rotation: Tensor) -> Tensor:
    number = torch.complex(*x.unflatten(-1, (2, -1)).unbind(-2)) * rotation
    return torch.cat([number.real, number.imag], dim=-1)


def half_split_taken_apart(x: Tensor, rotation: Tensor) -> Tensor:
    number = torch.complex(*x.chunk(2, dim=-1)) * rotation
    return torch.view_as_real(number).flatten(-2)


def half_split_taken_apart_by_einops(x: Tensor, rotation: Tensor) -> Tensor:
    return rope_by_sines(rearrange(x, "... (two pair) -> ... (pair two)", two=2), rotation)


def halves_together_by_filling(x: Tensor, rotation: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    turned = torch.empty_like(x)
    turned[..., :half] = x[..., 0::2] * rotation.real - x[..., 1::2] * rotation.imag
    turned[..., half:] = x[..., 0::2] * rotation.imag + x[..., 1::2] * rotation.real
    return turned


def opposite_by_sign(x: Tensor, rotation: Tensor) -> Tensor:
    first, second = x[..., ::2], x[..., 1::2]
    cosine, sine = rotation.real, rotation.imag
    return torch.stack([first * cosine + second * sine, second * cosine - first * sine], dim=-1).flatten(-2)


def plus_for_minus(x: Tensor, rotation: Tensor) -> Tensor:
    cosine, sine = (part.repeat_interleave(2, dim=-1) for part in (rotation.real, rotation.imag))
    swapped = torch.stack([x[..., 1::2], x[..., 0::2]], dim=-1).flatten(-2)
    return x * cosine + swapped * sine


def plus_for_minus_by_parts(x: Tensor, rotation: Tensor) -> Tensor:
    a, b, c, s = x[..., 0::2], x[..., 1::2], rotation.real, rotation.imag
    turned = torch.zeros_like(x)
    turned[..., 0::2] = a * c + b * s
    turned[..., 1::2] = a * s + b * c
    return turned


def only_cosines_by_pairs(x: Tensor, rotation: Tensor) -> Tensor:
    return (x.unflatten(-1, (-1, 2)) * rotation.real.unsqueeze(-1)).flatten(-2)


def swapped_by_filling(x: Tensor, rotation: Tensor) -> Tensor:
    turned = torch.empty_like(x)
    turned[..., 1::2] = x[..., 0::2] * rotation.real - x[..., 1::2] * rotation.imag
    turned[..., 0::2] = x[..., 0::2] * rotation.imag + x[..., 1::2] * rotation.real
    return turned


def added_as_complex(x: Tensor, rotation: Tensor) -> Tensor:
    number = torch.view_as_complex(x.contiguous().unflatten(-1, (-1, 2))) + rotation
    return torch.view_as_real(number).flatten(-2)


def complex_product(x: Tensor, rotation: Tensor) -> Tensor:
    return torch.view_as_complex(x.contiguous().unflatten(-1, (-1, 2))) * rotation


# Block


class Given(nn.Module):
    """The given part of the block."""

    def __init__(self, dim: int, attention: nn.Module, feed_forward: nn.Module, eps: float = 1e-6) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(dim, eps)
        self.attention = attention
        self.feed_forward_norm = RMSNorm(dim, eps)
        self.feed_forward = feed_forward


def block(forward):
    """A class with this forward."""
    return type("Block", (Given,), {"forward": forward})


def wired(wiring):
    """A class whose forward is `wiring(x, first norm, attention, second norm, feed-forward)`."""

    def forward(self, x, rotation, mask, cache=None):
        def attention(y):
            return self.attention(y, rotation, mask, cache)

        return wiring(x, self.attention_norm, attention, self.feed_forward_norm, self.feed_forward)

    return block(forward)


def forward_in_place(self, x, rotation, mask, cache=None):
    x = x.clone()
    x += self.attention(self.attention_norm(x.clone()), rotation, mask, cache)
    x += self.feed_forward(self.feed_forward_norm(x.clone()))
    return x


def forward_with_names(self, x, rotation, mask, cache=None):
    found = self.attention(self.attention_norm(x), rotation, mask, cache=cache)
    residual = torch.add(x, found)
    thought = self.feed_forward(self.feed_forward_norm(residual))
    return torch.add(residual, thought)


def forward_as_a_sum(self, x, rotation, mask, cache=None):
    parts = [x]
    parts.append(self.attention(self.attention_norm(sum(parts)), rotation, mask, cache))
    parts.append(self.feed_forward(self.feed_forward_norm(sum(parts))))
    return sum(parts)


def forward_by_hand(self, x, rotation, mask, cache=None):
    def norm(part, y):
        return functional.rms_norm(y, (y.shape[-1],), part.gain, part.eps)

    x = x + self.attention(norm(self.attention_norm, x), rotation, mask, cache)
    return x + self.feed_forward(norm(self.feed_forward_norm, x))


class Whole(nn.Module):
    """All of it, as it stands in a learner's cell."""

    def __init__(self, dim: int, attention: nn.Module, feed_forward: nn.Module, eps: float = 1e-6) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(dim, eps)
        self.attention = attention
        self.feed_forward_norm = RMSNorm(dim, eps)
        self.feed_forward = feed_forward

    def forward(self, x, rotation, mask, cache=None):
        heard = x + self.attention(self.attention_norm(x), rotation, mask, cache)
        return heard + self.feed_forward(self.feed_forward_norm(heard))


def forward_without_mask(self, x, rotation, mask, cache=None):
    x = x + self.attention(self.attention_norm(x), rotation, None, cache)
    return x + self.feed_forward(self.feed_forward_norm(x))


def forward_without_cache(self, x, rotation, mask, cache=None):
    x = x + self.attention(self.attention_norm(x), rotation, mask)
    return x + self.feed_forward(self.feed_forward_norm(x))


def forward_post_norm(self, x, rotation, mask, cache=None):
    x = self.attention_norm(x + self.attention(x, rotation, mask, cache))
    x = self.feed_forward_norm(x + self.feed_forward(x))
    return x


# next_token_loss, right


def loss_by_gather(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = logits[:, :-1].log_softmax(-1).gather(-1, tokens[:, 1:, None]).squeeze(-1)
    counted = mask[:, 1:].float()
    return -(logprobs * counted).sum() / counted.sum()


def loss_by_ignoring(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    wanted = torch.where(mask, tokens, -100)[:, 1:]
    return functional.cross_entropy(rearrange(logits[:, :-1], "b s v -> (b s) v"), wanted.reshape(-1))


def loss_by_logsumexp(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logits, tokens, mask = logits[:, :-1], tokens[:, 1:], mask[:, 1:]
    right = torch.take_along_dim(logits, tokens[..., None], dim=-1)[..., 0]
    return (logits.logsumexp(-1) - right)[mask].mean()


def loss_by_loops(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    surprises = []
    for row in range(len(tokens)):
        for place in range(1, tokens.shape[1]):
            if mask[row, place]:
                surprises.append(-logits[row, place - 1].log_softmax(0)[tokens[row, place]])
    return torch.stack(surprises).mean()


def loss_in_float64(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    counted = mask[:, 1:]
    return functional.nll_loss(
        logits.double()[:, :-1][counted].log_softmax(-1), tokens[:, 1:][counted], reduction="mean"
    )


def loss_by_rolling(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    """Rolled, with the place that came round left out: right."""
    counted = mask.roll(-1, dims=1).clone()
    counted[:, -1] = False
    return functional.cross_entropy(logits[counted], tokens.roll(-1, dims=1)[counted])


# next_token_loss, wrong


def loss_of(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    """The loss of what is already lined up."""
    return functional.cross_entropy(logits[mask], tokens[mask])


def sum_of(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    right = logits.log_softmax(-1).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    return -(right * mask).sum()


def not_shifted_by_ignoring(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    return functional.cross_entropy(logits.flatten(0, 1), tokens.masked_fill(~mask, -100).flatten())


def rolled_by_cat(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    turned = [torch.cat([part[:, 1:], part[:, :1]], dim=1) for part in (tokens, mask)]
    return loss_of(logits, *turned)


def divided_by_numel(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    return sum_of(logits[:, :-1], tokens[:, 1:], mask[:, 1:]) / tokens[:, 1:].numel()


def divided_by_a_plain_mean(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    losses = functional.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")
    return losses.masked_fill(~mask[:, 1:], 0).mean()


def mean_of_rows_by_loop(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    rows = [loss_of(a[:-1], b[1:], c[1:]) for a, b, c in zip(logits, tokens, mask, strict=True)]
    return sum(rows) / len(rows)


def mean_of_rows_by_division(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    losses = functional.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none") * mask[:, 1:]
    return (losses.sum(-1) / mask[:, 1:].sum(-1)).mean()


def softmax_first_by_hand(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    chances = torch.softmax(logits, dim=-1)
    return loss_by_gather(chances, tokens, mask)


def log_of_softmax_by_picking(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    chances = functional.softmax(logits[:, :-1], -1)
    picked = (chances * functional.one_hot(tokens[:, 1:], logits.shape[-1])).sum(-1)
    return torch.log(picked[mask[:, 1:]]).mean().neg()


def log_of_softmax_by_gather(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    picked = logits.softmax(-1)[:, :-1].gather(2, tokens[:, 1:, None])[..., 0]
    return -picked[mask[:, 1:]].log().mean()


def perplexity_by_power(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    return math.e ** loss_by_gather(logits, tokens, mask)


def not_averaged_by_gather(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = logits[:, :-1].log_softmax(-1).gather(-1, tokens[:, 1:, None]).squeeze(-1)
    return -logprobs[mask[:, 1:]]


RIGHT = {
    "rms_norm": [norm_by_pytorch, norm_by_division, norm_by_einops, norm_by_loops, norm_in_float64],
    "rotations": [
        rotations_by_exponential,
        rotations_by_sines,
        rotations_by_logarithm,
        rotations_in_float64,
    ],
    "rope": [
        rope_by_sines,
        rope_by_filling,
        rope_by_einops,
        rope_by_matrices,
        rope_by_neighbours,
        rope_in_float64,
    ],
    "Block": [
        block(forward_in_place),
        block(forward_with_names),
        block(forward_as_a_sum),
        block(forward_by_hand),
        Whole,
    ],
    "next_token_loss": [
        loss_by_gather,
        loss_by_ignoring,
        loss_by_logsumexp,
        loss_by_loops,
        loss_in_float64,
        loss_by_rolling,
    ],
}

WRONG = {
    "rms_norm": {
        "mean_subtracted": [mean_subtracted_by_hand],
        "standard_deviation": [standard_deviation_by_pytorch],
        "epsilon_outside": [epsilon_outside_by_norm],
        "epsilon_fixed": [lambda x, gain, eps=1e-6: norm_by_division(x, gain)],
        "epsilon_lost": [epsilon_lost_by_norm],
        "sum_for_mean": [
            sum_by_einsum,
            lambda x, gain, eps=1e-6: gain * x * (x * x).sum(-1, True).add(eps) ** -0.5,
        ],
        "length_for_size": [
            lambda x, gain, eps=1e-6: gain * x / x.square().sum(-1, keepdim=True).sqrt(),
        ],
        "layer_norm_by_hand": [
            lambda x, gain, eps=1e-6: (
                gain * (x - x.mean(-1, keepdim=True)) / torch.sqrt(torch.var(x, -1, keepdim=True) + eps)
            ),
        ],
        "root_missing": [lambda x, gain, eps=1e-6: gain * x / ((x**2).mean(-1, keepdim=True) + eps)],
        "multiplied": [lambda x, gain, eps=1e-6: x * gain * ((x * x).mean(-1, keepdim=True) + eps) ** 0.5],
        "square_of_mean": [lambda x, gain, eps=1e-6: gain * x / (x.mean(-1, keepdim=True) ** 2 + eps) ** 0.5],
        "over_tokens": [over_tokens_by_axis],
        "over_everything": [lambda x, gain, eps=1e-6: x / torch.sqrt((x**2).mean() + eps) * gain],
        "axis_lost": [lambda x, gain, eps=1e-6: x / torch.sqrt((x**2).mean(-1) + eps) * gain],
        "gain_lost": [lambda x, gain, eps=1e-6: functional.rms_norm(x, gain.shape, eps=eps)],
        "gain_first": [lambda x, gain, eps=1e-6: functional.rms_norm(gain * x, gain.shape, eps=eps)],
        "gain_plus_one": [lambda x, gain, eps=1e-6: functional.rms_norm(x, gain.shape, gain + 1, eps)],
    },
    "rotations": {
        "angles_alone": [
            lambda positions, dim, base=1e4: (
                positions.unsqueeze(-1) * base ** (-torch.arange(0, dim, 2) / dim)
            )
        ],
        "cosines_and_sines": [
            lambda positions, dim, base=1e4: (
                rotations_by_sines(positions, dim, base).real,
                rotations_by_sines(positions, dim, base).imag,
            )
        ],
        "added_up": [
            lambda positions, dim, base=1e4: sum(
                wave(positions.unsqueeze(-1) * base ** (-torch.arange(0, dim, 2) / dim))
                for wave in (torch.cos, torch.sin)
            )
        ],
        "place_by_place": [
            lambda positions, dim, base=1e4: torch.exp(
                1j * (positions * base ** (-torch.arange(0, dim, 2) / dim))
            )
        ],
        "as_many_as_numbers": [turns(lambda dim, base: [base ** (-2 * i / dim) for i in range(dim)])],
        "exponent_halved": [turns(lambda dim, base: [base ** (-i / dim) for i in range(dim // 2)])],
        "exponent_doubled": [
            turns(lambda dim, base: [base ** (-2 * i / (dim // 2)) for i in range(dim // 2)])
        ],
        "exponent_positive": [turns(lambda dim, base: [base ** (2 * i / dim) for i in range(dim // 2)])],
        "all_at_one_speed": [turns(lambda dim, base: [1.0] * (dim // 2))],
        "first_pair_skipped": [turns(lambda dim, base: [base ** (-i / dim) for i in range(2, dim + 1, 2)])],
        "opposite_sense": [lambda positions, dim, base=1e4: rotations_by_sines(positions, dim, base).conj()],
        "sine_first": [
            lambda positions, dim, base=1e4: torch.complex(
                rotations_by_sines(positions, dim, base).imag, rotations_by_sines(positions, dim, base).real
            )
        ],
        "positions_from_one": [
            lambda positions, dim, base=1e4: rotations_by_exponential(1 + positions, dim, base)
        ],
        "base_ignored": [lambda positions, dim, base=1e4: rotations_by_logarithm(positions, dim)],
        "degrees": [in_degrees],
        "one_for_each_number": [one_for_each_number],
    },
    "rope": {
        "half_split": [half_split_as_in_transformers, half_split_by_view],
        "half_split_taken_apart": [half_split_taken_apart, half_split_taken_apart_by_einops],
        "halves_put_together": [
            halves_together_by_filling,
            lambda x, rotation: rearrange(
                rope_by_sines(x, rotation), "... (pair two) -> ... (two pair)", two=2
            ),
        ],
        "opposite_sense": [opposite_by_sign, lambda x, rotation: rope_by_einops(x, rotation.conj())],
        "minus_lost": [plus_for_minus, plus_for_minus_by_parts],
        "only_cosines": [
            only_cosines_by_pairs,
            lambda x, rotation: x * repeat(rotation.real, "... pair -> ... (pair two)", two=2),
        ],
        "pair_swapped": [
            swapped_by_filling,
            lambda x, rotation: rope_by_sines(x, rotation).unflatten(-1, (-1, 2)).flip(-1).flatten(-2),
        ],
        "turned_twice": [
            lambda x, rotation: rope_by_sines(rope_by_sines(x, rotation), rotation),
            lambda x, rotation: rope_by_einops(x, rotation**2),
        ],
        "added": [
            added_as_complex,
            lambda x, rotation: x + torch.view_as_real(rotation).flatten(-2),
        ],
        "still_pairs": [
            lambda x, rotation: torch.view_as_real(complex_product(x, rotation)),
            lambda x, rotation: rope_by_sines(x, rotation).unflatten(-1, (-1, 2)),
            complex_product,
        ],
        "only_real_part": [
            lambda x, rotation: complex_product(x, rotation).real,
            lambda x, rotation: x[..., ::2] * rotation.real - x[..., 1::2] * rotation.imag,
        ],
    },
    "Block": {
        "post_norm": [block(forward_post_norm)],
        "residual_after_norm": [wired(lambda x, n1, a, n2, f: (y := n2((z := n1(x)) + a(z))) + f(y))],
        "outputs_normed": [wired(lambda x, n1, a, n2, f: (y := x + n1(a(x))) + n2(f(y)))],
        "attention_norm_twice": [wired(lambda x, n1, a, n2, f: (y := x + a(n1(x))) + f(n1(y)))],
        "norms_swapped": [wired(lambda x, n1, a, n2, f: (y := x + a(n2(x))) + f(n1(y)))],
        "attention_residual_missing": [wired(lambda x, n1, a, n2, f: (y := a(n1(x))) + f(n2(y)))],
        "feed_forward_residual_missing": [wired(lambda x, n1, a, n2, f: f(n2(x + a(n1(x)))))],
        "no_residuals": [wired(lambda x, n1, a, n2, f: f(n2(a(n1(x)))))],
        "parallel": [wired(lambda x, n1, a, n2, f: x + (a(n1(x)) + f(n2(x))))],
        "attention_forgotten": [wired(lambda x, n1, a, n2, f: f(n2(a(n1(x)) + x)) + x)],
        "feed_forward_first": [wired(lambda x, n1, a, n2, f: (y := x + f(n2(x))) + a(n1(y)))],
        "no_norms": [wired(lambda x, n1, a, n2, f: (y := x + a(x)) + f(y))],
        "only_attention_normed": [wired(lambda x, n1, a, n2, f: (y := x + a(n1(x))) + f(y))],
        "only_feed_forward_normed": [wired(lambda x, n1, a, n2, f: (y := x + a(x)) + f(n2(y)))],
        "mask_lost": [block(forward_without_mask)],
        "cache_lost": [block(forward_without_cache)],
    },
    "next_token_loss": {
        "not_shifted": [loss_of, not_shifted_by_ignoring],
        "shifted_twice": [
            lambda logits, tokens, mask: loss_of(logits[:, :-2], tokens[:, 2:], mask[:, 2:]),
            lambda logits, tokens, mask: (
                sum_of(logits[:, :-2], tokens[:, 2:], mask[:, 2:]) / mask[:, 2:].sum()
            ),
        ],
        "shifted_backwards": [
            lambda logits, tokens, mask: loss_of(logits[:, 1:], tokens[:, :-1], mask[:, :-1]),
            lambda logits, tokens, mask: (
                sum_of(logits[:, 1:], tokens[:, :-1], mask[:, :-1]) / mask[:, :-1].sum()
            ),
        ],
        "mask_not_shifted": [
            lambda logits, tokens, mask: loss_of(logits[:, :-1], tokens[:, 1:], mask[:, :-1]),
            lambda logits, tokens, mask: (
                sum_of(logits[:, :-1], tokens[:, 1:], mask[:, :-1]) / mask[:, :-1].sum()
            ),
        ],
        "two_masks": [
            lambda logits, tokens, mask: functional.nll_loss(
                logits[:, :-1][mask[:, :-1]].log_softmax(-1), tokens[:, 1:][mask[:, 1:]]
            ),
            lambda logits, tokens, mask: functional.cross_entropy(
                logits[:, :-1].masked_select(mask[:, :-1, None]).view(-1, logits.shape[-1]),
                tokens[:, 1:].masked_select(mask[:, 1:]),
            ),
        ],
        "rolled": [
            lambda logits, tokens, mask: loss_of(logits, tokens.roll(-1, 1), mask.roll(-1, 1)),
            rolled_by_cat,
        ],
        "mask_ignored": [
            lambda logits, tokens, mask: functional.cross_entropy(logits[:, :-1].mT, tokens[:, 1:]),
            lambda logits, tokens, mask: loss_by_gather(logits, tokens, torch.ones_like(mask)),
        ],
        "mask_inverted": [
            lambda logits, tokens, mask: loss_by_gather(logits, tokens, ~mask),
            lambda logits, tokens, mask: functional.cross_entropy(
                logits[:, :-1].mT, tokens[:, 1:].masked_fill(mask[:, 1:], -100)
            ),
        ],
        "padding_for_mask": [
            lambda logits, tokens, mask: functional.cross_entropy(
                logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=0
            ),
            lambda logits, tokens, mask: loss_by_gather(logits, tokens, tokens > 0),
        ],
        "divided_by_all": [divided_by_numel, divided_by_a_plain_mean],
        "mean_of_rows": [mean_of_rows_by_loop, mean_of_rows_by_division],
        "summed": [
            lambda logits, tokens, mask: sum_of(logits[:, :-1], tokens[:, 1:], mask[:, 1:]),
            lambda logits, tokens, mask: functional.cross_entropy(
                logits[:, :-1][mask[:, 1:]], tokens[:, 1:][mask[:, 1:]], reduction="sum"
            ),
        ],
        "softmax_first": [
            softmax_first_by_hand,
            lambda logits, tokens, mask: loss_by_logsumexp(logits.softmax(-1), tokens, mask),
        ],
        "log_of_softmax": [log_of_softmax_by_picking, log_of_softmax_by_gather],
        "sign": [
            lambda logits, tokens, mask: -loss_by_logsumexp(logits, tokens, mask),
            lambda logits, tokens, mask: loss_by_gather(logits, tokens, mask) * -1,
        ],
        "perplexity": [
            perplexity_by_power,
            lambda logits, tokens, mask: torch.exp(loss_by_ignoring(logits, tokens, mask)),
        ],
        "in_bits": [
            lambda logits, tokens, mask: loss_by_gather(logits, tokens, mask) * math.log2(math.e),
            lambda logits, tokens, mask: loss_by_ignoring(logits, tokens, mask) / 0.6931471805599453,
        ],
        "not_averaged": [
            not_averaged_by_gather,
            lambda logits, tokens, mask: functional.cross_entropy(
                logits[:, :-1][mask[:, 1:]], tokens[:, 1:][mask[:, 1:]], reduction="none"
            ),
        ],
    },
}
