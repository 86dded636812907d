"""Answers to the attention exercises: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

import math

import torch
from einops import einsum, rearrange, reduce, repeat
from torch import Tensor, nn
from torch.nn import functional

# scores, right


def scores_by_einsum(query: Tensor, key: Tensor) -> Tensor:
    return torch.einsum("...qd,...kd->...qk", query, key) / query.size(-1) ** 0.5


def scores_by_einops(query: Tensor, key: Tensor) -> Tensor:
    scale = query.shape[-1] ** -0.5
    return einsum(query * scale, key, "... queries dim, ... keys dim -> ... queries keys")


def scores_by_loops(query: Tensor, key: Tensor) -> Tensor:
    columns = []
    for k in range(key.shape[-2]):
        columns.append((query * key[..., k : k + 1, :]).sum(dim=-1) / math.sqrt(key.shape[-1]))
    return torch.stack(columns, dim=-1)


def scores_in_float64(query: Tensor, key: Tensor) -> Tensor:
    query, key = query.double(), key.double()
    return query @ key.mT / math.sqrt(query.shape[-1])


def scores_with_the_root_shared(query: Tensor, key: Tensor) -> Tensor:
    fourth_root = query.shape[-1] ** 0.25
    return torch.matmul(query / fourth_root, (key / fourth_root).transpose(-1, -2))


# scores, wrong


def not_scaled_by_broadcasting(query: Tensor, key: Tensor) -> Tensor:
    return (query.unsqueeze(-2) * key.unsqueeze(-3)).sum(dim=-1)


def divided_by_dim_in_two_steps(query: Tensor, key: Tensor) -> Tensor:
    root = math.sqrt(query.shape[-1])
    return (query / root) @ (key / root).transpose(-2, -1)


def divided_by_dim_and_two(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.mT * query.shape[-1] ** -1 / 2


def two_axes_by_einsum(query: Tensor, key: Tensor) -> Tensor:
    return torch.einsum("qd,kd->qk", query, key) / math.sqrt(query.shape[-1])


def multiplied_before(query: Tensor, key: Tensor) -> Tensor:
    return (query * query.shape[-1] ** 0.5) @ key.mT


def root_of_all_heads_by_product(query: Tensor, key: Tensor) -> Tensor:
    width = query.shape[1] * query.shape[-1] if query.dim() == 4 else query.shape[-1]
    return query @ key.mT / width**0.5


def root_of_all_heads_by_merging(query: Tensor, key: Tensor) -> Tensor:
    width = rearrange(query, "b h s d -> b s (h d)").shape[-1] if query.ndim == 4 else query.shape[-1]
    return einsum(query, key, "... q d, ... k d -> ... q k") / math.sqrt(width)


def root_of_keys_by_shape_of_result(query: Tensor, key: Tensor) -> Tensor:
    found = query @ key.mT
    return found * found.shape[-1] ** -0.5


def root_of_queries_by_shape_of_result(query: Tensor, key: Tensor) -> Tensor:
    found = query @ key.mT
    return found / found.shape[-2] ** 0.5


def root_rounded_by_floor(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.mT / math.floor(math.sqrt(query.shape[-1]))


def swapped_by_transposing_the_query(query: Tensor, key: Tensor) -> Tensor:
    return key @ query.transpose(-2, -1) / math.sqrt(query.shape[-1])


def swapped_at_the_end(query: Tensor, key: Tensor) -> Tensor:
    return scores_by_einsum(query, key).transpose(-2, -1)


def paired_up_by_einsum(query: Tensor, key: Tensor) -> Tensor:
    return torch.einsum("...d,...d->...", query, key) * key.shape[-1] ** -0.5


def cosine_by_norms(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.mT / (query.norm(dim=-1).unsqueeze(-1) * key.norm(dim=-1).unsqueeze(-2))


def cosine_by_pytorch(query: Tensor, key: Tensor) -> Tensor:
    return functional.cosine_similarity(query.unsqueeze(-2), key.unsqueeze(-3), dim=-1)


def weights_by_hand(query: Tensor, key: Tensor) -> Tensor:
    exponentials = scores_by_einsum(query, key).exp()
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


# softmax, right


def softmax_by_logsumexp(logits: Tensor) -> Tensor:
    return (logits - logits.logsumexp(dim=-1, keepdim=True)).exp()


def softmax_with_detached_maximum(logits: Tensor) -> Tensor:
    largest = logits.detach().max(dim=-1, keepdim=True).values
    exponentials = torch.exp(logits - largest)
    return exponentials / exponentials.sum(-1, keepdim=True)


def softmax_by_loops(logits: Tensor) -> Tensor:
    rows = []
    for row in logits.reshape(-1, logits.shape[-1]):
        exponentials = [torch.exp(number - max(row)) for number in row]
        rows.append(torch.stack([number / sum(exponentials) for number in exponentials]))
    return torch.stack(rows).reshape(logits.shape)


def softmax_in_float64(logits: Tensor) -> Tensor:
    shifted = logits.double() - logits.double().amax(-1, keepdim=True)
    return shifted.exp() / shifted.exp().sum(-1, keepdim=True)


def softmax_by_differences(logits: Tensor) -> Tensor:
    """1 / sum_j exp(l_j - l_i): no maximum appears, and an infinite sum gives the weight 0."""
    differences = logits.unsqueeze(-2) - logits.unsqueeze(-1)
    bounded = torch.where(logits.unsqueeze(-1) == -torch.inf, torch.inf, differences)
    return 1 / bounded.exp().sum(dim=-1)


# softmax, wrong


def over_queries_by_transpose(logits: Tensor) -> Tensor:
    return logits.mT.softmax(dim=-1).mT


def sum_of_axis_one(logits: Tensor) -> Tensor:
    exponentials = torch.exp(logits - logits.max(dim=-1, keepdim=True).values)
    return exponentials / exponentials.sum(dim=1, keepdim=True)


def sum_of_axis_one_in_place(logits: Tensor) -> Tensor:
    weights = (logits - torch.amax(logits, -1, keepdim=True)).exp()
    return torch.div(weights, torch.sum(weights, 1, keepdim=True))


def rows_from_a_list(logits: Tensor) -> Tensor:
    rows = []
    for row in logits:
        rows.append(softmax_by_logsumexp(row) if row.dim() else row.softmax(0))
    return torch.stack(rows)


def by_hand_along(axis: int, shifted: bool):
    """A softmax by hand along one axis, with or without the maximum of that axis subtracted."""

    def softmax(logits: Tensor) -> Tensor:
        exponentials = torch.exp(logits - logits.max(axis, keepdim=True)[0] if shifted else logits)
        return exponentials / torch.sum(exponentials, axis, keepdim=True)

    return softmax


def over_queries_by_columns(logits: Tensor) -> Tensor:
    columns = logits.transpose(-1, -2).exp()
    return (columns / columns.sum(-1, keepdim=True)).transpose(-1, -2)


def over_first_axis_by_einops(logits: Tensor) -> Tensor:
    return logits.exp() / reduce(logits.exp(), "first ... -> 1 ...", "sum")


def total_unshifted_by_flattening(logits: Tensor) -> Tensor:
    exponentials = torch.exp(logits.flatten())
    return (exponentials / exponentials.sum()).view(logits.shape)


def axis_lost_unshifted_by_einops(logits: Tensor) -> Tensor:
    exponentials = math.e**logits
    return exponentials / reduce(exponentials, "... keys -> ...", "sum")


def less_flat_maximum(logits: Tensor) -> Tensor:
    exponentials = torch.exp(logits - torch.max(logits, dim=-1).values)
    return exponentials / torch.sum(exponentials, dim=-1, keepdim=True)


def less_flat_maximum_by_einops(logits: Tensor) -> Tensor:
    exponentials = (logits - reduce(logits, "... keys -> ...", "max")).exp()
    return exponentials / reduce(exponentials, "... keys -> ... 1", "sum")


def less_flat_maximum_by_flat_sum(logits: Tensor) -> Tensor:
    exponentials = torch.exp(logits - logits.max(dim=-1).values)
    return exponentials / exponentials.sum(dim=-1)


def both_axes_lost_by_einops(logits: Tensor) -> Tensor:
    exponentials = (logits - reduce(logits, "... keys -> ...", "max")).exp()
    return exponentials / reduce(exponentials, "... keys -> ...", "sum")


def shifted_without_exponential(logits: Tensor) -> Tensor:
    shifted = logits - logits.max(dim=-1, keepdim=True).values
    return shifted / shifted.sum(dim=-1, keepdim=True)


def shifted_without_exponential_by_mean(logits: Tensor) -> Tensor:
    shifted = logits - logits.amax(dim=-1, keepdim=True)
    return shifted / (shifted.mean(-1, keepdim=True) * logits.shape[-1])


def subtracted_above_only(logits: Tensor) -> Tensor:
    largest = logits.max(dim=-1, keepdim=True).values
    return torch.exp(logits - largest) / torch.exp(logits).sum(-1, keepdim=True)


def subtracted_above_only_by_einops(logits: Tensor) -> Tensor:
    above = (logits - reduce(logits, "... keys -> ... 1", "max")).exp()
    return above / reduce(logits.exp(), "... keys -> ... 1", "sum")


def over_axis_one_by_hand(logits: Tensor) -> Tensor:
    exponentials = (logits - logits.amax(1, keepdim=True)).exp()
    return exponentials / exponentials.sum(1, keepdim=True)


def over_everything_by_hand(logits: Tensor) -> Tensor:
    exponentials = (logits - logits.max()).exp()
    return exponentials / exponentials.sum()


def total_by_einops(logits: Tensor) -> Tensor:
    exponentials = (logits - reduce(logits, "... keys -> ... 1", "max")).exp()
    return exponentials / reduce(exponentials, "... -> ", "sum")


def total_by_sum(logits: Tensor) -> Tensor:
    exponentials = torch.exp(logits - logits.max(dim=-1, keepdim=True).values)
    return exponentials / exponentials.sum()


def not_normalised_by_division(logits: Tensor) -> Tensor:
    return logits.softmax(-1) / logits.softmax(-1).amax(-1, keepdim=True)


def axis_lost_by_sum(logits: Tensor) -> Tensor:
    exponentials = torch.exp(logits - logits.max(dim=-1, keepdim=True).values)
    return exponentials / torch.sum(exponentials, -1)


def axis_lost_by_einops(logits: Tensor) -> Tensor:
    exponentials = (logits - reduce(logits, "... keys -> ... 1", "max")).exp()
    return exponentials / reduce(exponentials, "... keys -> ...", "sum")


def logarithm_by_logsumexp(logits: Tensor) -> Tensor:
    return logits - logits.logsumexp(-1, keepdim=True)


def overflow_in_float64(logits: Tensor) -> Tensor:
    exponentials = logits.double().exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


def overflow_by_power(logits: Tensor) -> Tensor:
    exponentials = math.e**logits
    return exponentials / exponentials.sum(-1, keepdim=True)


def global_maximum_detached(logits: Tensor) -> Tensor:
    exponentials = torch.exp(logits - logits.detach().max())
    return exponentials / exponentials.sum(dim=-1).unsqueeze(-1)


def global_maximum_by_item(logits: Tensor) -> Tensor:
    exponentials = torch.exp(logits - logits.max().item())
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


def maximum_of_columns_by_hand(logits: Tensor) -> Tensor:
    exponentials = (logits - logits.max(dim=-2, keepdim=True).values).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


def minimum_subtracted_by_hand(logits: Tensor) -> Tensor:
    exponentials = (logits - logits.min(dim=-1, keepdim=True).values).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


def mean_subtracted_by_hand(logits: Tensor) -> Tensor:
    exponentials = (logits - logits.mean(-1, keepdim=True)).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


def clipped_by_hand(logits: Tensor) -> Tensor:
    exponentials = logits.clip(max=80).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


def clipped_by_minimum(logits: Tensor) -> Tensor:
    bounded = torch.where(logits > 80, 80.0, logits)
    return bounded.exp() / bounded.exp().sum(-1, keepdim=True)


# causal_mask, right


def mask_by_tril(queries: int, keys: int) -> Tensor:
    return torch.tril(torch.ones(queries, keys, dtype=torch.bool), diagonal=keys - queries)


def mask_by_triu(queries: int, keys: int) -> Tensor:
    return ~torch.ones(queries, keys, dtype=torch.bool).triu(keys - queries + 1)


def mask_by_loops(queries: int, keys: int) -> Tensor:
    return torch.tensor([[k - keys <= q - queries for k in range(keys)] for q in range(queries)])


def mask_by_last_rows(queries: int, keys: int) -> Tensor:
    return torch.ones(keys, keys).tril().bool()[-queries:]


def mask_by_filling(queries: int, keys: int) -> Tensor:
    mask = torch.zeros(queries, keys, dtype=torch.bool)
    for q in range(queries):
        mask[q, : keys - queries + q + 1] = True
    return mask


# causal_mask, wrong


def inverted_by_comparison(queries: int, keys: int) -> Tensor:
    return torch.arange(keys) > torch.arange(keys - queries, keys)[:, None]


def diagonal_hidden_by_tril(queries: int, keys: int) -> Tensor:
    return torch.ones(queries, keys).tril(keys - queries - 1) == 1


def top_left_by_comparison(queries: int, keys: int) -> Tensor:
    return torch.arange(queries)[:, None] >= torch.arange(keys)


def future_only_by_triu(queries: int, keys: int) -> Tensor:
    return torch.ones(queries, keys, dtype=torch.bool).triu(keys - queries)


def one_ahead_by_tril(queries: int, keys: int) -> Tensor:
    return torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries + 1)


def itself_only_by_comparison(queries: int, keys: int) -> Tensor:
    return torch.arange(keys) == torch.arange(queries)[:, None] + keys - queries


def transposed_by_comparison(queries: int, keys: int) -> Tensor:
    return torch.arange(keys)[:, None] <= torch.arange(keys - queries, keys)


def square_by_comparison(queries: int, keys: int) -> Tensor:
    position = torch.arange(keys)
    return position <= position.unsqueeze(-1)


def to_be_added_by_triu(queries: int, keys: int) -> Tensor:
    return torch.full((queries, keys), -torch.inf).triu(keys - queries + 1)


def to_be_added_by_where(queries: int, keys: int) -> Tensor:
    return torch.where(mask_by_tril(queries, keys), 0.0, float("-inf"))


# attend, right


def attend_by_pytorch(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    unit = torch.eye(key.shape[-2], dtype=key.dtype).expand(*key.shape[:-1], key.shape[-2])
    both = torch.cat([value, unit], dim=-1)
    found = functional.scaled_dot_product_attention(query, key, both, attn_mask=mask)
    return found[..., : value.shape[-1]], found[..., value.shape[-1] :]


def attend_with_a_very_low_number(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    logits = scores_by_einops(query, key)
    if mask is not None:
        logits = torch.where(mask, logits, torch.tensor(-1e9))
    weights = logits.softmax(dim=-1)
    return einsum(weights, value, "... queries keys, ... keys width -> ... queries width"), weights


def attend_by_adding(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    logits = query @ key.transpose(-2, -1) / math.sqrt(key.shape[-1])
    if mask is not None:
        logits = logits + torch.zeros(mask.shape).masked_fill(mask.logical_not(), float("-inf"))
    weights = torch.softmax(logits, -1)
    return torch.matmul(weights, value), weights


def attend_in_float64(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    return attend_by_adding(query.double(), key.double(), value.double(), mask)


# attend, wrong


def attend_with(weigh):
    """A wrong attention whose weights are `weigh(scores, mask)`."""

    def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
        logits = query @ key.mT / math.sqrt(query.shape[-1])
        weights = weigh(logits, torch.tensor(True) if mask is None else mask)
        return torch.einsum("...qk,...kw->...qw", weights, value), weights

    return attend


def attend_not_scaled(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    logits = query @ key.mT
    if mask is not None:
        logits = logits.masked_fill(~mask, -torch.inf)
    return logits.softmax(-1) @ value, logits.softmax(-1)


def attend_not_scaled_by_pytorch(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    unit = torch.eye(key.shape[-2]).expand(*key.shape[:-1], key.shape[-2])
    sdpa = functional.scaled_dot_product_attention
    return sdpa(query, key, value, mask, scale=1.0), sdpa(query, key, unit, mask, scale=1.0)


def attend_mask_ignored(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    return attend_by_adding(query, key, value)


def attend_mask_lost(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    logits = scores_by_einsum(query, key)
    if mask is not None:
        logits.masked_fill(~mask, -torch.inf)  # the result is thrown away
    return logits.softmax(-1) @ value, logits.softmax(-1)


def attend_mask_inverted(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    logits = scores_by_einsum(query, key)
    if mask is not None:
        logits = logits.masked_fill(mask, -torch.inf)
    weights = logits.softmax(-1)
    return weights @ value, weights


def attend_mask_inverted_by_where(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    logits = scores_by_einsum(query, key)
    if mask is not None:
        logits = torch.where(mask, -torch.inf, logits)
    weights = torch.softmax(logits, dim=-1)
    return weights @ value, weights


def attend_keys_averaged(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    weights = attend_by_adding(query, key, value, mask)[1]
    return weights @ key, weights


def attend_weights_first(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    output, weights = attend_by_adding(query, key, value, mask)
    return weights, output


def attend_scores_returned(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    logits = scores_by_einsum(query, key)
    if mask is not None:
        logits = logits.masked_fill(~mask, -torch.inf)
    return logits.softmax(-1) @ value, logits


def attend_scores_beside(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    logits = scores_by_einops(query, key)
    if mask is not None:
        logits = torch.where(mask, logits, -torch.inf)
    return attend_by_adding(query, key, value, mask)[0], logits


def attend_renormalised(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    weights = torch.softmax(query @ key.mT * query.shape[-1] ** -0.5, -1)
    if mask is not None:
        weights = weights * mask
        weights = weights / weights.sum(-1, keepdim=True)
    return weights @ value, weights


def attend_infinity_times_mask(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    logits = scores_by_einsum(query, key)
    if mask is not None:
        logits = logits + (~mask) * float("-inf")
    weights = logits.softmax(-1)
    return weights @ value, weights


def attend_infinity_times_one_less_mask(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
):
    logits = scores_by_einsum(query, key)
    if mask is not None:
        logits = logits - (1.0 - mask.float()) * torch.inf
    weights = torch.softmax(logits, dim=-1)
    return weights @ value, weights


def unweighed_by_where(logits: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask, logits, -torch.inf)


def attend_causal_by_default(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    if mask is None:
        mask = mask_by_tril(query.shape[-2], key.shape[-2])
    return attend_by_adding(query, key, value, mask)


def attend_causal_besides(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    ahead = ~mask_by_loops(query.shape[-2], key.shape[-2])
    logits = scores_by_einsum(query, key).masked_fill(ahead, -torch.inf)
    if mask is not None:
        logits = logits.masked_fill(~mask, -torch.inf)
    return logits.softmax(-1) @ value, logits.softmax(-1)


def attend_causal_instead(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    return attend_by_pytorch(query, key, value, mask_by_tril(query.shape[-2], key.shape[-2]))


def attend_pytorchs_causal_besides(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    logits = scores_by_einsum(query, key)
    logits = logits.masked_fill(torch.ones_like(logits).triu(1).bool(), float("-inf"))
    if mask is not None:
        logits = torch.where(mask, logits, float("-inf"))
    return logits.softmax(-1) @ value, logits.softmax(-1)


def attend_pytorchs_causal_by_default(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    seen = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril() if mask is None else mask
    return attend_by_adding(query, key, value, seen)


def causal_instead_by_where(logits: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask_by_last_rows(*logits.shape[-2:]), logits, -torch.inf).softmax(-1)


def top_left_instead(logits: Tensor, mask: Tensor) -> Tensor:
    return logits.masked_fill(torch.ones_like(logits).tril() == 0, -torch.inf).softmax(-1)


def top_left_instead_by_adding(logits: Tensor, mask: Tensor) -> Tensor:
    return (logits + torch.full(logits.shape[-2:], -torch.inf).triu(1)).softmax(-1)


def zeroed_by_masked_fill(logits: Tensor, mask: Tensor) -> Tensor:
    return logits.softmax(-1).masked_fill(~mask, 0.0)


def renormalised_by_masked_fill(logits: Tensor, mask: Tensor) -> Tensor:
    weights = logits.softmax(-1).masked_fill(~mask, 0.0)
    return weights / weights.sum(-1, keepdim=True)


def renormalised_powers(logits: Tensor, mask: Tensor) -> Tensor:
    exponentials = (logits - logits.amax(-1, keepdim=True)).exp() * mask
    return exponentials / exponentials.sum(-1, keepdim=True)


def not_normalised_by_hand(logits: Tensor, mask: Tensor) -> Tensor:
    hidden = logits.masked_fill(~mask, -torch.inf)
    return (hidden - logits.amax(-1, keepdim=True)).exp()


# split_heads, right


def split_by_view(x: Tensor, heads: int) -> Tensor:
    batch, seq, width = x.shape
    return x.view(batch, seq, heads, width // heads).permute(0, 2, 1, 3)


def split_by_chunks(x: Tensor, heads: int) -> Tensor:
    return torch.stack(x.chunk(heads, dim=-1), dim=1)


def split_by_einops(x: Tensor, heads: int) -> Tensor:
    return rearrange(x, "b s (h d) -> b h s d", h=heads)


def split_by_loops(x: Tensor, heads: int) -> Tensor:
    size = x.shape[-1] // heads
    return torch.cat([x[:, None, :, head * size : (head + 1) * size] for head in range(heads)], dim=1)


def split_in_float64(x: Tensor, heads: int) -> Tensor:
    return x.double().unflatten(2, (heads, -1)).swapaxes(1, 2)


# split_heads, wrong


def split_no_transpose_by_view(x: Tensor, heads: int) -> Tensor:
    batch, seq, width = x.shape
    return x.view(batch, heads, seq, width // heads)


def split_no_transpose_by_einops(x: Tensor, heads: int) -> Tensor:
    return rearrange(x.flatten(1), "b (h s d) -> b h s d", h=heads, s=x.shape[1])


def split_interleaved_by_view(x: Tensor, heads: int) -> Tensor:
    batch, seq, width = x.shape
    return x.view(batch, seq, width // heads, heads).permute(0, 3, 1, 2)


def split_interleaved_by_strides(x: Tensor, heads: int) -> Tensor:
    return torch.stack([x[..., head::heads] for head in range(heads)], dim=1)


def split_tokens_before_heads(x: Tensor, heads: int) -> Tensor:
    return x.reshape(*x.shape[:2], heads, x.shape[2] // heads)


def split_heads_before_batch(x: Tensor, heads: int) -> Tensor:
    return torch.stack(x.chunk(heads, dim=-1))


def split_heads_before_batch_by_view(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, -1)).permute(2, 0, 1, 3)


def split_tokens_last(x: Tensor, heads: int) -> Tensor:
    return split_by_view(x, heads).mT


def split_tokens_last_at_once(x: Tensor, heads: int) -> Tensor:
    return x.transpose(1, 2).unflatten(1, (heads, -1))


def split_swapped_by_view(x: Tensor, heads: int) -> Tensor:
    return x.reshape(x.shape[0], x.shape[1], -1, heads).transpose(1, 2)


def split_swapped_by_split(x: Tensor, heads: int) -> Tensor:
    return torch.stack(x.split(heads, dim=-1), dim=1)


def split_not_cut(x: Tensor, heads: int) -> Tensor:
    return x.unsqueeze(1).expand(-1, heads, -1, -1)


def split_not_cut_by_einops(x: Tensor, heads: int) -> Tensor:
    return repeat(x, "b s w -> b h s w", h=heads)


# merge_heads, right


def merge_by_reshape(x: Tensor) -> Tensor:
    batch, heads, seq, dim = x.shape
    return x.transpose(1, 2).contiguous().view(batch, seq, heads * dim)


def merge_by_cat(x: Tensor) -> Tensor:
    return torch.cat(x.unbind(dim=1), dim=-1)


def merge_by_einops(x: Tensor) -> Tensor:
    return rearrange(x, "b h s d -> b s (h d)")


def merge_by_loops(x: Tensor) -> Tensor:
    tokens = [torch.cat([x[:, h, s] for h in range(x.shape[1])], dim=-1) for s in range(x.shape[2])]
    return torch.stack(tokens, dim=1)


def merge_in_float64(x: Tensor) -> Tensor:
    return x.double().permute(0, 2, 1, 3).flatten(2)


# merge_heads, wrong


def merge_no_transpose(x: Tensor) -> Tensor:
    batch, heads, seq, dim = x.shape
    return x.view(batch, seq, heads * dim)


def merge_no_transpose_by_flattening(x: Tensor) -> Tensor:
    return x.flatten(1).unflatten(1, (x.shape[2], -1))


def merge_interleaved_by_permute(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1).flatten(2)


def merge_interleaved_by_stack(x: Tensor) -> Tensor:
    return torch.stack(x.unbind(1), dim=-1).flatten(-2)


def merge_along_tokens(x: Tensor) -> Tensor:
    return x.flatten(1, 2)


def merge_along_tokens_by_cat(x: Tensor) -> Tensor:
    return torch.cat([x[:, head] for head in range(x.shape[1])], dim=1)


def merge_other_axes(x: Tensor) -> Tensor:
    return x.mT.reshape(x.shape[0], x.shape[2], x.shape[1] * x.shape[3])


def merge_other_axes_by_permute(x: Tensor) -> Tensor:
    return x.permute(0, 1, 3, 2).flatten(1).unflatten(1, (x.shape[2], -1))


def merge_not_merged(x: Tensor) -> Tensor:
    return rearrange(x, "b h s d -> b s h d")


def merge_added_by_loop(x: Tensor) -> Tensor:
    total = torch.zeros_like(x[:, 0])
    for head in x.unbind(1):
        total = total + head
    return total


def merge_averaged_by_sum(x: Tensor) -> Tensor:
    return x.sum(1) / x.shape[1]


# MultiHeadAttention


class Given(nn.Module):
    """The part of the layer that a learner is given."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.output = nn.Linear(dim, dim)


def layer(forward):
    """A class with this forward."""
    return type("MultiHeadAttention", (Given,), {"forward": forward})


def usual(self, x, mask=None, *, split=split_by_view, attend=attend_by_adding, merge=merge_by_reshape):
    """The right answer, with parts to exchange."""
    query, key, value = (split(p(x), self.heads) for p in (self.query, self.key, self.value))
    output, weights = attend(query, key, value, mask)
    return self.output(merge(output)), weights


def forward_by_einsum(self, x: Tensor, mask: Tensor | None = None):
    query = rearrange(self.query(x), "b s (h d) -> b h s d", h=self.heads)
    key = rearrange(self.key(x), "b s (h d) -> b h s d", h=self.heads)
    value = rearrange(self.value(x), "b s (h d) -> b h s d", h=self.heads)
    logits = torch.einsum("bhqd,bhkd->bhqk", query, key) / query.shape[-1] ** 0.5
    if mask is not None:
        logits = logits.masked_fill(~mask, -1e30)
    weights = logits.softmax(-1)
    found = torch.einsum("bhqk,bhkd->bqhd", weights, value).flatten(2)
    return self.output(found), weights


def forward_by_loops(self, x: Tensor, mask: Tensor | None = None):
    query, key, value = self.query(x), self.key(x), self.value(x)
    size = x.shape[-1] // self.heads
    seen = torch.ones(1, 1, 1, 1, dtype=torch.bool) if mask is None else mask
    seen = seen.expand(x.shape[0], self.heads, x.shape[1], x.shape[1])
    outputs, all_weights = [], []
    for head in range(self.heads):
        piece = slice(head * size, (head + 1) * size)
        output, weights = attend_by_adding(
            query[..., piece], key[..., piece], value[..., piece], seen[:, head]
        )
        outputs.append(output)
        all_weights.append(weights)
    return self.output(torch.cat(outputs, dim=-1)), torch.stack(all_weights, dim=1)


def forward_by_pytorch(self, x: Tensor, mask: Tensor | None = None):
    query, key, value = (split_by_chunks(p(x), self.heads) for p in (self.query, self.key, self.value))
    output, weights = attend_by_pytorch(query, key, value, mask)
    return self.output(merge_by_cat(output)), weights


def forward_head_by_head_of_output(self, x: Tensor, mask: Tensor | None = None):
    """The output projection in pieces, one a head, added up: the same sum in another order."""
    query, key, value = (split_by_view(p(x), self.heads) for p in (self.query, self.key, self.value))
    output, weights = attend_by_adding(query, key, value, mask)
    pieces = self.output.weight.chunk(self.heads, dim=1)
    return sum(output[:, h] @ piece.T for h, piece in enumerate(pieces)) + self.output.bias, weights


class WithStatement(Given):
    """Written as a class, not by `layer`."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        query, key, value = [split_by_loops(p(x), self.heads) for p in (self.query, self.key, self.value)]
        output, weights = attend_by_adding(query, key, value, mask)
        return self.output(merge_by_loops(output)), weights


def from_projections(query_by: str, key_by: str, value_by: str):
    """A layer whose queries, keys and values are made by these of its projections."""

    def forward(self, x: Tensor, mask: Tensor | None = None):
        three = (getattr(self, name)(x) if name else x for name in (query_by, key_by, value_by))
        output, weights = attend_by_adding(*(split_by_view(part, self.heads) for part in three), mask)
        return self.output(merge_by_reshape(output)), weights

    return layer(forward)


def forward_no_output(self, x: Tensor, mask: Tensor | None = None):
    query, key, value = (split_by_view(p(x), self.heads) for p in (self.query, self.key, self.value))
    output, weights = attend_by_adding(query, key, value, mask)
    return merge_by_reshape(output), weights


def forward_output_dropped(self, x: Tensor, mask: Tensor | None = None):
    query, key, value = (split_by_einops(p(x), self.heads) for p in (self.query, self.key, self.value))
    output, weights = attend_by_pytorch(query, key, value, mask)
    output = merge_by_einops(output)
    self.output(output)  # the result is thrown away
    return output, weights


def forward_biases_lost(self, x: Tensor, mask: Tensor | None = None):
    query, key, value = (
        split_by_view(x @ p.weight.T, self.heads) for p in (self.query, self.key, self.value)
    )
    output, weights = attend_by_adding(query, key, value, mask)
    return merge_by_reshape(output) @ self.output.weight.T, weights


def forward_biases_lost_by_functional(self, x: Tensor, mask: Tensor | None = None):
    query, key, value = (functional.linear(x, p.weight) for p in (self.query, self.key, self.value))
    split = (split_by_einops(part, self.heads) for part in (query, key, value))
    output, weights = attend_by_pytorch(*split, mask)
    return functional.linear(merge_by_einops(output), self.output.weight), weights


def forward_scaled_by_width(self, x: Tensor, mask: Tensor | None = None):
    query, key, value = (split_by_view(p(x), self.heads) for p in (self.query, self.key, self.value))
    logits = query @ key.mT / math.sqrt(x.shape[-1])
    if mask is not None:
        logits = logits.masked_fill(~mask, -torch.inf)
    weights = logits.softmax(-1)
    return self.output(merge_by_reshape(weights @ value)), weights


def attend_scaled_by_width(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None):
    scale = (query.shape[1] * query.shape[3]) ** -0.5
    unit = torch.eye(key.shape[-2]).expand(*key.shape[:-1], key.shape[-2])
    sdpa = functional.scaled_dot_product_attention
    return sdpa(query, key, value, mask, scale=scale), sdpa(query, key, unit, mask, scale=scale)


def forward_mask_dropped(self, x: Tensor, mask: Tensor | None = None):
    return usual(self, x)


def forward_mask_of_first(self, x: Tensor, mask: Tensor | None = None):
    return usual(self, x, mask[0] if mask is not None and mask.dim() == 4 else mask)


def forward_mask_of_first_by_index(self, x: Tensor, mask: Tensor | None = None):
    if mask is not None and mask.dim() > 3:
        mask = mask.select(0, 0).unsqueeze(0)
    return forward_by_einsum(self, x, mask)


def forward_never_split(self, x: Tensor, mask: Tensor | None = None):
    output, weights = attend_by_adding(self.query(x), self.key(x), self.value(x), mask)
    return self.output(output), weights


def forward_never_split_by_hand(self, x: Tensor, mask: Tensor | None = None):
    logits = self.query(x) @ self.key(x).mT / x.shape[-1] ** 0.5
    if mask is not None:
        logits = torch.where(mask, logits, -torch.inf)
    weights = logits.softmax(-1)
    return self.output(weights @ self.value(x)), weights


def forward_one_head(self, x: Tensor, mask: Tensor | None = None):
    query, key, value = (split_by_view(p(x), 1) for p in (self.query, self.key, self.value))
    output, weights = attend_by_adding(query, key, value, mask)
    return self.output(merge_by_reshape(output)), weights


def forward_causal_by_default(self, x: Tensor, mask: Tensor | None = None):
    if mask is None:
        mask = mask_by_tril(x.shape[1], x.shape[1])
    return forward_by_einsum(self, x, mask)


def forward_causal_besides(self, x: Tensor, mask: Tensor | None = None):
    causal = mask_by_loops(x.shape[1], x.shape[1])
    return usual(self, x, causal if mask is None else causal & mask)


def forward_causal_instead(self, x: Tensor, mask: Tensor | None = None):
    return usual(self, x, mask_by_tril(x.shape[1], x.shape[1]))


def forward_residual(self, x: Tensor, mask: Tensor | None = None):
    output, weights = forward_by_einsum(self, x, mask)
    return output + x, weights


def forward_averaged(self, x: Tensor, mask: Tensor | None = None):
    output, weights = usual(self, x, mask)
    return output, weights.mean(1)


def forward_averaged_by_sum(self, x: Tensor, mask: Tensor | None = None):
    output, weights = forward_by_einsum(self, x, mask)
    return output, weights.sum(dim=1) / self.heads


def with_parts(**parts):
    """A layer with one of its parts exchanged."""

    def forward(self, x: Tensor, mask: Tensor | None = None):
        return usual(self, x, mask, **parts)

    return layer(forward)


RIGHT = {
    "scores": [
        scores_by_einsum,
        scores_by_einops,
        scores_by_loops,
        scores_in_float64,
        scores_with_the_root_shared,
    ],
    "softmax": [
        lambda logits: functional.softmax(logits, dim=-1),
        softmax_by_logsumexp,
        softmax_with_detached_maximum,
        softmax_by_loops,
        softmax_in_float64,
    ],
    "causal_mask": [mask_by_tril, mask_by_triu, mask_by_loops, mask_by_last_rows, mask_by_filling],
    "attend": [
        attend_by_pytorch,
        attend_with_a_very_low_number,
        attend_by_adding,
        attend_in_float64,
    ],
    "split_heads": [split_by_view, split_by_chunks, split_by_einops, split_by_loops, split_in_float64],
    "merge_heads": [merge_by_reshape, merge_by_cat, merge_by_einops, merge_by_loops, merge_in_float64],
    "MultiHeadAttention": [
        layer(forward_by_einsum),
        layer(forward_by_loops),
        layer(forward_by_pytorch),
        layer(forward_head_by_head_of_output),
        WithStatement,
    ],
}

WRONG = {
    "scores": {
        "not_scaled": [lambda query, key: query @ key.transpose(-2, -1), not_scaled_by_broadcasting],
        "divided_by_dim": [
            lambda query, key: query @ key.transpose(-2, -1) / query.shape[-1],
            divided_by_dim_in_two_steps,
        ],
        "divided_by_dim_and_two": [
            lambda query, key: query @ key.mT / query.shape[-1] ** 1 / 2,
            divided_by_dim_and_two,
        ],
        "divided_by_half_dim": [
            lambda query, key: query @ key.mT / (query.shape[-1] ** 1 / 2),
            lambda query, key: 2 * (query @ key.mT) / key.shape[-1],
        ],
        "two_axes_only": [
            lambda query, key: query @ key.T / math.sqrt(query.shape[-1]),
            lambda query, key: torch.mm(query, key.t()) / query.shape[-1] ** 0.5,
            two_axes_by_einsum,
        ],
        "root_of_axis_one": [
            lambda query, key: query @ key.mT / math.sqrt(query.shape[1]),
            lambda query, key: scores_by_einsum(query, key) * (query.shape[-1] / key.shape[1]) ** 0.5,
        ],
        "multiplied": [
            lambda query, key: query @ key.transpose(-2, -1) * math.sqrt(key.shape[-1]),
            multiplied_before,
        ],
        "root_of_all_heads": [root_of_all_heads_by_product, root_of_all_heads_by_merging],
        "root_of_keys": [
            lambda query, key: query @ key.mT / math.sqrt(key.shape[-2]),
            root_of_keys_by_shape_of_result,
        ],
        "root_of_queries": [
            lambda query, key: query @ key.mT / math.sqrt(query.shape[-2]),
            root_of_queries_by_shape_of_result,
        ],
        "root_of_axis_zero": [
            lambda query, key: query @ key.mT / math.sqrt(len(query)),
            lambda query, key: scores_by_einsum(query, key) * (key.shape[-1] / query.shape[0]) ** 0.5,
        ],
        "always_four": [
            lambda query, key: query @ key.mT / math.sqrt(16),
            lambda query, key: torch.einsum("...qd,...kd->...qk", query / 2, key / 2),
        ],
        "rounded_down": [
            lambda query, key: query @ key.mT // math.sqrt(query.shape[-1]),
            lambda query, key: torch.floor_divide(query @ key.transpose(-2, -1), key.shape[-1] ** 0.5),
        ],
        "root_rounded": [
            lambda query, key: query @ key.mT / int(query.shape[-1] ** 0.5),
            root_rounded_by_floor,
        ],
        "queries_and_keys_swapped": [swapped_by_transposing_the_query, swapped_at_the_end],
        "paired_up": [
            lambda query, key: (query * key).sum(-1) / math.sqrt(query.shape[-1]),
            paired_up_by_einsum,
        ],
        "cosine": [cosine_by_norms, cosine_by_pytorch],
        "weights_already": [lambda query, key: scores_by_einops(query, key).softmax(-1), weights_by_hand],
    },
    "softmax": {
        "over_queries": [lambda logits: logits.softmax(dim=-2), over_queries_by_transpose],
        "over_queries_unshifted": [by_hand_along(-2, shifted=False), over_queries_by_columns],
        "over_first_axis": [lambda logits: logits.softmax(0), by_hand_along(0, shifted=True)],
        "over_first_axis_unshifted": [by_hand_along(0, shifted=False), over_first_axis_by_einops],
        "over_axis_one": [lambda logits: functional.softmax(logits, dim=1), over_axis_one_by_hand],
        "sum_of_axis_one": [
            sum_of_axis_one,
            sum_of_axis_one_in_place,
        ],
        "loop_over_first_axis": [
            lambda logits: torch.stack([functional.softmax(row, dim=-1) for row in logits]),
            rows_from_a_list,
        ],
        "over_everything": [
            lambda logits: logits.flatten().softmax(0).view_as(logits),
            over_everything_by_hand,
        ],
        "total_of_everything": [total_by_sum, total_by_einops],
        "total_unshifted": [
            lambda logits: torch.exp(logits) / torch.exp(logits).sum(),
            total_unshifted_by_flattening,
        ],
        "axis_lost": [axis_lost_by_sum, axis_lost_by_einops],
        "axis_lost_unshifted": [
            lambda logits: logits.exp() / logits.exp().sum(-1),
            axis_lost_unshifted_by_einops,
        ],
        "axis_of_maximum_lost": [less_flat_maximum, less_flat_maximum_by_einops],
        "both_axes_lost": [less_flat_maximum_by_flat_sum, both_axes_lost_by_einops],
        "no_exponential_shifted": [shifted_without_exponential, shifted_without_exponential_by_mean],
        "subtracted_above_only": [subtracted_above_only, subtracted_above_only_by_einops],
        "not_normalised": [
            lambda logits: torch.exp(logits - logits.max(-1, keepdim=True)[0]),
            not_normalised_by_division,
        ],
        "logarithm": [lambda logits: logits.log_softmax(-1), logarithm_by_logsumexp],
        "no_exponential": [
            lambda logits: logits / logits.sum(-1, keepdim=True),
            lambda logits: logits / (logits.mean(-1, keepdim=True) * logits.shape[-1]),
        ],
        "overflow": [
            lambda logits: torch.exp(logits) / torch.exp(logits).sum(-1, keepdim=True),
            overflow_by_power,
            overflow_in_float64,
        ],
        "global_maximum": [global_maximum_detached, global_maximum_by_item],
        "maximum_of_columns": [
            lambda logits: functional.normalize(
                (logits - logits.amax(-2, keepdim=True)).exp(), p=1, dim=-1, eps=0
            ),
            maximum_of_columns_by_hand,
        ],
        "minimum_subtracted": [
            lambda logits: functional.normalize(
                (logits - logits.amin(-1, keepdim=True)).exp(), p=1, dim=-1, eps=0
            ),
            minimum_subtracted_by_hand,
        ],
        "mean_subtracted": [
            lambda logits: functional.normalize(
                (logits - logits.mean(-1, keepdim=True)).exp(), p=1, dim=-1, eps=0
            ),
            mean_subtracted_by_hand,
        ],
        "clipped": [clipped_by_hand, clipped_by_minimum],
    },
    "causal_mask": {
        "inverted": [
            lambda queries, keys: torch.ones(queries, keys).triu(keys - queries + 1).bool(),
            inverted_by_comparison,
        ],
        "diagonal_hidden": [
            lambda queries, keys: torch.arange(keys) < torch.arange(keys - queries, keys)[:, None],
            diagonal_hidden_by_tril,
        ],
        "top_left": [
            lambda queries, keys: torch.tril(torch.ones(queries, keys, dtype=torch.bool)),
            top_left_by_comparison,
        ],
        "inverted_top_left": [
            lambda queries, keys: torch.triu(torch.ones(queries, keys), diagonal=1) == 1,
            lambda queries, keys: torch.arange(keys) > torch.arange(queries).unsqueeze(1),
        ],
        "offset_backwards": [
            lambda queries, keys: torch.ones(queries, keys, dtype=torch.bool).tril(queries - keys),
            lambda queries, keys: (
                torch.arange(keys) <= torch.arange(queries - keys, 2 * queries - keys)[:, None]
            ),
        ],
        "future_only": [
            lambda queries, keys: torch.arange(keys) >= torch.arange(keys - queries, keys)[:, None],
            future_only_by_triu,
        ],
        "one_ahead": [
            lambda queries, keys: torch.arange(keys) < torch.arange(keys - queries + 2, keys + 2)[:, None],
            one_ahead_by_tril,
        ],
        "nothing_hidden": [
            lambda queries, keys: torch.ones(queries, keys, dtype=torch.bool),
            lambda queries, keys: torch.full((queries, keys), True),
        ],
        "itself_only": [
            lambda queries, keys: torch.eye(keys).bool()[keys - queries :],
            itself_only_by_comparison,
        ],
        "transposed": [
            lambda queries, keys: mask_by_tril(queries, keys).T,
            transposed_by_comparison,
        ],
        "square": [lambda queries, keys: torch.ones(keys, keys).tril().bool(), square_by_comparison],
        "to_be_added": [to_be_added_by_triu, to_be_added_by_where],
    },
    "attend": {
        "not_scaled": [attend_not_scaled, attend_not_scaled_by_pytorch],
        "divided_by_dim": [
            lambda query, key, value, mask=None: attend_by_adding(
                query, key / math.sqrt(key.shape[-1]), value, mask
            ),
            lambda query, key, value, mask=None: attend_by_pytorch(
                query * query.shape[-1] ** -0.5, key, value, mask
            ),
        ],
        "no_softmax": [
            attend_with(lambda logits, mask: logits.masked_fill(~mask, -torch.inf)),
            attend_with(unweighed_by_where),
        ],
        "no_softmax_zeroed": [
            attend_with(lambda logits, mask: logits * mask),
            attend_with(lambda logits, mask: torch.where(mask, logits, 0.0)),
        ],
        "own_causal_mask": [
            attend_causal_besides,
            attend_with(lambda logits, mask: causal_instead_by_where(logits.masked_fill(~mask, -1e9), mask)),
        ],
        "own_causal_mask_by_default": [
            attend_causal_by_default,
            lambda query, key, value, mask=None: attend_by_pytorch(
                query, key, value, mask_by_loops(query.shape[-2], key.shape[-2]) if mask is None else mask
            ),
        ],
        "own_causal_mask_instead": [attend_causal_instead, attend_with(causal_instead_by_where)],
        "own_causal_mask_top_left": [
            attend_pytorchs_causal_besides,
            attend_with(lambda logits, mask: top_left_instead(torch.where(mask, logits, -torch.inf), mask)),
        ],
        "own_causal_mask_top_left_by_default": [
            attend_pytorchs_causal_by_default,
            lambda query, key, value, mask=None: attend_by_pytorch(
                query,
                key,
                value,
                top_left_by_comparison(query.shape[-2], key.shape[-2]) if mask is None else mask,
            ),
        ],
        "own_causal_mask_top_left_instead": [
            attend_with(top_left_instead),
            attend_with(top_left_instead_by_adding),
        ],
        "mask_ignored": [attend_mask_ignored, attend_mask_lost],
        "mask_inverted": [attend_mask_inverted, attend_mask_inverted_by_where],
        "filled_with_zero": [
            attend_with(lambda logits, mask: logits.masked_fill(~mask, 0.0).softmax(-1)),
            attend_with(lambda logits, mask: (logits * mask).softmax(-1)),
        ],
        "filled_too_high": [
            attend_with(lambda logits, mask: logits.masked_fill(~mask, -100).softmax(-1)),
            attend_with(lambda logits, mask: torch.where(mask, logits, -20.0).softmax(-1)),
        ],
        "zeroed_afterwards": [
            attend_with(lambda logits, mask: logits.softmax(-1) * mask.float()),
            attend_with(zeroed_by_masked_fill),
        ],
        "infinity_afterwards": [
            attend_with(lambda logits, mask: logits.softmax(-1).masked_fill(~mask, float("-inf"))),
            attend_with(lambda logits, mask: torch.where(mask, logits.softmax(-1), -torch.inf)),
        ],
        "zeroed_then_renormalised": [
            attend_renormalised,
            attend_with(renormalised_by_masked_fill),
            attend_with(renormalised_powers),
        ],
        "infinity_times_zero": [attend_infinity_times_mask, attend_infinity_times_one_less_mask],
        "mask_added": [
            attend_with(lambda logits, mask: (logits + mask.float()).softmax(-1)),
            attend_with(lambda logits, mask: (logits + 1.0 * mask).softmax(-1)),
        ],
        "softmax_over_queries": [
            attend_with(lambda logits, mask: logits.masked_fill(~mask, -torch.inf).softmax(-2)),
            attend_with(lambda logits, mask: torch.where(mask, logits, -torch.inf).mT.softmax(-1).mT),
        ],
        "softmax_over_first_axis": [
            attend_with(lambda logits, mask: logits.masked_fill(~mask, -torch.inf).softmax(0)),
            attend_with(lambda logits, mask: by_hand_along(0, True)(torch.where(mask, logits, -torch.inf))),
        ],
        "softmax_over_axis_one": [
            attend_with(lambda logits, mask: logits.masked_fill(~mask, -torch.inf).softmax(1)),
            attend_with(lambda logits, mask: by_hand_along(1, True)(torch.where(mask, logits, -torch.inf))),
        ],
        "not_normalised": [
            attend_with(lambda logits, mask: (logits - logits.amax(-1, keepdim=True)).exp() * mask),
            attend_with(not_normalised_by_hand),
        ],
        "keys_averaged": [
            attend_keys_averaged,
            lambda query, key, value, mask=None: attend_by_pytorch(query, key, key, mask),
        ],
        "weights_first": [
            attend_weights_first,
            lambda query, key, value, mask=None: attend_by_pytorch(query, key, value, mask)[::-1],
        ],
        "scores_returned": [attend_scores_returned, attend_scores_beside],
    },
    "split_heads": {
        "no_transpose": [split_no_transpose_by_view, split_no_transpose_by_einops],
        "interleaved": [split_interleaved_by_view, split_interleaved_by_strides],
        "tokens_before_heads": [
            split_tokens_before_heads,
            lambda x, heads: rearrange(x, "b s (h d) -> b s h d", h=heads),
        ],
        "heads_before_batch": [split_heads_before_batch, split_heads_before_batch_by_view],
        "tokens_last": [split_tokens_last, split_tokens_last_at_once],
        "count_and_length_swapped": [split_swapped_by_view, split_swapped_by_split],
        "not_cut": [split_not_cut, split_not_cut_by_einops],
    },
    "merge_heads": {
        "no_transpose": [merge_no_transpose, merge_no_transpose_by_flattening],
        "interleaved": [merge_interleaved_by_permute, merge_interleaved_by_stack],
        "heads_along_tokens": [merge_along_tokens, merge_along_tokens_by_cat],
        "other_axes_swapped": [merge_other_axes, merge_other_axes_by_permute],
        "not_merged": [merge_not_merged, lambda x: x.permute(0, 2, 1, 3)],
        "heads_added": [lambda x: x.sum(dim=1), merge_added_by_loop],
        "heads_averaged": [lambda x: x.mean(dim=1), merge_averaged_by_sum],
    },
    "MultiHeadAttention": {
        "no_output_projection": [layer(forward_no_output), layer(forward_output_dropped)],
        "biases_lost": [layer(forward_biases_lost), layer(forward_biases_lost_by_functional)],
        "one_projection": [from_projections("query", "query", "query")],
        "query_for_key": [from_projections("query", "query", "value")],
        "keys_and_values_swapped": [
            from_projections("query", "value", "key"),
            with_parts(attend=lambda query, key, value, mask: attend_by_adding(query, value, key, mask)),
        ],
        "key_for_value": [from_projections("query", "key", "key")],
        "values_not_projected": [from_projections("query", "key", "")],
        "keys_not_projected": [from_projections("query", "", "value")],
        "queries_not_projected": [from_projections("", "key", "value")],
        "nothing_projected": [from_projections("", "", "")],
        "not_split": [layer(forward_never_split), layer(forward_never_split_by_hand)],
        "not_split_but_an_axis_added": [
            layer(forward_one_head),
            with_parts(split=lambda x, heads: rearrange(x, "b s w -> b 1 s w"), merge=merge_by_einops),
        ],
        "own_causal_mask": [layer(forward_causal_besides), with_parts(attend=attend_causal_besides)],
        "own_causal_mask_by_default": [
            layer(forward_causal_by_default),
            with_parts(attend=attend_causal_by_default),
        ],
        "own_causal_mask_instead": [
            layer(forward_causal_instead),
            with_parts(attend=attend_causal_instead),
        ],
        "queries_and_keys_swapped": [
            from_projections("key", "query", "value"),
            with_parts(attend=lambda query, key, value, mask: attend_by_adding(key, query, value, mask)),
        ],
        "scaled_by_width": [layer(forward_scaled_by_width), with_parts(attend=attend_scaled_by_width)],
        "not_scaled": [with_parts(attend=attend_not_scaled), with_parts(attend=attend_not_scaled_by_pytorch)],
        "mask_ignored": [layer(forward_mask_dropped), with_parts(attend=attend_mask_lost)],
        "mask_inverted": [
            with_parts(attend=attend_mask_inverted),
            with_parts(attend=attend_mask_inverted_by_where),
        ],
        "mask_of_first_sequence": [layer(forward_mask_of_first), layer(forward_mask_of_first_by_index)],
        "split_without_transpose": [
            with_parts(split=split_no_transpose_by_view),
            with_parts(split=split_no_transpose_by_einops),
        ],
        "merged_without_transpose": [
            with_parts(merge=merge_no_transpose),
            with_parts(merge=merge_no_transpose_by_flattening),
        ],
        "interleaved": [
            with_parts(split=split_interleaved_by_view, merge=merge_interleaved_by_permute),
            with_parts(split=split_interleaved_by_strides, merge=merge_interleaved_by_stack),
        ],
        "residual_added": [layer(forward_residual)],
        "weights_averaged": [layer(forward_averaged), layer(forward_averaged_by_sum)],
    },
}
