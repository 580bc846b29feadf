"""Where numbers come from."""

import subprocess

import pytest

from keras_dldl.evaluation.provenance import commit, model_facts, versions
from keras_dldl.runtime.networks import KerasNetwork
from tests.evaluation.given import mini_model

pytestmark = pytest.mark.usefixtures("mini_backbone")


def git(folder, *arguments):
    name = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", "-C", str(folder), *name, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_checkout_is_told_by_its_commit(tmp_path):
    assert commit(tmp_path) is None
    git(tmp_path, "init")
    assert commit(tmp_path) is None, "no commit yet"
    (tmp_path / "a.txt").write_text("1")
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "-m", "x")
    head = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "new.txt").write_text("not followed")
    assert commit(tmp_path) == head
    (tmp_path / "a.txt").write_text("2")
    assert commit(tmp_path) == f"{head}-dirty"


def test_a_repository_around_the_folder_does_not_count(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "inside").mkdir()
    assert commit(tmp_path / "inside") is None


def test_versions_name_what_ran():
    import keras

    import keras_dldl

    found = versions()
    assert found["keras"] == keras.__version__
    assert found["backend"] == keras.backend.backend()
    assert found["keras_dldl"] == keras_dldl.__version__


def test_a_models_training_travels_with_it():
    model = mini_model()
    assert model_facts(KerasNetwork(model))["training"] is None
    model.card["training"] = {"data": ["utk"], "epoch": 3}
    assert model_facts(KerasNetwork(model))["training"]["epoch"] == 3
