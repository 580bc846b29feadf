"""The Chicago Face Database: workbooks of both forms, photos rated and not."""

import pytest

from keras_dldl.data.sources import CFD
from keras_dldl.errors import DataError

BOOK = "CFD 3.0 Norming Data and Codebook.xlsx"
SHEET = "CFD U.S. Norming Data"
NEW = [
    ["Chicago Face Database"], [], [], [], [], [],
    ["", "S001", "S002", "R013", ""],
    ["Model", "EthnicitySelf", "GenderSelf", "Attractive", "", "Babyface"],
    ["", "A = Asian", "", "1 = Not at all, 7 = Extremely", "", ""],
    ["WF-001", "W", "F", 3.25, 1.25, 2],
    ["BM-012", "B", "M", 4.5, 0.75, 2],
]  # fmt: skip
OLD = [
    ["CFD Version 2.0.3"], [], [], [],
    ["Target", "Race", "Gender", "Attractive", "Babyface"],
    ["WF-001", "W", "F", 3.25, 2],
    ["BM-012", "B", "M", 4.5, 3],
]  # fmt: skip


@pytest.fixture
def photos(images):
    images(
        "Images/CFD/WF-001/CFD-WF-001-003-N.jpg", "Images/CFD/WF-001/CFD-WF-001-010-HO.jpg",
        "Images/CFD/BM-012/CFD-BM-012-005-N.jpg", "Images/CFD-MR/CFD-MF-300-002-N.jpg",
        "Images/map.png",
    )  # fmt: skip


def test_the_workbook_of_version_3(root, photos, excel):
    excel(BOOK, {"Codebook": [["x"]], SHEET: NEW, "CFD-MR U.S. Norming Data": [["x"]]})
    rows = CFD().read(root)
    table = rows.table
    assert table["path"].tolist() == [
        "Images/CFD/BM-012/CFD-BM-012-005-N.jpg", "Images/CFD/WF-001/CFD-WF-001-003-N.jpg",
    ]  # fmt: skip
    assert table["label"].tolist() == [4.5, 3.25] and table["sigma"].tolist() == [0.75, 1.25]
    assert table["subject"].tolist() == ["cfd-BM-012", "cfd-WF-001"]
    assert table["gender"].tolist() == ["male", "female"]
    assert table["race"].tolist() == ["black", "white"]
    reasons = {item.path.rpartition("/")[2]: item.reason for item in rows.skipped}
    assert reasons == {
        "CFD-WF-001-010-HO.jpg": "not the neutral photo, which was rated",
        "CFD-MF-300-002-N.jpg": "no rating in the norming data of the main set",
        "map.png": "name is not such as CFD-WF-001-003-N.jpg",
    }
    assert (CFD().grid().start, CFD().grid().stop) == (1, 7)


def test_the_workbook_of_version_2(root, photos, excel):
    excel("CFD 2.0.3 Norming Data and Codebook.xlsx", {"CFD 2.0.3 Norming Data": OLD})
    table = CFD().read(root).table
    assert table["label"].tolist() == [4.5, 3.25] and "sigma" not in table


def test_a_sheet_as_csv(root, photos, write):
    path = write("data.csv", *(",".join(map(str, row)) for row in NEW))
    table = CFD(path).read(root).table
    assert table["label"].tolist() == [4.5, 3.25] and table["sigma"].tolist() == [0.75, 1.25]


def test_a_photo_that_is_not_there_keeps_its_row(root, photos, write):
    write("norming.csv", "Model,Attractive", "WF-001,3", "LM-200,4")
    rows = CFD().read(root)
    (path,) = rows.table["path"][rows.table["subject"] == "cfd-LM-200"]
    assert "LM-200" in path and not (root / path).exists()


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["Model,Beauty", "WF-001,3"], "must have a line with the columns Model"),
        (["Model,Attractive", "WF-001,nice"], "line 2: WF-001 has no rating"),
        (["Model,Attractive", "WF-001,3", "WF-001,4"], "line 3: WF-001 is there twice"),
        (["Model,Attractive", "x,3"], "must hold models such as WF-001"),
    ],
)
def test_broken_norming_data(root, photos, write, lines, reason):
    write("norming.csv", *lines)
    with pytest.raises(DataError, match=rf"norming\.csv: .*{reason}"):
        CFD().read(root)


def test_another_folder(root, photos):
    with pytest.raises(DataError, match="Looked for the norming data.*--annotations.*with Images"):
        CFD().read(root)
