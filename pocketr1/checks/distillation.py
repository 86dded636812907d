"""Checks of distillation: soft targets, traces and their filter, the bill, the control arms, the reverse
divergence, and what a student gained.

Documents are compared as texts, which say to which of the case's problems they belong.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..worlds import Document, Problem, document, judge, problems, read
from .specification import Case, Check, Mistake


def _normal(*shape: int, seed: int = 0, size: float = 1.0) -> Tensor:
    return size * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _pair(*shape: int, size: float = 1.5) -> tuple[Tensor, Tensor]:
    """A student's logits and a teacher's."""
    return _normal(*shape, size=size), _normal(*shape, seed=1, size=size)


def _all(batch: int, seq: int) -> Tensor:
    return torch.ones(batch, seq, dtype=torch.bool)


_UNEVEN = torch.tensor([[True, True, True, True], [False, True, False, False]])
"""One text counts four positions, the other one."""


def _two_words(student: float, teacher: float) -> tuple[Tensor, Tensor, Tensor]:
    """One position and two words, of which the first has the logit 0."""
    return torch.tensor([[[0.0, student]]]), torch.tensor([[[0.0, teacher]]]), _all(1, 1)


# soft_loss

Loss = Callable[[Tensor, Tensor, Tensor, float], Tensor]


def _forward(student: Tensor, teacher: Tensor) -> Tensor:
    """KL(teacher || student) of every position, from logits; no gradient reaches the teacher."""
    wanted = teacher.detach().log_softmax(-1)
    return functional.kl_div(student.log_softmax(-1), wanted, reduction="none", log_target=True).sum(-1)


def _expected_soft_loss(
    student_logits: Tensor, teacher_logits: Tensor, mask: Tensor, temperature: float = 1.0
) -> Tensor:
    each = _forward(student_logits / temperature, teacher_logits / temperature)
    return temperature**2 * each[mask].mean()


def _soft(
    divergence: Callable[[Tensor, Tensor], Tensor] = _forward,
    average: Callable[[Tensor, Tensor], Tensor] = lambda each, mask: each[mask].mean(),
    factor: Callable[[float], float] = lambda t: t**2,
    soften: Callable[[Tensor, float], Tensor] = lambda logits, t: logits / t,
    soften_teacher: Callable[[Tensor, float], Tensor] | None = None,
) -> Loss:
    """The loss, put together from parts of which one is wrong."""

    def loss(student: Tensor, teacher: Tensor, mask: Tensor, temperature: float = 1.0) -> Tensor:
        wanted = (soften_teacher or soften)(teacher, temperature)
        return factor(temperature) * average(divergence(soften(student, temperature), wanted), mask)

    return loss


def _divergence_of_probabilities(one: Tensor, other: Tensor) -> Tensor:
    """KL(one || other) by the logarithm of a softmax: of a probability that is rounded to 0."""
    p, q = one.softmax(-1), other.softmax(-1)
    return (p * (p.log() - q.log())).sum(-1)


def _of_probabilities(student: Tensor, teacher: Tensor) -> Tensor:
    return _divergence_of_probabilities(teacher.detach(), student)


def _teacher_learns(student: Tensor, teacher: Tensor) -> Tensor:
    p = teacher.log_softmax(-1)
    return (p.exp() * (p - student.log_softmax(-1))).sum(-1)


def _cross_entropy(student: Tensor, teacher: Tensor) -> Tensor:
    return -(teacher.detach().softmax(-1) * student.log_softmax(-1)).sum(-1)


def _one_hot(student: Tensor, teacher: Tensor) -> Tensor:
    best = teacher.detach().argmax(-1, keepdim=True)
    return -student.log_softmax(-1).gather(-1, best).squeeze(-1)


def _over_positions(student: Tensor, teacher: Tensor) -> Tensor:
    p, q = teacher.detach().log_softmax(1), student.log_softmax(1)
    return (p.exp() * (p - q)).sum(-1)


def _student_as_probabilities(student: Tensor, teacher: Tensor) -> Tensor:
    wanted = teacher.detach().softmax(-1)
    return functional.kl_div(student.softmax(-1), wanted, reduction="none").sum(-1)


def _log_target_missing(student: Tensor, teacher: Tensor) -> Tensor:
    wanted = teacher.detach().log_softmax(-1)
    return functional.kl_div(student.log_softmax(-1), wanted, reduction="none").sum(-1)


def _of_each_text(each: Tensor, mask: Tensor) -> Tensor:
    return ((each * mask).sum(1) / mask.sum(1)).mean()


SOFT_LOSS = Check(
    expected=_expected_soft_loss,
    cases=(
        Case("one position, two words, logits (0, 0) and (0, 1.1)", lambda: (*_two_words(0.0, 1.1), 1.0)),
        Case("two texts of three positions that all count", lambda: (*_pair(2, 3, 5), _all(2, 3), 1.0)),
        Case("the same at temperature 2", lambda: (*_pair(2, 3, 5), _all(2, 3), 2.0)),
        Case("positions that do not count", lambda: (*_pair(2, 4, 5), _UNEVEN, 1.0)),
        Case("positions that do not count, at temperature 4", lambda: (*_pair(2, 4, 5), _UNEVEN, 4.0)),
        Case(
            "as many texts as positions and as words, at temperature 0.5",
            lambda: (*_pair(3, 3, 3), _all(3, 3), 0.5),
        ),
        Case("a word that both hold nearly impossible", lambda: (*_two_words(-200.0, -250.0), 1.0)),
    ),
    mistakes=(
        Mistake(
            "swapped",
            "the two have changed places: this is KL(student || teacher). What the *teacher* holds likely"
            " should weigh, so its probabilities stand in front",
            _soft(
                lambda student, teacher: (
                    student.softmax(-1) * (student.log_softmax(-1) - teacher.detach().log_softmax(-1))
                ).sum(-1)
            ),
        ),
        Mistake(
            "mean_over_vocabulary",
            'this is a mean over the vocabulary too (`reduction="mean"` does that); a divergence is a *sum*'
            " over the vocabulary, and the mean is over positions",
            _soft(lambda student, teacher: _forward(student, teacher) / student.shape[-1]),
        ),
        Mistake(
            "summed",
            "this is the sum over the positions that count; their mean is asked for",
            _soft(average=lambda each, mask: each[mask].sum()),
        ),
        Mistake(
            "divided_by_texts",
            'the sum is divided by the number of texts (`reduction="batchmean"` does that); divide by the'
            " number of positions that count",
            _soft(average=lambda each, mask: each[mask].sum() / len(mask)),
        ),
        Mistake(
            "batchmean",
            'all positions are added up, and divided by the number of texts (`reduction="batchmean"` does'
            " both); take the mean over the positions where the mask is True",
            _soft(average=lambda each, mask: each.sum() / len(mask)),
        ),
        Mistake(
            "padding_counts",
            "positions that the mask leaves out are in the mean",
            _soft(average=lambda each, mask: each.mean()),
        ),
        Mistake(
            "padding_as_zero",
            "positions that do not count are set to 0, and are then still in the number that is divided by",
            _soft(average=lambda each, mask: (each * mask).mean()),
        ),
        Mistake(
            "mean_of_texts",
            "this is the mean of each text, and then of the texts; every position should count the same,"
            " in a long text and in a short one",
            _soft(average=_of_each_text),
        ),
        Mistake(
            "t_squared_lost",
            "the factor T² in front is missing",
            _soft(factor=lambda t: 1.0),
        ),
        Mistake("t_once", "the factor in front is T; it should be T²", _soft(factor=lambda t: t)),
        Mistake(
            "t_squared_divides",
            "the divergence is divided by T²; it should be multiplied, to undo what the softening took",
            _soft(factor=lambda t: t**-2),
        ),
        Mistake(
            "student_not_softened",
            "only the teacher is at temperature T; the student's logits must be divided by T too, or the two"
            " cannot agree",
            _soft(soften=lambda logits, t: logits, soften_teacher=lambda logits, t: logits / t),
        ),
        Mistake(
            "teacher_not_softened",
            "only the student is at temperature T; the teacher's logits must be divided by T too",
            _soft(soften_teacher=lambda logits, t: logits),
        ),
        Mistake(
            "not_softened",
            "the temperature is only in the factor in front; both logits must be divided by T",
            _soft(soften=lambda logits, t: logits),
        ),
        Mistake(
            "multiplied_by_t",
            "the logits are multiplied by T; a high temperature makes them smaller: divide",
            _soft(soften=lambda logits, t: logits * t),
        ),
        Mistake(
            "teacher_learns",
            "the numbers are right, but a gradient reaches the teacher, who would learn from its student:"
            " `detach()` its logits",
            _soft(_teacher_learns),
        ),
        Mistake(
            "log_of_softmax",
            "the probability of a nearly impossible word is rounded to 0, and its logarithm is minus"
            " infinity. Take `log_softmax`, which never makes the probability",
            _soft(_of_probabilities),
        ),
        Mistake(
            "log_of_softmax_and_teacher_learns",
            "the probability of a nearly impossible word is rounded to 0, and its logarithm is minus"
            " infinity: take `log_softmax`. And a gradient reaches the teacher: `detach()` its logits",
            _soft(lambda student, teacher: _divergence_of_probabilities(teacher, student)),
        ),
        Mistake(
            "cross_entropy",
            "this is the cross-entropy: minus the teacher's probabilities times the student's logarithms. It"
            " pulls the same way, but is not 0 when the student has become the teacher: take the teacher's"
            " own logarithms into it",
            _soft(_cross_entropy),
        ),
        Mistake(
            "hard_targets",
            "only the teacher's likeliest word is learned; soft targets are the whole distribution",
            _soft(_one_hot),
        ),
        Mistake(
            "over_positions",
            "the probabilities sum to one over the positions of a text; they should do so over the"
            " vocabulary, the last axis",
            _soft(_over_positions),
        ),
        Mistake(
            "sign_turned",
            "the sign is turned round: a divergence is never below 0",
            _soft(factor=lambda t: -(t**2)),
        ),
        Mistake(
            "student_as_probabilities",
            "`kl_div` wants the student's *logarithms* first: `log_softmax`, not `softmax`",
            _soft(_student_as_probabilities),
        ),
        Mistake(
            "log_target_missing",
            "`kl_div` was given the teacher's logarithms and takes them for probabilities: it needs"
            " `log_target=True`",
            _soft(_log_target_missing),
        ),
    ),
    why="The teacher's whole distribution says which wrong words are nearly right, and a high temperature"
    " makes that louder. T² makes up for the gradients, which become smaller.",
)


# filter_traces

_CHAINS = problems("calc", 2, 4, seed=3, language="english")
_HELD_OUT = problems("calc", 2, 1, seed=3, split="test", language="english")[0]
_PROGRAM = problems("write", 1, 1, seed=4, language="english")[0]

Words = tuple[str, ...]


def _writes(problem: Problem, style: str = "direct") -> Words:
    """What a good author writes, the end word included."""
    return (*document(problem, style, problem.language, Random(0)).completion, "<end>")  # type: ignore[arg-type]


def _wrong(problem: Problem, style: str = "direct") -> Words:
    """As `_writes`, with another last digit."""
    *before, digit, close, end = _writes(problem, style)
    return (*before, str((int(digit) + 1) % 10), close, end)


def _another_program(problem: Problem) -> Words:
    """A program that passes and is not the one in `problem.answer`: turned round twice more."""
    return ("<answer>", *problem.answer, "rev", "rev", "</answer>", "<end>")


def _slip(problem: Problem) -> Words:
    """A right answer below a step that is not right."""
    words = list(_writes(problem, "worked"))
    words[7] = str((int(words[7]) + 1) % 10)  # the first digit of the first step's list
    return tuple(words)


def _untidy(problem: Problem) -> Words:
    return tuple(word for word in _writes(problem, "worked") if word not in ("<think>", "</think>"))


def _unclosed(problem: Problem) -> Words:
    return tuple(word for word in _writes(problem) if word != "</answer>")


def _right(problem: Problem, completion: Words) -> bool:
    answer = read(completion, ended=False).answer
    return answer is not None and judge(problem, answer) is None


def _asked(problems: Sequence[Problem], completions: Sequence[Words]) -> list[Problem]:
    """The problem of each completion: groups stand together."""
    each = len(completions) // len(problems)
    return [problem for problem in problems for _ in range(each)]


Kept = Callable[[Problem, Words], bool]


def _worth_keeping(problem: Problem, completion: Words) -> bool:
    return problem.split == "train" and _right(problem, completion)


def _expected_traces(problems: Sequence[Problem], completions: Sequence[Words]) -> list[Document]:
    pairs = zip(_asked(problems, completions), completions, strict=True)
    return [Document(problem, words[:-1]) for problem, words in pairs if _worth_keeping(problem, words)]


def _filtered(
    keep: Kept = _worth_keeping,
    pair: Callable[[Sequence[Problem], Sequence[Words]], Sequence[Problem]] = _asked,
    cut: Callable[[Words], Words] = lambda words: words[:-1],
) -> Callable[..., list[Document]]:
    """The filter, put together from parts of which one is wrong."""

    def traces(problems: Sequence[Problem], completions: Sequence[Words]) -> list[Document]:
        pairs = zip(pair(problems, completions), completions, strict=False)
        return [Document(problem, cut(words)) for problem, words in pairs if keep(problem, words)]

    return traces


def _in_turns(problems: Sequence[Problem], completions: Sequence[Words]) -> list[Problem]:
    return [problems[place % len(problems)] for place in range(len(completions))]


def _cut_off_too(problem: Problem, completion: Words) -> bool:
    answer = read(completion).answer
    return problem.split == "train" and answer is not None and judge(problem, answer) is None


def _as_in_the_book(problem: Problem, completion: Words) -> bool:
    return problem.split == "train" and read(completion, ended=False).answer == problem.answer


def _turned_round(problem: Problem, completion: Words) -> bool:
    answer = read(completion, ended=False).answer
    return problem.split == "train" and answer is not None and judge(problem, answer) is not None


def _judged_anyway(problem: Problem, completion: Words) -> bool:
    answer: Any = read(completion, ended=False).answer
    return problem.split == "train" and judge(problem, answer) is None


def _any_answer(problem: Problem, completion: Words) -> bool:
    return problem.split == "train" and read(completion, ended=False).answer is not None


def _once(problems: Sequence[Problem], completions: Sequence[Words]) -> list[Document]:
    found = _expected_traces(problems, completions)
    return [trace for place, trace in enumerate(found) if trace not in found[:place]]


def _first_of_each(problems: Sequence[Problem], completions: Sequence[Words]) -> list[Document]:
    found = _expected_traces(problems, completions)
    return [
        trace
        for place, trace in enumerate(found)
        if trace.problem not in [other.problem for other in found[:place]]
    ]


def _as_texts(written: Any, known: Sequence[Problem]) -> Any:
    """Documents as texts that say to which of the known problems they belong; anything else as it is."""
    if not isinstance(written, list | tuple) or not all(isinstance(each, Document) for each in written):
        return written
    places = {problem: f"problem {place}" for place, problem in enumerate(known, start=1)}
    return [
        f"{places.get(each.problem, 'a problem that was not asked')}: {' '.join(each.completion)}"
        for each in written
    ]


def _traces_as_texts(
    filter_traces: Callable[..., Any], problems: list[Problem], completions: list[Words]
) -> Any:
    return _as_texts(filter_traces(problems, completions), problems)


def _traces_or_error(answer: Callable[..., Any]) -> Callable[..., Any]:
    """A wrong answer of the same kind, seen as the check sees it."""
    return lambda problems, completions: _traces_as_texts(answer, problems, completions)


def _filter_cases() -> tuple[Case, ...]:
    first, second, third, _ = _CHAINS

    def case(name: str, problems: list[Problem], *completions: Words) -> Case:
        return Case(name, lambda: (list(problems), list(completions)))

    return (
        case("one problem, answered rightly", [first], _writes(first)),
        case("one problem, answered wrongly", [first], _wrong(first)),
        case(
            "two problems, answered once each, the second wrongly",
            [first, second],
            _writes(first),
            _wrong(second),
        ),
        case(
            "two problems, answered three times each",
            [first, second],
            _wrong(first),
            _writes(first),
            _writes(first, "worked"),
            _writes(second, "worked"),
            _wrong(second, "worked"),
            _wrong(second),
        ),
        case(
            "a problem that gets the right answer to another one",
            [first, second],
            _writes(second),
            _writes(second),
        ),
        case("an answer that was cut off before its end word", [third], _writes(third)[:-1], _writes(third)),
        case("a problem of the test", [first, _HELD_OUT], _writes(first), _writes(_HELD_OUT)),
        case("a right answer that was given twice", [second], _writes(second), _writes(second)),
        case(
            "a program that passes and is not the one in the book",
            [_PROGRAM],
            _another_program(_PROGRAM),
            _writes(_PROGRAM),
        ),
        case("a right answer below a wrong step", [third], _slip(third), _wrong(third)),
        case("a right answer without think tags", [second], _untidy(second), _unclosed(second)),
        case(
            "three problems, answered twice each",
            [third, first, second],
            _wrong(third),
            _writes(third, "worked"),
            _writes(first, "worked"),
            _writes(first),
            _writes(second),
            _unclosed(second),
        ),
    )


def _mistaken(name: str, says: str, answer: Callable[..., Any]) -> Mistake:
    return Mistake(name, says, _traces_or_error(answer))


FILTER_TRACES = Check(
    expected=_traces_or_error(_expected_traces),
    call=_traces_as_texts,
    gradients=False,
    cases=_filter_cases(),
    mistakes=(
        _mistaken(
            "unfiltered",
            "every completion is kept, right or wrong; keep one if `judge` has nothing against its answer",
            _filtered(lambda problem, completion: problem.split == "train"),
        ),
        _mistaken(
            "any_answer",
            "every completion with an answer is kept, and nobody asked `judge` whether the answer is right",
            _filtered(_any_answer),
        ),
        _mistaken(
            "judged_upside_down",
            "right and wrong have changed places: `judge` returns None for a right answer, and for a wrong"
            " one a sentence, which counts as true",
            _filtered(_turned_round),
        ),
        _mistaken(
            "mispaired",
            "problems and completions are paired in turns; the first n completions all belong to the first"
            " problem, the next n to the second",
            _filtered(pair=_in_turns),
        ),
        _mistaken(
            "one_answer_each",
            "problems and completions are paired one to one; there may be several completions a problem,"
            " in groups",
            _filtered(pair=lambda problems, completions: problems),
        ),
        _mistaken(
            "test_leak",
            "answers to problems of the test are kept: what is tested must never be learned",
            _filtered(_right),
        ),
        _mistaken(
            "cut_off_kept",
            "a completion that was cut off before its end word is kept: `read(completion, ended=False)` finds"
            " no answer in it, and without `ended=False` it does",
            _filtered(_cut_off_too),
        ),
        _mistaken(
            "cut_off_kept_whole",
            "a completion that was cut off before its end word is kept: `read(completion, ended=False)` finds"
            " no answer in it, and without `ended=False` it does",
            _filtered(_cut_off_too, cut=lambda words: tuple(word for word in words if word != "<end>")),
        ),
        _mistaken(
            "end_word_kept",
            "the end word is kept; a document's completion is without it (`Document.words` adds it again)",
            _filtered(cut=lambda words: words),
        ),
        _mistaken(
            "compared_with_the_book",
            "answers are compared with `problem.answer`; another program may pass the tests as well:"
            " ask `judge`",
            _filtered(_as_in_the_book),
        ),
        _mistaken(
            "words_alone",
            "the kept completions are returned by themselves; a trace is a `Document(problem, words)`, or"
            " nobody knows what was asked",
            lambda problems, completions: [
                trace.completion for trace in _expected_traces(problems, completions)
            ],
        ),
        _mistaken(
            "completions_alone",
            "the kept completions are returned by themselves; a trace is a `Document(problem, words)`, or"
            " nobody knows what was asked",
            lambda problems, completions: [
                (*trace.completion, "<end>") for trace in _expected_traces(problems, completions)
            ],
        ),
        _mistaken(
            "none_judged",
            "`judge` was given None: some completions have no answer, so ask `answer is not None` first",
            _filtered(_judged_anyway),
        ),
        _mistaken(
            "doubles_removed",
            "a right answer that was given twice is kept once; here what is given often counts often",
            _once,
        ),
        _mistaken(
            "first_of_each",
            "one trace a problem is kept; all right ones are asked for (a cap is the pipeline's"
            " `rejection_sample`)",
            _first_of_each,
        ),
        _mistaken(
            "tidy_only",
            "right answers without think tags are left out; here the answer alone decides",
            _filtered(lambda problem, words: _worth_keeping(problem, words) and read(words).tidy),
        ),
        _mistaken(
            "worked_only",
            "right answers that were given directly are left out; here the answer alone decides",
            _filtered(lambda problem, words: _worth_keeping(problem, words) and read(words).worked),
        ),
    ),
    why="The verifier makes a textbook of what the teacher wrote: only right answers, only problems that are"
    " not in the test, each beside its own question.",
)


# compute_spent


def _operations(student: int, trained: int, rolled_out: int = 0, teacher: int = 0, sampled: int = 0) -> int:
    return student * (6 * trained + 2 * rolled_out) + 2 * teacher * sampled


def _priced(
    training: int = 6, rollouts: int = 2, teaching: int = 2, teacher_is: str = "teacher"
) -> Callable[..., int]:
    """The bill with other prices, or with the teacher's tokens at the student's size."""

    def count(student: int, trained: int, rolled_out: int = 0, teacher: int = 0, sampled: int = 0) -> int:
        size = {"teacher": teacher, "student": student, "both": student + teacher}[teacher_is]
        return student * (training * trained + rollouts * rolled_out) + teaching * size * sampled

    return count


COMPUTE_SPENT = Check(
    expected=_operations,
    gradients=False,
    cases=(
        Case("10 parameters, trained on 7 tokens", lambda: (10, 7)),
        Case("5 tokens rolled out, nothing trained", lambda: (10, 0, 5)),
        Case("a teacher of 100 parameters that sampled 3 tokens", lambda: (10, 7, 0, 100, 3)),
        Case("training, rollouts and a teacher", lambda: (10, 7, 5, 100, 3)),
        Case("a teacher that wrote nothing", lambda: (10, 7, 5, 100)),
        Case("the sizes of this lesson", lambda: (50_000, 200_000, 0, 336_000, 93_000)),
        Case("a student that learns by its own RL", lambda: (50_000, 100_000, 120_000)),
    ),
    mistakes=(
        Mistake(
            "rollouts_forgotten",
            "the student's rollouts are not counted: they cost a forward pass for each token",
            _priced(rollouts=0),
        ),
        Mistake(
            "teacher_forgotten",
            "the teacher's samples are not counted: it had to write what the student learns from",
            _priced(teaching=0),
        ),
        Mistake(
            "forward_alone",
            "training is counted as a forward pass alone, 2 operations; backward costs 4 more",
            _priced(training=2),
        ),
        Mistake(
            "backward_alone",
            "training is counted as a backward pass alone, 4 operations; forward costs 2 more",
            _priced(training=4),
        ),
        Mistake(
            "rollouts_as_training",
            "rollouts are priced like training; to write is to go forward, which costs 2 operations",
            _priced(rollouts=6),
        ),
        Mistake(
            "teaching_as_training",
            "the teacher's samples are priced like training; the teacher writes, it does not learn",
            _priced(teaching=6),
        ),
        Mistake(
            "all_as_training",
            "everything is priced like training; rollouts and samples are forward passes alone, at 2",
            _priced(rollouts=6, teaching=6),
        ),
        Mistake(
            "teacher_at_student_s_size",
            "the teacher's samples are priced at the student's size; the teacher is larger",
            _priced(teacher_is="student"),
        ),
        Mistake(
            "both_at_work",
            "the teacher's samples are priced at the size of both models; the student does not write them",
            _priced(teacher_is="both"),
        ),
        Mistake(
            "one_operation",
            "a parameter and token is counted as one operation forward and two backward; it is a"
            " multiplication and an addition, so twice that",
            _priced(3, 1, 1),
        ),
        Mistake(
            "tokens_counted",
            "tokens are counted, and each as much as any other; one of a larger model costs more",
            lambda student, trained, rolled_out=0, teacher=0, sampled=0: trained + rolled_out + sampled,
        ),
        Mistake(
            "parameters_forgotten",
            "operations are counted a token, without the parameters: each token uses all of its model's",
            lambda student, trained, rolled_out=0, teacher=0, sampled=0: (
                6 * trained + 2 * rolled_out + 2 * sampled
            ),
        ),
    ),
    why="Three prices: 6 operations a parameter and token to learn, 2 to write, and the teacher writes at its"
    " own size. Whoever compares two ways of training must count all three.",
)


# controls

Authors = dict[str, list[Document]]
NAMES = ("teacher", "own samples", "no teacher")

_A, _B, _C, _D = (Document(problem, _writes(problem)[:-1]) for problem in _CHAINS)
_UNSEEN = Document(_HELD_OUT, _writes(_HELD_OUT)[:-1])
_FALSE = Document(_CHAINS[0], _wrong(_CHAINS[0])[:-1])
_KNOWN = [*_CHAINS, _HELD_OUT]


def _trainable(documents: Sequence[Document]) -> list[Document]:
    return [each for each in documents if each.problem.split == "train"]


def _expected_controls(
    traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]
) -> Authors:
    sets = [_trainable(documents) for documents in (traces, own, worked)]
    least = min(map(len, sets))
    return {name: documents[:least] for name, documents in zip(NAMES, sets, strict=True)}


def _arms(
    admit: Callable[[Sequence[Document]], list[Document]] = _trainable,
    count: Callable[[list[int]], int] = min,
    order: tuple[str, ...] = NAMES,
    change: Callable[[Authors], Authors] = lambda sets: sets,
) -> Callable[..., Authors]:
    """The three arms, put together from parts of which one is wrong."""

    def sets_of(traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]) -> Authors:
        sets = [admit(documents) for documents in (traces, own, worked)]
        least = count([len(documents) for documents in sets])
        return change({name: documents[:least] for name, documents in zip(order, sets, strict=True)})

    return sets_of


def _right_ones(documents: Sequence[Document]) -> list[Document]:
    return [each for each in _trainable(documents) if _right(each.problem, (*each.completion, "<end>"))]


def _worked_filtered(
    traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]
) -> Authors:
    return _expected_controls(traces, own, _right_ones(worked))


def _cut_then_test(
    traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]
) -> Authors:
    least = min(len(traces), len(own), len(worked))
    sets = (traces[:least], own[:least], worked[:least])
    return {name: _trainable(documents) for name, documents in zip(NAMES, sets, strict=True)}


def _without_doubles(documents: Sequence[Document]) -> list[Document]:
    return _trainable(list(dict.fromkeys(documents)))


def _last_ones(traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]) -> Authors:
    turned = _expected_controls(traces[::-1], own[::-1], worked[::-1])
    return {name: documents[::-1] for name, documents in turned.items()}


def _controls_as_texts(controls: Callable[..., Any], *authors: list[Document]) -> Any:
    sets = controls(*authors)
    if not isinstance(sets, dict):
        return sets
    return {name: _as_texts(documents, _KNOWN) for name, documents in sets.items()}


def _no_arm(name: str, says: str, answer: Callable[..., Any]) -> Mistake:
    return Mistake(name, says, lambda *authors: _controls_as_texts(answer, *authors))


def _only(*names: str) -> Callable[[Authors], Authors]:
    return lambda sets: {name: sets[name] for name in names}


CONTROLS = Check(
    expected=lambda traces, own, worked: _controls_as_texts(_expected_controls, traces, own, worked),
    call=_controls_as_texts,
    gradients=False,
    cases=(
        Case("one document of each author", lambda: ([_A], [_B], [_C])),
        Case("the student's own samples the fewest", lambda: ([_A, _B, _C], [_D, _A], [_B, _C, _D, _A])),
        Case("the teacher's traces the fewest", lambda: ([_A], [_D, _C], [_B, _C, _D])),
        Case("the corpus's documents the fewest", lambda: ([_A, _B], [_C, _D], [_D])),
        Case("a test problem among the student's own", lambda: ([_A, _B], [_UNSEEN, _C, _D], [_D, _A])),
        Case(
            "test problems everywhere",
            lambda: ([_A, _UNSEEN, _B], [_UNSEEN, _C], [_D, _UNSEEN, _UNSEEN, _A]),
        ),
        Case("a slip in a document of the corpus", lambda: ([_A, _B], [_C, _D], [_FALSE, _B])),
        Case("a document that stands there twice", lambda: ([_A, _A], [_B, _B, _C], [_D, _D])),
        Case("no sample of the student's own", lambda: ([_A, _B], [], [_C])),
    ),
    mistakes=(
        _no_arm(
            "no_control",
            "only the teacher's traces are returned; without a control nobody can say what was due to the"
            " teacher",
            _arms(change=_only("teacher")),
        ),
        _no_arm(
            "no_own_samples",
            "the student's own samples are missing: they tell whether right answers need a *better* author",
            _arms(change=_only("teacher", "no teacher")),
        ),
        _no_arm(
            "no_corpus",
            "the arm without a teacher is missing: worked documents that no model wrote",
            _arms(change=_only("teacher", "own samples")),
        ),
        _no_arm(
            "not_cut",
            "the lists are not equally long: who has more documents may win by that alone",
            _arms(count=max),
        ),
        _no_arm(
            "cut_to_the_teacher_s",
            "all are cut to as many as the teacher's; the shortest list decides, whoever wrote it",
            _arms(count=lambda lengths: lengths[0]),
        ),
        _no_arm(
            "test_kept",
            "problems of the test are still in it",
            _arms(admit=list),
        ),
        _no_arm(
            "cut_before_the_test_was_removed",
            "the lists are cut first, and problems of the test are removed after that, so they are not"
            " equally long any more: remove, then count",
            _cut_then_test,
        ),
        _no_arm(
            "own_and_corpus_swapped",
            '"own samples" and "no teacher" have changed places',
            _arms(order=("teacher", "no teacher", "own samples")),
        ),
        _no_arm(
            "teacher_and_own_swapped",
            '"teacher" and "own samples" have changed places',
            _arms(order=("own samples", "teacher", "no teacher")),
        ),
        _no_arm(
            "corpus_filtered",
            "the corpus's documents went through the verifier; this arm is to show what they teach as they"
            " are, so take them with their slips",
            _worked_filtered,
        ),
        _no_arm(
            "doubles_removed",
            "documents that stand there twice are kept once; nothing is to be filtered but test problems",
            _arms(admit=_without_doubles),
        ),
        _no_arm(
            "last_ones",
            "the last documents of each list are kept; the first ones are asked for",
            _last_ones,
        ),
    ),
    why="Three authors and the same number of documents: what differs between the students now is who wrote,"
    " and no longer how much.",
)


# reverse_kl


def _backward(student: Tensor, teacher: Tensor) -> Tensor:
    """KL(student || teacher) of every position, from logits; no gradient reaches the teacher."""
    q = student.log_softmax(-1)
    return functional.kl_div(teacher.detach().log_softmax(-1), q, reduction="none", log_target=True).sum(-1)


def _expected_reverse(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> Tensor:
    return _backward(student_logits, teacher_logits)[mask].mean()


def _reverse(
    divergence: Callable[[Tensor, Tensor], Tensor] = _backward,
    average: Callable[[Tensor, Tensor], Tensor] = lambda each, mask: each[mask].mean(),
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The loss, put together from parts of which one is wrong."""
    return lambda student, teacher, mask: average(divergence(student, teacher), mask)


def _weighted(weights: Tensor, student: Tensor, teacher: Tensor) -> Tensor:
    return (weights * (student.log_softmax(-1) - teacher.log_softmax(-1))).sum(-1)


def _backward_of_probabilities(student: Tensor, teacher: Tensor) -> Tensor:
    return _divergence_of_probabilities(student, teacher.detach())


def _backward_over_positions(student: Tensor, teacher: Tensor) -> Tensor:
    q, p = student.log_softmax(1), teacher.detach().log_softmax(1)
    return (q.exp() * (q - p)).sum(-1)


REVERSE_KL = Check(
    expected=_expected_reverse,
    cases=(
        Case("one position, two words, logits (0, 0) and (0, 1.1)", lambda: _two_words(0.0, 1.1)),
        Case("two texts of three positions that all count", lambda: (*_pair(2, 3, 5), _all(2, 3))),
        Case("positions that do not count", lambda: (*_pair(2, 4, 5), _UNEVEN)),
        Case("as many texts as positions and as words", lambda: (*_pair(3, 3, 3), _all(3, 3))),
        Case("a word that both hold nearly impossible", lambda: _two_words(-200.0, -250.0)),
    ),
    mistakes=(
        Mistake(
            "forward",
            "the direction is that of `soft_loss`, KL(teacher || student); here the *student's*"
            " probabilities weigh",
            _reverse(_forward),
        ),
        Mistake(
            "teacher_weighs",
            "the difference is turned round, and the teacher's probabilities still weigh; here the"
            " *student's* do",
            _reverse(lambda s, t: _weighted(t.detach().softmax(-1), s, t.detach())),
        ),
        Mistake(
            "student_cut_off",
            "the number is right, but the gradient goes to the teacher, and none to the student. So does"
            " `soft_loss` with its models exchanged: it detaches what it is given second",
            _reverse(lambda s, t: _weighted(s.detach().softmax(-1), s.detach(), t)),
        ),
        Mistake(
            "weights_detached",
            "the number is right, but the student's probabilities in front are detached, and then the whole"
            " gradient vanishes: it must go through them",
            _reverse(lambda s, t: _weighted(s.softmax(-1).detach(), s, t.detach())),
        ),
        Mistake(
            "teacher_learns",
            "the number is right, but a gradient reaches the teacher, who would learn from its student:"
            " `detach()` its logits",
            _reverse(lambda s, t: _weighted(s.softmax(-1), s, t)),
        ),
        Mistake(
            "padding_counts",
            "positions that the mask leaves out are in the mean",
            _reverse(average=lambda each, mask: each.mean()),
        ),
        Mistake(
            "padding_as_zero",
            "positions that do not count are set to 0, and are then still in the number that is divided by",
            _reverse(average=lambda each, mask: (each * mask).mean()),
        ),
        Mistake(
            "mean_of_texts",
            "this is the mean of each text, and then of the texts; every position should count the same,"
            " in a long text and in a short one",
            _reverse(average=_of_each_text),
        ),
        Mistake(
            "mean_over_vocabulary",
            "this is a mean over the vocabulary too; a divergence is a *sum* over the vocabulary",
            _reverse(lambda s, t: _backward(s, t) / s.shape[-1]),
        ),
        Mistake(
            "summed",
            "this is the sum over the positions that count; their mean is asked for",
            _reverse(average=lambda each, mask: each[mask].sum()),
        ),
        Mistake(
            "sign_turned",
            "the sign is turned round: a divergence is never below 0",
            _reverse(lambda s, t: -_backward(s, t)),
        ),
        Mistake(
            "entropy_left_out",
            "this is the cross-entropy alone, and it is smallest for a student that always says the"
            " teacher's likeliest word: the student's own logarithms belong into it",
            _reverse(lambda s, t: -(s.softmax(-1) * t.detach().log_softmax(-1)).sum(-1)),
        ),
        Mistake(
            "not_weighted",
            "the differences of the logarithms are added up as they are; each is to be weighed by the"
            " student's probability",
            _reverse(lambda s, t: (s.log_softmax(-1) - t.detach().log_softmax(-1)).sum(-1)),
        ),
        Mistake(
            "log_of_softmax",
            "the probability of a nearly impossible word is rounded to 0, and its logarithm is minus"
            " infinity. Take `log_softmax`, which never makes the probability",
            _reverse(_backward_of_probabilities),
        ),
        Mistake(
            "log_of_softmax_and_teacher_learns",
            "the probability of a nearly impossible word is rounded to 0, and its logarithm is minus"
            " infinity: take `log_softmax`. And a gradient reaches the teacher: `detach()` its logits",
            _reverse(_divergence_of_probabilities),
        ),
        Mistake(
            "over_positions",
            "the probabilities sum to one over the positions of a text; they should do so over the"
            " vocabulary, the last axis",
            _reverse(_backward_over_positions),
        ),
    ),
    why="What the student writes often and the teacher would not costs most, so the student stops writing"
    " it. Words that it never writes cost nothing: it need not know all that the teacher knows.",
)


# coverage_change

Sorted = dict[str, int]


def _expected_change(before: Sequence[int], after: Sequence[int]) -> Sorted:
    names = {(True, True): "both", (False, True): "gained", (True, False): "lost", (False, False): "neither"}
    counts = dict.fromkeys(names.values(), 0)
    for one, other in zip(before, after, strict=True):
        counts[names[one > 0, other > 0]] += 1
    return counts


def _sorted_by(
    solves: Callable[[int], bool] = lambda right: right > 0, change: Callable[[Sorted], Any] = lambda c: c
) -> Callable[..., Any]:
    """The four counts, with another idea of what it is to solve, or changed afterwards."""
    return lambda before, after: change(
        _expected_change([int(solves(n)) for n in before], [int(solves(n)) for n in after])
    )


def _by_more_or_fewer(before: Sequence[int], after: Sequence[int]) -> Sorted:
    pairs = list(zip(before, after, strict=True))
    gained, lost = sum(b < a for b, a in pairs), sum(b > a for b, a in pairs)
    neither = sum(b == a == 0 for b, a in pairs)
    return {"both": len(pairs) - gained - lost - neither, "gained": gained, "lost": lost, "neither": neither}


COVERAGE_CHANGE = Check(
    expected=_expected_change,
    gradients=False,
    cases=(
        Case("one problem, solved before and after", lambda: ([3], [1])),
        Case("a problem that was never solved, and then was", lambda: ([0], [2])),
        Case("a problem that was solved, and is no more", lambda: ([1], [0])),
        Case("one problem of each kind", lambda: ([5, 0, 1, 0], [5, 8, 0, 0])),
        Case("seven problems", lambda: ([0, 1, 16, 0, 2, 0, 9], [4, 1, 3, 0, 0, 16, 16])),
        Case("nothing solved before", lambda: ([0, 0, 0], [0, 7, 1])),
        Case("one right answer of many", lambda: ([1, 1, 64, 0], [64, 2, 1, 1])),
    ),
    mistakes=(
        Mistake(
            "before_and_after_swapped",
            '"gained" and "lost" have changed places: gained is 0 before and more after',
            lambda before, after: _expected_change(after, before),
        ),
        Mistake(
            "more_or_fewer",
            "more right answers than before are counted as gained, fewer as lost; a problem that was solved"
            " before is not gained, however much surer the model became",
            _by_more_or_fewer,
        ),
        Mistake(
            "all_solved_counted",
            '"gained" counts every problem that is solved after, and "lost" every one that was solved'
            " before; those of both stand under"
            ' "both"',
            _sorted_by(
                change=lambda c: {**c, "gained": c["gained"] + c["both"], "lost": c["lost"] + c["both"]}
            ),
        ),
        Mistake(
            "shares",
            "these are shares of the problems; numbers of problems are asked for",
            _sorted_by(change=lambda c: {name: n / sum(c.values()) for name, n in c.items()}),
        ),
        Mistake(
            "neither_forgotten",
            'problems that are solved neither before nor after are missing from "neither"',
            _sorted_by(change=lambda c: {**c, "neither": 0}),
        ),
        Mistake(
            "once_is_not_enough",
            "a problem with a single right answer is taken for unsolved; one is enough",
            _sorted_by(lambda right: right > 1),
        ),
        Mistake(
            "answers_counted",
            "right answers are added up; problems are to be counted",
            lambda before, after: {
                "both": sum(b + a for b, a in zip(before, after, strict=True) if b and a),
                "gained": sum(a for b, a in zip(before, after, strict=True) if not b),
                "lost": sum(b for b, a in zip(before, after, strict=True) if not a),
                "neither": _expected_change(before, after)["neither"],
            },
        ),
    ),
    why="pass@k at a large k counts the problems that are solved at least once. It rises by what was gained"
    " and falls by what was lost, and the two may hide each other.",
)

CHECKS = {
    "soft_loss": SOFT_LOSS,
    "filter_traces": FILTER_TRACES,
    "compute_spent": COMPUTE_SPENT,
    "controls": CONTROLS,
    "reverse_kl": REVERSE_KL,
    "coverage_change": COVERAGE_CHANGE,
}
