"""Watching a training: all is recorded, an interrupt keeps what was reached, a stored notebook is stable."""

from dataclasses import dataclass

import nbformat
import pytest
from nbclient import NotebookClient

from pocketr1.workbook import figures, live


@dataclass(frozen=True)
class Step:
    step: int
    loss: float
    right_copies: float


def training(steps):
    for step in range(steps):
        yield Step(step, 2.0 / (step + 1), step / steps)


def test_records_become_a_history(capsys):
    history = live.watch(training(4), steps=4, curves=["loss", "right_copies"], alt="Two curves.")
    assert history == {"step": [0, 1, 2, 3], "loss": [2, 1, 2 / 3, 0.5], "right_copies": [0, 0.25, 0.5, 0.75]}
    said = " ".join(capsys.readouterr().out.split())
    assert (
        said == "In words: Two curves. Loss goes from 2.00 to 0.50 and right copies goes from 0.00 to 0.75."
    )


def test_a_curve_may_have_a_name_for_its_axis(capsys):
    history = live.watch(training(2), steps=2, curves={"loss": "surprise, in nats"}, alt="A curve.")
    assert list(history) == ["step", "loss"]
    assert "Surprise, in nats goes from 2.00 to 1.00." in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(("records", "marker"), [(5, "o"), (200, "")])
def test_long_curves_have_no_markers_and_axes_have_names(records, marker):
    history = {"step": [*range(records)], "loss": [1.0] * records}
    screen = live._Screen.__new__(live._Screen)
    screen.steps, screen.history, screen.labels, screen.behind = records, history, {"loss": "surprise"}, {}
    (ax,) = screen._draw().axes
    assert (ax.lines[0].get_marker(), ax.get_ylabel(), ax.get_xlabel()) == (marker, "surprise", "step")


def test_an_interrupt_keeps_what_was_reached(capsys):
    def interrupted():
        yield from training(3)
        raise KeyboardInterrupt

    history = live.watch(interrupted(), steps=100, curves=["loss"], alt="A curve.")
    assert history["step"] == [0, 1, 2]
    assert "Stopped by hand after 3 records." in capsys.readouterr().out


def test_an_error_of_the_training_is_not_hidden():
    def failing():
        yield from training(1)
        raise RuntimeError("loss is not a number")

    with pytest.raises(RuntimeError, match="not a number"):
        live.watch(failing(), steps=2, curves=["loss"], alt="A curve.")


def test_no_records(capsys):
    assert live.watch(iter([]), steps=0, curves=["loss"], alt="A curve.") == {"step": [], "loss": []}
    assert "yielded no record" in capsys.readouterr().out


def test_a_small_change_is_not_made_to_look_large():
    fig, [shares, negative] = figures.canvas(columns=2)
    shares.plot([0, 1], [0.01, 0.02])
    negative.plot([0, 1], [-3.0, 2.0])
    live._start_at_zero(shares)
    live._start_at_zero(negative)
    assert shares.get_ylim() == (0, 1.03) and negative.get_ylim()[0] < -3


NOTEBOOK = """
import time
from dataclasses import dataclass
from pocketr1.workbook.live import watch

@dataclass(frozen=True)
class Step:
    step: int
    loss: float

def training():
    for step in range(16):
        time.sleep(0.1)
        yield Step(step, 1 / (step + 1))

earlier = {"step": [0, 15], "loss": [1.0, 1.0]}
history = watch(training(), steps=16, curves=["loss"], alt="A curve that falls.", behind={"earlier": earlier})
"""


@pytest.fixture(scope="module")
def run():
    """The cell in a real kernel: what the notebook stores, and every message that was sent on the way."""
    messages = []
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    client = NotebookClient(notebook, timeout=60)
    process = client.process_message

    def listen(message, *rest):
        messages.append((message["msg_type"], message["content"]))
        return process(message, *rest)

    client.process_message = listen
    client.execute()
    return notebook.cells[0].outputs, messages


def test_the_curve_grows_while_the_training_runs(run):
    _, messages = run
    updates = [content["data"] for kind, content in messages if kind == "update_display_data"]
    assert len({update["image/png"] for update in updates if "image/png" in update}) >= 2
    bars = [update["text/plain"] for update in updates if "image/png" not in update]
    assert any("/16" in bar and "steps" in bar for bar in bars)


def test_the_first_and_the_last_text_agree(run):
    outputs, messages = run
    first = [content["data"]["text/plain"] for kind, content in messages if kind == "display_data"]
    last = [output["data"]["text/plain"] for output in outputs if output["output_type"] == "display_data"]
    assert first == last == ["Training: 16 steps.", "<Figure 672x268>"] or first == last
    assert not any("widget" in kind for output in outputs for kind in output.get("data", {}))


def test_the_sentence_is_stored(run):
    outputs, _ = run
    printed = [output["text"] for output in outputs if output["output_type"] == "stream"]
    assert printed == ["In words: A curve that falls. Loss goes from 1.00 to 0.06.\n"]


def test_the_stored_picture_is_the_last_one(run):
    outputs, messages = run
    pictures = [
        content["data"]["image/png"] for kind, content in messages if "image/png" in content.get("data", {})
    ]
    assert outputs[1]["data"]["image/png"] == pictures[-1] != pictures[0]
    assert outputs[1]["metadata"]["image/png"]["width"] == 7 * figures.PIXELS_PER_INCH
