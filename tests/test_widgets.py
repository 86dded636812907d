"""The widget: a control moves, the figure and its sentence follow; whatever cannot be drawn is said."""

import nbformat
import pytest
from nbclient import NotebookClient

from pocketr1.workbook import figures
from pocketr1.workbook.widgets import Choice, Explorer, Slider, Words, explore

CONTROLS = {"height": Slider("height", 1, 5, 2), "words": Words("sentence", "red fox")}


def draw(height, words):
    if words == "purple":
        raise ValueError("Not a word I know: <purple>.")
    if height == 5:
        raise ZeroDivisionError("too high")
    fig, [ax] = figures.canvas(width=2, height=1)
    ax.plot([0, 1], [0, height])
    return fig, f"A line to {height} & '{words}'."


@pytest.fixture
def explorer():
    return Explorer(draw, CONTROLS)


def test_the_first_figure_is_drawn_at_once(explorer):
    assert explorer.view.value.startswith('<img alt="A line to 2 &amp; &#x27;red fox&#x27;."')
    assert "<b>In words:</b> A line to 2 &amp; &#x27;red fox&#x27;." in explorer.twin.value


def test_moving_a_control_redraws_figure_and_sentence(explorer):
    before = explorer.view.value
    explorer.controls["height"].value = 3
    assert explorer.view.value != before
    assert "A line to 3" in explorer.view.value and "A line to 3" in explorer.twin.value
    explorer.controls["height"].value = 2
    assert explorer.view.value == before


def test_the_sentence_is_a_status_for_screen_readers(explorer):
    assert 'role="status"' in explorer.twin.value and 'aria-live="polite"' in explorer.twin.value


def test_what_cannot_be_drawn_is_said_and_the_last_figure_stays(explorer):
    before = explorer.view.value
    explorer.controls["words"].value = "purple"
    assert "Not drawn." in explorer.twin.value and "&lt;purple&gt;" in explorer.twin.value
    assert explorer.view.value == before
    explorer.controls["words"].value = "old fox"
    assert "Not drawn" not in explorer.twin.value


def test_an_unexpected_error_is_not_swallowed(explorer):
    explorer.controls["height"].value = 5
    assert "ZeroDivisionError: too high" in explorer.twin.value


def test_every_control_has_a_label_and_stays_in_its_range(explorer):
    assert [control.description for control in explorer.controls.values()] == ["height", "sentence"]
    explorer.controls["height"].value = 99
    assert explorer.controls["height"].value == 5
    assert explorer.controls["height"].readout, "the number beside a slider can be typed over"


def test_words_count_when_they_are_complete(explorer):
    assert explorer.controls["words"].continuous_update is False


def test_a_choice_is_one_of_its_names():
    explorer = Explorer(
        lambda animal: draw(len(animal), animal), {"animal": Choice("who", ("fox", "ox"), "ox")}
    )
    assert "A line to 2 &amp; &#x27;ox&#x27;." in explorer.twin.value
    explorer.controls["animal"].value = "fox"
    assert "A line to 3 &amp; &#x27;fox&#x27;." in explorer.twin.value
    assert explorer.controls["animal"].options == ("fox", "ox")


def test_the_stored_text_never_changes_and_a_still_picture_is_kept(explorer):
    data, metadata = explorer.stored()
    assert data["text/plain"] == "A figure with controls: height, sentence."
    assert data["image/png"] == figures.png(draw(2, "red fox")[0])
    assert metadata["image/png"]["alt"] == "A line to 2 & 'red fox'."


def test_without_a_notebook_the_sentence_is_printed(capsys):
    explore(draw, **CONTROLS)
    assert capsys.readouterr().out == "In words: A line to 2 & 'red fox'.\n"


def test_a_first_drawing_that_fails_stores_no_picture():
    explorer = Explorer(draw, {"height": Slider("height", 1, 5, 5), "words": Words("sentence", "red fox")})
    data, metadata = explorer.stored()
    assert "image/png" not in data and metadata == {}


def test_a_kernel_stores_widget_picture_and_text():
    source = """
from pocketr1.workbook.figures import canvas
from pocketr1.workbook.widgets import Slider, explore

def draw(height):
    fig, [ax] = canvas(width=2, height=1)
    return fig, f"Height {height}."

explore(draw, height=Slider("height", 1, 5, 2))
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, timeout=60).execute()
    [output] = notebook.cells[0].outputs
    kinds = {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    assert output["output_type"] == "display_data" and set(output["data"]) == kinds
    assert output["data"]["text/plain"] == "A figure with controls: height."
