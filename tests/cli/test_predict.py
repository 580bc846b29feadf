"""`keras-dldl predict`: its lines, its JSON, its pictures, and its exit status."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

import keras_dldl
from keras_dldl.cli.main import cli
from keras_dldl.faces import aligner
from keras_dldl.labels import LabelGrid
from keras_dldl.predict import predict_age
from tests.prediction_case import FakeDetector, picture, random_model

FACE_KEYS = [
    "number",
    "value",
    "std",
    "interval",
    "level",
    "box",
    "landmarks",
    "roll",
    "score",
    "faces_found",
    "calibrated",
    "warnings",
]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return a folder with age.keras and beauty.keras."""
    folder = tmp_path_factory.mktemp("models")
    random_model().save(folder / "age.keras")
    random_model(LabelGrid.scut_fbp()).save(folder / "beauty.keras")
    return folder


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Work in a folder with photos; faces are found by a fake."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(aligner, "as_detector", lambda *_: FakeDetector())
    for name, faces in (("one.png", 1), ("three.png", 3), ("none.png", 0)):
        Image.fromarray(picture(faces)).save(name)
    return tmp_path


@pytest.fixture
def run(models):
    def run(*args, model="age.keras"):
        chosen = ["--model", str(models / model)] if model else []
        return CliRunner().invoke(cli, ["predict", *args, *chosen])

    return run


def test_a_line_a_face(run, models):
    result = run("one.png", "three.png")
    assert result.exit_code == 0 and result.stderr == ""
    lines = result.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == ["one.png"] + ["three.png"] * 3
    assert [line.split(":")[1] for line in lines[1:]] == [" face 1", " face 2", " face 3"]
    p = predict_age("one.png", models / "age.keras")
    low, high = p.interval(0.9)
    assert lines[0] == (
        f"one.png: {p:.1f} years, 90 % interval {low:.1f} ... {high:.1f}, box 5 10 20 20"
        "; warning: small"
    )


def test_a_new_line_in_a_name_begins_no_line(run, place):
    (place / "one\nnew.png").write_bytes((place / "one.png").read_bytes())
    (place / "bad\nnew.png").write_bytes(b"text")
    result = run("one\nnew.png", "bad\nnew.png")
    (line,) = result.stdout.splitlines()
    assert line.startswith("one new.png: ")
    assert "\nbad new.png: " in "\n" + result.stderr


def test_largest_level_and_no_detect(run, models):
    (line,) = run("three.png", "--largest", "--level", "0.5").stdout.splitlines()
    assert "50 % interval" in line
    assert line.endswith("box 35 10 25 25, the largest of 3 faces or more; warning: small")
    (line,) = run("three.png", "--no-detect").stdout.splitlines()
    p = predict_age("three.png", models / "age.keras", detect=False)
    assert line.startswith(f"three.png: {p:.1f} years") and "box" not in line


def test_json_is_the_list_of_the_contract(run, models):
    result = run("one.png", "none.png", "nope.jpg", "three.png", "--json", "--level", "0.8")
    assert result.exit_code == 1
    items = json.loads(result.stdout)
    keys = ["path", "error", "model", "task", "unit", "level", "faces"]
    assert [list(item) for item in items] == [keys] * 4
    assert (items[0]["model"], items[0]["unit"]) == (f"{models.name}/age.keras", "years")
    assert [item["path"] for item in items] == ["one.png", "none.png", "nope.jpg", "three.png"]
    assert [len(item["faces"]) for item in items] == [1, 0, 0, 3]
    assert items[0]["error"] is None and items[3]["error"] is None
    assert "no face was found" in items[1]["error"] and "--no-detect" in items[1]["error"]
    assert "does not exist" in items[2]["error"] and "\n" not in items[2]["error"]
    for face in items[0]["faces"] + items[3]["faces"]:
        assert list(face) == FACE_KEYS and face["level"] == 0.8
        low, high = face["interval"]
        assert (
            low < high and 0 <= face["value"] <= 100 and face["std"] > 0 and len(face["box"]) == 4
        )
    (everyone, _) = predict_age(["three.png", "none.png"], models / "age.keras", all_faces=True)
    values = [face["value"] for face in items[3]["faces"]]
    assert values == pytest.approx([p.value for p in everyone], rel=1e-5)
    assert [face["number"] for face in items[3]["faces"]] == [1, 2, 3]
    assert [p.number for p in everyone] == [1, 2, 3]
    assert "nope.jpg: the file does not exist" in result.stderr


def test_distributions_on_request(run, models):
    ((item),) = json.loads(run("one.png", "--json", "--distribution").stdout)
    plain = json.loads(run("one.png", "--json-lines").stdout)
    p = predict_age("one.png", models / "age.keras")
    assert item.pop("labels") == list(range(101))
    assert item["faces"][0].pop("distribution") == p.distribution.tolist()
    assert item == plain
    result = run("one.png", "--distribution")
    assert result.exit_code == 2 and "--distribution is for --json" in result.stderr


def test_json_of_a_crop_has_no_box(run):
    ((item),) = json.loads(run("one.png", "--json", "--no-detect").stdout)
    (face,) = item["faces"]
    assert face["box"] is None and face["score"] is None


def test_one_bad_image_does_not_lose_the_others(run, place):
    (place / "text.jpg").write_text("not a picture")
    (place / "folder").mkdir()
    result = run("nope.jpg", "one.png", "folder", "text.jpg", "none.png", "three.png")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 4
    reasons = [line.split(". ")[0] for line in result.stderr.splitlines()]
    assert reasons == [
        "nope.jpg: the file does not exist",
        "folder: this is a folder, and no picture was found in it",
        "text.jpg: this is not a picture in a format that can be read",
        "none.png: no face was found",
    ]
    assert "Traceback" not in result.output


def test_attractiveness_comes_from_the_model(run):
    result = run("one.png", model="beauty.keras")
    assert result.exit_code == 0 and " points, 90 % interval " in result.stdout
    assert run("one.png", "--task", "attractiveness", model="beauty.keras").exit_code == 0
    result = run("one.png", "--task", "age", model="beauty.keras")
    assert result.exit_code == 2 and "estimates age is needed" in result.stderr
    result = run("one.png", "--task", "attractiveness", model=None)
    assert result.exit_code == 0 and " points, 90 % interval " in result.stdout


def test_a_missing_model_is_one_line(run):
    result = run("one.png", model="nope.keras")
    assert result.exit_code == 1 and result.stdout == ""
    assert result.stderr.startswith("Error: ") and len(result.stderr.splitlines()) == 1


def test_max_pixels(run):
    result = run("one.png", "--max-pixels", "7199")
    assert result.exit_code == 1 and "7,200 pixels, over the limit of 7,199" in result.stderr
    assert run("one.png", "--max-pixels", "7200").exit_code == 0


def is_annotated(path, original):
    drawn, plain = np.asarray(Image.open(path)), np.asarray(Image.open(original))
    return drawn.shape == plain.shape and (drawn != plain).any()


def test_save_one(run, place):
    for name in ("result.png", "new folder/Ergebnis ü.png"):
        assert run("three.png", "--save", name).exit_code == 0
        assert is_annotated(place / name, place / "three.png")
    assert run("three.png", "--save", "result.JPG").exit_code == 0
    with Image.open(place / "result.JPG") as saved:
        assert saved.format == "JPEG"
    assert run("three.png", "--save", "folder/").exit_code == 0
    assert is_annotated(place / "folder" / "three-annotated.png", place / "three.png")


def test_save_several(run, place):
    (place / "deep").mkdir()
    Image.fromarray(picture(2)).save(place / "deep" / "one.jpg")
    result = run("one.png", "none.png", "deep/one.jpg", "--save", "out.d")
    assert result.exit_code == 1  # none.png
    assert sorted(path.name for path in (place / "out.d").iterdir()) == [
        "one-annotated-2.png",
        "one-annotated.png",
    ]
    assert is_annotated(place / "out.d" / "one-annotated-2.png", place / "deep" / "one.jpg")


def test_plot(run, place):
    for name in ("plot.png", "plot.svg", "plot.pdf"):
        assert run("three.png", "none.png", "--plot", name).exit_code == 1
        assert (place / name).stat().st_size > 3000
    assert run("none.png", "--plot", "empty.png").exit_code == 1
    assert not (place / "empty.png").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["one.png", "three.png", "--save", "a.png"], "folder for several images"),
        (["one.png", "--save", "a.txt"], "ends like a picture"),
        (["one.png", "--save", "a"], "ends like a picture"),
        (["one.png", "--save", "one.png"], "must not overwrite"),
        (["one.png", "--save", "./sub/../one.png"], "must not overwrite"),
        (["one.png", "--plot", "one.png"], "must not overwrite"),
        (["one.png", "--save", "a.png", "--plot", "a.png"], "must not overwrite"),
        (["one.png", "--plot", "a.txt"], "--plot must be a file that ends in"),
        (["one.png", "--plot", "a"], "--plot must be a file that ends in"),
        (["--plot", "one.png"], "Missing argument 'IMAGE...'. --plot takes the word after it"),
        (["--plot", "one.png", "three.png"], "--plot takes the word after it as its file, and"),
        (["--plot"], "Missing argument 'IMAGE...'."),
        (["one.png", "--level", "1"], "--level"),
        (["one.png", "--max-pixels", "0"], "--max-pixels"),
        (["one.png", "--task", "wisdom"], "--task"),
        ([], "IMAGE"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_done(run, args, message, place):
    before = sorted(place.iterdir())
    result = run(*args)
    assert result.exit_code == 2 and message in " ".join(result.stderr.split())
    assert result.stdout == "" and sorted(place.iterdir()) == before


def test_results_are_printed_even_where_the_picture_cannot_be_written(run, place):
    (place / "taken").write_text("a file, not a folder")
    result = run("one.png", "--json", "--save", "taken/a.png")
    assert result.exit_code == 1 and len(json.loads(result.stdout)[0]["faces"]) == 1
    assert result.stderr == "taken/a.png: Not a directory: taken\n"


def test_one_picture_that_cannot_be_written_does_not_lose_the_others(run, place):
    (place / "out" / "one-annotated.png").mkdir(parents=True)
    result = run("one.png", "three.png", "--save", "out", "--plot", "out/plot.png")
    assert result.exit_code == 1 and len(result.stdout.splitlines()) == 4
    failed, *done = result.stderr.splitlines()
    assert failed == "out/one-annotated.png: Is a directory"
    assert done == ["written out/three-annotated.png", "written out/plot.png"]
    assert is_annotated(place / "out" / "three-annotated.png", place / "three.png")
    assert (place / "out" / "plot.png").stat().st_size > 3000
    assert len(list((place / "out").iterdir())) == 3


def test_a_picture_that_its_format_does_not_hold_is_one_line(run, place):
    # WebP holds no side over 16383 pixels.
    Image.fromarray(picture(1, width=16400, height=30)).save("wide.png")
    result = run("wide.png", "--save", "wide.webp")
    assert result.exit_code == 1 and len(result.stdout.splitlines()) == 1
    assert len(result.stderr.splitlines()) == 1 and result.stderr.startswith("wide.webp: ")
    assert not (place / "wide.webp").exists()


def test_a_pipe_is_predicted_but_not_drawn(run, place):
    import os
    import threading

    os.mkfifo("pipe")
    content = (place / "one.png").read_bytes()
    writer = threading.Thread(target=lambda: (place / "pipe").write_bytes(content))
    writer.start()
    result = run("pipe", "three.png", "--save", "out")
    writer.join()
    assert result.exit_code == 1 and len(result.stdout.splitlines()) == 4
    assert result.stderr.startswith("out/pipe-annotated.png: Drawing reads a picture again")
    assert [path.name for path in (place / "out").iterdir()] == ["three-annotated.png"]


def test_long_names_are_cut_and_stay_apart(run, place):
    long = ["a" * 251 + ".png", "ü" * 125 + ".png", "ü" * 124 + "ab.png"]
    for name in long:
        Image.fromarray(picture(1)).save(name)
    assert run(*long, "--save", "out").exit_code == 0
    names = sorted(path.name for path in (place / "out").iterdir())
    assert names == sorted(
        ["a" * 235 + "-annotated.png", "ü" * 117 + "-annotated.png", "ü" * 117 + "-annotated-2.png"]
    )


@pytest.mark.parametrize(
    ("args", "name"),
    [
        (["one.png", "--plot"], "distribution.png"),
        (["--plot", "--largest", "one.png"], "distribution.png"),
        (["--plot", "out.png", "one.png"], "out.png"),
        (["one.png", "--plot", "out.png"], "out.png"),
        (["--plot=out.png", "one.png"], "out.png"),
    ],
)
def test_plot_with_and_without_a_file(run, place, args, name):
    for _ in range(2):  # a plot may be drawn again
        result = run(*args)
        assert result.exit_code == 0, result.stderr
        assert (place / name).stat().st_size > 3000


@pytest.mark.slow
def test_real_photo_in_a_process_of_its_own(models, place):
    from skimage.data import astronaut

    Image.fromarray(astronaut()).save("Frau Dr. Collins (1992) – 宇宙.png")
    command = [sys.executable, "-m", "keras_dldl.cli.main", "predict", "--json", "--model"]
    images = ["Frau Dr. Collins (1992) – 宇宙.png", "none.png"]
    root = Path(keras_dldl.__file__).parents[1]
    result = subprocess.run(
        [*command, str(models / "age.keras"), *images, "--save", "out"],
        capture_output=True, text=True, cwd=place, timeout=300,
        env={"PYTHONPATH": str(root), "PATH": "", "HOME": str(place)},
    )  # fmt: skip
    assert result.returncode == 1, result.stderr
    first, second = json.loads(result.stdout)
    assert first["path"] == images[0] and len(first["faces"]) == 1
    assert first["faces"][0]["score"] > 0.9 and second["faces"] == []
    assert [path.suffix for path in (place / "out").iterdir()] == [".png"]


def test_what_was_written_is_said_on_stderr(run):
    result = run("one.png", "--json", "--save", "a.png", "--plot", "b.svg")
    assert json.loads(result.stdout) and result.stderr.splitlines() == [
        "written a.png",
        "written b.svg",
    ]
    assert run("one.png", "three.png", "--save", "out").stderr == "written 2 pictures in out\n"
    assert "written" not in run("none.png", "--save", "c.png", "--plot", "d.png").stderr


def test_a_table_for_spreadsheets(run, place):
    (place / "müde, alt.png").write_bytes((place / "one.png").read_bytes())
    result = run("three.png", "none.png", "müde, alt.png", "--csv", "faces.csv", "--level", "0.5")
    assert result.exit_code == 1 and result.stderr.endswith("written faces.csv\n")
    assert (place / "faces.csv").read_bytes().startswith(b"\xef\xbb\xbfpath,number,value,")
    table = pd.read_csv("faces.csv", encoding="utf-8")
    assert table["path"].tolist() == ["three.png"] * 3 + ["none.png", "müde, alt.png"]
    told = json.loads(run("three.png", "--json", "--level", "0.5").stdout)[0]["faces"]
    for row, face in zip(table.to_dict("records"), told, strict=False):
        for key in ("number", "value", "std", "level", "roll", "score", "faces_found"):
            assert row[key] == pytest.approx(face[key], nan_ok=True) or face[key] is None
        assert [row["low"], row["high"]] == pytest.approx(face["interval"])
        assert [row[side] for side in ("x", "y", "width", "height")] == face["box"]
        assert row["warnings"].split() == [warning["code"] for warning in face["warnings"]]
    assert "no face" in table["error"][3] and table["value"].isna().tolist() == [0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("file", "message"),
    [("faces.txt", "ends in .csv"), ("one.csv", "must not overwrite an IMAGE")],
)
def test_tables_that_cannot_be_written(run, place, file, message):
    (place / "one.png").rename(place / "one.csv")
    result = run("one.csv", "--csv", file)
    assert result.exit_code == 2 and message in result.stderr
