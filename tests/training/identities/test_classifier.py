"""The sampled softmax: its numbers against NumPy, and what a step costs as people grow."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_dldl.losses import MarginSoftmax
from keras_dldl.training.identities.classifier import IdentityClassifier
from keras_dldl.training.identities.learner import CentreSampler

tf = pytest.importorskip("tensorflow", reason="trains with TensorFlow")
WIDTH = 5
RATE = 0.5


def embedder():
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(5)]
    )
    model.set_weights([np.random.default_rng(4).normal(size=w.shape) for w in model.get_weights()])
    return model


def classifier(classes, rows, optimizer, kind="softmax", margin=0.0, scale=1.0):
    model = IdentityClassifier(embedder(), classes, rows, normalize=kind != "softmax")
    model.compile(optimizer, MarginSoftmax(kind, margin, scale), jit_compile=False)
    model.prepare()
    centres = np.random.default_rng(1).normal(size=(classes, WIDTH)).astype(np.float32)
    model.centres.assign(centres)
    return model


def batch(classes, count=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 2, 2, 1)).astype(np.float32), rng.integers(0, classes, count)


def step(model, images, ids, places):
    data = (tf.constant(images), tf.constant(ids, tf.int32)), tf.constant(places, tf.int32)
    return tf.function(model.train_step)(data)


def reference(model, images, centres, places):
    """One step of gradient descent on a softmax over `centres`, in float64."""
    kernel, bias = (np.asarray(w, np.float64) for w in model.embedder.get_weights())
    x = images.reshape(len(images), -1).astype(np.float64)
    features, centres = x @ kernel + bias, centres.astype(np.float64)
    logits = features @ centres.T
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(p)), places]).mean()
    p[np.arange(len(p)), places] -= 1
    of_logits = p / len(p)
    return loss, centres - RATE * of_logits.T @ features, kernel - RATE * x.T @ of_logits @ centres


@pytest.mark.parametrize("ids", [range(9), [7, 0, 3, 4]])
def test_loss_and_step_are_those_of_a_softmax_over_the_rows(ids):
    ids = np.array(ids)
    model = classifier(9, len(ids), keras.optimizers.SGD(RATE))
    images, _ = batch(9)
    places = np.random.default_rng(3).integers(0, len(ids), len(images))
    before = np.array(model.centres)
    loss, rows, kernel = reference(model, images, before[ids], places)
    logs = step(model, images, ids, places)
    np.testing.assert_allclose(float(logs["loss"]), loss, rtol=1e-6)
    after = np.array(model.centres)
    np.testing.assert_allclose(after[ids], rows, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.embedder.get_weights()[0], kernel, rtol=1e-5, atol=1e-6)
    others = np.setdiff1d(np.arange(9), ids)
    np.testing.assert_array_equal(after[others], before[others])
    assert len(ids) == 9 or len(others) == 5


OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    "adam": lambda: keras.optimizers.Adam(0.05),
    "adamw": lambda: keras.optimizers.AdamW(0.05, weight_decay=0.1, global_clipnorm=0.5),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_all_rows_in_any_order_are_a_plain_softmax_with_any_optimizer(name):
    model = classifier(9, 9, OPTIMIZERS[name]())
    trunk = embedder()
    full = keras.Sequential([trunk, keras.layers.Dense(9, use_bias=False)])
    full.layers[-1].set_weights([np.array(model.centres).T])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    full.compile(OPTIMIZERS[name](), loss, jit_compile=False)
    for seed in range(4):
        images, labels = batch(9, seed=seed)
        ids = np.random.default_rng(seed).permutation(9)
        step(model, images, ids, np.argsort(ids)[labels])
        full.train_on_batch(images, labels)
    np.testing.assert_allclose(
        np.array(model.centres), full.layers[-1].get_weights()[0].T, rtol=1e-4, atol=1e-5
    )
    for ours, theirs in zip(model.embedder.get_weights(), trunk.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_what_the_optimizer_remembers_stays_with_its_person():
    model = classifier(9, 3, keras.optimizers.SGD(0.1, momentum=0.9))
    images, _ = batch(9)
    step(model, images, [0, 1, 2], np.array([0, 1, 2] * 2))
    memory = np.array(model._pages.pairs[1][1])
    assert np.abs(memory[:3]).min() > 0 and not memory[3:].any()
    step(model, images, [4, 5, 6], np.array([0, 1, 2] * 2))
    np.testing.assert_array_equal(np.array(model._pages.pairs[1][1])[:3], memory[:3])
    assert model.table_bytes == 2 * 4 * 9 * WIDTH
    # What is in the checkpoint: the backbone, rows, two tables; nothing of the optimizer's twice.
    own = [v.path for v in model.variables if "momentum" in v.path]
    assert own == [] and len(model.trainable_variables) == 3


@pytest.mark.parametrize("kind", ["cosine", "arc"])
def test_margins_against_numpy(kind):
    rng = np.random.default_rng(0)
    cosines = rng.uniform(-1, 1, (50, 7))
    cosines[0, 0], cosines[1, 1] = 1, -1
    labels = rng.integers(0, 7, 50)
    labels[:2] = 0, 1
    own = cosines[np.arange(50), labels]
    if kind == "cosine":
        own = own - 0.35
    else:
        angle = np.arccos(own)
        own = np.where(angle + 0.5 < np.pi, np.cos(angle + 0.5), own - 0.5 * np.sin(0.5))
    logits = cosines.copy()
    logits[np.arange(50), labels] = own
    logits *= 8
    expected = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(50), labels]
    margin = 0.35 if kind == "cosine" else 0.5
    loss = MarginSoftmax(kind, margin, 8, reduction=None, dtype="float64")
    y = tf.constant(cosines)
    with tf.GradientTape() as tape:
        tape.watch(y)
        found = loss(labels, y)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.isfinite(tape.gradient(found, y)).all()


def test_cosines_do_not_depend_on_lengths():
    model = classifier(9, 4, keras.optimizers.SGD(0.1), "arc", 0.5, 16.0)
    images, _ = batch(9)
    model.rows.assign(np.array(model.centres)[:4])
    once = np.asarray(model((images, np.arange(4))))
    model.rows.assign(3 * np.array(model.centres)[:4])
    np.testing.assert_allclose(np.asarray(model((images, np.arange(4)))), once, atol=1e-6)
    assert np.abs(once).max() <= 1 + 1e-6


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_nothing_in_a_step_grows_with_the_people(name):
    classes = 7919  # a size that nothing else has
    model = classifier(classes, 16, OPTIMIZERS[name]())
    images, _ = batch(classes)
    data = (tf.constant(images), tf.range(16)), tf.range(6)
    graph = tf.function(model.train_step).get_concrete_function(data).graph
    operations = [op for op in graph.get_operations() if op.type != "ReadVariableOp"]
    shapes = [output.shape for op in operations for output in op.outputs]
    assert len(shapes) > 50 and not [s for s in shapes if s.rank and classes in s.as_list()]
    # A read of a whole table would be one of its value; there is none either.
    reads = [op for op in graph.get_operations() if op.type == "ReadVariableOp"]
    assert not [op for op in reads if classes in (op.outputs[0].shape.as_list() or [])]


def test_a_sample_has_the_batch_s_people_and_each_number_once():
    sampler = CentreSampler(classes=100, rows=16, seed=5)
    labels = np.random.default_rng(0).integers(0, 100, 70)
    steps = list(sampler.steps(labels, 8, epoch=0))
    assert len(steps) == 9
    for number, (ids, places) in enumerate(steps):
        assert ids.shape == (16,) and len(np.unique(ids)) == 16
        np.testing.assert_array_equal(ids[places], labels[8 * number : 8 * number + 8])
    again = list(sampler.steps(labels, 8, epoch=0))
    other = list(sampler.steps(labels, 8, epoch=1))
    np.testing.assert_array_equal(steps[3][0], again[3][0])
    assert set(steps[3][0]) != set(other[3][0])


def test_all_people_in_each_step_are_all_people():
    for ids, _ in CentreSampler(10, 10, 0).steps(np.arange(10).repeat(3), 4, 0):
        assert sorted(ids) == list(range(10))


def test_every_person_comes_in_turn():
    seen = np.zeros(100, int)
    for ids, _ in CentreSampler(100, 10, 0).steps(np.zeros(80, int), 8, 0):
        seen[ids] += 1
    assert seen[0] == 10  # the batch's own
    assert (seen[1:] == 1).sum() >= 90  # whose place the one of the batch took


def test_jax_learns_the_same(tmp_path):
    pytest.importorskip("jax", reason="compares with JAX")
    code = f"import runpy; runpy.run_path({__file__!r}, run_name='on_jax')"
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    np.testing.assert_allclose(json.loads(found.stdout), train_three_steps(), rtol=1e-4, atol=1e-5)


def train_three_steps():
    """Three steps of Adam on samples, by whatever back end; the centres after them."""
    model = classifier(9, 4, keras.optimizers.Adam(0.05))
    for seed in range(3):
        images, _ = batch(9, seed=seed)
        ids = np.random.default_rng(seed).permutation(9)[:4].astype(np.int32)
        model.train_on_batch((images, ids), np.arange(6, dtype=np.int32) % 4)
    return np.array(keras.ops.convert_to_numpy(model.centres)).tolist()


if __name__ == "on_jax":
    sys.stdout.write(json.dumps(train_three_steps()))
