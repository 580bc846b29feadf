"""Data sets of attractiveness: ratings from Excel and text, scores, folds, landmarks."""

import struct
import sys

import numpy as np
import pytest

from keras_dldl.data.sources import SOURCES
from keras_dldl.errors import ConfigError, DataError
from tests.data.sources.layouts import (
    POINTS_OF_SCUT,
    Layout,
    binary_points,
    check_layout,
    check_refused,
    csv_lines,
    face_points,
    lay_out,
)

CFD_BOOK = "CFD 3.0 Norming Data and Codebook.xlsx"
CFD_NEW = [
    *(["Chicago Face Database"], [], [], [], [], []),
    ["", "S001", "S002", "R013", ""],
    ["Model", "EthnicitySelf", "GenderSelf", "Attractive", "", "Babyface"],
    ["", "A = Asian", "", "1 = Not at all, 7 = Extremely", "", ""],
    ["WF-001", "W", "F", 3.25, 1.25, 2],
    ["BM-012", "B", "M", 4.5, 0.75, 2],
]
CFD_OLD = [
    *(["CFD Version 2.0.3"], [], [], []),
    ["Target", "Race", "Gender", "Attractive", "Babyface"],
    ["WF-001", "W", "F", 3.25, 2],
    ["BM-012", "B", "M", 4.5, 3],
]
CFD = Layout(
    """
    path                                    label  sigma  subject     gender  race   database
    Images/CFD/BM-012/CFD-BM-012-005-N.jpg  4.5    0.75   cfd-BM-012  male    black  CFD
    Images/CFD/WF-001/CFD-WF-001-003-N.jpg  3.25   1.25   cfd-WF-001  female  white  CFD
    """,
    skipped={
        "Images/CFD/WF-001/CFD-WF-001-010-HO.jpg": "not the neutral photo, which was rated",
        "Images/CFD-MR/CFD-MF-300-002-N.jpg": "no rating in the norming data of the main set",
        "Images/map.png": "name is not such as CFD-WF-001-003-N.jpg",
    },
)

SCUT = Layout(
    """
    path                            label  sigma  gender  race   database
    Data_Collection/SCUT-FBP-1.jpg  2.5    0.8    female  asian  SCUT-FBP
    Data_Collection/SCUT-FBP-3.jpg  4.25   0.5    female  asian  SCUT-FBP
    """,
    skipped={"Data_Collection/SCUT-FBP-2.jpg": "no rating in the file of ratings"},
    files={"Crop/SCUT-FBP-1.jpg": []},
)
SCUT_ROWS = [
    ["Image", "Attractiveness label", "Standard deviation"],
    [1, 2.5, 0.8],
    [3, 4.25, 0.5],
]
SCUT_FILE = "Rating_Collection/Attractiveness label"

FOLDS = "train_test_files/5_folders_cross_validations_files/cross_validation_{0}/{1}_{0}.txt"
HALVES = "train_test_files/split_of_60%training and 40%testing/{}.txt"
SCORES = {"AF1.jpg": 2.333333, "AF5.jpg": 3, "AM2.jpg": 3.5, "CF3.jpg": 4.75, "CM4.jpg": 1.5}
NAMES = list(SCORES)
WHO = {"AF": "female  asian", "AM": "male  asian", "CF": "female  white", "CM": "male  white"}
RATINGS = {"AF1.jpg": [2, 2, 3], "AM2.jpg": [3, 4], "CF3.jpg": [5, 4.5, 5], "CM4.jpg": [1, 2]}
RATING_ROWS = [["Rater", "Filename", "Rating", "original Rating"]] + [
    [k, name, value, None] for name, values in RATINGS.items() for k, value in enumerate(values)
]


def scored(*names):
    return [f"{name} {SCORES[name]}" for name in names]


def scut5500_rows(folder="Images/", scores=SCORES, **columns):
    """Return the rows of images with these scores; `columns` are further texts by image."""
    rows = [f"path  label  gender  race  database  {'  '.join(columns)}"]
    for name, score in scores.items():
        more = "  ".join(str(texts[name]) for texts in columns.values())
        rows.append(f"{folder}{name}  {score}  {WHO[name[:2]]}  SCUT-FBP5500  {more}")
    return "\n".join(rows)


def parts(tested):
    return {name: "test" if name in tested else "train" for name in NAMES}


# The k-th image is tested on in fold k.
SCUT_5500 = Layout(
    scut5500_rows(),
    files={
        **{
            FOLDS.format(k, part): scored(
                *(one for one in NAMES if (one == name) == (part == "test"))
            )
            for k, name in enumerate(NAMES, 1)
            for part in ("train", "test")
        },
        HALVES.format("train"): scored(*NAMES[:3]),
        HALVES.format("test"): scored(*NAMES[3:]),
    },
)
DEVIATIONS = {name: np.std(values, ddof=1) for name, values in RATINGS.items()}

LAYOUTS = {
    "cfd, version 3": CFD.but(
        {
            CFD_BOOK: {
                "Codebook": [["x"]],
                "CFD U.S. Norming Data": CFD_NEW,
                "CFD-MR Norming": [["x"]],
            }
        }
    ),
    "cfd, version 2 and a photo missing": CFD.but(
        {"CFD 2.0.3 Norming Data and Codebook.xlsx": {"CFD 2.0.3 Norming Data": CFD_OLD}},
        rows="""
        path                                    label  subject     gender  race   database
        Images/CFD/BM-012/CFD-BM-012-N.jpg      4.5    cfd-BM-012  male    black  CFD
        Images/CFD/WF-001/CFD-WF-001-003-N.jpg  3.25   cfd-WF-001  female  white  CFD
        """,
        absent=["Images/CFD/BM-012/CFD-BM-012-N.jpg"],
    ),
    "cfd, a sheet as text": CFD.but({"norming.csv": csv_lines(CFD_NEW)}),
    "scut-fbp, Excel": SCUT.but({f"{SCUT_FILE}.xlsx": {"Sheet1": SCUT_ROWS}}),
    "scut-fbp, text": SCUT.but({f"{SCUT_FILE}.csv": csv_lines(SCUT_ROWS)}),
    "scut-fbp, names and decimal commas": SCUT.but(
        {f"{SCUT_FILE}.csv": ["SCUT-FBP-1.jpg;2,5;0,8", "SCUT-FBP-3.jpg;4,25;0,5"]}
    ),
    "scut-fbp, without deviations and an image missing": SCUT.but(
        {f"{SCUT_FILE}.csv": ["1,2.5", "500,3"]},
        rows="""
        path                              label  gender  race   database
        Data_Collection/SCUT-FBP-1.jpg    2.5    female  asian  SCUT-FBP
        Data_Collection/SCUT-FBP-500.jpg  3      female  asian  SCUT-FBP
        """,
        absent=["Data_Collection/SCUT-FBP-500.jpg"],
    ),
    "scut-fbp5500, an image missing": SCUT_5500.but(absent=["Images/AF5.jpg"]),
    **{
        f"scut-fbp5500, fold {fold}": SCUT_5500.but(
            options={"fold": fold}, rows=scut5500_rows(split=parts(tested))
        )
        for fold, tested in [(1, NAMES[0]), (3, NAMES[2]), ("5", NAMES[4]), ("60-40", NAMES[3:])]
    },
    "scut-fbp5500, flat": Layout(
        scut5500_rows("", {"AF1.jpg": 2.333333, "CM4.jpg": 1.5}, split=parts(["CM4.jpg"])),
        skipped={
            "AM7.jpg": "no score in the lists",
            "cover.png": "name is not that of an image of SCUT-FBP5500, such as AF1.jpg",
        },
        files={"train_1.txt": scored("AF1.jpg"), "test_1.txt": scored("CM4.jpg")},
        options={"fold": 1},
    ),
    "scut-fbp5500, images outside the fold": SCUT_5500.but(
        {FOLDS.format(2, "train"): scored("AF1.jpg")},
        rows=scut5500_rows(scores={"AF1.jpg": 2.333333, "AF5.jpg": 3}, split=parts(["AF5.jpg"])),
        skipped=dict.fromkeys(
            (f"Images/{name}" for name in NAMES[2:]), "not in the lists of fold 2"
        ),
        options={"fold": 2},
    ),
    "scut-fbp5500, ratings in Excel": SCUT_5500.but(
        {"All_Ratings.xlsx": {"Asian_Female": [["other"]], "ALL": RATING_ROWS}},
        rows=scut5500_rows(sigma={**DEVIATIONS, "AF5.jpg": "-"}),
    ),
    "scut-fbp5500, ratings alone give the means": Layout(
        scut5500_rows(
            "", {name: np.mean(values) for name, values in RATINGS.items()}, sigma=DEVIATIONS
        ),
        files={"All_Ratings.csv": csv_lines(RATING_ROWS)},
    ),
    "scut-fbp5500, landmarks": SCUT_5500.but(
        {
            "facial landmark/AF1.pts": binary_points(face_points(86, POINTS_OF_SCUT)),
            "facial landmark/CM4.pts": struct.pack("<i", 0),
        },
        landmarks=[(80, 90, 120, 90, 100, 114, 82.2, 131.6, 117.8, 131.6), *[None] * 4],
        said="1 landmark files hold no usable points, such as CM4.pts",
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_published_layouts(root, caplog, name):
    check_layout(name, LAYOUTS[name], root, caplog)


BROKEN = [
    *(
        ("cfd", CFD.but({"norming.csv": lines}), rf"norming\.csv: .*{reason}")
        for lines, reason in [
            (["Model,Beauty", "WF-001,3"], "must have a line with the columns Model"),
            (["Model,Attractive", "WF-001,nice"], "line 2: WF-001 has no rating"),
            (["Model,Attractive", "WF-001,3", "WF-001,4"], "line 3: WF-001 is there twice"),
            (["Model,Attractive", "x,3"], "must hold models such as WF-001"),
        ]
    ),
    ("cfd", CFD, "Looked for the norming data.*--annotations.*with Images"),
    *(
        ("scut-fbp", SCUT.but({f"{SCUT_FILE}.csv": lines}), rf"label\.csv: .*{reason}")
        for lines, reason in [
            (["1,2.5,1", "x,3,1"], "line 2: must be image number"),
            (["1,2.5,1", "2,high,1"], "line 2: must be image number"),
            (["1,2.5,1", "1,3,1"], "line 2: image 1 is rated on another line too"),
            (["Image,label"], "must hold ratings"),
        ]
    ),
    ("scut-fbp", SCUT, "Looked for the ratings.*with Crop, Data_Collection"),
    *(
        (
            "scut-fbp5500",
            SCUT_5500.but({name: lines}, options={"fold": 1}),
            rf"(txt|csv): 1 bad row .*Received: .*{reason}",
        )
        for name, lines, reason in [
            (FOLDS.format(1, "test"), ["AF1.jpg"], "line 1: must be a name such as AF1.jpg"),
            (FOLDS.format(1, "test"), ["AF1.jpg high"], "line 1: must be a name"),
            (FOLDS.format(1, "test"), ["face.jpg 3"], "line 1: must be a name"),
            (
                FOLDS.format(1, "test"),
                ["AF1.jpg 2", "AF1.jpg 2"],
                "line 2: AF1.jpg stands on line 1",
            ),
            (FOLDS.format(1, "test"), ["AF1.jpg 4"], "AF1.jpg has the score"),
            (FOLDS.format(1, "test"), ["CM4.jpg 1.5"], "CM4.jpg is in the part test too"),
            (
                "All_Ratings.csv",
                ["AF1.jpg,3", "AF1.jpg,4"],
                "line 1: must name the columns Filename",
            ),
            (
                "All_Ratings.csv",
                ["Filename,Rating", "AF1.jpg,x"],
                "line 2: must be an image's name",
            ),
        ]
    ),
    (
        "scut-fbp5500",
        Layout(files={"AF1.jpg": []}),
        r"Looked for lists of scores \(train_1.*with AF1.jpg",
    ),
    (
        "scut-fbp5500",
        Layout(files={"AF1.jpg": [], "train_2.txt": ["AF1.jpg 3"]}, options={"fold": "60-40"}),
        "for fold 60-40.*lists for the folds: 2",
    ),
]


@pytest.mark.parametrize(("name", "layout", "reason"), BROKEN)
def test_broken_files_and_other_folders(root, name, layout, reason):
    check_refused(name, layout, root, DataError, reason)


def test_a_file_of_ratings_elsewhere(root, tmp_path):
    lay_out(CFD.make(SCUT.make(root)))
    lay_out(tmp_path, files={"labels.csv": ["1,2.5", "3,4.25"], "data.csv": csv_lines(CFD_NEW)})
    for name, file, labels in (("scut-fbp", "labels", [2.5, 4.25]), ("cfd", "data", [4.5, 3.25])):
        table = SOURCES[name](annotations=tmp_path / f"{file}.csv").read(root).table
        assert table["label"].tolist() == labels


def test_scut_fbp5500_without_openpyxl_leaves_sigma_out_and_says_so(root, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    layout = SCUT_5500.but(
        {"All_Ratings.xlsx": b""}, said="Without sigma: Excel files need the package openpyxl"
    )
    check_layout("scut-fbp5500", layout, root, caplog)


def test_a_fold_that_scut_fbp5500_has_not():
    with pytest.raises(ConfigError, match="one of '1', '2', '3', '4', '5', '60-40'.*fold='0'"):
        SOURCES["scut-fbp5500"](fold=0)


@pytest.mark.parametrize(
    ("name", "ends"), [("cfd", (1, 7)), ("scut-fbp", (1, 5)), ("scut-fbp5500", (1, 5))]
)
def test_grids(name, ends):
    grid = SOURCES[name]().grid()
    assert (grid.start, grid.stop) == ends


def test_published_lists_of_scut_fbp5500(real_annotations, root):
    lists = {
        f"{part}_2.txt": (real_annotations / f"scut_fbp5500_{part}_2.txt").read_bytes()
        for part in ("train", "test")
    }
    lay_out(root, ["AF1.jpg"], lists)
    table = SOURCES["scut-fbp5500"](2).read(root).table
    assert table["split"].value_counts().to_dict() == {"train": 4400, "test": 1100}
    counts = table.groupby(["race", "gender"]).size().unstack().to_dict("index")
    assert counts == {
        "asian": {"female": 2000, "male": 2000},
        "white": {"female": 750, "male": 750},
    }
    assert table["label"].between(1, 5).all()
