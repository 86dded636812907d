"""How a check is written down: the inputs, an independent reference, and the mistakes that people make.

A module `pocketr1/checks/<module>.py` holds `CHECKS: dict[str, Check]`, keyed by the name of the function or
class. `pocketr1.workbook.examine` runs them. Nothing here knows of notebooks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def call_directly(candidate: Callable[..., Any], *arguments: Any) -> Any:
    """Call the candidate with the case's arguments: what a check does unless it says otherwise."""
    return candidate(*arguments)


@dataclass(frozen=True)
class Case:
    """One situation that isolates one mechanism.

    name: what it isolates, in words that complete "with ...": "one query and one key".
    arguments: builds the positional arguments, afresh and from a seed, at every call. A floating-point tensor
        that should carry a gradient need not ask for it: the engine does.
    """

    name: str
    arguments: Callable[[], tuple[Any, ...]]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give, recognised by its values and gradients, never by its source.

    name: short, stable, snake_case. says: a sentence for the learner: "the scores are divided by d, not by
    its square root". answer: a function that makes the mistake; it takes a case's arguments, as
    `Check.expected` does.
    """

    name: str
    says: str
    answer: Callable[..., Any]


@dataclass(frozen=True)
class Check:
    """Everything that decides whether an answer to one exercise is right.

    expected: an independent reference that takes a case's arguments (PyTorch's own where there is one).
    cases: from the fundamental to the subtle; the first that fails is shown to the learner.
    mistakes: the wrong answers that have a name.
    why: one sentence on why it works, said when the answer is right.
    call: `call(candidate, *arguments)` gives the output to compare. The check of a class builds the object
        here, copies known weights into it and runs it; `expected` and `Mistake.answer` take the same
        arguments directly.
    gradients: compare gradients with respect to the floating-point tensors among the arguments.

    Outputs are tensors, numbers, booleans and strings, or tuples, lists and dictionaries of them.
    """

    expected: Callable[..., Any]
    cases: tuple[Case, ...]
    mistakes: tuple[Mistake, ...]
    why: str
    call: Callable[..., Any] = call_directly
    gradients: bool = True
