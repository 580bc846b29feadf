"""Data sets that list their images beside them: text tables, line by line, MATLAB files."""

import datetime
from itertools import product

import numpy as np
import pytest

from keras_dldl.data.sources import SOURCES
from keras_dldl.data.sources.base import kinds_of
from keras_dldl.data.sources.imdb_wiki import age_at_mid_year
from keras_dldl.errors import ConfigError, DataError
from tests.data.sources.layouts import (
    Layout,
    check_layout,
    check_refused,
    datenum,
    imdb_file,
    lines,
)

APPA_HEADER = "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age"
APPA = Layout(
    """
    path                        label  sigma  split  real_age  apparent_age  num_ratings  database
    a/train/000000.jpg_face.jpg  5      1.5    train  4         5             36           APPA-REAL
    a/valid/004113.jpg_face.jpg  30.25  4.5    val    31        30.25         38           APPA-REAL
    a/test/005613.jpg            64.5   5.75   test   70        64.5          30           APPA-REAL
    """,
    skipped={
        "a/train/000001.jpg_face.jpg": "line 3: apparent age is not a number: 'old'",
    },
    files={
        "a/gt_avg_train.csv": [
            APPA_HEADER,
            "000000.jpg,36,5.0,1.5,4",
            "000001.jpg,35,old,3.25,18",
        ],
        "a/gt_avg_valid.csv": [APPA_HEADER, "004113.jpg,38,30.25,4.5,31"],
        "a/gt_avg_test.csv": [APPA_HEADER, "005613.jpg,30,64.5,5.75,70"],
    },
)

CHALEARN = Layout(
    """
    path              label  sigma  split  database
    train/000001.jpg  29.5   3.25   train  ChaLearn16
    train/000002.jpg  4      0      train  ChaLearn16
    valid/004113.jpg  50     6      val    ChaLearn16
    test/005613.jpg   70.1   8.5    test   ChaLearn16
    """,
    files={
        "train_gt.csv": ["image,mean,stdv", "000001.jpg,29.5,3.25", "000002.jpg,4,0"],
        "valid_gt.csv": ["image,mean,stdv", "004113.jpg,50,6"],
        "test_gt.csv": ["image,mean,stdv", "005613.jpg,70.1,8.5"],
    },
    said="4,113, 1,500, 1,978 images for train, val and test; these are 2, 1, 1",
)
CHALEARN_15 = """
    path                    label  sigma  split  database
    Train/image_1.jpg       20     3.5    train  ChaLearn15
    Validation/image_1.jpg  20     3.5    val    ChaLearn15
    Test/image_9.jpg        40     2      test   ChaLearn15
    """
TABLES_15 = [
    ["image_1.jpg;20;3.5"],
    ["image_1.jpg;20,0;3,5"],
    ["image_1.jpg 20 3.5"],
    ["image\tmean\tstd", "image_1.jpg\t20\t3.5"],
]

IMDB_CLEAN_HEADER = "filename,age,gender,head_roll,head_yaw,head_pitch,x_min,y_min,x_max,y_max"
IMDB_CLEAN = """
    path                                      label  split  subject         gender  database
    {0}01/nm0000001_rm1_1899-5-10_1968.jpg    69     train  imdb-nm0000001  male    IMDB-Clean
    {0}02/nm0000002_rm3_1924-9-16_1974.jpg    49     val    imdb-nm0000002  female  IMDB-Clean
    {0}03/odd.jpg                             33     test   -               -       IMDB-Clean
    """
IMDB_CLEAN_PLACES = [
    ("data/imdb-clean-1024/", "csvs/"),
    ("imdb-clean-1024/imdb-clean-1024/", ""),
    ("imdb-clean-1024/", "imdb-clean-1024/"),
    ("", ""),
]


def imdb_clean(part, *rows):
    tail = ",1.5,-2,3,10,20,110,120"
    return {f"imdb_{part}_new_1024.csv": [IMDB_CLEAN_HEADER, *(row + tail for row in rows)]}


IMDB_CLEAN_FILES = {
    **imdb_clean("train", "01/nm0000001_rm1_1899-5-10_1968.jpg,69,M", "01/nm0000001_rm2.jpg,x,M"),
    **imdb_clean("valid", "02/nm0000002_rm3_1924-9-16_1974.jpg,49,F"),
    **imdb_clean("test", "03/nm0000003_rm4.jpg,150,F", "03/odd.jpg,33,"),
}

NAN, INF = float("nan"), float("inf")
BORN = datenum(datetime.date(1950, 7, 1))


def of_imdb(name, born=BORN, year=2000, gender=1, person="A Person", score=3.0, second=NAN):
    return (born, year, name, gender, person, score, second)


IMDB_WIKI = Layout(
    """
    path                  label  subject   gender  database
    imdb_crop/01/a.jpg    50     A Person  male    IMDB
    imdb_crop/01/b.jpg    50     Zoë B     female  IMDB
    imdb_crop/02/c.jpg    50     -         -       IMDB
    wiki_crop/17/d.jpg    10     A Person  male    WIKI
    """,
    skipped={
        "imdb_crop/02/no-face.jpg": "face score missing, so no face was found",
        "imdb_crop/02/two.jpg": "second face",
        "imdb_crop/02/unborn.jpg": "age -10 is outside 0...120",
        "imdb_crop/02/ancient.jpg": "age 1999 is outside 0...120",
    },
    files={
        "imdb_crop/imdb.mat": imdb_file(
            "imdb",
            of_imdb("01/a.jpg"),
            of_imdb("01/b.jpg", gender=0, person="  Zoë   B"),
            of_imdb("02/no-face.jpg", score=-INF),
            of_imdb("02/two.jpg", second=2.5),
            of_imdb("02/unborn.jpg", year=1940),
            of_imdb("02/ancient.jpg", born=datenum(datetime.date(1, 5, 5))),
            of_imdb("02/c.jpg", score=0.5, gender=NAN, person=""),
        ),
        "wiki_crop/wiki.mat": imdb_file("wiki", of_imdb("17/d.jpg", year=1960)),
    },
)

NO_FACES = imdb_file("wiki", of_imdb("a.jpg", score=-INF), of_imdb("b.jpg", second=3))

MEGAAGE = Layout(
    """
    path            label  split  database
    m/train/1.jpg   5      train  MegaAge-Asian
    m/train/3.jpg   70     train  MegaAge-Asian
    m/test/1.jpg    33     test   MegaAge-Asian
    """,
    skipped={"m/train/2.jpg": "line 2: age is not a number: 'x'"},
    files={
        "m/list/train_name.txt": ["1.jpg", "2.jpg", "3.jpg"],
        "m/list/train_age.txt": ["5", "x", "70"],
        "m/list/test_name.txt": ["1.jpg"],
        "m/list/test_age.txt": ["33"],
    },
)

MORPH_BY_NAME = """
    path                      label  subject       gender  database
    Album2/009055_1M54.JPG    54     morph-009055  male    MORPH
    Album2/009055_2M55.JPG    55     morph-009055  male    MORPH
    Album2/012345_0F16.JPG    16     morph-012345  female  MORPH
    """
MORPH_LISTED = """
    path                      label  subject       gender  race   database
    Album2/009055_1M54.JPG    54     morph-009055  male    black  MORPH
    Album2/009055_2M55.JPG    55     morph-009055  male    black  MORPH
    Album2/012345_0F16.JPG    16     morph-012345  female  white  MORPH
    """
MORPH = [
    "id_num,picture_num,dob,doa,race,gender,facial_hair,age,age_diff,glasses,photo",
    "9055,1,1/1/1950,1/1/2004,B,M,0,54,0,0,Album2/009055_1M54.JPG",
    "9055,2,1/1/1950,1/1/2005,B,M,0,55,1,0,Album2/009055_2M55.JPG",
    "12345,0,1/1/1990,1/1/2006,W,F,,16,0,,Album2/012345_0F16.JPG",
]
MORPH_FORMS = [(",", "utf-8"), (";", "utf-16"), ("\t", "latin-1")]

LAYOUTS = {
    "appa-real": APPA,
    "appa-real, real ages": APPA.but(
        rows="""
        path                         label  split  real_age  apparent_age  num_ratings  database
        a/train/000000.jpg_face.jpg  4      train  4         5             36           APPA-REAL
        a/train/000001.jpg_face.jpg  18     train  18        -             35           APPA-REAL
        a/valid/004113.jpg_face.jpg  31     val    31        30.25         38           APPA-REAL
        a/test/005613.jpg            70     test   70        64.5          30           APPA-REAL
        """,
        skipped={},
        options={"age": "real"},
    ),
    "chalearn16": CHALEARN,
    "chalearn16, an image missing, a mean off the scale": CHALEARN.but(
        rows="""
        path              label  sigma  split  database
        train/000001.jpg  29.5   3.25   train  ChaLearn16
        train/000002.jpg  4      0      train  ChaLearn16
        val/004113.jpg    50     6      val    ChaLearn16
        """,
        absent=["val/004113.jpg"],
        files={"test_gt.csv": ["image,mean,stdv", "005613.jpg,150,3"]},
        skipped={"test/005613.jpg": "line 2 of test_gt.csv: age is not in 0...120: 150.0"},
        said="these are 2, 1, 0",
    ),
    "chalearn16, images together, a part missing": Layout(
        """
        path       label  sigma  split  database
        all/a.jpg  20     3      train  ChaLearn16
        all/b.jpg  30     3      test   ChaLearn16
        """,
        files={"train_gt.csv": ["a.jpg,20,3"], "test_gt.csv": ["b.jpg,30,3"]},
        said="No table of ratings for val.",
    ),
    "chalearn15, an image of another part is not taken": Layout(
        """
        path                    label  sigma  split  database
        Train/image_1.jpg       20     3      train  ChaLearn15
        val/image_1.jpg         30     3      val    ChaLearn15
        Validation/image_2.jpg  30     3      val    ChaLearn15
        """,
        absent=["val/image_1.jpg"],
        files={
            "Train.csv": ["image_1.jpg;20;3"],
            "Validation.csv": ["image_1.jpg;30;3", "image_2.jpg;30;3"],
        },
        said="No table of ratings for test.",
    ),
    **{
        f"chalearn15, {table[0]} in {suffix}": Layout(
            CHALEARN_15,
            files={
                f"Train{suffix}": table,
                f"Validation{suffix}": table,
                f"Test/Reference{suffix}": ["image_9.jpg;40;2"],
            },
            said="these are 1, 1, 1",
        )
        for table, suffix in product(TABLES_15, [".csv", ".txt"])
    },
    **{
        f"imdb-clean, images in '{place}', tables in '{tables}'": Layout(
            IMDB_CLEAN.format(place),
            skipped={
                f"{place}01/nm0000001_rm2.jpg": "line 3: age is not a number: 'x'",
                f"{place}03/nm0000003_rm4.jpg": "line 2: age 150 is outside 0...120",
            },
            files={tables + name: content for name, content in IMDB_CLEAN_FILES.items()},
        )
        for place, tables in IMDB_CLEAN_PLACES
    },
    "imdb-clean, people in two parts": Layout(
        """
        path          label  split  gender  database
        01/nm1_a.jpg  30     train  male    IMDB-Clean
        01/nm2_a.jpg  31     train  male    IMDB-Clean
        01/nm1_b.jpg  32     test   male    IMDB-Clean
        """,
        files={
            **imdb_clean("train", "01/nm1_a.jpg,30,M", "01/nm2_a.jpg,31,M"),
            **imdb_clean("test", "01/nm1_b.jpg,32,M"),
        },
        said="1 people are in more than one official part",
    ),
    "imdb-wiki": IMDB_WIKI,
    "megaage-asian": MEGAAGE,
    "morph, by names alone": Layout(MORPH_BY_NAME),
    **{
        f"morph, listed in {encoding}": Layout(
            MORPH_LISTED,
            files={
                "morph_2008_nonCommercial.csv": lines(
                    *(line.replace(",", delimiter) for line in MORPH), encoding=encoding
                ),
                "MORPH_Album2_EYECOORDS.csv": ["photo,x,y", "009055_1M54,67,99"],
            },
        )
        for delimiter, encoding in MORPH_FORMS
    },
    "morph, bad rows, photos elsewhere, unlisted and missing": Layout(
        """
        path                      label  subject       gender  race   database
        Album2/012345_0F16.JPG    16     morph-012345  female  white  MORPH
        Album2/009999_1M54.JPG    54     morph-009055  male    black  MORPH
        """,
        skipped={
            "Album2/009055_1M54.JPG": "line 2: age is not a number: 'old'",
            "Album2/009055_2M55.JPG": "line 3: age 155 is outside 0...120",
            "Album2/000001_1F20.JPG": "not in listing.csv",
        },
        files={
            "listing.csv": [
                MORPH[0],
                MORPH[1].replace(",54,", ",old,"),
                MORPH[2].replace(",55,", ",155,"),
                MORPH[3].replace("Album2/", "photos\\"),
                MORPH[1].replace("009055_1M54", "009999_1M54"),
            ]
        },
        absent=["Album2/009999_1M54.JPG"],
    ),
    "csv, a row without a path": Layout(
        """
        path   label
        a.jpg  31
        """,
        files={"faces.csv": ["path,label", ",30", "a.jpg,31"]},
        skipped={"": "line 2: path is empty"},
        absent=[""],
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_published_layouts(root, caplog, name):
    check_layout(name, LAYOUTS[name], root, caplog)


BROKEN = {
    "appa-real": (
        APPA.but(rows="path", skipped={}),
        r"gt_avg_train\.csv lists.*Looked for: .*000000\.jpg",
    ),
    **{
        f"chalearn16, {line}": (
            CHALEARN.but({"train_gt.csv": ["image,mean,stdv", "000001.jpg,29.5,3.25", line]}),
            rf"train_gt\.csv: 1 bad row .*Received: line 3: {reason}",
        )
        for line, reason in [
            ("000002.jpg,old,3", "must be image, mean, standard deviation"),
            ("000002.jpg,30", "must be image, mean"),
            ("000002.jpg,30,-1", "must be image, mean"),
            ("000001.jpg,30,1", r"000001\.jpg stands on line 2 too"),
        ]
    },
    "chalearn16, two tables": (
        CHALEARN.but({"train.txt": ["000001.jpg 3 4"]}),
        r"one table. Received: train\.txt, train_gt\.csv for train",
    ),
    "chalearn15, nothing": (Layout(), "Looked for tables of ratings.*nothing in it"),
    "chalearn15": (Layout(files={"a.jpg": []}), r"such as train_gt\.csv.*with a\.jpg"),
    "imdb-clean": (
        Layout(files={"imdb_train_new.csv": []}),
        r"imdb_train_new_1024\.csv.*with imdb_train_new\.csv",
    ),
    "imdb-wiki": (
        Layout(files={"a.txt": []}),
        r"Looked for: imdb\.mat or wiki\.mat\. .*with a\.txt",
    ),
    "imdb-wiki, images elsewhere": (
        IMDB_WIKI.but(rows="path", skipped={}),
        r"that imdb\.mat lists.*imdb_crop/01/a\.jpg",
    ),
    "imdb-wiki, nothing usable": (
        Layout(files={"wiki.mat": NO_FACES, "a.jpg": []}),
        "no usable row. Received: 2 rows: 1 face score missing",
    ),
    "megaage-asian, lists of two lengths": (
        MEGAAGE.but({"m/list/train_age.txt": ["5", "6"]}),
        r"train_name\.txt and train_age\.txt .*3 names, 2 ages",
    ),
    "megaage-asian": (Layout(files={"list/test_name.txt": ["1"]}), r"test_age\.txt \(No such file"),
    "morph, other photos": (
        Layout(MORPH_BY_NAME, files={"l.csv": [MORPH[0], MORPH[1].replace("009055", "000001")]}),
        r"l\.csv lists.*Album2/000001_1M54\.JPG",
    ),
    "morph, cut short": (
        Layout(MORPH_BY_NAME, files={"l.csv": [*MORPH[:2], MORPH[2][:30]]}),
        r"l\.csv, line 3: .*cut short",
    ),
    "csv": (
        Layout(files={"faces.csv": ["path,label", "a.jpg,111", "b.jpg,250"]}),
        r"a label on the grid, which --grid names\. Received: 2",
    ),
    "csv, two tables": (
        Layout(files={"a.csv": [], "b.csv": []}),
        r"with --csv, or keep exactly one in the root. Received: a\.csv, b\.csv in",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_and_other_folders(root, name):
    layout, reason = BROKEN[name]
    check_refused(name, layout, root, DataError, reason)


def test_another_age_of_appa_real_is_refused():
    with pytest.raises(ConfigError, match="Did you mean apparent. Received: age='aparent'"):
        SOURCES["appa-real"](age="aparent")


def test_scores_of_imdb_wiki(root):
    IMDB_WIKI.make(root)

    def read(**options):
        return SOURCES["imdb-wiki"](**options).read(root)

    counts = {kind.fault: kind.count for kind in kinds_of(read().skipped)}
    assert counts["age … is outside 0...120"] == 2
    paths = read(min_face_score=3, max_second_face_score=2.5).table["path"]
    assert [path[-5:] for path in paths] == ["a.jpg", "b.jpg", "o.jpg", "d.jpg"]
    reasons = {item.reason for item in read(max_second_face_score=2).skipped}
    assert "second face with a score above 2" in reasons
    with pytest.raises(ConfigError, match="finite number. Received: min_face_score=nan"):
        read(min_face_score=NAN)


def test_ages_of_imdb_wiki_are_those_of_a_slow_loop():
    random = np.random.default_rng(0)
    days = random.integers(datetime.date(1850, 1, 1).toordinal(), 735_000, 3000)
    born = [datetime.date.fromordinal(int(day)) for day in days]
    born += [datetime.date(1952, 2, 29), datetime.date(1999, 12, 31), datetime.date(2000, 7, 1)]
    years = random.integers(1900, 2020, len(born))
    expected = [
        year - b.year - ((b.month, b.day) > (7, 1)) for b, year in zip(born, years, strict=True)
    ]
    ages = age_at_mid_year(np.array([datenum(b) + 0.25 for b in born]), years.astype(float))
    np.testing.assert_array_equal(ages, expected)
    assert np.isnan(age_at_mid_year(np.array([NAN, BORN]), np.array([2000.0, NAN]))).all()
