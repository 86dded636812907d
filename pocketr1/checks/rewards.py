"""Checks of the exercises on rewards.

Completions and programs are written out as text, so that each case shows one way to be right or wrong: the
digits in the thinking only, a second answer, a missing end, a program that passes one test of two. What is
expected of a verifier is what the world's judge says. Language words are counted by hand, and weights may
stand in another order than their values.
"""

import math
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import torch

from ..programs import ProgramError, run_program
from ..rewards import Reward, Score, correctness, flawed_verifier
from ..worlds import Problem, Reading, Test, judge, problems, read
from .specification import Case, Check, Mistake

Words = tuple[str, ...]
WANTED = ("4", "5", "1", "7")
OPEN, CLOSE, END = "<answer>", "</answer>", "<end>"


# exact_reward


def _expected_exact_reward(completion: Words, wanted: Words) -> float:
    text = " ".join(completion)
    _, opened, rest = text.partition(OPEN)
    return float(opened + rest == f"{OPEN} {' '.join(wanted)} {CLOSE} {END}")


def _said(name: str, text: str, wanted: Words = WANTED) -> Case:
    return Case(name, lambda: (tuple(text.split()), wanted))


def _inside(completion: Words, opening: int, closing: int) -> Words:
    return completion[opening + 1 : closing]


def _last(completion: Words, word: str) -> int:
    return len(completion) - 1 - completion[::-1].index(word)


def _any_match(completion: Words, wanted: Words) -> float:
    return float(" ".join(wanted) in " ".join(completion))


def _closed_once(completion: Words) -> Words | None:
    """What stands in the one closed answer at the end, or None: right so far."""
    if completion.count(OPEN) != 1 or completion.count(CLOSE) != 1 or completion[-2:] != (CLOSE, END):
        return None
    start = completion.index(OPEN)
    return completion[start + 1 : -2]


def _compared_by(accepts: Callable[[Words, Words], bool]) -> Callable[[Words, Words], float]:
    """Finds the answer rightly, and compares it in another way."""

    def reward(completion: Words, wanted: Words) -> float:
        answer = _closed_once(completion)
        return float(answer is not None and accepts(answer, wanted))

    return reward


def _first_answer(completion: Words, wanted: Words) -> float:
    if OPEN not in completion or CLOSE not in completion:
        return 0.0
    return float(_inside(completion, completion.index(OPEN), completion.index(CLOSE)) == wanted)


def _last_answer(completion: Words, wanted: Words) -> float:
    if OPEN not in completion or CLOSE not in completion:
        return 0.0
    return float(_inside(completion, _last(completion, OPEN), _last(completion, CLOSE)) == wanted)


def _closing_not_asked(completion: Words, wanted: Words) -> float:
    if completion.count(OPEN) != 1:
        return 0.0
    rest = completion[completion.index(OPEN) + 1 :]
    return float(tuple(word for word in rest if word not in (CLOSE, END)) == wanted)


def _first_words(completion: Words, wanted: Words) -> float:
    if OPEN not in completion:
        return 0.0
    start = completion.index(OPEN) + 1
    return float(completion[start : start + len(wanted)] == wanted)


def _end_not_asked(completion: Words, wanted: Words) -> float:
    whole = completion if completion[-1:] == (END,) else (*completion, END)
    return _expected_exact_reward(whole, wanted)


def _words_between(completion: Words, wanted: Words) -> float:
    if completion.count(OPEN) != 1 or completion.count(CLOSE) != 1 or completion[-1:] != (END,):
        return 0.0
    return float(_inside(completion, completion.index(OPEN), completion.index(CLOSE)) == wanted)


def _stops_on_junk(completion: Words, wanted: Words) -> float:
    return float(completion[completion.index(OPEN) :] == (OPEN, *wanted, CLOSE, END))


def _thinking_refused(completion: Words, wanted: Words) -> float:
    return float(completion == (OPEN, *wanted, CLOSE, END))


def _thinking_demanded(completion: Words, wanted: Words) -> float:
    return _expected_exact_reward(completion, wanted) if completion[:1] == ("<think>",) else 0.0


def _contains(answer: Words, wanted: Words) -> bool:
    return " ".join(wanted) in " ".join(answer)


EXACT_REWARD = Check(
    expected=_expected_exact_reward,
    gradients=False,
    cases=(
        _said("a right answer", "<answer> 4 5 1 7 </answer> <end>"),
        _said("one wrong digit", "<answer> 4 5 1 8 </answer> <end>"),
        _said(
            "a right answer after thinking",
            "<think> 4 8 2 1 then add3 7 1 5 4 </think> <answer> 4 5 1 7 </answer> <end>",
        ),
        _said("the right digits in another order", "<answer> 7 1 5 4 </answer> <end>"),
        _said("a digit too many in front", "<answer> 3 4 5 1 7 </answer> <end>"),
        _said("a digit too many at the end", "<answer> 4 5 1 7 7 </answer> <end>"),
        _said("a digit too few", "<answer> 4 5 1 </answer> <end>"),
        _said("1 2 wanted, and 3 1 2 answered", "<answer> 3 1 2 </answer> <end>", ("1", "2")),
        _said("an empty answer", "<answer> </answer> <end>"),
        _said("the right digits in the thinking, and no answer", "<think> 4 5 1 7 </think> <end>"),
        _said(
            "the right digits in the thinking, and a wrong answer",
            "<think> then rev 4 5 1 7 </think> <answer> 0 0 0 0 </answer> <end>",
        ),
        _said("two answers, the first right", "<answer> 4 5 1 7 </answer> <answer> 0 0 0 0 </answer> <end>"),
        _said("two answers, the second right", "<answer> 0 0 0 0 </answer> <answer> 4 5 1 7 </answer> <end>"),
        _said("the same right answer twice", "<answer> 4 5 1 7 </answer> <answer> 4 5 1 7 </answer> <end>"),
        _said("an answer that is not closed", "<answer> 4 5 1 7 <end>"),
        _said("a word between the answer and the end", "<answer> 4 5 1 7 </answer> 7 <end>"),
        _said("an answer that was cut off before the end", "<answer> 4 5 1 7 </answer>"),
        _said("no word at all", ""),
        _said("the end at once", "<end>"),
        _said("tags in the wrong order", "</answer> 4 5 1 7 <answer> <end>"),
        _said("junk", "tot <answer> <answer> : </think> mane"),
        _said("junk that ends well", "> then , 5 </think> <answer> 4 5 1 7 </answer> <end>"),
    ),
    mistakes=(
        Mistake(
            "never_paid",
            "nothing is ever paid, not even the right answer. Are a list and a tuple compared? Those are"
            " never equal. Or did `wanted` go in as one item? `*wanted` puts in its words",
            lambda completion, wanted: 0.0,
        ),
        Mistake(
            "any_match",
            "the right digits are paid wherever they stand, in the thinking too; only the answer counts",
            _any_match,
        ),
        Mistake(
            "contained",
            "an answer is paid that has the right digits somewhere in it, such as 3 1 2 for 1 2; it must be"
            " equal to them",
            _compared_by(_contains),
        ),
        Mistake(
            "any_order",
            "the right digits are paid in any order; their order is what was asked for",
            _compared_by(lambda answer, wanted: sorted(answer) == sorted(wanted)),
        ),
        Mistake(
            "first_words",
            "only the first words after <answer> are compared, whatever follows them; demand that </answer>"
            " and <end> follow",
            _first_words,
        ),
        Mistake(
            "first_answer",
            "the first answer is paid, whatever comes after it: a second answer, say. Who may answer twice,"
            " guesses twice",
            _first_answer,
        ),
        Mistake(
            "last_answer",
            "the last answer is paid, whatever came before it: another answer, say. Who may answer twice,"
            " guesses twice",
            _last_answer,
        ),
        Mistake(
            "closing_not_asked",
            "an answer is paid that is not closed by </answer>, or that does not end there",
            _closing_not_asked,
        ),
        Mistake(
            "end_not_asked",
            "an answer is paid without an <end> behind it: the model was cut off, and nobody knows what it"
            " would have gone on to write",
            _end_not_asked,
        ),
        Mistake(
            "words_between",
            "something may stand between </answer> and <end>; <end> must follow at once",
            _words_between,
        ),
        Mistake(
            "stops_on_junk",
            "a completion without <answer> stops it with an error: `index` raises one where there is nothing"
            " to find. A model writes any junk; pay 0.0 for it",
            _stops_on_junk,
        ),
        Mistake(
            "thinking_refused",
            "a right answer after thinking is not paid; what stands before <answer> is not judged",
            _thinking_refused,
        ),
        Mistake(
            "thinking_demanded",
            "a right answer without <think> is not paid; whether to think is left to the model",
            _thinking_demanded,
        ),
    ),
    why="From <answer> on there is one row of words that is paid, and every other one is not: a rule with"
    " nothing to forgive has nothing to be fooled with.",
)


# mend_verifier


def _written(answer: Words, *tests: tuple[str, str]) -> Problem:
    """A program to write; `tests` are lists and what is to be made of them: ("4821", "1284")."""
    pairs = tuple(Test(_digits(given), _digits(wanted)) for given, wanted in tests)
    return Problem("write", len(answer), "english", (), answer, pairs[0].given, answer, pairs)


def _to_run(program: str, given: str) -> Problem:
    """A question of what a program makes of a list."""
    steps, digits = tuple(program.split()), _digits(given)
    answer = tuple(str(digit) for digit in run_program(steps, digits))
    return Problem("run", len(steps), "english", (*steps, ":", *given), answer, digits, steps)


def _digits(text: str) -> tuple[int, ...]:
    return tuple(int(digit) for digit in text)


def _reversing() -> Problem:
    return _written(("rev",), ("4821", "1284"), ("0339", "9330"))


def _adding() -> Problem:
    return _written(("add3",), ("4821", "7154"), ("0339", "3662"))


def _one_symmetric() -> Problem:
    """Turning round, where the first list is the same from both ends."""
    return _written(("rev",), ("4884", "4884"), ("0339", "9330"))


def _ordered() -> Problem:
    return _written(("rev", "tot"), ("4821", "1315"), ("0339", "9255"))


def _same() -> Problem:
    """Every list is to stay as it is; an empty program would do that too."""
    return _written(("rot", "rot"), ("7171", "7171"), ("3030", "3030"))


def _answered(name: str, problem: Callable[[], Problem], answer: str) -> Case:
    return Case(name, lambda: (problem(), tuple(answer.split())))


def _passes(problem: Problem, answer: Words) -> list[bool]:
    passed = []
    for test in problem.tests:
        try:
            passed.append(run_program(answer, test.given) == test.wanted)
        except ProgramError:
            passed.append(False)
    return passed


def _programs_by(verdict: Callable[[Problem, Words], bool]) -> Callable[[Problem, Words], bool]:
    """Right for digits; a mistake for programs."""
    return lambda problem, answer: (
        verdict(problem, answer) if problem.skill == "write" else answer == problem.answer
    )


def _digits_by(verdict: Callable[[Problem, Words], bool]) -> Callable[[Problem, Words], bool]:
    """Right for programs; a mistake for digits."""
    return lambda problem, answer: (
        judge(problem, answer) is None if problem.skill == "write" else verdict(problem, answer)
    )


def _errors_get_through(problem: Problem, answer: Words) -> bool:
    return bool(answer) and all(run_program(answer, test.given) == test.wanted for test in problem.tests)


def _copy(problem: Problem) -> Words:
    return tuple(str(digit) for digit in problem.given)


MEND_VERIFIER = Check(
    expected=lambda problem, answer: judge(problem, answer) is None,
    gradients=False,
    cases=(
        _answered("the right digits", lambda: _to_run("rev", "4821"), "1 2 8 4"),
        _answered("a copy of the question's digits", lambda: _to_run("rev", "4821"), "4 8 2 1"),
        _answered("the right digits in another order", lambda: _to_run("rot add1", "4821"), "5 9 3 2"),
        _answered("one wrong digit", lambda: _to_run("rev", "4821"), "1 2 8 5"),
        _answered("a digit too many", lambda: _to_run("rev", "4821"), "1 2 8 4 4"),
        _answered(
            "a program that leads back to the list, so that a copy is right",
            lambda: _to_run("rev rot rev rot", "4821"),
            "4 8 2 1",
        ),
        _answered("digits asked for, and none given", lambda: _to_run("rev", "4821"), ""),
        _answered("the program that the problem was made with", _reversing, "rev"),
        _answered("another program that does the same", _adding, "add1 add2"),
        _answered("the same words in another order, and other digits", _ordered, "tot rev"),
        _answered("a program that passes the first test of two", _one_symmetric, "rot rot rev rot rot again"),
        _answered("a program that passes the first test only", _one_symmetric, "rev rev"),
        _answered(
            "a program that passes the second test only",
            lambda: _written(("rev",), ("0339", "9330"), ("4884", "4884")),
            "rev rev",
        ),
        _answered("a program that passes no test", _reversing, "add1"),
        _answered("digits for a program", _reversing, "1 2 8 4"),
        _answered("a program whose list grows too long", _reversing, "dup dup dup"),
        _answered("a program that runs for too long", _reversing, "rev" + " again" * 8),
        _answered("an empty program, where nothing has to be done", _same, ""),
    ),
    mistakes=(
        Mistake(
            "still_any_order", "this is the flawed verifier still: the order is not compared", flawed_verifier
        ),
        Mistake(
            "digits_in_any_order",
            "programs are run now, but digits still pass in any order",
            _digits_by(flawed_verifier),
        ),
        Mistake(
            "copy_banned",
            "one trick is banned, copying the question's digits, and the hole behind it is still there: any"
            " order passes. Besides, a copy is sometimes right",
            _digits_by(lambda problem, answer: flawed_verifier(problem, answer) and answer != _copy(problem)),
        ),
        Mistake(
            "right_copy_refused",
            "a copy of the question's digits is always refused, and sometimes it is the right answer",
            _digits_by(lambda problem, answer: answer == problem.answer and answer != _copy(problem)),
        ),
        Mistake(
            "one_program_only",
            "honest programs are refused: only the one that the problem was made with passes. Run the"
            " program, and look at what it makes",
            lambda problem, answer: answer == problem.answer,
        ),
        Mistake(
            "words_in_any_order",
            "programs are compared as bags of words, so that another order passes, and another program that"
            " does the same does not. Run them",
            _programs_by(flawed_verifier),
        ),
        Mistake(
            "first_test_only",
            "only the first test is run; a program that passes one test and fails another is wrong",
            _programs_by(lambda problem, answer: bool(answer) and _passes(problem, answer)[0]),
        ),
        Mistake(
            "last_test_only",
            "only the last test decides; a program that passes one test and fails another is wrong",
            _programs_by(lambda problem, answer: bool(answer) and _passes(problem, answer)[-1]),
        ),
        Mistake(
            "any_test",
            "one passed test is enough for it; a program must pass all of them",
            _programs_by(lambda problem, answer: bool(answer) and any(_passes(problem, answer))),
        ),
        Mistake(
            "errors_get_through",
            "a program that cannot be run stops the verifier with ProgramError; it is a wrong answer, so"
            " catch the error",
            _programs_by(_errors_get_through),
        ),
        Mistake(
            "empty_program",
            "the empty program passes where nothing has to be done; a right program has one word or more",
            _programs_by(lambda problem, answer: all(_passes(problem, answer))),
        ),
        Mistake(
            "everything_refused",
            "no answer passes, not even a right one. Are a list and a tuple compared? Those are never equal",
            lambda problem, answer: False,
        ),
    ),
    why="Digits are compared in their order, and programs are run: the verifier looks at what was asked for,"
    " so neither a trick that it does not know nor an honest answer that it does not know can surprise it.",
)

# random_reward

THROWS = 4000


def _thrown(candidate: Callable[..., Any], seed: int, probability: float) -> Any:
    """What can be seen of a coin: how often it pays, what it pays, and what its throws depend on."""
    coin = candidate(seed, probability)
    if not callable(coin):
        return "a function of a problem and a reading was expected"
    (problem,) = problems("calc", 2, 1, seed=3)
    readings = [read(f"{OPEN} {' '.join(said)} {CLOSE} {END}") for said in (problem.answer, "0000")]
    scores = [coin(problem, readings[throw % 2]) for throw in range(THROWS)]
    if not all(hasattr(score, "value") for score in scores):
        return "each throw should give a Score"
    paid = [float(score.value) for score in scores]
    if len(set(paid)) == 1 and 0 < probability < 1:
        return "every throw gave the same"
    again, other = (candidate(number, probability) for number in (seed, seed + 1))
    return {
        "payment of nothing but 0 and 1": set(paid) <= {0.0, 1.0},
        "share of all answers that it pays": _about(sum(paid) / THROWS, probability),
        "share of right answers that it pays": _about(sum(paid[::2]) / THROWS * 2, probability),
        "sameness of throws with the same seed": _throws(again, problem, readings) == paid[:64],
        "difference of throws with another seed": _throws(other, problem, readings) != paid[:64],
    }


def _throws(coin: Any, problem: Problem, readings: list[Reading]) -> list[float]:
    return [float(coin(problem, readings[throw % 2]).value) for throw in range(64)]


def _about(share: float, probability: float) -> str:
    """Whether the share of throws that paid is as near to the probability as chance allows, in words."""
    if share in (0.0, 1.0):
        return "always" if share else "never"
    if abs(share - probability) <= 4.5 * (probability * (1 - probability) * 2 / THROWS) ** 0.5:
        return "as often as it should"
    return "too often" if share > probability else "too seldom"


Throw = Callable[[torch.Generator, float, Problem, Reading], Any]


def _proper_throw(generator: torch.Generator, probability: float, problem: Problem, reading: Reading) -> Any:
    return Score(float(torch.rand(1, generator=generator).item() < probability))


def _coin(
    throw: Throw = _proper_throw, seeds: Callable[[int], int] = lambda seed: seed
) -> Callable[..., Any]:
    """A random reward whose throws are made in another way."""

    def control(seed: int, probability: float = 0.5) -> Reward:
        generator = torch.Generator().manual_seed(seeds(seed))
        return lambda problem, reading: throw(generator, probability, problem, reading)

    return lambda seed, probability: _thrown(control, seed, probability)


def _one_throw(seed: int, probability: float = 0.5) -> Reward:
    paid = torch.rand(1, generator=torch.Generator().manual_seed(seed)).item() < probability
    return lambda problem, reading: Score(float(paid))


_clock = count()

RANDOM_REWARD = Check(
    expected=_coin(),
    call=_thrown,
    gradients=False,
    cases=(
        Case("a coin that pays half of the time", lambda: (0, 0.5)),
        Case("a coin that pays a quarter of the time", lambda: (1, 0.25)),
        Case("a coin that pays nine times of ten", lambda: (2, 0.9)),
        Case("a coin that never pays", lambda: (3, 0.0)),
        Case("a coin that always pays", lambda: (4, 1.0)),
    ),
    mistakes=(
        Mistake(
            "one_throw",
            "one throw decides for all answers: make the source of random numbers outside of the inner"
            " function, and draw from it inside",
            lambda seed, probability: _thrown(_one_throw, seed, probability),
        ),
        Mistake(
            "always_half",
            "it pays half of the time, whatever `probability` is",
            _coin(lambda generator, p, problem, reading: _proper_throw(generator, 0.5, problem, reading)),
        ),
        Mistake(
            "pays_the_others",
            "it pays where it should not, and the other way round: a number from 0 to 1 is *below* 0.25 a"
            " quarter of the time",
            _coin(lambda generator, p, problem, reading: _proper_throw(generator, 1 - p, problem, reading)),
        ),
        Mistake(
            "looks_at_the_answer",
            "it pays right answers alone; a control must not look at the answer",
            _coin(lambda generator, p, problem, reading: correctness(problem, reading)),
        ),
        Mistake(
            "right_and_lucky",
            "it pays an answer that is right *and* has luck; a control must not look at the answer",
            _coin(
                lambda generator, p, problem, reading: Score(
                    _proper_throw(generator, p, problem, reading).value * correctness(problem, reading).value
                )
            ),
        ),
        Mistake(
            "not_seeded",
            "the same seed gives other throws each time: pass the seed on to a source of random numbers of"
            " its own. What `random.seed` sets is shared with all else that draws",
            _coin(seeds=lambda seed: 1000 + next(_clock)),
        ),
        Mistake(
            "seed_ignored",
            "every seed gives the same throws: the seed is not used",
            _coin(seeds=lambda seed: 0),
        ),
        Mistake(
            "pays_parts",
            "it pays any number from 0 to 1; a coin has two sides: 1 with the given probability, or 0",
            _coin(lambda generator, p, problem, reading: Score(torch.rand(1, generator=generator).item())),
        ),
        Mistake(
            "one_score",
            "this is the outcome of one throw; return a *function* that throws at every call",
            lambda seed, probability: _thrown(lambda s, p: Score(1.0), seed, probability),
        ),
        Mistake(
            "number_for_score",
            "the throws give plain numbers; a reward gives a `Score`",
            lambda seed, probability: _thrown(lambda s, p: lambda problem, reading: 1.0, seed, probability),
        ),
    ),
    why="It has all that the true reward has, groups with contrast, advantages, updates, but for a connection"
    " with what was written. Whatever it moves, the reward did not mean.",
)


# language_consistency

Counted = Callable[[Mapping[str, int], str, Reading], float]
"""A score from the language words, the question's language, and all that was read."""


def _scored(score: Counted) -> Callable[[Problem, Reading], float]:
    return lambda problem, reading: float(score(reading.words, problem.language, reading))


def _value_of(candidate: Callable[..., Any], problem: Problem, reading: Reading) -> Any:
    """What a candidate's Score says; of any other thing, that it is none."""
    score = candidate(problem, reading)
    if score is None or hasattr(score, "value"):
        return None if score is None else float(score.value)
    return NUMBER if isinstance(score, int | float) else f"a {type(score).__name__}, and no Score"


NUMBER = "a number, and no Score"


def _share(words: Mapping[str, int], language: str, reading: Reading | None = None) -> float:
    total = math.fsum(words.values())
    return words[language] / total if total else 0.0


def _other(language: str) -> str:
    return {"english": "latin", "latin": "english"}[language]


def _thought(english: int, latin: int, *, steps: int | None = None) -> Reading:
    """A completion with so many words of each language; without `steps`, each word opens a step."""
    begun = english + latin if steps is None else steps
    return Reading(("1",), None, True, begun, english + latin - begun, {"english": english, "latin": latin})


def _asked(language: str) -> Problem:
    return problems("calc", 3, 1, seed=1, language=language)[0]


LANGUAGE_CONSISTENCY = Check(
    expected=_scored(_share),
    call=_value_of,
    gradients=False,
    cases=(
        Case(
            "three English words, one Latin one, asked in English",
            lambda: (_asked("english"), _thought(3, 1)),
        ),
        Case("three English words, one Latin one, asked in Latin", lambda: (_asked("latin"), _thought(3, 1))),
        Case("English words alone, asked in English", lambda: (_asked("english"), _thought(4, 0))),
        Case("English words alone, asked in Latin", lambda: (_asked("latin"), _thought(2, 0))),
        Case("no language word at all", lambda: (_asked("english"), _thought(0, 0))),
        Case("a step that was taken back", lambda: (_asked("latin"), _thought(1, 5, steps=4))),
        Case("as many words of either language", lambda: (_asked("english"), _thought(2, 2))),
    ),
    mistakes=(
        Mistake(
            "silence_is_paid",
            "thinking without any language word is paid in full, so the cheapest way to be consistent is to"
            " say nothing; it earns 0",
            _scored(lambda words, language, reading: _share(words, language) if sum(words.values()) else 1.0),
        ),
        Mistake(
            "majority",
            "the commoner language is paid, whichever it is; the question's language is the one to keep to",
            _scored(lambda words, language, reading: max(_share(words, name) for name in words)),
        ),
        Mistake(
            "english_alone",
            "English is paid whatever the question's language; take `problem.language`",
            _scored(lambda words, language, reading: _share(words, "english")),
        ),
        Mistake(
            "other_language",
            "this is the share of the other language",
            _scored(lambda words, language, reading: _share(words, _other(language))),
        ),
        Mistake(
            "count",
            "this is a number of words; a share is asked for, so that long thinking is not paid more",
            _scored(lambda words, language, reading: words[language]),
        ),
        Mistake(
            "against_the_other",
            "the words of one language are divided by those of the other; divide by those of all languages",
            _scored(
                lambda words, language, reading: (
                    words[language] / words[_other(language)]
                    if words[_other(language)]
                    else float(sum(words.values()) > 0)
                )
            ),
        ),
        Mistake(
            "by_steps",
            "the words are divided by the number of steps; words that take a step back are language words"
            " too: divide by the sum of the counts",
            _scored(
                lambda words, language, reading: words[language] / reading.steps if reading.steps else 0.0
            ),
        ),
        Mistake(
            "all_or_nothing",
            "mixed thinking earns nothing, another convention; here it earns the share that is in the"
            " question's language",
            _scored(lambda words, language, reading: float(_share(words, language) == 1)),
        ),
        Mistake(
            "rounded",
            "the share is rounded to 0 or 1: the majority decides; here it earns its share",
            _scored(lambda words, language, reading: float(_share(words, language) >= 0.5)),
        ),
        Mistake(
            "percent",
            "these are percentages; a reward lies between 0 and 1",
            _scored(lambda words, language, reading: 100 * _share(words, language)),
        ),
        Mistake(
            "bare_number",
            "this is a bare number; wrap it: a Score has a value, and says why it is not 1",
            lambda problem, reading: NUMBER,
        ),
    ),
    why="A share and not a count, so that talking more is not paid. And of the question's language, so that"
    " no language is preferred.",
)


# total_reward

Values = Mapping[str, float]


def _sum(values: Values, weights: Values) -> float:
    return math.fsum(values[name] * weights[name] for name in sorted(weights))


def _mean(values: Values, weights: Values) -> float:
    return _sum(values, weights) / len(values)


def _capped(values: Values, weights: Values) -> float:
    return min(1.0, _sum(values, weights))


def _gated(values: Values, weights: Values) -> float:
    first = next(iter(values))
    return _sum(values, weights) if values[first] else 0.0


def _known(values: Values, weights: Values) -> float:
    return math.fsum(values.get(name, 0) * weights.get(name, 0) for name in ("right", "tidy", "language"))


def _of(**values: float) -> dict[str, float]:
    return values


TOTAL_REWARD = Check(
    expected=_sum,
    gradients=False,
    cases=(
        Case("a right answer, untidy", lambda: (_of(right=1.0, tidy=0.0), _of(right=1.0, tidy=0.1))),
        Case("a wrong answer, tidy", lambda: (_of(right=0.0, tidy=1.0), _of(right=1.0, tidy=0.1))),
        Case(
            "a right and tidy answer, half of it in the other language",
            lambda: (_of(right=1.0, tidy=1.0, language=0.5), _of(right=1.0, tidy=0.1, language=0.2)),
        ),
        Case(
            "a wrong answer, tidy and three quarters in the question's language",
            lambda: (_of(right=0.0, tidy=1.0, language=0.75), _of(right=1.0, tidy=0.1, language=0.2)),
        ),
        Case(
            "weights in another order than the values",
            lambda: (_of(right=1.0, tidy=0.0, language=0.5), _of(language=0.2, tidy=0.1, right=1.0)),
        ),
        Case("one reward alone", lambda: (_of(right=1.0), _of(right=0.7))),
        Case("rewards of other names", lambda: (_of(tests=0.25, short=1.0), _of(tests=2.0, short=0.3))),
        Case("nothing earned", lambda: (_of(right=0.0, tidy=0.0), _of(right=1.0, tidy=0.1))),
    ),
    mistakes=(
        Mistake(
            "product",
            "the values are multiplied, another convention: then a right answer in the wrong language earns"
            " nothing; here they are added",
            lambda values, weights: math.prod(values.values()),
        ),
        Mistake(
            "weighted_product",
            "the weighted values are multiplied, so that one zero takes everything; add them",
            lambda values, weights: math.prod(weights[name] * values[name] for name in values),
        ),
        Mistake(
            "unweighted",
            "the weights are not used: the format would be worth as much as a right answer",
            lambda values, weights: math.fsum(values.values()),
        ),
        Mistake(
            "by_position",
            "values and weights are paired by their order; pair them by their names",
            lambda values, weights: math.fsum(
                value * weight for value, weight in zip(values.values(), weights.values(), strict=True)
            ),
        ),
        Mistake(
            "mean",
            "the sum is divided by the number of rewards; R1 adds them up",
            _mean,
        ),
        Mistake(
            "weighted_mean",
            "the sum is divided by the sum of the weights; R1 adds them up",
            lambda values, weights: _sum(values, weights) / math.fsum(weights.values()),
        ),
        Mistake(
            "only_if_right",
            "nothing is paid unless the first reward is earned, another convention; here format and language"
            " are paid for wrong answers too",
            _gated,
        ),
        Mistake(
            "all_or_nothing",
            "a reward that is earned in part is paid in full; multiply each value by its weight",
            lambda values, weights: math.fsum(weights[name] for name, value in values.items() if value > 0),
        ),
        Mistake(
            "first_alone",
            "only the first reward is counted. Does the `return` stand inside the loop?",
            lambda values, weights: next(weights[name] * value for name, value in values.items()),
        ),
        Mistake(
            "largest",
            "only the largest part is paid; add them up",
            lambda values, weights: max(weights[name] * value for name, value in values.items()),
        ),
        Mistake(
            "capped",
            "the sum is cut at 1; then a right answer earns nothing more for its language",
            _capped,
        ),
        Mistake(
            "weights_alone",
            "this is the sum of the weights; each counts as far as its value was earned",
            lambda values, weights: math.fsum(weights.values()),
        ),
        Mistake(
            "names_written_out",
            "only rewards called right, tidy and language are counted; take the names from the dictionaries",
            _known,
        ),
    ),
    why="Each reward pulls by itself: what is earned for language does not depend on whether the answer is"
    " right. The weights say what matters more.",
)

CHECKS: dict[str, Check] = {
    "exact_reward": EXACT_REWARD,
    "mend_verifier": MEND_VERIFIER,
    "random_reward": RANDOM_REWARD,
    "language_consistency": LANGUAGE_CONSISTENCY,
    "total_reward": TOTAL_REWARD,
}
