"""The cache: what attention needs of earlier tokens is computed once and kept, so a new token costs one step.

Without it, writing token 100 runs the model over 99 tokens again. With it, the model runs over one. The price
is memory, for every token, layer and head (`sizes.cache_elements`), which is what latent attention
(latent.py) reduces.

The room is made beforehand, for as many tokens as there may be, so that adding one copies nothing else.
Prompts of different lengths are padded on the *left*: all rows go on in the same column.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from .attention import causal_mask


def positions_and_mask(padding: Tensor | None, seen: int, new: int) -> tuple[Tensor, Tensor]:
    """Where the `new` tokens after `seen` earlier ones stand in their rows, and at what each may look.

    `padding` [batch]: how many columns at the left of each row are padding; None: nowhere any. The tokens
    stand in the columns seen, seen + 1, ..., of seen + new in all. Returns positions [batch, new], counted
    from each row's first real token, and the mask, bool [batch, 1, new, seen + new], True = may look: a token
    sees itself and the real tokens before it. (A padding token sees itself, so that its softmax is over
    something.) Without padding, positions [new] and mask [new, seen + new] serve all rows.

    Padding 2, seen 3, new 1: the token in column 3 has position 1, and sees columns 2 and 3.
    """
    columns = torch.arange(seen + new)
    mask = causal_mask(new, seen + new)
    if padding is None:
        return columns[seen:], mask
    positions = columns - padding.unsqueeze(1)
    real = (positions >= 0)[:, None, None, :]
    itself = columns == columns[seen:].unsqueeze(1)
    return positions[:, seen:], mask & real | itself


class LayerCache:
    """What one layer keeps of all tokens so far.

    `rooms`: tensors [batch, ..., capacity, dim], one for each thing that is kept (keys and values, or latents
    and shared keys). Of each, the first `self.rows` rows and the first `self.length` columns are in use.
    """

    def __init__(self, *rooms: Tensor) -> None:
        self.rooms = rooms
        self.rows = rooms[0].shape[0]
        self.length = 0

    def append(self, *new: Tensor) -> tuple[Tensor, ...]:
        """Keep new tokens, and return all that is kept, the new ones included, as a tuple.

        `new`: for each room a tensor [rows, ..., new, dim]. It goes into the columns after those in use, and
        `self.length` grows by as many. Returns for each room what is in use, [rows, ..., length, dim].

        A room for 5 tokens has 2 columns in use, and 1 new token comes: it goes into column 2 (the third),
        and 3 columns are returned.
        """
        start, self.length = self.length, self.length + new[0].shape[-2]
        for room, tokens in zip(self.rooms, new, strict=True):
            room[: self.rows, ..., start : self.length, :] = tokens
        return tuple(room[: self.rows, ..., : self.length, :] for room in self.rooms)


class Cache:
    """The caches of all layers of a model, which grow together."""

    def __init__(self, layers: Sequence[LayerCache]) -> None:
        self.layers = layers

    @property
    def length(self) -> int:
        """How many columns are in use."""
        return self.layers[0].length

    def drop(self, finished: Tensor) -> Tensor:
        """Let go of finished rows, bool [rows]. Returns the rows from now on, as numbers of old rows.

        The last rows move into the gaps, so that only as many rows are copied as have finished.
        """
        order = torch.arange(len(finished))
        kept = int((~finished).sum())
        gaps = order[:kept][finished[:kept]]
        movers = order[kept:][~finished[kept:]]
        for layer in self.layers:
            layer.rows = kept
            for room in layer.rooms:
                room[gaps, ..., : layer.length, :] = room[movers, ..., : layer.length, :]
        order[gaps] = movers
        return order[:kept]


class Writer(Protocol):
    """What can write with a cache: a `LanguageModel`, or anything with the same two methods."""

    def run(
        self, tokens: Tensor, positions: Tensor, mask: Tensor | None, cache: Cache | None = None
    ) -> Tensor:
        """As `LanguageModel.run`."""
        ...

    def room(self, batch: int, capacity: int) -> Cache:
        """As `LanguageModel.room`."""
        ...


def cached_step(model: Writer, tokens: Tensor, cache: Cache, padding: Tensor | None) -> Tensor:
    """Run a model over new tokens only, all earlier ones in its cache. Returns logits for what comes next.

    `tokens` [batch, new]: the whole prompt at first, then one token a call. They come after the
    `cache.length` tokens that are in the cache. `padding` [batch], or None, as in `positions_and_mask`, which
    says where the new tokens stand and at what they may look.

    `model.run(tokens, positions, mask, cache)` gives the logits at each new token, [batch, new, vocab], and
    adds the new tokens to the cache. Returns the logits at the last one, [batch, vocab].
    """
    positions, mask = positions_and_mask(padding, cache.length, tokens.shape[1])
    return model.run(tokens, positions, mask, cache)[:, -1]
