"""`prepare`: whole runs on drawn faces, stopped runs, bad rows, missing faces."""

import dataclasses
import hashlib
import io
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keras_dldl.data.prepare import PrepareOptions, prepare, run, shards
from keras_dldl.data.prepare.output import remove_leftovers
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.sources import CsvSource, SyntheticSource
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.images import Photo
from keras_dldl.labels import LabelGrid
from tests.prepared_folders import content

OPTIONS = PrepareOptions(size=48, workers=1)
TRAIN = PrepareOptions(size=32, val=0, test=0, workers=1)
SOURCE = SyntheticSource(count=30, image_size=96)


def changed(**options):
    return dataclasses.replace(TRAIN, **options)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared") / "faces"
    return prepare(SOURCE, out / "images", out, OPTIONS)


def csv(root, *rows, header="path,label"):
    (root / "labels.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return CsvSource(root / "labels.csv")


def test_a_whole_run(synthetic):
    out, data = synthetic.out, PreparedData(synthetic.out)
    assert sum(synthetic.counts.values()) == 30 and synthetic.skipped == []
    assert synthetic.found >= 28
    assert data.grid == LabelGrid.age() and data.size == 48
    manifest = pd.read_csv(out / "manifest.csv")
    assert {"path", "label", "split", "face", "gender", "database"} <= set(manifest.columns)
    places = pd.read_csv(out / "faces" / "index.csv")
    assert places["path"].tolist() == manifest["path"].tolist()
    (face,) = data.records().read([0])
    with Image.open(io.BytesIO(face)) as image:
        assert image.size == (48, 48) and image.format == "JPEG"
    index = json.loads((out / "dataset.json").read_text())
    ((name, facts),) = index["shards"].items()
    shard = (out / "faces" / name).read_bytes()
    digest = hashlib.sha256(shard).hexdigest()
    assert name == "00000-of-00001.tfrecord"
    assert facts == {"records": 30, "bytes": len(shard), "sha256": digest}
    assert index["format"] == 3 and index["counts"] == synthetic.counts


def test_a_second_call_changes_nothing(synthetic):
    before = content(synthetic.out)
    again = prepare(SOURCE, synthetic.out / "images", synthetic.out, OPTIONS)
    assert again.counts == synthetic.counts and content(synthetic.out) == before
    plan = json.loads((synthetic.out / "plan.json").read_text())
    assert "max_pixels" not in plan["options"]  # so that runs begun before there was one go on


@pytest.mark.parametrize(("option", "value", "old"), [("size", 64, 48), ("seed", 3, 0)])
def test_another_call_is_refused_before_anything_is_read(synthetic, option, value, old):
    source = SyntheticSource(count=30, image_size=96)
    source.read = None
    options = dataclasses.replace(OPTIONS, **{option: value})
    with pytest.raises(DataError, match=f"with other arguments: {option}={old}, now {value}$"):
        prepare(source, synthetic.out / "images", synthetic.out, options)


@pytest.mark.parametrize("harm", ["missing", "cut short", "altered"])
def test_a_damaged_shard_is_written_again(photos, tmp_path, no_faces, harm):
    source, out = csv(photos, "face0.png,10", "face1.png,40"), tmp_path / "out"
    prepare(source, photos, out, TRAIN)
    before, groups = content(out), len(no_faces.groups)
    prepare(source, photos, out, TRAIN)
    assert len(no_faces.groups) == groups  # whole: nothing to do
    (shard,) = (out / "faces").glob("*.tfrecord")
    if harm == "missing":
        shard.unlink()
    else:
        written = shard.read_bytes()
        shard.write_bytes(written[:-9] if harm == "cut short" else written[:-9] + b"x" * 9)
    prepare(source, photos, out, TRAIN)
    assert len(no_faces.groups) == groups + 1 and content(out) == before


def test_no_import_of_tensorflow_is_needed(tmp_path):
    script = (
        "import sys\n"
        "sys.modules['tensorflow'] = None\n"
        "from pathlib import Path\n"
        "from keras_dldl.data.prepare import PrepareOptions, prepare\n"
        "from keras_dldl.data.sources import SyntheticSource\n"
        "out = Path(sys.argv[1])\n"
        "options = PrepareOptions(size=32, workers=1)\n"
        "prepare(SyntheticSource(count=10, image_size=64), out / 'images', out, options)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    assert len(PreparedData(tmp_path).records()) == 10


@pytest.mark.slow
def test_several_processes_give_what_one_gives(tmp_path, synthetic, small_shards):
    small_shards(10)
    results = {}
    for workers in (1, 2):
        out = tmp_path / str(workers)
        options = PrepareOptions(size=48, workers=workers)
        prepare(SOURCE, synthetic.out / "images", out, options)
        results[workers] = content(out)
    first, second = results[1], results[2]
    assert first.keys() == second.keys()
    # With other threads the detector's sums are rounded otherwise: a level of a pixel, rarely.
    differing = [name for name in first if first[name] != second[name]]
    # A shard with such a face has another checksum, which its report and the index hold.
    assert all(name.startswith(("faces/", ".progress/", "dataset.json")) for name in differing)
    faces = [PreparedData(tmp_path / str(k)).records().read(range(30)) for k in (1, 2)]
    pairs = [pair for pair in zip(*faces, strict=True) if pair[0] != pair[1]]
    assert len(pairs) <= 3
    for pair in pairs:
        one, other = (np.asarray(Image.open(io.BytesIO(face)), np.int16) for face in pair)
        assert np.abs(one - other).max() <= 8  # a level before encoding
    assert len([name for name in first if name.endswith(".tfrecord")]) == 3


@pytest.mark.parametrize(("on_missing", "faces", "skipped"), [("whole", 4, 0), ("skip", 3, 1)])
def test_where_no_face_is_found(photos, tmp_path, on_missing, faces, skipped):
    source = csv(photos, "face0.png,10", "face1.png,40", "face2.png,70", "meadow.jpg,5")
    result = prepare(source, photos, tmp_path / "out", changed(on_missing=on_missing))
    assert result.counts["train"] == faces and len(result.skipped) == skipped
    assert result.whole == 4 - 3 - skipped
    listed = pd.read_csv(tmp_path / "out" / "skipped.csv")
    assert listed["path"].tolist() == ["meadow.jpg"] * skipped


def test_on_missing_fail_names_the_image_and_another_choice_goes_on(photos, tmp_path):
    source, out = csv(photos, "face0.png,10", "meadow.jpg,5"), tmp_path / "out"
    with pytest.raises(DataError, match=r"No face found.*meadow\.jpg"):
        prepare(source, photos, out, changed(on_missing="fail"))
    assert prepare(source, photos, out, changed(on_missing="skip")).counts["train"] == 1
    with pytest.raises(DataError, match="on_missing='skip', now 'whole'"):
        prepare(source, photos, out, TRAIN)


def test_a_call_that_wrote_no_shard_binds_nobody(photos, tmp_path, monkeypatch, no_faces):
    source, out = csv(photos, "face0.png,10"), tmp_path / "out"
    with monkeypatch.context() as patched, pytest.raises(TypeError):
        patched.setattr(run, "run_all", None)
        prepare(source, photos, out, OPTIONS)
    assert prepare(source, photos, out, TRAIN).counts["train"] == 1
    assert json.loads((out / "plan.json").read_text())["options"]["size"] == 32


def test_one_bad_image_or_row_does_not_lose_the_others(photos, tmp_path, no_faces):
    (photos / "text.jpg").write_text("hello")
    (photos / "empty.png").write_bytes(b"")
    (photos / "face2.png").rename(photos / "NA")
    rows = ["face0.png,10", "text.jpg,20", "empty.png,30", "missing.jpg,40", "bad.png,old", ""]
    source = csv(photos, *rows, "old.png,170", "face1.png,40,,x", "face1.png,50", "NA,70")
    result = prepare(source, photos, tmp_path / "out", TRAIN)
    kept = PreparedData(tmp_path / "out").rows("train")["path"]
    assert set(kept) == {"face0.png", "face1.png", "NA"} and result.counts["train"] == 3
    assert {item.reason for item in result.skipped if item.reason.startswith("line")} == {
        "line 6: label is not a number: 'old'",
        "line 8: label 170 is off the grid 0...100",
        "line 9: 4 fields where the header has 2",
    }
    unread = {item.path for item in result.skipped if "line" not in item.reason}
    assert unread == {"text.jpg", "empty.png", "missing.jpg"}


def test_sigma_split_and_subject_of_a_csv_file_are_kept(photos, tmp_path, no_faces):
    rows = ["face0.png,10,1.5,train,a", "face1.png,40,,val,b", "face2.png,70,0,test,c"]
    source = csv(photos, *rows, "meadow.jpg,5,,,c", header="path,label,sigma,split,subject")
    prepare(source, photos, tmp_path / "out", PrepareOptions(size=32, workers=1))
    data = PreparedData(tmp_path / "out")
    paths = {split: sorted(data.rows(split)["path"]) for split in data.splits}
    # A subject stays whole where some splits are given.
    assert paths == {
        "train": ["face0.png"],
        "val": ["face1.png"],
        "test": ["face2.png", "meadow.jpg"],
    }
    assert [data.targets(split)[0, 1] for split in ("train", "val")] == [1.5, -1]
    assert sorted(data.targets("test")[:, 1]) == [-1, 0]


def test_a_run_keeps_to_the_detector_it_began_with(photos, tmp_path, monkeypatch, no_faces):
    source, out = csv(photos, "face0.png,10"), tmp_path / "out"
    with monkeypatch.context() as without_the_wheel:
        without_the_wheel.setattr(run, "detector_here", lambda name: "mtcnn")
        prepare(source, photos, out, TRAIN)
    assert PreparedData(out).alignment.detector == "mtcnn"
    with pytest.raises(DataError, match="begun with other arguments.*mtcnn"):
        prepare(source, photos, out, TRAIN)


def test_a_detector_that_failed_is_asked_again_by_the_next_call(
    photos, tmp_path, monkeypatch, small_shards
):
    class Own:
        fails_on, seen = 1, 0

        def detect(self, images):
            self.seen += len(images)
            if self.seen - len(images) < self.fails_on:
                raise RuntimeError("no weights: fetch them")
            return [[] for _ in images]

    small_shards(1)
    detector, source = Own(), csv(photos, "face0.png,10", "face1.png,40", "face2.png,70")
    aligner = FaceAligner(Alignment(), detector)
    monkeypatch.setattr(shards, "_aligner", lambda *_: aligner)
    first = prepare(source, photos, tmp_path / "out", TRAIN)
    (item,) = first.skipped
    assert "Own failed, RuntimeError, no weights, fetch them. It must return" in item.reason
    asked = detector.seen
    again = prepare(source, photos, tmp_path / "out", TRAIN)
    assert again.skipped == [] and again.counts["train"] == 3
    assert detector.seen == asked + 1  # the other shards are left as they are
    assert prepare(source, photos, tmp_path / "out", TRAIN).counts == again.counts


def test_a_worker_without_the_detector_of_the_others_says_so(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "detector_here", lambda name: "mtcnn")
    with pytest.raises(ConfigError, match="Every worker.*--detector mtcnn. Received: auto"):
        prepare(csv(photos, "face0.png,10"), photos, tmp_path / "out", changed(margin=0.123))


def test_a_split_without_rows_is_warned_of(photos, tmp_path, caplog, no_faces):
    source = csv(photos, "face0.png,10,train", header="path,label,split")
    prepare(source, photos, tmp_path / "out", PrepareOptions(size=32, workers=1, test=0))
    assert "No row is in the split 'val'" in caplog.text
    assert "'test'" not in caplog.text


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"size": 8}, "32 ... 1024"),
        ({"on_missing": "guess"}, "'skip', 'whole', 'fail'"),
        ({"on_missing": "skipp"}, "Did you mean skip. Received: on_missing='skipp'"),
        ({"landmarks": "gven"}, "landmarks.*Did you mean given. Received: landmarks='gven'"),
        ({"split": "oficial"}, "split.*Did you mean official. Received: split='oficial'"),
        ({"strict": True, "on_missing": "skip"}, "whole or fail with it. Received: .*'skip'"),
        ({"workers": -1}, "0 or more"),
        ({"val": 0.5, "test": 0.5}, "together below 1"),
        ({"val": -0.1}, "Received: val=-0.1"),
        ({"test": float("nan")}, "Received: val=0.1, test=nan"),
        ({"margin": float("nan")}, "margin"),
        ({"margin": -1}, "margin"),
        ({"max_pixels": 0}, "whole number of pixels"),
    ],
)
def test_bad_options(options, reason):
    with pytest.raises(ConfigError, match=reason):
        PrepareOptions(**options)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_an_unwritable_folder_is_an_os_error(photos, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(OSError, match="locked"):
        prepare(csv(photos, "face0.png,10"), photos, locked / "out", OPTIONS)


def test_a_file_in_the_way_of_the_output(photos, tmp_path):
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(OSError, match="out"):
        prepare(csv(photos, "face0.png,10"), photos, tmp_path / "out", OPTIONS)


def test_few_large_images_are_in_memory_at_once(photos, tmp_path, monkeypatch, no_faces):
    large = np.broadcast_to(np.uint8(0), (5000, 4000, 3))  # no memory
    monkeypatch.setattr(shards, "Photo", lambda path, **options: Photo(large))
    source = csv(photos, *(f"{k}.jpg,20" for k in range(6)))
    assert prepare(source, photos, tmp_path / "out", TRAIN).counts["train"] == 6
    assert no_faces.groups == [4, 2]  # 64 million pixels, reached with the fourth


def test_images_over_the_limit_on_pixels_are_skipped(photos, tmp_path, monkeypatch, no_faces):
    source = csv(photos, "face0.png,10", "meadow.jpg,5")  # 96 x 96, 80 x 60
    result = prepare(source, photos, tmp_path / "a", changed(max_pixels=5000))
    assert [item.path for item in result.skipped] == ["face0.png"]
    assert "over the limit of 5,000" in result.skipped[0].reason
    with pytest.raises(DataError, match="other arguments: max_pixels=5000, now None"):
        prepare(source, photos, tmp_path / "a", TRAIN)
    monkeypatch.setenv("KERAS_DLDL_MAX_PIXELS", "4000")
    with pytest.raises(
        DataError, match="No image could be used.*left out: .*over the limit of 4,000"
    ):
        prepare(source, photos, tmp_path / "b", TRAIN)
    monkeypatch.setenv("KERAS_DLDL_MAX_PIXELS", "many")
    with pytest.raises(ConfigError, match="KERAS_DLDL_MAX_PIXELS"):
        prepare(source, photos, tmp_path / "c", OPTIONS)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("other", ["notes.txt", "plan.json"])
def test_a_foreign_folder_stays_as_it_is(tmp_path, other):
    (tmp_path / other).write_text('{"tomorrow": "nothing"}')
    (tmp_path / ".tmp-of-somebody").write_text("x")
    before = content(tmp_path)
    with pytest.raises(DataError, match="new or empty folder.*holds other files"):
        prepare(SyntheticSource(count=10), tmp_path / "images", tmp_path, OPTIONS)
    assert content(tmp_path) == before and not (tmp_path / "images").exists()


def leave_half_files(out, *places):
    for place in places:
        (out / place).mkdir(exist_ok=True, parents=True)
        (out / place / ".tmp-abc.jpg").write_text("half")


def test_half_files_of_a_killed_run_are_removed(photos, tmp_path, no_faces):
    source, out = csv(photos, "face0.png,10"), tmp_path / "out"
    leave_half_files(out, "", "images")  # before the plan was written
    prepare(source, photos, out, TRAIN)
    whole = content(out)
    assert not [name for name in whole if ".tmp-" in name]
    leave_half_files(out, "", "faces", "deep/down", ".progress")
    (photos / ".tmp-not-ours.png").write_text("x")
    prepare(source, photos, out, TRAIN)
    assert content(out) == whole and (photos / ".tmp-not-ours.png").exists()


def test_a_root_inside_the_output_is_not_swept(photos, tmp_path, no_faces):
    root = tmp_path / "out" / "images"
    root.parent.mkdir()
    photos.rename(root)
    (root / ".tmp-not-ours.png").write_text("x")
    prepare(csv(root, "face0.png,10"), root, tmp_path / "out", OPTIONS)
    remove_leftovers(root, keep=root)
    assert (root / ".tmp-not-ours.png").exists()


@pytest.fixture
def processes(monkeypatch, small_shards):
    """Do jobs here on a machine of 16 cores; note how many, by how many workers and threads."""
    seen = []

    def run_here(jobs, workers, threads, bar):
        seen.append((len(jobs), workers, threads))
        for job in jobs:
            shards.run_job(job)

    small_shards(1)
    monkeypatch.setattr(shards, "_run_in_processes", run_here)
    monkeypatch.setattr(shards, "cores", lambda: 16)
    monkeypatch.setattr(
        shards, "Photo", lambda path, **options: Photo(np.zeros((9, 9, 3), np.uint8))
    )
    return seen


@pytest.mark.parametrize(("workers", "expected"), [(0, (8, 2)), (20, (20, 1)), (3, (3, 5))])
def test_a_run_that_goes_on_has_as_many_workers_and_threads(
    photos, tmp_path, workers, expected, no_faces, processes
):
    source, out = csv(photos, *(f"{k}.jpg,20" for k in range(24))), tmp_path / "out"
    options = PrepareOptions(size=32, workers=workers)
    prepare(source, photos, out, options)
    next((out / ".progress").glob("*.json")).unlink()
    prepare(source, photos, out, options)
    prepare(source, photos, out, options)
    assert processes == [(24, *expected), (1, *expected)]


def test_the_order_of_rows_does_not_matter(photos, tmp_path, no_faces, small_shards):
    small_shards(2)
    rows = ["face0.png,10", "face1.png,40", "face2.png,70", "meadow.jpg,5"]
    prepare(csv(photos, *rows), photos, tmp_path / "out", changed(val=0.3))
    before = content(tmp_path / "out")
    next((tmp_path / "out" / ".progress").glob("*.json")).unlink()
    prepare(csv(photos, *rows[::-1]), photos, tmp_path / "out", changed(val=0.3))  # goes on
    assert content(tmp_path / "out") == before


def test_limit_spreads_over_the_data_set(photos, tmp_path, no_faces):
    source = csv(photos, "face0.png,10", "face1.png,40", "face2.png,70", "meadow.jpg,5")
    prepare(source, photos, tmp_path / "out", changed(limit=2))
    names = set(pd.read_csv(tmp_path / "out" / "manifest.csv")["path"])
    assert names == {"face0.png", "face2.png"}
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["counts"]["train"] == 2
