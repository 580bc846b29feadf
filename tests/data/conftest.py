"""Folders in the published layouts: the pictures are tiny and blank, only their names count."""

import os
import struct
from pathlib import Path

import pytest
from PIL import Image

from keras_dldl.faces.alignment import MEAN_SHAPE


@pytest.fixture
def root(tmp_path):
    """An empty folder for a data set."""
    folder = tmp_path / "data set"
    folder.mkdir()
    return folder


@pytest.fixture
def images(root):
    """Make images of these names, which may have folders, below the root."""

    def make(*names):
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (90, 70, 60)).save(root / name)

    return make


@pytest.fixture
def write(root):
    """Write a text file below the root; return its path."""

    def write(name, *lines, encoding="utf-8"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("\n".join(lines) + "\n", encoding=encoding)
        return root / name

    return write


@pytest.fixture
def excel(root):
    """Write an Excel file of {sheet: rows} below the root; return its path."""
    openpyxl = pytest.importorskip("openpyxl", reason="Excel files need openpyxl")

    def write(name, sheets):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(row)
        book.save(root / name)
        return root / name

    return write


@pytest.fixture
def real_annotations():
    """Return the folder of published annotation files, which are not ours to ship."""
    folder = os.environ.get("KERAS_DLDL_REAL_ANNOTATIONS")
    if not folder:
        pytest.skip("KERAS_DLDL_REAL_ANNOTATIONS does not name a folder of annotation files")
    return Path(folder)


@pytest.fixture
def face_points():
    """Return `count` points of a face, five of them at given places of the list."""

    def points(count, places, scale=40.0, centre=(100.0, 90.0)):
        # Far from any face, so that a point read from a wrong place is seen.
        found = [(1000.0 + 37 * k, 3.0 * k * k) for k in range(count)]
        for which, place in places.items():
            x, y = MEAN_SHAPE[which] * scale + centre
            found[place] = (float(x), float(y))
        return found

    return points


@pytest.fixture
def binary_points():
    """Return points as the bytes of a landmark file of SCUT-FBP5500."""

    def pack(points):
        values = [value for point in points for value in point]
        return struct.pack(f"<i{len(values)}f", len(points), *values)

    return pack
