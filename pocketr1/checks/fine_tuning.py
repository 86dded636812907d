"""Check of the exercise on fine-tuning: which tokens of a batch are to be predicted.

Rows with questions of different lengths and with and without padding, so that each of the two conditions can
be seen by itself. The reference goes through the rows one token at a time.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from .specification import Case, Check, Mistake

PADDING, END = 0, 1


def _by_token(counts: Callable[[int, int, int], bool]) -> Callable[[Tensor, Tensor], Tensor]:
    """A mask from `counts(place, prompt length, token)`."""

    def mask(tokens: Tensor, prompt_lengths: Tensor) -> Tensor:
        pairs = zip(tokens.tolist(), prompt_lengths.tolist(), strict=True)
        rows = [[counts(place, length, token) for place, token in enumerate(row)] for row, length in pairs]
        return torch.tensor(rows)

    return mask


_expected = _by_token(lambda place, length, token: place >= length and token != PADDING)


def _one_place_early(tokens: Tensor, prompt_lengths: Tensor) -> Tensor:
    mask = _expected(tokens, prompt_lengths)
    return torch.cat([mask[:, 1:], torch.zeros_like(mask[:, :1])], dim=1)


def _one_length(tokens: Tensor, prompt_lengths: Tensor) -> Tensor:
    return _expected(tokens, prompt_lengths[:1].expand(len(tokens)))


def _longest(tokens: Tensor, prompt_lengths: Tensor) -> Tensor:
    return _expected(tokens, prompt_lengths.max().expand(len(tokens)))


SFT_MASK = Check(
    expected=_expected,
    gradients=False,
    cases=(
        Case("one document without padding", lambda: (torch.tensor([[7, 8, 5, 6, 1]]), torch.tensor([2]))),
        Case(
            "one document and padding behind it",
            lambda: (torch.tensor([[7, 8, 9, 5, 1, 0, 0]]), torch.tensor([3])),
        ),
        Case(
            "two documents whose questions have 2 and 3 tokens",
            lambda: (torch.tensor([[7, 8, 5, 6, 1, 0], [7, 8, 9, 5, 4, 1]]), torch.tensor([2, 3])),
        ),
        Case(
            "an answer that is nothing but its end token",
            lambda: (torch.tensor([[7, 8, 9, 1, 0], [7, 5, 6, 4, 1]]), torch.tensor([3, 1])),
        ),
        Case(
            "three documents, the longest question first",
            lambda: (
                torch.tensor([[7, 8, 9, 9, 5, 1, 0, 0], [7, 5, 6, 1, 0, 0, 0, 0], [7, 8, 5, 5, 5, 6, 6, 1]]),
                torch.tensor([4, 1, 2]),
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "prompt_included",
            "the questions count too, so the model would learn to ask; begin at each row's prompt length",
            _by_token(lambda place, length, token: token != PADDING),
        ),
        Mistake(
            "padding_included",
            "padding counts too, so the model would learn to write it; token 0 is to be left out",
            _by_token(lambda place, length, token: place >= length),
        ),
        Mistake(
            "end_left_out",
            "the end token does not count, so the model would never learn to stop",
            _by_token(lambda place, length, token: place >= length and token not in (PADDING, END)),
        ),
        Mistake(
            "first_left_out",
            "the first token of each answer does not count: places start at 0, so the place `prompt_length`"
            " is the answer's first",
            _by_token(lambda place, length, token: place > length and token != PADDING),
        ),
        Mistake(
            "last_of_prompt",
            "the last token of each question counts too: places start at 0, so the answer begins at the place"
            " `prompt_length`",
            _by_token(lambda place, length, token: place >= length - 1 and token != PADDING),
        ),
        Mistake(
            "moved_to_the_left",
            "everything stands one place too far to the left: mark the tokens that are to be predicted, not"
            " those that predict them; `next_token_loss` does the shift",
            _one_place_early,
        ),
        Mistake(
            "one_length_for_all",
            "the first row's prompt length is used for every row; each has its own",
            _one_length,
        ),
        Mistake(
            "longest_for_all",
            "the longest prompt length is used for every row; each has its own",
            _longest,
        ),
        Mistake(
            "inverted",
            "True and False have changed places: True marks what counts",
            _by_token(lambda place, length, token: place < length or token == PADDING),
        ),
        Mistake(
            "prompt_alone",
            "the questions count and the answers do not: it is the other way round",
            _by_token(lambda place, length, token: place < length),
        ),
        Mistake(
            "either",
            "a token counts if one of the two conditions holds; both must hold: `&`, not `|`",
            _by_token(lambda place, length, token: place >= length or token != PADDING),
        ),
    ),
    why="The model reads the question and is graded on the answer alone. The end token is part of what it has"
    " to learn: without it, it would write on for ever.",
)

CHECKS = {"sft_mask": SFT_MASK}
