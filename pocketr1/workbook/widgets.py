"""A figure with controls: move one, and the figure and its sentence change.

`explore(draw, **controls)` asks for a function that draws, and for one control for each of its arguments:

    def draw(temperature, words):
        ...
        return fig, "In a sentence, what the figure shows now."

    explore(draw, temperature=Slider("temperature", 1, 10, 3), words=Words("sentence", "cat sees moon"))

Every control works from the keyboard: Tab moves from one to the next, the arrow keys move a slider, and the
number beside it can be typed over. The sentence is the figure's twin in text: it is written above the figure,
and is the alternative text of the picture. Whatever `draw` cannot do, it says with `raise ValueError("why,
and what to do")`; the reader sees that sentence, and the last figure that could be drawn.

A stored notebook keeps the first figure as a still picture, for readers who have no kernel, as on GitHub.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure

from . import figures

Draw = Callable[..., tuple[Figure, str]]
WIDE = {"description_width": "6em"}


@dataclass(frozen=True)
class Slider:
    """A whole number from `low` to `high`, both included, that starts at `start`."""

    label: str
    low: int
    high: int
    start: int

    def widget(self) -> ipywidgets.Widget:
        """The slider, with a number beside it that can be typed over."""
        return ipywidgets.IntSlider(
            value=self.start,
            min=self.low,
            max=self.high,
            description=self.label,
            style=WIDE,
            layout={"width": "26em"},
        )


@dataclass(frozen=True)
class Words:
    """A line of text that the reader may change. It counts when they press Enter or leave the line."""

    label: str
    start: str

    def widget(self) -> ipywidgets.Widget:
        """The line of text."""
        return ipywidgets.Text(
            value=self.start,
            description=self.label,
            continuous_update=False,
            style=WIDE,
            layout={"width": "95%", "max_width": "46em"},
        )


@dataclass(frozen=True)
class Choice:
    """One of several names.

    A slider, and not a list that drops down: there JupyterLab takes the arrow keys for itself.
    """

    label: str
    names: tuple[str, ...]
    start: str

    def widget(self) -> ipywidgets.Widget:
        """The slider, with the name beside it."""
        return ipywidgets.SelectionSlider(
            options=self.names,
            value=self.start,
            description=self.label,
            style=WIDE,
            layout={"width": "38em"},
        )


Control = Slider | Words | Choice


def explore(draw: Draw, **controls: Control) -> None:
    """Show the controls, and under them what `draw(**values)` returns: its sentence and its figure."""
    explorer = Explorer(draw, controls)
    if figures.in_notebook():
        data, metadata = explorer.stored()
        display(data, raw=True, metadata=metadata)
    else:
        print(figures.in_words(explorer.sentence))


class Explorer:
    """The controls and the figure of one `explore`, kept in step."""

    def __init__(self, draw: Draw, controls: Mapping[str, Control]) -> None:
        self.draw = draw
        self.controls = {name: control.widget() for name, control in controls.items()}
        self.view = ipywidgets.HTML()
        self.twin = ipywidgets.HTML()
        self.sentence = ""
        self.picture: dict[str, Any] = {}  # the last figure that could be drawn, as a notebook stores it
        self.metadata: dict[str, Any] = {}
        self.box = ipywidgets.VBox([*self.controls.values(), self.twin, self.view])
        for control in self.controls.values():
            control.observe(self._redraw, names="value")
        self._redraw()

    def stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the notebook stores: the widget, and, for readers without one, the figure and a constant
        text."""
        labels = ", ".join(control.description for control in self.controls.values())
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        data = {
            **self.picture,
            "text/plain": f"A figure with controls: {labels}.",
            "application/vnd.jupyter.widget-view+json": view,
        }
        return data, self.metadata

    def _redraw(self, _change: object = None) -> None:
        values = {name: control.value for name, control in self.controls.items()}
        try:
            fig, self.sentence = self.draw(**values)
        except ValueError as complaint:
            self._say(str(complaint), complains=True)
        except Exception as error:  # a callback's exception would vanish in the server's log
            self._say(f"This could not be drawn: {type(error).__name__}: {error}", complains=True)
        else:
            self.picture, self.metadata = figures.picture(fig), figures.picture_metadata(fig, self.sentence)
            self.view.value = _img(self.picture["image/png"], figures.pixels(fig)[0], self.sentence)
            self._say(self.sentence, complains=False)

    def _say(self, sentence: str, complains: bool) -> None:
        """Write the sentence where a screen reader notices that it changed."""
        mark = (
            f'<b style="color:{figures.colours.vermillion}">Not drawn.</b> '
            if complains
            else "<b>In words:</b> "
        )
        body = html.escape(sentence).replace("\n", "<br>")
        self.twin.value = (
            f'<p role="status" aria-live="polite" style="line-height:1.45;max-width:46em">{mark}{body}</p>'
        )


def _img(png: bytes, width: int, sentence: str) -> str:
    data = base64.b64encode(png).decode()
    style = f"width:{width}px;max-width:100%"
    return f'<img alt="{html.escape(sentence)}" style="{style}" src="data:image/png;base64,{data}">'
