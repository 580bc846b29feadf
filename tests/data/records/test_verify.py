"""What `records` tells: damage, faces that are not where the index says, and what is there."""

import json

import pandas as pd
import pytest

from keras_dldl.data.records.verify import describe, verify
from keras_dldl.errors import DataError
from tests.data.records.sharded import write_shards

SECOND = "00001-of-00003.tfrecord"


@pytest.fixture
def folder(tmp_path):
    return write_shards(tmp_path / "data", train=(3, 2), val=(2,))


def test_a_whole_folder(folder):
    result = verify(folder).as_json()
    assert result["bad"] == []
    sizes = [path.stat().st_size for path in (folder / "faces").glob("*.tfrecord")]
    assert (result["shards"], result["records"], result["bytes"]) == (3, 7, sum(sizes))


def test_damage_is_named(folder):
    (folder / "faces" / SECOND).unlink()
    (bad,) = verify(folder).as_json()["bad"]
    assert (bad["shard"], bad["state"], bad["found"]) == (SECOND, "missing", "no such file")


def test_faces_that_are_not_where_the_index_says(folder):
    table = pd.read_csv(folder / "faces" / "index.csv")
    table.loc[4, "offset"] += 1  # the second face of the second shard
    table.to_csv(folder / "faces" / "index.csv", index=False)
    (bad,) = verify(folder).as_json()["bad"]
    assert (bad["shard"], bad["state"]) == (SECOND, "other records")
    place = f"{table['bytes'][4]:,} bytes at {table['offset'][4]:,}"
    assert bad["expected"] == f"train/1-1.jpg, {place}"
    assert bad["found"] == "no such record there"


def test_what_a_folder_holds(folder):
    facts = describe(folder)
    table = pd.read_csv(folder / "faces" / "index.csv")
    assert facts["splits"]["train"] == {"faces": 5, "bytes": table["bytes"][:5].sum()}
    assert facts["splits"]["test"] == {"faces": 0, "bytes": 0}
    assert facts["size"] == 32 and facts["grid"]["stop"] == 100 and facts["faces"] == "."
    files = list((folder / "faces").glob("*.tfrecord"))
    assert facts["bytes"] == sum(path.stat().st_size for path in files) and facts["shards"] == 3
    json.dumps(facts, allow_nan=False)


@pytest.mark.parametrize("version", [1, 2, 4, None])
def test_another_format_is_refused_with_the_command_that_writes_it_again(folder, version):
    index = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**index, "format": version}))
    wanted = "of format 3; .*`keras-dldl prepare synthetic --root . --out NEW`.* of format"
    with pytest.raises(DataError, match=f"{wanted} {version}"):
        describe(folder)


@pytest.mark.parametrize("text", ["[]", "3", "not JSON"])
def test_a_foreign_index(folder, text):
    (folder / "dataset.json").write_text(text)
    with pytest.raises(DataError, match=r"not prepared data|of format None"):
        describe(folder)
