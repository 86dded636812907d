"""What was handed in, before it is run: is it a function, was it begun, does it take what it is given?"""

import dis
import inspect
import re
from collections.abc import Callable
from types import FunctionType
from typing import Any

from torch import Tensor

from .catalogue import Exercise
from .scaffold import unwritten
from .wording import described

UNWRITTEN = re.compile(unwritten(r"(\w+)"))


def not_callable(exercise: Exercise, candidate: Any) -> str | None:
    """A sentence, if the candidate cannot be an answer because of what kind of thing it is."""
    name = exercise.function
    if inspect.isclass(exercise.reference):
        if inspect.isclass(candidate):
            return None
        if type(candidate).__name__ == name:
            return (
                f"this is an object of the class. Hand in the class itself: check({name}), without brackets"
            )
        kind = "a function" if callable(candidate) else described(candidate)
        return f"this is {kind}, and the exercise is the class `{name}`"
    if inspect.isclass(candidate):
        return f"`{candidate.__name__}` is a class, and the exercise is a function"
    if callable(candidate):
        return None
    again = f"Run the cell of `{name}` again, then check({name}), without brackets after the name"
    if isinstance(candidate, Tensor | tuple | list | float | int):
        return f"this is {described(candidate)}, a result and not a function. {again}"
    return f"this is {described(candidate)}, not a function. {again}"


def untouched(exercise: Exercise, candidate: Any) -> bool:
    """Whether the body is still the scaffold's. Comments and docstrings do not count."""
    stub = exercise.stub
    if not inspect.isclass(stub):
        return _same_body(stub, candidate)
    to_write = [name for name, method in vars(stub).items() if is_blank(method, exercise.function)]
    return all(_same_body(vars(stub)[name], vars(candidate).get(name)) for name in to_write)


def is_blank(function: Any, name: str) -> bool:
    """Whether all that a function does is to raise the scaffold's error."""
    return unwritten(name) in _constants(function) and not any(
        instruction.opname.startswith("RETURN") for instruction in _instructions(function)
    )


def unwritten_piece(error: BaseException) -> str | None:
    """The name of the scaffold that raised this error, if one did."""
    found = UNWRITTEN.fullmatch(str(error)) if isinstance(error, NotImplementedError) else None
    return found[1] if found else None


def wrong_parameters(exercise: Exercise, candidate: Callable[..., Any]) -> str | None:
    """A sentence, if the candidate cannot be called as the reference can."""
    ours, theirs = _signature(exercise.reference), _signature(candidate)
    if ours is None or theirs is None:
        return None
    wanted = [
        parameter
        for parameter in ours.parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    required = [parameter for parameter in wanted if parameter.default is parameter.empty]
    listed = ", ".join(f"`{parameter.name}`" for parameter in wanted)
    if not _takes(theirs, len(wanted)):
        taken = ", ".join(f"`{name}`" for name in theirs.parameters) or "nothing"
        return f"`{exercise.function}` is called with {listed}, but takes {taken}"
    if not _takes(theirs, len(required)):
        optional = ", ".join(
            f"`{parameter.name}={parameter.default!r}`" for parameter in wanted[len(required) :]
        )
        return f"`{exercise.function}` must also work without its last argument: write {optional} at its head"
    return None


def renamed_parameter(exercise: Exercise, candidate: Any) -> str | None:
    """The first parameter that cannot be given by its name any more, as later lessons may give it.

    Of a class, the parameters of each method count.
    """
    reference = exercise.reference
    if not inspect.isclass(reference):
        return _renamed(reference, candidate)
    methods = [name for name, member in vars(reference).items() if isinstance(member, FunctionType)]
    renamed = (_renamed(vars(reference)[name], getattr(candidate, name, None)) for name in methods)
    return next((name for name in renamed if name), None)


def _renamed(reference: Callable[..., Any], candidate: Any) -> str | None:
    ours, theirs = _signature(reference), _signature(candidate)
    if ours is None or theirs is None:
        return None
    parameters = theirs.parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return None
    by_name = [
        name for name, parameter in parameters.items() if parameter.kind is not parameter.POSITIONAL_ONLY
    ]
    for place, name in enumerate(ours.parameters):
        if name not in by_name or (list(parameters).index(name) != place):
            return name
    return None


def globals_read(candidate: Any) -> dict[str, Any]:
    """The variables around a function, or around the methods of a class, that it reads."""
    functions = vars(candidate).values() if inspect.isclass(candidate) else [candidate]
    found: dict[str, Any] = {}
    for function in functions:
        around = getattr(inspect.unwrap(function) if callable(function) else function, "__globals__", {})
        names = [step.argval for step in _instructions(function) if step.opname == "LOAD_GLOBAL"]
        found |= {name: around[name] for name in names if name in around}
    return found


def _same_body(one: Any, other: Any) -> bool:
    return one is other or (bool(_instructions(one)) and _shape_of(one) == _shape_of(other))


def _shape_of(function: Any) -> list[tuple[str, Any]]:
    return [(instruction.opname, instruction.argval) for instruction in _instructions(function)]


def _instructions(function: Any) -> list[dis.Instruction]:
    function = inspect.unwrap(function) if callable(function) else function
    return list(dis.get_instructions(function)) if isinstance(function, FunctionType) else []


def _constants(function: Any) -> tuple[Any, ...]:
    function = inspect.unwrap(function) if callable(function) else function
    return function.__code__.co_consts if isinstance(function, FunctionType) else ()


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):  # some of PyTorch's own have none
        return None


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True
