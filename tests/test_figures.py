"""The figures: words under every picture, colours that stay apart, the same bytes in every run."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from pocketr1.workbook import figures

WEIGHTS = torch.tensor([[1.0, 0.0], [0.3, 0.7]])


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_show_prints_the_sentence(capsys):
    fig, _ = figures.canvas()
    figures.show(fig, alt="A line that rises\n   from 0 to 1.")
    assert capsys.readouterr().out == "In words: A line that rises from 0 to 1.\n"


@pytest.mark.parametrize("alt", ["", "  \n "])
def test_a_figure_without_words_is_refused(alt):
    fig, _ = figures.canvas()
    with pytest.raises(ValueError, match="needs a sentence"):
        figures.show(fig, alt=alt)


def test_long_sentences_are_broken_into_lines():
    assert max(map(len, figures.in_words("word " * 100).splitlines())) <= 100


def test_the_picture_has_a_stable_text_and_size():
    fig, _ = figures.canvas(width=7, height=3)
    assert figures.picture(fig)["text/plain"] == "<Figure 672x288>"
    metadata = figures.picture_metadata(fig, "A\nsentence.")
    assert metadata == {"image/png": {"width": 672, "height": 288, "alt": "A sentence."}}


def test_the_same_figure_gives_the_same_bytes():
    def draw():
        fig, [left, right] = figures.canvas(columns=2)
        figures.draw_attention(left, WEIGHTS, ["red", "fox"])
        figures.draw_links(right, WEIGHTS[1], ["red", "fox"], query=1)
        return figures.png(fig)

    assert draw() == draw()
    assert b"Matplotlib" not in draw()


def test_pyplot_does_not_show_the_figure_again():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    fig = pyplot.figure()
    figures.show(fig, alt="Nothing.")
    assert fig.number not in pyplot.get_fignums()


def test_the_palette_is_okabe_and_ito():
    assert figures.colours[:8] == (
        "#0072B2",
        "#D55E00",
        "#009E73",
        "#CC79A7",
        "#E69F00",
        "#56B4E9",
        "#F0E442",
        "#000000",
    )


def test_the_first_four_lines_are_visible_on_white():
    assert min(figures.contrast(colour, "#FFFFFF") for colour, _, _ in figures.LOOKS[:4]) >= 3.0
    assert figures.contrast("#000000", "#FFFFFF") == pytest.approx(21.0)


def test_lines_differ_in_more_than_colour():
    fig, [ax] = figures.canvas()
    figures.draw_curves(ax, [1, 2], {name: [1, 2] for name in "abcdefg"}, "step", "loss (nats)")
    looks = [(line.get_linestyle(), line.get_marker()) for line in ax.lines]
    assert len(set(looks)) == len(looks) == 7
    assert ax.get_xlabel() == "step" and ax.get_ylabel() == "loss (nats)"


def test_a_matrix_shows_its_numbers_and_its_names():
    fig, [ax] = figures.canvas()
    figures.draw_matrix(
        ax, [[1, -2.25], [0, -np.inf]], ["the", "bank"], ["water", "money"], "keys", decimals=1
    )
    assert texts(ax) == ["1.0", "−2.2", "0.0", "−∞"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["water", "money"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["the", "bank"]
    assert [bool(cell.get_hatch()) for cell in ax.patches] == [False, False, False, True]


def test_a_mask_says_yes_and_no():
    fig, [ax] = figures.canvas()
    figures.draw_matrix(ax, torch.tensor([[True, False]]), ["q"], ["k0", "k1"])
    assert texts(ax) == ["yes", "no"]


def test_numbers_in_cells_can_be_read():
    fig, [ax] = figures.canvas()
    figures.draw_matrix(ax, np.linspace(-1, 1, 41)[None], ["row"], [str(n) for n in range(41)])
    assert min(figures.contrast("#000000", to_hex(cell.get_facecolor())) for cell in ax.patches) >= 4.5


def test_attention_writes_large_weights_and_hatches_hidden_words():
    fig, [ax] = figures.canvas()
    figures.draw_attention(ax, WEIGHTS.requires_grad_(), ["red", "fox"], title="layer 1")
    assert texts(ax) == ["1.00", "0.30", "0.70"]
    assert [bool(cell.get_hatch()) for cell in ax.patches] == [False, True, False, False]
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("looking (query)", "looked at (key)")


def test_small_weights_are_written_if_asked_for_but_never_hidden_ones():
    fig, [ax] = figures.canvas()
    figures.draw_attention(ax, [[0.94, 0.06], [1.0, 0.0]], ["red", "fox"], least=0)
    assert texts(ax) == ["0.94", "0.06", "1.00"]


def test_weights_in_cells_can_be_read():
    for weight in np.linspace(0.01, 1, 100):
        fig, [ax] = figures.canvas()
        figures.draw_attention(ax, [[weight]], ["fox"], least=0)
        ink, paper = ax.texts[0].get_color(), to_hex(ax.patches[0].get_facecolor())
        assert figures.contrast(ink, paper) >= 4.5, weight


def test_links_draw_the_words_looked_at():
    fig, [ax] = figures.canvas()
    figures.draw_links(ax, [0.9, 0.01, 0.09], ["red", "old", "fox"], query=2)
    assert len(ax.patches) == 1
    assert texts(ax) == ["0.90", "red", "old", "fox", "looks\n(itself: 0.09)"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: figures.draw_matrix(ax, [[1, 2]], ["a"], ["b"]),
        lambda ax: figures.draw_attention(ax, WEIGHTS, ["a", "b", "c"]),
        lambda ax: figures.draw_links(ax, WEIGHTS[0], ["a"], query=0),
    ],
)
def test_wrong_sizes_are_met_with_a_sentence(draw):
    fig, [ax] = figures.canvas()
    with pytest.raises(ValueError, match=r"(matrix is|weights are) \("):
        draw(ax)


def test_seeds_are_circles_and_the_live_one_a_diamond():
    ax = figures.canvas()[1][0]
    recorded = {"with": [0.7, 0.8], "without": [1e-7, 2e-7]}
    figures.draw_seeds(ax, recorded, {"with": 0.75, "without": 1.5e-7}, "residual", bound=0.1)
    assert [line.get_marker() for line in ax.lines[:4]] == ["o", "D", "o", "D"]
    assert ax.get_xscale() == "log"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["with", "without"]
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    assert named == ["recorded seeds", "the seed that ran now", "the bound"]


def test_an_arm_that_did_not_run_now_has_no_diamond():
    _, [ax] = figures.canvas()
    figures.draw_seeds(ax, {"never": [1.0, 2.0], "now": [3.0]}, {"now": 2.5}, "loss")
    assert [line.get_marker() for line in ax.lines] == ["o", "o", "D"]
    named = [text.get_text() for text in ax.get_legend().get_texts()]
    assert sorted(named) == ["recorded seeds", "the seed that ran now"]
