"""The benchmark's JSON files: rows, published splits, what is skipped, broken files."""

import json

import numpy as np
import pytest

from keras_dldl.data.annotations.five_points import from_box
from keras_dldl.data.sources import Benchmark
from keras_dldl.errors import ConfigError, DataError
from tests.data.sources.layouts import Layout, check_layout, check_refused, lay_out

# As the paper prints them: training, validation and test folders of splits 0 to 4.
PUBLISHED = [
    ([0, 1, 2, 3, 4, 5], [6, 7], [8, 9]),
    ([2, 3, 4, 5, 6, 7], [8, 9], [0, 1]),
    ([4, 5, 6, 7, 8, 9], [0, 1], [2, 3]),
    ([5, 6, 7, 8, 9, 0], [1, 2], [3, 4]),
    ([6, 7, 8, 9, 0, 1], [2, 3], [4, 5]),
]
BOX = [21, 69, 569, 103, 535, 652, -13, 617]


def entry(k=0, **others):
    return {"img_path": f"DB/images/{k}.jpg", "age": 20 + k, "database": "DB", **others}


def benchmark(*objects):
    return {"labels.json": json.dumps(objects, indent=4).encode()}


LAYOUTS = {
    "benchmark, all that a file may say": Layout(
        """
        path             label  sigma  split  subject  gender  database  folder
        DB/images/0.jpg  20     4.5    train  DB-7     female  DB        0
        DB/images/1.jpg  21     0      test   DB-8     -       DB        2
        """,
        files=benchmark(
            entry(0, std_age=4.5, id_num=7, gender="F", folder=0, aligned_bbox=BOX),
            entry(1, std_age=0, id_num=8, gender="U", folder=2, aligned_bbox=[]),
        ),
        landmarks=[from_box(BOX), None],
    ),
    "benchmark, rows without a usable age, an image missing": Layout(
        """
        path             label  database
        DB/images/0.jpg  20     DB
        """,
        skipped={
            "DB/images/1.jpg": "line 7: age is not known: -1",
            "DB/images/2.jpg": "line 12: age is not in 0...120: 121",
            "DB/images/3.jpg": "line 17: age is not a number: 'x'",
            "DB/4.jpg": "line 22: age is not a number: None",
            "DB/images/5.jpg": "line 25: folder is -1: left out by the benchmark",
        },
        files=benchmark(
            entry(0),
            *({**entry(k), "age": age} for k, age in enumerate((-1, 121, "x"), 1)),
            {"img_path": "DB/4.jpg"},
            entry(5, folder=-1),
        ),
        absent=["DB/images/0.jpg"],
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_rows_have_what_the_file_says(root, caplog, name):
    check_layout(name, LAYOUTS[name], root, caplog)


@pytest.mark.parametrize("folder", ["", "DB", "DB/images"])
def test_the_root_may_be_a_folder_of_the_paths(root, folder):
    lay_out(root, ["DB/images/0.jpg", "DB/images/1.jpg"], benchmark(entry(0), entry(1)))
    paths = Benchmark(root / "labels.json").read(root / folder).table["path"]
    assert len(paths) == 2 and all((root / folder / path).is_file() for path in paths)


@pytest.mark.parametrize("fold", [0, 1, 2, "3", 4])
def test_the_five_published_splits(root, fold):
    lay_out(root, files=benchmark(*(entry(k, folder=k % 10) for k in range(20))))
    table = Benchmark(fold=fold).read(root).table
    found = {split: {*part["folder"]} for split, part in table.groupby("split")}
    expected = zip(("train", "val", "test"), map(set, PUBLISHED[int(fold)]), strict=True)
    assert found == dict(expected)


def test_without_a_fold_splits_are_drawn_and_that_is_said(root, caplog):
    lay_out(root, files=benchmark(*(entry(k, folder=k) for k in range(10))))
    assert "split" not in Benchmark().read(root).table
    assert "Splits are drawn." in caplog.text and "--fold 0 to 4" in caplog.text


@pytest.mark.parametrize(
    ("folders", "reason"),
    [([0, 1, 2], "parts 0 train, 1 val, 2 test"), ([1, 82], "a folder a person"), ([None], "out")],
)
def test_a_fold_where_there_are_none(root, folders, reason):
    objects = (entry(k, folder=folder) for k, folder in enumerate(folders))
    layout = Layout(files=benchmark(*objects), options={"fold": 1})
    check_refused("benchmark", layout, root, ConfigError, f"folders 0 ... 9.*fold=1.*{reason}")


@pytest.mark.parametrize("fold", [5, -1, "60-40", "a"])
def test_a_fold_that_is_none(fold):
    with pytest.raises(ConfigError, match="0 ... 4 for benchmark files"):
        Benchmark(fold=fold)


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([entry(0), {"age": 3}], r"1 bad row .*Received: line 7: img_path is missing: \['age'\]"),
        ([entry(0), entry(1), entry(0)], r"line 12: DB/images/0\.jpg stands on line 2 too"),
        ([entry(0, folder=-1)], "no usable row. Received: 1 rows skipped"),
        ([], "no usable row"),
    ],
)
def test_broken_files(root, objects, reason):
    layout = Layout(files=benchmark(*objects))
    check_refused("benchmark", layout, root, DataError, rf"labels\.json: .*{reason}")


def test_a_folder_without_such_a_file(root):
    reason = r"Looked for the benchmark's JSON.*with notes\.txt"
    check_refused("benchmark", Layout(files={"notes.txt": []}), root, DataError, reason)
    with pytest.raises(DataError, match="must be a folder with the images.*nothing there"):
        Benchmark().read(root / "nowhere")


def test_published_labels_of_chalearn_2016(real_annotations, root):
    rows = Benchmark(real_annotations / "CLAP2016.json").read(root)
    table = rows.table
    assert table["split"].value_counts().to_dict() == {"train": 4113, "val": 1500, "test": 1978}
    assert (table["sigma"] == 0).sum() == 29 and rows.skipped == []
    assert "subject" not in table and "landmarks" not in table


def test_published_labels_of_fgnet(real_annotations, root):
    table = Benchmark(real_annotations / "FG-Net_aligned.json").read(root).table
    assert len(table) == 1002 and table["subject"].nunique() == 82
    assert table["landmarks"].notna().all() and "split" not in table
    landmarks = np.array(table["landmarks"].tolist()).reshape(-1, 5, 2)
    upright = landmarks[:, 1, 0] - landmarks[:, 0, 0]  # photos of that time are upright
    assert (upright > 0).mean() > 0.99
