"""Answers to the exercises on rewards: right ones of other styles, and the mistakes that people make."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from pocketr1.programs import ProgramError, run_program
from pocketr1.rewards import Score
from pocketr1.worlds import Problem, Reading, judge

Values = Mapping[str, float]

# exact_reward, right


def paid_by_text(completion, wanted):
    text = " ".join(completion)
    where = text.find("<answer>")
    return 1.0 if where >= 0 and text[where:] == f"<answer> {' '.join(wanted)} </answer> <end>" else 0.0


def paid_by_counting(completion, wanted):
    if completion.count("<answer>") != 1 or completion.count("</answer>") != 1:
        return 0.0
    if completion[-2:] != ("</answer>", "<end>"):
        return 0.0
    start = completion.index("<answer>")
    return float(completion[start + 1 : -2] == wanted)


def paid_by_trying(completion, wanted):
    try:
        start = completion.index("<answer>")
    except ValueError:
        return 0
    return 1 if list(completion[start:]) == ["<answer>", *wanted, "</answer>", "<end>"] else 0


def paid_by_a_walk(completion, wanted):
    expected = None
    for word in completion:
        if expected is None:
            if word == "<answer>":
                expected = [*wanted, "</answer>", "<end>"]
        elif not expected or word != expected.pop(0):
            return 0.0
    return 1.0 if expected == [] else 0.0


# exact_reward, wrong


def inside(completion, opening, closing):
    return completion[opening + 1 : closing]


def find(completion, word, last=False):
    places = [place for place, other in enumerate(completion) if other == word]
    return places[-1 if last else 0] if places else -1


def any_match_by_windows(completion, wanted):
    starts = range(len(completion) - len(wanted) + 1)
    return float(any(completion[start : start + len(wanted)] == wanted for start in starts))


def contained_by_windows(completion, wanted):
    return paid_by_counting(completion, completion[find(completion, "<answer>") + 1 : -2]) * (
        any_match_by_windows(inside(completion, find(completion, "<answer>"), -2), wanted)
    )


def any_order_by_counter(completion, wanted):
    answer = completion[find(completion, "<answer>") + 1 : -2]
    return paid_by_counting(completion, answer) if Counter(answer) == Counter(wanted) else 0.0


def first_words_by_zip(completion, wanted):
    if "<answer>" not in completion:
        return 0.0
    rest = completion[completion.index("<answer>") + 1 :]
    return float(len(rest) >= len(wanted) and all(a == b for a, b in zip(rest, wanted, strict=False)))


def first_answer_by_text(completion, wanted):
    before, opened, rest = " ".join(completion).partition("<answer>")
    answer, closed, _ = rest.partition("</answer>")
    return float(bool(opened and closed) and answer.split() == list(wanted))


def last_answer_by_text(completion, wanted):
    before, opened, rest = " ".join(completion).rpartition("<answer>")
    answer, closed, _ = rest.partition("</answer>")
    return float(bool(opened and closed) and tuple(answer.split()) == wanted)


def last_answer_by_places(completion, wanted):
    opening, closing = (find(completion, word, last=True) for word in ("<answer>", "</answer>"))
    return float(opening >= 0 and closing >= 0 and inside(completion, opening, closing) == wanted)


def not_closed_by_filter(completion, wanted):
    if completion.count("<answer>") != 1:
        return 0.0
    rest = completion[completion.index("<answer>") + 1 :]
    return float([word for word in rest if word.isdigit()] == list(wanted))


def not_closed_by_stripping(completion, wanted):
    before, opened, rest = " ".join(completion).partition("<answer>")
    rest = rest.replace("</answer>", "").replace("<end>", "")
    return float(tuple(rest.split()) == wanted and bool(opened))


def no_end_by_text(completion, wanted):
    before, opened, rest = " ".join(completion).partition("<answer>")
    return float(f"{opened}{rest}".removesuffix(" <end>") == f"<answer> {' '.join(wanted)} </answer>")


def no_end_by_slices(completion, wanted):
    words = tuple(word for word in completion if word != "<end>")
    said = words[words.index("<answer>") :] if "<answer>" in words else None
    return float(said == ("<answer>", *wanted, "</answer>"))


def between_by_counting(completion, wanted):
    counts = [completion.count(word) for word in ("<answer>", "</answer>", "<end>")]
    if counts != [1, 1, 1] or completion[-1] != "<end>":
        return 0.0
    return float(inside(completion, find(completion, "<answer>"), find(completion, "</answer>")) == wanted)


def between_by_text(completion, wanted):
    text = " ".join(completion)
    if text.count("<answer>") != 1 or text.count("</answer>") != 1 or not text.endswith("<end>"):
        return 0.0
    return float(text.split("<answer>")[1].split("</answer>")[0].split() == list(wanted))


def stops_by_index(completion, wanted):
    start = completion.index("<answer>")
    return float(completion[start:] == ("<answer>",) + wanted + ("</answer>", "<end>"))


def stops_by_list(completion, wanted):
    words = list(completion)
    start = words.index("<answer>")
    if words.count("<answer>") != 1 or words[-2:] != ["</answer>", "<end>"]:
        return 0.0
    return 1.0 if words[start + 1 : -2] == list(wanted) else 0.0


def thinking_refused_by_text(completion, wanted):
    return float(" ".join(completion) == f"<answer> {' '.join(wanted)} </answer> <end>")


def thinking_refused_by_start(completion, wanted):
    return paid_by_text(completion, wanted) if completion[:1] == ("<answer>",) else 0.0


def thinking_demanded_by_count(completion, wanted):
    thought = completion.count("<think>") == 1 and completion.count("</think>") == 1
    return paid_by_counting(completion, wanted) * thought


def thinking_demanded_by_start(completion, wanted):
    return paid_by_text(completion, wanted) if " ".join(completion).startswith("<think>") else 0.0


# mend_verifier, right


def mended_by_loop(problem, answer):
    if problem.skill in ("calc", "run"):
        return tuple(answer) == tuple(problem.answer)
    if len(answer) == 0:
        return False
    for test in problem.tests:
        try:
            made = run_program(answer, test.given)
        except ProgramError:
            return False
        if tuple(made) != tuple(test.wanted):
            return False
    return True


def mended_by_text(problem, answer):
    if not problem.tests:
        return " ".join(answer) == " ".join(problem.answer)
    try:
        made = [list(run_program(answer, test.given)) for test in problem.tests]
    except ValueError:
        made = None
    return answer != () and made == [list(test.wanted) for test in problem.tests]


def mended_by_the_judge(problem, answer):
    return judge(problem, answer) is None


def results(problem, answer):
    for test in problem.tests:
        try:
            yield run_program(answer, test.given) == test.wanted
        except ProgramError:
            yield False


def mended_by_a_helper(problem, answer):
    if problem.skill == "write":
        return bool(answer) and all(results(problem, answer))
    return answer == problem.answer


# mend_verifier, wrong


def only_digits(verdict):
    """A mistake about digits; right for programs."""
    return lambda problem, answer: (mended_by_loop if problem.skill == "write" else verdict)(problem, answer)


def only_programs(verdict):
    """A mistake about programs; right for digits."""
    return lambda problem, answer: (verdict if problem.skill == "write" else mended_by_loop)(problem, answer)


def bags(problem, answer):
    return Counter(answer) == Counter(problem.answer)


def copies(problem, answer):
    return [int(word) for word in answer] == list(problem.given)


# language_consistency


def with_reasons(problem: Problem, reading: Reading) -> Score:
    counts = list(reading.words.values())
    if not any(counts):
        return Score(0.0, "nothing to judge")
    kept = reading.words[problem.language] / sum(counts)
    return Score(kept) if kept == 1 else Score(kept, "it changes its language")


def without_reasons(problem: Problem, reading: Reading) -> Score:
    return Score(value=reading.words.get(problem.language, 0) / max(1, sum(reading.words.values())))


def consistent_by_loop(problem: Problem, reading: Reading) -> Score:
    kept = total = 0
    for language, count in reading.words.items():
        total += count
        if language == problem.language:
            kept += count
    return Score(kept / total, "") if total > 0 else Score(0, "silent")


def by_its_own_method(problem: Problem, reading: Reading) -> Score:
    """`Reading.consistency` gives 1 where there is no word."""
    return Score(reading.consistency(problem.language) if sum(reading.words.values()) else 0.0)


def scored(value: Any) -> Any:
    """A Score from a function of the question's language, its words, those of the other, and the steps."""

    def answer(problem: Problem, reading: Reading) -> Score:
        own = reading.words[problem.language]
        return Score(value(own, sum(reading.words.values()) - own, problem, reading))

    return answer


def share(own: int, other: int, *_: Any) -> float:
    return own / (own + other) if own + other else 0.0


def unguarded(problem: Problem, reading: Reading) -> Score:
    return Score(reading.words[problem.language] / sum(reading.words.values()))


# total_reward


def by_names(values: Values, weights: Values) -> float:
    total = 0.0
    for name in weights:
        total += weights[name] * values[name]
    return total


def by_tensors(values: Values, weights: Values) -> float:
    names = list(values)
    vectors = [torch.tensor([each[name] for name in names]).double() for each in (values, weights)]
    return (vectors[0] @ vectors[1]).item()


def by_sorting(values: Values, weights: Values) -> float:
    pairs = zip(sorted(values.items()), sorted(weights.items()), strict=True)
    return math.fsum(value * weight for (_, value), (_, weight) in pairs)


def parts(values: Values, weights: Values) -> list[float]:
    return [weights[name] * values[name] for name in values]


def product(values: Values, weights: Values) -> float:
    total = 1.0
    for value in values.values():
        total *= value
    return total


def weighted_product(values: Values, weights: Values) -> float:
    total = 1.0
    for part in parts(values, weights):
        total = total * part
    return total


def first_alone(values: Values, weights: Values) -> float:
    for name in values:
        return weights[name] * values[name]
    return 0.0


def by_position(values: Values, weights: Values) -> float:
    listed = list(weights.values())
    return sum(value * listed[place] for place, value in enumerate(values.values()))


def only_if_right(values: Values, weights: Values) -> float:
    names = list(values)
    return by_names(values, weights) if values[names[0]] > 0 else 0.0


def only_if_right_by_factor(values: Values, weights: Values) -> float:
    return by_names(values, weights) * bool(values[next(iter(values))])


def names_written_out(values: Values, weights: Values) -> float:
    total = 0.0
    for name in ("right", "tidy", "language"):
        if name in values:
            total += weights[name] * values[name]
    return total


# random_reward


def coin_by_choices(seed, probability=0.5):
    generator = random.Random(seed)

    def throw(problem, reading):
        (paid,) = generator.choices((1.0, 0.0), (probability, 1 - probability))
        return Score(paid, "" if paid else "no luck")

    return throw


def coin_by_torch(seed, probability=0.5):
    generator = torch.Generator()
    generator.manual_seed(seed)
    return lambda problem, reading: Score(
        float(torch.rand((), generator=generator) < probability), "the coin said no"
    )


def coin_by_numpy(seed, probability=0.5):
    generator = np.random.default_rng(seed)

    def throw(problem, reading):
        return Score(float(generator.binomial(1, probability)))

    return throw


def coin_as_an_object(seed, probability=0.5):
    class Coin:
        def __init__(self):
            self.generator = random.Random(seed)

        def __call__(self, problem, reading):
            if self.generator.random() >= probability:
                return Score(0.0, "not this time")
            return Score(1.0)

    return Coin()


def coin(throw, source=random.Random):
    """A random reward whose throws are `throw(generator, probability, problem, reading)`."""

    def reward(seed, probability=0.5):
        generator = source(seed)
        return lambda problem, reading: throw(generator, probability, problem, reading)

    return reward


def thrown_anew(seed, probability=0.5):
    return lambda problem, reading: Score(1.0 if random.Random(seed).random() < probability else 0.0)


def thrown_once(seed, probability=0.5):
    score = Score(float(random.Random(seed).random() < probability))
    return lambda problem, reading: score


def proper(generator, probability, problem, reading):
    return Score(float(generator.random() < probability))


def is_right(problem, reading):
    return reading.answer is not None and judge(problem, reading.answer) is None


RIGHT = {
    "random_reward": [coin_by_choices, coin_by_torch, coin_by_numpy, coin_as_an_object],
    "exact_reward": [paid_by_text, paid_by_counting, paid_by_trying, paid_by_a_walk],
    "mend_verifier": [mended_by_loop, mended_by_text, mended_by_the_judge, mended_by_a_helper],
    "language_consistency": [with_reasons, without_reasons, consistent_by_loop, by_its_own_method],
    "total_reward": [by_names, by_tensors, by_sorting],
}
WRONG = {
    "random_reward": {
        "one_throw": [thrown_anew, thrown_once],
        "always_half": [coin(lambda generator, p, problem, reading: Score(float(generator.random() < 0.5)))],
        "pays_the_others": [
            coin(lambda generator, p, problem, reading: Score(float(generator.random() > p)))
        ],
        "looks_at_the_answer": [
            coin(lambda generator, p, problem, reading: Score(float(is_right(problem, reading))))
        ],
        "right_and_lucky": [
            coin(
                lambda generator, p, problem, reading: Score(
                    float(is_right(problem, reading) and generator.random() < p)
                )
            )
        ],
        "not_seeded": [
            coin(
                lambda generator, p, problem, reading: Score(float(generator.random() < p)),
                lambda seed: random.Random(),
            )
        ],
        "seed_ignored": [
            coin(
                lambda generator, p, problem, reading: Score(float(generator.random() < p)),
                lambda seed: random.Random(7),
            )
        ],
        "pays_parts": [coin(lambda generator, p, problem, reading: Score(generator.random()))],
        "one_score": [
            lambda seed, probability=0.5: Score(float(random.Random(seed).random() < probability)),
            lambda seed, probability=0.5: float(random.Random(seed).random() < probability),
        ],
        "number_for_score": [
            coin(lambda generator, p, problem, reading: float(generator.random() < p)),
            coin(lambda generator, p, problem, reading: generator.random() < p),
        ],
    },
    "exact_reward": {
        "never_paid": [
            lambda completion, wanted: float(list(completion[-6:-2]) == wanted),
            lambda completion, wanted: 0.0,
        ],
        "any_match": [
            lambda completion, wanted: 1.0 if " ".join(wanted) in " ".join(completion) else 0.0,
            any_match_by_windows,
        ],
        "contained": [
            contained_by_windows,
            lambda completion, wanted: (
                paid_by_counting(completion, completion[find(completion, "<answer>") + 1 : -2])
                if "".join(wanted) in "".join(completion[find(completion, "<answer>") + 1 : -2])
                else 0.0
            ),
        ],
        "any_order": [
            any_order_by_counter,
            lambda completion, wanted: (
                paid_by_text(completion, tuple(completion[-2 - len(wanted) : -2]))
                if sorted(completion[-2 - len(wanted) : -2]) == sorted(wanted)
                else 0.0
            ),
        ],
        "first_words": [
            first_words_by_zip,
            lambda completion, wanted: float(
                (" ".join(completion) + " ").partition("<answer> ")[2].startswith(" ".join(wanted) + " ")
            ),
        ],
        "first_answer": [
            first_answer_by_text,
            lambda completion, wanted: float(
                find(completion, "<answer>") >= 0
                and find(completion, "</answer>") >= 0
                and inside(completion, find(completion, "<answer>"), find(completion, "</answer>")) == wanted
            ),
        ],
        "last_answer": [last_answer_by_text, last_answer_by_places],
        "closing_not_asked": [not_closed_by_filter, not_closed_by_stripping],
        "end_not_asked": [no_end_by_text, no_end_by_slices],
        "words_between": [between_by_counting, between_by_text],
        "stops_on_junk": [stops_by_index, stops_by_list],
        "thinking_refused": [thinking_refused_by_text, thinking_refused_by_start],
        "thinking_demanded": [thinking_demanded_by_count, thinking_demanded_by_start],
        "wrong_dtype": [
            lambda completion, wanted: paid_by_text(completion, wanted) == 1,
            lambda completion, wanted: bool(paid_by_counting(completion, wanted)),
        ],
    },
    "mend_verifier": {
        "still_any_order": [bags],
        "digits_in_any_order": [only_digits(bags)],
        "copy_banned": [
            only_digits(lambda problem, answer: bags(problem, answer) and not copies(problem, answer))
        ],
        "right_copy_refused": [
            only_digits(lambda problem, answer: not copies(problem, answer) and answer == problem.answer)
        ],
        "one_program_only": [lambda problem, answer: " ".join(answer) == " ".join(problem.answer)],
        "words_in_any_order": [only_programs(bags)],
        "first_test_only": [
            only_programs(lambda problem, answer: bool(answer) and next(results(problem, answer)))
        ],
        "last_test_only": [
            only_programs(lambda problem, answer: bool(answer) and list(results(problem, answer)).pop())
        ],
        "any_test": [
            only_programs(lambda problem, answer: answer != () and True in results(problem, answer))
        ],
        "errors_get_through": [
            only_programs(
                lambda problem, answer: (
                    len(answer) > 0
                    and [run_program(answer, test.given) for test in problem.tests]
                    == [test.wanted for test in problem.tests]
                )
            )
        ],
        "empty_program": [only_programs(lambda problem, answer: False not in results(problem, answer))],
        "everything_refused": [lambda problem, answer: list(answer) == problem.answer],
    },
    "language_consistency": {
        "silence_is_paid": [
            lambda problem, reading: Score(reading.consistency(problem.language)),
        ],
        "majority": [scored(lambda own, other, *_: share(max(own, other), min(own, other)))],
        "english_alone": [
            lambda problem, reading: Score(
                reading.words["english"] / max(1, reading.words["english"] + reading.words["latin"])
            )
        ],
        "other_language": [scored(lambda own, other, *_: share(other, own))],
        "count": [scored(lambda own, *_: own)],
        "against_the_other": [scored(lambda own, other, *_: own / other if other else 1.0 if own else 0.0)],
        "by_steps": [scored(lambda own, other, problem, reading: own / max(1, reading.steps))],
        "all_or_nothing": [scored(lambda own, other, *_: 1.0 if own and not other else 0.0)],
        "rounded": [scored(lambda own, other, *_: 1.0 if own and own >= other else 0.0)],
        "percent": [scored(lambda own, other, *_: share(100 * own, 100 * other) * 100)],
        "bare_number": [lambda problem, reading: without_reasons(problem, reading).value],
        "raised": [unguarded],
    },
    "total_reward": {
        "product": [product, lambda values, weights: math.prod(values[name] for name in weights)],
        "weighted_product": [
            weighted_product,
            lambda values, weights: math.prod(values.values()) * math.prod(weights.values()),
        ],
        "unweighted": [
            lambda values, weights: sum(values.values()),
            lambda values, weights: by_names(values, dict.fromkeys(values, 1.0)),
        ],
        "by_position": [
            by_position,
            lambda values, weights: sum(
                map(lambda value, weight: value * weight, values.values(), weights.values())
            ),
        ],
        "mean": [
            lambda values, weights: by_names(values, weights) / len(weights),
            lambda values, weights: torch.tensor(parts(values, weights)).double().mean().item(),
        ],
        "weighted_mean": [
            lambda values, weights: by_names(values, weights) / sum(weights.values()),
            lambda values, weights: by_tensors(
                values, {name: weight / sum(weights.values()) for name, weight in weights.items()}
            ),
        ],
        "only_if_right": [only_if_right, only_if_right_by_factor],
        "all_or_nothing": [
            lambda values, weights: sum(weights[name] for name in weights if values[name]),
            lambda values, weights: by_names(
                {name: math.ceil(value) for name, value in values.items()}, weights
            ),
        ],
        "first_alone": [
            lambda values, weights: parts(values, weights)[0],
            first_alone,
        ],
        "largest": [
            lambda values, weights: max(parts(values, weights)),
            lambda values, weights: sorted(parts(values, weights))[-1],
        ],
        "capped": [
            lambda values, weights: min(by_names(values, weights), 1.0),
            lambda values, weights: 1.0 if by_names(values, weights) > 1 else by_names(values, weights),
        ],
        "weights_alone": [
            lambda values, weights: sum(weights.values()),
            lambda values, weights: by_names(dict.fromkeys(weights, 1.0), weights),
        ],
        "names_written_out": [
            names_written_out,
            lambda values, weights: sum(
                values.get(name, 0) * weights.get(name, 0) for name in ("language", "right", "tidy")
            ),
        ],
        "raised": [
            lambda values, weights: (
                values["right"] * weights["right"] + values["language"] * weights["language"]
            ),
            lambda values, weights: sum(values * weights),
        ],
    },
}
