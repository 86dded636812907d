"""The diagrams: what must be in them, and that colour never stands alone."""

import math

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


def test_stages_stand_beside_what_they_start_from(ax):
    starts = {"one": "base", "two RL": "one", "three": "base"}
    diagrams.draw_stages(ax, starts, {"three": "two RL"})
    assert [text for text in texts(ax) if text != "documents"] == ["one", "two\nRL", "three", "base"]
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == 4 and "documents" in texts(ax)


def test_an_answer_has_a_line_for_each_step_and_says_which_are_in_the_other_language(ax):
    text = "<think> 1 2 then rev 2 1 deinde rot 1 2 </think> <answer> 1 2 </answer>"
    diagrams.draw_languages(ax, text.split(), {"then": True, "deinde": False}, width=7)
    assert texts(ax) == [
        "<think> 1 2",
        "then",
        "rev 2 1",
        "deinde",
        "rot 1 2 </think>",
        "◀ the other language",
        "<answer> 1 2 </answer>",
    ]


def test_a_path_in_a_triangle_begins_at_a_ring_and_ends_near_what_is_likely(ax):
    path = torch.tensor([[1 / 3, 1 / 3, 1 / 3], [0.0, 1.0, 0.0]])
    diagrams.draw_triangle(ax, {"the policy": path}, ["arm 1", "arm 2", "arm 3"])
    assert texts(ax) == ["arm 1", "arm 2", "arm 3"]
    ring, end = ax.lines[-2:]
    assert ring.get_xydata()[0] == pytest.approx((0.5, 0.2887), abs=1e-3)
    assert end.get_xydata()[0] == pytest.approx((1.0, 0.0))
    assert [label.get_text() for label in ax.get_legend().get_texts()] == ["the policy"]


def test_a_dashboard_draws_every_gauge_and_leaves_out_what_a_step_did_not_have():
    names = [name for names in diagrams.GAUGES.values() for name in names]
    log = {"step": [0, 1, 2], **{name: [0.5, 0.5, 0.5] for name in names}}
    log["silent_groups"], log["length_right"] = [0.0, 1.0, 0.0], [7.0, 7.0, 0.0]
    _, axes = figures.canvas(columns=4, rows=2)
    diagrams.draw_dashboard(axes, log, log)
    assert [ax.get_title() for ax in axes] == list(diagrams.GAUGES)
    drawn = {line.get_label(): line.get_ydata() for ax in axes for line in ax.lines}
    assert [math.isnan(value) for value in drawn["gradient norm"]] == [False, True, False]
    assert [math.isnan(value) for value in drawn["length right"]] == [False, False, True]
    assert list(drawn["entropy"]) == [0.5, 0.5, 0.5]
