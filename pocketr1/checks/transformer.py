"""Checks of the transformer exercises.

The inputs isolate one mechanism at a time: a large epsilon shows where it stands, a vector of 1, 2, 3, 4
shows which numbers form a pair, a pair that is not turned shows what the others do to it, gains of distinct
numbers show which norm was used, a mask that begins late shows what it is shifted with.
The references are PyTorch's `rms_norm` and `cross_entropy`, and rotations written out as sines and cosines.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from .specification import Case, Check, Mistake


def _normal(*shape: int, seed: int = 0, size: float = 1.0) -> Tensor:
    return size * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# rms_norm


def _expected_norm(x: Tensor, gain: Tensor, eps: float = 1e-6) -> Tensor:
    return functional.rms_norm(x, (x.shape[-1],), gain, eps)


def _norm_by(size: Callable[[Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """x divided by `size(x, eps)`, times the gain."""
    return lambda x, gain, eps=1e-6: x / size(x, eps) * gain


def _mean_square(x: Tensor) -> Tensor:
    return x.square().mean(dim=-1, keepdim=True)


RMS_NORM = Check(
    expected=_expected_norm,
    cases=(
        Case(
            "the vector (3, 4), a gain of one and no epsilon",
            lambda: (torch.tensor([[3.0, 4.0]]), torch.ones(2), 0.0),
        ),
        Case(
            "numbers whose mean is far from zero",
            lambda: (torch.tensor([[5.0, 6.0, 8.0, 9.0]]), torch.ones(4), 0.0),
        ),
        Case("a gain that differs from number to number", lambda: (_normal(1, 4), _normal(4, seed=1), 0.0)),
        Case("small numbers and an epsilon of 0.1", lambda: (_normal(1, 4, size=0.3), torch.ones(4), 0.1)),
        Case("as many tokens as numbers in each", lambda: (_normal(3, 3) + 1, _normal(3, seed=1), 0.1)),
        Case("two sequences of three tokens", lambda: (_normal(2, 3, 8) + 1, _normal(8, seed=1), 0.1)),
        Case("very small numbers and the usual epsilon", lambda: (_normal(1, 4, size=1e-3), torch.ones(4))),
    ),
    mistakes=(
        Mistake(
            "mean_subtracted",
            "the mean of the vector is subtracted, as LayerNorm does; RMSNorm leaves it in",
            lambda x, gain, eps=1e-6: functional.layer_norm(x, (x.shape[-1],), gain, None, eps),
        ),
        Mistake(
            "standard_deviation",
            "the vector is divided by its standard deviation, which measures the distance from the mean;"
            " the root mean square measures that from zero",
            _norm_by(lambda x, eps: (x.var(dim=-1, keepdim=True, correction=0) + eps).sqrt()),
        ),
        Mistake(
            "epsilon_outside",
            "epsilon is added after the root; it is to be added to the mean square, under the root",
            _norm_by(lambda x, eps: _mean_square(x).sqrt() + eps),
        ),
        Mistake(
            "epsilon_fixed",
            "epsilon is always 0.000001; use the one that is passed in",
            lambda x, gain, eps=1e-6: _expected_norm(x, gain, 1e-6),
        ),
        Mistake(
            "epsilon_lost",
            "epsilon is not there, so that a vector of zeros becomes 0/0; add it to the mean square",
            _norm_by(lambda x, eps: _mean_square(x).sqrt()),
        ),
        Mistake(
            "sum_for_mean",
            "the squares are added up; their mean is asked for, so that the size does not depend on dim",
            _norm_by(lambda x, eps: (x.square().sum(dim=-1, keepdim=True) + eps).sqrt()),
        ),
        Mistake(
            "length_for_size",
            "the vector is divided by its length, the root of the *sum* of the squares; size means the root"
            " of their mean",
            lambda x, gain, eps=1e-6: x / x.norm(dim=-1, keepdim=True) * gain,
        ),
        Mistake(
            "layer_norm_by_hand",
            "the mean of the vector is subtracted, as LayerNorm does; RMSNorm leaves it in",
            lambda x, gain, eps=1e-6: (
                (x - x.mean(dim=-1, keepdim=True)) / (x.var(dim=-1, keepdim=True) + eps).sqrt() * gain
            ),
        ),
        Mistake(
            "root_missing",
            "the vector is divided by the mean square; take its square root first",
            _norm_by(lambda x, eps: _mean_square(x) + eps),
        ),
        Mistake(
            "multiplied",
            "the vector is multiplied by its root mean square; it should be divided by it",
            lambda x, gain, eps=1e-6: x * (_mean_square(x) + eps).sqrt() * gain,
        ),
        Mistake(
            "square_of_mean",
            "the mean is taken first and then squared; square each number first, then take the mean",
            _norm_by(lambda x, eps: (x.mean(dim=-1, keepdim=True).square() + eps).sqrt()),
        ),
        Mistake(
            "over_tokens",
            "the mean runs over the tokens; each token is to be brought to size by itself, over the last"
            " axis",
            _norm_by(lambda x, eps: (x.square().mean(dim=-2, keepdim=True) + eps).sqrt()),
        ),
        Mistake(
            "over_everything",
            "all numbers share one mean square; each token's vector needs its own",
            _norm_by(lambda x, eps: (x.square().mean() + eps).sqrt()),
        ),
        Mistake(
            "axis_lost",
            "the mean has lost its last axis, so it no longer lines up with the vectors; keep that axis, with"
            " length one",
            _norm_by(lambda x, eps: (x.square().mean(dim=-1) + eps).sqrt()),
        ),
        Mistake(
            "gain_lost",
            "the gain is not used: multiply each number by its own",
            lambda x, gain, eps=1e-6: _expected_norm(x, torch.ones_like(gain), eps),
        ),
        Mistake(
            "gain_first",
            "the gain is multiplied in before the norm, which takes part of it out again; multiply by it"
            " last",
            lambda x, gain, eps=1e-6: _expected_norm(x * gain, torch.ones_like(gain), eps),
        ),
        Mistake(
            "gain_plus_one",
            "the vector is multiplied by 1 + gain: another convention, Gemma's, whose gain starts at zero;"
            " ours starts at one, and is the factor itself",
            lambda x, gain, eps=1e-6: _expected_norm(x, 1 + gain, eps),
        ),
    ),
    why="Divided by its own root mean square, every token's vector has the same size, however large the sum"
    " of all layers before it has become; the gain then lets each number have a size of its own.",
)


# rotations


def _as_real(output: Any) -> Any:
    """Complex numbers as pairs of real ones, which are compared with a tolerance."""
    if isinstance(output, Tensor) and output.is_complex():
        return torch.view_as_real(output.resolve_conj())
    return output


def _angles(positions: Tensor, exponents: Tensor, base: float) -> Tensor:
    return positions.unsqueeze(-1).double() * torch.as_tensor(base, dtype=torch.float64) ** exponents


def _turns(angles: Tensor) -> Tensor:
    return torch.stack([angles.cos(), angles.sin()], dim=-1).float()


def _pair_numbers(dim: int) -> Tensor:
    return torch.arange(dim // 2, dtype=torch.float64)


def _expected_rotations(positions: Tensor, dim: int, base: float = 10_000.0) -> Tensor:
    return _turns(_angles(positions, -2 * _pair_numbers(dim) / dim, base))


def _rotations_with(exponents: Callable[[int], Tensor]) -> Callable[..., Tensor]:
    """Rotations whose angles are t * base^exponents(dim)."""
    return lambda positions, dim, base=10_000.0: _turns(_angles(positions, exponents(dim), base))


def _plain_angles(positions: Tensor, dim: int, base: float = 10_000.0) -> Tensor:
    return _angles(positions, -2 * _pair_numbers(dim) / dim, base).float()


def _place_by_place(positions: Tensor, dim: int, base: float = 10_000.0) -> Tensor:
    speeds = torch.as_tensor(base, dtype=torch.float64) ** (-2 * _pair_numbers(dim) / dim)
    return _turns(positions * speeds)


ROTATIONS = Check(
    expected=_expected_rotations,
    call=lambda candidate, *arguments: _as_real(candidate(*arguments)),
    gradients=False,
    cases=(
        Case("position 0, where nothing is turned", lambda: (torch.tensor([0]), 4, 100.0)),
        Case("position 2 and a single pair", lambda: (torch.tensor([2]), 2, 100.0)),
        Case("position 2, dim 4 and base 100", lambda: (torch.tensor([2]), 4, 100.0)),
        Case("positions 0 to 4, dim 8 and the usual base", lambda: (torch.arange(5), 8)),
        Case("position 7, dim 6 and base 50", lambda: (torch.tensor([7]), 6, 50.0)),
        Case("positions of two rows", lambda: (torch.tensor([[0, 1, 2], [5, 6, 7]]), 4)),
    ),
    mistakes=(
        Mistake(
            "angles_alone",
            "these are the angles; make of each the complex number cos(angle) + i sin(angle), for example"
            " with `torch.polar` and a length of one",
            _plain_angles,
        ),
        Mistake(
            "cosines_and_sines",
            "the cosines and the sines come as two tensors; make one complex tensor of them",
            lambda positions, dim, base=10_000.0: (
                _expected_rotations(positions, dim, base)[..., 0],
                _expected_rotations(positions, dim, base)[..., 1],
            ),
        ),
        Mistake(
            "added_up",
            "cosine and sine are added up as real numbers; the sine belongs to i: `torch.complex(cosines,"
            " sines)`",
            lambda positions, dim, base=10_000.0: _expected_rotations(positions, dim, base).sum(dim=-1),
        ),
        Mistake(
            "place_by_place",
            "positions and speeds are multiplied place by place; each position meets each speed: give the"
            " positions a last axis",
            _place_by_place,
        ),
        Mistake(
            "as_many_as_numbers",
            "there are as many speeds as numbers; there is one for each pair: i goes from 0 to dim / 2 - 1",
            lambda positions, dim, base=10_000.0: _turns(
                _angles(positions, -2 * torch.arange(dim, dtype=torch.float64) / dim, base)
            ),
        ),
        Mistake(
            "exponent_halved",
            "the exponent is -i/dim; it should be -2i/dim, so that the last pairs turn about 1/base as fast"
            " as the first",
            _rotations_with(lambda dim: -_pair_numbers(dim) / dim),
        ),
        Mistake(
            "exponent_doubled",
            "the exponent is divided by the number of pairs, and has the factor 2 as well; -2i/dim is -i"
            " divided by the number of pairs",
            _rotations_with(lambda dim: -4 * _pair_numbers(dim) / dim),
        ),
        Mistake(
            "exponent_positive",
            "later pairs turn faster than the first; the exponent needs its minus",
            _rotations_with(lambda dim: 2 * _pair_numbers(dim) / dim),
        ),
        Mistake(
            "all_at_one_speed",
            "all pairs turn by one radian a position; pair i should turn base^(-2i/dim) times as fast",
            _rotations_with(lambda dim: 0 * _pair_numbers(dim)),
        ),
        Mistake(
            "first_pair_skipped",
            "the pairs are counted from one; count from zero, so that the first turns one radian a position",
            _rotations_with(lambda dim: -2 * (_pair_numbers(dim) + 1) / dim),
        ),
        Mistake(
            "opposite_sense",
            "everything is turned the other way: the imaginary part is minus the sine. Scores would still"
            " depend on the offset alone, but they would be others, and weights from elsewhere expect the"
            " sense of the paper",
            lambda positions, dim, base=10_000.0: _expected_rotations(-positions, dim, base),
        ),
        Mistake(
            "sine_first",
            "the sine stands where the cosine belongs: a complex number of length one is cos + i sin",
            lambda positions, dim, base=10_000.0: _expected_rotations(positions, dim, base).flip(-1),
        ),
        Mistake(
            "positions_from_one",
            "position 0 is turned already. Scores would come out the same, since only the offset counts;"
            " but these positions are given: take them as they are",
            lambda positions, dim, base=10_000.0: _expected_rotations(positions + 1, dim, base),
        ),
        Mistake(
            "base_ignored",
            "the base is always 10,000; use the one that is passed in",
            lambda positions, dim, base=10_000.0: _expected_rotations(positions, dim),
        ),
        Mistake(
            "degrees",
            "the angles are taken for degrees; they are radians",
            lambda positions, dim, base=10_000.0: _turns(
                torch.deg2rad(_plain_angles(positions, dim, base).double())
            ),
        ),
        Mistake(
            "one_for_each_number",
            "there is a rotation for each number, as code that pairs x0 with x[dim / 2] has it; here there"
            " is one for each pair: dim / 2 of them",
            lambda positions, dim, base=10_000.0: torch.cat(
                [_expected_rotations(positions, dim, base)] * 2, dim=-2
            ),
        ),
    ),
    why="The first pairs turn fast and tell neighbours apart; the last turn so slowly that they still"
    " differ after thousands of tokens. Together they are like the hands of a clock.",
)


# rope


def _turned(x: Tensor, rotation: Tensor, sense: int = 1) -> tuple[Tensor, Tensor]:
    """The two numbers of each neighbouring pair after the turn, by sine and cosine."""
    first, second = x[..., 0::2], x[..., 1::2]
    cosine, sine = rotation.real, sense * rotation.imag
    return first * cosine - second * sine, first * sine + second * cosine


def _expected_rope(x: Tensor, rotation: Tensor) -> Tensor:
    return torch.stack(_turned(x, rotation), dim=-1).flatten(-2)


def _half_split(x: Tensor, rotation: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    cosine, sine = rotation.real, rotation.imag
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


def _half_split_in(x: Tensor, rotation: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    cosine, sine = rotation.real, rotation.imag
    return torch.stack([first * cosine - second * sine, first * sine + second * cosine], dim=-1).flatten(-2)


def _minus_lost(x: Tensor, rotation: Tensor) -> Tensor:
    first, second = x[..., 0::2], x[..., 1::2]
    cosine, sine = rotation.real, rotation.imag
    return torch.stack([first * cosine + second * sine, first * sine + second * cosine], dim=-1).flatten(-2)


def _numbers(*turns: complex) -> Tensor:
    return torch.tensor([list(turns)], dtype=torch.complex64)


def _random_turns(*shape: int) -> Tensor:
    return torch.polar(torch.ones(*shape), _normal(*shape, seed=7, size=2.0))


ROPE = Check(
    expected=_expected_rope,
    call=lambda candidate, *arguments: _as_real(candidate(*arguments)),
    cases=(
        Case("the pair (1, 0) and a quarter turn", lambda: (torch.tensor([[1.0, 0.0]]), _numbers(1j))),
        Case(
            "the pair (1, 2) and an eighth of a turn",
            lambda: (torch.tensor([[1.0, 2.0]]), _numbers(complex(math.sqrt(0.5), math.sqrt(0.5)))),
        ),
        Case(
            "the numbers (1, 2, 3, 4), of which only the first pair is turned",
            lambda: (torch.tensor([[1.0, 2.0, 3.0, 4.0]]), _numbers(1j, 1)),
        ),
        Case("three tokens of three pairs", lambda: (_normal(3, 6), _random_turns(3, 3))),
        Case("two sequences and two heads", lambda: (_normal(2, 2, 3, 8), _random_turns(3, 4))),
        Case(
            "positions of their own for each of two sequences",
            lambda: (_normal(2, 2, 3, 4), _random_turns(2, 1, 3, 2)),
        ),
        Case(
            "heads as `split_heads` leaves them, not in one piece of memory",
            lambda: (_normal(2, 3, 2, 4).transpose(1, 2), _random_turns(3, 2)),
        ),
    ),
    mistakes=(
        Mistake(
            "half_split",
            "x0 is paired with x[dim / 2], not with its neighbour x1: another convention, that of GPT-NeoX"
            " and of Llama in `transformers`; here, as in the paper, neighbours form a pair",
            _half_split,
        ),
        Mistake(
            "half_split_taken_apart",
            "x0 is paired with x[dim / 2], and the results are written to neighbouring places; take the"
            " pairs from neighbouring places too",
            _half_split_in,
        ),
        Mistake(
            "halves_put_together",
            "the pairs are turned rightly, but all first numbers are put before all second ones; each pair"
            " goes back to where it came from",
            lambda x, rotation: torch.cat(_turned(x, rotation), dim=-1),
        ),
        Mistake(
            "opposite_sense",
            "everything is turned the other way: (1, 0) after a quarter turn is (0, 1). Scores would still"
            " depend on the offset alone, but they would be others, and weights from elsewhere expect the"
            " sense of the paper",
            lambda x, rotation: torch.stack(_turned(x, rotation, sense=-1), dim=-1).flatten(-2),
        ),
        Mistake(
            "minus_lost",
            "both sums have a plus; i times i is -1, so the first number becomes x0 cos - x1 sin",
            _minus_lost,
        ),
        Mistake(
            "only_cosines",
            "each number is multiplied by the cosine alone; a turn also mixes the two numbers of a pair",
            lambda x, rotation: x * rotation.real.repeat_interleave(2, dim=-1),
        ),
        Mistake(
            "pair_swapped",
            "the two numbers of each pair have changed places",
            lambda x, rotation: torch.stack(_turned(x, rotation)[::-1], dim=-1).flatten(-2),
        ),
        Mistake(
            "turned_twice",
            "each pair is turned by twice its angle",
            lambda x, rotation: _expected_rope(x, rotation * rotation),
        ),
        Mistake(
            "added",
            "the rotation is added to the pairs; multiply by it. (Adding is what absolute positions do.)",
            lambda x, rotation: (
                x + torch.stack([rotation.real, rotation.imag], dim=-1).flatten(-2).expand_as(x)
            ),
        ),
        Mistake(
            "still_pairs",
            "the pairs are turned, but they are still pairs, or complex numbers; go back to real numbers"
            " side by side, in one axis of length dim",
            lambda x, rotation: torch.stack(_turned(x, rotation), dim=-1),
        ),
        Mistake(
            "only_real_part",
            "only the first number of each pair is returned; the second one, the imaginary part, is lost",
            lambda x, rotation: _turned(x, rotation)[0],
        ),
    ),
    why="A turn changes no length, and the dot product of two turned vectors depends on the difference of"
    " their turns alone: so a score knows how far apart two tokens are, and not where they stand.",
)


# Block


class _Mixing(nn.Module):
    """Stands for the attention: mixes the tokens as the mask allows, and uses whatever it is given."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(dim, dim))

    def forward(self, x: Tensor, rotation: Tensor, mask: Tensor | None, cache: Any = None) -> Tensor:
        return _mix(x, rotation, mask, cache, self.weight)


def _mix(x: Tensor, rotation: Tensor, mask: Tensor | None, cache: Any, weight: Tensor) -> Tensor:
    seen = torch.ones(x.shape[1], x.shape[1]) if mask is None else mask.float()
    mixed = seen / seen.sum(dim=-1, keepdim=True) @ (x @ weight.T)
    turned = _expected_rope(mixed, rotation)
    return turned if cache is None else turned + cache


class _Thinking(nn.Module):
    """Stands for the feed-forward network."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x @ self.weight.T)


PARTS = ("attention_norm.gain", "feed_forward_norm.gain", "attention.weight", "feed_forward.weight")


def _run_block(
    candidate: Callable[..., nn.Module],
    x: Tensor,
    rotation: Tensor,
    mask: Tensor | None,
    cache: Tensor | None,
    gains: Tensor,
    weights: Tensor,
) -> Any:
    """Build a block around two stand-ins with these gains [2, dim] and weights [2, dim, dim], and run it."""
    dim = x.shape[-1]
    block = candidate(dim, _Mixing(dim), _Thinking(dim), 0.1)
    given = dict(zip(PARTS, (*gains, *weights), strict=True))
    if {name for name, _ in block.named_parameters()} != given.keys():
        raise ValueError(
            "the block has other parameters than those of the given __init__; leave __init__ as it was"
        )
    return functional_call(block, given, (x, rotation, mask) if cache is None else (x, rotation, mask, cache))


Part = Callable[[Tensor], Tensor]
Wiring = Callable[[Tensor, Part, Part, Part, Part], Tensor]
"""What a block makes of x, its first norm, its attention, its second norm and its feed-forward network."""


def _block(wiring: Wiring, masked: bool = True, cached: bool = True) -> Callable[..., Tensor]:
    def run(
        x: Tensor,
        rotation: Tensor,
        mask: Tensor | None,
        cache: Tensor | None,
        gains: Tensor,
        weights: Tensor,
    ) -> Tensor:
        return wiring(
            x,
            lambda y: _expected_norm(y, gains[0], 0.1),
            lambda y: _mix(y, rotation, mask if masked else None, cache if cached else None, weights[0]),
            lambda y: _expected_norm(y, gains[1], 0.1),
            lambda y: torch.tanh(y @ weights[1].T),
        )

    return run


def _pre_norm(x: Tensor, norm1: Part, attention: Part, norm2: Part, feed_forward: Part) -> Tensor:
    middle = x + attention(norm1(x))
    return middle + feed_forward(norm2(middle))


def _post_norm(x: Tensor, norm1: Part, attention: Part, norm2: Part, feed_forward: Part) -> Tensor:
    middle = norm1(x + attention(x))
    return norm2(middle + feed_forward(middle))


def _after_the_norm(x: Tensor, norm1: Part, attention: Part, norm2: Part, feed_forward: Part) -> Tensor:
    x = norm1(x)
    x = norm2(x + attention(x))
    return x + feed_forward(x)


def _parts_normed(x: Tensor, norm1: Part, attention: Part, norm2: Part, feed_forward: Part) -> Tensor:
    middle = x + norm1(attention(x))
    return middle + norm2(feed_forward(middle))


def _other_order(x: Tensor, norm1: Part, attention: Part, norm2: Part, feed_forward: Part) -> Tensor:
    middle = x + feed_forward(norm2(x))
    return middle + attention(norm1(middle))


def _block_case(name: str, batch: int, seq: int, masked: bool = False, cached: bool = False) -> Case:
    dim = 4
    return Case(
        name,
        lambda: (
            _normal(batch, seq, dim) + 0.5,
            _random_turns(seq, dim // 2),
            torch.ones(seq, seq).tril().bool() if masked else None,
            _normal(batch, seq, dim, seed=1) if cached else None,
            1 + 0.5 * _normal(2, dim, seed=2),
            _normal(2, dim, dim, seed=3, size=0.7),
        ),
    )


BLOCK = Check(
    expected=_block(_pre_norm),
    call=_run_block,
    cases=(
        _block_case("one token", 1, 1),
        _block_case("three tokens", 1, 3),
        _block_case("a causal mask", 1, 3, masked=True),
        _block_case("something in the cache", 1, 3, masked=True, cached=True),
        _block_case("two sequences of four tokens", 2, 4, masked=True),
    ),
    mistakes=(
        Mistake(
            "post_norm",
            "each sum is normed after the addition, as in the transformer of 2017 (post-norm); here each"
            " part gets a normed input, and what it says is added to x as it was",
            _block(_post_norm),
        ),
        Mistake(
            "residual_after_norm",
            "the residual is taken after the norm: x itself should go on, untouched, and only the input of"
            " each part is normed",
            _block(_after_the_norm),
        ),
        Mistake(
            "outputs_normed",
            "what the parts say is normed, not what they are given (OLMo 2 does so); norm their inputs",
            _block(_parts_normed),
        ),
        Mistake(
            "attention_norm_twice",
            "`attention_norm` is used for both parts; the feed-forward network has its own",
            _block(lambda x, n1, a, n2, f: _pre_norm(x, n1, a, n1, f)),
        ),
        Mistake(
            "norms_swapped",
            "the two norms have changed places",
            _block(lambda x, n1, a, n2, f: _pre_norm(x, n2, a, n1, f)),
        ),
        Mistake(
            "attention_residual_missing",
            "what the attention says replaces x; it should be added to x",
            _block(lambda x, n1, a, n2, f: a(n1(x)) + f(n2(a(n1(x))))),
        ),
        Mistake(
            "feed_forward_residual_missing",
            "what the feed-forward network says replaces x; it should be added to x",
            _block(lambda x, n1, a, n2, f: f(n2(x + a(n1(x))))),
        ),
        Mistake(
            "no_residuals",
            "nothing is added: both parts replace x; what each says should be added to it",
            _block(lambda x, n1, a, n2, f: f(n2(a(n1(x))))),
        ),
        Mistake(
            "parallel",
            "both parts work on the same x, side by side (GPT-J does so); the feed-forward network should"
            " see what the attention has added",
            _block(lambda x, n1, a, n2, f: x + a(n1(x)) + f(n2(x))),
        ),
        Mistake(
            "attention_forgotten",
            "the second sum starts from the old x, so that what the attention added is lost on the way",
            _block(lambda x, n1, a, n2, f: x + f(n2(x + a(n1(x))))),
        ),
        Mistake(
            "feed_forward_first",
            "the feed-forward network comes first; the attention should",
            _block(_other_order),
        ),
        Mistake(
            "no_norms",
            "neither part's input is normed; `self.attention_norm` and `self.feed_forward_norm` are there"
            " for that",
            _block(lambda x, n1, a, n2, f: x + a(x) + f(x + a(x))),
        ),
        Mistake(
            "only_attention_normed",
            "the input of the feed-forward network is not normed",
            _block(lambda x, n1, a, n2, f: _pre_norm(x, n1, a, lambda y: y, f)),
        ),
        Mistake(
            "only_feed_forward_normed",
            "the input of the attention is not normed",
            _block(lambda x, n1, a, n2, f: _pre_norm(x, lambda y: y, a, n2, f)),
        ),
        Mistake(
            "mask_lost",
            "the mask does not reach the attention: hand on all that it needs",
            _block(_pre_norm, masked=False),
        ),
        Mistake(
            "cache_lost",
            "the cache does not reach the attention: hand it on as the fourth argument",
            _block(_pre_norm, cached=False),
        ),
    ),
    why="The stream runs through the block untouched, and each part only adds to it: so the gradient"
    " reaches the first layer by a straight way, and a part that has learned nothing yet does little"
    " harm.",
)


# next_token_loss


def _losses(logits: Tensor, tokens: Tensor) -> Tensor:
    """The cross-entropy at every place: logits [..., vocab], tokens [...] -> [...]."""
    flat = functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), tokens.reshape(-1), reduction="none"
    )
    return flat.reshape(tokens.shape)


def _mean_where(losses: Tensor, counted: Tensor) -> Tensor:
    return (losses * counted).sum() / counted.sum()


def _expected_loss(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    wanted = tokens[:, 1:].masked_fill(~mask[:, 1:], -100)
    return functional.cross_entropy(logits[:, :-1].transpose(1, 2), wanted, ignore_index=-100)


def _shifted(
    *, logits: int = 0, tokens: int = 0, mask: int = 0
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The loss with its three inputs cut off at the front by so many places, and as long as the shortest."""

    def loss(given_logits: Tensor, given_tokens: Tensor, given_mask: Tensor) -> Tensor:
        length = given_tokens.shape[1] - max(logits, tokens, mask)
        parts = (given_logits[:, logits:], given_tokens[:, tokens:], given_mask[:, mask:])
        cut = [part[:, :length] for part in parts]
        return _mean_where(_losses(cut[0], cut[1]), cut[2])

    return loss


def _rolled(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    return _mean_where(_losses(logits, tokens.roll(-1, dims=1)), mask.roll(-1, dims=1))


def _mean_of_rows(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    losses, counted = _losses(logits[:, :-1], tokens[:, 1:]), mask[:, 1:]
    return ((losses * counted).sum(dim=1) / counted.sum(dim=1)).mean()


def _over_all_places(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    return (_losses(logits[:, :-1], tokens[:, 1:]) * mask[:, 1:]).mean()


def _loss_with_mask(change: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The loss with the mask `change(tokens, mask)`."""
    return lambda logits, tokens, mask: _expected_loss(logits, tokens, change(tokens, mask))


def _log_of_softmax(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    chances = logits[:, :-1].softmax(dim=-1).gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return -chances.log()[mask[:, 1:]].mean()


def _tokens(*rows: list[int]) -> Tensor:
    return torch.tensor(rows)


def _counts(*rows: str) -> Tensor:
    """A mask from rows like "..xx": True where there is an x."""
    return torch.tensor([[letter == "x" for letter in row] for row in rows])


NEXT_TOKEN_LOSS = Check(
    expected=_expected_loss,
    cases=(
        Case(
            "equal logits for 50 tokens, where the loss is ln 50",
            lambda: (torch.zeros(1, 2, 50), _tokens([3, 7]), _counts(".x")),
        ),
        Case("a single token to predict", lambda: (_normal(1, 2, 5), _tokens([3, 1]), _counts(".x"))),
        Case(
            "a row of which every token is marked, the first one too",
            lambda: (_normal(1, 5, 6), _tokens([4, 0, 3, 1, 5]), _counts("xxxxx")),
        ),
        Case(
            "padding at the end of a row",
            lambda: (_normal(1, 6, 6), _tokens([2, 4, 1, 5, 0, 0]), _counts("xxxx..")),
        ),
        Case(
            "a prompt of three tokens, which is not to be predicted",
            lambda: (_normal(1, 6, 6), _tokens([2, 4, 0, 5, 3, 1]), _counts("...xxx")),
        ),
        Case(
            "two rows, with one and with four tokens that count",
            lambda: (
                _normal(2, 6, 7),
                _tokens([2, 4, 3, 1, 0, 0], [6, 2, 0, 5, 3, 1]),
                _counts("...x..", "..xxxx"),
            ),
        ),
        Case(
            "a model that is very sure, and wrong",
            lambda: (torch.tensor([[[0.0, 500.0, 0.0], [0.0, 0.0, 0.0]]]), _tokens([0, 2]), _counts(".x")),
        ),
    ),
    mistakes=(
        Mistake(
            "not_shifted",
            "each position is asked for the token that stands there, which it has read; the logits at a"
            " position speak of the next token",
            _shifted(),
        ),
        Mistake(
            "shifted_twice",
            "each position is asked for the token after the next",
            _shifted(tokens=2, mask=2),
        ),
        Mistake(
            "shifted_backwards",
            "each position is asked for the token before it; shift the other way",
            _shifted(logits=1),
        ),
        Mistake(
            "mask_not_shifted",
            "the tokens are shifted, but the mask is not; it marks tokens, so it moves with them",
            _shifted(tokens=1),
        ),
        Mistake(
            "two_masks",
            "the logits are picked by the mask as it is, and the tokens by the mask shifted; pick both by"
            " that of the tokens, `mask[:, 1:]`",
            lambda logits, tokens, mask: functional.cross_entropy(
                logits[:, :-1][mask[:, :-1]], tokens[:, 1:][mask[:, 1:]]
            ),
        ),
        Mistake(
            "rolled",
            "the last position is held against the first token of the row, which came round from the front;"
            " nothing follows the last token, so leave that position out",
            _rolled,
        ),
        Mistake(
            "mask_ignored",
            "all tokens count, also those that the mask leaves out",
            _loss_with_mask(lambda tokens, mask: torch.ones_like(mask)),
        ),
        Mistake(
            "mask_inverted",
            "the tokens that the mask leaves out are counted, and the others are not",
            _loss_with_mask(lambda tokens, mask: ~mask),
        ),
        Mistake(
            "padding_for_mask",
            "token 0 is left out wherever it stands, whatever the mask says; count what the mask marks",
            _loss_with_mask(lambda tokens, mask: tokens != 0),
        ),
        Mistake(
            "divided_by_all",
            "the sum is over the marked tokens, but it is divided by the number of all; padding would make"
            " the loss look small",
            _over_all_places,
        ),
        Mistake(
            "mean_of_rows",
            "each row is averaged first, and then the rows, so that a token in a short row counts for more;"
            " here all marked tokens of the batch count alike",
            _mean_of_rows,
        ),
        Mistake(
            "summed",
            "the surprises are added up; their mean is asked for",
            lambda logits, tokens, mask: _expected_loss(logits, tokens, mask) * mask[:, 1:].sum(),
        ),
        Mistake(
            "softmax_first",
            "a softmax was taken before the cross-entropy, which takes one itself; hand it the logits",
            lambda logits, tokens, mask: _expected_loss(logits.softmax(dim=-1), tokens, mask),
        ),
        Mistake(
            "log_of_softmax",
            "a probability that underflows to 0 has the logarithm minus infinity; take `log_softmax`, or the"
            " cross-entropy of the logits, which never leave the logarithms",
            _log_of_softmax,
        ),
        Mistake(
            "sign",
            "this is the mean log-probability; the loss is minus that, so that less is better",
            lambda logits, tokens, mask: -_expected_loss(logits, tokens, mask),
        ),
        Mistake(
            "perplexity",
            "this is e to the power of the loss, the perplexity; the loss itself is asked for",
            lambda logits, tokens, mask: _expected_loss(logits, tokens, mask).exp(),
        ),
        Mistake(
            "in_bits",
            "this is in bits, with the logarithm to base 2; nats are asked for, with the natural logarithm",
            lambda logits, tokens, mask: _expected_loss(logits, tokens, mask) / math.log(2),
        ),
        Mistake(
            "not_averaged",
            "there is one number for each counted token; return their mean",
            lambda logits, tokens, mask: _losses(logits[:, :-1], tokens[:, 1:])[mask[:, 1:]],
        ),
    ),
    why="The logits at a position are held against the next token, and only marked tokens count. So one"
    " pass over a text gives a lesson at every position, and padding changes nothing.",
)

CHECKS = {
    "rms_norm": RMS_NORM,
    "rotations": ROTATIONS,
    "rope": ROPE,
    "Block": BLOCK,
    "next_token_loss": NEXT_TOKEN_LOSS,
}
