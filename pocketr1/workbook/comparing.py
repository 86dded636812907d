"""Whether two outputs are the same, and if not, where they part.

The tolerance comes from the size of the signal: a ten-thousandth of the element and a hundred-thousandth of
the largest one, about a hundred times the rounding error of float32. Zero, a flipped sign, a factor of two
never fit in.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

OF_ELEMENT = 1e-4
OF_LARGEST = 1e-5

NOISE = 5e-7
"""What float32 leaves of a sum of ordinary numbers that should be zero."""


@dataclass(frozen=True)
class Difference:
    """Where an output parts from the expected one.

    kind: one of the mistakes that every exercise can have: "returned_nothing", "numpy_array", "not_a_tensor",
        "wrong_place", "wrong_shape", "wrong_dtype", "nan", "wrong_value".
    got, expected: the two parts that differ. path: where they are: (1,) is the second thing of a tuple.
    index: the first element that differs, for two tensors of one shape.
    """

    kind: str
    got: Any
    expected: Any
    path: tuple[Any, ...] = ()
    index: tuple[int, ...] | None = None


def difference(got: Any, expected: Any, path: tuple[Any, ...] = ()) -> Difference | None:
    """The first difference between two outputs; None if they agree.

    Tuples and lists agree with one another; so do all precisions of float, and all sizes of whole numbers.
    """
    if isinstance(expected, Tensor):
        return _tensor_difference(got, expected, path)
    if isinstance(expected, tuple | list):
        return _sequence_difference(got, expected, path)
    if isinstance(expected, dict):
        return _dict_difference(got, expected, path)
    if got is None and expected is not None:
        return Difference("returned_nothing", got, expected, path)
    if isinstance(expected, bool | int | float):
        return _number_difference(got, expected, path)
    if type(got) is type(expected) and got == expected:
        return None
    return Difference("wrong_value", got, expected, path)


def same(got: Any, expected: Any) -> bool:
    """Whether two outputs agree."""
    return difference(got, expected) is None


def tolerance(expected: Tensor, largest: float | None = None) -> Tensor:
    """How far each element may be from `expected`. `largest`: the size of the signal, if not that of this."""
    finite = torch.where(expected.isfinite(), expected, 0).abs().double()
    if largest is None:
        largest = finite.max().item() if finite.numel() else 0.0
    return OF_ELEMENT * finite + OF_LARGEST * largest + NOISE


def tensors_in(output: Any) -> list[Tensor]:
    """All tensors of an output, in order."""
    if isinstance(output, Tensor):
        return [output]
    parts = (
        output.values() if isinstance(output, dict) else output if isinstance(output, tuple | list) else ()
    )
    return [tensor for part in parts for tensor in tensors_in(part)]


def _tensor_difference(got: Any, expected: Tensor, path: tuple[Any, ...]) -> Difference | None:
    if not isinstance(got, Tensor):
        kinds = {type(None): "returned_nothing", np.ndarray: "numpy_array"}
        return Difference(kinds.get(type(got), "not_a_tensor"), got, expected, path)
    if got.device != expected.device or got.layout != expected.layout:
        return Difference("wrong_place", got, expected, path)
    if got.shape != expected.shape:
        return Difference("wrong_shape", got, expected, path)
    if _family(got) != _family(expected):
        return Difference("wrong_dtype", got, expected, path)
    if not expected.is_floating_point():
        wrong = got != expected
    else:
        wrong = far_apart(got, expected)
    if not wrong.any():
        return None
    index = tuple(wrong.nonzero()[0].tolist())
    strange = got.is_floating_point() and bool((got.isnan() & ~expected.isnan()).any())
    if strange:
        index = tuple((got.isnan() & ~expected.isnan()).nonzero()[0].tolist())
    return Difference("nan" if strange else "wrong_value", got, expected, path, index)


def far_apart(got: Tensor, expected: Tensor, largest: float | None = None) -> Tensor:
    """Where two float tensors of one shape differ by more than the tolerance; NaN and infinity must agree."""
    got, expected = got.double(), expected.double()
    special = ~(got.isfinite() & expected.isfinite())
    equal = (got == expected) | (got.isnan() & expected.isnan())
    return torch.where(special, ~equal, (got - expected).abs() > tolerance(expected, largest))


def _family(tensor: Tensor) -> str:
    if tensor.dtype == torch.bool:
        return "bool"
    if tensor.is_complex():
        return "complex"
    return "float" if tensor.is_floating_point() else "int"


def _sequence_difference(
    got: Any, expected: tuple[Any, ...] | list[Any], path: tuple[Any, ...]
) -> Difference | None:
    if got is None:
        return Difference("returned_nothing", got, expected, path)
    if not isinstance(got, tuple | list) or len(got) != len(expected):
        return Difference("wrong_shape", got, expected, path)
    pairs = enumerate(zip(got, expected, strict=True))
    differences = (difference(mine, theirs, (*path, place)) for place, (mine, theirs) in pairs)
    return next((found for found in differences if found is not None), None)


def _dict_difference(got: Any, expected: dict[Any, Any], path: tuple[Any, ...]) -> Difference | None:
    if got is None:
        return Difference("returned_nothing", got, expected, path)
    if not isinstance(got, dict) or set(got) != set(expected):
        return Difference("wrong_shape", got, expected, path)
    differences = (difference(got[key], expected[key], (*path, key)) for key in expected)
    return next((found for found in differences if found is not None), None)


def _number_difference(got: Any, expected: bool | int | float, path: tuple[Any, ...]) -> Difference | None:
    """A NumPy number and a tensor of one element count as the number that they hold."""
    if isinstance(got, Tensor | np.ndarray | np.generic):
        if got.size != 1 if isinstance(got, np.ndarray) else isinstance(got, Tensor) and got.numel() != 1:
            return Difference("wrong_shape", got, expected, path)
        got = got.item()
    if not isinstance(got, bool | int | float):
        return Difference("wrong_value", got, expected, path)
    if isinstance(got, bool) != isinstance(expected, bool):
        return Difference("wrong_dtype", got, expected, path)
    if isinstance(expected, int):  # counts are exact
        return None if got == expected else Difference("wrong_value", got, expected, path)
    if _tensor_difference(torch.tensor(float(got)).double(), torch.tensor(expected).double(), ()) is None:
        return None
    return Difference("nan" if got != got and expected == expected else "wrong_value", got, expected, path)
