"""Tables of one's own: rows that are left out, and what is said of them."""

import pytest

from keras_dldl.data.sources.own_images import CsvSource
from keras_dldl.errors import DataError
from tests.data.sources.layouts import write_lines


def test_a_row_without_a_path_is_left_out_with_its_line_alone(tmp_path):
    write_lines(tmp_path / "faces.csv", "path,label", ",30", "a.jpg,31")
    rows = CsvSource().read(tmp_path)
    assert [(one.path, one.reason) for one in rows.skipped] == [("", "line 2: path is empty")]
    assert rows.table["path"].tolist() == ["a.jpg"]


def test_labels_that_are_all_off_the_grid_bring_its_option(tmp_path):
    write_lines(tmp_path / "faces.csv", "path,label", "a.jpg,111", "b.jpg,250")
    with pytest.raises(DataError, match=r"a label on the grid, which --grid names\. Received: 2"):
        CsvSource().read(tmp_path)
