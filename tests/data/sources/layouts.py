"""Small data sets in the layouts that they are published in, and what is to be read from them."""

import re
import struct
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from scipy.io import savemat

from keras_dldl.data.sources import SOURCES
from keras_dldl.faces.alignment import MEAN_SHAPE

TEXT = {"path", "subject", "split", "official", "gender", "race", "database"}


def lay_out(root, images=(), files=None):
    """Make empty images, and files of lines, of {sheet: rows} for Excel, or by a function."""
    for name in images:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for name, content in (files or {}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(root / name)
        elif isinstance(content, dict):
            write_excel(root / name, content)
        else:
            (root / name).write_bytes(content if isinstance(content, bytes) else lines(*content))
    return root


def lines(*texts, encoding="utf-8"):
    return "".join(f"{text}\n" for text in texts).encode(encoding)


@dataclass(frozen=True)
class Layout:
    """A data set, and what its source makes of it.

    Args:
        rows: what is to be read: a line of names and a line a row, of cells two blanks or more
            apart; `-` is a missing one.
        skipped: reason by path. These images and those of the rows are made.
        files: see `lay_out`.
        options: of the source.
        landmarks: a further column.
        absent: paths of images that are listed and not made.
        said: in the log; "" means that nothing is.
    """

    rows: str = "path"
    skipped: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)
    landmarks: list = ()
    absent: list = ()
    said: str = ""

    def but(self, files=None, **others):
        return replace(self, files={**self.files, **(files or {})}, **others)

    def table(self):
        names, *rows = (re.split(r"  +", line.strip()) for line in self.rows.strip().splitlines())
        cells = zip(*rows, strict=True) if rows else [()] * len(names)
        table = {
            name: [
                None if cell == "-" else cell if name in TEXT else float(cell) for cell in column
            ]
            for name, column in zip(names, cells, strict=True)
        }
        return {**table, "landmarks": self.landmarks} if self.landmarks else table

    def make(self, root):
        images = {*self.table()["path"], *self.skipped} - {*self.absent}
        return lay_out(root, images, self.files)


def check_layout(name, layout, root, caplog):
    """Check that the source `name`, up to a comma, reads `layout` as it says."""
    rows = SOURCES[name.partition(",")[0]](**layout.options).read(layout.make(root))
    wanted = layout.table()
    for column in {"label", "sigma"} & set(wanted):
        wanted[column] = pytest.approx(wanted[column])
    assert columns_of(rows.table) == wanted
    assert {item.path: item.reason for item in rows.skipped} == layout.skipped
    assert layout.said in caplog.text if layout.said else not caplog.text


def check_refused(name, layout, root, error, reason):
    """Check that the source `name`, up to a comma, refuses `layout`."""
    layout.make(root)
    with pytest.raises(error, match=reason):
        SOURCES[name.partition(",")[0]](**layout.options).read(root)


def columns_of(table):
    """A table as lists by column, with None for what is missing."""
    return {name: [None if x != x else x for x in table[name].astype(object)] for name in table}


def csv_lines(rows):
    return [",".join(map(str, row)) for row in rows]


def write_excel(path, sheets):
    openpyxl = pytest.importorskip("openpyxl", reason="Excel files need openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)


def cells(values, column=False):
    """A MATLAB cell array, 1 x N or N x 1."""
    array = np.empty(len(values), object)
    array[:] = values
    return array[:, None] if column else array[None]


def datenum(date):
    """MATLAB's number of a datetime.date."""
    return date.toordinal() + 366


def imdb_file(name, *rows):
    """Write imdb.mat or wiki.mat: rows of (dob, year, path, gender, name, score, second score)."""
    born, year, paths, gender, names, score, second = zip(*rows, strict=True)
    struct = {
        "dob": np.array([born], np.uint32),
        "photo_taken": np.array([year], np.uint16),
        "full_path": cells(paths),
        "gender": np.array([gender], float),
        "name": cells(names),
        "face_location": cells([np.ones((1, 4))] * len(rows)),
        "face_score": np.array([score], float),
        "second_face_score": np.array([second], float),
    }
    return lambda path: savemat(path, {name: struct}, do_compression=True)


def cacd_file(*rows):
    """Write celebrity2000_meta.mat: rows of (age, identity, year, rank, file name)."""
    age, identity, year, rank, names = zip(*rows, strict=True)
    columns = {"age": age, "identity": identity, "year": year, "rank": rank}
    struct = {key: np.array(values, np.uint16)[:, None] for key, values in columns.items()}
    struct["name"] = cells(names, column=True)
    return lambda path: savemat(path, {"celebrityImageData": struct})


# The places of left eye, right eye, nose tip, left and right mouth corner in published lists.
POINTS_OF_68 = {0: 36, 1: 42, 2: 30, 3: 48, 4: 54}
POINTS_OF_FGNET = {0: 31, 1: 36, 2: 67, 3: 48, 4: 54}
POINTS_OF_SCUT = {0: 58, 1: 59, 3: 79, 4: 73}
FIVE_POINTS = (80, 90, 120, 90, 100, 114, 82.2, 131.6, 117.8, 131.6)  # of `face_points`


def face_points(count, places, scale=40.0, centre=(100.0, 90.0)):
    """Return `count` points of a face, five of them at given places of the list."""
    # Far from any face, so that a point read from a wrong place is seen.
    found = [(1000.0 + 37 * k, 3.0 * k * k) for k in range(count)]
    for which, place in places.items():
        x, y = MEAN_SHAPE[which] * scale + centre
        found[place] = (float(x), float(y))
    return found


def binary_points(points):
    """Return points as the bytes of a landmark file of SCUT-FBP5500."""
    values = [value for point in points for value in point]
    return struct.pack(f"<i{len(values)}f", len(points), *values)
