"""Checks of the warm-up: shapes, gathering, masks, groups, detach, seeds.

The mistakes of this lesson run without an error, so each check has a case where all axes are equally long, in
which a wrong axis goes unnoticed, and others in which it shows. Tables that count 1, 2, 3, ... say where each
number came from.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .specification import Case, Check, Mistake


def _normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _counted(*shape: int) -> Tensor:
    """1, 2, 3, ... in the given shape: every number says where it came from."""
    return torch.arange(1.0, math.prod(shape) + 1).reshape(shape)


# differences


def _expected_differences(left: Tensor, right: Tensor) -> Tensor:
    return torch.stack([left[..., row : row + 1] - right for row in range(left.shape[-1])], dim=-2)


DIFFERENCES = Check(
    expected=_expected_differences,
    cases=(
        Case("(5, 7) and (1, 2, 3)", lambda: (torch.tensor([5.0, 7.0]), torch.tensor([1.0, 2.0, 3.0]))),
        Case("one number and one number", lambda: (torch.tensor([5.0]), torch.tensor([1.0]))),
        Case("as many on the left as on the right", lambda: (_normal(3), _normal(3, seed=1))),
        Case("more on the left than on the right", lambda: (_normal(4), _normal(2, seed=1))),
        Case("one axis in front", lambda: (_normal(2, 3), _normal(2, 4, seed=1))),
        Case("all axes equally long", lambda: (_normal(3, 3), _normal(3, 3, seed=1))),
        Case("two axes in front", lambda: (_normal(2, 2, 3), _normal(2, 2, 4, seed=1))),
    ),
    mistakes=(
        Mistake(
            "right_minus_left",
            "the signs are turned round: this is right minus left",
            lambda left, right: -_expected_differences(left, right),
        ),
        Mistake(
            "rows_and_columns_swapped",
            "rows and columns have changed places: a row should belong to a number of `left`",
            lambda left, right: _expected_differences(left, right).mT,
        ),
        Mistake(
            "swapped_and_counted_from_the_front",
            "rows and columns have changed places: a row should belong to a number of `left`. And count the"
            " axes from the end, so that others may stand in front",
            lambda left, right: left.unsqueeze(0) - right.unsqueeze(1),
        ),
        Mistake(
            "everything_swapped",
            "left and right have changed places: rows should belong to `left`, and `right` be taken away",
            lambda left, right: _expected_differences(right, left),
        ),
        Mistake(
            "paired_up",
            "each number met only its neighbour in the same place; all pairs are asked for. Give one of the"
            " two a new axis, so that it becomes a column",
            lambda left, right: left - right,
        ),
        Mistake(
            "absolute",
            "the signs are lost: 1 minus 5 is -4",
            lambda left, right: _expected_differences(left, right).abs(),
        ),
        Mistake(
            "sums",
            "these are sums of all pairs; differences are asked for",
            lambda left, right: _expected_differences(left, -right),
        ),
        Mistake(
            "products",
            "these are products of all pairs; differences are asked for",
            lambda left, right: left.unsqueeze(-1) * right.unsqueeze(-2),
        ),
        Mistake(
            "counted_from_the_front",
            "right for two rows of numbers, but not with an axis in front. Count axes from the end: the new"
            " axis of `left` comes last, that of `right` last but one",
            lambda left, right: left.unsqueeze(1) - right.unsqueeze(0),
        ),
        Mistake(
            "right_without_an_axis",
            "with an axis in front, `right` lines up with the wrong axes of `left`. It needs a new axis too,"
            " last but one",
            lambda left, right: left.unsqueeze(-1) - right,
        ),
    ),
    why="A column [rows, 1] and a row [1, columns] are both stretched to [rows, columns]: an axis of length"
    " one is repeated until the lengths agree, so that every number meets every other.",
)


# chosen_logprobs


def _expected_logprobs(logits: Tensor, chosen: Tensor) -> Tensor:
    vocab = logits.shape[-1]
    losses = functional.cross_entropy(logits.reshape(-1, vocab), chosen.reshape(-1), reduction="none")
    return -losses.reshape(chosen.shape)


def _picked(table: Tensor, chosen: Tensor) -> Tensor:
    return torch.take_along_dim(table, chosen[..., None], dim=-1)[..., 0]


def _picking_from(table_of: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """An answer that picks the right entries of a wrong table."""
    return lambda logits, chosen: _picked(table_of(logits), chosen)


def _texts(batch: int, seq: int, vocab: int) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    return _normal(batch, seq, vocab), torch.randint(vocab, (batch, seq), generator=random)


def _text(*logits: float, chosen: int) -> tuple[Tensor, Tensor]:
    return torch.tensor([[logits]]), torch.tensor([[chosen]])


CHOSEN_LOGPROBS = Check(
    expected=_expected_logprobs,
    cases=(
        Case("one place, with the logits (0, ln 3)", lambda: _text(0.0, math.log(3), chosen=1)),
        Case("one text of three places, five tokens to choose from", lambda: _texts(1, 3, 5)),
        Case("two texts of three places", lambda: _texts(2, 3, 5)),
        Case("as many texts as places and as tokens to choose from", lambda: _texts(3, 3, 3)),
        Case("large logits, (1000, 1001)", lambda: _text(1000.0, 1001.0, chosen=0)),
        Case(
            "a token that was very unlikely, with the logits (0, -200)", lambda: _text(0.0, -200.0, chosen=1)
        ),
    ),
    mistakes=(
        Mistake(
            "log_of_softmax",
            "the probability of an unlikely token is rounded to 0, and the logarithm of that is minus"
            " infinity. Take `log_softmax`, which never makes the probability",
            _picking_from(lambda logits: logits.softmax(dim=-1).log()),
        ),
        Mistake(
            "tiny_number_added",
            "a tiny number added to the probability keeps minus infinity away, but a very unlikely token then"
            " gets the logarithm of that number, and no gradient. Take `log_softmax`, which never makes the"
            " probability",
            _picking_from(lambda logits: (logits.softmax(dim=-1) + 1e-9).log()),
        ),
        Mistake(
            "exponentials_overflow",
            "e to the power of a large logit is infinite in float32, and so is the logarithm of the sum."
            " `log_softmax` and `logsumexp` take the largest logit away first",
            _picking_from(lambda logits: logits - logits.exp().sum(dim=-1, keepdim=True).log()),
        ),
        Mistake(
            "over_places",
            "the probabilities sum to one over the places of a text; they should do so over the vocabulary,"
            " the last axis",
            _picking_from(lambda logits: logits.log_softmax(dim=1)),
        ),
        Mistake(
            "over_texts",
            "the probabilities sum to one over the texts of the batch; they should do so over the vocabulary,"
            " the last axis",
            _picking_from(lambda logits: logits.log_softmax(dim=0)),
        ),
        Mistake(
            "logarithms_of_logits",
            "these are the logarithms of the logits, which are no probabilities: take `log_softmax`",
            _picking_from(lambda logits: logits.log()),
        ),
        Mistake(
            "raw_logits",
            "these are the logits as they are; a log-probability is the logit after `log_softmax`",
            _picking_from(lambda logits: logits),
        ),
        Mistake(
            "probabilities",
            "these are the probabilities; their logarithms are asked for",
            _picking_from(lambda logits: logits.softmax(dim=-1)),
        ),
        Mistake(
            "sign_turned",
            "the signs are turned round: this is the loss (cross-entropy); log-probabilities are never"
            " above 0",
            lambda logits, chosen: -_expected_logprobs(logits, chosen),
        ),
        Mistake(
            "likeliest_token",
            "this is the log-probability of the likeliest token, whichever was chosen",
            lambda logits, chosen: logits.log_softmax(dim=-1).amax(dim=-1),
        ),
        Mistake(
            "axis_kept",
            "the last axis is still there, with length one; take it away with `squeeze(-1)`",
            lambda logits, chosen: _expected_logprobs(logits, chosen).unsqueeze(-1),
        ),
        Mistake(
            "squeezed_everything",
            "`squeeze()` takes away every axis of length one, also that of a batch with a single text. Say"
            " which one you mean: `squeeze(-1)`",
            lambda logits, chosen: _expected_logprobs(logits, chosen).squeeze(),
        ),
        Mistake(
            "gathered_along_places",
            "`gather` runs along axis 1, the places, so that the numbers of tokens are taken for places."
            " The tokens lie along the last axis",
            lambda logits, chosen: logits.log_softmax(-1).gather(1, chosen.unsqueeze(-1)).squeeze(-1),
        ),
        Mistake(
            "all_from_first_place",
            "all tokens of a text are looked up in the first place: the index for `gather` has its new axis"
            " in the middle. It should be the last one, [batch, seq, 1]",
            lambda logits, chosen: logits.log_softmax(-1).gather(-1, chosen.unsqueeze(1)).squeeze(1),
        ),
        Mistake(
            "all_with_all",
            "every place is looked up with the tokens of all places; each place has its own token. Use"
            " `gather`",
            lambda logits, chosen: logits.log_softmax(-1)[:, :, chosen],
        ),
        Mistake(
            "texts_with_all_texts",
            "each text is looked up with the tokens of all texts; each has its own. Use `gather`",
            lambda logits, chosen: logits.log_softmax(-1)[:, torch.arange(chosen.shape[1]), chosen],
        ),
        Mistake(
            "one_list",
            "the numbers are right, but in one list, the texts one after another; give them the shape of"
            " `chosen`, [batch, seq]",
            lambda logits, chosen: _expected_logprobs(logits, chosen).flatten(),
        ),
        Mistake(
            "one_list_with_sign_turned",
            "this is the loss, in one list: turn the signs round, since log-probabilities are never above 0,"
            " and give them the shape of `chosen`, [batch, seq]",
            lambda logits, chosen: -_expected_logprobs(logits, chosen).flatten(),
        ),
        Mistake(
            "summed",
            "the log-probabilities of each text are added up; one number for each place is asked for",
            lambda logits, chosen: _expected_logprobs(logits, chosen).sum(dim=-1),
        ),
        Mistake(
            "averaged",
            "the mean over all places is taken already; one number for each place is asked for",
            lambda logits, chosen: _expected_logprobs(logits, chosen).mean(),
        ),
    ),
    why="`log_softmax` takes the logarithm before anything is rounded to 0, and `gather` reads one number at"
    " each place, so that a gradient can flow back to all logits of that place.",
)


# mean_of_real


def _expected_mean(values: Tensor, mask: Tensor) -> Tensor:
    return torch.stack([row[real].mean() for row, real in zip(values, mask, strict=True)])


def _sum_of_real(values: Tensor, mask: Tensor) -> Tensor:
    return values.masked_fill(~mask, 0).sum(dim=-1)


def _masked(rows: list[str]) -> Tensor:
    """A mask from rows such as "110": 1 is a real token."""
    return torch.tensor([[letter == "1" for letter in row] for row in rows])


MEAN_OF_REAL = Check(
    expected=_expected_mean,
    cases=(
        Case("one text without padding", lambda: (torch.tensor([[4.0, 2.0]]), _masked(["11"]))),
        Case(
            "values (4, 2, 9), of which the last is padding",
            lambda: (torch.tensor([[4.0, 2.0, 9.0]]), _masked(["110"])),
        ),
        Case("two texts of 4 and 1 real tokens", lambda: (_counted(2, 4), _masked(["1111", "1000"]))),
        Case("as many texts as tokens", lambda: (_normal(3, 3), _masked(["110", "111", "100"]))),
        Case("padding in front and between", lambda: (_normal(2, 5), _masked(["00111", "10101"]))),
        Case(
            "a real token with the value 0", lambda: (torch.tensor([[0.0, 4.0, 2.0, 0.0]]), _masked(["1110"]))
        ),
        Case("padding that holds large numbers", lambda: (_counted(2, 3) ** 6, _masked(["100", "110"]))),
    ),
    mistakes=(
        Mistake(
            "padding_in_denominator",
            "the sum leaves the padding out, but it is divided by the full length. Divide by the number of"
            " real tokens",
            lambda values, mask: _sum_of_real(values, mask) / values.shape[-1],
        ),
        Mistake(
            "padding_counted",
            "the padding is counted as if it were real: the mask changes nothing",
            lambda values, mask: values.mean(dim=-1),
        ),
        Mistake(
            "nonzero_counted",
            "the sum is divided by how many values are not 0. But padding may hold any number, and a real"
            " token may have the value 0. Count the mask: True counts as 1",
            lambda values, mask: _sum_of_real(values, mask) / (values != 0).sum(dim=-1),
        ),
        Mistake(
            "real_zeros_left_out",
            "a real token whose value is 0 is not counted. Count the mask, where True counts as 1, and not"
            " the values",
            lambda values, mask: _sum_of_real(values, mask) / ((values != 0) & mask).sum(dim=-1),
        ),
        Mistake(
            "mask_inverted",
            "this is the mean over the padding: the mask is True at real tokens",
            lambda values, mask: _sum_of_real(values, ~mask) / (~mask).sum(dim=-1),
        ),
        Mistake(
            "one_mean_for_all",
            "this is one mean over the real tokens of all texts; each text has its own",
            lambda values, mask: values[mask].mean(),
        ),
        Mistake(
            "mean_of_means",
            "the means of the texts are averaged once more; one number for each text is asked for",
            lambda values, mask: _expected_mean(values, mask).mean(),
        ),
        Mistake(
            "all_tokens_in_denominator",
            "each sum is divided by the number of real tokens of the whole batch; divide it by those of its"
            " own text",
            lambda values, mask: _sum_of_real(values, mask) / mask.sum(),
        ),
        Mistake(
            "summed",
            "these are sums; divide each by the number of real tokens of its text",
            _sum_of_real,
        ),
        Mistake(
            "over_texts",
            "the mean runs over the texts, place by place; it should run along each text, the last axis",
            lambda values, mask: _sum_of_real(values.T, mask.T) / mask.sum(dim=0),
        ),
        Mistake(
            "axis_kept",
            "the last axis is still there, with length one: [batch] is asked for, not [batch, 1]",
            lambda values, mask: _expected_mean(values, mask).unsqueeze(-1),
        ),
    ),
    why="The mask acts twice, in the sum and in the count, so that neither the numbers in the padding nor"
    " its length can change the mean.",
)


# by_prompt


def _expected_groups(answers: Tensor, prompts: int) -> Tensor:
    return torch.stack([answers[prompt::prompts] for prompt in range(prompts)])


BY_PROMPT = Check(
    expected=_expected_groups,
    cases=(
        Case("two prompts and three rounds, one token an answer", lambda: (_counted(6, 1), 2)),
        Case("one prompt and three rounds", lambda: (_counted(3, 2), 1)),
        Case("three prompts and one round", lambda: (_counted(3, 2), 3)),
        Case("three prompts and two rounds", lambda: (_counted(6, 4), 3)),
        Case("as many prompts as rounds", lambda: (_counted(9, 2), 3)),
        Case("as many prompts as rounds and as tokens", lambda: (_counted(4, 2), 2)),
    ),
    mistakes=(
        Mistake(
            "reshaped_only",
            "the rows are cut into groups in the order in which they came, so that a group holds answers to"
            " different prompts. Split off the rounds first, then move the axis",
            lambda answers, prompts: answers.reshape(prompts, -1, answers.shape[-1]),
        ),
        Mistake(
            "rounds_first",
            "these are groups of one round, [rounds, prompts, seq]; the two axes still have to change places",
            lambda answers, prompts: answers.reshape(-1, prompts, answers.shape[-1]),
        ),
        Mistake(
            "prompts_for_rounds",
            "the number of prompts is taken for the number of rounds: a round has as many rows as there are"
            " prompts",
            lambda answers, prompts: answers.reshape(prompts, -1, answers.shape[-1]).transpose(0, 1),
        ),
        Mistake(
            "tokens_moved",
            "the groups are right, but the tokens of an answer have moved to the middle axis:"
            " [prompts, seq, rounds] instead of [prompts, rounds, seq]",
            lambda answers, prompts: _expected_groups(answers, prompts).mT,
        ),
        Mistake(
            "joined",
            "the answers to one prompt are joined into one long row; keep an axis for the rounds",
            lambda answers, prompts: _expected_groups(answers, prompts).flatten(1),
        ),
        Mistake(
            "not_split",
            "the rows are in the right order, but still one list; give prompts and rounds an axis each",
            lambda answers, prompts: _expected_groups(answers, prompts).flatten(0, 1),
        ),
        Mistake(
            "unchanged_order",
            "each row is a group of its own: split the first axis in two, (round prompt)",
            lambda answers, prompts: answers.unsqueeze(1),
        ),
    ),
    why="Rows that come round by round are (round prompt): splitting names the two axes, and only moving one"
    " of them brings the answers to one prompt together.",
)


# distance_to_teacher


def _distance(student: Tensor, teacher: Tensor) -> Tensor:
    return functional.mse_loss(student, teacher.detach())


DISTANCE_TO_TEACHER = Check(
    expected=_distance,
    cases=(
        Case("(1, 3) and (3, 3)", lambda: (torch.tensor([1.0, 3.0]), torch.tensor([3.0, 3.0]))),
        Case("one number above and one number", lambda: (torch.tensor([2.0]), torch.tensor([-1.0]))),
        Case("three numbers each", lambda: (_normal(3), _normal(3, seed=1))),
        Case("a table of two rows and three columns", lambda: (_normal(2, 3), _normal(2, 3, seed=1))),
        Case("a stack of two tables", lambda: (_normal(2, 3, 4), _normal(2, 3, 4, seed=1))),
    ),
    mistakes=(
        Mistake(
            "not_detached",
            "the number is right, but the gradient reaches the teacher too, and would move it towards the"
            " student. Detach the teacher",
            functional.mse_loss,
        ),
        Mistake(
            "student_detached",
            "the number is right, but the wrong side is detached: the gradient reaches the teacher, and the"
            " student learns nothing",
            lambda student, teacher: functional.mse_loss(student.detach(), teacher),
        ),
        Mistake(
            "summed",
            "the squares are added up; their mean is asked for",
            lambda student, teacher: (student - teacher.detach()).square().sum(),
        ),
        Mistake(
            "divided_by_rows",
            "the sum of the squares is divided by the length of axis 0, which is how many numbers there are"
            " only if there is a single axis",
            lambda student, teacher: (student - teacher.detach()).square().sum() / len(student),
        ),
        Mistake(
            "halved",
            "this is half of the mean; take the mean itself",
            lambda student, teacher: _distance(student, teacher) / 2,
        ),
        Mistake(
            "root_taken",
            "this is the root of the mean; take the mean of the squares itself",
            lambda student, teacher: _distance(student, teacher).sqrt(),
        ),
        Mistake(
            "not_squared",
            "these are distances without a square (absolute values); square the differences",
            lambda student, teacher: functional.l1_loss(student, teacher.detach()),
        ),
        Mistake(
            "signs_cancel",
            "the differences are averaged first, so that one above and one below cancel; square them before"
            " the mean",
            lambda student, teacher: (student - teacher.detach()).mean().square(),
        ),
        Mistake(
            "mean_of_rows",
            "the mean is taken along the last axis only; one number for everything is asked for",
            lambda student, teacher: (student - teacher.detach()).square().mean(dim=-1),
        ),
    ),
    why="`detach` gives the same numbers without their history: for the gradient the teacher is a constant,"
    " so only the student moves.",
)


# uniform_draws


def _expected_draws(count: int, seed: int) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torch.rand(count)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _each_from_a_new_generator(count: int, seed: int) -> Tensor:
    return torch.cat([torch.rand(1, generator=_generator(seed)) for _ in range(count)])


def _by_numpy(count: int, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random(count)).float()


UNIFORM_DRAWS = Check(
    expected=_expected_draws,
    cases=(
        Case("one number and seed 0", lambda: (1, 0)),
        Case("five numbers and seed 0", lambda: (5, 0)),
        Case("five numbers and another seed, 7", lambda: (5, 7)),
        Case("a hundred numbers and seed 12345", lambda: (100, 12345)),
    ),
    mistakes=(
        Mistake(
            "seed_ignored",
            "every seed gives the same numbers: pass on `seed`, not a number of your own",
            lambda count, seed: torch.rand(count, generator=_generator(0)),
        ),
        Mistake(
            "never_seeded",
            "the generator is new, but was never set to `seed`: `manual_seed(seed)` does that",
            lambda count, seed: torch.rand(count, generator=torch.Generator()),
        ),
        Mistake(
            "global_source",
            "the numbers come from the source that all code shares, so they depend on what was drawn before."
            " Make a `torch.Generator` of your own, and pass it on",
            lambda count, seed: torch.rand(count),
        ),
        Mistake(
            "seeded_for_each",
            "all numbers are the same: the generator is set to the seed again before each draw. Set it once",
            _each_from_a_new_generator,
        ),
        Mistake(
            "normal",
            "these are normal draws (`randn`), which can be negative; uniform ones are asked for (`rand`)",
            lambda count, seed: torch.randn(count, generator=_generator(seed)),
        ),
        Mistake(
            "double_precision",
            "in float64 the same seed gives other numbers: draw in float32, PyTorch's default",
            lambda count, seed: torch.rand(count, generator=_generator(seed), dtype=torch.float64),
        ),
        Mistake(
            "numpy",
            "these come from NumPy, whose generators give other numbers for the same seed; the course draws"
            " with PyTorch's",
            _by_numpy,
        ),
    ),
    why="A generator of one's own is a stream apart: it starts where the seed says, whatever was drawn"
    " before, and it takes nothing from the stream that others use.",
)

CHECKS = {
    "differences": DIFFERENCES,
    "chosen_logprobs": CHOSEN_LOGPROBS,
    "mean_of_real": MEAN_OF_REAL,
    "by_prompt": BY_PROMPT,
    "distance_to_teacher": DISTANCE_TO_TEACHER,
    "uniform_draws": UNIFORM_DRAWS,
}
