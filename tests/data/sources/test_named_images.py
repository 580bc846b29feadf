"""Data sets whose images' names say what is known of them."""

import os

import pytest

from keras_dldl._utils.photos import PICTURE_SUFFIXES, photo_paths
from keras_dldl.data.sources import SOURCES
from keras_dldl.errors import DataError
from tests.data.sources.layouts import (
    FIVE_POINTS,
    POINTS_OF_68,
    POINTS_OF_FGNET,
    Layout,
    cacd_file,
    check_layout,
    check_refused,
    face_points,
    lay_out,
)

FGNET_POINTS = [f"{x} {y}" for x, y in face_points(68, POINTS_OF_FGNET)]
POINTS = face_points(68, POINTS_OF_68)
for eye in (36, 42):  # each eye is the mean of six points
    POINTS[eye : eye + 6] = [POINTS[eye]] * 6
UTKFACE_POINTS = " ".join(f"{x:g} {y:g}" for x, y in POINTS)

AFAD_FORM = "name is not <age>/<111 or 112>/<image>.jpg, such as 15/111/638660-0.jpg"
AGEDB_FORM = "name is not <index>_<name>_<age>_<m or f>.jpg, such as 0_MariaCallas_35_f.jpg"
CACD_FORM = "name is not <age>_<name>_<number>.jpg, such as 14_Aaron_Johnson_0001.jpg"
FGNET_FORM = "name is not <person>A<age>[letter].JPG, such as 001A43a.JPG"
FOLDER_FORM = "name is not <label>/<image>, such as 25/a.jpg"

CACD = Layout(
    """
    path                                  label  subject             database
    CACD2000/14_Aaron_Johnson_0001.jpg    14     cacd-Aaron_Johnson  CACD2000
    CACD2000/30_Zoë_Bell_0002.jpg         30     cacd-Zoë_Bell       CACD2000
    CACD2000/53_Robin_Williams_0012.jpg   53     cacd-Robin_Williams  CACD2000
    """,
    skipped={"CACD2000/notes.jpg": CACD_FORM},
)
METADATA = "celebrity2000_meta.mat"

LAYOUTS = {
    "afad": Layout(
        """
        path                           label  subject      gender  database
        15/111/638660-1.jpg            15     afad-638660  male    AFAD
        AFAD-Full/15/112/638660-0.jpg  15     afad-638660  female  AFAD
        AFAD-Full/40/112/odd.jpg       40     -            female  AFAD
        """,
        skipped={"40/1-0.jpg": AFAD_FORM, "AFAD-Full/40/113/1-0.jpg": AFAD_FORM},
        files={"AFAD-Full/15/111/Thumbs.db": []},
    ),
    "agedb": Layout(
        """
        path                        label  subject            gender  database
        a/0_MariaCallas_35_f.jpg    35     agedb-MariaCallas  female  AgeDB
        a/12_JohnMcCain_7_m.jpg     7      agedb-JohnMcCain   male    AgeDB
        """,
        skipped={"a/1_Nobody_f.jpg": AGEDB_FORM},
    ),
    "aaf": Layout(
        """
        path            label  subject    gender  database  official
        a/00000A02.jpg  2      aaf-00000  female  AAF       train
        a/00001A09.jpg  9      aaf-00001  -       AAF       -
        a/00002A60.jpg  60     aaf-00002  male    AAF       test
        """,
        skipped={"a/other.jpg": "name is not <person>A<age>.jpg, such as 00000A02.jpg"},
        files={"train.txt": ["00000A02.jpg 0"], "val.txt": ["00002A60.jpg 1"]},
    ),
    "fg-net": Layout(
        """
        path                label  subject     database
        images/001A02.JPG   2      fg-net-001  FG-NET
        images/001A43a.JPG  43     fg-net-001  FG-NET
        images/082A00.jpg   0      fg-net-082  FG-NET
        """,
        skipped={"images/cover.jpg": FGNET_FORM},
        files={"points/001a43a.pts": ["version: 1", "n_points: 68", "{", *FGNET_POINTS, "}"]},
        landmarks=[None, FIVE_POINTS, None],
    ),
    "utkface": Layout(  # landmarks are those of the cropped images
        """
        path                       label  gender  race   database
        a/7_1_2_2017.jpg.chip.jpg  7      female  asian  UTKFace
        a/8_0_0_2017.jpg.chip.jpg  8      male    white  UTKFace
        b/7_1_2_2017.jpg           7      female  asian  UTKFace
        """,
        skipped={"61_1_2017.jpg.chip.jpg": "name is not age_gender_race_date.jpg.chip.jpg"},
        files={
            "landmark_list_part1.txt": [f"7_1_2_2017.jpg {UTKFACE_POINTS} ", "8_0_0_2017.jpg 3"]
        },
        landmarks=[FIVE_POINTS, None, None],
    ),
    "cacd2000": CACD,
    "cacd2000, with the authors' parts": CACD.but(
        files={
            METADATA: cacd_file(
                (14, 1, 2004, 2, "14_Aaron_Johnson_0001.jpg"),
                (53, 2, 2004, 5, "53_Robin_Williams_0012.jpg"),
                (30, 3, 2008, 6, "30_Zoë_Bell_0002.jpg"),
                (31, 3, 2009, 6, "31_Zoë_Bell_0003.jpg"),
            )
        },
        rows="""
        path                                 label  subject              database  rank  year  split
        CACD2000/14_Aaron_Johnson_0001.jpg   14     cacd-Aaron_Johnson   CACD2000  2     2004  val
        CACD2000/30_Zoë_Bell_0002.jpg        30     cacd-Zoë_Bell        CACD2000  6     2008  train
        CACD2000/53_Robin_Williams_0012.jpg  53     cacd-Robin_Williams  CACD2000  5     2004  test
        CACD2000/31_Zoë_Bell_0003.jpg        31     cacd-Zoë_Bell        CACD2000  6     2009  train
        """,
        absent=["CACD2000/31_Zoë_Bell_0003.jpg"],
    ),
    "cacd2000, one name in two parts": CACD.but(
        files={
            METADATA: cacd_file(
                (30, 2, 2004, 3, "30_Zoë_Bell_0002.jpg"), (31, 9, 2004, 9, "31_Zoë_Bell_0003.jpg")
            )
        },
        rows="""
        path                           label  database  rank  year  split
        CACD2000/30_Zoë_Bell_0002.jpg  30     CACD2000  3     2004  test
        CACD2000/31_Zoë_Bell_0003.jpg  31     CACD2000  9     2004  train
        """,
        said="1 people are in more than one official part",
    ),
    "image-folder, of labels": Layout(
        """
        path         label
        25/a.jpg     25
        25/b.png     25
        x/3.5/c.jpg  3.5
        """,
        skipped={
            **dict.fromkeys(["cats/d.jpg", "e.jpg"], FOLDER_FORM),
            **dict.fromkeys(["25/IMG_1", "25/b.mov"], "name does not end like a picture's"),
        },
        files={"25/.hidden": [], "README": [], "labels.csv": []},
        options={"grid": "scut-fbp"},
    ),
    "image-folder, of splits": Layout(
        """
        path           label  split
        10/a.jpg       10     -
        test/9/a.jpg   9      test
        train/7/a.jpg  7      train
        valid/8/a.jpg  8      val
        """
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_published_layouts(root, caplog, name):
    check_layout(name, LAYOUTS[name], root, caplog)


@pytest.mark.parametrize(
    ("name", "layout", "reason"),
    [
        (
            "fg-net",
            Layout(files={"1.jpg": []}),
            r"No image is named <person>A<age>.*such as 1\.jpg",
        ),
        (
            "image-folder",
            Layout(files={"cats/a.jpg": [], "dogs/b.jpg": []}),
            "No image is named <label>/.*such as cats/a.jpg, dogs/b",
        ),
        ("cacd2000", CACD.but({METADATA: b"MATLAB 5.0 MAT-file"}), r"celebrity2000_meta\.mat"),
    ],
)
def test_other_folders(root, name, layout, reason):
    check_refused(name, layout, root, DataError, reason)


def test_every_picture_that_predict_takes_is_taken(root):
    names = [f"25/{k}{suffix}" for k, suffix in enumerate(sorted(PICTURE_SUFFIXES))]
    lay_out(root, [*names, *(name.upper() for name in names)])
    rows = SOURCES["image-folder"]().read(root)
    taken = {str(root / path) for path in rows.table["path"]}
    assert taken == set(photo_paths([root])) and len(taken) == 2 * len(names)
    assert not rows.skipped


@pytest.mark.skipif(os.name == "nt", reason="Windows names are Unicode")
def test_a_file_name_in_another_encoding_is_skipped(root):
    try:
        (root / os.fsdecode(b"1_Ren\xe9_35_m.jpg")).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    lay_out(root, ["0_MariaCallas_35_f.jpg"])
    rows = SOURCES["agedb"]().read(root)
    assert len(rows.table) == 1
    (item,) = rows.skipped
    assert item.reason == "name is not UTF-8" and item.path.encode() == b"1_Ren\\udce9_35_m.jpg"


@pytest.mark.parametrize("name", ["utkface", "aaf"])
def test_a_wrong_root_says_what_was_looked_for_and_found(root, name):
    source = SOURCES[name]()
    with pytest.raises(DataError, match="must be a folder with images named"):
        source.read(root / "nowhere")
    lay_out(root, ["notes.txt"])
    with pytest.raises(DataError, match=r"Looked for: images named .* with notes\.txt"):
        source.read(root)
    lay_out(root, ["b.png", "a.png"])
    with pytest.raises(DataError, match=r"No image is named .*with 2 images, such as a\.png"):
        source.read(root)


def test_mostly_other_names_are_warned_of(root, caplog):
    lay_out(root, ["7_1_2_20170109.jpg.chip.jpg", "a.png", "b.png", "c.png"])
    assert len(SOURCES["utkface"]().read(root).table) == 1
    assert "Only 1 of 4 images are named age_gender" in caplog.text


def test_hidden_pictures_are_skipped_and_listed(root):
    lay_out(root, ["25/a.jpg", "25/.b.jpg", "25/._a.jpg", "25/.DS_Store"])
    rows = SOURCES["image-folder"]().read(root)
    assert rows.table["path"].tolist() == ["25/a.jpg"]
    assert [(item.path, item.reason) for item in rows.skipped] == [("25/.b.jpg", "file is hidden")]
