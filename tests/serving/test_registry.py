"""Models to serve: names, versions, labels, and what they compute."""

import json
import shutil

import numpy as np
import pytest

from keras_dldl import saved_models
from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.explain import AttentionMaps
from keras_dldl.export import export_model
from keras_dldl.labels import LabelGrid
from keras_dldl.predict import predict_age
from keras_dldl.serving import load_models
from keras_dldl.serving.registry import about_model
from tests.prediction_case import SIZE, random_model
from tests.serving.conftest import client_of


@pytest.fixture(scope="module")
def model():
    return random_model(method="ranking-bce")


@pytest.fixture(scope="module")
def place(model, tmp_path_factory, monkeypatch_module):
    """Return a folder with age.keras, beauty.keras and served/{2,10,notes}."""
    folder = tmp_path_factory.mktemp("models")
    model.save(folder / "age.keras")
    random_model(LabelGrid.scut_fbp()).save(folder / "beauty.keras")
    export_model(model, "saved-model", folder / "served", version=2)
    shutil.copytree(folder / "served" / "2", folder / "served" / "10")
    (folder / "served" / "notes").mkdir()
    return folder


@pytest.fixture(scope="module")
def monkeypatch_module():
    """Export without the second process: what it writes is tested elsewhere."""
    from keras_dldl.export import exporter

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter.parity, "compare", lambda *arguments: None)
        yield


@pytest.fixture(scope="module")
def faces():
    return np.random.default_rng(3).integers(0, 256, (5, SIZE, SIZE, 3)).astype("float32")


def test_names_versions_and_labels(place):
    table = load_models(
        [f"{place}/age.keras", f"b={place}/beauty.keras", f"age={place}/served/2"],
        labels=["age/stable=1", "b/x=1"],
    )
    found = {name: sorted(versions) for name, versions in table.versions.items()}
    assert found == {"age": [1, 2], "b": [1]}
    assert table.latest("age").version == 2 and table.latest("nobody") is None
    assert table.labels == {"age": {"stable": 1}, "b": {"x": 1}}
    assert [one.network.card.grid.task for one in table.all()] == ["age", "age", "attractiveness"]


@pytest.mark.parametrize(("all_versions", "expected"), [(False, [10]), (True, [2, 10])])
def test_of_a_folder_of_versions_the_highest_is_taken_or_all(place, all_versions, expected):
    table = load_models([f"age={place}/served"], all_versions=all_versions)
    assert sorted(table.versions["age"]) == expected


@pytest.mark.parametrize(
    ("models", "labels", "error", "reason"),
    [
        (["nowhere"], [], ModelFileError, "nowhere"),
        (["a=nowhere"], [], ModelFileError, "'nowhere'"),
        (["a="], [], ConfigError, "NAME=PATH"),
        (["=b"], [], ConfigError, "NAME=PATH"),
        (["a b={place}/age.keras"], [], ConfigError, "'a b'"),
        (["{place}/age.keras"] * 2, [], ConfigError, "version 1 of age twice"),
        (["{place}/age.keras"], ["stable=1"], ConfigError, "NAME/LABEL=VERSION"),
        (["nowhere"], ["stable=1"], ConfigError, "NAME/LABEL=VERSION"),  # before a model is loaded
        (["{place}/age.keras"], ["age/stable=2"], ConfigError, "version 2 of age"),
        (["{place}/age.keras"], ["old/stable=1"], ConfigError, "of old"),
        (["{place}/empty"], [], ModelFileError, "empty"),
        (["{place}/foreign"], [], ModelFileError, "keras-dldl export"),
        (["{place}/other"], [], ModelFileError, "describe itself.*KeyError"),
    ],
)
def test_what_cannot_be_served(place, models, labels, error, reason):
    (place / "empty").mkdir(exist_ok=True)
    for name in ("foreign", "other"):
        (place / name / "assets.extra").mkdir(parents=True, exist_ok=True)
        (place / name / "saved_model.pb").touch()
    card = {"grid": {}, "input_size": 3}
    (place / "other" / "assets.extra" / "keras_dldl.json").write_text(json.dumps(card))
    with pytest.raises(error, match=reason):
        load_models([given.format(place=place) for given in models], labels)


def test_attention_maps_are_those_of_explain_or_refused(place, model, faces):
    served = load_models([f"{place}/age.keras", f"e={place}/served/2"])
    found = served.latest("age").maps.attention_with_mirror(faces)
    np.testing.assert_allclose(found, AttentionMaps(model).attention_with_mirror(faces), atol=1e-5)
    with pytest.raises(ConfigError, match="the .keras file of the model"):
        _ = served.latest("e").maps


def test_a_loaded_model_is_served_as_it_is(model, faces):
    with client_of({"age": model}) as client:
        body = {"signature_name": "images", "inputs": faces[:2].astype(int).tolist()}
        outputs = client.post("/v1/models/age:predict", json=body).json()["outputs"]
    expected = predict_age(list(faces[:2].astype("uint8")), model, detect=False)
    assert outputs["value"] == pytest.approx([float(one) for one in expected])
    assert outputs["std"] == pytest.approx([one.std for one in expected], rel=1e-4)
    np.testing.assert_allclose(
        outputs["distribution"], [e.distribution for e in expected], atol=1e-5
    )


def test_a_shipped_model_has_a_report_and_a_card():
    about = about_model("tiny-age")
    folder = saved_models.folder("tiny-age")
    metrics = json.loads((folder / "metrics.json").read_text())
    expected = ("tiny-age", metrics["mae"], metrics["n"])
    assert (about["name"], about["mae"], about["faces"]) == expected
    assert about["card"].startswith("# tiny-age")
    first, names = about["groups"][0], [group["name"] for group in about["groups"]]
    youngest = metrics["groups"]["decade"]["0-9"]
    assert first == {"name": "age 0-9", "faces": youngest["n"], "mae": youngest["mae"]}
    assert "gender female" in names and not [name for name in names if name.startswith("split")]


def test_a_damaged_report_is_no_report(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"")
    nothing = {"mae": None, "faces": None, "groups": [], "card": None}
    for text in (None, "{", "[1]"):
        if text:
            (tmp_path / "metrics.json").write_text(text)
        assert about_model(str(tmp_path)) == {"name": tmp_path.name, **nothing}
    assert about_model(str(tmp_path / "nowhere")) is None


def test_a_file_of_another_name_is_called_by_it(tmp_path):
    (tmp_path / "mine.tflite").write_bytes(b"")
    assert about_model(str(tmp_path / "mine.tflite"))["name"] == "mine"
