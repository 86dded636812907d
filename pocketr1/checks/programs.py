"""Checks of the exercise on list programs.

Every case is a program of few words and a list. What is expected is worked out by a walk over the places of
the program that calls itself at every `again`.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from ..programs import MEANINGS, SIZE_LIMIT, STEP_LIMIT, Digits, ProgramError, run_operation
from .specification import Case, Check, Mistake

REFUSED = "ProgramError"

# run_program


def _places(program: Sequence[str], end: int) -> Iterator[int]:
    """The places of the words before `end`, in the order in which they are carried out."""
    for place in range(end):
        yield place
        if program[place] == "again":
            yield from _places(program, place)


def _carry_out(words: Iterator[str], given: Sequence[int]) -> Any:
    """The list after these words, `again` passed over; REFUSED where one cannot be carried out."""
    state = tuple(given)
    try:
        for word in words:
            state = state if word == "again" else run_operation(word, state)
    except ProgramError:
        return REFUSED
    return state


def _expected_run_program(program: Sequence[str], given: Sequence[int]) -> Any:
    walk = islice(_places(program, len(program)), STEP_LIMIT + 1)
    words = [program[place] for place in walk]
    made = _carry_out(iter(words[:STEP_LIMIT]), given)
    return REFUSED if len(words) > STEP_LIMIT else made


def _refusal_as_text(candidate: Callable[..., Any], program: Sequence[str], given: Sequence[int]) -> Any:
    """What the candidate returns, or REFUSED if it refuses. The library's ProgramError counts as well."""
    try:
        return candidate(program, given)
    except Exception as error:
        if type(error).__name__ == REFUSED:
            return REFUSED
        raise


def _in_full(program: Sequence[str]) -> list[str]:
    return [program[place] for place in _places(program, len(program))]


def _with_limit(words: Sequence[str], given: Sequence[int], limit: int = STEP_LIMIT) -> Any:
    return REFUSED if len(words) > limit else _carry_out(iter(words), given)


def _last_word_again(program: Sequence[str]) -> list[str]:
    words: list[str] = []
    for word in program:
        words += words[-1:] if word == "again" else [word]
    return words


def _inner_again_left_out(program: Sequence[str]) -> list[str]:
    words: list[str] = []
    for place, word in enumerate(program):
        before = [other for other in program[:place] if other != "again"]
        words += before if word == "again" else [word]
    return words


def _again_at_the_end(program: Sequence[str]) -> list[str]:
    to_do, words = list(range(len(program))), list[str]()
    while to_do and len(words) <= STEP_LIMIT:
        place = to_do.pop(0)
        words.append(program[place])
        to_do += range(place) if program[place] == "again" else ()
    return words


def _all_again(program: Sequence[str]) -> list[str]:
    operations = [word for word in program if word != "again"]
    return operations * (1 + len(program) - len(operations))


def _without_size_limit(program: Sequence[str], given: Sequence[int]) -> Any:
    if _with_limit(_in_full(program), ()) == REFUSED:
        return REFUSED
    state = tuple(given)
    for word in _in_full(program):
        state = state if word == "again" else MEANINGS[word](state)
    return state


def _what_it_has(program: Sequence[str], given: Sequence[int]) -> Any:
    return _carry_out(iter(_in_full(program)[:STEP_LIMIT]), given)


def _nonsense_left_out(program: Sequence[str], given: Sequence[int]) -> Any:
    known = [word for word in program if word in MEANINGS or word == "again"]
    return _with_limit(_in_full(known), given)


def _each_on_the_first_list(program: Sequence[str], given: Sequence[int]) -> Any:
    words = [word for word in _in_full(program) if word != "again"]
    made = _with_limit(_in_full(program), given)
    return run_operation(words[-1], tuple(given)) if words and made != REFUSED else made


def _written(name: str, program: str, given: Digits = (4, 8, 2, 1)) -> Case:
    return Case(name, lambda: (tuple(program.split()), given))


RUN_PROGRAM = Check(
    expected=_expected_run_program,
    call=_refusal_as_text,
    gradients=False,
    cases=(
        _written("one word", "add3"),
        _written("two words", "rot tot"),
        _written("no word at all", ""),
        _written("`again` after one word", "add1 again"),
        _written("`again` after two words", "rot add1 again"),
        _written("`again` and a word after it", "rot again rev"),
        _written("`again` with nothing before it", "again add1"),
        _written("`again` twice", "rot again again"),
        _written("a word that is no operation", "add1 9**9**9"),
        _written("a digit among the words", "rev 4"),
        _written(f"a list that grows longer than {SIZE_LIMIT} digits", "dup dup dup"),
        _written(f"a list that grows to {SIZE_LIMIT} digits", "dup dup"),
        _written(f"{STEP_LIMIT} words", "rot " * STEP_LIMIT),
        _written(f"{STEP_LIMIT + 1} words", "rot " * (STEP_LIMIT + 1)),
        _written("a step limit that is kept, 63 steps in six words", "add1" + " again" * 5),
        _written("a step limit that is passed, 127 steps in seven words", "add1" + " again" * 6),
        _written("thousands of steps in twelve words", "add1" + " again" * 11),
    ),
    mistakes=(
        Mistake(
            "from_the_right",
            "the words are carried out from right to left; begin at the left",
            lambda program, given: (
                made
                if (made := _expected_run_program(program, given)) == REFUSED
                else _carry_out(iter(_in_full(program)[::-1]), given)
            ),
        ),
        Mistake(
            "each_on_the_first_list",
            "each word works on the list that was given; it should work on what the word before it made",
            _each_on_the_first_list,
        ),
        Mistake(
            "last_word_again",
            "`again` repeats the last word only; it repeats all that stands before it",
            lambda program, given: _with_limit(_last_word_again(program), given),
        ),
        Mistake(
            "inner_again_left_out",
            "where `again` repeats another `again`, that one does nothing; it is a word like others, and is"
            " carried out again too",
            lambda program, given: _with_limit(_inner_again_left_out(program), given),
        ),
        Mistake(
            "all_again",
            "`again` repeats the whole program, what follows it too; it repeats what stands before it",
            lambda program, given: _with_limit(_all_again(program), given),
        ),
        Mistake(
            "again_at_the_end",
            "what `again` repeats is put behind the words that follow it; it comes first, so put it in front",
            lambda program, given: _with_limit(_again_at_the_end(program), given),
        ),
        Mistake(
            "no_step_limit",
            "nothing stops a program that runs for too long: with `again`, a few words can ask for more than"
            " any computer has",
            lambda program, given: _carry_out(iter(_in_full(program)), given),
        ),
        Mistake(
            "written_words_counted",
            "the limit is held against the words that are written; count those that are carried out, or"
            " `again` runs for ever within it",
            lambda program, given: (
                REFUSED if len(program) > STEP_LIMIT else _carry_out(iter(_in_full(program)), given)
            ),
        ),
        Mistake(
            "again_not_counted",
            "`again` itself is not counted as a step; it takes time too, so count every word that is"
            " carried out",
            lambda program, given: (
                REFUSED
                if sum(word != "again" for word in _in_full(program)) > STEP_LIMIT
                else _carry_out(iter(_in_full(program)), given)
            ),
        ),
        Mistake(
            "limit_too_small",
            f"a program of {STEP_LIMIT} steps is refused; only more than {STEP_LIMIT} are too many",
            lambda program, given: _with_limit(_in_full(program), given, STEP_LIMIT - 1),
        ),
        Mistake(
            "what_it_has",
            "a program that runs for too long gives the list that it has by then; raise ProgramError, so that"
            " it is paid nothing",
            _what_it_has,
        ),
        Mistake(
            "nonsense_left_out",
            "a word that is no operation is passed over; raise ProgramError, or leave that to run_operation",
            _nonsense_left_out,
        ),
        Mistake(
            "no_size_limit",
            f"a list may grow longer than {SIZE_LIMIT} digits; run_operation guards against that",
            _without_size_limit,
        ),
    ),
    why="Every word that is carried out is counted, so whatever a model writes, its program ends within a"
    " fixed number of steps; and a word means what a table says, or nothing: no text ever becomes Python.",
)

CHECKS: dict[str, Check] = {"run_program": RUN_PROGRAM}
