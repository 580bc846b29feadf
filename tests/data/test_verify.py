"""What `records` tells: damage, records that are not the manifest's rows, and what is there."""

import json

import pytest

from keras_dldl.data.verify import describe, verify
from keras_dldl.errors import DataError
from tests.data.sharded import write_shards

SECOND = "train-00001-of-00002.tfrecord"


@pytest.fixture
def folder(tmp_path):
    return write_shards(tmp_path / "data", train=(3, 2), val=(2,))


def edit(folder, change):
    """Change the lines of the manifest's rows."""
    header, *rows = (folder / "manifest.csv").read_text().splitlines()
    (folder / "manifest.csv").write_text("\n".join([header, *change(rows)]) + "\n")


def test_a_whole_folder(folder):
    result = verify(folder).as_json()
    assert result["bad"] == [] and result["checksums"]
    sizes = [path.stat().st_size for path in (folder / "records").iterdir()]
    assert (result["shards"], result["records"], result["bytes"]) == (3, 7, sum(sizes))


def test_damage_is_named(folder):
    (folder / "records" / SECOND).unlink()
    (bad,) = verify(folder).as_json()["bad"]
    assert (bad["shard"], bad["state"], bad["found"]) == (SECOND, "missing", "no such file")


@pytest.mark.parametrize(
    ("change", "expected", "found"),
    [
        (
            lambda rows: [rows[0].replace("0-0.jpg", "other.jpg"), *rows[1:]],
            "train/other.jpg with label",
            "train/0-0.jpg with label",
        ),
        (
            lambda rows: [*rows[:1], rows[1].split(",")[0] + ",101,train,found", *rows[2:]],
            "train/0-1.jpg with label 101",
            "as record 2",
        ),
        (lambda rows: [rows[1], rows[0], *rows[2:]], "train/0-1.jpg", "train/0-0.jpg"),
    ],
    ids=["other path", "other label", "other order"],
)
def test_records_that_are_not_the_rows(folder, change, expected, found):
    edit(folder, change)
    (bad,) = verify(folder).as_json()["bad"]
    assert (bad["shard"], bad["state"]) == ("train-00000-of-00002.tfrecord", "other rows")
    assert expected in bad["expected"] and found in bad["found"]


def test_a_record_without_row(folder):
    edit(folder, lambda rows: [row for row in rows if "1-1.jpg" not in row])
    (bad,) = verify(folder).as_json()["bad"]
    assert (bad["shard"], bad["expected"]) == (SECOND, "no row")
    assert bad["found"] == "record 2, train/1-1.jpg"


def test_a_row_without_record(folder):
    edit(folder, lambda rows: [*rows, "train/new.jpg,3,train,found"])
    (bad,) = verify(folder).as_json()["bad"]
    assert bad["shard"] == SECOND
    assert bad["expected"] == "the records of 1 more rows, the first train/new.jpg"


def test_what_a_folder_holds(folder):
    facts = describe(folder)
    assert facts["splits"]["train"]["faces"] == 5 and facts["splits"]["train"]["shards"] == 2
    assert facts["splits"]["test"] == {"faces": 0, "shards": 0, "records": 0, "bytes": 0}
    assert facts["size"] == 32 and facts["grid"]["stop"] == 100
    assert facts["bytes"] == sum(path.stat().st_size for path in (folder / "records").iterdir())
    json.dumps(facts, allow_nan=False)


def test_records_of_a_later_schema_are_refused(folder):
    index = json.loads((folder / "dataset.json").read_text())
    index["schema"]["version"] = 2
    (folder / "dataset.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match="schema 1; .* with records of schema 2"):
        describe(folder)


@pytest.mark.parametrize("text", ["[]", "3", "not JSON"])
def test_a_foreign_index(folder, text):
    (folder / "dataset.json").write_text(text)
    with pytest.raises(DataError, match=r"not prepared data|of format None"):
        describe(folder)
