"""Whose code ran: what was called counts, not what was imported."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from pocketr1.workbook.figures import canvas
from pocketr1.workbook.whose import Used, draw_pieces, pieces_called
from tests.made_up_exercise import Notebook

SETUP = """
import torch
from torch import Tensor
from pocketr1.workbook.notebook import begin, check
begin("02_attention", globals())
"""

SCORES = """
def scores(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
"""


@pytest.fixture
def book(work: Path) -> Iterator[Notebook]:
    path = list(sys.path)
    opened = Notebook()
    opened.cell(SETUP)
    yield opened
    sys.path[:] = path
    for name in [name for name in sys.modules if name.split(".")[0] == "mine"]:
        del sys.modules[name]


def attend() -> None:
    rows = torch.eye(2)
    importlib.import_module("mine.attention").attend(rows, rows, rows)


def test_pieces_that_are_called_are_found_and_nothing_else(book: Notebook) -> None:
    assert pieces_called(attend) == [
        Used(f"attention.{name}", "02", False) for name in ("scores", "softmax", "attend")
    ]


def test_an_answer_that_was_accepted_is_yours(book: Notebook) -> None:
    book.cell(SCORES)
    book.cell("check(scores)")
    assert [piece.yours for piece in pieces_called(attend)] == [True, False, False]


def test_the_methods_of_a_class_belong_to_its_piece(book: Notebook) -> None:
    def run() -> None:
        importlib.import_module("mine.attention").MultiHeadAttention(4, 2)(torch.ones(1, 3, 4))

    names = [piece.name for piece in pieces_called(run)]
    assert "attention.MultiHeadAttention" in names and "attention.split_heads" in names


def test_an_error_gets_through_and_the_watching_ends(book: Notebook) -> None:
    before = sys.getprofile()
    with pytest.raises(ZeroDivisionError):
        pieces_called(lambda: 1 / 0)
    assert sys.getprofile() is before


def test_each_piece_is_drawn_by_its_name_and_those_on_loan_are_hatched() -> None:
    _, [ax] = canvas()
    draw_pieces(ax, [Used("attention.scores", "02", True), Used("cache.cached_step", "04", False)])
    assert [text.get_text() for text in ax.texts] == ["scores", "cached\nstep"]
    assert [bool(box.get_hatch()) for box in ax.patches] == [False, True]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["lesson 02", "lesson 04"]
