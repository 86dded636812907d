"""What is worth knowing beside a verdict: prints left over, warnings, and what an answer reads around it."""

from textwrap import shorten
from typing import Any

from torch import Tensor

from .catalogue import Exercise, find_exercise
from .handing_in import globals_read
from .limits import Overheard
from .wording import is_learners, sentence

DATA = (Tensor, int, float, str, list, tuple, dict)


def notes_on_prints(overheard: Overheard) -> list[str]:
    """A sentence, if the answer prints something."""
    printed = overheard.printed.strip()
    if not printed:
        return []
    first = printed.splitlines()[0][:60]
    return [f"It prints something when it is called, first: {first!r}. A left-over print?"]


def notes_on_warnings(overheard: Overheard) -> list[str]:
    """The first warning that comes from the answer itself."""
    learners = [warning for warning in overheard.warned if is_learners(warning.filename)]
    warned = [str(warning.message).strip().partition("\n")[0] for warning in learners]
    return [
        f"PyTorch or Python warned: {shorten(sentence(text), 200, placeholder=' ...')}" for text in warned[:1]
    ]


def notes_on_what_it_reads(candidate: Any) -> list[str]:
    """What may explain a wrong answer: a variable of the notebook. A constant, like PADDING, is meant."""
    notes = []
    around = globals_read(candidate)
    data = [f"`{name}`" for name, value in around.items() if isinstance(value, DATA) and not _constant(name)]
    if data:
        notes.append(f"It reads {', '.join(data)} of the notebook, which nobody passes in. Is that meant?")
    return notes


def _constant(name: str) -> bool:
    """Whether it is written like a constant. (Q, K and V are people's names for queries, keys and values.)"""
    return name.isupper() and len(name) > 2


def helpers_of(exercise: Exercise, candidate: Any) -> dict[str, Any]:
    """The learner's answers to other exercises that an answer calls, by name."""
    home = getattr(candidate, "__module__", None)
    return {
        name: value
        for name, value in globals_read(candidate).items()
        if name != exercise.function and getattr(value, "__module__", None) == home and find_exercise(name)
    }
