"""`predict_age` and its like: one photo, lists, faults, models; the value worked out by hand."""

import io
import os
from collections import deque
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keras_dldl.errors import ConfigError, ModelFileError, NoFaceFound, UnreadableImage
from keras_dldl.faces import aligner
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import LabelGrid
from keras_dldl.models import FaceModel
from keras_dldl.predict import (
    Prediction,
    PredictOptions,
    Predictor,
    predict_age,
    predict_attractiveness,
)
from keras_dldl.runtime import opening
from keras_dldl.runtime.networks import KerasNetwork
from keras_dldl.saved_models import find_model
from tests.prediction_case import SIZE, FakeDetector, picture, random_model

BLANK = picture(0)


@pytest.fixture(scope="module")
def model():
    return random_model(alignment=Alignment(margin=0.4))


@pytest.fixture(scope="module")
def beauty():
    return random_model(LabelGrid.scut_fbp())


@pytest.fixture(scope="module")
def model_file(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return path


@pytest.fixture(autouse=True)
def detector(request, monkeypatch):
    """Put a fake in the place of the one detector that all calls share, but for slow tests."""
    if request.node.get_closest_marker("slow"):
        return None
    fake = FakeDetector()
    monkeypatch.setattr(
        aligner, "as_detector", lambda asked, _: fake if isinstance(asked, str) else asked
    )
    return fake


def by_hand(model, crop):
    """Return the value: mean of the expectations of a crop and of its mirror image."""
    views = np.stack([crop, crop[:, ::-1]]).astype(np.float32)
    distributions = np.asarray(model(views), np.float64)
    assert np.abs(distributions[0] - distributions[1]).max() > 1e-3  # else this shows nothing
    return np.mean(distributions @ model.grid.labels64)


def test_value_is_the_mean_of_image_and_mirror_image(model, detector):
    image = picture(1)
    (face,) = detector.detect([image])[0]
    p = predict_age(image, model)
    assert isinstance(p, Prediction)
    assert p.value == pytest.approx(
        by_hand(model, model.alignment.align(image, face.landmarks, SIZE))
    )
    assert p.box == face.box and p.score == pytest.approx(0.9)
    np.testing.assert_allclose(p.landmarks, face.landmarks, rtol=1e-6)
    assert p.distribution.shape == (101,) and p.unit == "years"


def test_several_faces(model):
    largest = predict_age(picture(3), model)
    everyone = predict_age(picture(3), model, all_faces=True)
    assert [p.box[0] for p in everyone] == [5.0, 35.0, 65.0]
    assert largest.box == everyone[1].box
    assert largest.value == pytest.approx(everyone[1].value, rel=1e-5)
    assert len({p.value for p in everyone}) == 3
    assert len(predict_age(picture(1), model, all_faces=True)) == 1


def test_an_aligned_crop(model, detector):
    crop = picture(0, width=SIZE, height=SIZE)
    p = predict_age(crop, model, detect=False)
    assert p.value == pytest.approx(by_hand(model, crop))
    assert p.box is None and p.landmarks is None and p.score is None
    assert detector.calls == []
    large = Image.fromarray(crop).resize((SIZE * 2, SIZE * 2), 0)
    assert predict_age(large, model, detect=False).box is None
    (only,) = predict_age(crop, model, detect=False, all_faces=True)
    assert only.value == p.value


def test_every_source(model, tmp_path):
    image = picture(1)
    path = tmp_path / "ein Bild ü.png"
    Image.fromarray(image).save(path)
    content = path.read_bytes()
    sources = [path, str(path), content, io.BytesIO(content), Image.fromarray(image), image]
    values = [predict_age(source, model).value for source in sources]
    assert len(set(values)) == 1
    assert predict_age(path, model).name == str(path)


def test_one_image_raises_unless_told_not_to(model):
    for all_faces in (False, True):
        with pytest.raises(NoFaceFound, match="no face.*detect=False.*--no-detect"):
            predict_age(BLANK, model, all_faces=all_faces)
    with pytest.raises(UnreadableImage, match="nope.jpg: the file does not exist"):
        predict_age("nope.jpg", model)
    error = predict_age(BLANK, model, on_error="return")
    assert isinstance(error, NoFaceFound) and isinstance(error, ValueError)


def test_to_search_no_face_is_offered_for_what_looks_like_a_crop_alone(model, monkeypatch):
    told = {}
    for score in (0.9, 0.1, None):  # of the last of MTCNN's networks; None: it is not installed
        monkeypatch.setattr("keras_dldl.faces.aligner.score_of_crop", lambda crop, of=score: of)
        told[score] = str(predict_age(BLANK, model, on_error="return"))
    assert told[0.9] == told[None] and "crop already, pass detect=False" in told[0.9]
    assert "for aligned face crops, which this does not look like" in told[0.1]


def test_a_list_has_the_error_in_its_place(model, tmp_path):
    path = tmp_path / "blank.png"
    Image.fromarray(BLANK).save(path)
    given = [picture(1, 1), "nope.jpg", picture(2, 2), path, np.zeros((4, 4)), picture(1, 3)]
    found = predict_age(given, model)
    kinds = [Prediction, UnreadableImage, Prediction, NoFaceFound, UnreadableImage, Prediction]
    assert [type(result) for result in found] == kinds
    for i in (0, 2, 5):
        assert found[i].value == pytest.approx(predict_age(given[i], model).value, rel=1e-5)
    assert str(found[3]).startswith(f"{path}: ") and "120 x 60" in str(found[3])
    assert str(found[4]).startswith("image 5 <array 4x4>: ")


def test_a_list_can_raise(model):
    with pytest.raises(UnreadableImage, match="nope"):
        predict_age([picture(1), "nope.jpg"], model, on_error="raise")
    (one,) = predict_age([picture(1)], model, on_error="raise")
    assert isinstance(one, Prediction)


def test_lists_of_all_faces_tuples_iterators_and_none(model):
    found = predict_age([picture(2), BLANK, picture(3)], model, all_faces=True)
    assert [len(r) if isinstance(r, list) else type(r) for r in found] == [2, NoFaceFound, 3]
    assert len(predict_age((picture(1), picture(1)), model)) == 2
    assert len(predict_age((picture(1) for _ in range(3)), model)) == 3
    assert predict_age([], model) == []


def test_columns_and_arrays_of_paths(model, tmp_path):
    paths = [os.fspath(tmp_path / f"{count}.png") for count in (1, 2)]
    for count, path in enumerate(paths, 1):
        Image.fromarray(picture(count)).save(path)
    table = pd.DataFrame({"path": paths}, index=[7, 3])
    for several in (table["path"], pd.Index(paths), np.array(paths), deque(paths),
                    np.array([Path(path) for path in paths]), np.array(paths).astype("S"),
                    table, table.to_numpy(), dict.fromkeys(paths).keys(), map(Path, paths),
                    {1: paths[0], 2: paths[1]}.values(),
                    sorted(tmp_path.glob("*.png"))):  # fmt: skip
        found = predict_age(several, model, all_faces=True)
        assert [len(faces) for faces in found] == [1, 2]
    missing = predict_age(pd.Series([paths[0], None]), model)
    assert isinstance(missing[0], Prediction) and isinstance(missing[1], UnreadableImage)
    assert len(predict_age(tmp_path.rglob("*.png"), model)) == 2
    for one, received in [
        (
            table.assign(label=3),
            r'Give the .*table\["path"\].*DataFrame with columns path, label',
        ),
        (np.array([paths]), "shape"),
        (np.array([1, 2, 3]), "shape"),
        (set(paths), "a set does not tell .* Give a list.*Received: 2 entries"),
        (dict.fromkeys(paths), "a dict does not tell .*Received: 2 entries"),
        (7, "Received: type int"),
    ]:
        with pytest.raises(UnreadableImage, match=received):
            predict_age(one, model)


def test_batches_are_bounded_and_read_as_results_are_taken(model, detector, monkeypatch):
    read = []

    def images():
        for i in range(10):
            read.append(i)
            yield picture(1, i)

    results = Predictor(model).predict(images(), PredictOptions(batch_size=4))
    assert read == []
    first = next(results)
    assert len(read) == 4
    values = [first.value, *[p.value for p in results]]
    assert detector.calls == [4, 4, 2]

    monkeypatch.setattr("keras_dldl.predict.predictor.GROUP_PIXELS", 3 * 120 * 60)
    detector.calls.clear()
    assert [p.value for p in predict_age(list(picture(1, i) for i in range(10)), model)] == (
        pytest.approx(values, rel=1e-5)
    )
    assert detector.calls == [3, 3, 3, 1]


def test_one_image_over_the_group_limit_goes_alone(model, detector, monkeypatch):
    monkeypatch.setattr("keras_dldl.predict.predictor.GROUP_PIXELS", 10)
    assert len(predict_age([picture(1), picture(1)], model)) == 2
    assert detector.calls == [1, 1]


def test_attractiveness(beauty):
    p = predict_attractiveness(picture(1), beauty)
    assert 1 <= p <= 5 and p.unit == "points" and p.distribution.shape == (41,)


def test_the_task_of_the_model_is_checked(model, beauty):
    with pytest.raises(ConfigError, match="estimates age is needed.*predict_attractiveness"):
        predict_age(picture(1), beauty)
    with pytest.raises(ConfigError, match="estimates attractiveness is needed.*predict_age"):
        predict_attractiveness(picture(1), model)
    assert Predictor(beauty).network.face_model() is beauty


def test_a_task_without_a_shipped_model_wants_one():
    with pytest.raises(ConfigError, match="No model for height ships.*model="):
        Predictor(None, "height")


@pytest.fixture
def nothing_kept():
    opening.kept_network.cache_clear()
    yield
    opening.kept_network.cache_clear()


def test_the_defaults_are_the_shipped_models(nothing_kept, monkeypatch, model, beauty):
    models = {"tiny-age": model, "tiny-attractiveness": beauty}
    shipped = {find_model(name): KerasNetwork(one) for name, one in models.items()}
    monkeypatch.setattr(opening, "open_file", lambda path, engine: shipped[path])
    assert predict_age(picture(1)) == predict_age(picture(1), model)
    assert predict_attractiveness(picture(1)) == predict_attractiveness(picture(1), beauty)


@pytest.fixture
def loads(nothing_kept, monkeypatch):
    """Return the list of paths that models are loaded from."""
    from keras_dldl.models import loading

    paths, load = [], loading.load_model
    monkeypatch.setattr(loading, "load_model", lambda path: paths.append(path) or load(path))
    return paths


def test_a_model_file_is_loaded_once_and_again_when_it_changes(model, model_file, loads):
    value = predict_age(picture(1), model).value
    for name in (model_file, str(model_file), model_file.parent):  # a file, or its run folder
        assert predict_age(picture(1), name).value == pytest.approx(value, rel=1e-5)
    assert len(loads) == 1
    os.utime(model_file, (1, 1))
    predict_age(picture(1), model_file)
    assert len(loads) == 2


def test_only_the_models_used_last_are_kept(nothing_kept, tmp_path, monkeypatch):
    loads, network = [], Predictor(random_model()).network
    monkeypatch.setattr(opening, "open_file", lambda path, _: loads.append(path.name) or network)
    for name in "abcde":
        (tmp_path / name).with_suffix(".keras").touch()
    for name in "abcdaeab":  # four are kept
        opening.open_network(tmp_path / f"{name}.keras")
    assert [name[0] for name in loads] == list("abcdeb")


def test_what_is_no_model(tmp_path):
    with pytest.raises(ModelFileError, match="nope"):
        predict_age(picture(1), "nope.keras")
    (tmp_path / "text.keras").write_text("no")
    with pytest.raises(ModelFileError, match="text.keras"):
        predict_age(picture(1), tmp_path / "text.keras")
    with pytest.raises(ConfigError, match="`model` must be.*Received: type int"):
        predict_age(picture(1), 7)


def test_a_model_that_gives_nan_is_told(tmp_path):
    broken = random_model()
    head = broken.get_layer("logits")
    head.set_weights([w * np.nan for w in head.get_weights()])
    assert isinstance(broken, FaceModel)
    with pytest.raises(ModelFileError, match="weights are damaged"):
        predict_age([picture(1)], broken)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_error": "ignore"}, "on_error"),
        ({"on_error": ""}, "on_error"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"batch_size": float("inf")}, "batch_size"),
        ({"max_pixels": -1}, "max_pixels"),
    ],
)
def test_arguments_out_of_range(model, options, message):
    with pytest.raises(ConfigError, match=f"`{message}`.*Received"):
        predict_age([picture(1)], model, **options)


def test_the_pixel_limit_is_passed_on(model):
    with pytest.raises(UnreadableImage, match="7,200 pixels"):
        predict_age(picture(1), model, max_pixels=7199)
    assert predict_age(picture(1), model, max_pixels=7200) > 0


@pytest.mark.slow
def test_a_real_photo_with_the_real_detector(model):
    from skimage.data import astronaut

    photo = astronaut()
    p = predict_age(photo, model)
    x, y, width, height = p.box
    assert 160 < x < 200 and 50 < y < 90 and 70 < width < 100 and 90 < height < 130
    assert p.score > 0.9 and p.landmarks.shape == (5, 2)
    # The photo turned by its EXIF note alone is the same photo: same face, same pixels of it.
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 8  # "turn left to be upright"
    Image.fromarray(np.ascontiguousarray(np.rot90(photo, -1))).save(stream, "PNG", exif=exif)
    assert predict_age(stream.getvalue(), model).value == pytest.approx(p.value, rel=1e-5)
    two = predict_age(np.concatenate([photo, photo], axis=1), model, all_faces=True)
    assert len(two) == 2 and two[1].box[0] - two[0].box[0] == pytest.approx(512, abs=8)
