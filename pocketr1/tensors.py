"""Six small things that later lessons do without a word: shapes, gathering, masks, groups, detach, seeds.

Each is a line or two of PyTorch, and each goes wrong in silence: the result has the right shape and the wrong
numbers, or the right numbers and the wrong gradient. Shapes are written with names, as in einops: `batch`,
`seq`, `vocab`; leading axes that pass through untouched are written `...`.
"""

import torch
from einops import rearrange
from torch import Tensor


def differences(left: Tensor, right: Tensor) -> Tensor:
    """Every number of `left` less every number of `right`: a table of all pairs.

    `left` [..., rows] and `right` [..., columns] give [..., rows, columns]: the entry in row i and column j
    is left i minus right j. The axes in front are the same for both, and there may be none.

    (5, 7) and (1, 2, 3) give the rows (4, 3, 2) and (6, 5, 4).
    """
    return left.unsqueeze(-1) - right.unsqueeze(-2)


def chosen_logprobs(logits: Tensor, chosen: Tensor) -> Tensor:
    """The log-probability that a model gave to each token that was chosen.

    `logits` [batch, seq, vocab]: for each place in each text, one number for each token of the vocabulary.
    Their softmax over the vocabulary is the model's probabilities. `chosen` [batch, seq] is the number of
    the token that was chosen there (int64). Returns [batch, seq], natural logarithms. A token may be so
    unlikely that its probability is 0 in float32; its logarithm must come out all the same.

    Logits (0, ln 3) mean the probabilities 1/4 and 3/4. If token 1 was chosen, the answer is ln 3/4 = -0.288.
    """
    return logits.log_softmax(dim=-1).gather(-1, chosen.unsqueeze(-1)).squeeze(-1)


def mean_of_real(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of each text's values, over its real tokens only.

    `values` [batch, seq] has one number a token, and `mask` [batch, seq], bool, is True where a token is real
    and False where it is padding, put in to make all texts equally long. Padding may stand anywhere, and
    holds any finite number. Each text has at least one real token. Returns [batch].

    Values (4, 2, 9) with the mask (True, True, False) give 3.
    """
    return torch.where(mask, values, 0).sum(dim=-1) / mask.sum(dim=-1)


def by_prompt(answers: Tensor, prompts: int) -> Tensor:
    """Answers that were written in rounds, sorted so that those to one prompt stand together.

    `answers` [rounds * prompts, seq]: in each round every prompt was answered once, in the same order. So the
    first `prompts` rows are the first round, the next `prompts` rows are the second, and so on. Returns
    [prompts, rounds, seq].

    Two prompts, a and b, in three rounds: the rows a1, b1, a2, b2, a3, b3 become (a1, a2, a3), (b1, b2, b3).
    """
    return rearrange(answers, "(round prompt) seq -> prompt round seq", prompt=prompts)


def distance_to_teacher(student: Tensor, teacher: Tensor) -> Tensor:
    """How far the student's numbers are from the teacher's: the mean of the squared differences.

    Both have one shape, any shape; the result is a single number, a tensor of shape []. It is a loss for the
    student alone: its gradient reaches `student`, and `teacher` stands still.

    (1, 3) and (3, 3) give (4 + 0) / 2 = 2.
    """
    return (student - teacher.detach()).square().mean()


def uniform_draws(count: int, seed: int) -> Tensor:
    """Random numbers, evenly spread from 0 to 1, that come out the same every time.

    Returns float32 [count], each at least 0 and less than 1: what `torch.rand` draws from a new generator
    that was set to `seed`. The same seed gives the same numbers, whatever was drawn elsewhere before, and
    nothing that is drawn elsewhere later is changed.
    """
    return torch.rand(count, generator=torch.Generator().manual_seed(seed))
