"""How a check says what it saw: shapes, numbers beside numbers, and the one line of an error that matters."""

import inspect
import linecache
import sysconfig
import textwrap
import traceback
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .files import work_folder

PACKAGE = str(Path(__file__).resolve().parents[1])
LIBRARIES = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib"))
MOST_ROWS, MOST_COLUMNS, MOST_PARTS = 6, 4, 6
"""How much of a large output is shown."""

DIGITS = 6
"""How many digits of a number are shown, unless it takes more to tell two apart."""

WIDTH = 96
"""How many characters a printed line may have, so that it fits a notebook's page."""

TENS = ("first", "second", "third", "fourth", "fifth", "sixth")


def indented(lines: Sequence[str] | str) -> str:
    """The lines under a message's first line."""
    return "\n".join("    " + line for line in (lines.splitlines() if isinstance(lines, str) else lines))


def wrapped(message: str) -> str:
    """The message with its long lines broken at spaces, each part indented like the line it comes from."""
    lines = []
    for line in message.splitlines():
        indent = " " * (len(line) - len(line.lstrip()) or 2)
        fits = len(line) <= WIDTH
        lines += (
            [line] if fits else textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
        )
    return "\n".join(lines)


def ended(text: str) -> str:
    """The text with a full stop, unless it has an end already."""
    text = text.strip()
    return text if text[-1:] in tuple(".?!") else text + "."


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    return ended(text[:1].upper() + text[1:])


def shape(tensor: Tensor) -> str:
    """The shape as it is written in docstrings: [2, 3]."""
    return str(list(tensor.shape))


def described(thing: Any) -> str:
    """What a thing is, in a few words: "a tensor [2, 3] of float32", "the number 3"."""
    if isinstance(thing, Tensor):
        return f"a tensor {shape(thing)} of {str(thing.dtype).removeprefix('torch.')}"
    if isinstance(thing, np.ndarray):
        return f"a NumPy array {list(thing.shape)} of {thing.dtype}"
    if thing is None:
        return "nothing (None)"
    if isinstance(thing, np.generic):
        return f"the NumPy number {rounded(thing.item())}"
    if isinstance(thing, bool):
        return str(thing)
    if isinstance(thing, int | float):
        return f"the number {rounded(thing)}"
    if isinstance(thing, str):
        return f"the text {_beginning(thing)!r}"
    if isinstance(thing, tuple | list):
        kind = "tuple" if isinstance(thing, tuple) else "list"
        parts = ", ".join(described(part) for part in thing[:MOST_PARTS]) + (
            ", ..." if len(thing) > MOST_PARTS else ""
        )
        return f"a {kind} of {len(thing)}: {parts}" if thing else f"an empty {kind}"
    if isinstance(thing, dict):
        return f"a dictionary with the keys {', '.join(map(repr, list(thing)[:MOST_PARTS]))}"
    if inspect.isgenerator(thing):
        return "a generator (there is a `yield` in it)"
    if inspect.iscoroutine(thing):
        return "a coroutine (it is defined with `async def`)"
    return f"{'an' if type(thing).__name__[:1] in 'AEIOU' else 'a'} {type(thing).__name__}"


def _beginning(text: str, most: int = 60) -> str:
    """The text, or its beginning and three dots."""
    return text if len(text) <= most else f"{text[: most - 4]} ..."


def rounded(number: Any, digits: int = DIGITS) -> str:
    """A number as Python writes it, a float with so many digits: 0.6 and not 0.6000000238418579."""
    return repr(float(f"{number:.{digits}g}")) if isinstance(number, float) else repr(number)


def as_written(thing: Any) -> str:
    """A configuration as one would type it, without the parts that are left as they are."""
    if not is_dataclass(thing) or isinstance(thing, type):
        return rounded(thing)
    given = [
        f"{part.name}={as_written(getattr(thing, part.name))}"
        for part in fields(thing)
        if getattr(thing, part.name) != part.default
    ]
    return f"{type(thing).__name__}({', '.join(given)})"


def inputs(names: Sequence[str], arguments: Sequence[Any]) -> str:
    """The arguments of a case, shapes for tensors: "query [2, 16], key [3, 16], heads = 2".

    A configuration is written out: a count is followed by hand from its numbers.
    """
    parts = []
    for name, argument in zip(names, arguments, strict=True):
        if isinstance(argument, Tensor):
            parts.append(f"{name} {shape(argument)}")
        elif isinstance(argument, bool | int | float | str) or argument is None:
            parts.append(f"{name} = {rounded(argument)}")
        elif is_dataclass(argument):
            parts.append(f"{name} = {as_written(argument)}")
        else:
            parts.append(name)
    return ", ".join(parts)


def argument_names(function: Callable[..., Any], count: int) -> list[str]:
    """The names of the first `count` parameters; "argument 3" where there is none."""
    try:
        names = list(inspect.signature(function).parameters)
    except (ValueError, TypeError):
        names = []
    return [names[place] if place < len(names) else f"argument {place + 1}" for place in range(count)]


def part_of_output(path: tuple[Any, ...]) -> str:
    """Where in the output: "the second output", "output['loss']"; empty for the output as a whole."""
    if not path:
        return ""
    if len(path) == 1 and isinstance(path[0], int) and path[0] < len(TENS):
        return f"the {TENS[path[0]]} output"
    return "output" + "".join(f"[{step!r}]" for step in path)


def beside(got: Any, expected: Any, index: tuple[int, ...] | None) -> list[str]:
    """Yours and the expected one, side by side; of a large tensor, the part around the element `index`."""
    if isinstance(got, float) and isinstance(expected, int | float):
        return _numbers_beside(got, expected)
    if not _comparable(got, expected):
        return [f"yours     {described(got)}", f"expected  {described(expected)}"]
    place, got, expected, index = _window(got, expected, index or (0,) * got.dim())
    format_number = _format(got, expected, index)
    left, right = _rows(got, format_number), _rows(expected, format_number)
    lines = [f"at {place}"] if place else []
    if len(left) == 1:
        return [*lines, f"yours     {left[0]}", f"expected  {right[0]}"]
    width = max(len(row) for row in [*left, "yours"]) + 4
    pairs = zip_longest(["yours", *left], ["expected", *right], fillvalue="")
    return [*lines, *(f"{mine:<{width}}{theirs}" for mine, theirs in pairs)]


def _numbers_beside(got: float, expected: float) -> list[str]:
    """Two numbers, with as few digits as show that they differ."""
    for digits in (DIGITS, 9, 12, 17):
        mine, theirs = rounded(got, digits), rounded(expected, digits)
        if mine != theirs:
            break
    return [f"yours     the number {mine}", f"expected  the number {theirs}"]


def _comparable(got: Any, expected: Any) -> bool:
    tensors = isinstance(got, Tensor) and isinstance(expected, Tensor)
    return tensors and (got.shape, got.device, got.layout) == (
        expected.shape,
        expected.device,
        expected.layout,
    )


def _window(
    got: Tensor, expected: Tensor, index: tuple[int, ...]
) -> tuple[str, Tensor, Tensor, tuple[int, ...]]:
    """The part of both tensors to show, at most a small matrix, and where it was cut out."""
    cut: list[int | slice] = list(index[:-2])
    inner = []
    most = (MOST_ROWS, MOST_COLUMNS)[-min(2, got.dim()) :] if got.dim() else ()
    for axis, room in zip(range(max(0, got.dim() - 2), got.dim()), most, strict=True):
        start = 0 if index[axis] < room else index[axis] - room + 1
        cut.append(slice(start, start + room))
        inner.append(index[axis] - start)
    whole = got.dim() <= 2 and all(size <= room for size, room in zip(got.shape, most, strict=True))
    place = ", ".join(
        str(step) if isinstance(step, int) else f"{step.start}:{min(step.stop, size)}"
        for step, size in zip(cut, got.shape, strict=True)
    )
    return "" if whole else f"[{place}]", got[tuple(cut)], expected[tuple(cut)], tuple(inner)


def _format(got: Tensor, expected: Tensor, index: tuple[int, ...]) -> Callable[[Any], str]:
    """How to print numbers: with as few digits as show that the two differ at `index`."""
    if not got.is_floating_point() or not expected.is_floating_point():
        return str
    both = torch.cat([got.double().reshape(-1), expected.double().reshape(-1)])
    largest = both[both.isfinite()].abs().max().item() if both.isfinite().any() else 0.0
    kind = "f" if largest == 0 or 0.01 <= largest < 10000 else "e"
    mine, theirs = got[index].item(), expected[index].item()
    for digits in (4, 6, 8):
        if f"{mine:.{digits}{kind}}" != f"{theirs:.{digits}{kind}}":
            break
    return lambda number: f"{number:.{digits}{kind}}"


def _rows(tensor: Tensor, format_number: Callable[[Any], str]) -> list[str]:
    if tensor.dim() == 0:
        return [format_number(tensor.item())]
    table = [
        [format_number(number) for number in row] for row in tensor.reshape(-1, tensor.shape[-1]).tolist()
    ]
    width = max((len(text) for row in table for text in row), default=0)
    return ["[" + "  ".join(f"{text:>{width}}" for text in row) + "]" for row in table] or ["[]"]


def error_line(error: BaseException) -> str:
    """The error as Python names it, on one line: of a long message, the line that says what is wrong.

    einops begins with the pattern and ends with the reason. A first line that ends with a colon announces the
    second one.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    message = lines[0]
    if type(error).__module__.partition(".")[0] == "einops" and len(lines) > 1:
        message = lines[-1]
    elif message.endswith("expected one of:"):  # every way to call a function of PyTorch follows
        message = message.rpartition(",")[0]
    elif message.endswith(":") and len(lines) > 1:
        message = f"{message} {lines[1]}"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def place_in_cell(error: BaseException) -> str:
    """The last line of the learner's own code that the error passed through: "line 3 of your cell: ..."."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if is_learners(frame.filename):
            line = (linecache.getline(frame.filename, frame.lineno or 0) or frame.line or "").strip()
            return f"line {frame.lineno} of your cell" + (f":  {line}" if line else "")
    return ""


def is_learners(filename: str) -> bool:
    """Whether code is the learner's own, and not the course's, a library's or on loan."""
    if Path(filename).is_relative_to(work_folder() / "mine"):
        return False
    generated = ("<frozen", "<string", "<__array_function__", "<scaffold")  # <string: what dataclasses write
    return not filename.startswith((PACKAGE, *LIBRARIES, *generated))
