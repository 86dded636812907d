"""Broadcasting, as lesson 01 draws it and says it: held against PyTorch's own."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketr1.workbook.figures import canvas
from pocketr1.workbook.shapes import draw_line_up, line_up, line_up_in_words, read_shape, result_of

SHAPES = st.lists(st.integers(1, 4), max_size=4)


@settings(max_examples=40, deadline=None)
@given(left=SHAPES, right=SHAPES)
def test_shapes_line_up_as_in_pytorch(left, right):
    try:
        expected = tuple(torch.broadcast_shapes(left, right))
    except RuntimeError:
        expected = None
    assert result_of(line_up(left, right)) == expected


def test_a_missing_axis_and_an_axis_of_one_are_repeated():
    assert line_up_in_words((5, 1), (5,)) == (
        "[5, 1] and [5]. Axis -1: the 1 on the left is repeated 5 times. Axis -2: the missing axis on the "
        "right is repeated 5 times. The result is [5, 5]."
    )


def test_lengths_that_do_not_fit_are_named():
    words = line_up_in_words((2, 3), (2, 4))
    assert words.endswith("Axis -1: 3 and 4 do not fit. Axis -2: 2 and 2 are equal. PyTorch raises an error.")


@pytest.mark.parametrize("text", ["3, 1", "[3, 1]", "(3,1)", " 3 1 ", "3x1"])
def test_shapes_can_be_typed_in_many_ways(text):
    assert read_shape(text) == (3, 1)
    assert read_shape("") == ()


@pytest.mark.parametrize("text", ["three", "0", "-1", "100", "2.5", "²"])
def test_what_is_no_shape_is_met_with_what_to_type(text):
    with pytest.raises(ValueError, match="is not a shape. Type whole numbers from 1 to 99"):
        read_shape(text)


def test_too_many_axes_are_refused():
    with pytest.raises(ValueError, match="has 6 axes. Here is room for 5"):
        read_shape("1 1 1 1 1 1")


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [((2, 1), (3,), ["result", "2", "3"]), ((2,), (3,), ["error", "✗"]), ((), (), ["result"])],
)
def test_the_drawing_shows_the_result(left, right, result):
    _, [ax] = canvas()
    draw_line_up(ax, left, right)
    drawn = [text.get_text() for text in ax.texts]
    assert set(result) <= set(drawn)
    assert ("no axes: single numbers" in drawn) == (not left and not right)
