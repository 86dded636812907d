"""Answers to the cache exercises: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pocketr1.cache import positions_and_mask

# LayerCache


class Given:
    """As the scaffold begins."""

    def __init__(self, *rooms: Tensor) -> None:
        self.rooms = rooms
        self.rows = rooms[0].shape[0]
        self.length = 0


class WithIndices(Given):
    def append(self, *new: Tensor) -> list[Tensor]:
        columns = torch.arange(new[0].shape[-2]) + self.length
        for room, tokens in zip(self.rooms, new, strict=True):
            room[: self.rows].index_copy_(-2, columns, tokens)
        self.length += len(columns)
        return [room[: self.rows].narrow(-2, 0, self.length) for room in self.rooms]


class ByCat(Given):
    def append(self, *new: Tensor) -> tuple[Tensor, ...]:
        kept = [room[: self.rows, ..., : self.length, :] for room in self.rooms]
        self.rooms = tuple(torch.cat(pair, dim=-2) for pair in zip(kept, new, strict=True))
        self.length = self.rooms[0].shape[-2]
        return self.rooms


class WithNarrow(Given):
    def append(self, *new: Tensor) -> tuple[Tensor, ...]:
        count, used = new[0].size(-2), []
        for number, tokens in enumerate(new):
            mine = self.rooms[number].narrow(0, 0, self.rows)
            mine.narrow(-2, self.length, count).copy_(tokens)
            used.append(mine.narrow(-2, 0, self.length + count))
        self.length += count
        return tuple(used)


class TokenByToken(Given):
    def append(self, *new: Tensor) -> tuple[Tensor, ...]:
        for column in range(new[0].shape[-2]):
            for room, tokens in zip(self.rooms, new, strict=True):
                room[: self.rows, ..., self.length, :] = tokens[..., column, :]
            self.length += 1
        return tuple(room[: self.rows, ..., : self.length, :] for room in self.rooms)


class Overwritten(Given):
    def append(self, *new: Tensor) -> tuple[Tensor, ...]:
        count = new[0].shape[-2]
        self.length += count
        for room, tokens in zip(self.rooms, new, strict=True):
            room[: self.rows, ..., :count, :] = tokens
        return tuple(room[: self.rows, ..., : self.length, :] for room in self.rooms)


class LengthForgotten(Given):
    def append(self, *new: Tensor) -> tuple[Tensor, ...]:
        end = self.length + new[0].shape[-2]
        for room, tokens in zip(self.rooms, new, strict=True):
            room[: self.rows, ..., self.length : end, :] = tokens
        return tuple(room[: self.rows, ..., :end, :] for room in self.rooms)


class LengthOfNew(Given):
    def append(self, *new: Tensor) -> tuple[Tensor, ...]:
        start, self.length = self.length, new[0].shape[-2]
        end = start + self.length
        for room, tokens in zip(self.rooms, new, strict=True):
            room[: self.rows, ..., start:end, :] = tokens
        return tuple(room[: self.rows, ..., :end, :] for room in self.rooms)


class LengthForEachRoom(Given):
    def append(self, *new: Tensor) -> tuple[Tensor, ...]:
        for room, tokens in zip(self.rooms, new, strict=True):
            count = tokens.shape[-2]
            room[: self.rows, ..., self.length : self.length + count, :] = tokens
            self.length += count
        return tuple(room[: self.rows, ..., : self.length, :] for room in self.rooms)


class NewAlone(TokenByToken):
    def append(self, *new: Tensor) -> tuple[Tensor, ...]:
        super().append(*new)
        return new


class AllButNew(TokenByToken):
    def append(self, *new: Tensor) -> tuple[Tensor, ...]:
        before = tuple(room[: self.rows, ..., : self.length, :] for room in self.rooms)
        super().append(*new)
        return before


class WholeRooms(TokenByToken):
    def append(self, *new: Tensor) -> tuple[Tensor, ...]:
        super().append(*new)
        return tuple(room[: self.rows] for room in self.rooms)


class AllRows(TokenByToken):
    def append(self, *new: Tensor) -> tuple[Tensor, ...]:
        super().append(*new)
        return tuple(room[..., : self.length, :] for room in self.rooms)


class NewFirst(Given):
    def append(self, *new: Tensor) -> tuple[Tensor, ...]:
        kept = [room[: self.rows, ..., : self.length, :] for room in self.rooms]
        self.rooms = tuple(torch.cat([tokens, old], dim=-2) for tokens, old in zip(new, kept, strict=True))
        self.length = self.rooms[0].shape[-2]
        return self.rooms


class FirstRoomAlone(TokenByToken):
    def append(self, *new: Tensor) -> Any:
        return super().append(*new)[0]


def one_for_all() -> type:
    """A class that keeps in itself what its objects should keep; a new class for each examination."""

    class OneForAll(Given):
        kept: list[tuple[Tensor, ...]] = []

        def __init__(self, *rooms: Tensor) -> None:
            super().__init__(*rooms)
            if rooms[0].shape[-2] != getattr(type(self), "capacity", None) or len(type(self).made) == 2:
                type(self).kept, type(self).made = [], []  # the next pair of caches
            type(self).capacity = rooms[0].shape[-2]
            type(self).made.append(self)

        made: list[Any] = []

        def append(self, *new: Tensor) -> tuple[Tensor, ...]:
            old = self.kept[-1] if self.kept else tuple(tokens[..., :0, :] for tokens in new)
            self.kept.append(
                tuple(torch.cat([x[: self.rows], y], dim=-2) for x, y in zip(old, new, strict=True))
            )
            self.length += new[0].shape[-2]
            return self.kept[-1]

    return OneForAll


# cached_step


def step_with_names(model: Any, tokens: Tensor, cache: Any, padding: Tensor | None) -> Tensor:
    seen, new = cache.length, tokens.size(1)
    positions, mask = positions_and_mask(padding=padding, seen=seen, new=new)
    logits = model.run(tokens=tokens, positions=positions, mask=mask, cache=cache)
    return logits.select(1, -1)


def step_by_hand(model: Any, tokens: Tensor, cache: Any, padding: Tensor | None) -> Tensor:
    batch, new = tokens.shape
    seen = cache.layers[0].length
    pads = torch.zeros(batch, dtype=torch.long) if padding is None else padding
    columns = torch.arange(seen + new)
    query, key = columns[seen:, None], columns[None, :]
    visible = (key <= query) & (key >= pads[:, None, None])
    mask = (visible | (key == query)).unsqueeze(1)
    positions = columns[seen:].unsqueeze(0) - pads.unsqueeze(1)
    return model.run(tokens, positions, mask, cache)[:, new - 1]


def step_row_by_gather(model: Any, tokens: Tensor, cache: Any, padding: Tensor | None) -> Tensor:
    logits = model.run(tokens, *positions_and_mask(padding, cache.length, tokens.shape[1]), cache)
    last = torch.full((len(tokens), 1, logits.shape[-1]), tokens.shape[1] - 1)
    return logits.gather(1, last).squeeze(1)


def step_with_unbind(model: Any, tokens: Tensor, cache: Any, padding: Tensor | None) -> Tensor:
    places = positions_and_mask(padding, cache.length, tokens.shape[1])
    *_, last = model.run(tokens, *places, cache).unbind(dim=1)
    return last


def restarted(model: Any, tokens: Tensor, cache: Any, padding: Tensor | None) -> Tensor:
    positions, mask = positions_and_mask(padding, cache.length, tokens.shape[1])
    return model.run(tokens, positions - cache.length, mask, cache)[:, -1]


def run(model: Any, tokens: Tensor, cache: Any, padding: Tensor | None) -> Tensor:
    return model.run(tokens, *positions_and_mask(padding, cache.length, tokens.shape[1]), cache)


def padding_seen(model: Any, tokens: Tensor, cache: Any, padding: Tensor | None) -> Tensor:
    positions, mask = positions_and_mask(padding, cache.length, tokens.shape[1])
    keys = torch.arange(mask.shape[-1])
    mask = keys <= keys[cache.length :].unsqueeze(1)
    return model.run(tokens, positions, mask, cache)[:, -1]


def twice(model: Any, tokens: Tensor, cache: Any, padding: Tensor | None) -> Tensor:
    for _ in range(2):
        logits = run(model, tokens, cache, padding)
    return logits[:, -1]


RIGHT = {
    "LayerCache": [WithIndices, ByCat, WithNarrow, TokenByToken],
    "cached_step": [step_with_names, step_by_hand, step_row_by_gather, step_with_unbind],
}

WRONG = {
    "LayerCache": {
        "overwritten": [Overwritten],
        "length_forgotten": [LengthForgotten],
        "length_of_new": [LengthOfNew],
        "length_for_each_room": [LengthForEachRoom],
        "new_alone": [NewAlone],
        "all_but_new": [AllButNew],
        "whole_rooms": [WholeRooms],
        "all_rows": [AllRows],
        "new_first": [NewFirst],
        "first_room_alone": [FirstRoomAlone],
        "one_for_all": [one_for_all()],
    },
    "cached_step": {
        "positions_restart": [restarted],
        "nothing_seen": [
            lambda model, tokens, cache, padding: model.run(
                tokens, *positions_and_mask(padding, 0, tokens.shape[1]), cache
            )[:, -1]
        ],
        "one_new": [
            lambda model, tokens, cache, padding: model.run(
                tokens, *positions_and_mask(padding, cache.length, 1), cache
            )[:, -1]
        ],
        "rows_for_new": [
            lambda model, tokens, cache, padding: model.run(
                tokens, *positions_and_mask(padding, cache.length, tokens.shape[0]), cache
            )[:, -1]
        ],
        "padding_looked_at": [padding_seen],
        "padding_ignored": [lambda model, tokens, cache, padding: run(model, tokens, cache, None)[:, -1]],
        "mask_not_given": [
            lambda model, tokens, cache, padding: model.run(
                tokens, positions_and_mask(padding, cache.length, tokens.shape[1])[0], None, cache
            )[:, -1]
        ],
        "cache_not_given": [
            lambda model, tokens, cache, padding: model.run(
                tokens, *positions_and_mask(padding, cache.length, tokens.shape[1])
            )[:, -1],
            lambda model, tokens, cache, padding: model(tokens, padding)[:, -1],
        ],
        "all_logits": [run],
        "first_logits": [lambda *given: run(*given)[:, 0]],
        "last_row": [lambda *given: run(*given)[-1]],
        "axis_kept": [lambda *given: run(*given)[:, -1:]],
        "run_twice": [twice],
        "token_chosen": [lambda *given: run(*given)[:, -1].max(dim=-1).indices],
        "probabilities": [lambda *given: torch.softmax(run(*given)[:, -1], -1)],
    },
}
