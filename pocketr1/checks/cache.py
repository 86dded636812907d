"""Checks of the cache exercises.

A cache is used by turns, so each case is a conversation: a prompt, then one token after the other. What comes
out is compared with a run over the whole text without any cache, row by row, and without the padding. Rows
with prompts of different lengths show whether positions and masks are right. Two caches that are filled by
turns show whether one can reach the other.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..cache import Cache, LayerCache, positions_and_mask
from .specification import Case, Check, Mistake

# LayerCache


def _marked(*shape: int) -> Tensor:
    """Numbers 1, 2, 3, ..., so that each tells where it came from."""
    return torch.arange(1.0, 1 + math.prod(shape)).reshape(shape)


Made = Callable[..., Any]


def _fill(candidate: Made, keys: Tensor, values: Tensor, pieces: tuple[int, ...], rows: int | None) -> Any:
    """Two caches, filled by turns, piece by piece; before the last piece, only `rows` rows go on.

    The second cache gets the negative of everything. Returns what each call handed back, and the lengths.
    """
    capacity = sum(pieces) + 1
    caches = []
    for _ in range(2):
        rooms = (torch.full((*x.shape[:-2], capacity, x.shape[-1]), 99.0) for x in (keys, values))
        caches.append(candidate(*rooms))
    handed_back: dict[str, Any] = {}
    start = 0
    for place, piece in enumerate(pieces):
        batch = len(keys) if rows is None or place < len(pieces) - 1 else rows
        for sign, cache in zip((1, -1), caches, strict=True):
            cache.rows = batch
            new = (sign * x[:batch, ..., start : start + piece, :] for x in (keys, values))
            handed_back[_call(place, sign)] = _copied(cache.append(*new))
        start += piece
    return {**handed_back, LENGTHS: [cache.length for cache in caches]}


LENGTHS = "lengths of two caches"


def _call(place: int, sign: int) -> str:
    """How a learner is told which call is meant."""
    return f"output of call {place + 1}" + (" of a second cache" if sign < 0 else "")


def _copied(output: Any) -> Any:
    """What was handed back, out of reach of what the cache does next."""
    if isinstance(output, tuple | list):
        return tuple(_copied(part) for part in output)
    return output.clone() if isinstance(output, Tensor) else output


def _expected_fill(keys: Tensor, values: Tensor, pieces: tuple[int, ...], rows: int | None) -> Any:
    handed_back: dict[str, Any] = {}
    end = 0
    for place, piece in enumerate(pieces):
        batch = len(keys) if rows is None or place < len(pieces) - 1 else rows
        end += piece
        for sign in (1, -1):
            handed_back[_call(place, sign)] = tuple(sign * x[:batch, ..., :end, :] for x in (keys, values))
    return {**handed_back, LENGTHS: [end, end]}


class _Wrong:
    """A cache to make mistakes with."""

    def __init__(self, *rooms: Tensor) -> None:
        self.rooms = rooms
        self.rows = rooms[0].shape[0]
        self.length = 0

    def write(self, new: tuple[Tensor, ...], start: int) -> int:
        """Put the new tokens into the columns from `start` on. Returns the column after them."""
        end = start + new[0].shape[-2]
        for room, tokens in zip(self.rooms, new, strict=True):
            room[: self.rows, ..., start:end, :] = tokens
        return end

    def used(self, end: int) -> tuple[Tensor, ...]:
        """What stands in the columns before `end`."""
        return tuple(room[: self.rows, ..., :end, :] for room in self.rooms)


Append = Callable[..., tuple[Tensor, ...]]


def _filled_by(append: Append) -> Callable[..., Any]:
    """What a cache whose `append` is this one hands back."""

    def fill(keys: Tensor, values: Tensor, pieces: tuple[int, ...], rows: int | None) -> Any:
        return _fill(type("Made", (_Wrong,), {"append": append}), keys, values, pieces, rows)

    return fill


def _from_the_start(self: _Wrong, *new: Tensor) -> tuple[Tensor, ...]:
    end = self.write(new, 0)
    self.length += end
    return self.used(self.length)


def _length_forgotten(self: _Wrong, *new: Tensor) -> tuple[Tensor, ...]:
    return self.used(self.write(new, self.length))


def _length_of_new(self: _Wrong, *new: Tensor) -> tuple[Tensor, ...]:
    end = self.write(new, self.length)
    self.length = new[0].shape[-2]
    return self.used(end)


def _length_for_each_room(self: _Wrong, *new: Tensor) -> tuple[Tensor, ...]:
    for room, tokens in zip(self.rooms, new, strict=True):
        end = self.length + tokens.shape[-2]
        room[: self.rows, ..., self.length : end, :] = tokens
        self.length = end
    return self.used(self.length)


def _new_alone(self: _Wrong, *new: Tensor) -> tuple[Tensor, ...]:
    self.length = self.write(new, self.length)
    return new


def _all_but_new(self: _Wrong, *new: Tensor) -> tuple[Tensor, ...]:
    start, self.length = self.length, self.write(new, self.length)
    return self.used(start)


def _whole_rooms(self: _Wrong, *new: Tensor) -> tuple[Tensor, ...]:
    self.length = self.write(new, self.length)
    return tuple(room[: self.rows] for room in self.rooms)


def _all_rows(self: _Wrong, *new: Tensor) -> tuple[Tensor, ...]:
    self.length = self.write(new, self.length)
    return tuple(room[..., : self.length, :] for room in self.rooms)


def _new_first(self: _Wrong, *new: Tensor) -> tuple[Tensor, ...]:
    end = self.length + new[0].shape[-2]
    pairs = zip(new, self.used(self.length), strict=True)
    self.write(tuple(torch.cat([tokens, kept], dim=-2) for tokens, kept in pairs), 0)
    self.length = end
    return self.used(end)


def _keys_alone(self: _Wrong, *new: Tensor) -> Any:
    self.length = self.write(new, self.length)
    return self.used(self.length)[0]


def _one_for_all(keys: Tensor, values: Tensor, pieces: tuple[int, ...], rows: int | None) -> Any:
    kept: list[Any] = []  # lives outside the cache, so both caches write into it

    def append(self: _Wrong, *new: Tensor) -> tuple[Tensor, ...]:
        before = kept[-1] if kept else tuple(tokens[..., :0, :] for tokens in new)
        kept.append(
            tuple(
                torch.cat([old[: self.rows], tokens], dim=-2) for old, tokens in zip(before, new, strict=True)
            )
        )
        self.length += new[0].shape[-2]
        return kept[-1]

    return _filled_by(append)(keys, values, pieces, rows)


def _fill_case(name: str, batch: int, heads: int, pieces: tuple[int, ...], rows: int | None = None) -> Case:
    seq = sum(pieces)
    return Case(
        name, lambda: (_marked(batch, heads, seq, 2), 1000 + _marked(batch, heads, seq, 3), pieces, rows)
    )


LAYER_CACHE = Check(
    expected=_expected_fill,
    call=_fill,
    gradients=False,
    cases=(
        _fill_case("one token", 1, 1, (1,)),
        _fill_case("a token after a token", 1, 1, (1, 1)),
        _fill_case("a prompt of three tokens, then one token, then another", 1, 2, (3, 1, 1)),
        _fill_case("two sequences and pieces of 2, 1 and 2 tokens", 2, 2, (2, 1, 2)),
        _fill_case("three sequences, of which one has finished before the last token", 3, 2, (2, 1, 1), 2),
        Case(
            "latents without an axis of heads, beside keys of one head",
            lambda: (_marked(2, 4, 3), 1000 + _marked(2, 1, 4, 2), (2, 1, 1), None),
        ),
    ),
    mistakes=(
        Mistake(
            "overwritten",
            "new tokens are always written from column 0 on, over those that are there; they go into the"
            " columns after those in use",
            _filled_by(_from_the_start),
        ),
        Mistake(
            "length_forgotten",
            "`self.length` does not grow, so that the next token is written over this one",
            _filled_by(_length_forgotten),
        ),
        Mistake(
            "length_of_new",
            "`self.length` is set to the number of new tokens; it should grow by that number",
            _filled_by(_length_of_new),
        ),
        Mistake(
            "length_for_each_room",
            "`self.length` grows once for each room; it grows once a call, after all rooms are written",
            _filled_by(_length_for_each_room),
        ),
        Mistake(
            "new_alone",
            "only the new tokens are returned; attention needs all that is kept, the new ones at the end",
            _filled_by(_new_alone),
        ),
        Mistake(
            "all_but_new",
            "the new tokens are not among those returned; a token looks at itself, too",
            _filled_by(_all_but_new),
        ),
        Mistake(
            "whole_rooms",
            "the whole rooms are returned, with the columns that nothing was written to; attention would look"
            " at them",
            _filled_by(_whole_rooms),
        ),
        Mistake(
            "all_rows",
            "all rows are returned, also those of sequences that have finished; only the first `self.rows`"
            " are in use",
            _filled_by(_all_rows),
        ),
        Mistake(
            "new_first",
            "the new tokens are put before the earlier ones; the mask counts columns from the first token",
            _filled_by(_new_first),
        ),
        Mistake(
            "first_room_alone",
            "only the first room is returned; one tensor for each room is asked for, as a tuple",
            _filled_by(_keys_alone),
        ),
        Mistake(
            "one_for_all",
            "tokens of one cache turn up in another: what is kept must belong to `self`, and not to the class"
            " or to a list outside",
            _one_for_all,
        ),
    ),
    why="A key and a value depend on their own token and on its place, and on nothing that comes later: so"
    " they can be kept.",
)


# cached_step

VOCAB, DIM = 7, 4


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


class _Model:
    """The smallest model that shows what a step does wrong: two layers of one head, which know positions.

    One layer would not do: what the tokens before the last one see shows in the second layer alone.
    """

    def __init__(self) -> None:
        self.embedding = _random(0, VOCAB, DIM)
        self.place = _random(1, DIM)
        self.layers = _random(2, 2, 3, DIM, DIM)
        self.head = _random(3, DIM, VOCAB)

    def __call__(self, tokens: Tensor, padding: Tensor | None = None) -> Tensor:
        return self.run(tokens, *positions_and_mask(padding, 0, tokens.shape[1]))

    def run(
        self, tokens: Tensor, positions: Tensor, mask: Tensor | None, cache: Cache | None = None
    ) -> Tensor:
        x = self.embedding[tokens] + 0.5 * positions.unsqueeze(-1) * self.place
        for number, matrices in enumerate(self.layers):
            query, key, value = (x.unsqueeze(1) @ matrix for matrix in matrices)  # one head
            if cache is not None:
                key, value = cache.layers[number].append(key, value)
            scores = query @ key.transpose(-2, -1) / math.sqrt(DIM)
            weights = (scores if mask is None else scores.masked_fill(~mask, -math.inf)).softmax(dim=-1)
            x = torch.tanh(x + (weights @ value).squeeze(1))
        return x @ self.head

    def room(self, batch: int, capacity: int) -> Cache:
        shape = (batch, 1, capacity, DIM)
        return Cache([LayerCache(torch.zeros(shape), torch.zeros(shape)) for _ in self.layers])


Step = Callable[..., Any]


def _talk(candidate: Step, tokens: Tensor, prompt: int, padding: Tensor | None) -> Any:
    """The logits of a step over the prompt, and then of one step for each token after it."""
    model = _Model()
    cache = model.room(len(tokens), 2 * tokens.shape[1])
    pieces = [tokens[:, :prompt], *(tokens[:, [place]] for place in range(prompt, tokens.shape[1]))]
    return [candidate(model, piece, cache, padding) for piece in pieces]


def _expected_talk(tokens: Tensor, prompt: int, padding: Tensor | None) -> Any:
    """Each row by itself, without its padding, and without a cache."""
    pads = [0] * len(tokens) if padding is None else padding.tolist()
    rows = [_Model()(row[pad:].unsqueeze(0))[0] for row, pad in zip(tokens, pads, strict=True)]
    return [
        torch.stack([row[column - pad] for row, pad in zip(rows, pads, strict=True)])
        for column in range(prompt - 1, tokens.shape[1])
    ]


def _talk_by(step: Step) -> Callable[..., Any]:
    return lambda tokens, prompt, padding: _talk(step, tokens, prompt, padding)


def _whole_logits(model: Any, tokens: Tensor, cache: Cache, padding: Tensor | None) -> Tensor:
    return model.run(tokens, *positions_and_mask(padding, cache.length, tokens.shape[1]), cache)


def _restarted(model: Any, tokens: Tensor, cache: Cache, padding: Tensor | None) -> Tensor:
    _, mask = positions_and_mask(padding, cache.length, tokens.shape[1])
    positions, _ = positions_and_mask(padding, 0, tokens.shape[1])
    return model.run(tokens, positions, mask, cache)[:, -1]


def _nothing_seen(model: Any, tokens: Tensor, cache: Cache, padding: Tensor | None) -> Tensor:
    return model.run(tokens, *positions_and_mask(padding, 0, tokens.shape[1]), cache)[:, -1]


def _padding_looked_at(model: Any, tokens: Tensor, cache: Cache, padding: Tensor | None) -> Tensor:
    positions, _ = positions_and_mask(padding, cache.length, tokens.shape[1])
    _, mask = positions_and_mask(None, cache.length, tokens.shape[1])
    return model.run(tokens, positions, mask, cache)[:, -1]


def _padding_ignored(model: Any, tokens: Tensor, cache: Cache, padding: Tensor | None) -> Tensor:
    return _whole_logits(model, tokens, cache, None)[:, -1]


def _no_mask(model: Any, tokens: Tensor, cache: Cache, padding: Tensor | None) -> Tensor:
    positions, _ = positions_and_mask(padding, cache.length, tokens.shape[1])
    return model.run(tokens, positions, None, cache)[:, -1]


def _without_cache(model: Any, tokens: Tensor, cache: Cache, padding: Tensor | None) -> Tensor:
    return model.run(tokens, *positions_and_mask(padding, cache.length, tokens.shape[1]))[:, -1]


def _made_for(count: Callable[[Tensor], int]) -> Step:
    """A step whose positions and mask are made for so many tokens."""

    def step(model: Any, tokens: Tensor, cache: Cache, padding: Tensor | None) -> Tensor:
        return model.run(tokens, *positions_and_mask(padding, cache.length, count(tokens)), cache)[:, -1]

    return step


def _run_twice(model: Any, tokens: Tensor, cache: Cache, padding: Tensor | None) -> Tensor:
    _whole_logits(model, tokens, cache, padding)
    return _whole_logits(model, tokens, cache, padding)[:, -1]


_TEXT = torch.tensor([[3, 1, 4, 1, 5, 2], [2, 6, 5, 3, 0, 4], [6, 2, 0, 1, 3, 5]])


def _talk_case(name: str, rows: int, seq: int, prompt: int, padding: list[int] | None = None) -> Case:
    return Case(
        name,
        lambda: (
            _TEXT[:rows, :seq].clone(),
            prompt,
            None if padding is None else torch.tensor(padding),
        ),
    )


CACHED_STEP = Check(
    expected=_expected_talk,
    call=_talk,
    gradients=False,
    cases=(
        _talk_case("a prompt of one token", 1, 1, 1),
        _talk_case("a prompt of three tokens", 1, 3, 3),
        _talk_case("a prompt of one token, then a second token", 1, 2, 1),
        _talk_case("a prompt of three tokens, then two single tokens", 1, 5, 3),
        _talk_case("two rows of one length", 2, 5, 3, [0, 0]),
        _talk_case("two prompts, of 4 tokens and of 2, then two single tokens", 2, 6, 4, [0, 2]),
        _talk_case("three prompts, of 2, 4 and 3 tokens, then a single token", 3, 5, 4, [2, 0, 1]),
    ),
    mistakes=(
        Mistake(
            "positions_restart",
            "the positions start at 0 again with each call; the new tokens stand after the `cache.length`"
            " tokens that are in the cache",
            _talk_by(_restarted),
        ),
        Mistake(
            "nothing_seen",
            "positions and mask are made as if nothing were in the cache: pass `cache.length` for `seen`",
            _talk_by(_nothing_seen),
        ),
        Mistake(
            "one_new",
            "positions and mask are made for one token; a prompt has several: `tokens.shape[1]` says how many"
            " are new",
            _talk_by(_made_for(lambda tokens: 1)),
        ),
        Mistake(
            "rows_for_new",
            "`len(tokens)` is the number of rows, the texts; how many tokens are new says `tokens.shape[1]`",
            _talk_by(_made_for(len)),
        ),
        Mistake(
            "padding_looked_at",
            "the tokens look at the padding: take the mask that was made with `padding`",
            _talk_by(_padding_looked_at),
        ),
        Mistake(
            "padding_ignored",
            "the padding is not passed on: short prompts stand at the wrong positions, and look at what fills"
            " their row up",
            _talk_by(_padding_ignored),
        ),
        Mistake(
            "mask_not_given",
            "the model runs without the mask: tokens of the prompt look ahead, and at the padding",
            _talk_by(_no_mask),
        ),
        Mistake(
            "cache_not_given",
            "the model runs without the cache, on the new tokens alone: it knows nothing of those before",
            _talk_by(_without_cache),
        ),
        Mistake(
            "all_logits",
            "the logits at all new tokens are returned; only those at the last one say what comes next",
            _talk_by(_whole_logits),
        ),
        Mistake(
            "first_logits",
            "the logits at the first new token are returned; after a prompt, the last one says what comes"
            " next",
            _talk_by(lambda *step: _whole_logits(*step)[:, 0]),
        ),
        Mistake(
            "last_row",
            "the last row of the batch is returned, at all its tokens; the last token of each row is asked"
            " for: `[:, -1]`",
            _talk_by(lambda *step: _whole_logits(*step)[-1]),
        ),
        Mistake(
            "axis_kept",
            "the axis of tokens is still there, with length one; `[:, -1]` takes it away",
            _talk_by(lambda *step: _whole_logits(*step)[:, -1:]),
        ),
        Mistake(
            "run_twice",
            "the model runs twice, so that each token is in the cache twice",
            _talk_by(_run_twice),
        ),
        Mistake(
            "token_chosen",
            "the likeliest token is returned; its logits are asked for, since choosing is the sampler's part",
            _talk_by(lambda *step: _whole_logits(*step)[:, -1].argmax(dim=-1)),
        ),
        Mistake(
            "probabilities",
            "these are probabilities; logits are asked for, since the temperature comes later",
            _talk_by(lambda *step: _whole_logits(*step)[:, -1].softmax(dim=-1)),
        ),
    ),
    why="The last token is the only one whose logits are needed, and of the tokens before it, attention needs"
    " nothing but what is in the cache.",
)
CHECKS = {"LayerCache": LAYER_CACHE, "cached_step": CACHED_STEP}
