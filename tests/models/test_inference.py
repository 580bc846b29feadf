"""Networks for many batches answer as the models they are made of."""

import numpy as np

from keras_dldl.labels import LabelGrid
from keras_dldl.models import build_model, fast_network
from keras_dldl.runtime.keras_network import KerasNetwork
from tests.models.given import shaken
from tests.models.test_folding import images

SIZE = 48


def test_a_fast_network_answers_as_its_model():
    model = shaken(build_model("nano-age-net", LabelGrid.age(), input_size=SIZE), seed=3)
    network, faces = KerasNetwork(model), images(SIZE)
    for count in (1, 3):  # any number of faces
        expected = network.views(faces[:count], batch_size=2)
        found = network.for_many().views(faces[:count], batch_size=2)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=2e-5)
    assert np.abs(found[0] - found[1]).max() > 1e-4  # the mirror image is another


def test_it_has_the_weights_of_when_it_was_made():
    model = shaken(build_model("nano-age-net", LabelGrid.age(), input_size=SIZE), seed=3)
    network, faces = fast_network(model), images(SIZE)
    before = np.asarray(model(faces, training=False))
    shaken(model, seed=4)
    assert np.abs(np.asarray(model(faces, training=False)) - before).max() > 1e-3
    np.testing.assert_allclose(network(faces, training=False), before, atol=2e-5)
