"""`keras-dldl sources`: every source says where it comes from, and nothing heavy is loaded."""

import json
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from keras_dldl.cli.main import cli
from keras_dldl.data.sources import SOURCES

ROOT = Path(__file__).parents[2]


def run(*args):
    result = CliRunner().invoke(cli, [*args])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_json_has_all_of_every_source():
    rows = json.loads(run("sources", "--json"))
    assert [row["name"] for row in rows] == list(SOURCES)
    for row in rows:
        unset = [key for key, value in row.items() if not value and key != "options"]
        assert unset == [], row["name"]
    (appa,) = [row for row in rows if row["name"] == "appa-real"]
    assert appa["options"] == ["--age"] and appa["task"] == "age"
    assert "Agustsson" in appa["about"]


def test_the_list_fits_a_terminal_and_starts_each_source_with_its_name():
    lines = run("sources").splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if not line.startswith(" ")] == list(SOURCES)


def test_the_help_of_prepare_names_every_source_on_a_few_lines():
    _, _, listed = run("prepare", "--help").partition("Sources (")
    lines = listed.splitlines()[1:]
    assert len(lines) <= 8 and max(map(len, lines)) <= 80
    words = {word.strip(",") for line in lines for word in line.split()}
    assert set(SOURCES) <= words


def test_the_names_of_all_options_are_options_of_prepare():
    options = run("prepare", "--help")
    for row in json.loads(run("sources", "--json")):
        assert [option for option in row["options"] if f"{option} " not in options] == []


def test_listing_loads_nothing_heavy():
    code = """
import sys
from keras_dldl.cli.main import cli
cli.main(["sources"], standalone_mode=False)
heavy = {"tensorflow", "keras", "pandas", "scipy", "skimage", "PIL", "mtcnn", "matplotlib"}
print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert result.stderr.splitlines()[-1] == "[]"
