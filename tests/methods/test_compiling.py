"""`FaceModel.compile()` and `fit()`: by the method's own loss, on labels of the grid."""

import keras
import numpy as np
import pytest

from keras_dldl.errors import ConfigError, DataError
from keras_dldl.labels import LabelGrid
from keras_dldl.losses import ExpectationLoss, LabelDistributionLoss, RankingLoss
from keras_dldl.methods import METHODS, Method
from keras_dldl.metrics import CumulativeScore, ExpectationMAE
from keras_dldl.models import FaceModel

AGE = LabelGrid.age()
LABELS = np.array([3.0, 21.5, 40.0, 77.0, 100.0], "float32")


def faces():
    return np.random.default_rng(0).uniform(0, 255, (5, 32, 32, 3)).astype("float32")


def made(backbone, method="dldl-v2", **kwargs):
    keras.utils.set_random_seed(4)
    return FaceModel(backbone, AGE, method, 32, **kwargs)


@pytest.mark.parametrize("name", METHODS)
def test_compile_alone_trains_raw_outputs_by_the_method_s_loss(mini_backbone, name):
    model, other = made(mini_backbone, name), made(mini_backbone, name)
    # Without XLA, which takes longer to compile than all the rest.
    model.compile(keras.optimizers.SGD(1e-4), jit_compile=False)
    raw = other.training_model()
    raw.compile(keras.optimizers.SGD(1e-4), other.method.loss(AGE), jit_compile=False)
    seen = [m.fit(faces(), LABELS, batch_size=5, verbose=0).history["loss"] for m in (model, raw)]
    np.testing.assert_allclose(*seen, rtol=1e-5)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)

    found = model.evaluate(faces(), LABELS, batch_size=3, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(raw.evaluate(faces(), LABELS, 3, verbose=0), rel=1e-5)
    p = model.predict(faces(), verbose=0)
    assert p.shape == (5, 101)
    errors = np.abs(AGE.decode(p, model.method.decoder) - LABELS)
    assert found["mae"] == pytest.approx(errors.mean(), rel=1e-4)


def test_probabilities_and_raw_outputs_give_one_loss(mini_backbone):
    losses = []
    for from_logits in (False, True):
        model = made(mini_backbone)
        loss = LabelDistributionLoss(AGE, sigma=3.0, from_logits=from_logits)
        model.compile(loss=loss, metrics=[ExpectationMAE(AGE), CumulativeScore(AGE, 5)])
        losses.append(model.evaluate(faces(), LABELS, verbose=0))
    np.testing.assert_allclose(*losses, rtol=1e-5)
    p = np.asarray(model(faces()), "float64")
    assert losses[0][1] == pytest.approx(np.abs(p @ AGE.labels64 - LABELS).mean(), rel=1e-5)


def test_a_loss_of_one_s_own_gets_labels_and_probabilities(mini_backbone):
    def squared_error(y_true, y_pred):
        years = keras.ops.sum(y_pred * keras.ops.arange(101, dtype="float32"), axis=-1)
        return keras.ops.square(years - keras.ops.reshape(y_true, (-1,)))

    model = made(mini_backbone)
    model.compile(loss=squared_error)
    p = np.asarray(model(faces()), "float64")
    expected = np.mean((p @ np.arange(101) - LABELS) ** 2)
    assert model.evaluate(faces(), LABELS, verbose=0)[0] == pytest.approx(expected, rel=1e-4)


class OneHot(Method):
    def loss(self, grid):
        return keras.losses.CategoricalCrossentropy(from_logits=True)


def test_a_method_of_one_s_own_brings_its_loss(mini_backbone):
    model = made(mini_backbone, OneHot())
    model.compile(metrics=[], jit_compile=False)
    targets = np.eye(101, dtype="float32")[[3, 21, 40, 77, 100]]
    p = np.asarray(model(faces()), "float64")
    found = model.evaluate(faces(), targets, verbose=0)
    assert found == pytest.approx(-np.log((p * targets).sum(axis=1)).mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("method", "loss", "received"),
    [
        ("coral", LabelDistributionLoss(AGE), "LabelDistributionLoss over .*, from_logits=False"),
        ("coral", RankingLoss(AGE), "RankingLoss over .*, from_logits=False"),
        ("mr-l1", "mse", "'mse'"),
        ("dldl-v2", ExpectationLoss(AGE), "ExpectationLoss over"),
        (
            "dldl-v2",
            LabelDistributionLoss(LabelGrid(0, 50)),
            "LabelDistributionLoss over .*stop=50",
        ),
        ("dldl-v2", LabelDistributionLoss(LabelGrid(0, 10, 0.1)), ".* over .*stop=10.0, step=0.1"),
        ("dldl-v2", keras.losses.MeanSquaredError(), "MeanSquaredError"),
        ("dldl-v2", keras.losses.mean_squared_error, "<function mean_squared_error"),
        ("dldl-v2", ["mse"], r"\['mse'\]"),
    ],
)
def test_a_loss_that_does_not_fit_is_refused(mini_backbone, method, loss, received):
    wanted = type(made(mini_backbone, method).method.loss(AGE)).__name__
    with pytest.raises(ConfigError, match=f"must be {wanted} over .*Received: loss={received}"):
        made(mini_backbone, method).compile(loss=loss)


@pytest.mark.parametrize("where", ["metrics", "weighted_metrics"])
@pytest.mark.parametrize(
    "metric", [ExpectationMAE(AGE, from_logits=True), ExpectationMAE(LabelGrid(0, 100, 50))]
)
def test_a_metric_that_does_not_fit_is_refused(mini_backbone, where, metric):
    with pytest.raises(ConfigError, match="gets probabilities.*Received: ExpectationMAE over"):
        made(mini_backbone).compile(**{where: ["mae", [metric]]})


class Batches(keras.utils.PyDataset):
    def __init__(self, labels):
        super().__init__()
        self.labels = labels

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return faces(), self.labels


def generator(labels):
    for _ in range(2):
        yield faces(), labels


def dataset(labels):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((faces(), labels)).batch(5)


@pytest.mark.parametrize("made_of", [Batches, generator, dataset, lambda y: (faces(), y)])
@pytest.mark.parametrize(
    ("labels", "received"),
    [
        (np.where(LABELS == 40, 130, LABELS), "130 in row 2, and 1 such in 5 rows"),
        (np.stack([LABELS - 4, LABELS - 200], axis=1), "-1 in row 0, and 1 such in 5"),
        (np.full(5, np.nan, "float32"), "nan in row 0, and 5 such"),
    ],
)
def test_labels_off_the_grid_are_named_before_the_first_step(
    mini_backbone, made_of, labels, received
):
    model = made(mini_backbone)
    model.compile(jit_compile=False)
    before = model.get_weights()
    data = made_of(labels)
    with pytest.raises(DataError, match=f"0 to 100 years. Received: {received}"):
        model.fit(*(data if isinstance(data, tuple) else (data,)), verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_labels_off_the_grid_in_a_batch_and_in_a_mixture(mini_backbone):
    model = made(mini_backbone)
    model.compile(jit_compile=False)
    mixed = np.tile(np.float32([[20, -1, 40, -1, 0.7]]), (5, 1))
    assert np.isfinite(model.train_on_batch(faces(), mixed)).all()
    mixed[3, 2] = 101
    with pytest.raises(DataError, match="Received: 101 in row 3"):
        model.train_on_batch(faces(), mixed)


def test_no_batch_of_a_generator_is_lost(mini_backbone):
    model = made(mini_backbone)
    model.compile(jit_compile=False)
    steps = []
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: steps.append(step))
    model.fit(generator(LABELS), steps_per_epoch=2, shuffle=False, verbose=0, callbacks=[count])
    assert steps == [0, 1]


def test_a_compiled_model_is_trained_on_from_its_file(mini_backbone, tmp_path):
    model = made(mini_backbone, "coral")
    model.compile(jit_compile=False)
    model.fit(faces(), LABELS, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.loss.get_config() == model.loss.get_config()
    assert int(again.optimizer.iterations) == 1
    expected = model.evaluate(faces(), LABELS, verbose=0)
    assert again.evaluate(faces(), LABELS, verbose=0) == pytest.approx(expected, rel=1e-6)
    for each in (model, again):
        each.fit(faces(), LABELS, verbose=0, shuffle=False)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_file_compiled_with_a_loss_that_does_not_fit_is_loaded_all_the_same(
    mini_backbone, tmp_path, monkeypatch
):
    model = made(mini_backbone, "coral")
    keras.Model.compile(model, "sgd", LabelDistributionLoss(AGE))  # as was possible once
    model.save(tmp_path / "model.keras")
    with pytest.warns(UserWarning, match="not compiled: The loss does not fit"):
        again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(faces()), model(faces()), atol=1e-6)
