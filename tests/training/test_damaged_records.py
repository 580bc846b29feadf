"""Training on damaged records: refused, or without the damaged shards as if they had never been."""

import shutil

import pytest

from keras_dldl.errors import ConfigError, DataError
from keras_dldl.training import TrainConfig, train, trainer
from keras_dldl.training.run import Run
from keras_dldl.training.run_folder import save_checkpoint
from tests.prepared_folders import write_shards

SECOND = "00001-of-00004.tfrecord"
SMALL = {"model": "mini", "input_size": 32, "batch_size": 4, "epochs": 1}


@pytest.fixture
def folder(tmp_path):
    """9 training faces, 4 of them in the second of three shards."""
    return write_shards(tmp_path / "data", train=(3, 4, 2), val=(2,))


@pytest.fixture
def runs(monkeypatch):
    """Collect runs that end at once with their checkpoint, in place of training."""
    seen = []

    def end(self, checkpoint):
        seen.append(self)
        save_checkpoint(self.folder.checkpoint, [], self._progress())

    monkeypatch.setattr(Run, "execute", end)
    return seen


def cut(folder):
    path = folder / "faces" / SECOND
    path.write_bytes(path.read_bytes()[:-20])


def config_of(folder, **changes):
    return TrainConfig(data=[str(folder)], **{**SMALL, **changes})


def test_refused_before_anything_is_written(folder, tmp_path):
    cut(folder)
    with pytest.raises(
        DataError, match=f"--on-damaged-shard skip. Received: .*{SECOND}: cut short"
    ):
        train(config_of(folder), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def without_the_shard(folder):
    """Write data that never had the rows of the second shard."""
    write_shards(folder, train=(3, 4, 2), val=(2,))
    lines = (folder / "manifest.csv").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("train/1-")]
    (folder / "manifest.csv").write_text("\n".join(kept) + "\n")
    return folder


def test_a_skipped_shard_leaves_steps_and_fingerprint_of_data_without_it(folder, tmp_path, runs):
    cut(folder)
    train(config_of(folder, on_damaged_shard="skip"), tmp_path / "skipped")
    train(config_of(without_the_shard(tmp_path / "never")), tmp_path / "expected")
    skipped, expected = runs
    assert skipped.feed.steps_per_epoch == expected.feed.steps_per_epoch == 2  # 5 faces, 4 a step
    assert skipped.fingerprint == expected.fingerprint
    assert skipped.data.left_out == [f"data/{SECOND}"]
    assert skipped.data.rows("train").equals(expected.data.rows("train"))


def test_a_run_goes_on_with_the_rows_it_began_with(folder, tmp_path, runs):
    sound = tmp_path / "sound"
    shutil.copytree(folder, sound)
    cut(folder)
    out = tmp_path / "run"
    train(config_of(folder, on_damaged_shard="skip"), out)
    train(config_of(folder, on_damaged_shard="skip", epochs=2), out, resume=True)
    assert [run.config.epochs for run in runs] == [1, 2]
    with pytest.raises(ConfigError, match=rf"left out before: data/{SECOND}, now: none"):
        train(config_of(sound, epochs=3), out, resume=True)


def test_a_run_that_began_whole_does_not_go_on_without_a_shard(folder, tmp_path, runs):
    train(config_of(folder), tmp_path / "run")
    cut(folder)
    with pytest.raises(ConfigError, match=rf"left out before: none, now: data/{SECOND}"):
        train(config_of(folder, on_damaged_shard="skip", epochs=2), tmp_path / "run", resume=True)


def test_damage_during_training_names_the_shard(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_DLDL_CACHE_BYTES", "0")  # so that every epoch reads the files
    check = trainer.data_fingerprint

    def harm(data, splits, image_weights=None):  # after the check, before the first step
        content = bytearray((folder / "faces" / SECOND).read_bytes())
        content[200] ^= 1
        (folder / "faces" / SECOND).write_bytes(bytes(content))
        return check(data, splits)

    monkeypatch.setattr(trainer, "data_fingerprint", harm)
    with pytest.raises(DataError, match=f"{SECOND}: altered"):
        train(config_of(folder), tmp_path / "run")
