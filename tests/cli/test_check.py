"""`keras-dldl check`: files, table, JSON, exit statuses."""

import json

import pytest
from click.testing import CliRunner

from keras_dldl.cli.main import cli
from tests.data.leaks.pictures import copy_of, picture, write_prepared


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    place = tmp_path_factory.mktemp("data")
    rows = [
        {"path": f"{k}.jpg", "label": 30, "split": split}
        for k, split in enumerate(["train", "train", "test"])
    ]
    write_prepared(place / "clean", rows, [picture(k) for k in range(3)])
    images = [picture(0), picture(1), copy_of(picture(0), "all of it")]
    write_prepared(place / "leaking", rows, images)
    return place


def run(*arguments):
    return CliRunner().invoke(cli, ["check", *map(str, arguments)])


@pytest.mark.parametrize(
    ("name", "options", "status"),
    [
        ("leaking", (), 0),
        ("leaking", ("--fail-on-leaks",), 1),
        ("leaking", ("--fail-on-leaks", "--similarity", "0.9999"), 0),
        ("clean", ("--fail-on-leaks",), 0),
    ],
)
def test_table_files_and_exit_status(data, tmp_path, name, options, status):
    result = run(data / name, "--out", tmp_path / "out", *options)
    assert result.exit_code == status, result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "check.html",
        "check.json",
        "image_weights.csv",
    ]
    found = name == "leaking" and len(options) < 2
    assert ("1 face of train also in val or test" in result.stdout) == found
    assert ("No leaks" in result.stdout) == (not found)


def test_json_is_the_one_document_on_stdout(data, tmp_path):
    result = run(data / "leaking", "--out", tmp_path, "--json", "--show", 0)
    content = json.loads(result.stdout)
    assert content == json.loads((tmp_path / "check.json").read_text())
    assert content["pairs"][0]["kind"] == "mirrored" and content["settings"]["show"] == 0
    assert "<img" not in (tmp_path / "check.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "Missing argument"),
        (("clean", "--similarity", "2"), "at most 1"),
        (("clean", "clean"), "given once"),
    ],
)
def test_wrong_usage_is_status_2(data, tmp_path, arguments, reason):
    places = [data / item if item == "clean" else item for item in arguments]
    result = run(*places, "--out", tmp_path / "out")
    assert result.exit_code == 2 and reason in result.stderr


def test_a_folder_that_is_not_prepared_data_is_status_1(tmp_path):
    result = run(tmp_path, "--out", tmp_path / "out")
    assert result.exit_code == 1 and "not prepared data" in result.stderr
