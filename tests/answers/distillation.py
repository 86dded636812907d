"""Answers to the exercises on distillation: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical, kl_divergence
from torch.nn import functional

from pocketr1.worlds import Document, Problem, judge, read

# soft_loss, right


def soft_by_kl_div(
    student_logits: Tensor, teacher_logits: Tensor, mask: Tensor, temperature: float = 1.0
) -> Tensor:
    student = functional.log_softmax(student_logits[mask] / temperature, dim=-1)
    with torch.no_grad():
        teacher = functional.log_softmax(teacher_logits[mask] / temperature, dim=-1)
    return temperature**2 * functional.kl_div(student, teacher, reduction="batchmean", log_target=True)


def soft_by_categorical(
    student_logits: Tensor, teacher_logits: Tensor, mask: Tensor, temperature: float = 1.0
) -> Tensor:
    teacher = Categorical(logits=teacher_logits.detach() / temperature)
    student = Categorical(logits=student_logits / temperature)
    each = kl_divergence(teacher, student) * temperature * temperature
    return (each * mask).sum() / mask.sum()


def soft_by_entropies(
    student_logits: Tensor, teacher_logits: Tensor, mask: Tensor, temperature: float = 1.0
) -> Tensor:
    wanted = teacher_logits.detach() / temperature
    p = wanted.softmax(-1)
    cross = -(p * functional.log_softmax(student_logits / temperature, -1)).sum(-1)
    own = -(p * functional.log_softmax(wanted, -1)).sum(-1)
    return temperature**2 * torch.masked_select(cross - own, mask).mean()


def soft_by_loops(
    student_logits: Tensor, teacher_logits: Tensor, mask: Tensor, temperature: float = 1.0
) -> Tensor:
    found = []
    for text, place in mask.nonzero().tolist():
        q = (student_logits[text, place] / temperature).log_softmax(0)
        p = (teacher_logits[text, place].detach() / temperature).log_softmax(0)
        found.append(torch.dot(p.exp(), p - q))
    return temperature**2 * torch.stack(found).mean()


# soft_loss, wrong


def soft(
    divergence: Any = None, average: Any = None, factor: Any = None, student: Any = None, teacher: Any = None
) -> Any:
    """The loss with one part of it changed."""

    def loss(
        student_logits: Tensor, teacher_logits: Tensor, mask: Tensor, temperature: float = 1.0
    ) -> Tensor:
        s = (student or _divided)(student_logits, temperature)
        t = (teacher or _divided)(teacher_logits, temperature)
        each = (divergence or _forward)(s, t)
        mean = (average or _mean)(each, mask)
        return mean * (temperature**2 if factor is None else factor(temperature))

    return loss


def _divided(logits: Tensor, temperature: float) -> Tensor:
    return logits / temperature


def _as_is(logits: Tensor, temperature: float) -> Tensor:
    return logits


def _mean(each: Tensor, mask: Tensor) -> Tensor:
    return each[mask].mean()


def _forward(student: Tensor, teacher: Tensor) -> Tensor:
    p, q = teacher.detach().log_softmax(-1), student.log_softmax(-1)
    return (p.exp() * (p - q)).sum(-1)


def swapped_by_categorical(student: Tensor, teacher: Tensor) -> Tensor:
    return kl_divergence(Categorical(logits=student), Categorical(logits=teacher.detach()))


def swapped_by_kl_div(student: Tensor, teacher: Tensor) -> Tensor:
    p, q = teacher.detach().log_softmax(-1), student.log_softmax(-1)
    return functional.kl_div(p, q, reduction="none", log_target=True).sum(-1)


def mean_reduction(
    student_logits: Tensor, teacher_logits: Tensor, mask: Tensor, temperature: float = 1.0
) -> Tensor:
    q = (student_logits[mask] / temperature).log_softmax(-1)
    p = (teacher_logits[mask].detach() / temperature).log_softmax(-1)
    return temperature**2 * functional.kl_div(q, p, reduction="mean", log_target=True)


def mean_over_words(student: Tensor, teacher: Tensor) -> Tensor:
    p, q = teacher.detach().log_softmax(-1), student.log_softmax(-1)
    return (p.exp() * (p - q)).mean(-1)


def batchmean_of_texts(
    student_logits: Tensor, teacher_logits: Tensor, mask: Tensor, temperature: float = 1.0
) -> Tensor:
    q = (student_logits / temperature).log_softmax(-1) * mask.unsqueeze(-1)
    p = (teacher_logits.detach() / temperature).log_softmax(-1)
    kept = p.exp() * mask.unsqueeze(-1) * (p - q)
    return temperature**2 * kept.sum() / student_logits.shape[0]


def teacher_learns_by_kl_div(student: Tensor, teacher: Tensor) -> Tensor:
    p, q = teacher.log_softmax(-1), student.log_softmax(-1)
    return functional.kl_div(q, p, reduction="none", log_target=True).sum(-1)


def teacher_learns_by_categorical(student: Tensor, teacher: Tensor) -> Tensor:
    return kl_divergence(Categorical(logits=teacher), Categorical(logits=student))


def log_of_softmax(student: Tensor, teacher: Tensor) -> Tensor:
    p, q = teacher.detach().softmax(-1), student.softmax(-1)
    return (p * torch.log(p / q)).sum(-1)


def log_of_softmax_apart(student: Tensor, teacher: Tensor) -> Tensor:
    p, q = teacher.detach().softmax(-1), student.softmax(-1)
    return (p * p.log()).sum(-1) - (p * q.log()).sum(-1)


def soft_cross_entropy(student: Tensor, teacher: Tensor) -> Tensor:
    vocab = student.shape[-1]
    p = teacher.detach().softmax(-1).reshape(-1, vocab)
    return functional.cross_entropy(student.reshape(-1, vocab), p, reduction="none").view(student.shape[:-1])


def soft_cross_entropy_by_hand(student: Tensor, teacher: Tensor) -> Tensor:
    return -(student.log_softmax(-1) * teacher.detach().softmax(-1)).sum(-1)


def likeliest_word(student: Tensor, teacher: Tensor) -> Tensor:
    vocab = student.shape[-1]
    best = teacher.argmax(-1).flatten()
    return functional.cross_entropy(student.reshape(-1, vocab), best, reduction="none").view(
        student.shape[:-1]
    )


def likeliest_word_by_one_hot(student: Tensor, teacher: Tensor) -> Tensor:
    best = functional.one_hot(teacher.argmax(-1), teacher.shape[-1]).float()
    return -(best * student.log_softmax(-1)).sum(-1)


def over_places(student: Tensor, teacher: Tensor) -> Tensor:
    p, q = teacher.detach().log_softmax(-2), student.log_softmax(-2)
    return (p.exp() * (p - q)).sum(-1)


def over_places_by_functional(student: Tensor, teacher: Tensor) -> Tensor:
    p, q = functional.log_softmax(teacher.detach(), 1), functional.log_softmax(student, 1)
    return functional.kl_div(q, p, reduction="none", log_target=True).sum(-1)


def student_as_probabilities(student: Tensor, teacher: Tensor) -> Tensor:
    return functional.kl_div(student.softmax(-1), teacher.detach().softmax(-1), reduction="none").sum(-1)


def student_as_probabilities_with_logs(student: Tensor, teacher: Tensor) -> Tensor:
    p = teacher.detach().log_softmax(-1)
    return functional.kl_div(student.softmax(-1), p, reduction="none", log_target=True).sum(-1)


def log_target_missing(student: Tensor, teacher: Tensor) -> Tensor:
    return functional.kl_div(student.log_softmax(-1), teacher.detach().log_softmax(-1), reduction="none").sum(
        -1
    )


def log_target_missing_on_masked(
    student_logits: Tensor, teacher_logits: Tensor, mask: Tensor, temperature: float = 1.0
) -> Tensor:
    q = (student_logits[mask] / temperature).log_softmax(-1)
    p = (teacher_logits[mask].detach() / temperature).log_softmax(-1)
    return temperature**2 * functional.kl_div(q, p, reduction="batchmean")


def sum_of_masked(each: Tensor, mask: Tensor) -> Tensor:
    return (each * mask).sum()


def mean_of_each_text(each: Tensor, mask: Tensor) -> Tensor:
    return torch.stack([row[real].mean() for row, real in zip(each, mask, strict=True)]).mean()


def mean_of_each_text_at_once(each: Tensor, mask: Tensor) -> Tensor:
    return (each.masked_fill(~mask, 0).sum(-1) / mask.sum(-1)).mean(0)


# filter_traces, right


def traces_by_groups(problems: Sequence[Problem], completions: Sequence[Sequence[str]]) -> list[Document]:
    each, traces = len(completions) // len(problems), []
    for number, problem in enumerate(problems):
        if problem.split == "test":
            continue
        for completion in completions[number * each : (number + 1) * each]:
            answer = read(completion, ended=False).answer
            if answer is not None and judge(problem, answer) is None:
                traces.append(Document(problem, tuple(completion)[:-1]))
    return traces


def traces_by_comprehension(
    problems: Sequence[Problem], completions: Sequence[Sequence[str]]
) -> list[Document]:
    repeated = [problem for problem in problems for _ in range(len(completions) // len(problems))]
    rows = [
        (problem, words, read(words, ended=False).answer)
        for problem, words in zip(repeated, completions, strict=True)
    ]
    return [
        Document(problem, tuple(word for word in words if word != "<end>"))
        for problem, words, answer in rows
        if problem.split == "train" and answer and not judge(problem, answer)
    ]


def traces_by_leaving_out(
    problems: Sequence[Problem], completions: Sequence[Sequence[str]]
) -> list[Document]:
    kept = []
    for place in range(len(completions)):
        problem = problems[place * len(problems) // len(completions)]
        *words, last = completions[place]
        if problem.split != "train" or last != "<end>":
            continue
        reading = read(words)
        if reading.answer is None:
            continue
        if judge(problem, reading.answer) is not None:
            continue
        kept.append(Document(problem, tuple(words)))
    return kept


# filter_traces, wrong


def filtered(keep: Any = None, problem_of: Any = None, cut: Any = None) -> Any:
    """The filter with one part of it changed."""

    def traces(problems: Sequence[Problem], completions: Sequence[Sequence[str]]) -> list[Document]:
        found = []
        each = len(completions) // len(problems)
        for place, words in enumerate(completions):
            problem = problem_of(problems, place) if problem_of else problems[place // each]
            if (keep or _good)(problem, words):
                found.append(Document(problem, cut(words) if cut else tuple(words[:-1])))
        return found

    return traces


def _right(problem: Problem, words: Sequence[str], ended: bool = False) -> bool:
    answer = read(words, ended=ended).answer
    return answer is not None and judge(problem, answer) is None


def _good(problem: Problem, words: Sequence[str]) -> bool:
    return problem.split == "train" and _right(problem, words)


def unfiltered(problems: Sequence[Problem], completions: Sequence[Sequence[str]]) -> list[Document]:
    each = len(completions) // len(problems)
    groups = [completions[start : start + each] for start in range(0, len(completions), each)]
    return [
        Document(problem, tuple(words[:-1]))
        for problem, group in zip(problems, groups, strict=True)
        for words in group
        if problem.split == "train"
    ]


def one_answer_each(problems: Sequence[Problem], completions: Sequence[Sequence[str]]) -> list[Document]:
    pairs = zip(problems, completions, strict=False)
    return [Document(problem, tuple(words[:-1])) for problem, words in pairs if _good(problem, words)]


def one_answer_each_by_index(
    problems: Sequence[Problem], completions: Sequence[Sequence[str]]
) -> list[Document]:
    kept = []
    for place in range(len(problems)):
        if _good(problems[place], completions[place]):
            kept.append(Document(problems[place], tuple(completions[place][:-1])))
    return kept


def none_judged(problems: Sequence[Problem], completions: Sequence[Sequence[str]]) -> list[Document]:
    each, kept = len(completions) // len(problems), []
    for place, words in enumerate(completions):
        problem = problems[place // each]
        why = judge(problem, read(words, ended=False).answer)  # type: ignore[arg-type]
        if why is None and problem.split == "train":
            kept.append(Document(problem, tuple(words[:-1])))
    return kept


def without_doubles(problems: Sequence[Problem], completions: Sequence[Sequence[str]]) -> list[Document]:
    return list(dict.fromkeys(traces_by_groups(problems, completions)))


def without_doubles_by_set(
    problems: Sequence[Problem], completions: Sequence[Sequence[str]]
) -> list[Document]:
    seen, kept = set(), []
    for trace in traces_by_groups(problems, completions):
        if trace.words not in seen:
            seen.add(trace.words)
            kept.append(trace)
    return kept


def first_by_break(problems: Sequence[Problem], completions: Sequence[Sequence[str]]) -> list[Document]:
    each, kept = len(completions) // len(problems), []
    for number, problem in enumerate(problems):
        for words in completions[number * each : (number + 1) * each]:
            if _good(problem, words):
                kept.append(Document(problem, tuple(words[:-1])))
                break
    return kept


def first_by_cap(problems: Sequence[Problem], completions: Sequence[Sequence[str]]) -> list[Document]:
    count: Counter[Problem] = Counter()
    kept = []
    for trace in traces_by_groups(problems, completions):
        count[trace.problem] += 1
        if count[trace.problem] == 1:
            kept.append(trace)
    return kept


# compute_spent, right


def spent_in_one_line(
    student: int, trained: int, rolled_out: int = 0, teacher: int = 0, sampled: int = 0
) -> int:
    return 2 * (student * (3 * trained + rolled_out) + teacher * sampled)


def spent_by_passes(
    student: int, trained: int, rolled_out: int = 0, teacher: int = 0, sampled: int = 0
) -> int:
    forward, backward = 2, 4
    own = (forward + backward) * trained + forward * rolled_out
    return student * own + teacher * forward * sampled


def spent_by_table(
    student: int, trained: int, rolled_out: int = 0, teacher: int = 0, sampled: int = 0
) -> int:
    bill = [(6, student, trained), (2, student, rolled_out), (2, teacher, sampled)]
    return sum(price * size * tokens for price, size, tokens in bill)


# compute_spent, wrong


def priced(training: int = 6, rollouts: int = 2, teaching: int = 2, size: Any = None) -> Any:
    """The bill with another price."""

    def count(student: int, trained: int, rolled_out: int = 0, teacher: int = 0, sampled: int = 0) -> int:
        writer = size(student, teacher) if size else teacher
        return training * student * trained + rollouts * student * rolled_out + teaching * writer * sampled

    return count


def priced_in_parts(training: int = 6, rollouts: int = 2, teaching: int = 2, size: Any = None) -> Any:
    """As `priced`, added up token by token."""

    def count(student: int, trained: int, rolled_out: int = 0, teacher: int = 0, sampled: int = 0) -> int:
        total = 0
        for price, parameters, tokens in (
            (training, student, trained),
            (rollouts, student, rolled_out),
            (teaching, size(student, teacher) if size else teacher, sampled),
        ):
            total += tokens * parameters * price
        return total

    return count


def tokens_alone(student: int, trained: int, rolled_out: int = 0, teacher: int = 0, sampled: int = 0) -> int:
    return sum((trained, rolled_out, sampled))


def tokens_alone_added(
    student: int, trained: int, rolled_out: int = 0, teacher: int = 0, sampled: int = 0
) -> int:
    total = trained
    total += rolled_out
    return total + sampled


def prices_alone(student: int, trained: int, rolled_out: int = 0, teacher: int = 0, sampled: int = 0) -> int:
    return 6 * trained + 2 * (rolled_out + sampled)


def prices_alone_by_table(
    student: int, trained: int, rolled_out: int = 0, teacher: int = 0, sampled: int = 0
) -> int:
    return sum(a * b for a, b in zip((6, 2, 2), (trained, rolled_out, sampled), strict=True))


# controls, right

Sets = dict[str, list[Document]]


def controls_by_names(
    traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]
) -> Sets:
    kept = [[d for d in documents if d.problem.split != "test"] for documents in (traces, own, worked)]
    n = min(len(kept[0]), len(kept[1]), len(kept[2]))
    return {"teacher": kept[0][:n], "own samples": kept[1][:n], "no teacher": kept[2][:n]}


def controls_by_columns(
    traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]
) -> Sets:
    def allowed(documents: Sequence[Document]) -> Any:
        return filter(lambda each: each.problem.split == "train", documents)

    rows = list(zip(allowed(traces), allowed(own), allowed(worked), strict=False))
    return {
        name: [row[place] for row in rows]
        for place, name in enumerate(("teacher", "own samples", "no teacher"))
    }


def controls_by_popping(
    traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]
) -> Sets:
    sets = {"no teacher": list(worked), "own samples": list(own), "teacher": list(traces)}
    for name in sets:
        sets[name] = [each for each in sets[name] if each.problem.split == "train"]
    shortest = sorted(len(documents) for documents in sets.values())[0]
    for documents in sets.values():
        while len(documents) > shortest:
            documents.pop()
    return sets


# controls, wrong


def arms(admit: Any = None, count: Any = None, names: Any = None, change: Any = None) -> Any:
    """The three arms with one part of them changed."""

    def sets_of(traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]) -> Any:
        kept = [(admit or _train)(documents) for documents in (traces, own, worked)]
        n = (count or min)(len(kept[0]), len(kept[1]), len(kept[2]))
        keys = names or ("teacher", "own samples", "no teacher")
        sets = {key: documents[:n] for key, documents in zip(keys, kept, strict=True)}
        return change(sets) if change else sets

    return sets_of


def _train(documents: Sequence[Document]) -> list[Document]:
    return [each for each in documents if each.problem.split == "train"]


def teacher_alone(traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]) -> Sets:
    n = min(map(len, map(_train, (traces, own, worked))))
    return {"teacher": _train(traces)[:n]}


def cut_first(traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]) -> Sets:
    n = min(len(traces), len(own), len(worked))
    return {
        "teacher": _train(traces[:n]),
        "own samples": _train(own[:n]),
        "no teacher": _train(worked[:n]),
    }


def cut_first_by_zip(traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]) -> Sets:
    columns = zip(*zip(traces, own, worked, strict=False), strict=True) if own else ((), (), ())
    names = ("teacher", "own samples", "no teacher")
    return {name: _train(column) for name, column in zip(names, columns, strict=True)}


def not_cut(traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]) -> Sets:
    return {"teacher": _train(traces), "own samples": _train(own), "no teacher": _train(worked)}


def right_ones(traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]) -> Sets:
    clean = [each for each in worked if _right(each.problem, each.completion, ended=True)]
    return controls_by_names(traces, own, clean)


def right_ones_in_every_list(
    traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]
) -> Sets:
    clean = [
        [each for each in documents if judge(each.problem, read(each.completion).answer or ()) is None]
        for documents in (traces, own, worked)
    ]
    return controls_by_names(*clean)


def once_each(documents: Sequence[Document]) -> list[Document]:
    kept: list[Document] = []
    for each in _train(documents):
        if each not in kept:
            kept.append(each)
    return kept


def last_ones(traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]) -> Sets:
    kept = [_train(documents) for documents in (traces, own, worked)]
    n = min(len(documents) for documents in kept)
    names = ("teacher", "own samples", "no teacher")
    return {name: documents[len(documents) - n :] for name, documents in zip(names, kept, strict=True)}


def last_ones_reversed(
    traces: Sequence[Document], own: Sequence[Document], worked: Sequence[Document]
) -> Sets:
    sets = controls_by_names(*(list(reversed(documents)) for documents in (traces, own, worked)))
    return {name: list(reversed(documents)) for name, documents in sets.items()}


# reverse_kl, right


def reverse_by_categorical(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> Tensor:
    student = Categorical(logits=student_logits[mask])
    return kl_divergence(student, Categorical(logits=teacher_logits[mask].detach())).mean()


def reverse_by_kl_div(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> Tensor:
    with torch.no_grad():
        teacher = functional.log_softmax(teacher_logits, dim=-1)
    student = functional.log_softmax(student_logits, dim=-1)
    each = functional.kl_div(teacher, student, reduction="none", log_target=True)
    return (each.sum(-1) * mask).sum() / mask.sum()


def reverse_by_entropies(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> Tensor:
    q = student_logits.softmax(-1)
    own = -(q * student_logits.log_softmax(-1)).sum(-1)
    cross = -(q * teacher_logits.detach().log_softmax(-1)).sum(-1)
    return torch.masked_select(cross - own, mask).mean()


def reverse_by_einsum(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> Tensor:
    student, teacher = student_logits[mask].log_softmax(-1), teacher_logits.detach()[mask].log_softmax(-1)
    return torch.einsum("tv,tv->", student.exp(), student - teacher) / len(student)


def reverse_through_the_weights(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> Tensor:
    """The logarithms carry no gradient: it would vanish in the sum over the vocabulary anyway."""
    q = student_logits.log_softmax(-1)
    surplus = (q - teacher_logits.log_softmax(-1)).detach()
    return (q.exp() * surplus).sum(-1)[mask].mean()


# reverse_kl, wrong


def reverse(divergence: Any = None, average: Any = None) -> Any:
    """The loss with one part of it changed."""

    def loss(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> Tensor:
        return (average or _mean)((divergence or _backward)(student_logits, teacher_logits), mask)

    return loss


def _backward(student: Tensor, teacher: Tensor) -> Tensor:
    q, p = student.log_softmax(-1), teacher.detach().log_softmax(-1)
    return (q.exp() * (q - p)).sum(-1)


def weights_detached(student: Tensor, teacher: Tensor) -> Tensor:
    q, p = student.log_softmax(-1), teacher.detach().log_softmax(-1)
    return (q.detach().exp() * (q - p)).sum(-1)


# coverage_change, right


def change_by_counter(before: Sequence[int], after: Sequence[int]) -> dict[str, int]:
    names = {(0, 0): "neither", (0, 1): "gained", (1, 0): "lost", (1, 1): "both"}
    found = Counter(names[min(b, 1), min(a, 1)] for b, a in zip(before, after, strict=True))
    return {name: found[name] for name in names.values()}


def change_by_sets(before: Sequence[int], after: Sequence[int]) -> dict[str, int]:
    old = {place for place, right in enumerate(before) if right}
    new = {place for place, right in enumerate(after) if right}
    return {
        "both": len(old & new),
        "gained": len(new - old),
        "lost": len(old - new),
        "neither": len(before) - len(old | new),
    }


def change_by_tensors(before: Sequence[int], after: Sequence[int]) -> dict[str, int]:
    b, a = torch.tensor(before) > 0, torch.tensor(after) > 0
    return {
        "both": int((b & a).sum()),
        "gained": int((~b & a).sum()),
        "lost": int((b & ~a).sum()),
        "neither": int((~b & ~a).sum()),
    }


# coverage_change, wrong


def counted(solves: Any = None, change: Any = None) -> Any:
    """The four counts, with another idea of solving, or changed afterwards."""

    def count(before: Sequence[int], after: Sequence[int]) -> Any:
        test = solves or (lambda right: right > 0)
        sets = change_by_sets([int(test(n)) for n in before], [int(test(n)) for n in after])
        return change(sets) if change else sets

    return count


def more_or_fewer(before: Sequence[int], after: Sequence[int]) -> dict[str, int]:
    counts = {"both": 0, "gained": 0, "lost": 0, "neither": 0}
    for b, a in zip(before, after, strict=True):
        if a > b:
            counts["gained"] += 1
        elif b > a:
            counts["lost"] += 1
        else:
            counts["both" if a else "neither"] += 1
    return counts


def answers_added_up(before: Sequence[int], after: Sequence[int]) -> dict[str, int]:
    counts = {"both": 0, "gained": 0, "lost": 0, "neither": 0}
    for b, a in zip(before, after, strict=True):
        if b and a:
            counts["both"] += b + a
        elif a:
            counts["gained"] += a
        elif b:
            counts["lost"] += b
        else:
            counts["neither"] += 1
    return counts


RIGHT = {
    "soft_loss": [soft_by_kl_div, soft_by_categorical, soft_by_entropies, soft_by_loops],
    "filter_traces": [traces_by_groups, traces_by_comprehension, traces_by_leaving_out],
    "compute_spent": [spent_in_one_line, spent_by_passes, spent_by_table],
    "controls": [controls_by_names, controls_by_columns, controls_by_popping],
    "reverse_kl": [
        reverse_by_categorical,
        reverse_by_kl_div,
        reverse_by_entropies,
        reverse_by_einsum,
        reverse_through_the_weights,
    ],
    "coverage_change": [change_by_counter, change_by_sets, change_by_tensors],
}

WRONG = {
    "soft_loss": {
        "swapped": [soft(swapped_by_categorical), soft(swapped_by_kl_div)],
        "mean_over_vocabulary": [mean_reduction, soft(mean_over_words)],
        "summed": [soft(average=sum_of_masked), soft(average=lambda each, mask: each[mask].sum())],
        "divided_by_texts": [
            batchmean_of_texts,
            soft(average=lambda each, mask: sum_of_masked(each, mask) / mask.shape[0]),
        ],
        "batchmean": [
            soft(average=lambda each, mask: each.sum() / mask.shape[0]),
            soft(average=lambda each, mask: each.sum(1).mean()),
        ],
        "padding_counts": [
            soft(average=lambda each, mask: each.mean()),
            soft(average=lambda each, mask: each.sum() / each.numel()),
        ],
        "padding_as_zero": [
            soft(average=lambda each, mask: each.masked_fill(~mask, 0).mean()),
            soft(average=lambda each, mask: torch.where(mask, each, 0.0).mean()),
        ],
        "mean_of_texts": [soft(average=mean_of_each_text), soft(average=mean_of_each_text_at_once)],
        "t_squared_lost": [
            soft(factor=lambda t: 1),
            lambda s, t, m, temperature=1.0: soft_by_kl_div(s / temperature, t / temperature, m),
        ],
        "t_once": [
            soft(factor=lambda t: t),
            lambda s, t, m, temperature=1.0: soft_by_categorical(s, t, m, temperature) / temperature,
        ],
        "t_squared_divides": [
            soft(factor=lambda t: 1 / t / t),
            lambda s, t, m, temperature=1.0: soft_by_entropies(s, t, m, temperature) / temperature**4,
        ],
        "student_not_softened": [
            soft(student=_as_is),
            lambda s, t, m, temperature=1.0: soft_by_kl_div(s * temperature, t, m, temperature),
        ],
        "teacher_not_softened": [
            soft(teacher=_as_is),
            lambda s, t, m, temperature=1.0: soft_by_kl_div(s, t * temperature, m, temperature),
        ],
        "not_softened": [
            soft(student=_as_is, teacher=_as_is),
            lambda s, t, m, temperature=1.0: soft_by_kl_div(s, t, m) * temperature**2,
        ],
        "multiplied_by_t": [
            soft(student=lambda x, t: x * t, teacher=lambda x, t: x * t),
            lambda s, t, m, temperature=1.0: (
                soft_by_kl_div(s * temperature, t * temperature, m) * temperature**2
            ),
        ],
        "teacher_learns": [soft(teacher_learns_by_kl_div), soft(teacher_learns_by_categorical)],
        "log_of_softmax": [soft(log_of_softmax), soft(log_of_softmax_apart)],
        "log_of_softmax_and_teacher_learns": [
            soft(lambda s, t: (t.softmax(-1) * (t.softmax(-1) / s.softmax(-1)).log()).sum(-1)),
            soft(
                lambda s, t: (t.softmax(-1) * (torch.log(t.softmax(-1)) - torch.log(s.softmax(-1)))).sum(-1)
            ),
        ],
        "cross_entropy": [soft(soft_cross_entropy), soft(soft_cross_entropy_by_hand)],
        "hard_targets": [soft(likeliest_word), soft(likeliest_word_by_one_hot)],
        "over_positions": [soft(over_places), soft(over_places_by_functional)],
        "sign_turned": [
            soft(factor=lambda t: -t * t),
            lambda s, t, m, temperature=1.0: -soft_by_kl_div(s, t, m, temperature),
        ],
        "student_as_probabilities": [
            soft(student_as_probabilities),
            soft(student_as_probabilities_with_logs),
        ],
        "log_target_missing": [soft(log_target_missing), log_target_missing_on_masked],
    },
    "filter_traces": {
        "unfiltered": [unfiltered, filtered(lambda problem, words: problem.split == "train")],
        "any_answer": [
            filtered(lambda p, words: p.split == "train" and read(words, ended=False).answer is not None),
            filtered(lambda p, words: p.split == "train" and bool(read(words, ended=False).answer)),
        ],
        "judged_upside_down": [
            filtered(
                lambda p, w: (
                    p.split == "train" and bool((answer := read(w, ended=False).answer) and judge(p, answer))
                )
            ),
            filtered(
                lambda p, w: (
                    p.split == "train"
                    and (answer := read(w, ended=False).answer) is not None
                    and judge(p, answer) is not None
                )
            ),
        ],
        "mispaired": [
            filtered(problem_of=lambda problems, place: problems[place % len(problems)]),
            filtered(problem_of=lambda problems, place: list(problems * (place + 1))[place]),
        ],
        "one_answer_each": [one_answer_each, one_answer_each_by_index],
        "test_leak": [filtered(_right), filtered(lambda p, words: _right(p, words) and p.split != "")],
        "cut_off_kept": [
            filtered(lambda p, words: p.split == "train" and _right(p, words, ended=True)),
            filtered(
                lambda p, w: (
                    p.split == "train" and (answer := read(w).answer) is not None and not judge(p, answer)
                )
            ),
        ],
        "cut_off_kept_whole": [
            filtered(
                lambda p, words: p.split == "train" and _right(p, words, ended=True),
                cut=lambda words: tuple(word for word in words if word != "<end>"),
            ),
            filtered(
                lambda p, words: p.split == "train" and _right(p, words, ended=True),
                cut=lambda words: tuple(" ".join(words).removesuffix("<end>").split()),
            ),
        ],
        "end_word_kept": [filtered(cut=tuple), filtered(cut=lambda words: tuple(words)[:])],
        "compared_with_the_book": [
            filtered(lambda p, words: p.split == "train" and read(words, ended=False).answer == p.answer),
            filtered(
                lambda p, words: _good(p, words) and list(read(words, ended=False).answer) == list(p.answer)  # type: ignore[arg-type]
            ),
        ],
        "words_alone": [
            lambda problems, completions: [t.completion for t in traces_by_groups(problems, completions)],
            lambda problems, completions: [
                list(t.completion) for t in traces_by_leaving_out(problems, completions)
            ],
        ],
        "completions_alone": [
            lambda problems, completions: [
                t.words[t.prompt_length :] for t in traces_by_leaving_out(problems, completions)
            ],
            lambda problems, completions: [
                (*t.completion, "<end>") for t in traces_by_comprehension(problems, completions)
            ],
        ],
        "none_judged": [
            filtered(
                lambda p, words: p.split == "train" and not judge(p, read(words, ended=False).answer)  # type: ignore[arg-type]
            ),
            none_judged,
        ],
        "doubles_removed": [without_doubles, without_doubles_by_set],
        "first_of_each": [first_by_break, first_by_cap],
        "tidy_only": [
            filtered(lambda p, words: _good(p, words) and read(words).tidy),
            filtered(lambda p, words: read(words, ended=False).tidy and _good(p, words)),
        ],
        "worked_only": [
            filtered(lambda p, words: _good(p, words) and read(words).steps > 0),
            filtered(lambda p, words: _good(p, words) and read(words).worked),
        ],
    },
    "compute_spent": {
        "rollouts_forgotten": [priced(rollouts=0), priced_in_parts(rollouts=0)],
        "teacher_forgotten": [priced(teaching=0), priced_in_parts(teaching=0)],
        "forward_alone": [priced(training=2), priced_in_parts(training=2)],
        "backward_alone": [priced(training=4), priced_in_parts(training=4)],
        "rollouts_as_training": [priced(rollouts=6), priced_in_parts(rollouts=6)],
        "teaching_as_training": [priced(teaching=6), priced_in_parts(teaching=6)],
        "all_as_training": [priced(6, 6, 6), priced_in_parts(6, 6, 6)],
        "teacher_at_student_s_size": [
            priced(size=lambda student, teacher: student),
            priced_in_parts(size=lambda student, teacher: student),
        ],
        "both_at_work": [
            priced(size=lambda student, teacher: student + teacher),
            priced_in_parts(size=lambda student, teacher: student + teacher),
        ],
        "one_operation": [priced(3, 1, 1), priced_in_parts(3, 1, 1)],
        "tokens_counted": [tokens_alone, tokens_alone_added],
        "parameters_forgotten": [prices_alone, prices_alone_by_table],
    },
    "controls": {
        "no_control": [teacher_alone, arms(change=lambda sets: {"teacher": sets["teacher"]})],
        "no_own_samples": [
            arms(change=lambda sets: {n: d for n, d in sets.items() if n != "own samples"}),
            lambda *lists: {name: controls_by_names(*lists)[name] for name in ("no teacher", "teacher")},
        ],
        "no_corpus": [
            arms(change=lambda sets: {n: d for n, d in sets.items() if n != "no teacher"}),
            lambda *lists: {name: controls_by_names(*lists)[name] for name in ("own samples", "teacher")},
        ],
        "not_cut": [not_cut, arms(count=lambda *lengths: None)],
        "cut_to_the_teacher_s": [
            arms(count=lambda first, *_: first),
            lambda t, o, w: {n: d[: len(_train(t))] for n, d in not_cut(t, o, w).items()},
        ],
        "test_kept": [
            arms(admit=list),
            lambda t, o, w: {
                name: documents[: min(len(t), len(o), len(w))]
                for name, documents in {"teacher": t, "own samples": o, "no teacher": w}.items()
            },
        ],
        "cut_before_the_test_was_removed": [cut_first, cut_first_by_zip],
        "own_and_corpus_swapped": [
            arms(names=("teacher", "no teacher", "own samples")),
            lambda t, o, w: controls_by_names(t, w, o),
        ],
        "teacher_and_own_swapped": [
            arms(names=("own samples", "teacher", "no teacher")),
            lambda t, o, w: controls_by_names(o, t, w),
        ],
        "corpus_filtered": [right_ones, right_ones_in_every_list],
        "doubles_removed": [
            arms(admit=once_each),
            lambda *lists: controls_by_names(*(list(dict.fromkeys(documents)) for documents in lists)),
        ],
        "last_ones": [last_ones, last_ones_reversed],
    },
    "reverse_kl": {
        "forward": [reverse(_forward)],
        "teacher_weighs": [
            reverse(
                lambda s, t: (
                    -functional.kl_div(s.log_softmax(-1), t.detach().softmax(-1), reduction="none").sum(-1)
                )
            )
        ],
        "student_cut_off": [lambda s, t, m: soft_by_kl_div(t, s, m)],
        "weights_detached": [reverse(weights_detached)],
        "teacher_learns": [
            lambda s, t, m: kl_divergence(Categorical(logits=s[m]), Categorical(logits=t[m])).mean()
        ],
        "padding_counts": [reverse(average=lambda each, mask: each.mean())],
        "padding_as_zero": [reverse(average=lambda each, mask: torch.where(mask, each, 0.0).mean())],
        "mean_of_texts": [reverse(average=mean_of_each_text)],
        "mean_over_vocabulary": [
            lambda s, t, m: functional.kl_div(
                t[m].detach().log_softmax(-1), s[m].log_softmax(-1), reduction="mean", log_target=True
            )
        ],
        "summed": [reverse(average=sum_of_masked)],
        "sign_turned": [lambda s, t, m: -reverse_by_categorical(s, t, m)],
        "entropy_left_out": [
            lambda s, t, m: -(s[m].softmax(-1) * t[m].detach().log_softmax(-1)).sum(-1).mean()
        ],
        "not_weighted": [
            lambda s, t, m: (s[m].log_softmax(-1) - t[m].detach().log_softmax(-1)).sum(-1).mean()
        ],
        "log_of_softmax_and_teacher_learns": [
            reverse(lambda s, t: (s.softmax(-1) * (s.softmax(-1) / t.softmax(-1)).log()).sum(-1))
        ],
        "log_of_softmax": [
            reverse(lambda s, t: (s.softmax(-1) * (s.softmax(-1) / t.detach().softmax(-1)).log()).sum(-1))
        ],
        "over_positions": [
            reverse(lambda s, t: (s.softmax(1) * (s.log_softmax(1) - t.detach().log_softmax(1))).sum(-1))
        ],
    },
    "coverage_change": {
        "before_and_after_swapped": [lambda before, after: change_by_sets(after, before)],
        "more_or_fewer": [more_or_fewer],
        "all_solved_counted": [
            lambda before, after: {
                **change_by_sets(before, after),
                "gained": sum(n > 0 for n in after),
                "lost": sum(n > 0 for n in before),
            }
        ],
        "shares": [lambda b, a: {name: n / len(b) for name, n in change_by_sets(b, a).items()}],
        "neither_forgotten": [lambda b, a: {**change_by_sets(b, a), "neither": 0}],
        "once_is_not_enough": [counted(lambda right: right >= 2)],
        "answers_counted": [answers_added_up],
    },
}
