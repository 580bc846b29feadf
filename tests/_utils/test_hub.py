"""Models on the hub: pushed to a server on this machine, and used from it by their name."""

import builtins
import json
import logging
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from keras_dldl import load_model, predict_age
from keras_dldl._utils import hub
from keras_dldl._utils.files import write_json
from keras_dldl.cli.main import cli
from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.evaluation import evaluate
from keras_dldl.saved_models import find_model
from tests.evaluation.given import tiny_model, write_prepared
from tests.hub_server import TOKEN
from tests.hub_server import hub as local_hub

constants = pytest.importorskip("huggingface_hub.constants")
# It announces what it will drop in its own next version.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:huggingface_hub")


def point_to(monkeypatch, address):
    """Do what HF_ENDPOINT does, which is read once."""
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def server(monkeypatch, tmp_path):
    """The hub, with a token and an empty cache."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no token"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.fetched.cache_clear()
    with local_hub() as server:
        point_to(monkeypatch, server.address)
        yield server


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run folder with the report of its model."""
    folder = tmp_path_factory.mktemp("runs") / "album"
    folder.mkdir()
    tiny_model().save(folder / "model.keras")
    write_prepared(folder.parent / "data", {"test": 6})
    write_json(folder / "metrics.json", evaluate(folder, folder.parent / "data").metrics)
    return folder


def run(*arguments):
    return CliRunner().invoke(cli, list(map(str, arguments)))


def test_what_is_pushed_can_be_used_by_its_name(server, run_folder):
    result = run("push", run_folder, "hf://user/album")
    assert result.exit_code == 0, result.output
    repository = server.repositories["user/album"]
    assert repository["private"]
    assert sorted(repository["files"]) == ["README.md", "metrics.json", "model.tflite"]
    _, front, card = repository["files"]["README.md"].decode().split("---\n", 2)
    assert "library_name: keras-dldl" in front and "- age-estimation\n" in front
    assert '"photo.jpg", model="hf://user/album"' in card and "**MAE " in card
    own, again = load_model(run_folder), load_model("hf://user/album")
    for ours, theirs in zip(own.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    face = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    found = predict_age(face, model="hf://user/album", detect=False)
    assert found == pytest.approx(predict_age(face, model=own, detect=False), abs=1e-3)
    asked = len(server.asked)
    find_model("hf://user/album")
    assert len(server.asked) == asked  # a process asks once
    assert run("card", "hf://user/album").exit_code == 0  # the figures are of the file beside them


def test_tags_name_what_the_model_estimates(server):
    assert run("push", "tiny-attractiveness", "hf://user/beauty").exit_code == 0
    _, front, _ = (
        server.repositories["user/beauty"]["files"]["README.md"].decode().split("---\n", 2)
    )
    assert "- attractiveness-estimation\n" in front and "age-estimation" not in front


def test_what_is_in_the_cache_needs_no_network(server, run_folder, monkeypatch):
    server.repositories["user/kept"] = {
        "private": False,
        "files": {"model.keras": (run_folder / "model.keras").read_bytes(), "big.bin": b"x"},
    }
    file = find_model("hf://user/kept")
    assert sorted(path.name for path in file.parent.iterdir()) == ["model.keras"]
    hub.fetched.cache_clear()
    point_to(monkeypatch, "http://127.0.0.1:9")
    assert find_model("hf://user/kept") == file


@pytest.mark.slow
def test_prediction_does_without_tensorflow(server, run_folder, tmp_path):
    assert run("push", run_folder, "hf://user/light", "--public").exit_code == 0
    code = (
        "import sys, numpy, keras_dldl; face = numpy.zeros((32, 32, 3), 'uint8');"
        "print(float(keras_dldl.predict_age(face, 'hf://user/light', detect=False)));"
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    environment = {
        "HF_ENDPOINT": server.address,
        "HF_HOME": str(tmp_path),
        "PYTHONPATH": ":".join(sys.path),
    }
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", ["hf://user", "hf://user/a/b", "hf://", "hf://user/name@"])
def test_names_that_are_none(name):
    with pytest.raises(ConfigError, match="is named hf://user/name, or .*Received: 'hf://"):
        find_model(name)


def test_repositories_that_cannot_be_used(server, monkeypatch):
    server.repositories["user/other"] = {"private": False, "files": {"README.md": b"x"}}
    server.repositories["user/secret"] = {"private": True, "files": {"model.keras": b"x"}}
    with pytest.raises(ModelFileError, match="must be a repository of this name.*hf://user/none"):
        find_model("hf://user/none")
    with pytest.raises(ModelFileError, match="must be one that `keras-dldl push` wrote.*without"):
        find_model("hf://user/other")
    with pytest.raises(ModelFileError, match="have the revision.*@nowhere"):
        find_model("hf://user/other@nowhere")
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(ModelFileError, match="Log in by `hf auth login`.*hf://user/secret"):
        find_model("hf://user/secret")
    point_to(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(ModelFileError, match="hub must be reachable.*Received: hf://user/far"):
        find_model("hf://user/far")


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        ((403, "GatedRepo"), "Ask for it on its page, http.*/user/kept. Log in.*status 403"),
        ((401, ""), "must be a repository of this name that you may read|token must allow"),
        (
            (403, ""),
            "Your token must allow this.*may read it. Received: hf://user/kept, status 403",
        ),
        ((429, ""), "it is asked too often. Try again later. Received: hf://user/kept, status 429"),
        ((500, ""), "it fails. Try again later. Received: hf://user/kept, status 500"),
    ],
)
def test_refused_files(server, refusal, said, monkeypatch, capfd):
    monkeypatch.setattr("time.sleep", lambda _: None)  # before it asks again
    server.repositories["user/kept"] = {"private": False, "files": {"model.keras": b"x"}}
    server.refusal = refusal
    for _ in range(2):  # the second time the cache knows of the repository, but has no file
        with pytest.raises((ModelFileError, ConfigError), match=said):
            find_model("hf://user/kept")
    assert "Fetching" not in capfd.readouterr().err  # no bars where there is no terminal


def test_its_messages_come_once(server, caplog, capfd):
    server.repositories["user/other"] = {"private": False, "files": {"README.md": b"x"}}
    with pytest.raises(ModelFileError, match="without"):
        find_model("hf://user/other")
    assert "No files matched" in caplog.text
    assert "No files matched" not in capfd.readouterr().err
    logger = logging.getLogger("huggingface_hub")
    assert [type(handler) for handler in logger.handlers] == [logging.StreamHandler]


def test_pushing_has_no_cache_to_speak_of(server, run_folder, monkeypatch):
    point_to(monkeypatch, "http://127.0.0.1:9")
    result = run("push", run_folder, "hf://user/album")
    assert result.exit_code == 1
    assert "The hub must be reachable. Try again with a connection. Received" in result.stderr


def test_pushing_needs_a_token_that_may(server, run_folder, monkeypatch):
    for token in (None, "hf_wrong"):
        monkeypatch.delenv("HF_TOKEN", raising=False)
        if token:
            monkeypatch.setenv("HF_TOKEN", token)
        result = run("push", run_folder, "hf://user/album")
        assert result.exit_code == 2 and "Log in by `hf auth login`" in result.stderr
    assert server.repositories == {}


def test_without_the_extra(monkeypatch):
    real = builtins.__import__

    def importing(name, *rest, **more):
        if name.startswith("huggingface_hub"):
            raise ImportError("No module named 'huggingface_hub'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", importing)
    hub.fetched.cache_clear()
    with pytest.raises(
        ConfigError, match=r'pip install "keras-dldl\[hub\]".*Received: hf://user/x'
    ):
        find_model("hf://user/x")


def test_the_cache_is_not_written_in_place(server):
    result = run("calibrate", "--model", "hf://user/x", "--data", "d", "--in-place")
    assert result.exit_code == 2 and "on the hub, stay" in result.stderr
    assert json.dumps(server.asked) == "[]"
