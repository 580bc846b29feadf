"""Photos: faces, values and maps are those of `predict` and `attention_map`."""

import numpy as np
import pytest

from keras_dldl.errors import NoFaceFound
from keras_dldl.explain import PhotoExplainer, attention_map, resize_map
from keras_dldl.predict import PredictOptions, Predictor
from tests.prediction_case import FakeDetector, picture, random_model


@pytest.fixture(scope="module")
def explainer():
    return PhotoExplainer(random_model(), FakeDetector())


@pytest.mark.parametrize("all_faces", [False, True])
def test_faces_and_values_are_those_of_predict(explainer, all_faces):
    photo = picture(3)
    found = explainer.explain(photo, all_faces=all_faces)
    predictor = Predictor(explainer.model, detector=FakeDetector())
    expected = next(predictor.predict([photo], PredictOptions(all_faces=all_faces)))
    expected = expected if all_faces else [expected]
    assert [face.prediction.value for face in found] == pytest.approx([float(p) for p in expected])
    assert [face.prediction.box for face in found] == [p.box for p in expected]


def test_the_map_is_that_of_the_aligned_face(explainer):
    face = explainer.explain(picture(0), detect=False)[0]
    assert face.face.shape == (32, 32, 3) and face.prediction.box is None
    maps = (attention_map(explainer.model, one[None])[0] for one in (face.face, face.face[:, ::-1]))
    expected = resize_map((next(maps) + next(maps)[:, ::-1]) / 2, 32, 32)
    np.testing.assert_allclose(face.attention, expected, atol=1e-6)


def test_no_face(explainer):
    with pytest.raises(NoFaceFound, match="--no-detect.*Received: a picture of 120 x 60"):
        explainer.explain(picture(0))
