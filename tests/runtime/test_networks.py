"""Files of exports: what they say of themselves, and bad ones."""

import numpy as np
import pytest

from keras_dldl import saved_models
from keras_dldl.errors import ModelFileError
from keras_dldl.export import export_model
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import LabelGrid
from keras_dldl.models import load_model
from keras_dldl.runtime import ModelCard, open_network
from keras_dldl.runtime.card import read_litert_card
from keras_dldl.runtime.networks import KerasNetwork
from tests.prediction_case import random_model


@pytest.fixture(scope="module")
def model():
    return random_model(LabelGrid.scut_fbp(), method="ranking-bce", alignment=Alignment(0.4))


@pytest.fixture(scope="module")
def file(model, tmp_path_factory):
    return export_model(
        model, "litert", tmp_path_factory.mktemp("out") / "m.tflite", mirror=False
    ).path


def faces(count, size=32):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def test_one_file_is_enough(model, file):
    network, keras = open_network(file), KerasNetwork(model)
    fields = ("grid", "alignment", "input_size", "decoder", "method", "backbone", "calibration")
    for name in fields:
        assert getattr(network.card, name) == getattr(keras.card, name), name
    assert network.card.decoder == "median" and network.engine == "litert"
    found, wanted = network.views(faces(5), 2), keras.views(faces(5))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    mean = np.mean(wanted, axis=0, dtype=np.float64)
    np.testing.assert_allclose(network.distributions(faces(5)), mean, atol=1e-5)
    assert [view.shape for view in network.views(faces(0))] == [(0, 41)] * 2


def test_files_that_are_no_models(file, tmp_path):
    content, bad = file.read_bytes(), tmp_path / "bad.tflite"
    other_card = content.replace(b"keras_dldl.json", b"kerasxdldl.json")
    for spoilt in (content[:-500], b"", b"\0" * 1000 + content[1000:], other_card):
        bad.write_bytes(spoilt)
        with pytest.raises(ModelFileError, match="one that `keras-dldl export` wrote"):
            open_network(bad)


def test_cards_that_lack_something(file):
    card = read_litert_card(file.read_bytes())
    assert ModelCard.from_dict(card, "m").name == "tiny_age_net"
    for missing in ("grid", "decoder", "alignment", "input_size", "method"):
        part = {name: value for name, value in card.items() if name != missing}
        with pytest.raises(ModelFileError, match=f"describe itself.*m, KeyError: '{missing}'"):
            ModelCard.from_dict(part, "m")


@pytest.mark.parametrize("name", saved_models.names())
def test_a_shipped_file_is_the_same_model_for_litert_and_keras(name):
    model = load_model(name)
    network, keras = open_network(name, engine="litert"), KerasNetwork(model)
    card = network.card
    assert (card.grid, card.alignment) == (model.grid, model.alignment)
    assert (card.input_size, card.mirror_averaged) == (model.input_size, False)
    assert (network.name, network.engine) == (name, "litert")
    images = faces(4, model.input_size)
    for found, wanted in zip(network.views(images), keras.views(images), strict=True):
        values = [card.grid.decode(p, card.decoder) for p in (found, wanted)]
        np.testing.assert_allclose(*values, atol=1e-3)
