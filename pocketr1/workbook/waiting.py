"""A line for whoever waits for a check, while it goes on for long. It goes away when the check ends.

A check is allowed an amount of computing, and on a busy machine that can take much longer by the clock.
"""

import contextlib
import threading
from collections.abc import Iterator

from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

SECONDS = 5.0
"""How long nothing is said."""


@contextlib.contextmanager
def patience(says: str) -> Iterator[None]:
    """Show `says` if the block takes longer than SECONDS, and take it away at its end. Only in a notebook.

    The line is an output that begins and ends empty, and has its text by an update in between. So nothing of
    it is kept in a notebook, and a test that compares outputs finds nothing to compare.
    """
    if not hasattr(get_ipython(), "kernel"):
        yield
        return
    shown: list[DisplayHandle] = []

    def show() -> None:
        shown.append(display({}, raw=True, display_id=True))
        shown[0].update({"text/plain": says}, raw=True)

    timer = threading.Timer(SECONDS, show)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if shown:
            shown[0].update({}, raw=True)
