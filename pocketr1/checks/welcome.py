"""Checks of the first lesson: shares that sum to one, row by row.

The cases go from one row alone to a stack of tables. One table is square: there,
totals that have lost their axis divide the wrong way in silence; elsewhere they raise an error.
"""

import torch
from torch import Tensor
from torch.nn import functional

from .specification import Case, Check, Mistake


def _stack_of_tables() -> tuple[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return (0.5 + 3 * torch.rand(2, 3, 4, generator=generator),)


SHARES = Check(
    expected=lambda amounts: functional.normalize(amounts, p=1, dim=-1),
    cases=(
        Case("one row, (2, 6)", lambda: (torch.tensor([2.0, 6.0]),)),
        Case("two rows, (2, 6) and (40, 60)", lambda: (torch.tensor([[2.0, 6.0], [40.0, 60.0]]),)),
        Case(
            "one table of two rows and three parts",
            lambda: (torch.tensor([[6.0, 3.0, 1.0], [1.0, 2.0, 5.0]]),),
        ),
        Case("five rows of a single part", lambda: (torch.tensor([[7.0], [2.0], [0.5], [4.0], [1.0]]),)),
        Case("a stack of two tables, each of three rows and four parts", _stack_of_tables),
    ),
    mistakes=(
        Mistake(
            "total_of_everything",
            "each amount is divided by the total of all rows together, not by the total of its own row",
            lambda amounts: amounts / amounts.sum(),
        ),
        Mistake(
            "axis_lost",
            "the totals have lost their last axis, and are divided along another one; they must be [..., 1]",
            lambda amounts: amounts / amounts.sum(dim=-1),
        ),
        Mistake(
            "second_axis",
            "right for a table, whose last axis is axis 1; but a row alone has no axis 1, and in a stack of"
            " tables it is another one. Count from the end: dim=-1",
            lambda amounts: amounts / amounts.sum(dim=1, keepdim=True),
        ),
        Mistake(
            "total_of_first_axis",
            "the totals run down the first axis, from row to row; a row lies along the last axis",
            lambda amounts: amounts / amounts.sum(dim=0, keepdim=True),
        ),
        Mistake(
            "loop_over_first_axis",
            "right for a table of rows, taken one after the other; but of a row alone each amount is divided"
            " by itself, and of a stack each table by its own total. Sum along the last axis, whatever is in"
            " front",
            lambda amounts: torch.stack([row / row.sum() for row in amounts]),
        ),
        Mistake(
            "two_axes_only",
            "right for a row alone and for a table, but not for a stack of tables, where `.T` turns all axes"
            " round. Keep the last axis of the totals instead: keepdim=True",
            lambda amounts: (amounts.T / amounts.sum(dim=-1)).T,
        ),
        Mistake(
            "axis_put_back_in_front",
            "right for a table; but the axis that the totals lost was the last one, and has to come back as"
            " the last one, [..., 1], however many are in front: keepdim=True, or unsqueeze(-1)",
            lambda amounts: amounts / amounts.sum(dim=-1).unsqueeze(1),
        ),
        Mistake(
            "axis_of_columns",
            "the columns sum to one, not the rows: the totals run along the last axis but one",
            lambda amounts: amounts / amounts.sum(dim=-2, keepdim=True),
        ),
        Mistake(
            "largest_is_one",
            "each amount is divided by the largest of its row, which becomes 1, and not by the row's total",
            lambda amounts: amounts / amounts.amax(dim=-1, keepdim=True),
        ),
        Mistake(
            "divided_by_count",
            "each amount is divided by how many parts there are, not by how much they are together",
            lambda amounts: amounts / amounts.shape[-1],
        ),
        Mistake(
            "divided_by_mean",
            "each amount is divided by the mean of its row: a row sums to its number of parts, not to one",
            lambda amounts: amounts / amounts.mean(dim=-1, keepdim=True),
        ),
        Mistake(
            "percentages",
            "these are percentages: each row sums to 100, and shares sum to one",
            lambda amounts: 100 * amounts / amounts.sum(dim=-1, keepdim=True),
        ),
        Mistake(
            "softmax",
            "this is a softmax: it gives shares of the exponentials of the amounts, not of the amounts",
            lambda amounts: amounts.softmax(dim=-1),
        ),
        Mistake(
            "root_of_squares",
            "each row is divided by the root of its sum of squares: the squares sum to one, not the shares",
            lambda amounts: functional.normalize(amounts, dim=-1),
        ),
        Mistake(
            "upside_down",
            "the total is divided by the amount; a share is the amount divided by the total",
            lambda amounts: amounts.sum(dim=-1, keepdim=True) / amounts,
        ),
    ),
    why="Dividing a row by its own total keeps its proportions, drops its unit, and makes its sum one.",
)

CHECKS = {"shares": SHARES}
