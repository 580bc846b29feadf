"""`prepare` on Beam's local runner: the same files as without it, and failures in plain words."""

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys

import pytest
from PIL import Image

from keras_dldl.data.prepare import PrepareOptions, prepare, shards
from keras_dldl.data.prepare import beam as module
from keras_dldl.data.prepare.beam import beam_runner, run_noted_job
from keras_dldl.data.sources import CsvSource, SyntheticSource
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.faces.aligner import FaceAligner
from tests.prepared_folders import content

needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None,
    reason="apache-beam is not installed: pip install 'keras-dldl[beam]'",
)
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(apache_beam|dill|httplib2)"),
    pytest.mark.filterwarnings("ignore::FutureWarning:apache_beam"),
]
OPTIONS = PrepareOptions(size=32, workers=1, on_missing="whole", val=0.2, test=0)


@pytest.fixture
def photos(tmp_path, no_faces, small_shards):
    """Twenty small pictures, in shards of six; no detector, every picture is taken whole."""
    small_shards(6)
    root = tmp_path / "photos"
    root.mkdir()
    rows = ["path,label,sigma"]
    for k in range(20):
        Image.new("RGB", (40, 40), (10 * k, 90, 90)).save(root / f"{k}.png")
        rows.append(f"{k}.png,{k + 0.1},{k if k % 2 else ''}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    return root


def source(root):
    return CsvSource(root / "labels.csv")


def a_job(photos, out):
    (photos / "text.jpg").write_text("no picture")
    paths = ("0.png", "text.jpg")
    return shards.ShardJob("00000-of-00001.tfrecord", paths, str(photos), str(out), OPTIONS)


@needs_beam
def test_the_same_files_as_without_it_and_damaged_ones_again(photos, tmp_path):
    out = tmp_path / "beam"
    prepare(source(photos), photos, tmp_path / "plain", OPTIONS)
    prepare(source(photos), photos, out, OPTIONS, beam_runner())
    plain = content(tmp_path / "plain")
    assert plain == content(out)
    first, second, *more = sorted((out / "faces").glob("*.tfrecord"))
    assert len(more) >= 2
    time = first.stat().st_mtime_ns
    second.write_bytes(b"")
    prepare(source(photos), photos, out, OPTIONS, beam_runner())
    assert content(out) == plain and first.stat().st_mtime_ns == time


@needs_beam
def test_a_failure_of_a_worker_is_told_in_its_own_words(photos, tmp_path):
    options = dataclasses.replace(OPTIONS, on_missing="fail")
    with pytest.raises(DataError, match=r"goes on from them\. Received: No face found, .*\.png$"):
        prepare(source(photos), photos, tmp_path / "out", options, beam_runner())


@needs_beam
def test_shards_that_the_calling_machine_does_not_see(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_TO_APPEAR", 0)
    monkeypatch.setattr(module, "run_job", lambda job: job.name)  # as if written elsewhere
    with pytest.raises(DataError, match=r"as one folder.*Received: [45] of [45] missing in .*out"):
        prepare(source(photos), photos, tmp_path / "out", OPTIONS, beam_runner())


@needs_beam
@pytest.mark.parametrize("option", ["--runner=FlinkRuner", "--direct_num_workers=two"])
def test_options_that_beam_refuses(option):
    with pytest.raises(ConfigError, match=f"pipeline options.*Received: {option}"):
        beam_runner([option])


@needs_beam
@pytest.mark.slow
def test_worker_processes_find_the_faces_that_processes_find(tmp_path):
    images = tmp_path / "images"
    SyntheticSource(count=24, image_size=96).read(images)
    command = [
        sys.executable, "-c",
        "import sys, keras_dldl.data.prepare.shards as m\n"
        "m.ROWS_PER_SHARD, m.cores = 8, lambda: 2  # one thread to a process\n"
        "from keras_dldl.cli.main import main\n"
        "if __name__ == '__main__': main(sys.argv[1:])",
        "prepare", "synthetic", "--count", "24", "--root", str(images), "--size", "48",
    ]  # fmt: skip
    beam = ["--runner", "beam"] + [
        f"--beam-option={option}"
        for option in ("--direct_num_workers=2", "--direct_running_mode=multi_processing")
    ]
    results = []
    for name, more in (("plain", ["--workers", "2"]), ("beam", beam)):
        out = tmp_path / name
        subprocess.run([*command, *more, "--out", str(out)], check=True, capture_output=True)
        results.append(content(out))
    assert results[0] == results[1]
    assert json.loads(results[0]["dataset.json"])["counts"]["train"] > 8


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam.options.pipeline_options", None)
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(ConfigError, match=r"pip install 'keras-dldl\[beam\]'"):
        beam_runner()


@pytest.mark.parametrize("given", [False, True])
def test_a_noted_job_is_the_job(photos, tmp_path, monkeypatch, given):
    job = a_job(photos, tmp_path / "out")
    if given:  # landmarks travel with it
        monkeypatch.setattr(shards, "_aligner", lambda *_: FaceAligner())
        points = (13.2, 15.1, 26.9, 14.8, 20.3, 22.4, 14.1, 29.7, 26.2, 30.0)
        job = dataclasses.replace(job, landmarks={"0.png": points})
    assert run_noted_job(module._write_note(job)) == job.name
    report = shards.read_report(job.report_path)
    faces = [(face["path"], face["face"]) for face in report.faces]
    assert faces == [("0.png", "given" if given else "whole")]
    assert [item.path for item in report.skipped] == ["text.jpg"]
    direct = dataclasses.replace(job, out=str(tmp_path / "direct"))
    shards.run_job(direct)
    assert direct.shard_path.read_bytes() == job.shard_path.read_bytes()


def test_a_worker_that_does_not_see_the_folders(photos, tmp_path):
    job = a_job(photos, tmp_path / "out")
    note = module._write_note(dataclasses.replace(job, root=str(tmp_path / "nowhere")))
    with pytest.raises(DataError, match=r"--root under the same path.*nowhere, which is not there"):
        run_noted_job(note)
    os.unlink(note)
    with pytest.raises(DataError, match="--out under the same path"):
        run_noted_job(note)
    assert not job.report_path.exists()
