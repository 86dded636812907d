"""A tiny language of list programs, and the interpreter that runs them.

A program is a row of operations on a list of digits, run from left to right:

    add3     add 3 to every digit, modulo 10          4 8 2 1 -> 7 1 5 4   (add1 to add5)
    mul3     multiply every digit by 3, modulo 10     4 8 2 1 -> 2 4 6 3   (mul3 and mul7)
    tot      running totals, modulo 10                4 8 2 1 -> 4 2 4 5
    rev      turn the list round                      4 8 2 1 -> 1 2 8 4
    rot      move the first digit to the end          4 8 2 1 -> 8 2 1 4
    swap     exchange the first two digits            4 8 2 1 -> 8 4 2 1
    dup      write the list twice                     4 8     -> 4 8 4 8
    again    run all that stands before it once more

None of them loses anything: from the result one can work back to the list. `dup` doubles the list and
`again` the work, so a short program can ask for more than any computer has. The interpreter counts, and
stops; it never evaluates Python.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate

STEP_LIMIT = 64
"""Operations that a program may carry out."""
SIZE_LIMIT = 16
"""Digits that a list may have."""

Digits = tuple[int, ...]


class ProgramError(ValueError):
    """A program that cannot be read, or that asks for too much. The message says which."""


def add_to_each(number: int) -> Callable[[Digits], Digits]:
    return lambda digits: tuple((digit + number) % 10 for digit in digits)


def multiply_each(number: int) -> Callable[[Digits], Digits]:
    return lambda digits: tuple(digit * number % 10 for digit in digits)


def running_totals(digits: Digits) -> Digits:
    return tuple(accumulate(digits, lambda total, digit: (total + digit) % 10))


MEANINGS: dict[str, Callable[[Digits], Digits]] = {
    "add1": add_to_each(1),
    "add2": add_to_each(2),
    "add3": add_to_each(3),
    "add4": add_to_each(4),
    "add5": add_to_each(5),
    "mul3": multiply_each(3),
    "mul7": multiply_each(7),
    "tot": running_totals,
    "rev": lambda digits: digits[::-1],
    "rot": lambda digits: digits[1:] + digits[:1],
    "swap": lambda digits: digits[1::-1] + digits[2:],
    "dup": lambda digits: digits + digits,
}
"""What each operation does to a list. `again` is not here: it is about the program."""


def run_program(program: Sequence[str], given: Sequence[int]) -> Digits:
    """The list of digits that a program makes of the list `given`.

    Its words are carried out from left to right. `again` carries out all words that stand before it once
    more; where there is another `again` among them, that one too.

    Raises ProgramError for a word that is no operation or a list that is too long (`run_operation` does), and
    for more than STEP_LIMIT words carried out. Each word counts as often as it is carried out, `again`
    included. So whatever the words are, it stops after STEP_LIMIT steps.
    """
    state, done = tuple(given), 0
    to_do = list(range(len(program)))  # the places of the words that are still to be carried out
    while to_do:
        place, done = to_do.pop(0), done + 1
        if done > STEP_LIMIT:
            raise ProgramError(f"the program runs for more than {STEP_LIMIT} steps")
        if program[place] == "again":
            to_do[:0] = range(place)  # all that stands before it comes next
        else:
            state = run_operation(program[place], state)
    return state


def run_operation(name: str, given: Digits) -> Digits:
    """The list after one operation, such as "add3" or "rev".

    Raises ProgramError for a word that is no operation, and for a list, before or after, of more than
    SIZE_LIMIT digits or of other things than digits.
    """
    if name not in MEANINGS:
        raise ProgramError(f"{name!r} is not an operation on a list")
    if len(given) > SIZE_LIMIT or not all(digit in range(10) for digit in given):
        raise ProgramError(f"a program runs on at most {SIZE_LIMIT} digits from 0 to 9")
    state = MEANINGS[name](given)
    if len(state) > SIZE_LIMIT:
        raise ProgramError(f"the list grows longer than {SIZE_LIMIT} digits")
    return state
