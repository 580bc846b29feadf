"""What the page tells of a model: the report and the card beside its file."""

import json

from keras_dldl import saved_models
from keras_dldl.labels import LabelGrid
from keras_dldl.serving.registry import ModelTable, about_model
from tests.serving.conftest import client_of
from tests.serving.fakes import FakeNetwork


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


def test_the_list_of_models_tells_it():
    table = ModelTable()
    table.add("age", 1, FakeNetwork(), {"name": "mine"})
    table.add("beauty", 1, FakeNetwork(LabelGrid.scut_fbp()))
    with client_of(table) as client:
        age, beauty = client.get("/api/models").json()["models"]
    assert (age["about"], beauty["about"]) == ({"name": "mine"}, None)
    assert (age["name"], age["versions"], age["stop"]) == ("age", [1], 100)
    assert (beauty["task"], beauty["unit"], beauty["step"]) == ("attractiveness", "points", 0.1)


def test_the_api_describes_itself():
    with client_of({"age": FakeNetwork()}) as client:
        paths = client.get("/openapi.json").json()["paths"]
        assert {"/api/models", "/api/faces", "/api/attention", "/healthz"} <= set(paths)
        assert all(one["description"] for methods in paths.values() for one in methods.values())
        *_, level, distribution = paths["/api/faces"]["post"]["parameters"]
        assert (level["name"], level["schema"]["default"]) == ("level", 0.9)
        assert (distribution["name"], distribution["schema"]["default"]) == ("distribution", True)
        page = client.get("/docs")
        assert page.status_code == 200 and "The API" in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
