"""What is worth knowing beside a verdict: prints left over, warnings, and what an answer reads around it."""

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


def notes_on_what_it_reads(exercise: Exercise, candidate: Any, overheard: Overheard) -> list[str]:
    """What may explain a wrong answer: a warning, a variable of the notebook, another answer."""
    learners = [warning for warning in overheard.warned if is_learners(warning.filename)]
    warned = [str(warning.message).strip().partition("\n")[0] for warning in learners]
    notes = [f"PyTorch or Python warned: {sentence(text)[:200]}" for text in warned[:1]]
    around = globals_read(candidate)
    data = [f"`{name}`" for name, value in around.items() if isinstance(value, DATA)]
    if data:
        notes.append(f"It reads {', '.join(data)} of the notebook, which nobody passes in. Is that meant?")
    for name, value in around.items():
        beside = getattr(value, "__module__", None) == candidate.__module__
        if beside and name != exercise.function and find_exercise(name):
            notes.append(f"It calls your own `{name}`. Is that one right?")
    return notes
