"""Answers to the exercise on fine-tuning: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

PADDING, END = 0, 1


def by_where(tokens: Tensor, prompt_lengths: Tensor) -> Tensor:
    places = torch.arange(tokens.shape[1]).expand_as(tokens)
    return torch.where(places < prompt_lengths[:, None], False, tokens.bool())


def by_filling(tokens: Tensor, prompt_lengths: Tensor) -> Tensor:
    mask = tokens.ne(PADDING)
    for row, length in enumerate(prompt_lengths):
        mask[row, :length] = False
    return mask


def by_lists(tokens: Tensor, prompt_lengths: Tensor) -> Tensor:
    return torch.tensor(
        [
            [place >= length and token != 0 for place, token in enumerate(row)]
            for row, length in zip(tokens.tolist(), prompt_lengths.tolist(), strict=True)
        ]
    )


def by_stacking(tokens: Tensor, prompt_lengths: Tensor) -> Tensor:
    return torch.stack(
        [
            torch.cat([torch.zeros(int(length), dtype=torch.bool), row[length:] != PADDING])
            for row, length in zip(tokens, prompt_lengths, strict=True)
        ]
    )


def by_lengths(tokens: Tensor, prompt_lengths: Tensor) -> Tensor:
    """Padding stands at the end, so a row's end is where its tokens stop."""
    places, ends = torch.arange(tokens.shape[1]), (tokens != 0).sum(1)
    return torch.logical_and(places >= prompt_lengths[:, None], places < ends[:, None])


def mask_with(begins: Any = lambda lengths: lengths, counts: Any = lambda tokens: tokens != 0) -> Any:
    def mask(tokens: Tensor, prompt_lengths: Tensor) -> Tensor:
        places = torch.arange(tokens.shape[1])
        return (places >= begins(prompt_lengths).unsqueeze(1)) & counts(tokens)

    return mask


def moved(tokens: Tensor, prompt_lengths: Tensor) -> Tensor:
    mask = by_where(tokens, prompt_lengths).roll(-1, dims=1)
    mask[:, -1] = False
    return mask


def either(tokens: Tensor, prompt_lengths: Tensor) -> Tensor:
    return (torch.arange(tokens.shape[1]) >= prompt_lengths[:, None]) | (tokens > PADDING)


RIGHT = {"sft_mask": [by_where, by_filling, by_lists, by_stacking, by_lengths]}

WRONG: dict[str, dict[str, list[Any]]] = {
    "sft_mask": {
        "prompt_included": [lambda tokens, prompt_lengths: tokens != PADDING],
        "padding_included": [mask_with(counts=lambda tokens: tokens == tokens)],
        "end_left_out": [mask_with(counts=lambda tokens: tokens > END)],
        "first_left_out": [mask_with(begins=lambda lengths: lengths + 1)],
        "last_of_prompt": [mask_with(begins=lambda lengths: lengths - 1)],
        "moved_to_the_left": [moved],
        "one_length_for_all": [lambda tokens, lengths: by_lengths(tokens, lengths[[0] * len(lengths)])],
        "longest_for_all": [
            mask_with(begins=lambda lengths: lengths.amax(keepdim=True).repeat(len(lengths)))
        ],
        "inverted": [lambda tokens, lengths: ~by_where(tokens, lengths)],
        "prompt_alone": [lambda tokens, lengths: torch.arange(tokens.shape[1]) < lengths[:, None]],
        "either": [either],
        "wrong_dtype": [lambda tokens, lengths: by_where(tokens, lengths).float()],
        "raised": [lambda tokens, lengths: torch.arange(tokens.shape[1]) >= lengths.view(1, 2, 1, 1)],
    }
}
