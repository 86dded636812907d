"""A long check says once that it goes on; nothing of that stays, and no comparison of outputs sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from pocketr1.workbook import waiting

SETUP = "import time\nfrom pocketr1.workbook import waiting\nwaiting.SECONDS = 0.1"
SLOW = 'with waiting.patience("Still running ..."):\n    time.sleep(0.6)\nprint("done")'
QUICK = 'with waiting.patience("Still running ..."):\n    pass\nprint("done")'


class Client(nbclient.NotebookClient):
    """Notes what was shown on the way, which no output keeps."""

    shown: list[Any] = []

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        if msg["msg_type"] in ("display_data", "update_display_data"):
            self.shown = [*self.shown, msg["content"]["data"].get("text/plain", "")]
        return super().process_message(msg, cell, cell_index)


def test_it_is_said_once_in_a_slow_cell_and_taken_away() -> None:
    notebook = new_notebook(cells=[new_code_cell(SETUP), new_code_cell(SLOW), new_code_cell(QUICK)])
    client = Client(notebook, timeout=120, kernel_name="python3")
    client.execute()
    assert client.shown == ["", "Still running ...", ""]
    *empty, said = notebook.cells[1].outputs
    assert [output.data for output in empty] == [{}]
    assert said.text == "done\n"
    assert [output.text for output in notebook.cells[2].outputs] == ["done\n"]


def test_a_comparison_of_outputs_does_not_see_it(tmp_path: Path) -> None:
    """As on a machine that is slower than the one on which the outputs were stored."""
    done = new_output("stream", name="stdout", text="done\n")
    cells = [
        new_code_cell(SETUP, execution_count=1),
        new_code_cell(SLOW, execution_count=2, outputs=[done]),
    ]
    path = tmp_path / "slow.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    options = ["-q", "-p", "no:cacheprovider", "-p", "nbval", "--nbval", "--nbval-current-env"]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", *options, str(path)]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 passed" in run.stdout


def test_without_a_notebook_nothing_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SECONDS", 0.0)
    with waiting.patience("Still running ..."):
        pass
    assert capsys.readouterr().out == ""
