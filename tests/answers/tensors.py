"""Answers to the warm-up's exercises: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

import numpy as np
import torch
from einops import einsum, rearrange, reduce, repeat
from torch import Tensor
from torch.nn import functional

# differences, right


def differences_by_none(left: Tensor, right: Tensor) -> Tensor:
    return left[..., :, None] - right[..., None, :]


def differences_by_einops(left: Tensor, right: Tensor) -> Tensor:
    return rearrange(left, "... rows -> ... rows 1") - rearrange(right, "... columns -> ... 1 columns")


def differences_by_repeating(left: Tensor, right: Tensor) -> Tensor:
    columns = repeat(left, "... rows -> ... rows columns", columns=right.shape[-1])
    return columns - repeat(right, "... columns -> ... rows columns", rows=left.shape[-1])


def differences_by_loops(left: Tensor, right: Tensor) -> Tensor:
    rows = [torch.stack([a - b for b in right.unbind(-1)], dim=-1) for a in left.unbind(-1)]
    return torch.stack(rows, dim=-2)


# differences, wrong


def right_minus_left_in_place(left: Tensor, right: Tensor) -> Tensor:
    return right.unsqueeze(-2) - left.unsqueeze(-1)


def rows_and_columns_by_wrong_axes(left: Tensor, right: Tensor) -> Tensor:
    return left.unsqueeze(-2) - right.unsqueeze(-1)


def everything_by_arguments(left: Tensor, right: Tensor) -> Tensor:
    return differences_by_none(right, left)


def counted_from_the_front_by_none(left: Tensor, right: Tensor) -> Tensor:
    return left[:, None] - right[None, :]


# chosen_logprobs, right


def logprobs_by_cross_entropy(logits: Tensor, chosen: Tensor) -> Tensor:
    return -functional.cross_entropy(logits.transpose(1, 2), chosen, reduction="none")


def logprobs_by_logsumexp(logits: Tensor, chosen: Tensor) -> Tensor:
    return torch.gather(logits, 2, chosen[..., None])[..., 0] - logits.logsumexp(dim=-1)


def logprobs_by_indexing(logits: Tensor, chosen: Tensor) -> Tensor:
    batch, seq, _ = logits.shape
    return logits.log_softmax(-1)[torch.arange(batch)[:, None], torch.arange(seq), chosen]


def logprobs_by_one_hot(logits: Tensor, chosen: Tensor) -> Tensor:
    wanted = functional.one_hot(chosen, logits.shape[-1])
    return (torch.log_softmax(logits, -1) * wanted).sum(dim=-1)


def logprobs_by_loops(logits: Tensor, chosen: Tensor) -> Tensor:
    table = logits.log_softmax(dim=-1)
    rows = [
        torch.stack([place[token] for place, token in zip(text, tokens, strict=True)])
        for text, tokens in zip(table, chosen, strict=True)
    ]
    return torch.stack(rows)


def logprobs_by_distribution(logits: Tensor, chosen: Tensor) -> Tensor:
    return torch.distributions.Categorical(logits=logits).log_prob(chosen)


# chosen_logprobs, wrong


def _gathered(table: Tensor, chosen: Tensor) -> Tensor:
    return table.gather(-1, chosen.unsqueeze(-1)).squeeze(-1)


def log_of_softmax_late(logits: Tensor, chosen: Tensor) -> Tensor:
    return _gathered(torch.softmax(logits, dim=-1), chosen).log()


def tiny_number_added_late(logits: Tensor, chosen: Tensor) -> Tensor:
    return torch.log(_gathered(torch.softmax(logits, dim=-1), chosen) + 1e-9)


def logprobs_of_one(text: Tensor, chosen: Tensor) -> Tensor:
    """The log-probabilities that one text's logits give to the tokens of each row of `chosen`."""
    return torch.stack([_gathered(text.log_softmax(-1), tokens) for tokens in chosen])


def exponentials_overflow_late(logits: Tensor, chosen: Tensor) -> Tensor:
    return _gathered(logits, chosen) - logits.exp().sum(-1).log()


def over_places_by_logsumexp(logits: Tensor, chosen: Tensor) -> Tensor:
    return _gathered(logits - logits.logsumexp(dim=1, keepdim=True), chosen)


def over_texts_by_logsumexp(logits: Tensor, chosen: Tensor) -> Tensor:
    return _gathered(logits - logits.logsumexp(dim=0, keepdim=True), chosen)


def probabilities_by_exp(logits: Tensor, chosen: Tensor) -> Tensor:
    return logprobs_by_cross_entropy(logits, chosen).exp()


def sign_turned_by_pytorch(logits: Tensor, chosen: Tensor) -> Tensor:
    return functional.nll_loss(logits.log_softmax(-1).transpose(1, 2), chosen, reduction="none")


def likeliest_by_argmax(logits: Tensor, chosen: Tensor) -> Tensor:
    return _gathered(logits.log_softmax(-1), logits.argmax(-1))


def gathered_along_places_by_take(logits: Tensor, chosen: Tensor) -> Tensor:
    return torch.gather(torch.log_softmax(logits, 2), 1, chosen[:, :, None])[:, :, 0]


def all_from_first_place_by_none(logits: Tensor, chosen: Tensor) -> Tensor:
    return torch.gather(torch.log_softmax(logits, -1), -1, chosen[:, None, :])[:, 0]


# mean_of_real, right


def mean_by_product(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum(-1) / mask.sum(-1)


def mean_by_einops(values: Tensor, mask: Tensor) -> Tensor:
    real = mask.float()
    return reduce(values * real, "batch seq -> batch", "sum") / reduce(real, "batch seq -> batch", "sum")


def mean_by_nan(values: Tensor, mask: Tensor) -> Tensor:
    return values.masked_fill(~mask, torch.nan).nanmean(dim=1)


def mean_by_loops(values: Tensor, mask: Tensor) -> Tensor:
    return torch.stack([values[row][mask[row]].mean() for row in range(len(values))])


def mean_by_weights(values: Tensor, mask: Tensor) -> Tensor:
    weights = mask / mask.sum(dim=-1, keepdim=True)
    return einsum(values, weights, "batch seq, batch seq -> batch")


# mean_of_real, wrong


def padding_in_denominator_by_mean(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).mean(dim=-1)


def over_texts_by_product(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum(0) / mask.sum(0)


# by_prompt, right


def groups_by_transpose(answers: Tensor, prompts: int) -> Tensor:
    return answers.reshape(-1, prompts, answers.shape[-1]).transpose(0, 1)


def groups_by_permute(answers: Tensor, prompts: int) -> Tensor:
    return answers.unflatten(0, (-1, prompts)).permute(1, 0, 2)


def groups_by_chunks(answers: Tensor, prompts: int) -> Tensor:
    return torch.stack(answers.chunk(len(answers) // prompts), dim=1)


def groups_by_index(answers: Tensor, prompts: int) -> Tensor:
    rounds = len(answers) // prompts
    rows = torch.arange(prompts)[:, None] + prompts * torch.arange(rounds)
    return answers[rows]


def groups_by_loops(answers: Tensor, prompts: int) -> Tensor:
    groups: list[list[Tensor]] = [[] for _ in range(prompts)]
    for row, answer in enumerate(answers):
        groups[row % prompts].append(answer)
    return torch.stack([torch.stack(group) for group in groups])


# by_prompt, wrong


def reshaped_only_by_einops(answers: Tensor, prompts: int) -> Tensor:
    return rearrange(answers, "(prompt round) seq -> prompt round seq", prompt=prompts)


def rounds_first_by_einops(answers: Tensor, prompts: int) -> Tensor:
    return rearrange(answers, "(round prompt) seq -> round prompt seq", prompt=prompts)


def prompts_for_rounds_by_einops(answers: Tensor, prompts: int) -> Tensor:
    return rearrange(answers, "(round prompt) seq -> prompt round seq", round=prompts)


def tokens_moved_by_einops(answers: Tensor, prompts: int) -> Tensor:
    return rearrange(answers, "(round prompt) seq -> prompt seq round", prompt=prompts)


def joined_by_einops(answers: Tensor, prompts: int) -> Tensor:
    return rearrange(answers, "(round prompt) seq -> prompt (round seq)", prompt=prompts)


def not_split_by_sorting(answers: Tensor, prompts: int) -> Tensor:
    return answers[(torch.arange(len(answers)) % prompts).argsort(stable=True)]


# distance_to_teacher, right


def distance_by_mse_loss(student: Tensor, teacher: Tensor) -> Tensor:
    return functional.mse_loss(student, teacher.detach())


def distance_without_grad(student: Tensor, teacher: Tensor) -> Tensor:
    with torch.no_grad():
        target = teacher.clone()
    return ((student - target) ** 2).mean()


def distance_by_norm(student: Tensor, teacher: Tensor) -> Tensor:
    difference = (teacher.data - student).flatten()
    return difference @ difference / student.numel()


def distance_by_loops(student: Tensor, teacher: Tensor) -> Tensor:
    pairs = zip(student.flatten(), teacher.detach().flatten().tolist(), strict=True)
    return sum((mine - target) ** 2 for mine, target in pairs) / student.numel()


# distance_to_teacher, wrong


def not_detached_by_hand(student: Tensor, teacher: Tensor) -> Tensor:
    return ((student - teacher) ** 2).mean()


def student_detached_by_hand(student: Tensor, teacher: Tensor) -> Tensor:
    return ((teacher - student.detach()) ** 2).mean()


def both_detached(student: Tensor, teacher: Tensor) -> Tensor:
    return ((student - teacher) ** 2).mean().detach()


def both_without_grad(student: Tensor, teacher: Tensor) -> Tensor:
    with torch.no_grad():
        return ((student - teacher) ** 2).mean()


def halved_by_factor(student: Tensor, teacher: Tensor) -> Tensor:
    return 0.5 * ((teacher.detach() - student) ** 2).mean()


def root_by_power(student: Tensor, teacher: Tensor) -> Tensor:
    return ((student - teacher.detach()) ** 2).mean() ** 0.5


def signs_cancel_by_means(student: Tensor, teacher: Tensor) -> Tensor:
    return (student.mean() - teacher.detach().mean()) ** 2


def detached_in_place(student: Tensor, teacher: Tensor) -> Tensor:
    return ((student - teacher.detach_()) ** 2).mean()


# uniform_draws, right


def draws_in_two_lines(count: int, seed: int) -> Tensor:
    random = torch.Generator()
    random.manual_seed(seed)
    return torch.rand(count, generator=random)


def draws_in_place(count: int, seed: int) -> Tensor:
    return torch.empty(count).uniform_(generator=torch.Generator().manual_seed(seed))


def draws_one_by_one(count: int, seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.stack([torch.rand((), generator=random) for _ in range(count)])


def draws_in_a_fork(count: int, seed: int) -> Tensor:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return torch.rand(count)


# uniform_draws, wrong


def seeded_everywhere(count: int, seed: int) -> Tensor:
    torch.manual_seed(seed)
    return torch.rand(count)


def numpy_by_tensor(count: int, seed: int) -> Tensor:
    return torch.tensor(np.random.default_rng(seed).random(count), dtype=torch.float32)


RIGHT = {
    "differences": [
        differences_by_none,
        differences_by_einops,
        differences_by_repeating,
        differences_by_loops,
    ],
    "chosen_logprobs": [
        logprobs_by_cross_entropy,
        logprobs_by_logsumexp,
        logprobs_by_indexing,
        logprobs_by_one_hot,
        logprobs_by_loops,
        logprobs_by_distribution,
    ],
    "mean_of_real": [mean_by_product, mean_by_einops, mean_by_nan, mean_by_loops, mean_by_weights],
    "by_prompt": [groups_by_transpose, groups_by_permute, groups_by_chunks, groups_by_index, groups_by_loops],
    "distance_to_teacher": [
        distance_by_mse_loss,
        distance_without_grad,
        distance_by_norm,
        distance_by_loops,
    ],
    "uniform_draws": [draws_in_two_lines, draws_in_place, draws_one_by_one, draws_in_a_fork],
}

WRONG = {
    "differences": {
        "right_minus_left": [right_minus_left_in_place],
        "rows_and_columns_swapped": [rows_and_columns_by_wrong_axes],
        "everything_swapped": [everything_by_arguments],
        "swapped_and_counted_from_the_front": [
            lambda left, right: left.unsqueeze(0) - right.unsqueeze(1),
            lambda left, right: left[None] - right[:, None],
        ],
        "paired_up": [lambda left, right: left - right],
        "absolute": [lambda left, right: (left.unsqueeze(-1) - right.unsqueeze(-2)).abs()],
        "sums": [lambda left, right: left[..., None] + right[..., None, :]],
        "products": [lambda left, right: torch.einsum("...r,...c->...rc", left, right)],
        "counted_from_the_front": [
            counted_from_the_front_by_none,
            lambda left, right: left.unsqueeze(1) - right,
            lambda left, right: left.unsqueeze(1) - right.unsqueeze(0),
        ],
        "right_without_an_axis": [lambda left, right: left[..., None] - right],
    },
    "chosen_logprobs": {
        "log_of_softmax": [
            log_of_softmax_late,
            lambda logits, chosen: _gathered(logits.softmax(-1).log(), chosen),
        ],
        "tiny_number_added": [
            tiny_number_added_late,
            lambda logits, chosen: _gathered((logits.softmax(-1) + 1e-9).log(), chosen),
        ],
        "exponentials_overflow": [
            exponentials_overflow_late,
            lambda logits, chosen: _gathered(logits - logits.exp().sum(-1, True).log(), chosen),
        ],
        "over_places": [
            over_places_by_logsumexp,
            lambda logits, chosen: _gathered(logits.log_softmax(1), chosen),
        ],
        "over_texts": [
            over_texts_by_logsumexp,
            lambda logits, chosen: _gathered(logits.log_softmax(0), chosen),
        ],
        "logarithms_of_logits": [
            lambda logits, chosen: _gathered(torch.log(logits), chosen),
            lambda logits, chosen: torch.take_along_dim(logits.log(), chosen[..., None], -1)[..., 0],
        ],
        "texts_with_all_texts": [
            lambda logits, chosen: logits.log_softmax(-1)[:, torch.arange(logits.shape[1]), chosen],
            lambda logits, chosen: torch.stack([logprobs_of_one(text, chosen) for text in logits]),
        ],
        "one_list": [
            lambda logits, chosen: logprobs_by_indexing(logits, chosen).reshape(-1),
            lambda logits, chosen: (
                -functional.cross_entropy(logits.flatten(0, 1), chosen.flatten(), reduction="none")
            ),
        ],
        "one_list_with_sign_turned": [
            lambda logits, chosen: functional.cross_entropy(
                logits.reshape(-1, logits.shape[-1]), chosen.reshape(-1), reduction="none"
            ),
            lambda logits, chosen: -logprobs_by_loops(logits, chosen).flatten(),
        ],
        "raw_logits": [
            lambda logits, chosen: _gathered(logits, chosen),
            lambda logits, chosen: (logits * functional.one_hot(chosen, logits.shape[-1])).sum(-1),
        ],
        "probabilities": [
            probabilities_by_exp,
            lambda logits, chosen: _gathered(logits.softmax(-1), chosen),
        ],
        "sign_turned": [
            sign_turned_by_pytorch,
            lambda logits, chosen: -_gathered(logits.log_softmax(-1), chosen),
        ],
        "likeliest_token": [
            likeliest_by_argmax,
            lambda logits, chosen: logits.log_softmax(-1).max(dim=-1).values,
        ],
        "axis_kept": [
            lambda logits, chosen: logits.log_softmax(-1).gather(-1, chosen.unsqueeze(-1)),
            lambda logits, chosen: logprobs_by_cross_entropy(logits, chosen)[..., None],
        ],
        "squeezed_everything": [
            lambda logits, chosen: logits.log_softmax(-1).gather(-1, chosen.unsqueeze(-1)).squeeze(),
            lambda logits, chosen: torch.log_softmax(logits, 2).gather(2, chosen[..., None]).squeeze(),
        ],
        "gathered_along_places": [
            gathered_along_places_by_take,
            lambda logits, chosen: logits.log_softmax(-1).gather(1, chosen[..., None]).squeeze(-1),
        ],
        "all_from_first_place": [
            all_from_first_place_by_none,
            lambda logits, chosen: logits.log_softmax(-1).gather(2, chosen.unsqueeze(1)).squeeze(1),
        ],
        "all_with_all": [
            lambda logits, chosen: logits.log_softmax(-1)[..., chosen],
            lambda logits, chosen: torch.log_softmax(logits, 2)[:, :, chosen],
        ],
        "summed": [
            lambda logits, chosen: _gathered(logits.log_softmax(-1), chosen).sum(-1),
            lambda logits, chosen: reduce(logprobs_by_loops(logits, chosen), "batch seq -> batch", "sum"),
        ],
        "averaged": [
            lambda logits, chosen: _gathered(logits.log_softmax(-1), chosen).mean(),
            lambda logits, chosen: -functional.cross_entropy(logits.flatten(0, 1), chosen.flatten()),
        ],
    },
    "mean_of_real": {
        "padding_in_denominator": [padding_in_denominator_by_mean],
        "padding_counted": [lambda values, mask: values.mean(-1)],
        "nonzero_counted": [lambda values, mask: (values * mask).sum(-1) / (values != 0).sum(-1)],
        "real_zeros_left_out": [lambda values, mask: (values * mask).sum(-1) / (values * mask != 0).sum(-1)],
        "mask_inverted": [lambda values, mask: (values * ~mask).sum(-1) / (~mask).sum(-1)],
        "one_mean_for_all": [lambda values, mask: (values * mask).sum() / mask.sum()],
        "mean_of_means": [lambda values, mask: ((values * mask).sum(-1) / mask.sum(-1)).mean()],
        "all_tokens_in_denominator": [lambda values, mask: (values * mask).sum(-1) / mask.sum()],
        "summed": [lambda values, mask: (values * mask).sum(-1)],
        "over_texts": [over_texts_by_product],
        "axis_kept": [lambda values, mask: (values * mask).sum(-1, True) / mask.sum(-1, True)],
    },
    "by_prompt": {
        "reshaped_only": [
            reshaped_only_by_einops,
            lambda answers, prompts: answers.view(prompts, len(answers) // prompts, -1),
        ],
        "rounds_first": [
            rounds_first_by_einops,
            lambda answers, prompts: answers.unflatten(0, (-1, prompts)),
        ],
        "prompts_for_rounds": [
            prompts_for_rounds_by_einops,
            lambda answers, prompts: torch.stack(answers.chunk(prompts), dim=1),
        ],
        "tokens_moved": [
            tokens_moved_by_einops,
            lambda answers, prompts: answers.unflatten(0, (-1, prompts)).permute(1, 2, 0),
        ],
        "joined": [
            joined_by_einops,
            lambda answers, prompts: torch.stack([answers[p::prompts].flatten() for p in range(prompts)]),
        ],
        "not_split": [
            not_split_by_sorting,
            lambda answers, prompts: torch.cat([answers[p::prompts] for p in range(prompts)]),
        ],
        "unchanged_order": [
            lambda answers, prompts: answers[:, None],
            lambda answers, prompts: rearrange(answers, "row seq -> row 1 seq"),
        ],
    },
    "distance_to_teacher": {
        "not_detached": [not_detached_by_hand, functional.mse_loss],
        "student_detached": [
            student_detached_by_hand,
            lambda student, teacher: functional.mse_loss(student.detach(), teacher),
        ],
        "changed_input": [
            detached_in_place,
            lambda student, teacher: functional.mse_loss(student, teacher.detach_()),
        ],
        "detached": [both_detached, both_without_grad],
        "summed": [
            lambda student, teacher: functional.mse_loss(student, teacher.detach(), reduction="sum"),
            lambda student, teacher: ((student - teacher.detach()) ** 2).sum(),
        ],
        "divided_by_rows": [
            lambda student, teacher: ((student - teacher.detach()) ** 2).sum() / len(student),
            lambda student, teacher: (
                (student - teacher.detach()).square().flatten(1).sum(-1).mean()
                if student.dim() > 1
                else functional.mse_loss(student, teacher.detach())
            ),
        ],
        "halved": [
            halved_by_factor,
            lambda student, teacher: (student - teacher.detach()).square().mean() / 2,
        ],
        "root_taken": [
            root_by_power,
            lambda student, teacher: functional.mse_loss(student, teacher.detach()).sqrt(),
        ],
        "not_squared": [
            lambda student, teacher: functional.l1_loss(student, teacher.detach()),
            lambda student, teacher: (student - teacher.detach()).abs().mean(),
        ],
        "signs_cancel": [
            signs_cancel_by_means,
            lambda student, teacher: (student - teacher.detach()).mean() ** 2,
        ],
        "mean_of_rows": [
            lambda student, teacher: (student - teacher.detach()).square().mean(-1),
            lambda student, teacher: reduce((student - teacher.detach()) ** 2, "... row -> ...", "mean"),
        ],
    },
    "uniform_draws": {
        "seed_ignored": [lambda count, seed: torch.rand(count, generator=torch.Generator().manual_seed(0))],
        "never_seeded": [lambda count, seed: torch.rand(count, generator=torch.Generator())],
        "global_source": [lambda count, seed: torch.rand(count)],
        "global_randomness": [seeded_everywhere],
        "seeded_for_each": [lambda count, seed: draws_in_two_lines(1, seed).repeat(count)],
        "normal": [lambda count, seed: torch.randn(count, generator=torch.Generator().manual_seed(seed))],
        "double_precision": [
            lambda count, seed: torch.rand(
                count, generator=torch.Generator().manual_seed(seed), dtype=torch.double
            ),
        ],
        "numpy": [numpy_by_tensor],
    },
}
