"""The diagrams: what must be in them, and that colour never stands alone."""

import pytest
import torch

from pocketr1.workbook import diagrams, figures


@pytest.fixture
def ax():
    return figures.canvas()[1][0]


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def test_a_block_has_two_branches_that_are_added(ax):
    diagrams.draw_block(ax)
    written = texts(ax)
    assert written.count("norm") == written.count("+") == 2
    assert {"attention", "feed-forward"} <= set(written)


def test_turns_have_a_name_at_each_tip(ax):
    diagrams.draw_turns(ax, torch.polar(torch.ones(3), torch.arange(3.0)), ["0", "1", "2"])
    assert texts(ax) == ["0", "1", "2"]
    assert ax.texts[-1].get_position() == pytest.approx((1.2 * -0.41615, 1.2 * 0.90930), abs=1e-4)


def test_shares_are_written_out_and_the_chosen_one_is_marked_in_words(ax):
    diagrams.draw_shares(ax, [0.7, 0.25, 0.05], ["a", "b", "c"], chosen=1)
    assert texts(ax) == ["0.70", "0.25  ← drawn", "0.05"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]


@pytest.mark.parametrize(("uniform", "hit"), [(0.0, 0), (0.25, 1), (0.99, 2)])
def test_the_number_hatches_the_stretch_it_lands_on(ax, uniform, hit):
    diagrams.draw_stretches(ax, torch.tensor([0.25, 0.5, 0.25]), ["a", "b", "c"], uniform)
    assert [bool(patch.get_hatch()) for patch in ax.patches[:3]] == [place == hit for place in range(3)]


def test_narrow_stretches_have_no_name(ax):
    diagrams.draw_stretches(ax, [0.97, 0.03], ["then", "<answer>"], 0.5)
    assert texts(ax) == ["then", "0.50"]


def test_bands_are_named_from_the_fullest_up_unless_they_are_narrow(ax):
    diagrams.draw_load_over_steps(ax, [0, 5], torch.tensor([[0.5, 0.3, 0.2], [0.25, 0.73, 0.02]]))
    assert texts(ax) == ["  1: 0.73", "  0: 0.25"]


def test_the_flow_counts_visits_and_hatches_who_gets_none(ax):
    chosen = torch.tensor([[2, 0], [2, 1]])
    diagrams.draw_flow(ax, ["find", "calc"], torch.full((2, 2), 0.5), chosen, experts=4)
    written = texts(ax)
    assert written[:2] == ["find", "calc"]
    assert written[2:10] == ["0", "1", "1", "1", "2", "2", "3", "0"]  # number, count
    assert [bool(patch.get_hatch()) for patch in ax.patches] == [False, False, False, True]
    assert [len(visits.get_segments()) for visits in ax.collections] == [2, 2]
    dashed, solid = (
        visits.get_linestyle()[0][1] for visits in ax.collections
    )  # drawn last: the first choices
    assert dashed and not solid
