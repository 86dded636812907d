"""Answers to the exercises on latent attention: right ones of other styles, and mistakes that people make."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from einops import einsum, rearrange
from torch import Tensor
from torch.nn import functional

from pocketr1.attention import attend, scores
from pocketr1.latent import expand, masked_softmax
from pocketr1.transformer import rms_norm, rope

# compress


def with_linear(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> Any:
    latents = functional.rms_norm(functional.linear(h, down), gain.shape, gain, eps)
    keys = rope(functional.linear(h, rope_key)[:, None], rotation)
    return latents, keys


def with_einops(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> Any:
    latents = einsum(h, down, "batch seq dim, latent dim -> batch seq latent")
    keys = rearrange(einsum(h, rope_key, "batch seq dim, rope dim -> batch seq rope"), "b s r -> b 1 s r")
    return [rms_norm(latents, gain, eps), rope(keys, rotation)]


def with_one_product(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> Any:
    both = h @ torch.cat([down, rope_key]).T
    latents, keys = both.split([len(down), len(rope_key)], dim=-1)
    return rms_norm(latents, gain, eps), rope(keys.unsqueeze(1), rotation)


def in_double_precision(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> Any:
    raw = h.double() @ down.double().T
    latents = raw / (raw.pow(2).mean(-1, keepdim=True) + eps).sqrt() * gain
    return latents, rope((h @ rope_key.T).view(len(h), 1, h.shape[1], -1), rotation)


def kept(latents: Callable[..., Any] | None = None, keys: Callable[..., Any] | None = None) -> Any:
    """The right answer, with latents or keys made otherwise of (h, matrix, gain, rotation, eps)."""

    def keep(
        h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
    ) -> Any:
        right = with_linear(h, down, rope_key, gain, rotation, eps)
        return (
            latents(h, down, gain, rotation, eps) if latents else right[0],
            keys(h, rope_key, gain, rotation, eps) if keys else right[1],
        )

    return keep


def not_normed(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> Any:
    return h @ down.T, rope((h @ rope_key.T).unsqueeze(1), rotation)


def key_of_latent(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> Any:
    latents = rms_norm(functional.linear(h, down), gain, eps)
    return latents, rope(functional.linear(latents, rope_key).unsqueeze(1), rotation)


def normed_together(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> Any:
    both = torch.cat([h @ down.T, h @ rope_key.T], dim=-1)
    both = both * torch.rsqrt(both.square().mean(dim=-1, keepdim=True) + eps)
    latents, keys = both[..., : len(down)] * gain, both[..., len(down) :]
    return latents, rope(keys.unsqueeze(1), rotation)


def normed_together_by_hand(
    h: Tensor, down: Tensor, rope_key: Tensor, gain: Tensor, rotation: Tensor, eps: float = 1e-6
) -> Any:
    latents, keys = h @ down.T, h @ rope_key.T
    numbers = latents.shape[-1] + keys.shape[-1]
    squares = latents.square().sum(-1, keepdim=True) + keys.square().sum(-1, keepdim=True)
    size = (squares / numbers + eps).sqrt()
    return latents / size * gain, rope((keys / size)[:, None], rotation)


def one_tensor(*given: Any) -> Tensor:
    latents, keys = with_linear(*given)
    return torch.cat([latents, keys[:, 0]], dim=-1)


def one_tensor_by_hand(*given: Any) -> Tensor:
    latents, keys = with_einops(*given)
    return torch.cat((latents, rearrange(keys, "b 1 s r -> b s r")), 2)


def halves(*given: Any) -> Any:
    latents, keys = with_linear(*given)
    for_keys, for_values = latents.chunk(2, dim=-1)
    return for_keys, for_values, keys


def halves_by_slicing(*given: Any) -> Any:
    latents, keys = with_one_product(*given)
    half = latents.shape[-1] // 2
    return latents[..., :half], latents[..., half:], keys


# decoupled_scores


def side_by_side(content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor) -> Tensor:
    query = torch.cat([content_query, rope_query], dim=-1)
    shared = rope_key.expand(-1, query.shape[1], -1, -1)
    return scores(query, torch.cat([content_key, shared], dim=-1))


def with_einsum(content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor) -> Tensor:
    content = einsum(content_query, content_key, "batch head q dim, batch head k dim -> batch head q k")
    position = einsum(rope_query, rope_key[:, 0], "batch head q dim, batch k dim -> batch head q k")
    return (content + position) * (content_query.shape[-1] + rope_query.shape[-1]) ** -0.5


def head_by_head(content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor) -> Tensor:
    found = []
    for head in range(content_query.shape[1]):
        content = torch.bmm(content_query[:, head], content_key[:, head].mT)
        found.append(torch.baddbmm(content, rope_query[:, head], rope_key[:, 0].mT))
    return torch.stack(found, dim=1) / math.sqrt(content_query.shape[-1] + rope_query.shape[-1])


def scaled_queries(
    content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor
) -> Tensor:
    scale = math.sqrt(content_query.shape[-1] + rope_query.shape[-1])
    return content_query / scale @ content_key.mT + rope_query / scale @ rope_key.mT


def matches(
    content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor
) -> tuple[Tensor, Tensor, int, int]:
    return (
        content_query @ content_key.mT,
        rope_query @ rope_key.mT,
        content_query.shape[-1],
        rope_query.shape[-1],
    )


def from_matches(combine: Callable[..., Tensor]) -> Any:
    return lambda *given: combine(*matches(*given))


def from_right(change: Callable[..., Tensor]) -> Any:
    """The right scores, changed; the change gets them and the two lengths."""
    return lambda *given: change(with_einsum(*given), given[0].shape[-1], given[1].shape[-1])


def scaled_apart_by_scores(
    content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor
) -> Tensor:
    return scores(content_query, content_key) + scores(rope_query, rope_key)


def two_softmaxes(content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor) -> Tensor:
    return scores(content_query, content_key).softmax(-1) + scores(rope_query, rope_key).softmax(-1)


def first_head_in_place(
    content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor
) -> Tensor:
    content, position, c, r = matches(content_query, rope_query, content_key, rope_key)
    heads = [content[:, 0] + position[:, 0], *content[:, 1:].unbind(dim=1)]
    return torch.stack(heads, dim=1) / math.sqrt(c + r)


def first_head_by_mask(
    content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor
) -> Tensor:
    first = (torch.arange(content_query.shape[1]) == 0).view(-1, 1, 1)
    return with_einsum(content_query, rope_query * first, content_key, rope_key)


def mean_query(content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor) -> Tensor:
    content, position, c, r = matches(content_query, rope_query, content_key, rope_key)
    return (content + position.mean(dim=1, keepdim=True)) / math.sqrt(c + r)


def mean_query_first(
    content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor
) -> Tensor:
    asks = rope_query.sum(dim=1, keepdim=True) / rope_query.shape[1]
    return side_by_side(content_query, asks.expand_as(rope_query), content_key, rope_key)


def turned_round(content_query: Tensor, rope_query: Tensor, content_key: Tensor, rope_key: Tensor) -> Tensor:
    content = content_key @ content_query.mT + rope_key @ rope_query.mT
    return content / math.sqrt(content_query.shape[-1] + rope_query.shape[-1])


# absorb


def head_after_head(
    content_query: Tensor,
    rope_query: Tensor,
    latents: Tensor,
    rope_key: Tensor,
    up_key: Tensor,
    up_value: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    found = []
    for head in range(len(up_key)):
        moved = content_query[:, head] @ up_key[head]
        match = moved @ latents.mT + rope_query[:, head] @ rope_key[:, 0].mT
        match = match / math.sqrt(content_query.shape[-1] + rope_query.shape[-1])
        if mask is not None:
            match = match.masked_fill(~mask, -math.inf)
        found.append(match.softmax(dim=-1) @ latents @ up_value[head].T)
    return torch.stack(found, dim=1)


def by_attend(
    content_query: Tensor,
    rope_query: Tensor,
    latents: Tensor,
    rope_key: Tensor,
    up_key: Tensor,
    up_value: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """One wide query, one wide key for all heads: multi-query attention."""
    moved = content_query @ up_key
    wide, right = moved.shape[-1] + rope_query.shape[-1], content_query.shape[-1] + rope_query.shape[-1]
    query = torch.cat([moved, rope_query], dim=-1) * math.sqrt(wide / right)
    key = torch.cat([latents.unsqueeze(1), rope_key], dim=-1)
    found, _ = attend(query, key, latents.unsqueeze(1), mask)
    return found @ up_value.mT


def with_torch_einsum(
    content_query: Tensor,
    rope_query: Tensor,
    latents: Tensor,
    rope_key: Tensor,
    up_key: Tensor,
    up_value: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    moved = torch.einsum("bhqc,hcl->bhql", content_query, up_key)
    match = torch.einsum("bhql,bkl->bhqk", moved, latents)
    match = match + torch.einsum("bhqr,bkr->bhqk", rope_query, rope_key[:, 0])
    match = match * (content_query.shape[-1] + rope_query.shape[-1]) ** -0.5
    average = torch.einsum("bhqk,bkl->bhql", masked_softmax(match, mask), latents)
    return torch.einsum("bhql,hvl->bhqv", average, up_value)


def by_scaled_dot_product(
    content_query: Tensor,
    rope_query: Tensor,
    latents: Tensor,
    rope_key: Tensor,
    up_key: Tensor,
    up_value: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    heads = len(up_key)
    query = torch.cat([content_query @ up_key, rope_query], dim=-1)
    key = torch.cat([latents.unsqueeze(1), rope_key], dim=-1).expand(-1, heads, -1, -1)
    value = latents.unsqueeze(1).expand(-1, heads, -1, -1)
    scale = (content_query.shape[-1] + rope_query.shape[-1]) ** -0.5
    return functional.scaled_dot_product_attention(query, key, value, mask, scale=scale) @ up_value.mT


def made_again(
    content_query: Tensor,
    rope_query: Tensor,
    latents: Tensor,
    rope_key: Tensor,
    up_key: Tensor,
    up_value: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    keys = latents.unsqueeze(1) @ up_key.mT
    values = latents.unsqueeze(1) @ up_value.mT
    match = side_by_side(content_query, rope_query, keys, rope_key)
    return masked_softmax(match, mask) @ values


def values_made_again(
    content_query: Tensor,
    rope_query: Tensor,
    latents: Tensor,
    rope_key: Tensor,
    up_key: Tensor,
    up_value: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """Absorbed for the keys, and not for the values, which are made of every latent."""
    match = (content_query @ up_key) @ latents.unsqueeze(1).mT + rope_query @ rope_key.mT
    match = match / math.sqrt(content_query.shape[-1] + rope_query.shape[-1])
    return masked_softmax(match, mask) @ (latents.unsqueeze(1) @ up_value.mT)


def absorbed(
    content_query: Tensor,
    rope_query: Tensor,
    latents: Tensor,
    rope_key: Tensor,
    up_key: Tensor,
    up_value: Tensor,
    mask: Tensor | None = None,
    length: int | None = None,
) -> Tensor:
    match = (content_query @ up_key) @ latents.unsqueeze(1).mT + rope_query @ rope_key.mT
    match = match / math.sqrt(length or content_query.shape[-1] + rope_query.shape[-1])
    return masked_softmax(match, mask) @ latents.unsqueeze(1) @ up_value.mT


def transposed(*given: Any) -> Tensor:
    content_query, rope_query, latents, rope_key, up_key, up_value, mask = given
    match = content_query @ up_key.mT @ latents.unsqueeze(1).mT + rope_query @ rope_key.mT
    match = match / math.sqrt(content_query.shape[-1] + rope_query.shape[-1])
    return masked_softmax(match, mask) @ latents.unsqueeze(1) @ up_value.mT


def value_transposed(*given: Any) -> Tensor:
    content_query, rope_query, latents, rope_key, up_key, up_value, mask = given
    match = content_query @ up_key @ latents.unsqueeze(1).mT + rope_query @ rope_key.mT
    match = match / math.sqrt(content_query.shape[-1] + rope_query.shape[-1])
    return masked_softmax(match, mask) @ latents.unsqueeze(1) @ up_value


def query_not_moved(*given: Any) -> Tensor:
    content_query, rope_query, latents, rope_key, _, up_value, mask = given
    match = content_query @ latents.unsqueeze(1).mT + rope_query @ rope_key.mT
    match = match / math.sqrt(content_query.shape[-1] + rope_query.shape[-1])
    return masked_softmax(match, mask) @ latents.unsqueeze(1) @ up_value.mT


def value_not_made(*given: Any) -> Tensor:
    content_query, rope_query, latents, rope_key, up_key, _, mask = given
    match = content_query @ up_key @ latents.unsqueeze(1).mT + rope_query @ rope_key.mT
    match = match / math.sqrt(content_query.shape[-1] + rope_query.shape[-1])
    return masked_softmax(match, mask) @ latents.unsqueeze(1)


RIGHT = {
    "compress": [with_linear, with_einops, with_one_product, in_double_precision],
    "decoupled_scores": [side_by_side, with_einsum, head_by_head, scaled_queries],
    "absorb": [head_after_head, by_attend, with_torch_einsum, by_scaled_dot_product],
}

WRONG = {
    "compress": {
        "not_normed": [not_normed, kept(latents=lambda h, down, gain, rotation, eps: h @ down.T)],
        "gain_alone": [
            kept(latents=lambda h, down, gain, rotation, eps: h @ down.T * gain),
            kept(latents=lambda h, down, gain, rotation, eps: h @ (gain.unsqueeze(1) * down).T),
        ],
        "gain_lost": [
            kept(latents=lambda h, down, gain, rotation, eps: rms_norm(h @ down.T, torch.ones(1), eps)),
            kept(
                latents=lambda h, down, gain, rotation, eps: functional.rms_norm(
                    h @ down.T, gain.shape, eps=eps
                )
            ),
        ],
        "epsilon_lost": [
            kept(latents=lambda h, down, gain, rotation, eps: rms_norm(h @ down.T, gain)),
            kept(
                latents=lambda h, down, gain, rotation, eps: functional.rms_norm(
                    h @ down.T, gain.shape, gain, 1e-6
                )
            ),
        ],
        "normed_before": [
            kept(
                latents=lambda h, down, gain, rotation, eps: (
                    rms_norm(h, torch.ones(h.shape[-1]), eps) @ down.T * gain
                )
            ),
            kept(
                latents=lambda h, down, gain, rotation, eps: (
                    h * (h.square().mean(-1, keepdim=True) + eps) ** -0.5 @ (down * gain[:, None]).T
                )
            ),
        ],
        "key_normed": [
            kept(
                keys=lambda h, matrix, gain, rotation, eps: rope(
                    rms_norm((h @ matrix.T).unsqueeze(1), torch.ones(len(matrix)), eps), rotation
                )
            ),
            kept(
                keys=lambda h, matrix, gain, rotation, eps: rms_norm(
                    rope((h @ matrix.T).unsqueeze(1), rotation), torch.ones(len(matrix)), eps
                )  # a turn changes no size
            ),
        ],
        "normed_together": [normed_together, normed_together_by_hand],
        "key_of_latent": [
            key_of_latent,
            lambda h, down, rope_key, gain, rotation, eps=1e-6: (
                rms_norm(h @ down.T, gain, eps),
                rope((rms_norm(h @ down.T, gain, eps) @ rope_key.T)[:, None], rotation),
            ),
        ],
        "key_of_raw_latent": [
            lambda h, down, rope_key, gain, rotation, eps=1e-6: (
                rms_norm(h @ down.T, gain, eps),
                rope((h @ down.T @ rope_key.T)[:, None], rotation),
            ),
            lambda h, down, rope_key, gain, rotation, eps=1e-6: (
                functional.rms_norm(h @ down.T, gain.shape, gain, eps),
                rope(functional.linear(functional.linear(h, down), rope_key).unsqueeze(1), rotation),
            ),
        ],
        "turned_too_early": [
            lambda h, down, rope_key, gain, rotation, eps=1e-6: (
                rms_norm(h @ down.T, gain, eps),
                rope(h @ rope_key.T, rotation)[:, None],
            ),
            lambda h, down, rope_key, gain, rotation, eps=1e-6: (
                functional.rms_norm(h @ down.T, gain.shape, gain, eps),
                rope(functional.linear(h, rope_key), rotation).unsqueeze(1),
            ),
        ],
        "key_not_turned": [
            kept(keys=lambda h, matrix, gain, rotation, eps: (h @ matrix.T).unsqueeze(1)),
            lambda *given: with_linear(*given[:4], torch.ones_like(given[4]), *given[5:]),
        ],
        "latent_turned": [
            lambda h, down, rope_key, gain, rotation, eps=1e-6: (
                rope(rms_norm(h @ down.T, gain, eps).unsqueeze(1), rotation).squeeze(1),
                rope((h @ rope_key.T).unsqueeze(1), rotation),
            ),
            kept(
                latents=lambda h, down, gain, rotation, eps: rope(
                    rms_norm((h @ down.T)[:, None], gain, eps), rotation
                )[:, 0]
            ),
        ],
        "head_axis_lost": [
            lambda *given: (with_linear(*given)[0], with_linear(*given)[1].squeeze(1)),
            lambda *given: (with_einops(*given)[0], with_einops(*given)[1][:, 0]),
        ],
        "head_axis_last": [
            lambda *given: (with_linear(*given)[0], with_linear(*given)[1].transpose(1, 2)),
            lambda *given: (with_einops(*given)[0], with_einops(*given)[1].squeeze(1).unsqueeze(2)),
        ],
        "swapped": [
            lambda *given: tuple(reversed(with_linear(*given))),
            lambda *given: with_einops(*given)[::-1],
        ],
        "one_tensor": [one_tensor, one_tensor_by_hand],
        "cut_in_halves": [halves, halves_by_slicing],
    },
    "decoupled_scores": {
        "scaled_by_content": [
            from_matches(lambda content, position, c, r: (content + position) / c**0.5),
            from_right(lambda right, c, r: right * math.sqrt((c + r) / c)),
        ],
        "scaled_by_rope": [
            from_matches(lambda content, position, c, r: (content + position) / r**0.5),
            from_right(lambda right, c, r: right * math.sqrt((c + r) / r)),
        ],
        "scaled_apart": [
            scaled_apart_by_scores,
            from_matches(lambda content, position, c, r: content * c**-0.5 + position * r**-0.5),
        ],
        "root_of_each": [
            from_matches(lambda content, position, c, r: (content + position) / (c**0.5 + r**0.5)),
            from_right(lambda right, c, r: right * math.sqrt(c + r) / (math.sqrt(c) + math.sqrt(r))),
        ],
        "no_scale": [
            from_matches(lambda content, position, c, r: position + content),
            from_right(lambda right, c, r: right * math.sqrt(c + r)),
        ],
        "no_root": [
            from_matches(lambda content, position, c, r: (content + position) / (r + c)),
            from_right(lambda right, c, r: right / math.sqrt(c + r)),
        ],
        "content_alone": [
            from_matches(lambda content, position, c, r: content / (c + r) ** 0.5),
            lambda *given: side_by_side(given[0], 0 * given[1], *given[2:]),
        ],
        "position_alone": [
            from_matches(lambda content, position, c, r: position / (c + r) ** 0.5),
            lambda *given: side_by_side(0 * given[0], *given[1:]),
        ],
        "multiplied": [
            from_matches(lambda content, position, c, r: content * position / (c + r) ** 0.5),
            lambda a, b, c, d: (a @ c.mT).mul(b @ d.mT).div(math.sqrt(a.shape[-1] + b.shape[-1])),
        ],
        "two_softmaxes": [
            two_softmaxes,
            from_matches(
                lambda content, position, c, r: sum(
                    (part / size**0.5).softmax(-1) for part, size in ((content, c), (position, r))
                )
            ),
        ],
        "weights": [
            lambda *given: side_by_side(*given).softmax(dim=-1),
            from_right(lambda right, c, r: functional.softmax(right, -1)),
        ],
        "one_head_alone": [first_head_in_place, first_head_by_mask],
        "mean_query": [mean_query, mean_query_first],
        "turned_round": [turned_round, lambda *given: side_by_side(*given).mT],
    },
    "absorb": {
        "re_expanded": [made_again, expand, values_made_again],
        "one_matrix_for_keys": [lambda *given: absorbed(*given[:4], given[4][:1], *given[5:])],
        "one_matrix_for_values": [lambda *given: absorbed(*given[:5], given[5][:1], *given[6:])],
        "transposed": [transposed],
        "value_transposed": [value_transposed],
        "query_not_moved": [query_not_moved],
        "value_not_made": [value_not_made],
        "scaled_by_latent": [lambda *given: absorbed(*given, length=given[2].shape[-1] + given[1].shape[-1])],
        "scaled_by_content": [lambda *given: absorbed(*given, length=given[0].shape[-1])],
        "no_scale": [lambda *given: absorbed(*given, length=1)],
        "position_lost": [lambda *given: absorbed(given[0], 0 * given[1], *given[2:])],
        "mask_ignored": [lambda *given: absorbed(*given[:6])],
        "mask_inverted": [
            lambda *given: absorbed(*given[:6], None if given[6] is None else given[6].logical_not())
        ],
    },
}
