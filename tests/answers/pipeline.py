"""Answers to the exercises on R1's pipeline: right ones of other styles, and mistakes that people make."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from pocketr1.worlds import Document, judge, read

Documents = Sequence[Document]
Keeps = Callable[[Documents, int], list[Document]]

# rejection_sample


def right(document: Document) -> bool:
    answer = read(document.completion).answer
    if answer is None:
        return False
    return judge(document.problem, answer) is None


def answered(document: Document) -> bool:
    return read(document.completion).answer is not None


def train(document: Document) -> bool:
    return document.problem.split == "train"


def by_loop(documents: Documents, cap: int) -> list[Document]:
    kept: list[Document] = []
    for document in documents:
        if document in kept or document.problem.split == "test" or not right(document):
            continue
        if len([other for other in kept if other.problem == document.problem]) < cap:
            kept.append(document)
    return kept


def by_groups(documents: Documents, cap: int) -> list[Document]:
    groups: dict[Any, list[Document]] = defaultdict(list)
    for document in documents:
        group = groups[document.problem]
        if right(document) and train(document) and document not in group and len(group) < cap:
            group.append(document)
    chosen = {document for group in groups.values() for document in group}
    return [document for document in dict.fromkeys(documents) if document in chosen]


def by_filters(documents: Documents, cap: int) -> list[Document]:
    unique = list(dict.fromkeys(filter(train, filter(right, documents))))
    seen: Counter[Any] = Counter()
    kept = []
    for document in unique:
        seen[document.problem] += 1
        if seen[document.problem] <= cap:
            kept.append(document)
    return kept


def by_prompt(documents: Documents, cap: int) -> list[Document]:
    """A problem is told by its words."""
    kept, seen, counts = [], set(), {}
    for document in documents:
        key = (document.problem.prompt, document.completion)
        if key in seen or document.problem.split != "train":
            continue
        reading = read(document.completion)
        if reading.answer is None or judge(document.problem, reading.answer) is not None:
            continue
        seen.add(key)
        counts[key[0]] = counts.get(key[0], 0) + 1
        if counts[key[0]] <= cap:
            kept.append(document)
    return kept


def loop(
    wanted: Callable[[Document], bool] = lambda document: right(document) and train(document),
    room: Callable[[int, int], bool] = lambda count, cap: count < cap,
    repeats: bool = False,
) -> Keeps:
    """One pass over the documents, with a counter."""

    def keep(documents: Documents, cap: int) -> list[Document]:
        kept: list[Document] = []
        counts: Counter[Any] = Counter()
        for document in documents:
            if wanted(document) and (repeats or document not in kept) and room(counts[document.problem], cap):
                kept.append(document)
                counts[document.problem] += 1
        return kept

    return keep


def filters(
    wanted: Callable[[Document], bool] = lambda document: right(document) and train(document),
    limit: Callable[[list[Document], int], list[Document]] | None = None,
    unique: Callable[[Any], Any] = dict.fromkeys,
) -> Keeps:
    """One filter after the other, each over the whole list."""

    def at_most(documents: list[Document], cap: int) -> list[Document]:
        places = defaultdict(list)
        for place, document in enumerate(documents):
            places[document.problem].append(place)
        allowed = {place for several in places.values() for place in several[: max(cap, 0)]}
        return [document for place, document in enumerate(documents) if place in allowed]

    def keep(documents: Documents, cap: int) -> list[Document]:
        return (limit or at_most)(list(unique([each for each in documents if wanted(each)])), cap)

    return keep


def worth(document: Document) -> bool:
    return train(document) and right(document)


def repeats_counted(documents: Documents, cap: int) -> list[Document]:
    kept: list[Document] = []
    counts: Counter[Any] = Counter()
    for document in filter(worth, documents):
        counts[document.problem] += 1
        if counts[document.problem] <= cap and document not in kept:
            kept.append(document)
    return kept


def wrong_ones_counted(documents: Documents, cap: int) -> list[Document]:
    kept: list[Document] = []
    counts: Counter[Any] = Counter()
    for document in dict.fromkeys(documents):
        counts[document.problem] += 1
        if counts[document.problem] <= cap and worth(document):
            kept.append(document)
    return kept


def all_counted(documents: Documents, cap: int) -> list[Document]:
    kept: list[Document] = []
    counts: Counter[Any] = Counter()
    for document in documents:
        counts[document.problem] += 1
        if counts[document.problem] <= cap and worth(document) and document not in kept:
            kept.append(document)
    return kept


def repeats_by_words(documents: Documents, cap: int) -> list[Document]:
    seen, different = set(), []
    for document in documents:
        if document.completion not in seen:
            different.append(document)
        seen.add(document.completion)
    return by_loop(different, cap)


def last_ones(documents: Documents, cap: int) -> list[Document]:
    kept = list(dict.fromkeys(filter(worth, documents)))
    for problem in {document.problem for document in kept}:
        while sum(document.problem == problem for document in kept) > cap:
            kept.remove(next(document for document in kept if document.problem == problem))
    return kept


def stops(documents: Documents, cap: int) -> list[Document]:
    kept: list[Document] = []
    counts: Counter[Any] = Counter()
    for document in documents:
        if not worth(document) or document in kept:
            continue
        if counts[document.problem] >= cap:
            return kept
        kept.append(document)
        counts[document.problem] += 1
    return kept


def stops_by_slicing(documents: Documents, cap: int) -> list[Document]:
    several = list(dict.fromkeys(filter(worth, documents)))
    full = (
        place for place in range(len(several)) if several[place] not in by_loop(several[: place + 1], cap)
    )
    return several[: next(full, len(several))]


def grouped(documents: Documents, cap: int) -> list[Document]:
    groups: dict[Any, list[Document]] = {}
    for document in by_filters(documents, cap):
        groups.setdefault(document.problem, []).append(document)
    return [document for group in groups.values() for document in group]


def grouped_by_problem(documents: Documents, cap: int) -> list[Document]:
    asked = dict.fromkeys(each.problem for each in documents if worth(each))
    return [each for problem in asked for each in by_loop(documents, cap) if each.problem == problem]


def compared(document: Document) -> bool:
    return train(document) and read(document.completion).answer == document.problem.answer


def same_answer_once(documents: Documents, cap: int) -> list[Document]:
    first: dict[Any, Document] = {}
    for document in filter(worth, documents):
        first.setdefault((document.problem, read(document.completion).answer), document)
    return filters()(list(first.values()), cap)


def same_answer_once_by_loop(documents: Documents, cap: int) -> list[Document]:
    kept: list[Document] = []
    for document in documents:
        before = [each for each in kept if each.problem == document.problem]
        said = [read(each.completion).answer for each in before]
        if worth(document) and read(document.completion).answer not in said and len(before) < cap:
            kept.append(document)
    return kept


def readable(document: Document) -> bool:
    reading = read(document.completion)
    return worth(document) and reading.tidy and reading.consistency(document.problem.language) == 1


def slip(document: Document) -> bool:
    """judge() is taken for yes or no."""
    answer = read(document.completion).answer
    return train(document) and answer is not None and bool(judge(document.problem, answer))


# stage_starts


def in_a_row(*starts: str) -> Callable[[], dict[str, str]]:
    """Stage by stage, one after the other."""

    def answer() -> dict[str, str]:
        made = {}
        for stage, start in zip(
            ("cold start", "reasoning RL", "second fine-tuning", "final RL"), starts, strict=True
        ):
            made[stage] = start
        return made

    return answer


def correct() -> dict[str, str]:
    return {
        "final RL": "second fine-tuning",
        "second fine-tuning": "base",
        "reasoning RL": "cold start",
        "cold start": "base",
    }


def but(**changes: str) -> Callable[[], dict[str, str]]:
    """The right ones, but for some; `second` and `final` are the last two stages."""
    names = dict(zip(("cold", "reasoning", "second", "final"), list(correct())[::-1], strict=True))
    return lambda: {**correct(), **{names[name]: start for name, start in changes.items()}}


def by_keywords() -> dict[str, str]:
    starts = dict.fromkeys(["cold start", "second fine-tuning"], "base")
    starts.update({"reasoning RL": "cold start", "final RL": "second fine-tuning"})
    return starts


def by_pairs() -> dict[str, str]:
    tunings = {"reasoning RL": "cold start", "final RL": "second fine-tuning"}
    return tunings | dict.fromkeys(tunings.values(), "base")


BOTH = lambda wanted: [loop(wanted), filters(wanted)]  # noqa: E731

RIGHT = {
    "rejection_sample": [by_loop, by_groups, by_filters, by_prompt],
    "stage_starts": [
        correct,
        by_keywords,
        by_pairs,
        in_a_row("base", "cold start", "base", "second fine-tuning"),
    ],
}

WRONG: dict[str, dict[str, list[Any]]] = {
    "rejection_sample": {
        "wrong_kept": BOTH(train),
        "answered_wrongly": BOTH(lambda document: train(document) and answered(document)),
        "only_wrong": BOTH(slip),
        "test_kept": BOTH(right),
        "no_cap": [loop(room=lambda count, cap: True), filters(limit=lambda documents, cap: documents)],
        "cap_over_all": [
            filters(limit=lambda documents, cap: documents[:cap]),
            lambda documents, cap: by_loop(documents, 99)[0:cap],
        ],
        "always_one": [
            loop(room=lambda count, cap: count == 0),
            lambda documents, cap: by_groups(documents, 1),
        ],
        "one_too_many": [
            loop(room=lambda count, cap: count <= cap),
            lambda documents, cap: filters()(documents, cap + 1),
        ],
        "one_too_few": [
            loop(room=lambda count, cap: count + 1 < cap),
            lambda documents, cap: filters()(documents, cap - 1),
        ],
        "repeats_kept": [loop(repeats=True), filters(unique=list)],
        "repeats_counted": [
            repeats_counted,
            lambda documents, cap: list(dict.fromkeys(loop(repeats=True)(documents, cap))),
        ],
        "wrong_ones_counted": [
            wrong_ones_counted,
            lambda documents, cap: [
                each for each in filters(lambda each: True)(documents, cap) if worth(each)
            ],
        ],
        "all_counted": [
            all_counted,
            lambda documents, cap: [
                each
                for each in dict.fromkeys(filters(lambda each: True, unique=list)(documents, cap))
                if worth(each)
            ],
        ],
        "repeats_by_words": [
            repeats_by_words,
            lambda documents, cap: by_filters(
                list({each.completion: each for each in reversed(documents)}.values())[::-1], cap
            ),
        ],
        "last_ones": [last_ones, lambda documents, cap: by_loop([*reversed(documents)], cap)[::-1]],
        "stops_at_the_cap": [stops, stops_by_slicing],
        "grouped": [grouped, grouped_by_problem],
        "compared": BOTH(compared),
        "same_answer_once": [same_answer_once, same_answer_once_by_loop],
        "readable_alone": BOTH(readable),
        "raised": [
            loop(lambda each: train(each) and judge(each.problem, read(each.completion).answer) is None),
            lambda documents, cap: documents.keep(cap),
        ],
        "not_a_list": [
            lambda documents, cap: tuple(by_loop(documents, cap)),
            lambda documents, cap: (each for each in by_loop(documents, cap)),
        ],
    },
    "stage_starts": {
        "one_chain": [
            in_a_row("base", "cold start", "reasoning RL", "second fine-tuning"),
            but(second="reasoning RL"),
        ],
        "zero_in_the_chain": [
            in_a_row("R1-Zero", "cold start", "reasoning RL", "second fine-tuning"),
            but(cold="R1-Zero", second="reasoning RL"),
        ],
        "zero_first": [
            in_a_row("R1-Zero", "cold start", "base", "second fine-tuning"),
            but(cold="R1-Zero"),
        ],
        "rl_from_zero": [
            in_a_row("base", "R1-Zero", "base", "second fine-tuning"),
            but(reasoning="R1-Zero"),
        ],
        "second_from_zero": [
            in_a_row("base", "cold start", "R1-Zero", "second fine-tuning"),
            but(second="R1-Zero"),
        ],
        "second_from_cold_start": [
            in_a_row("base", "cold start", "cold start", "second fine-tuning"),
            but(second="cold start"),
        ],
        "final_from_reasoning": [
            in_a_row("base", "cold start", "base", "reasoning RL"),
            but(final="reasoning RL"),
        ],
        "always_base": [in_a_row(*["base"] * 4), lambda: dict.fromkeys(correct(), "base")],
        "reasoning_from_base": [
            in_a_row("base", "base", "base", "second fine-tuning"),
            but(reasoning="base"),
        ],
        "final_from_base": [in_a_row("base", "cold start", "base", "base"), but(final="base")],
        "what_comes_next": [
            in_a_row("reasoning RL", "second fine-tuning", "final RL", "R1"),
            lambda: {
                **dict(zip(list(correct())[::-1], list(correct())[-2::-1], strict=False)),
                "final RL": "R1",
            },
        ],
        "wrong_shape": [
            lambda: ["base", "cold start", "base", "second fine-tuning"],
            lambda: {stage.title(): start for stage, start in correct().items()},
        ],
    },
}
