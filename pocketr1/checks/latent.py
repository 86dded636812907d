"""Checks of the latent attention exercises.

A turn of a quarter shows what is turned, a gain of distinct numbers what is normed. Where the latent is as
long as the token, or as the key with position, taking the one for the other raises no error and shows in the
numbers. `absorb` is also counted: the right result from keys that were made all over again is not the answer.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from .specification import Case, Check, Mistake


def _normal(*shape: int, seed: int = 0, size: float = 1.0) -> Tensor:
    return size * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _turned(x: Tensor, rotation: Tensor) -> Tensor:
    first, second = x[..., 0::2], x[..., 1::2]
    cosine, sine = rotation.real, rotation.imag
    return torch.stack([first * cosine - second * sine, first * sine + second * cosine], dim=-1).flatten(-2)


def _norm(x: Tensor, gain: Tensor, eps: float) -> Tensor:
    return functional.rms_norm(x, (x.shape[-1],), gain, eps)


# compress

Kept = tuple[Tensor, ...]


def _expected_kept(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> Kept:
    return _norm(h @ down.T, gain, eps), _turned((h @ rope_key.T).unsqueeze(1), rotation)


def _kept(
    latents: Callable[..., Any] = lambda raw, gain, rotation, eps: _norm(raw, gain, eps),
    keys: Callable[..., Any] = lambda raw, gain, rotation, eps: _turned(raw, rotation),
) -> Callable[..., Any]:
    """What is kept, if latents and keys are made so of what the matrices give."""

    def keep(
        h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
    ) -> Any:
        return (
            latents(h @ down.T, gain, rotation, eps),
            keys((h @ rope_key.T).unsqueeze(1), gain, rotation, eps),
        )

    return keep


def _key_of_latent(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> Kept:
    latents = _norm(h @ down.T, gain, eps)
    return latents, _turned((latents @ rope_key.T).unsqueeze(1), rotation)


def _key_of_raw_latent(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> Kept:
    raw = h @ down.T
    return _norm(raw, gain, eps), _turned((raw @ rope_key.T).unsqueeze(1), rotation)


def _turned_too_early(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> Kept:
    return _norm(h @ down.T, gain, eps), _turned(h @ rope_key.T, rotation).unsqueeze(1)


def _normed_before(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> Kept:
    latents, keys = _expected_kept(h, down, rope_key, gain, rotation, eps)
    return _norm(h, torch.ones(h.shape[-1]), eps) @ down.T * gain, keys


def _normed_together(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> Kept:
    both = torch.cat([h @ down.T, h @ rope_key.T], dim=-1)
    normed = _norm(both, torch.cat([gain, torch.ones(len(rope_key))]), eps)
    latents, keys = normed.split([len(down), len(rope_key)], dim=-1)
    return latents, _turned(keys.unsqueeze(1), rotation)


def _turns(seq: int, pairs: int) -> Tensor:
    return torch.polar(torch.ones(seq, pairs), _normal(seq, pairs, seed=7, size=2.0))


def _kept_case(
    name: str, batch: int, seq: int, dim: int, latent_dim: int, rope_dim: int, eps: float | None = None
) -> Case:
    return Case(
        name,
        lambda: (
            _normal(batch, seq, dim) + 0.5,
            _normal(latent_dim, dim, seed=1),
            _normal(rope_dim, dim, seed=2),
            1 + 0.5 * _normal(latent_dim, seed=3),
            _turns(seq, rope_dim // 2),
            *(() if eps is None else (eps,)),
        ),
    )


COMPRESS = Check(
    expected=_expected_kept,
    cases=(
        _kept_case("one token", 1, 1, 4, 4, 2),
        _kept_case("a latent as long as the token", 1, 3, 4, 4, 2),
        _kept_case("a latent as long as the key with position", 1, 3, 6, 4, 4),
        _kept_case("an epsilon of 0.5", 1, 3, 6, 4, 2, 0.5),
        _kept_case("two texts of five tokens", 2, 5, 8, 6, 4),
        Case(
            "positions of their own for each of two texts",
            lambda: (
                _normal(2, 3, 6),
                _normal(4, 6, seed=1),
                _normal(2, 6, seed=2),
                1 + 0.5 * _normal(4, seed=3),
                torch.polar(torch.ones(2, 1, 3, 1), _normal(2, 1, 3, 1, seed=8)),
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "not_normed",
            "the latents do not go through `rms_norm`",
            _kept(latents=lambda raw, gain, rotation, eps: raw),
        ),
        Mistake(
            "gain_alone",
            "the latents are multiplied by the gain, but not normed: `rms_norm` does both",
            _kept(latents=lambda raw, gain, rotation, eps: raw * gain),
        ),
        Mistake(
            "gain_lost",
            "the latents are normed without the gain",
            _kept(latents=lambda raw, gain, rotation, eps: _norm(raw, torch.ones_like(gain), eps)),
        ),
        Mistake(
            "epsilon_lost",
            "the `eps` that is passed in does not reach `rms_norm`",
            _kept(latents=lambda raw, gain, rotation, eps: _norm(raw, gain, 1e-6)),
        ),
        Mistake(
            "normed_before",
            "the token is normed before it is compressed; the latent is to be normed, after `down`",
            _normed_before,
        ),
        Mistake(
            "key_normed",
            "the keys with position are normed too; only the latents are",
            _kept(
                keys=lambda raw, gain, rotation, eps: _turned(
                    _norm(raw, torch.ones(raw.shape[-1]), eps), rotation
                )
            ),
        ),
        Mistake(
            "normed_together",
            "latent and key are normed as one vector; the norm is over the latent alone, and the key stays as"
            " it is",
            _normed_together,
        ),
        Mistake(
            "key_of_latent",
            "the key with position is made from the latent; it is made from `h`, beside the latent, and not"
            " from it",
            _key_of_latent,
        ),
        Mistake(
            "key_of_raw_latent",
            "the key with position is made from what `down` gives; it is made from `h`, beside the latent,"
            " and not from it",
            _key_of_raw_latent,
        ),
        Mistake(
            "turned_too_early",
            "the keys are turned before they have their axis of one head, so that the rotations of several"
            " texts line up with the wrong axis; first the axis, then the turn",
            _turned_too_early,
        ),
        Mistake(
            "key_not_turned",
            "the keys are not turned, so no score would know of positions",
            _kept(keys=lambda raw, gain, rotation, eps: raw),
        ),
        Mistake(
            "latent_turned",
            "the latents are turned as well; content has no position, and that is what the other key is for",
            _kept(
                latents=lambda raw, gain, rotation, eps: _turned(
                    _norm(raw, gain, eps).unsqueeze(1), rotation
                ).squeeze(1)
            ),
        ),
        Mistake(
            "head_axis_lost",
            "the keys have no axis of heads: they are one head that all heads share, [batch, 1, seq,"
            " rope_dim]",
            _kept(keys=lambda raw, gain, rotation, eps: _turned(raw, rotation).squeeze(1)),
        ),
        Mistake(
            "head_axis_last",
            "the keys' axis of one head stands after the tokens; it comes before them, [batch, 1, seq,"
            " rope_dim]",
            _kept(keys=lambda raw, gain, rotation, eps: _turned(raw, rotation).transpose(1, 2)),
        ),
        Mistake(
            "swapped",
            "the two come in the other order: the latents first, then the keys",
            lambda *given: _expected_kept(*given)[::-1],
        ),
        Mistake(
            "one_tensor",
            "latents and keys are side by side in one tensor; return them as two, for the key has an axis of"
            " heads",
            lambda *given: torch.cat(
                [_expected_kept(*given)[0], _expected_kept(*given)[1].squeeze(1)], dim=-1
            ),
        ),
        Mistake(
            "cut_in_halves",
            "the latent is cut in two, a half for keys and a half for values; it is kept whole, and both are"
            " made from the whole of it",
            lambda *given: (*_expected_kept(*given)[0].chunk(2, dim=-1), _expected_kept(*given)[1]),
        ),
    ),
    why="Two short lists are all that a token leaves behind. Keys and values of every head can be made from"
    " the latent again, and the one shared key tells where the token stood.",
)


# decoupled_scores


def _parts(
    content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor
) -> tuple[Tensor, Tensor]:
    content = torch.einsum("bhqd,bhkd->bhqk", content_query, content_key)
    position = torch.einsum("bhqd,bkd->bhqk", rope_query, rope_key.squeeze(1))
    return content, position


def _root(*parts: Tensor) -> float:
    return math.sqrt(sum(part.shape[-1] for part in parts))


def _expected_scores(
    content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor
) -> Tensor:
    content, position = _parts(content_query, rope_query, content_key, rope_key)
    return (content + position) / _root(content_query, rope_query)


Combine = Callable[[Tensor, Tensor, int, int], Tensor]


def _scored(combine: Combine) -> Callable[..., Tensor]:
    """Scores from the two parts' matches and the two parts' lengths."""

    def score(content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor) -> Tensor:
        parts = _parts(content_query, rope_query, content_key, rope_key)
        return combine(*parts, content_query.shape[-1], rope_query.shape[-1])

    return score


def _in_first_head(
    content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor
) -> Tensor:
    content, position = _parts(content_query, rope_query, content_key, rope_key)
    first = torch.cat([position[:, :1], torch.zeros_like(position[:, 1:])], dim=1)
    return (content + first) / _root(content_query, rope_query)


def _mean_query(content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor) -> Tensor:
    mean = rope_query.mean(dim=1, keepdim=True).expand_as(rope_query)
    return _expected_scores(content_query, mean, content_key, rope_key)


def _turned_round(content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor) -> Tensor:
    return _expected_scores(content_query, rope_query, content_key, rope_key).transpose(-2, -1)


def _scores_case(
    name: str, batch: int, heads: int, queries: int, keys: int, content: int, position: int
) -> Case:
    return Case(
        name,
        lambda: (
            _normal(batch, heads, queries, content),
            _normal(batch, heads, queries, position, seed=1),
            _normal(batch, heads, keys, content, seed=2),
            _normal(batch, 1, keys, position, seed=3),
        ),
    )


def _by_hand() -> tuple[Tensor, ...]:
    vectors = ([2.0, 0.0], [0.0, 4.0], [3.0, 5.0], [1.0, 2.0])
    return tuple(torch.tensor(vector).reshape(1, 1, 1, 2) for vector in vectors)


DECOUPLED_SCORES = Check(
    expected=_expected_scores,
    cases=(
        Case("one query and one key: matches of 6 and 8, vectors of 4 numbers in all", _by_hand),
        _scores_case("content of 4 numbers, position of 2", 1, 1, 1, 1, 4, 2),
        _scores_case("one query and three keys", 1, 1, 1, 3, 4, 2),
        _scores_case("three heads that share the key with position", 1, 3, 2, 2, 4, 2),
        _scores_case("two texts, as many queries as keys", 2, 3, 4, 4, 6, 4),
        _scores_case("as many heads as texts and keys", 2, 2, 3, 2, 4, 4),
    ),
    mistakes=(
        Mistake(
            "scaled_by_content",
            "the scores are divided by the root of content_dim; the vectors of both parts have content_dim +"
            " rope_dim numbers",
            _scored(lambda content, position, c, r: (content + position) / math.sqrt(c)),
        ),
        Mistake(
            "scaled_by_rope",
            "the scores are divided by the root of rope_dim; the vectors of both parts have content_dim +"
            " rope_dim numbers",
            _scored(lambda content, position, c, r: (content + position) / math.sqrt(r)),
        ),
        Mistake(
            "scaled_apart",
            "each part is divided by the root of its own length; they are parts of one dot product, and are"
            " divided once, by the root of the whole length",
            _scored(lambda content, position, c, r: content / math.sqrt(c) + position / math.sqrt(r)),
        ),
        Mistake(
            "root_of_each",
            "the scores are divided by the sum of two roots; it is the root of the sum",
            _scored(lambda content, position, c, r: (content + position) / (math.sqrt(c) + math.sqrt(r))),
        ),
        Mistake(
            "no_scale",
            "the scores are not divided by the root of content_dim + rope_dim",
            _scored(lambda content, position, c, r: content + position),
        ),
        Mistake(
            "no_root",
            "the scores are divided by content_dim + rope_dim, not by its square root",
            _scored(lambda content, position, c, r: (content + position) / (c + r)),
        ),
        Mistake(
            "content_alone",
            "the part with position is missing",
            _scored(lambda content, position, c, r: content / math.sqrt(c + r)),
        ),
        Mistake(
            "position_alone",
            "the part with content is missing",
            _scored(lambda content, position, c, r: position / math.sqrt(c + r)),
        ),
        Mistake(
            "multiplied",
            "the matches of the two parts are multiplied; they are parts of one dot product: add them",
            _scored(lambda content, position, c, r: content * position / math.sqrt(c + r)),
        ),
        Mistake(
            "two_softmaxes",
            "each part has a softmax of its own; the parts are added first, and the softmax comes later",
            _scored(
                lambda content, position, c, r: (
                    (content / math.sqrt(c)).softmax(dim=-1) + (position / math.sqrt(r)).softmax(dim=-1)
                )
            ),
        ),
        Mistake(
            "weights",
            "these are weights, after a softmax; scores are asked for",
            _scored(lambda content, position, c, r: ((content + position) / math.sqrt(c + r)).softmax(-1)),
        ),
        Mistake(
            "one_head_alone",
            "only the first head gets the part with position; all heads share the key",
            _in_first_head,
        ),
        Mistake(
            "mean_query",
            "the heads' queries with position are averaged; the key is shared, but each head asks with a"
            " query of its own",
            _mean_query,
        ),
        Mistake(
            "turned_round",
            "rows and columns are exchanged: one row for each query, one column for each key",
            _turned_round,
        ),
    ),
    why="A dot product is a sum over the numbers of a vector, so it can be taken in two parts: one that knows"
    " the content, and one that knows the place.",
)


# absorb


def _attended(scores: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    hidden = scores if mask is None else scores.masked_fill(~mask, -math.inf)
    return hidden.softmax(dim=-1) @ value


def _naive(
    content_query: Tensor,
    rope_query: Tensor,
    latents: Tensor,
    rope_key: Tensor,
    up_key: Tensor,
    up_value: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    key = torch.einsum("bkl,hdl->bhkd", latents, up_key)
    value = torch.einsum("bkl,hdl->bhkd", latents, up_value)
    return _attended(_expected_scores(content_query, rope_query, key, rope_key), value, mask)


def _absorbed(
    content_query: Tensor,
    rope_query: Tensor,
    latents: Tensor,
    rope_key: Tensor,
    up_key: Tensor,
    up_value: Tensor,
    mask: Tensor | None = None,
    *,
    scale: Callable[[int, int, int], float] = lambda content, position, latent: content + position,
) -> Tensor:
    moved = torch.einsum("bhqd,hdl->bhql", content_query, up_key)
    content, position = _parts(moved, rope_query, latents.unsqueeze(1), rope_key)
    length = scale(content_query.shape[-1], rope_query.shape[-1], latents.shape[-1])
    found = _attended((content + position) / math.sqrt(length), latents.unsqueeze(1), mask)
    return torch.einsum("bhql,hdl->bhqd", found, up_value)


RE_EXPANDED = "right, with the work of the naive form"


def _counted(candidate: Callable[..., Any], *given: Any) -> Any:
    """What the candidate returns; a sentence instead, if it is right but multiplies as much as the naive
    form.

    Only where there is one query for many keys: elsewhere the naive form may well need fewer.
    """
    with FlopCounterMode(display=False) as counter:
        output = candidate(*given)
    content_query, _, latents, _, up_key, up_value, _ = given
    if content_query.shape[2] > 1 or latents.shape[1] < MANY_KEYS:
        return output
    made = latents.shape[0] * latents.shape[1] * (up_key.numel() + up_value.numel())
    right = isinstance(output, Tensor) and output.shape == (expected := _absorbed(*given)).shape
    if right and counter.get_total_flops() // 2 > made // 2 and torch.allclose(output, expected, atol=1e-4):
        return RE_EXPANDED
    return output


MANY_KEYS = 40


def _changed(**changes: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """The right answer from changed arguments."""
    names = ("content_query", "rope_query", "latents", "rope_key", "up_key", "up_value", "mask")

    def run(*given: Any) -> Tensor:
        pairs = zip(names, given, strict=True)
        changed = [changes[name](x) if name in changes and x is not None else x for name, x in pairs]
        return _absorbed(*changed)

    return run


def _value_not_made(*given: Any) -> Tensor:
    content_query, rope_query, latents, rope_key, up_key, _, mask = given
    identity = torch.eye(latents.shape[-1]).expand(len(up_key), -1, -1)
    return _absorbed(content_query, rope_query, latents, rope_key, up_key, identity, mask)


def _query_not_moved(*given: Any) -> Tensor:
    content_query, rope_query, latents, rope_key, _, up_value, mask = given
    content = torch.einsum("bhqd,bkd->bhqk", content_query, latents)
    position = _parts(rope_query, rope_query, rope_key, rope_key)[1]
    scores = (content + position) / _root(content_query, rope_query)
    found = _attended(scores, latents.unsqueeze(1), mask)
    return torch.einsum("bhql,hdl->bhqd", found, up_value)


def _transposed(*given: Any) -> Tensor:
    content_query, rope_query, latents, rope_key, up_key, up_value, mask = given
    if up_key.shape[1] != up_key.shape[2]:
        raise RuntimeError("the matrix does not fit the query")
    return _absorbed(content_query, rope_query, latents, rope_key, up_key.mT, up_value, mask)


def _value_transposed(*given: Any) -> Tensor:
    content_query, rope_query, latents, rope_key, up_key, up_value, mask = given
    if up_value.shape[1] != up_value.shape[2]:
        raise RuntimeError("the matrix does not fit what was found")
    return _absorbed(content_query, rope_query, latents, rope_key, up_key, up_value.mT, mask)


def _scaled(length: Callable[[int, int, int], float]) -> Callable[..., Tensor]:
    return lambda *given: _absorbed(*given, scale=length)


def _absorb_case(
    name: str,
    heads: int,
    queries: int,
    keys: int,
    latent_dim: int,
    sizes: tuple[int, int, int] = (4, 2, 3),
    batch: int = 1,
    masked: bool = False,
) -> Case:
    content, position, value = sizes
    return Case(
        name,
        lambda: (
            _normal(batch, heads, queries, content),
            _normal(batch, heads, queries, position, seed=1),
            _normal(batch, keys, latent_dim, seed=2),
            _normal(batch, 1, keys, position, seed=3),
            _normal(heads, content, latent_dim, seed=4, size=0.5),
            _normal(heads, value, latent_dim, seed=5),
            torch.ones(queries, keys).tril(keys - queries).bool() if masked else None,
        ),
    )


ABSORB = Check(
    expected=_absorbed,
    call=_counted,
    cases=(
        _absorb_case("one head, one query and one key", 1, 1, 1, 5),
        _absorb_case("one head, one query and three keys", 1, 1, 3, 5),
        _absorb_case("a latent as long as content and value", 2, 1, 3, 4, (4, 2, 4)),
        _absorb_case("three heads", 3, 2, 4, 5),
        _absorb_case("a mask, two texts, three queries and five keys", 3, 3, 5, 6, batch=2, masked=True),
        _absorb_case("one query and 50 keys", 4, 1, 50, 6, (8, 2, 8)),
    ),
    mistakes=(
        Mistake(
            "re_expanded",
            "the numbers are right, but a key or a value is made for each token in the cache; move the matrix"
            " to the query, and apply the other one to what was found",
            lambda *given: _counted(_naive, *given),
        ),
        Mistake(
            "one_matrix_for_keys",
            "all heads use the first head's key matrix; each has its own",
            _changed(up_key=lambda x: x[:1].expand_as(x)),
        ),
        Mistake(
            "one_matrix_for_values",
            "all heads use the first head's value matrix; each has its own",
            _changed(up_value=lambda x: x[:1].expand_as(x)),
        ),
        Mistake(
            "transposed",
            "the key matrix is applied the wrong way round: it goes from a latent to a key, and the query"
            " goes the other way, from content_dim to latent_dim",
            _transposed,
        ),
        Mistake(
            "value_transposed",
            "the value matrix is applied the wrong way round: it goes from latent_dim to value_dim",
            _value_transposed,
        ),
        Mistake(
            "query_not_moved",
            "the query meets the latents as it is; the key matrix has to be applied to it first",
            _query_not_moved,
        ),
        Mistake(
            "value_not_made",
            "the average of the latents is returned; the value matrix is still to be applied to it, once for"
            " each query",
            _value_not_made,
        ),
        Mistake(
            "scaled_by_latent",
            "the scores are divided by the root of latent_dim + rope_dim; they are the same scores as before,"
            " with the scale as before: the root of content_dim + rope_dim",
            _scaled(lambda content, position, latent: latent + position),
        ),
        Mistake(
            "scaled_by_content",
            "the scores are divided by the root of content_dim; it is content_dim + rope_dim",
            _scaled(lambda content, position, latent: content),
        ),
        Mistake(
            "no_scale",
            "the scores are not divided by the root of content_dim + rope_dim",
            _scaled(lambda content, position, latent: 1),
        ),
        Mistake(
            "position_lost",
            "the part with position is missing from the scores",
            _changed(rope_query=torch.zeros_like),
        ),
        Mistake(
            "mask_ignored",
            "the mask is not used: queries see what they must not",
            lambda *given: _absorbed(*given[:6]),
        ),
        Mistake(
            "mask_inverted",
            "the mask is used the wrong way round: True means that a query may look",
            _changed(mask=lambda mask: ~mask),
        ),
    ),
    why="A matrix between a query and a latent can be applied to either, so it goes to the query, of which"
    " there is one. And an average of made values is the value made of the average, so that matrix can wait"
    " until the end.",
)

CHECKS = {"compress": COMPRESS, "decoupled_scores": DECOUPLED_SCORES, "absorb": ABSORB}
