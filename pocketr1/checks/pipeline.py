"""Checks of the exercises on R1's pipeline: what is kept of a model's answers, and where each stage starts.

The documents of `rejection_sample` are few and hand-made, and an answer is told by the numbers of those it
keeps. One question, of a program to write, has two right answers.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from ..worlds import Document, Problem, judge, problems, read
from .specification import Case, Check, Mistake

# rejection_sample

Documents = Sequence[Document]
Chooses = Callable[[Documents, int], Any]
KEPT, NO_LIST = "numbers of the kept documents", "no list came back"


def _numbers(documents: Documents, kept: Any) -> Any:
    """Which of the documents were kept, by number."""
    if kept is None:
        return None
    if not isinstance(kept, list):
        return {KEPT: NO_LIST}
    places = [documents.index(each) if each in documents else "something else" for each in kept]
    return {KEPT: " ".join(map(str, places)) or "none"}


def _reported(candidate: Chooses, documents: Documents, cap: int) -> Any:
    return _numbers(documents, candidate(documents, cap))


def _chosen(choose: Chooses) -> Chooses:
    """An answer of the check's own, told by the numbers of what it keeps."""
    return lambda documents, cap: _numbers(documents, choose(documents, cap))


def _is_right(document: Document) -> bool:
    answer = read(document.completion).answer
    return answer is not None and judge(document.problem, answer) is None


def _is_for_training(document: Document) -> bool:
    return document.problem.split == "train"


def _readable(document: Document) -> bool:
    reading = read(document.completion)
    return reading.tidy and reading.consistency(document.problem.language) == 1


def _without_repeats(documents: Documents) -> list[Document]:
    return [each for place, each in enumerate(documents) if each not in documents[:place]]


def _once_in_these_words(documents: Documents, cap: int) -> list[Document]:
    first = {each.completion: each for each in documents[::-1]}
    return _at_most([each for each in _without_repeats(_worth(documents)) if each in first.values()], cap)


def _at_most(documents: Documents, cap: int) -> list[Document]:
    """The first `cap` of each problem."""
    return [
        each
        for place, each in enumerate(documents)
        if sum(other.problem == each.problem for other in documents[:place]) < cap
    ]


def _worth(documents: Documents) -> list[Document]:
    return [each for each in documents if _is_right(each) and _is_for_training(each)]


def _expected(documents: Documents, cap: int) -> list[Document]:
    return _at_most(_without_repeats(_worth(documents)), cap)


def _last_ones(documents: Documents, cap: int) -> list[Document]:
    return _at_most(_without_repeats(_worth(documents))[::-1], cap)[::-1]


def _grouped(documents: Documents, cap: int) -> list[Document]:
    kept = _expected(documents, cap)
    order = list(dict.fromkeys(each.problem for each in kept))
    return sorted(kept, key=lambda each: order.index(each.problem))


def _compared(documents: Documents, cap: int) -> list[Document]:
    same = [each for each in documents if read(each.completion).answer == each.problem.answer]
    return _at_most(_without_repeats([each for each in same if _is_for_training(each)]), cap)


def _stops(documents: Documents, cap: int) -> list[Document]:
    kept: list[Document] = []
    for each in _without_repeats(_worth(documents)):
        if sum(other.problem == each.problem for other in kept) == cap:
            break
        kept.append(each)
    return kept


def _same_answer_once(documents: Documents, cap: int) -> list[Document]:
    first = {(each.problem, read(each.completion).answer): each for each in _worth(documents)[::-1]}
    return _at_most(_without_repeats([each for each in _worth(documents) if each in first.values()]), cap)


def _only_wrong(documents: Documents, cap: int) -> list[Document]:
    answered = [each for each in documents if read(each.completion).answer is not None]
    wrong = [each for each in answered if not _is_right(each) and _is_for_training(each)]
    return _at_most(_without_repeats(wrong), cap)


@cache
def _problem(number: int, split: str = "train") -> Problem:
    return problems("calc", 2, 8, seed=3, split=split, language="english")[number]  # type: ignore[arg-type]


def _in_latin(problem: Problem) -> Problem:
    return replace(problem, language="latin")


@cache
def _to_write() -> Problem:
    """A program to write, of one step, add3: `add1 add2` does the same."""
    found = problems("write", 1, 60, seed=3, language="english")
    return next(each for each in found if each.answer == ("add3",))


def _said(
    problem: Problem, *thinking: str, answer: Sequence[str] | None = None, tidy: bool = True
) -> Document:
    """A document with these words as its thinking, and the right answer unless another is given."""
    words = ("<think>", *thinking, "</think>") if tidy else thinking
    return Document(
        problem, (*words, "<answer>", *(problem.answer if answer is None else answer), "</answer>")
    )


def _wrong(problem: Problem) -> Document:
    return _said(problem, "then", answer=("0",))


def _several(problem: Problem, count: int) -> list[Document]:
    """Right answers to one problem that differ in their thinking."""
    return [_said(problem, *["then"] * number) for number in range(1, count + 1)]


def _test_problem() -> Document:
    return _said(_problem(0, "test"), "then")


REJECTION_SAMPLE = Check(
    expected=_chosen(_expected),
    call=_reported,
    gradients=False,
    cases=(
        Case(
            "right, wrong, right: three different problems",
            lambda: ([_said(_problem(0)), _wrong(_problem(1)), _said(_problem(2))], 4),
        ),
        Case(
            "a document without an answer before a right one",
            lambda: ([Document(_problem(0), ("<think>", "then")), _said(_problem(1))], 4),
        ),
        Case(
            "right answers to a test problem and to a training problem",
            lambda: ([_test_problem(), _said(_problem(0))], 4),
        ),
        Case(
            "four different right answers to one problem, and a cap of 2",
            lambda: (_several(_problem(0), 4), 2),
        ),
        Case(
            "two right answers to each of three problems, and a cap of 1",
            lambda: ([each for number in range(3) for each in _several(_problem(number), 2)], 1),
        ),
        Case(
            "three right answers to one problem, then one to another, and a cap of 2",
            lambda: ([*_several(_problem(0), 3), _said(_problem(1))], 2),
        ),
        Case(
            "the same document three times, then another one of that problem, and a cap of 2",
            lambda: ([_several(_problem(0), 2)[place] for place in (0, 0, 0, 1)], 2),
        ),
        Case(
            "two wrong answers before two right ones to that problem, and a cap of 2",
            lambda: (
                [_wrong(_problem(0)), _said(_problem(0), "wait", answer=("1",)), *_several(_problem(0), 2)],
                2,
            ),
        ),
        Case(
            "answers to two problems in turn, and a cap of 3",
            lambda: (
                [_several(_problem(number), 2)[place] for place in (0, 1) for number in (0, 1)],
                3,
            ),
        ),
        Case(
            "two right programs for one question, of which only one is the stored one",
            lambda: ([_said(_to_write(), answer=("add1", "add2")), _said(_to_write())], 4),
        ),
        Case(
            "a right answer in the other language, and one without tags",
            lambda: ([_said(_problem(0), "deinde"), _said(_problem(1), "then", tidy=False)], 4),
        ),
        Case(
            "the same words to two problems, one English and one Latin, and right for both",
            lambda: ([_said(_problem(0)), _said(_in_latin(_problem(0)))], 4),
        ),
        Case("no document", lambda: ([], 2)),
    ),
    mistakes=(
        Mistake(
            "wrong_kept",
            "wrong answers are kept: the model would learn its own mistakes",
            _chosen(
                lambda documents, cap: _at_most(
                    _without_repeats([each for each in documents if _is_for_training(each)]), cap
                )
            ),
        ),
        Mistake(
            "answered_wrongly",
            "wrong answers are kept as long as there is an answer; `judge` says whether it is right",
            _chosen(
                lambda documents, cap: _at_most(
                    _without_repeats(
                        [
                            each
                            for each in documents
                            if _is_for_training(each) and read(each.completion).answer is not None
                        ]
                    ),
                    cap,
                )
            ),
        ),
        Mistake(
            "only_wrong",
            "the wrong answers are kept and the right ones are not: `judge` returns None for a right answer,"
            " and words, which count as true, for a wrong one",
            _chosen(_only_wrong),
        ),
        Mistake(
            "test_kept",
            "answers to test problems are kept: then a test would measure what was memorised",
            _chosen(
                lambda documents, cap: _at_most(
                    _without_repeats([each for each in documents if _is_right(each)]), cap
                )
            ),
        ),
        Mistake(
            "no_cap",
            "there is no cap: easy problems, with many right answers, would fill the set",
            _chosen(lambda documents, cap: _without_repeats(_worth(documents))),
        ),
        Mistake(
            "cap_over_all",
            "the cap counts all documents together; it is for each problem by itself",
            _chosen(lambda documents, cap: _without_repeats(_worth(documents))[:cap]),
        ),
        Mistake(
            "always_one",
            "there is never more than one document of a problem; use the cap that is passed in",
            _chosen(lambda documents, cap: _expected(documents, 1)),
        ),
        Mistake(
            "one_too_many",
            "one document more than the cap is kept: compare with `<`, before the new one is counted",
            _chosen(lambda documents, cap: _expected(documents, cap + 1)),
        ),
        Mistake(
            "one_too_few",
            "one document less than the cap is kept: the cap itself is allowed",
            _chosen(lambda documents, cap: _expected(documents, cap - 1)),
        ),
        Mistake(
            "repeats_kept",
            "the same document is kept more than once",
            _chosen(lambda documents, cap: _at_most(_worth(documents), cap)),
        ),
        Mistake(
            "repeats_counted",
            "a repeated document is left out and still counts against the cap; leave repeats out first",
            _chosen(lambda documents, cap: _without_repeats(_at_most(_worth(documents), cap))),
        ),
        Mistake(
            "wrong_ones_counted",
            "wrong answers are left out and still count against the cap; count the kept ones",
            _chosen(
                lambda documents, cap: [
                    each for each in _at_most(_without_repeats(documents), cap) if each in _worth(documents)
                ]
            ),
        ),
        Mistake(
            "all_counted",
            "wrong answers and repeats are left out and still count against the cap; count the kept ones",
            _chosen(
                lambda documents, cap: [
                    each for each in _without_repeats(_at_most(documents, cap)) if each in _worth(documents)
                ]
            ),
        ),
        Mistake(
            "repeats_by_words",
            "two documents count as the same when only their completions are; the same words to another"
            " problem are another document",
            _chosen(_once_in_these_words),
        ),
        Mistake(
            "last_ones",
            "of several right answers to a problem the last ones are kept; keep the first ones",
            _chosen(_last_ones),
        ),
        Mistake(
            "stops_at_the_cap",
            "all that follows is lost once a problem has reached its cap: go on with the next document"
            " (`continue`, not `break`)",
            _chosen(_stops),
        ),
        Mistake(
            "grouped",
            "the documents are the right ones, sorted by problem; keep them in the order in which they came",
            _chosen(_grouped),
        ),
        Mistake(
            "compared",
            "answers are compared with `problem.answer`; for a program to write, others are right too: ask"
            " `judge`",
            _chosen(_compared),
        ),
        Mistake(
            "same_answer_once",
            "of documents with the same answer only one is kept; they differ in how they get there, and"
            " that is what is to be learned",
            _chosen(_same_answer_once),
        ),
        Mistake(
            "readable_alone",
            "untidy thinking and thinking in the other language are left out; that is the task of another"
            " function, `readable`",
            _chosen(lambda documents, cap: _expected([each for each in documents if _readable(each)], cap)),
        ),
        Mistake(
            "not_a_list",
            "what comes back is no list; the next stage adds lists together, so return one",
            lambda documents, cap: {KEPT: NO_LIST},
        ),
    ),
    why="A verifier turns a model's own answers into a training set. The cap keeps the hard problems from"
    " drowning among the easy ones.",
)


# stage_starts

STAGES = ("cold start", "reasoning RL", "second fine-tuning", "final RL")


def _starts(cold: str, reasoning: str, second: str, final: str) -> Callable[[], dict[str, str]]:
    return lambda: dict(zip(STAGES, (cold, reasoning, second, final), strict=True))


STAGE_STARTS = Check(
    expected=_starts("base", "cold start", "base", "second fine-tuning"),
    gradients=False,
    cases=(Case("the four stages", lambda: ()),),
    mistakes=(
        Mistake(
            "one_chain",
            "each stage starts from the one before it; the second fine-tuning does not: what is handed over"
            " to it are documents, not weights",
            _starts("base", "cold start", "reasoning RL", "second fine-tuning"),
        ),
        Mistake(
            "zero_in_the_chain",
            "R1-Zero is not a stage of R1, though its answers went into the cold start's documents; and the"
            " second fine-tuning does not go on from the RL before it",
            _starts("R1-Zero", "cold start", "reasoning RL", "second fine-tuning"),
        ),
        Mistake(
            "zero_first",
            "R1-Zero is not a stage of R1: the cold start begins with the base",
            _starts("R1-Zero", "cold start", "base", "second fine-tuning"),
        ),
        Mistake(
            "rl_from_zero",
            "the reasoning RL does not go on from R1-Zero: a cold start that no stage goes on from would be"
            " for nothing",
            _starts("base", "R1-Zero", "base", "second fine-tuning"),
        ),
        Mistake(
            "second_from_zero",
            "the second fine-tuning does not start from R1-Zero, which is no stage of R1",
            _starts("base", "cold start", "R1-Zero", "second fine-tuning"),
        ),
        Mistake(
            "second_from_cold_start",
            "the second fine-tuning does not start from the cold start's model: its documents hold all that"
            " the first two stages found",
            _starts("base", "cold start", "cold start", "second fine-tuning"),
        ),
        Mistake(
            "final_from_reasoning",
            "the final RL does not go on from the reasoning RL: the second fine-tuning would be for nothing",
            _starts("base", "cold start", "base", "reasoning RL"),
        ),
        Mistake(
            "always_base",
            "not all stages start from the base: each RL goes on from the fine-tuning before it",
            _starts("base", "base", "base", "base"),
        ),
        Mistake(
            "reasoning_from_base",
            "RL straight from the base is R1-Zero; the reasoning RL goes on from the cold start",
            _starts("base", "base", "base", "second fine-tuning"),
        ),
        Mistake(
            "final_from_base",
            "the final RL does not start from the base: it goes on from the fine-tuning before it",
            _starts("base", "cold start", "base", "base"),
        ),
        Mistake(
            "what_comes_next",
            "these are the stages that come next; the one that a stage starts from is asked for",
            _starts("reasoning RL", "second fine-tuning", "final RL", "R1"),
        ),
    ),
    why="The first two stages make a model that writes good documents. The last two make R1 out of the base"
    " and those documents.",
)

CHECKS = {"rejection_sample": REJECTION_SAMPLE, "stage_starts": STAGE_STARTS}
