"""A big model teaches a small one: by its probabilities, by what it writes, or by judging what the small one
writes.

    traces      fine-tune the student on right answers that the teacher wrote       (`distil`; what R1 did)
    soft        the same texts, but learn the teacher's whole distribution          (`distil_softly`)
    on-policy   the student writes, the teacher says how likely it finds each word  (`distil_on_policy`)

And what is needed to compare them fairly: `controls`, who else could have written the texts, and
`compute_spent`, what each way costs.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from .fast_writing import FastWriter
from .fine_tuning import fine_tune
from .generation import Sampling
from .model import LanguageModel
from .report_card import LONGEST
from .rewards import ACCURACY
from .rollouts import Rollouts, roll_out
from .sizes import count_params
from .training import Plan, Record, learning_rate_at, make_optimizer, update
from .worlds import Document, Problem, judge, read


def soft_loss(
    student_logits: Tensor, teacher_logits: Tensor, mask: Tensor, temperature: float = 1.0
) -> Tensor:
    """How far the student's distribution is from the teacher's: T^2 KL(teacher || student), both at
    temperature T.

    Logits [batch, seq, vocab], `mask` [batch, seq], True at positions that count; one must at least. Returns
    a scalar: the mean over counted positions of the sum over the vocabulary. No gradient reaches the teacher.

    A higher temperature shows more of what the teacher holds unlikely. It also makes gradients smaller by
    about 1/T^2; the factor T^2 undoes that, which matters where this loss stands beside another. Source:
    Hinton, Vinyals and Dean 2015 (arXiv 1503.02531), section 2.
    """
    teacher = (teacher_logits.detach() / temperature).log_softmax(dim=-1)
    student = (student_logits / temperature).log_softmax(dim=-1)
    divergence = (teacher.exp() * (teacher - student)).sum(dim=-1)
    return temperature**2 * divergence[mask].mean()


def reverse_kl(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> Tensor:
    """KL(student || teacher) on what the *student* sampled: the loss of on-policy distillation.

    Logits [batch, seq, vocab] of both models on the student's own completions, `mask` [batch, seq], True
    at one position at least. Returns a scalar: the mean over those positions. The student is to avoid
    what the teacher would not write. The gradient goes through the student's probabilities, and never
    into the teacher. Source: Agarwal et al. 2024 (arXiv 2306.13649); Gu et al. 2024 (arXiv 2306.08543).
    """
    student = student_logits.log_softmax(dim=-1)
    teacher = teacher_logits.detach().log_softmax(dim=-1)
    divergence = (student.exp() * (student - teacher)).sum(dim=-1)
    return divergence[mask].mean()


def filter_traces(problems: Sequence[Problem], completions: Sequence[Sequence[str]]) -> list[Document]:
    """Pair what a teacher wrote with its problems, and keep the right answers to training problems.

    `completions` are the words as they were written, in groups: with n of them a problem, the first n answer
    the first problem, the next n the second. One that was cut off has no end word, and is no trace. Returns
    documents, whose completions are without the end word, in their order; a right answer that was given
    twice is kept twice.

    An answer is what `read(completion, ended=False).answer` finds (None: there is none), and `judge(problem,
    answer)` returns None for a right one. `problem.split` is "train" or "test".
    """
    samples = len(completions) // len(problems)
    traces = []
    for place, completion in enumerate(completions):
        problem, answer = problems[place // samples], read(completion, ended=False).answer
        if problem.split == "train" and answer is not None and judge(problem, answer) is None:
            traces.append(Document(problem, tuple(completion[:-1])))
    return traces


def controls(
    traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]
) -> dict[str, list[Document]]:
    """The same number of documents from three authors, to see what is due to the teacher.

    `traces` are the teacher's, `own` the student's own right samples, `worked` documents of the corpus that
    work step by step and had no teacher. None is filtered here, but for test problems, which nobody may
    learn from. Returns the three lists as "teacher", "own samples" and "no teacher", each cut to the length
    of the shortest.
    """
    authors = {"teacher": traces, "own samples": own, "no teacher": worked}
    allowed = {
        author: [each for each in documents if each.problem.split == "train"]
        for author, documents in authors.items()
    }
    count = min(len(documents) for documents in allowed.values())
    return {author: documents[:count] for author, documents in allowed.items()}


def compute_spent(student: int, trained: int, rolled_out: int = 0, teacher: int = 0, sampled: int = 0) -> int:
    """How many floating-point operations a way of training a student costs, about.

    `student` and `teacher` are numbers of parameters that a token uses; `trained` tokens were trained on,
    the student rolled out `rolled_out` tokens, and the teacher sampled `sampled` of them. Tokens are counted
    with their prompts, and as often as they were used: not documents, and not steps. Forward costs 2
    operations a parameter and token, and backward 4.

    The teacher's own training is not in it: say it beside.
    Source: Kaplan et al. 2020 (arXiv 2001.08361), section 2.1: 6 N D. Attention's scores are left out.
    """
    training = 6 * student * trained
    rollouts = 2 * student * rolled_out
    teaching = 2 * teacher * sampled
    return training + rollouts + teaching


def coverage_change(before: Sequence[int], after: Sequence[int]) -> dict[str, int]:
    """Sort problems by who solves them at all: the model before a training, or the one after it.

    `before` and `after`: how many samples of each problem were right, problem by problem; as many samples in
    both. A problem is solved if at least one sample is right. Returns how many problems are solved in "both",
    how many were "gained" (solved after, and not before), how many were "lost" (the other way round), and how
    many are solved in "neither".

    Some of it is luck: with more samples, a problem that was gained might have been solved before as well.
    Source of the question: Yue et al. 2025 (arXiv 2504.13837).
    """
    solved = [(right > 0, later > 0) for right, later in zip(before, after, strict=True)]
    return {
        "both": solved.count((True, True)),
        "gained": solved.count((False, True)),
        "lost": solved.count((True, False)),
        "neither": solved.count((False, False)),
    }


def active_parameters(model: LanguageModel) -> int:
    """How many parameters of a model one token uses: all but the embedding, a look-up, and idle experts."""
    return count_params(model.config)[1] - model.embedding.weight.numel()


def distil(student: LanguageModel, traces: Sequence[Document], plan: Plan, seed: int) -> Iterator[Record]:
    """Train `student` in place on a teacher's traces, as next-token training does; yields one record a step.

    R1's distilled models had nothing else: no RL, no soft targets (arXiv 2501.12948v1, section 2.4).
    """
    yield from fine_tune(student, traces, plan, seed)


def distil_softly(
    student: LanguageModel,
    teacher: LanguageModel,
    traces: Sequence[Document],
    plan: Plan,
    seed: int,
    temperature: float = 1.0,
) -> Iterator[Record]:
    """Train `student` in place on the teacher's distribution over each next token of the traces.

    Yields one record a step; the loss is `soft_loss` at this temperature.
    """

    def of_the_teacher(model: nn.Module, tokens: Tensor, mask: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = teacher(tokens)
        # Logits at one position speak of the token at the next.
        return soft_loss(model(tokens)[:, :-1], wanted[:, :-1], mask[:, 1:], temperature)

    yield from fine_tune(student, traces, plan, seed, of_the_teacher)


def distil_on_policy(
    student: LanguageModel,
    teacher: LanguageModel,
    problems_at: Callable[[int], Sequence[Problem]],
    plan: Plan,
    seed: int,
    samples: int = 1,
) -> Iterator[Record]:
    """The student answers, and the teacher's distribution at each of its tokens is what it learns.

    `problems_at(step)` gives the problems of a step, each answered `samples` times; `student` is trained in
    place. No reward is asked for. Yields one record a step; the loss is `reverse_kl`.

    Source: Agarwal et al. 2024 (arXiv 2306.13649); Qwen3 (arXiv 2505.09388) used it for its small models.
    """
    optimizer = make_optimizer(student, plan.learning_rate, plan.weight_decay)
    generator = torch.Generator().manual_seed(seed)
    for step in range(plan.steps):
        rate = learning_rate_at(step, plan)
        for group in optimizer.param_groups:
            group["lr"] = rate
        answers = roll_out(
            FastWriter(student), problems_at(step), samples, ACCURACY, Sampling(LONGEST), generator
        )
        with torch.no_grad():
            wanted = completion_logits(teacher, answers)
        loss = reverse_kl(completion_logits(student, answers), wanted, answers.mask)
        norm = update(student, optimizer, [loss], plan.clip, step)
        yield Record(step, loss.item(), rate, norm, answers.tokens)


def completion_logits(model: LanguageModel, rollouts: Rollouts) -> Tensor:
    """The logits by which a model would choose each token of the completions: [batch, new, vocab]."""
    tokens = torch.cat([rollouts.prompts, rollouts.completions], dim=1)
    new = rollouts.completions.shape[1]
    return model(tokens, rollouts.padding)[:, -new - 1 : -1]
