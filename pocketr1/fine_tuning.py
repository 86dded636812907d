"""Supervised fine-tuning: go on with next-token training, on documents of one's choice.

Only what is to be written is learned: the completion and the word that ends it. The question is read, and not
predicted. Batches hold documents of about the same length, and about the same number of tokens to predict, so
that every such token counts the same, whether it stands in a long document or in a short one.
"""

import random
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from .configuration import PADDING
from .model import LanguageModel
from .training import Batch, LossOf, Plan, Record, of_next_tokens, train
from .worlds import VOCABULARY, Document

BATCH_TOKENS = 440
"""About so many tokens to predict a batch."""

BLOCK = 64
"""So many batches are made at a time, from documents that are sorted by length."""


def sft_mask(tokens: Tensor, prompt_lengths: Tensor) -> Tensor:
    """Which tokens of a batch of documents are to be predicted: the completion and its end token.

    `tokens` [batch, seq]: question, completion and end token, then padding (token 0). `prompt_lengths`
    [batch]: how many tokens the question has. Returns bool [batch, seq], True at the *tokens* that count, as
    `next_token_loss` wants it. Neither the question nor the padding counts.

    A question of 2 tokens in the row (7, 8, 5, 6, 1, 0): False, False, True, True, True, False.
    """
    places = torch.arange(tokens.shape[1])
    return (places >= prompt_lengths.unsqueeze(1)) & (tokens != PADDING)


def as_batch(documents: Sequence[Document]) -> Batch:
    """Documents as tokens, padded on the right, and the mask of those to predict: both [batch, seq]."""
    tokens, _ = VOCABULARY.pad_batch([document.tokens for document in documents])
    prompt_lengths = torch.tensor([document.prompt_length for document in documents])
    return tokens, sft_mask(tokens, prompt_lengths)


def in_batches(
    documents: Iterator[Document], count: int, generator: random.Random, size: int = BATCH_TOKENS
) -> list[list[Document]]:
    """Draw documents and sort them into `count` batches of like length, each with about `size` tokens to
    predict. The order of the batches is random."""
    drawn, total = [], 0
    while total < size * count:
        drawn.append(next(documents))
        total += _predicted(drawn[-1])
    batches: list[list[Document]] = [[] for _ in range(count)]
    total = 0
    for document in sorted(drawn, key=lambda document: len(document.tokens)):
        batches[total // size].append(document)
        total += _predicted(document)
    generator.shuffle(batches)
    return batches


def _predicted(document: Document) -> int:
    return len(document.tokens) - document.prompt_length


def batches(
    documents_of: Callable[[int, random.Random], Iterator[Document]], seed: int | str
) -> Callable[[int], Batch]:
    """A batch for every step, for `training.train`: the same one whenever that step is asked for.

    `documents_of(step, generator)` gives the documents for the block of steps that begins with `step`. One
    block is kept.
    """
    kept: dict[int, list[list[Document]]] = {}

    def batch_at(step: int) -> Batch:
        first = step - step % BLOCK
        if first not in kept:
            generator = random.Random(f"batches {seed} {first}")
            kept.clear()
            kept[first] = in_batches(documents_of(first, generator), BLOCK, generator)
        return as_batch(kept[first][step - first])

    return batch_at


def fine_tune(
    model: LanguageModel,
    documents: Sequence[Document],
    plan: Plan,
    seed: int = 0,
    loss_of: LossOf = of_next_tokens,
) -> Iterator[Record]:
    """Train `model` in place on `documents`, drawn at random, with replacement; yields one record a step.

    Raises ValueError when there are no documents.
    """
    if not documents:
        raise ValueError("there is nothing to learn from: no document was given")

    def drawn(step: int, generator: random.Random) -> Iterator[Document]:
        while True:
            yield generator.choice(documents)

    yield from train(model, batches(drawn, seed), plan, loss_of=loss_of)
