"""The benchmark's JSON files: rows, published splits, what is skipped, broken files."""

import json

import numpy as np
import pytest

from keras_dldl.data.sources import Benchmark
from keras_dldl.errors import ConfigError, DataError

# As the paper prints them: training, validation and test folders of splits 0 to 4.
PUBLISHED = [
    ([0, 1, 2, 3, 4, 5], [6, 7], [8, 9]),
    ([2, 3, 4, 5, 6, 7], [8, 9], [0, 1]),
    ([4, 5, 6, 7, 8, 9], [0, 1], [2, 3]),
    ([5, 6, 7, 8, 9, 0], [1, 2], [3, 4]),
    ([6, 7, 8, 9, 0, 1], [2, 3], [4, 5]),
]


@pytest.fixture
def benchmark(root):
    """Write objects as a benchmark file; return its path."""

    def write(objects, name="labels.json"):
        (root / name).write_text(json.dumps(objects, indent=4))
        return root / name

    return write


def entry(k=0, **others):
    return {"img_path": f"DB/images/{k}.jpg", "age": 20 + k, "database": "DB", **others}


def test_rows_have_what_the_file_says(root, images, benchmark):
    images("DB/images/0.jpg", "DB/images/1.jpg")
    box = [21, 69, 569, 103, 535, 652, -13, 617]
    benchmark([
        entry(0, std_age=4.5, id_num=7, gender="F", folder=0, aligned_bbox=box),
        entry(1, std_age=0, id_num=8, gender="U", folder=2, aligned_bbox=[]),
    ])  # fmt: skip
    rows = Benchmark().read(root)
    assert rows.skipped == []
    table = rows.table
    assert table["path"].tolist() == ["DB/images/0.jpg", "DB/images/1.jpg"]
    assert table["label"].tolist() == [20, 21] and table["sigma"].tolist() == [4.5, 0]
    assert table["subject"].tolist() == ["DB-7", "DB-8"]
    assert table["gender"][0] == "female" and table["gender"].isna().tolist() == [False, True]
    assert table["split"].tolist() == ["train", "test"] and table["folder"].tolist() == [0, 2]
    assert len(table["landmarks"][0]) == 10 and table["landmarks"][1] is None


def test_what_no_row_has_is_no_column(root, images, benchmark):
    images("DB/images/0.jpg")
    benchmark([entry()])
    assert Benchmark().read(root).table.columns.tolist() == ["path", "label", "database"]


@pytest.mark.parametrize("folder", ["", "DB", "DB/images"])
def test_the_root_may_be_a_folder_of_the_paths(root, images, benchmark, folder):
    images("DB/images/0.jpg", "DB/images/1.jpg")
    source = Benchmark(benchmark([entry(0), entry(1)]))
    (path, _) = source.read(root / folder).table["path"]
    assert (root / folder / path).is_file()


def test_images_that_are_not_there_keep_their_rows(root, benchmark):
    benchmark([entry(0)])
    assert Benchmark().read(root).table["path"].tolist() == ["DB/images/0.jpg"]


def splits_by_folder(table):
    return {split: sorted(set(part["folder"].tolist())) for split, part in table.groupby("split")}


@pytest.mark.parametrize("fold", range(5))
def test_the_five_published_splits(root, benchmark, fold):
    benchmark([entry(k, folder=k % 10) for k in range(20)])
    train, val, test = PUBLISHED[fold]
    for given in (fold, str(fold)):
        table = Benchmark(fold=given).read(root).table
        expected = {"train": sorted(train), "val": val, "test": test}
        assert splits_by_folder(table) == expected


def test_without_a_fold_splits_are_drawn_and_that_is_said(root, benchmark, caplog):
    benchmark([entry(k, folder=k) for k in range(10)])
    assert "split" not in Benchmark().read(root).table
    assert "Splits are drawn." in caplog.text and "--fold 0 to 4" in caplog.text


@pytest.mark.parametrize(
    ("folders", "reason"),
    [([0, 1, 2], "parts 0 train, 1 val, 2 test"), ([1, 82], "a folder a person"), ([None], "out")],
)
def test_a_fold_where_there_are_none(root, benchmark, folders, reason):
    benchmark([entry(k, folder=folder) for k, folder in enumerate(folders)])
    with pytest.raises(ConfigError, match=f"folders 0 ... 9.*fold=1.*{reason}"):
        Benchmark(fold=1).read(root)


@pytest.mark.parametrize("fold", [5, -1, "60-40", "a"])
def test_a_fold_that_is_none(fold):
    with pytest.raises(ConfigError, match="0 ... 4 for benchmark files"):
        Benchmark(fold=fold)


def test_rows_without_a_usable_age_are_listed(root, benchmark):
    objects = [entry(0), *({**entry(k), "age": age} for k, age in enumerate((-1, 121, "x"), 1))]
    benchmark([*objects, {"img_path": "DB/4.jpg"}, entry(5, folder=-1)])
    rows = Benchmark().read(root)
    assert len(rows.table) == 1
    assert [(item.path[-5:], item.reason) for item in rows.skipped] == [
        ("1.jpg", "line 7: age is not known: -1"),
        ("2.jpg", "line 12: age is not in 0...120: 121"),
        ("3.jpg", "line 17: age is not a number: 'x'"),
        ("4.jpg", "line 22: age is not a number: None"),
        ("5.jpg", "line 25: folder is -1: left out by the benchmark"),
    ]


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([entry(0), {"age": 3}], r"1 bad row: line 7: img_path is missing: \['age'\]"),
        ([entry(0), entry(1), entry(0)], r"line 12: DB/images/0\.jpg stands on line 2 too"),
        ([entry(0, folder=-1)], "no usable row. Received: 1 rows skipped"),
        ([], "no usable row"),
    ],
)
def test_broken_files(root, benchmark, objects, reason):
    benchmark(objects)
    with pytest.raises(DataError, match=rf"labels\.json: .*{reason}"):
        Benchmark().read(root)


def test_a_folder_without_such_a_file(root, write):
    write("notes.txt", "x")
    with pytest.raises(DataError, match=r"Looked for the benchmark's JSON.*with notes\.txt"):
        Benchmark().read(root)
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
