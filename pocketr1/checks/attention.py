"""Checks of the attention exercises.

The inputs isolate one mechanism at a time: one key leaves only the value path, a query of zeros leaves only
the average, query 0 leaves only the mask, a token vector of distinct numbers shows where each of them went.
The references are PyTorch's own attention, softmax and multi-head layer.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from einops import rearrange, repeat
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from .specification import Case, Check, Mistake


def _normal(*shape: int, seed: int = 0, size: float = 1.0) -> Tensor:
    return size * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _batch(seed: int = 0) -> Tensor:
    """Large enough to tell an answer that would slow every later training down."""
    return _normal(8, 2, 20, 16, seed=seed)


def _counted(*shape: int) -> Tensor:
    """1, 2, 3, ... in the given shape: every number says where it came from."""
    return torch.arange(1.0, math.prod(shape) + 1).reshape(shape)


# scores


def _dot_products(query: Tensor, key: Tensor) -> Tensor:
    return torch.einsum("...qd,...kd->...qk", query, key)


def _expected_scores(query: Tensor, key: Tensor) -> Tensor:
    return _dot_products(query, key) * query.shape[-1] ** -0.5


def _scores_by_all_heads(query: Tensor, key: Tensor) -> Tensor:
    heads = query.shape[-3] if query.dim() > 2 else 1
    return _dot_products(query, key) / math.sqrt(heads * query.shape[-1])


def _paired(query: Tensor, key: Tensor) -> Tensor:
    return (query * key).sum(dim=-1) / math.sqrt(query.shape[-1])


def _cosines(query: Tensor, key: Tensor) -> Tensor:
    return _dot_products(functional.normalize(query, dim=-1), functional.normalize(key, dim=-1))


SCORES = Check(
    expected=_expected_scores,
    cases=(
        Case(
            "one query (1, 2, 0, 1) and one key (2, 1, 5, 0)",
            lambda: (torch.tensor([[1.0, 2.0, 0.0, 1.0]]), torch.tensor([[2.0, 1.0, 5.0, 0.0]])),
        ),
        Case("one query and three keys", lambda: (_normal(1, 16), _normal(3, 16, seed=1))),
        Case("as many queries as keys", lambda: (_normal(3, 16), _normal(3, 16, seed=1))),
        Case("more queries than keys", lambda: (_normal(5, 16), _normal(2, 16, seed=1))),
        Case("a length whose root is not a whole number", lambda: (_normal(2, 6), _normal(3, 6, seed=1))),
        Case(
            "two sequences and three heads",
            lambda: (_normal(2, 3, 4, 8), _normal(2, 3, 5, 8, seed=1)),
        ),
        Case("a batch as in training", lambda: (_batch(), _batch(seed=1))),
    ),
    mistakes=(
        Mistake(
            "not_scaled",
            "these are the dot products as they are; they still have to be divided by the square root of dim",
            _dot_products,
        ),
        Mistake(
            "divided_by_dim",
            "the scores are divided by d, not by its square root (dividing query and key by the root each"
            " does that, too)",
            lambda query, key: _dot_products(query, key) / query.shape[-1],
        ),
        Mistake(
            "divided_by_dim_and_two",
            "the scores are divided by d and then by 2, as `/ d ** 1 / 2` does: a power comes before a"
            " division; write `d ** 0.5`",
            lambda query, key: _dot_products(query, key) / query.shape[-1] / 2,
        ),
        Mistake(
            "divided_by_half_dim",
            "the scores are divided by half of d, as `(d ** 1 / 2)` is: a power comes before a division;"
            " write `d ** 0.5`",
            lambda query, key: _dot_products(query, key) / (query.shape[-1] / 2),
        ),
        Mistake(
            "two_axes_only",
            "this works for two axes only, and stops with an error where there are axes in front, a batch or"
            " heads (`.T` turns all axes round, `transpose(0, 1)` the first two); turn the last two, and only"
            " those",
            lambda query, key: query @ key.transpose(0, 1) / math.sqrt(query.shape[-1]),
        ),
        Mistake(
            "root_of_axis_one",
            "the root is taken of the length of axis 1, which are the heads as soon as there are any; the"
            " length of a query is that of its last axis",
            lambda query, key: _dot_products(query, key) / math.sqrt(query.shape[1]),
        ),
        Mistake(
            "multiplied",
            "the scores are multiplied by the square root of dim; they should be divided by it",
            lambda query, key: _dot_products(query, key) * math.sqrt(query.shape[-1]),
        ),
        Mistake(
            "root_of_all_heads",
            "the root is taken of the length of all heads together; take it of the length of the vectors"
            " that are multiplied here, the last axis",
            _scores_by_all_heads,
        ),
        Mistake(
            "root_of_keys",
            "the scores are divided by the square root of how many keys there are; it is the length of a"
            " key, the last axis, that counts",
            lambda query, key: _dot_products(query, key) / math.sqrt(key.shape[-2]),
        ),
        Mistake(
            "root_of_queries",
            "the scores are divided by the square root of how many queries there are; it is the length of a"
            " query, the last axis, that counts",
            lambda query, key: _dot_products(query, key) / math.sqrt(query.shape[-2]),
        ),
        Mistake(
            "root_of_axis_zero",
            "the root is taken of the length of axis 0, which is how many queries there are, or how many"
            " sequences; the length of a query is that of its last axis",
            lambda query, key: _dot_products(query, key) / math.sqrt(query.shape[0]),
        ),
        Mistake(
            "always_four",
            "the scores are divided by 4, the root of 16, whatever the length is; take the length from the"
            " shape of a query, its last axis",
            lambda query, key: _dot_products(query, key) / 4,
        ),
        Mistake(
            "rounded_down",
            "the scores are rounded down to whole numbers, as `//` does, and no gradient comes back through"
            " that; divide with `/`",
            lambda query, key: _dot_products(query, key) // math.sqrt(query.shape[-1]),
        ),
        Mistake(
            "root_rounded",
            "the square root is rounded to a whole number; divide by the root itself",
            lambda query, key: _dot_products(query, key) / math.isqrt(query.shape[-1]),
        ),
        Mistake(
            "queries_and_keys_swapped",
            "queries and keys have changed places: each row should belong to a query and each column to a"
            " key",
            lambda query, key: _expected_scores(key, query),
        ),
        Mistake(
            "paired_up",
            "each query met only the key in the same place; every query should meet every key: a matrix"
            " product with the last two axes of `key` turned does that",
            _paired,
        ),
        Mistake(
            "cosine",
            "each vector is divided by its own length, which gives the cosine of the angle; attention keeps"
            " long vectors strong, and divides all of them by one number, the square root of dim",
            _cosines,
        ),
        Mistake(
            "weights_already",
            "the softmax is taken already: these are weights; the scores are what goes into it",
            lambda query, key: _expected_scores(query, key).softmax(dim=-1),
        ),
    ),
    why="A dot product of two vectors of d independent entries of mean 0 and variance 1 has the variance d:"
    " the square root of d brings the scores back to a size near 1, whatever d is, so that the softmax after"
    " them is not all or nothing.",
)


# softmax


def _unshifted(logits: Tensor) -> Tensor:
    return logits.exp() / logits.exp().sum(dim=-1, keepdim=True)


def _divided_by_a_flat_sum(logits: Tensor) -> Tensor:
    exponentials = (logits - logits.amax(dim=-1, keepdim=True)).exp()
    return exponentials / exponentials.sum(dim=-1)


def _divided_by_the_total(logits: Tensor) -> Tensor:
    exponentials = (logits - logits.amax(dim=-1, keepdim=True)).exp()
    return exponentials / exponentials.sum()


def _shifted_and_summed_along(logits: Tensor, axis: int) -> Tensor:
    exponentials = (logits - logits.amax(dim=-1, keepdim=True)).exp()
    return exponentials / exponentials.sum(dim=axis, keepdim=True)


def _unshifted_by_a_flat_sum(logits: Tensor) -> Tensor:
    return logits.exp() / logits.exp().sum(dim=-1)


def _less_a_flat_maximum(logits: Tensor) -> Tensor:
    exponentials = (logits - logits.amax(dim=-1)).exp()
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


def _both_axes_lost(logits: Tensor) -> Tensor:
    exponentials = (logits - logits.amax(dim=-1)).exp()
    return exponentials / exponentials.sum(dim=-1)


def _subtracted_above_only(logits: Tensor) -> Tensor:
    return (logits - logits.amax(dim=-1, keepdim=True)).exp() / logits.exp().sum(dim=-1, keepdim=True)


def _unshifted_along(axis: int) -> Callable[[Tensor], Tensor]:
    return lambda logits: logits.exp() / logits.exp().sum(dim=axis, keepdim=True)


def _shifted_without_exponential(logits: Tensor) -> Tensor:
    shifted = logits - logits.amax(dim=-1, keepdim=True)
    return shifted / shifted.sum(dim=-1, keepdim=True)


def _softmax_less(number: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A softmax that subtracts `number(logits)` first."""
    return lambda logits: _unshifted(logits - number(logits))


OVER_QUERIES = (
    "the columns sum to one, not the rows: the softmax runs over the queries instead of the last axis"
)
OVER_FIRST_AXIS = (
    "the softmax runs over axis 0, down the rows of a table, and from sequence to sequence where there are"
    " axes in front; take the last axis"
)
TOTAL_OF_EVERYTHING = (
    "each row is divided by the total of all rows together; divide it by its own sum, taken along the last"
    " axis"
)
AXIS_LOST = (
    "the sum has lost its last axis, so it no longer lines up with the rows; keep that axis, with length one"
    " (keepdim=True)"
)

SOFTMAX = Check(
    expected=lambda logits: torch.softmax(logits, dim=-1),
    cases=(
        Case("one row (0, ln 3)", lambda: (torch.tensor([[0.0, math.log(3)]]),)),
        Case("a row by itself, (0, ln 3, ln 4)", lambda: (torch.tensor([1.0, 3.0, 4.0]).log(),)),
        Case("two rows of three", lambda: (_normal(2, 3),)),
        Case("as many rows as columns", lambda: (_normal(3, 3),)),
        Case("two sequences, three heads, four queries and five keys", lambda: (_normal(2, 3, 4, 5),)),
        Case(
            "a logit of minus infinity",
            lambda: (torch.tensor([[0.5, -torch.inf, 1.5], [2.0, 1.0, -torch.inf]]),),
        ),
        Case("large logits, (1000, 1000 + ln 3)", lambda: (torch.tensor([[1000.0, 1000 + math.log(3)]]),)),
        Case("one row far apart, (-1000, 0, 1000)", lambda: (torch.tensor([[-1000.0, 0.0, 1000.0]]),)),
        Case(
            "rows far from one another, (0, 1) and (-300, -299)",
            lambda: (torch.tensor([[0.0, 1.0], [-300.0, -299.0]]),),
        ),
        Case("a batch as in training", lambda: (_batch(),)),
    ),
    mistakes=(
        Mistake("over_queries", OVER_QUERIES, lambda logits: torch.softmax(logits, dim=-2)),
        Mistake("over_queries_unshifted", OVER_QUERIES, _unshifted_along(-2)),
        Mistake("over_first_axis", OVER_FIRST_AXIS, lambda logits: torch.softmax(logits, dim=0)),
        Mistake("over_first_axis_unshifted", OVER_FIRST_AXIS, _unshifted_along(0)),
        Mistake(
            "over_axis_one",
            "the softmax runs over axis 1, which are the heads as soon as there are any; take the last axis",
            lambda logits: torch.softmax(logits, dim=1),
        ),
        Mistake(
            "sum_of_axis_one",
            "the sum runs over axis 1, which is the last one in a table alone: a row by itself has no axis 1,"
            " and with heads in front it is theirs. Count from the end: dim=-1",
            lambda logits: _shifted_and_summed_along(logits, 1),
        ),
        Mistake(
            "loop_over_first_axis",
            "right for rows taken one after the other; but a row by itself falls apart into single numbers,"
            " and each becomes 1. Take the softmax along the last axis, whatever is in front",
            lambda logits: torch.stack([torch.softmax(part, dim=-1) for part in logits]),
        ),
        Mistake(
            "over_everything",
            "all numbers together sum to one: divide each row by its own sum",
            lambda logits: torch.softmax(logits.flatten(), dim=0).reshape(logits.shape),
        ),
        Mistake("total_of_everything", TOTAL_OF_EVERYTHING, _divided_by_the_total),
        Mistake("total_unshifted", TOTAL_OF_EVERYTHING, lambda logits: logits.exp() / logits.exp().sum()),
        Mistake("axis_lost", AXIS_LOST, _divided_by_a_flat_sum),
        Mistake("axis_lost_unshifted", AXIS_LOST, _unshifted_by_a_flat_sum),
        Mistake(
            "axis_of_maximum_lost",
            "the maximum has lost its last axis, so it no longer lines up with the rows; keep that axis, with"
            " length one (keepdim=True)",
            _less_a_flat_maximum,
        ),
        Mistake(
            "both_axes_lost",
            "the maximum and the sum have lost their last axis, so they no longer line up with the rows; keep"
            " that axis, with length one (keepdim=True)",
            _both_axes_lost,
        ),
        Mistake(
            "not_normalised",
            "these are the exponentials alone; each row still has to be divided by its sum",
            lambda logits: (logits - logits.amax(dim=-1, keepdim=True)).exp(),
        ),
        Mistake(
            "logarithm",
            "this is the logarithm of the softmax; the weights themselves are asked for",
            lambda logits: torch.log_softmax(logits, dim=-1),
        ),
        Mistake(
            "no_exponential",
            "the logits are divided by their own sum: take their exponentials first, which are never"
            " negative",
            lambda logits: logits / logits.sum(dim=-1, keepdim=True),
        ),
        Mistake(
            "no_exponential_shifted",
            "the logits less their maximum are divided by their own sum: take the exponentials of them first,"
            " which are never negative",
            _shifted_without_exponential,
        ),
        Mistake(
            "subtracted_above_only",
            "the largest logit is subtracted above the line and not below: the same exponentials belong in"
            " both places",
            _subtracted_above_only,
        ),
        Mistake(
            "overflow",
            "the exponential of a large logit is infinite, and infinity divided by infinity is not a"
            " number; subtract the largest logit of the row first, which changes nothing else",
            _unshifted,
        ),
        Mistake(
            "global_maximum",
            "the largest logit of all rows is subtracted: in a row far below it all exponentials become 0,"
            " and 0/0 is not a number; every row needs its own maximum",
            _softmax_less(lambda logits: logits.max()),
        ),
        Mistake(
            "maximum_of_columns",
            "the maximum is taken of each column, so that different numbers are subtracted within one row;"
            " take it of each row",
            _softmax_less(lambda logits: logits.amax(dim=-2, keepdim=True)),
        ),
        Mistake(
            "minimum_subtracted",
            "the smallest logit is subtracted, which leaves the large ones large; subtract the largest",
            _softmax_less(lambda logits: logits.amin(dim=-1, keepdim=True)),
        ),
        Mistake(
            "mean_subtracted",
            "the mean of the row is subtracted, which leaves the large logits large; subtract the largest"
            " one",
            _softmax_less(lambda logits: logits.mean(dim=-1, keepdim=True)),
        ),
        Mistake(
            "clipped",
            "large logits are cut off before the exponential, so that their differences are lost; subtract"
            " the largest instead, which keeps all differences",
            lambda logits: _unshifted(logits.clamp(max=80)),
        ),
    ),
    why="Subtracting the row's maximum multiplies numerator and denominator by the same number, so the"
    " weights stay what they were; and now the largest exponential is 1, so nothing overflows and no sum"
    " is 0.",
)


# causal_mask


def _positions(queries: int, keys: int) -> tuple[Tensor, Tensor]:
    """The position of each query, as a column, and of each key, as a row."""
    return torch.arange(keys - queries, keys).unsqueeze(1), torch.arange(keys)


def _expected_mask(queries: int, keys: int) -> Tensor:
    return torch.ones(queries, keys).tril(diagonal=keys - queries).bool()


def _from_the_first_token(queries: int, keys: int) -> Tensor:
    return torch.ones(queries, keys).tril().bool()


def _mask_where(rule: Callable[[Tensor, Tensor], Tensor]) -> Callable[[int, int], Tensor]:
    """A mask that is True where `rule(query position, key position)` is."""
    return lambda queries, keys: rule(*_positions(queries, keys))


CAUSAL_MASK = Check(
    expected=_expected_mask,
    cases=(
        Case("one query and one key", lambda: (1, 1)),
        Case("three queries and three keys", lambda: (3, 3)),
        Case("two queries, the last of four tokens", lambda: (2, 4)),
        Case("one query, the last of five tokens", lambda: (1, 5)),
        Case("five queries and seven keys", lambda: (5, 7)),
    ),
    mistakes=(
        Mistake(
            "inverted",
            "the mask is upside down: True is where a query may look, here (`torch.nn.MultiheadAttention`"
            " marks the hidden keys instead)",
            lambda queries, keys: ~_expected_mask(queries, keys),
        ),
        Mistake(
            "diagonal_hidden",
            "no token may look at itself, and the first one at nothing at all; the token's own position"
            " should be allowed",
            _mask_where(lambda query, key: key < query),
        ),
        Mistake(
            "top_left",
            "query 0 is taken for token 0, as PyTorch's `is_causal` does; here the queries are the last"
            " tokens, so that the last query sees all keys",
            _from_the_first_token,
        ),
        Mistake(
            "inverted_top_left",
            "the mask is upside down, since True is where a query may look; and query 0 is taken for token"
            " 0, while here the queries are the last tokens",
            lambda queries, keys: torch.ones(queries, keys).triu(1).bool(),
        ),
        Mistake(
            "offset_backwards",
            "the difference between keys and queries is taken the wrong way round: the more keys come"
            " before the queries, the more each query should see",
            lambda queries, keys: torch.ones(queries, keys).tril(queries - keys).bool(),
        ),
        Mistake(
            "future_only",
            "every token looks at itself and ahead; it may look at itself and back",
            _mask_where(lambda query, key: key >= query),
        ),
        Mistake(
            "one_ahead",
            "every token also sees the next one, which is the answer that it has to predict",
            _mask_where(lambda query, key: key <= query + 1),
        ),
        Mistake(
            "nothing_hidden",
            "every query sees every key; those that come after its own position should be False",
            lambda queries, keys: torch.ones(queries, keys).bool(),
        ),
        Mistake(
            "itself_only",
            "every token sees itself alone; it may also look at all tokens before it",
            _mask_where(lambda query, key: key == query),
        ),
        Mistake(
            "transposed",
            "rows and columns have changed places: each row should belong to a query and each column to a"
            " key",
            lambda queries, keys: _expected_mask(queries, keys).T,
        ),
        Mistake(
            "square",
            "there is a row for every key; there should be one for every query, and the queries are the"
            " last tokens",
            lambda queries, keys: _expected_mask(keys, keys),
        ),
        Mistake(
            "to_be_added",
            "this mask holds 0 and minus infinity, to be added to the scores: another convention; here it"
            " holds True where a query may look, and False elsewhere",
            lambda queries, keys: torch.zeros(queries, keys).masked_fill(
                ~_expected_mask(queries, keys), -torch.inf
            ),
        ),
    ),
    why="A query that stands at position p sees the keys 0 to p. Counting positions from the end of the"
    " keys makes the same mask serve a whole sequence and a single new token.",
)


# attend


def _sdpa(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def _expected_attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """PyTorch's own, twice: with the unit vectors for values, what comes out are the weights."""
    unit = torch.eye(key.shape[-2], dtype=key.dtype).expand(*key.shape[:-1], -1)
    return _sdpa(query, key, value, mask), _sdpa(query, key, unit, mask)


def _attend_with(weigh: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., tuple[Tensor, Tensor]]:
    """An attention whose weights are `weigh(scores, mask)`."""

    def attend(
        query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        logits = _expected_scores(query, key)
        weights = weigh(logits, torch.ones_like(logits, dtype=torch.bool) if mask is None else mask)
        return weights @ value, weights

    return attend


def _weights(logits: Tensor, mask: Tensor) -> Tensor:
    return logits.masked_fill(~mask, -torch.inf).softmax(dim=-1)


def _mask_inverted(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    return _attend_with(_weights)(query, key, value, None if mask is None else ~mask)


def _scores_beside(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    logits = _expected_scores(query, key)
    return _sdpa(query, key, value, mask), logits if mask is None else logits.masked_fill(~mask, -torch.inf)


def _causal_too(by: Callable[[int, int], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """Weights under the mask that is given and a causal one besides."""
    return lambda logits, mask: _weights(logits, mask & by(*logits.shape[-2:]))


def _causal_by_default(by: Callable[[int, int], Tensor]) -> Callable[..., tuple[Tensor, Tensor]]:
    """An attention with a causal mask where none is given."""
    return lambda query, key, value, mask=None: _expected_attend(
        query, key, value, by(query.shape[-2], key.shape[-2]) if mask is None else mask
    )


def _not_normalised(logits: Tensor, mask: Tensor) -> Tensor:
    return (logits - logits.amax(dim=-1, keepdim=True)).exp() * mask


def _best_match_hidden() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scores of -150, -151 and, hidden, -149.5: only a mask that really hides leaves the first two.

    What the keys have besides, at right angles to the query, changes no score. It keeps the gradient of the
    query large against the rounding of scores of this size.
    """
    query = torch.full((1, 16), -5.0)
    key = torch.tensor([[120.0], [120.8], [119.6]]) / 16 * torch.ones(16)
    key = key + torch.tensor([[16.0], [-16.0], [0.0]]) * torch.tensor([1.0, -1.0]).repeat(8)
    return (
        query,
        key,
        torch.tensor([[1.0, 2.0], [3.0, 5.0], [10.0, -10.0]]),
        torch.tensor([[True, True, False]]),
    )


def _zeroed_then_renormalised(logits: Tensor, mask: Tensor) -> Tensor:
    weights = logits.softmax(dim=-1) * mask
    return weights / weights.sum(dim=-1, keepdim=True)


def _hidden_far_above() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scores of 1, 0 and, hidden, 200: in a softmax over all three the first two underflow to 0."""
    return (
        torch.tensor([[2.0, 1.0, 0.0, 0.0]]),
        torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [200.0, 0.0, 0.0, 0.0]]),
        torch.tensor([[1.0, 2.0], [3.0, 5.0], [10.0, -10.0]]),
        torch.tensor([[True, True, False]]),
    )


def _two_sequences() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Two sequences with two heads each; the first key of the first one and the last key of the second are
    hidden."""
    mask = torch.tensor([[False, True, True, True], [True, True, True, False]])
    values = _normal(2, 2, 4, 5, seed=2)
    return _normal(2, 2, 3, 8), _normal(2, 2, 4, 8, seed=1), values, mask.reshape(2, 1, 1, 4)


OWN_MASK_BY_DEFAULT = "where no mask is given, a causal one is put on; without a mask, nothing is hidden"
OWN_MASK_INSTEAD = (
    "a causal mask of its own takes the place of `mask`: hide what `mask` says, and nothing when it is None"
)

ATTEND = Check(
    expected=_expected_attend,
    cases=(
        Case("one query and one key", lambda: (_normal(1, 4), _normal(1, 4, seed=1), _normal(1, 4, seed=2))),
        Case(
            "a query of zeros, and the values 1, 2 and 6",
            lambda: (torch.zeros(1, 4), _normal(3, 4), torch.tensor([[1.0], [2.0], [6.0]])),
        ),
        Case(
            "two queries, three keys, and values of another length than the keys",
            lambda: (_normal(2, 16), _normal(3, 16, seed=1), _normal(3, 5, seed=2)),
        ),
        Case(
            "a query of zeros, the values 1, 2 and 6, and the last key hidden",
            lambda: (
                torch.zeros(1, 4),
                _normal(3, 4),
                torch.tensor([[1.0], [2.0], [6.0]]),
                torch.tensor([[True, True, False]]),
            ),
        ),
        Case(
            "three tokens and a causal mask",
            lambda: (
                _normal(3, 16),
                _normal(3, 16, seed=1),
                _normal(3, 16, seed=2),
                torch.ones(3, 3).tril().bool(),
            ),
        ),
        Case("two heads, and a mask for each of two sequences", _two_sequences),
        Case("a hidden key that would match best", _best_match_hidden),
        Case("a hidden key whose score is 200 above the others", _hidden_far_above),
        Case("a batch as in training", lambda: (_batch(), _batch(seed=1), _batch(seed=2))),
    ),
    mistakes=(
        Mistake(
            "not_scaled",
            "the scores are not divided by the square root of dim before the softmax",
            lambda query, key, value, mask=None: _expected_attend(
                query * math.sqrt(query.shape[-1]), key, value, mask
            ),
        ),
        Mistake(
            "divided_by_dim",
            "the scores are divided by d, not by its square root",
            lambda query, key, value, mask=None: _expected_attend(
                query / math.sqrt(query.shape[-1]), key, value, mask
            ),
        ),
        Mistake(
            "no_softmax",
            "the values are weighted by the scores as they are; a softmax must turn them into weights first,"
            " which are not negative and sum to one",
            _attend_with(lambda logits, mask: logits.masked_fill(~mask, -torch.inf)),
        ),
        Mistake(
            "no_softmax_zeroed",
            "the values are weighted by the scores as they are, with 0 for hidden keys; a softmax must turn"
            " them into weights first, and hidden keys need a score of minus infinity before it",
            _attend_with(lambda logits, mask: logits.masked_fill(~mask, 0)),
        ),
        Mistake(
            "own_causal_mask",
            "a causal mask is put on where none is given: `attend` hides only what `mask` says, and nothing"
            " when there is no mask",
            _attend_with(_causal_too(_expected_mask)),
        ),
        Mistake("own_causal_mask_by_default", OWN_MASK_BY_DEFAULT, _causal_by_default(_expected_mask)),
        Mistake(
            "own_causal_mask_top_left_by_default",
            OWN_MASK_BY_DEFAULT,
            _causal_by_default(_from_the_first_token),
        ),
        Mistake(
            "own_causal_mask_instead",
            OWN_MASK_INSTEAD,
            _attend_with(lambda logits, mask: _weights(logits, _expected_mask(*logits.shape[-2:]))),
        ),
        Mistake(
            "own_causal_mask_top_left",
            "a causal mask is put on where none is given (and query 0 is taken for token 0): `attend` hides"
            " only what `mask` says, and nothing when there is no mask",
            _attend_with(_causal_too(_from_the_first_token)),
        ),
        Mistake(
            "own_causal_mask_top_left_instead",
            OWN_MASK_INSTEAD,
            _attend_with(lambda logits, mask: _weights(logits, _from_the_first_token(*logits.shape[-2:]))),
        ),
        Mistake(
            "mask_ignored",
            "the mask changes nothing: hidden keys still get weight",
            lambda query, key, value, mask=None: _expected_attend(query, key, value),
        ),
        Mistake(
            "mask_inverted",
            "the keys that a query may look at are hidden, and the others are seen: True means may look",
            _mask_inverted,
        ),
        Mistake(
            "filled_with_zero",
            "the scores of hidden keys are set to 0, which is a score like any other: its exponential is 1;"
            " set them to minus infinity, whose exponential is 0",
            _attend_with(lambda logits, mask: (logits * mask).softmax(dim=-1)),
        ),
        Mistake(
            "filled_too_high",
            "the scores of hidden keys are set to a number that other scores can fall below; minus infinity"
            " is below all",
            _attend_with(lambda logits, mask: logits.masked_fill(~mask, -100.0).softmax(dim=-1)),
        ),
        Mistake(
            "zeroed_afterwards",
            "the hidden weights are set to 0 after the softmax, so that the row no longer sums to one; hide"
            " the keys before the softmax",
            _attend_with(lambda logits, mask: logits.softmax(dim=-1) * mask),
        ),
        Mistake(
            "infinity_afterwards",
            "minus infinity is put in after the softmax, where it becomes a weight; put it into the scores,"
            " before the softmax",
            _attend_with(lambda logits, mask: logits.softmax(dim=-1).masked_fill(~mask, -torch.inf)),
        ),
        Mistake(
            "zeroed_then_renormalised",
            "the hidden keys take part in the softmax before they are set to 0: where one of them is far"
            " above the others, the rest underflows, and 0/0 is not a number; hide them before the softmax",
            _attend_with(_zeroed_then_renormalised),
        ),
        Mistake(
            "infinity_times_zero",
            "minus infinity is multiplied by the mask, and infinity times 0 is not a number; put minus"
            " infinity in at the hidden keys alone",
            _attend_with(lambda logits, mask: (logits - torch.inf * (~mask).float()).softmax(dim=-1)),
        ),
        Mistake(
            "mask_added",
            "the mask is added to the scores as it is, so that allowed keys gain 1 and hidden ones stay;"
            " hidden keys need a score of minus infinity",
            _attend_with(lambda logits, mask: (logits + mask).softmax(dim=-1)),
        ),
        Mistake(
            "softmax_over_queries",
            "the weights sum to one for each key; they should for each query: take the softmax along the"
            " last axis",
            _attend_with(lambda logits, mask: logits.masked_fill(~mask, -torch.inf).softmax(dim=-2)),
        ),
        Mistake(
            "softmax_over_first_axis",
            OVER_FIRST_AXIS,
            _attend_with(lambda logits, mask: logits.masked_fill(~mask, -torch.inf).softmax(dim=0)),
        ),
        Mistake(
            "softmax_over_axis_one",
            "the softmax runs over axis 1, which is right for two axes; with heads in front, axis 1 is that"
            " of the heads. Take the last axis",
            _attend_with(lambda logits, mask: logits.masked_fill(~mask, -torch.inf).softmax(dim=1)),
        ),
        Mistake(
            "not_normalised",
            "the weights of a query do not sum to one: each row is still to be divided by its sum",
            _attend_with(_not_normalised),
        ),
        Mistake(
            "keys_averaged",
            "the weights average the keys; they should average the values",
            lambda query, key, value, mask=None: _expected_attend(query, key, key, mask),
        ),
        Mistake(
            "weights_first",
            "the two results have changed places: first the output, then the weights",
            lambda query, key, value, mask=None: _expected_attend(query, key, value, mask)[::-1],
        ),
        Mistake(
            "scores_returned",
            "the output is right, and beside it stand the scores; the weights after the softmax are asked"
            " for",
            _scores_beside,
        ),
    ),
    why="Hidden before the softmax, a key has a score whose exponential is 0, and the softmax shares all"
    " weight among the keys that are left. The output is an average of values, so it never leaves the"
    " range of what was there.",
)


# split_heads and merge_heads


def _expected_split(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


SPLIT_HEADS = Check(
    expected=_expected_split,
    cases=(
        Case("one token (1, 2, 3, 4) and two heads", lambda: (_counted(1, 1, 4), 2)),
        Case("two tokens, (1, 2, 3, 4) and (5, 6, 7, 8), and two heads", lambda: (_counted(1, 2, 4), 2)),
        Case("three tokens and two heads of length 3", lambda: (_counted(1, 3, 6), 2)),
        Case("two sequences of five tokens, and three heads of length 4", lambda: (_counted(2, 5, 12), 3)),
        Case("one head", lambda: (_counted(2, 3, 4), 1)),
    ),
    mistakes=(
        Mistake(
            "no_transpose",
            "the shape is right, but the numbers were poured into it row by row, so that a head holds"
            " pieces of the wrong tokens; cut the last axis in two first, then move the axis of the heads",
            lambda x, heads: x.reshape(x.shape[0], heads, x.shape[1], -1),
        ),
        Mistake(
            "interleaved",
            "head 0 got every second number (or third, for three heads): another convention, (dim head)"
            " instead of (head dim); here each head has neighbouring numbers",
            lambda x, heads: rearrange(x, "batch seq (dim head) -> batch head seq dim", head=heads),
        ),
        Mistake(
            "tokens_before_heads",
            "the cut is right, but the axis of the heads comes after that of the tokens; it should come"
            " before",
            lambda x, heads: rearrange(x, "batch seq (head dim) -> batch seq head dim", head=heads),
        ),
        Mistake(
            "heads_before_batch",
            "the cut is right, but the axis of the heads comes first; it should come after the batch",
            lambda x, heads: rearrange(x, "batch seq (head dim) -> head batch seq dim", head=heads),
        ),
        Mistake(
            "tokens_last",
            "the cut is right, but the tokens became the last axis; the last axis is that of the numbers of"
            " one head",
            lambda x, heads: rearrange(x, "batch seq (head dim) -> batch head dim seq", head=heads),
        ),
        Mistake(
            "count_and_length_swapped",
            "`heads` was taken for the length of a head; it is how many heads there are",
            lambda x, heads: rearrange(x, "batch seq (head dim) -> batch head seq dim", dim=heads),
        ),
        Mistake(
            "not_cut",
            "every head got the whole vector; each should get its own piece of it",
            lambda x, heads: repeat(x, "batch seq dim -> batch head seq dim", head=heads),
        ),
    ),
    why="Cutting the last axis keeps each token's numbers together, and moving the heads before the tokens"
    " makes head one more leading axis, so that attention runs over all heads at once.",
)

MERGE_HEADS = Check(
    expected=lambda x: x.transpose(1, 2).flatten(start_dim=2),
    cases=(
        Case("one token and two heads, (1, 2) and (3, 4)", lambda: (_counted(1, 2, 1, 2),)),
        Case("two tokens and two heads of length 2", lambda: (_counted(1, 2, 2, 2),)),
        Case("three tokens and two heads of length 3", lambda: (_counted(1, 2, 3, 3),)),
        Case("two sequences of five tokens, and three heads of length 4", lambda: (_counted(2, 3, 5, 4),)),
        Case("one head", lambda: (_counted(2, 1, 3, 4),)),
    ),
    mistakes=(
        Mistake(
            "no_transpose",
            "the shape is right, but the numbers were poured into it row by row, so that a token holds"
            " pieces of other tokens; bring the axis of the heads next to that of their numbers first",
            lambda x: x.reshape(x.shape[0], x.shape[2], -1),
        ),
        Mistake(
            "interleaved",
            "the heads' numbers are shuffled like cards: another convention, (dim head) instead of (head"
            " dim); here the pieces lie side by side, all of head 0 first",
            lambda x: rearrange(x, "batch head seq dim -> batch seq (dim head)"),
        ),
        Mistake(
            "heads_along_tokens",
            "the heads were put one after another along the tokens; they belong side by side within each"
            " token",
            lambda x: rearrange(x, "batch head seq dim -> batch (head seq) dim"),
        ),
        Mistake(
            "other_axes_swapped",
            "two axes were exchanged before the reshape, but not the heads and the tokens: a token holds"
            " pieces of others",
            lambda x: x.transpose(2, 3).reshape(x.shape[0], x.shape[2], -1),
        ),
        Mistake(
            "not_merged",
            "the tokens come before the heads, as they should; now make one axis of the heads and their"
            " numbers",
            lambda x: x.transpose(1, 2),
        ),
        Mistake(
            "heads_added",
            "the heads are added up; they should stand side by side, so that nothing is lost",
            lambda x: x.sum(dim=1),
        ),
        Mistake(
            "heads_averaged",
            "the heads are averaged; they should stand side by side, so that nothing is lost",
            lambda x: x.mean(dim=1),
        ),
    ),
    why="Moving the heads back next to their numbers before joining the two axes puts every number where"
    " `split_heads` took it from: the two undo one another.",
)


# MultiHeadAttention

PROJECTIONS = ("query", "key", "value", "output")


def _run_layer(
    candidate: Callable[[int, int], nn.Module],
    x: Tensor,
    mask: Tensor | None,
    heads: int,
    weights: Tensor,
    biases: Tensor,
) -> Any:
    """Build the layer, give it these weights [4, dim, dim] and biases [4, dim], and run it; gradients reach
    them."""
    layer = candidate(x.shape[-1], heads)
    given: dict[str, Tensor] = {}
    for name, weight, bias in zip(PROJECTIONS, weights, biases, strict=True):
        given |= {f"{name}.weight": weight, f"{name}.bias": bias}
    if {name for name, _ in layer.named_parameters()} != given.keys():
        raise ValueError(
            "the layer has other parameters than those of the given __init__; leave __init__ as it was"
        )
    return functional_call(layer, given, (x,) if mask is None else (x, mask))


def _expected_layer(
    x: Tensor, mask: Tensor | None, heads: int, weights: Tensor, biases: Tensor
) -> tuple[Tensor, Tensor]:
    """PyTorch's own multi-head attention. It puts the tokens first, and its mask marks what is hidden."""
    batch, seq, dim = x.shape
    hidden = None if mask is None else ~mask.expand(batch, heads, seq, seq).flatten(0, 1)
    output, weight = functional.multi_head_attention_forward(
        *(x.transpose(0, 1),) * 3,
        embed_dim_to_check=dim,
        num_heads=heads,
        in_proj_weight=weights[:3].flatten(0, 1),
        in_proj_bias=biases[:3].flatten(),
        bias_k=None,
        bias_v=None,
        add_zero_attn=False,
        dropout_p=0.0,
        out_proj_weight=weights[3],
        out_proj_bias=biases[3],
        attn_mask=hidden,
        average_attn_weights=False,
    )
    assert weight is not None
    return output.transpose(0, 1), weight


Layer = Callable[[Tensor, Tensor | None, int, Tensor, Tensor], tuple[Tensor, Tensor]]


def _layer(
    project: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]] | None = None,
    split: Callable[[Tensor, int], Tensor] = _expected_split,
    merge: Callable[[Tensor], Tensor] = MERGE_HEADS.expected,
    attention: Callable[..., tuple[Tensor, Tensor]] = _expected_attend,
) -> Layer:
    """A layer with one part exchanged: the wrong ones differ from the right one there alone."""

    def run(
        x: Tensor, mask: Tensor | None, heads: int, weights: Tensor, biases: Tensor
    ) -> tuple[Tensor, Tensor]:
        if project is None:
            three = tuple(functional.linear(x, weights[i], biases[i]) for i in range(3))
        else:
            three = project(x, weights, biases)
        query, key, value = (split(part, heads) for part in three)
        found, weight = attention(query, key, value, mask)
        return functional.linear(merge(found), weights[3], biases[3]), weight

    return run


def _projected_by(*which: int) -> Layer:
    """Query, key and value made with these of the four projections."""

    def project(x: Tensor, weights: Tensor, biases: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value = (functional.linear(x, weights[i], biases[i]) for i in which)
        return query, key, value

    return _layer(project)


def _not_projected(*which: int) -> Layer:
    """The layer with the tokens themselves in place of these of query, key and value."""

    def project(x: Tensor, weights: Tensor, biases: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value = (
            x if i in which else functional.linear(x, weights[i], biases[i]) for i in range(3)
        )
        return query, key, value

    return _layer(project)


def _causal_besides(mask: Tensor | None, seq: int) -> Tensor:
    causal = _expected_mask(seq, seq)
    return causal if mask is None else mask & causal


def _always_causal(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    return _attend_with(_weights)(query, key, value, _causal_besides(mask, query.shape[-2]))


def _masked_by(change: Callable[[Tensor], Tensor]) -> Layer:
    """The layer with another mask than the one that it was given."""
    return lambda x, mask, heads, weights, biases: _expected_layer(
        x, None if mask is None else change(mask), heads, weights, biases
    )


def _no_output_projection(
    x: Tensor, mask: Tensor | None, heads: int, weights: Tensor, biases: Tensor
) -> tuple[Tensor, Tensor]:
    unit = torch.eye(x.shape[-1]).expand(1, -1, -1)
    return _expected_layer(
        x, mask, heads, torch.cat([weights[:3], unit]), torch.cat([biases[:3], torch.zeros(1, x.shape[-1])])
    )


def _scaled_by_width(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    return _expected_attend(query / math.sqrt(query.shape[1]), key, value, mask)


def _unscaled(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    return _expected_attend(query * math.sqrt(query.shape[-1]), key, value, mask)


def _with_residual(
    x: Tensor, mask: Tensor | None, heads: int, weights: Tensor, biases: Tensor
) -> tuple[Tensor, Tensor]:
    output, weight = _expected_layer(x, mask, heads, weights, biases)
    return x + output, weight


def _weights_averaged(
    x: Tensor, mask: Tensor | None, heads: int, weights: Tensor, biases: Tensor
) -> tuple[Tensor, Tensor]:
    output, weight = _expected_layer(x, mask, heads, weights, biases)
    return output, weight.mean(dim=1)


def _layer_case(name: str, batch: int, seq: int, dim: int, heads: int, mask: Tensor | None = None) -> Case:
    """A case with random tokens, weights and biases. The weights are large enough that attention is not
    even."""
    return Case(
        name,
        lambda: (
            _normal(batch, seq, dim),
            mask if mask is None else mask.clone(),
            heads,
            _normal(4, dim, dim, seed=1, size=1.5 / math.sqrt(dim)),
            _normal(4, dim, seed=2, size=0.5),
        ),
    )


CAUSAL = torch.ones(4, 4).tril().bool()
LATE_START = torch.stack([torch.ones(4, 4), torch.ones(4, 4).triu()]).bool().unsqueeze(1)
EACH_HEAD = torch.stack([CAUSAL, CAUSAL.T, torch.eye(4).bool(), ~torch.eye(4).bool()])

NOT_SPLIT = (
    "there is one attention over the whole width: the heads are never split, so there are not as many rows of"
    " weights as heads. Cut queries, keys and values with `split_heads` first"
)

MULTI_HEAD_ATTENTION = Check(
    expected=_expected_layer,
    call=_run_layer,
    cases=(
        _layer_case("one token, so that only the values' path is left", 1, 1, 4, 2),
        _layer_case("three tokens and one head", 1, 3, 4, 1),
        _layer_case("two tokens and two heads", 1, 2, 6, 2),
        _layer_case("two sequences of four tokens, and four heads", 2, 4, 8, 4),
        _layer_case("a causal mask", 2, 4, 8, 4, CAUSAL),
        _layer_case("a mask for each of two sequences", 2, 4, 8, 4, LATE_START),
        _layer_case("a mask for each of four heads", 2, 4, 8, 4, EACH_HEAD),
    ),
    mistakes=(
        Mistake(
            "no_output_projection",
            "the merged heads are returned as they are; `self.output` should mix them",
            _no_output_projection,
        ),
        Mistake(
            "biases_lost",
            "the biases are lost: use the layers themselves, not their weights alone",
            lambda x, mask, heads, weights, biases: _expected_layer(x, mask, heads, weights, 0 * biases),
        ),
        Mistake(
            "one_projection",
            "`self.query` makes queries, keys and values; each has a projection of its own",
            _projected_by(0, 0, 0),
        ),
        Mistake(
            "query_for_key",
            "the keys are made by `self.query`; they have a projection of their own, `self.key`",
            _projected_by(0, 0, 2),
        ),
        Mistake(
            "key_for_value",
            "the values are made by `self.key`; they have a projection of their own, `self.value`",
            _projected_by(0, 1, 1),
        ),
        Mistake(
            "keys_and_values_swapped",
            "keys and values have changed places: `self.key` makes what is compared with the queries, and"
            " `self.value` what is averaged",
            _projected_by(0, 2, 1),
        ),
        Mistake(
            "values_not_projected",
            "the values are the tokens themselves; they should go through `self.value` first",
            _not_projected(2),
        ),
        Mistake(
            "keys_not_projected",
            "the keys are the tokens themselves; they should go through `self.key` first",
            _not_projected(1),
        ),
        Mistake(
            "queries_not_projected",
            "the queries are the tokens themselves; they should go through `self.query` first",
            _not_projected(0),
        ),
        Mistake(
            "nothing_projected",
            "queries, keys and values are the tokens themselves; each has a projection of its own to go"
            " through first: `self.query`, `self.key`, `self.value`",
            _not_projected(0, 1, 2),
        ),
        Mistake(
            "not_split",
            NOT_SPLIT,
            _layer(split=lambda x, heads: x, merge=lambda x: x, attention=_attend_with(_weights)),
        ),
        Mistake(
            "not_split_but_an_axis_added",
            NOT_SPLIT,
            _layer(split=lambda x, heads: x.unsqueeze(1), attention=_attend_with(_weights)),
        ),
        Mistake(
            "own_causal_mask",
            "a causal mask is put on where none is given: hand on `mask` as it came, also when it is None",
            _layer(attention=_always_causal),
        ),
        Mistake(
            "own_causal_mask_by_default",
            "where no mask is given, a causal one is put on; hand on `mask` as it came, also when it is None",
            _layer(attention=_causal_by_default(_expected_mask)),
        ),
        Mistake(
            "own_causal_mask_instead",
            "a causal mask takes the place of the one that is given: hand on `mask` as it came, also when it"
            " is None",
            lambda x, mask, heads, weights, biases: _expected_layer(
                x, _expected_mask(x.shape[1], x.shape[1]), heads, weights, biases
            ),
        ),
        Mistake(
            "queries_and_keys_swapped",
            "queries and keys have changed places: the keys ask, and the queries answer",
            _projected_by(1, 0, 2),
        ),
        Mistake(
            "scaled_by_width",
            "the scores are divided by the square root of the whole width; inside a head the vectors have"
            " the length dim / heads, and its square root counts",
            _layer(attention=_scaled_by_width),
        ),
        Mistake(
            "not_scaled",
            "the scores are not divided by the square root of the head's length, dim / heads",
            _layer(attention=_unscaled),
        ),
        Mistake(
            "mask_ignored",
            "the mask changes nothing: hand it on to the attention of the heads",
            _masked_by(torch.ones_like),
        ),
        Mistake(
            "mask_inverted",
            "the mask is turned round: True means may look, here as in `attend`",
            _layer(attention=_mask_inverted),
        ),
        Mistake(
            "mask_of_first_sequence",
            "the mask of the first sequence is used for all of them; each may have its own",
            _masked_by(lambda mask: mask[:1] if mask.dim() == 4 else mask),
        ),
        Mistake(
            "split_without_transpose",
            "the projections were reshaped into heads without moving an axis, so that a head holds pieces"
            " of the wrong tokens: `split_heads` does it right",
            _layer(split=SPLIT_HEADS.mistakes[0].answer),
        ),
        Mistake(
            "merged_without_transpose",
            "the heads were reshaped into tokens without moving an axis, so that a token holds pieces of"
            " others: `merge_heads` does it right",
            _layer(merge=MERGE_HEADS.mistakes[0].answer),
        ),
        Mistake(
            "interleaved",
            "splitting and merging agree with one another, but each head takes every heads-th number, (dim"
            " head): another convention; trained weights, which have a head's numbers side by side, would"
            " mean something else",
            _layer(split=SPLIT_HEADS.mistakes[1].answer, merge=MERGE_HEADS.mistakes[1].answer),
        ),
        Mistake(
            "residual_added",
            "the input is added to the output; that is the business of whoever uses this layer",
            _with_residual,
        ),
        Mistake(
            "weights_averaged",
            "the weights are averaged over the heads, as `torch.nn.MultiheadAttention` does unless told"
            " otherwise; here every head shows its own",
            _weights_averaged,
        ),
    ),
    why="Each head looks with its own queries and keys, so one layer can look at several places at once;"
    " the output projection then mixes what the heads found, which until then never met.",
)

CHECKS = {
    "scores": SCORES,
    "softmax": SOFTMAX,
    "causal_mask": CAUSAL_MASK,
    "attend": ATTEND,
    "split_heads": SPLIT_HEADS,
    "merge_heads": MERGE_HEADS,
    "MultiHeadAttention": MULTI_HEAD_ATTENTION,
}
