"""Watch a training while it runs: a bar, and a curve that grows. What is left at the end is a still figure.

A training of this course is a generator: every step yields a record, a small object with a `step` and some
numbers. `watch` reads the records, so the training goes exactly as fast as somebody reads it, and stops when
they stop.

While it runs, both the bar and the figure are replaced in place. A stored notebook keeps the last of them, a
test sees the first, and their texts are equal: no timing and no widget reaches a stored output.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from IPython.display import DisplayHandle, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tqdm import tqdm

from . import figures

History = dict[str, list[float]]
"""The numbers of a training by name: "step", and each of the curves, all of one length."""

SECONDS_BETWEEN_FRAMES = 0.5
# Up to so many records, each has a marker. On a long noisy curve, single markers would look like outliers.
FEW_RECORDS = 30
SHARE_FOR_DRAWING = 0.1  # of the time: on a slow machine there are fewer frames, not a slower training


def watch(
    records: Iterable[Any],
    steps: int,
    curves: Sequence[str] | Mapping[str, str],
    alt: str,
    behind: Mapping[str, History] | None = None,
) -> History:
    """Run the training, draw `curves` (names of numbers in its records) as it goes, and return them.

    `curves` may say for each name what its axis is called: {"right": "share of right guesses"}. `steps` is
    the step count it was asked for. `alt` says in a sentence what the figure shows; the first and the last
    value of each curve are added to it. `behind` has earlier runs by name, drawn in grey for comparison, as
    far as they have the same curves. Interrupting the kernel ends the training early and keeps what was
    reached.
    """
    labels = {name: name.replace("_", " ") for name in curves}
    if isinstance(curves, Mapping):
        labels = dict(curves)
    history: History = {"step": [], **{name: [] for name in curves}}
    screen = _Screen(steps, history, labels, behind or {}) if figures.in_notebook() else None
    ending = ""
    try:
        for record in records:
            for name in history:
                history[name].append(float(getattr(record, name)))
            if screen:
                screen.refresh()
    except KeyboardInterrupt:
        ending = f" Stopped by hand after {len(history['step'])} records."
    if screen:
        screen.finish()
    print(figures.in_words(f"{alt} {_summary(history, labels)}{ending}"))
    return history


class _Screen:
    """The bar and the figure of one training, on the page."""

    def __init__(
        self, steps: int, history: History, labels: Mapping[str, str], behind: Mapping[str, History]
    ) -> None:
        self.steps, self.history, self.labels, self.behind = steps, history, labels, behind
        self.start = self.last_frame = time.monotonic()
        self.cost = 0.0  # seconds that the last frame took
        self.bar: DisplayHandle = display(self._still(), raw=True, display_id=True)
        fig = self._draw()
        self.view: DisplayHandle = display(
            figures.picture(fig), raw=True, display_id=True, metadata=figures.picture_metadata(fig, "")
        )

    def refresh(self) -> None:
        """A new frame, if the last one is old enough for what a frame costs."""
        waited = time.monotonic() - self.last_frame
        if waited < max(SECONDS_BETWEEN_FRAMES, self.cost / SHARE_FOR_DRAWING):
            return
        begun = time.monotonic()
        done = int(self.history["step"][-1]) + 1
        meter = tqdm.format_meter(done, self.steps, begun - self.start, ncols=80, unit=" steps")
        self.bar.update({"text/plain": meter}, raw=True)
        self._replace_figure()
        self.last_frame = time.monotonic()
        self.cost = self.last_frame - begun

    def finish(self) -> None:
        """The last frame, and the bar's text as it was at the start."""
        self._replace_figure()
        self.bar.update(self._still(), raw=True)

    def _still(self) -> dict[str, str]:
        return {"text/plain": f"Training: {self.steps} steps."}

    def _replace_figure(self) -> None:
        fig = self._draw()
        metadata = figures.picture_metadata(fig, "")
        self.view.update(figures.picture(fig), raw=True, metadata=metadata)

    def _draw(self) -> Figure:
        width = 7.0 if len(self.labels) < 3 else 9.0
        fig, axes = figures.canvas(columns=len(self.labels), width=width, height=2.8)
        marker = "o" if len(self.history["step"]) <= FEW_RECORDS else ""
        for ax, (name, label) in zip(axes, self.labels.items(), strict=True):
            for run, earlier in self.behind.items():
                if name in earlier:
                    ax.plot(
                        earlier["step"],
                        earlier[name],
                        color=figures.colours.grey,
                        ls="--",
                        marker="",
                        label=run,
                    )
            ax.plot(self.history["step"], self.history[name], marker=marker, label="this run")
            ax.set(xlim=(0, self.steps), xlabel="step", ylabel=label)
            _start_at_zero(ax)
            if self.behind:
                ax.legend()
        return fig


def _start_at_zero(ax: Axes) -> None:
    """An axis from 0, if nothing is negative, and up to 1 at least: a small change should look small."""
    if ax.dataLim.ymin >= 0:
        ax.set_ylim(0, max(1.03, ax.get_ylim()[1]))


def _summary(history: History, labels: Mapping[str, str]) -> str:
    """The first and the last value of each curve, in words."""
    if not history["step"]:
        return "The training yielded no record."
    ends = [
        f"{label} goes from {history[name][0]:.2f} to {history[name][-1]:.2f}"
        for name, label in labels.items()
    ]
    sentence = " and ".join(ends)
    return f"{sentence[0].upper()}{sentence[1:]}."
