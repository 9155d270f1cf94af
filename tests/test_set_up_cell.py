"""The first cell of a lesson, in a notebook that was taken out of the course."""

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tests.surroundings import ROOT


def test_outside_the_course_it_stops_and_says_what_to_do(tmp_path):
    notebook = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", as_version=4)
    notebook.cells = [next(cell for cell in notebook.cells if cell.cell_type == "code")]
    outside = {"metadata": {"path": str(tmp_path)}}
    with pytest.raises(CellExecutionError) as stopped:
        NotebookClient(notebook, timeout=60, resources=outside).execute()
    assert stopped.value.ename == "SystemExit"
    assert "Download the whole repository" in stopped.value.evalue
    assert "Traceback" not in stopped.value.traceback
