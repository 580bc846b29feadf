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

from keras_dldl.data.prepare import PrepareOptions, jobs, prepare, run, writer
from keras_dldl.data.prepare import workers as workers_module
from keras_dldl.data.prepare.output import remove_leftovers
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.sources import AllAgeFaces, CsvSource, SyntheticSource, UTKFace
from keras_dldl.data.synthetic import draw_face
from keras_dldl.errors import ConfigError, DataError, NoFaceFound
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.photo import Photo
from keras_dldl.labels import LabelGrid

OPTIONS = PrepareOptions(size=48, workers=1)


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared") / "faces"
    source = SyntheticSource(count=30, image_size=96)
    return prepare(source, out / "images", out, OPTIONS)


@pytest.fixture
def photos(tmp_path):
    """A root with three drawn faces and a picture without a face."""
    root = tmp_path / "photos"
    root.mkdir()
    for k, age in enumerate((10, 40, 70)):
        face = draw_face(age, np.random.default_rng(k), size=96)
        Image.fromarray(face.image).save(root / f"face{k}.png")
    Image.new("RGB", (80, 60), (9, 80, 9)).save(root / "meadow.jpg")
    return root


class NoFaces:
    """Stands for the aligner: notes how many images come at once, finds nothing in them."""

    def __init__(self):
        self.alignment = Alignment()
        self.groups = []

    def find(self, images, size):
        self.groups.append(len(images))
        return [NoFaceFound("none") for _ in images]


@pytest.fixture
def no_faces(monkeypatch):
    """Spare a test the detector."""
    aligner = NoFaces()
    monkeypatch.setattr(writer, "_aligner", lambda *_: aligner)
    return aligner


def csv(root, rows, header="path,label"):
    (root / "labels.csv").write_text(header + "\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return CsvSource(root / "labels.csv")


def test_a_whole_run(synthetic):
    out = synthetic.out
    assert sum(synthetic.counts.values()) == 30 and synthetic.skipped == []
    assert synthetic.found >= 28
    data = PreparedData(out)
    assert data.grid == LabelGrid.age() and data.size == 48
    manifest = pd.read_csv(out / "manifest.csv")
    assert {"path", "label", "split", "face", "gender", "database"} <= set(manifest.columns)
    index = pd.read_csv(out / "faces" / "index.csv")
    assert index["path"].tolist() == manifest["path"].tolist()
    (face,) = data.records().read([0])
    with Image.open(io.BytesIO(face)) as image:
        assert image.size == (48, 48) and image.format == "JPEG"


def test_a_second_call_changes_nothing(synthetic):
    before = content(synthetic.out)
    again = prepare(
        SyntheticSource(count=30, image_size=96), synthetic.out / "images", synthetic.out, OPTIONS
    )
    assert again.counts == synthetic.counts and content(synthetic.out) == before


def test_the_index_holds_size_and_checksum_of_every_shard(synthetic):
    index = json.loads((synthetic.out / "dataset.json").read_text())
    written = sorted(path.name for path in (synthetic.out / "faces").glob("*.tfrecord"))
    assert list(index["shards"]) == written == ["00000-of-00001.tfrecord"]
    for name, facts in index["shards"].items():
        content = (synthetic.out / "faces" / name).read_bytes()
        assert facts["bytes"] == len(content) and facts["records"] == 30
        assert facts["sha256"] == hashlib.sha256(content).hexdigest()
    assert index["format"] == 3 and index["counts"] == synthetic.counts


@pytest.mark.parametrize("harm", ["missing", "cut short", "altered"])
def test_a_damaged_shard_is_written_anew(photos, tmp_path, no_faces, harm):
    source, out = csv(photos, ["face0.png,10", "face1.png,40"]), tmp_path / "out"
    options = PrepareOptions(size=32, val=0, test=0, workers=1)
    prepare(source, photos, out, options)
    before, groups = content(out), len(no_faces.groups)
    prepare(source, photos, out, options)
    assert len(no_faces.groups) == groups  # whole: nothing to do
    (shard,) = (out / "faces").glob("*.tfrecord")
    if harm == "missing":
        shard.unlink()
    else:
        written = shard.read_bytes()
        shard.write_bytes(written[:-9] if harm == "cut short" else written[:-9] + b"x" * 9)
    prepare(source, photos, out, options)
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


def test_another_call_into_the_same_folder_is_refused(synthetic):
    source = SyntheticSource(count=30, image_size=96)
    with pytest.raises(DataError, match=r"begun with the same arguments.*size=48, now 64$"):
        prepare(source, synthetic.out / "images", synthetic.out, PrepareOptions(size=64))


@pytest.mark.slow
def test_several_processes_give_what_one_gives(tmp_path, synthetic, monkeypatch):
    monkeypatch.setattr(jobs, "ROWS_PER_SHARD", 10)
    results = {}
    for workers in (1, 2):
        out = tmp_path / str(workers)
        options = PrepareOptions(size=48, workers=workers)
        prepare(SyntheticSource(count=30, image_size=96), synthetic.out / "images", out, options)
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
    source = csv(photos, ["face0.png,10", "face1.png,40", "face2.png,70", "meadow.jpg,5"])
    options = PrepareOptions(size=32, val=0, test=0, workers=1, on_missing=on_missing)
    result = prepare(source, photos, tmp_path / "out", options)
    assert result.counts["train"] == faces and len(result.skipped) == skipped
    assert result.whole == 4 - 3 - skipped
    listed = pd.read_csv(tmp_path / "out" / "skipped.csv")
    assert listed["path"].tolist() == ["meadow.jpg"] * skipped


def test_on_missing_fail_names_the_image(photos, tmp_path):
    source = csv(photos, ["face0.png,10", "meadow.jpg,5"])
    with pytest.raises(DataError, match=r"No face found.*meadow\.jpg"):
        options = PrepareOptions(size=32, workers=1, on_missing="fail")
        prepare(source, photos, tmp_path / "out", options)


def test_after_on_missing_fail_another_choice_goes_on(photos, tmp_path):
    source = csv(photos, ["face0.png,10", "meadow.jpg,5"])
    options = PrepareOptions(size=32, val=0, test=0, workers=1, on_missing="fail")
    with pytest.raises(DataError, match="No face found"):
        prepare(source, photos, tmp_path / "out", options)
    options = dataclasses.replace(options, on_missing="skip")
    assert prepare(source, photos, tmp_path / "out", options).counts["train"] == 1
    with pytest.raises(DataError, match="on_missing='skip', now 'whole'"):
        options = dataclasses.replace(options, on_missing="whole")
        prepare(source, photos, tmp_path / "out", options)


def test_a_call_that_wrote_no_shard_binds_nobody(photos, tmp_path, monkeypatch, no_faces):
    source, out = csv(photos, ["face0.png,10"]), tmp_path / "out"
    monkeypatch.setattr(run, "run_all", None)
    with pytest.raises(TypeError):
        prepare(source, photos, out, OPTIONS)
    monkeypatch.undo()
    monkeypatch.setattr(writer, "_aligner", lambda *_: no_faces)
    options = PrepareOptions(size=32, val=0, test=0, workers=1)
    assert prepare(source, photos, out, options).counts["train"] == 1
    assert json.loads((out / "plan.json").read_text())["options"]["size"] == 32


def test_one_bad_image_does_not_lose_the_others(photos, tmp_path):
    (photos / "text.jpg").write_text("hello")
    (photos / "empty.png").write_bytes(b"")
    rows = ["face0.png,10", "text.jpg,20", "empty.png,30", "missing.jpg,40", "face1.png,50"]
    options = PrepareOptions(size=32, val=0, test=0, workers=1)
    result = prepare(csv(photos, rows), photos, tmp_path / "out", options)
    assert result.counts["train"] == 2
    assert {item.path for item in result.skipped} == {"text.jpg", "empty.png", "missing.jpg"}


def test_sigma_split_and_subject_of_a_csv_file_are_kept(photos, tmp_path):
    rows = ["face0.png,10,1.5,train,a", "face1.png,40,,val,b", "face2.png,70,0,test,c"]
    source = csv(photos, rows, "path,label,sigma,split,subject")
    prepare(source, photos, tmp_path / "out", PrepareOptions(size=32, workers=1))
    data = PreparedData(tmp_path / "out")
    assert data.splits == ("train", "val", "test")
    assert [data.targets(split)[0, 1] for split in data.splits] == [1.5, -1, 0]


def test_bad_csv_rows_are_left_out_and_listed(photos, tmp_path):
    source = csv(photos, ["face0.png,10", "face1.png,old", "face2.png,170"])
    options = PrepareOptions(size=32, val=0, test=0, workers=1)
    result = prepare(source, photos, tmp_path / "out", options)
    assert result.counts["train"] == 1
    assert [item.reason[:6] for item in result.skipped] == ["line 3", "line 4"]


def test_a_csv_row_with_fields_too_many_is_left_out_and_listed(photos, tmp_path, no_faces):
    source = csv(photos, ["face0.png,10", "face1.png,40,,x", "face1.png,40"])
    options = PrepareOptions(size=32, val=0, test=0, workers=1, on_missing="whole")
    result = prepare(source, photos, tmp_path / "out", options)
    assert result.counts["train"] == 2
    assert [item.reason for item in result.skipped] == ["line 3: 4 fields where the header has 2"]


def test_a_run_keeps_to_the_detector_it_began_with(photos, tmp_path, monkeypatch, no_faces):
    source, out = csv(photos, ["face0.png,10"]), tmp_path / "out"
    options = PrepareOptions(size=32, val=0, test=0, workers=1, on_missing="whole")
    with monkeypatch.context() as without_the_wheel:
        without_the_wheel.setattr(run, "detector_here", lambda name: "mtcnn")
        prepare(source, photos, out, options)
    assert PreparedData(out).alignment.detector == "mtcnn"
    with pytest.raises(DataError, match="begun with other arguments.*mtcnn"):
        prepare(source, photos, out, options)


def test_a_worker_without_the_detector_of_the_others_says_so(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "detector_here", lambda name: "mtcnn")
    options = PrepareOptions(size=32, val=0, test=0, workers=1, margin=0.123)
    with pytest.raises(ConfigError, match="Every worker.*--detector mtcnn. Received: auto"):
        prepare(csv(photos, ["face0.png,10"]), photos, tmp_path / "out", options)


def test_utkface_names(tmp_path):
    root = tmp_path / "utk"
    root.mkdir()
    for name in (
        "7_1_2_20170109.jpg.chip.jpg",
        "110_0_0_2017.jpg.chip.jpg",
        "61_1_2017.jpg.chip.jpg",
    ):
        Image.new("RGB", (40, 40), (90, 70, 60)).save(root / name)
    rows = UTKFace().read(root)
    assert rows.table["label"].tolist() == [110, 7]
    assert rows.table["gender"].tolist() == ["male", "female"]
    assert rows.table["race"].tolist() == ["white", "asian"]
    assert [item.path for item in rows.skipped] == ["61_1_2017.jpg.chip.jpg"]
    options = PrepareOptions(size=32, val=0, test=0, workers=1)
    result = prepare(UTKFace(), root, tmp_path / "out", options)
    assert result.counts["train"] == 1
    reasons = [item.reason for item in result.skipped]
    assert reasons == [
        "name is not age_gender_race_date.jpg.chip.jpg",
        "label 110 is off the grid 0...100",
    ]


def test_all_age_faces(tmp_path):
    (tmp_path / "faces").mkdir()
    for name in ("00000A02.jpg", "00002A60.jpg", "other.jpg"):
        Image.new("RGB", (40, 40)).save(tmp_path / "faces" / name)
    (tmp_path / "train.txt").write_text("00000A02.jpg 0\n")
    (tmp_path / "val.txt").write_text("00002A60.jpg 1\n")
    rows = AllAgeFaces().read(tmp_path)
    assert rows.table["label"].tolist() == [2, 60]
    assert rows.table["gender"].tolist() == ["female", "male"]
    assert rows.table["official"].tolist() == ["train", "test"]
    assert [item.path for item in rows.skipped] == ["faces/other.jpg"]


@pytest.mark.parametrize("source", [UTKFace, AllAgeFaces])
def test_a_wrong_root_says_what_was_looked_for_and_found(source, tmp_path):
    with pytest.raises(DataError, match="must be a folder with images named"):
        source().read(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"Looked for: images named .* with notes\.txt"):
        source().read(tmp_path)


@pytest.mark.parametrize("source", [UTKFace, AllAgeFaces])
def test_images_of_another_data_set_are_named(source, photos):
    with pytest.raises(DataError, match=r"No image is named .*with 4 images, such as face0\.png"):
        source().read(photos)


def test_mostly_other_names_are_warned_of(photos, caplog):
    (photos / "face0.png").rename(photos / "7_1_2_20170109.jpg.chip.jpg")
    assert len(UTKFace().read(photos).table) == 1
    assert "Only 1 of 4 images are named age_gender" in caplog.text


def test_a_split_without_rows_is_warned_of(photos, tmp_path, caplog, no_faces):
    source = csv(photos, ["face0.png,10,train"], "path,label,split")
    prepare(source, photos, tmp_path / "out", PrepareOptions(size=32, workers=1, test=0))
    assert "No row is in the split 'val'" in caplog.text
    assert "'test'" not in caplog.text


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"size": 8}, "32 ... 1024"),
        ({"on_missing": "guess"}, "'skip', 'whole', 'fail'"),
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
        prepare(csv(photos, ["face0.png,10"]), photos, locked / "out", OPTIONS)


def test_a_file_in_the_way_of_the_output(photos, tmp_path):
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(OSError, match="out"):
        prepare(csv(photos, ["face0.png,10"]), photos, tmp_path / "out", OPTIONS)


def test_few_large_images_are_in_memory_at_once(photos, tmp_path, monkeypatch, no_faces):
    large = np.broadcast_to(np.uint8(0), (5000, 4000, 3))  # no memory
    monkeypatch.setattr(writer, "Photo", lambda path, **options: Photo(large))
    source = csv(photos, [f"{k}.jpg,20" for k in range(9)])
    options = PrepareOptions(size=32, val=0, test=0, workers=1)
    assert prepare(source, photos, tmp_path / "out", options).counts["train"] == 9
    assert no_faces.groups == [4, 4, 1]  # 64 million pixels, reached with the fourth


def test_images_over_the_limit_on_pixels_are_skipped(photos, tmp_path, monkeypatch, no_faces):
    source = csv(photos, ["face0.png,10", "meadow.jpg,5"])  # 96 x 96, 80 x 60
    options = PrepareOptions(size=32, val=0, test=0, workers=1, max_pixels=5000)
    result = prepare(source, photos, tmp_path / "a", options)
    assert [item.path for item in result.skipped] == ["face0.png"]
    assert "over the limit of 5,000" in result.skipped[0].reason
    with pytest.raises(DataError, match="other arguments: max_pixels=5000, now None"):
        prepare(source, photos, tmp_path / "a", dataclasses.replace(options, max_pixels=None))
    monkeypatch.setenv("KERAS_DLDL_MAX_PIXELS", "4000")
    with pytest.raises(
        DataError, match="No image could be used.*left out: .*over the limit of 4,000"
    ):
        prepare(source, photos, tmp_path / "b", dataclasses.replace(options, max_pixels=None))
    monkeypatch.setenv("KERAS_DLDL_MAX_PIXELS", "many")
    with pytest.raises(ConfigError, match="KERAS_DLDL_MAX_PIXELS"):
        prepare(source, photos, tmp_path / "c", OPTIONS)
    assert not (tmp_path / "c").exists()


def test_a_folder_begun_without_a_limit_on_pixels_goes_on(synthetic):
    plan = json.loads((synthetic.out / "plan.json").read_text())
    assert "max_pixels" not in plan["options"]  # as before there was one


@pytest.mark.parametrize("other", ["notes.txt", "plan.json"])
def test_a_foreign_folder_stays_as_it_is(tmp_path, other):
    (tmp_path / other).write_text('{"tomorrow": "nothing"}')
    (tmp_path / ".tmp-of-somebody").write_text("x")
    before = content(tmp_path)
    with pytest.raises(DataError, match="new or empty folder.*holds other files"):
        prepare(SyntheticSource(count=10), tmp_path / "images", tmp_path, OPTIONS)
    assert content(tmp_path) == before and not (tmp_path / "images").exists()


def test_another_call_is_refused_before_anything_is_read(synthetic, monkeypatch):
    source = SyntheticSource(count=30, image_size=96)
    monkeypatch.setattr(source, "read", None)
    with pytest.raises(DataError, match="other arguments: seed=0, now 3"):
        prepare(source, synthetic.out / "images", synthetic.out, PrepareOptions(seed=3))


def test_half_files_of_a_killed_run_are_removed(photos, tmp_path, no_faces):
    source, out = csv(photos, ["face0.png,10"]), tmp_path / "out"
    options = PrepareOptions(size=32, val=0, test=0, workers=1)
    prepare(source, photos, out, options)
    whole = content(out)
    for place in ("", "faces", "deep/down", ".progress"):
        (out / place).mkdir(exist_ok=True, parents=True)
        (out / place / ".tmp-abc.jpg").write_text("half")
    (photos / ".tmp-not-ours.png").write_text("x")
    prepare(source, photos, out, options)
    assert content(out) == whole and (photos / ".tmp-not-ours.png").exists()


def test_half_files_are_removed_where_no_plan_was_written_yet(tmp_path, no_faces):
    out = tmp_path / "out"
    for name in (".tmp-abc.json", "images/.tmp-abc.png"):
        (out / name).parent.mkdir(exist_ok=True, parents=True)
        (out / name).write_text("half")
    prepare(SyntheticSource(count=10, image_size=64), out / "images", out, OPTIONS)
    assert not [name for name in content(out) if ".tmp-" in name]


def test_a_root_inside_the_output_is_not_swept(photos, tmp_path, no_faces):
    out = tmp_path / "out"
    photos.rename(tmp_path / "images")
    out.mkdir()
    (tmp_path / "images").rename(out / "images")
    (out / "images" / ".tmp-not-ours.png").write_text("x")
    prepare(csv(out / "images", ["face0.png,10"]), out / "images", out, OPTIONS)
    remove_leftovers(out / "images", keep=out / "images")
    assert (out / "images" / ".tmp-not-ours.png").exists()


@pytest.mark.parametrize(("workers", "expected"), [(0, (8, 2)), (20, (20, 1)), (3, (3, 5))])
def test_workers_and_their_threads(photos, tmp_path, monkeypatch, workers, expected, no_faces):
    seen = []

    def run(jobs, count, threads, bar):
        seen.append((count, threads))
        for job in jobs:
            writer.run_job(job)

    monkeypatch.setattr(workers_module, "_run_in_processes", run)
    monkeypatch.setattr(workers_module, "cores", lambda: 16)
    monkeypatch.setattr(jobs, "ROWS_PER_SHARD", 1)
    monkeypatch.setattr(
        writer, "Photo", lambda path, **options: Photo(np.zeros((9, 9, 3), np.uint8))
    )
    source = csv(photos, [f"{k}.jpg,20" for k in range(24)])
    prepare(source, photos, tmp_path / "out", PrepareOptions(size=32, workers=workers))
    assert seen == [expected]


def test_a_run_that_goes_on_has_as_many_threads_to_a_worker(
    photos, tmp_path, monkeypatch, no_faces
):
    monkeypatch.setattr(jobs, "ROWS_PER_SHARD", 1)
    monkeypatch.setattr(workers_module, "cores", lambda: 16)
    seen = []

    def run(jobs, count, threads, bar):
        seen.append((len(jobs), count, threads))
        for job in jobs:
            writer.run_job(job)

    monkeypatch.setattr(workers_module, "_run_in_processes", run)
    source = csv(photos, [f"face{k}.png,20" for k in range(3)])
    options, out = PrepareOptions(size=32, workers=2), tmp_path / "out"
    prepare(source, photos, out, options)
    next((out / ".progress").glob("*.json")).unlink()
    prepare(source, photos, out, options)
    prepare(source, photos, out, options)
    assert seen == [(3, 2, 8), (1, 2, 8)]


def test_the_order_of_rows_does_not_matter(photos, tmp_path, monkeypatch, no_faces):
    monkeypatch.setattr(jobs, "ROWS_PER_SHARD", 2)
    rows = ["face0.png,10", "face1.png,40", "face2.png,70", "meadow.jpg,5"]
    options = PrepareOptions(size=32, val=0.3, test=0, workers=1)
    prepare(csv(photos, rows), photos, tmp_path / "out", options)
    before = content(tmp_path / "out")
    next((tmp_path / "out" / ".progress").glob("*.json")).unlink()
    prepare(csv(photos, rows[::-1]), photos, tmp_path / "out", options)  # goes on
    assert content(tmp_path / "out") == before


def test_subjects_stay_whole_where_some_splits_are_given(photos, tmp_path, no_faces):
    rows = ["face0.png,10,test,a", "face1.png,40,,a", "face2.png,70,train,b"]
    source = csv(photos, rows, "path,label,split,subject")
    options = PrepareOptions(size=32, val=0, test=0, workers=1)
    prepare(source, photos, tmp_path / "out", options)
    test = PreparedData(tmp_path / "out").rows("test")
    assert sorted(test["path"]) == ["face0.png", "face1.png"]


def test_lines_after_blank_lines_and_paths_like_na(photos, tmp_path, no_faces):
    (photos / "face0.png").rename(photos / "NA")
    source = csv(photos, ["NA,10", "", "face1.png,old"])
    options = PrepareOptions(size=32, val=0, test=0, workers=1)
    result = prepare(source, photos, tmp_path / "out", options)
    assert result.counts["train"] == 1
    assert [item.reason for item in result.skipped] == ["line 4: label is not a number: 'old'"]
    assert PreparedData(tmp_path / "out").rows("train")["path"].tolist() == ["NA"]
    assert source.read(photos).table.index.tolist() == [0]


def test_limit_spreads_over_the_data_set(photos, tmp_path):
    source = csv(photos, ["face0.png,10", "face1.png,40", "face2.png,70", "meadow.jpg,5"])
    options = PrepareOptions(size=32, val=0, test=0, workers=1, limit=2)
    prepare(source, photos, tmp_path / "out", options)
    names = set(pd.read_csv(tmp_path / "out" / "manifest.csv")["path"])
    assert names == {"face0.png", "face2.png"}
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["counts"]["train"] == 2
