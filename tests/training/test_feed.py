"""Faces in memory against `tf.data`, and against themselves in shares."""

import keras
import numpy as np
import pytest

from keras_dldl.data.augment import Augmentation
from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import ConfigError
from keras_dldl.training import TrainConfig, feed
from keras_dldl.training.devices import Places
from keras_dldl.training.feed import MemoryFeed, TensorFlowFeed, choose_feed, make_feed
from keras_dldl.training.preview import write_preview
from tests.gradients import to_numpy
from tests.training.small_data import write_small_data


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return PreparedData(write_small_data(tmp_path_factory.mktemp("data"), train=22, val=7))


def config_of(data, **changes):
    settings = {"input_size": 32, "batch_size": 8, "seed": 3, "feed": "memory"}
    return TrainConfig(data=[str(data.folders[0].path)], **settings | changes).with_augmentation()


def batches(of):
    return [tuple(to_numpy(part) for part in batch) for batch in of]


def check_equal(found, expected, atol=0.0):
    assert len(found) == len(expected) >= 1
    for one, other in zip(found, expected, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=atol)


def test_without_augmentation_it_is_what_tf_data_brings(data):
    config = config_of(data, augment=Augmentation.none().get_config())
    memory, stream = MemoryFeed(config, data), TensorFlowFeed(config, data)
    assert (memory.images, memory.steps_per_epoch) == (stream.images, stream.steps_per_epoch)
    for epoch in (0, 5):
        check_equal(batches(memory.training(epoch)), batches(stream.training(epoch)))
        assert memory.paths(epoch, 2) == stream.paths(epoch, 2)
    check_equal(batches(memory.validation()), batches(stream.validation()))


@pytest.mark.parametrize("sampling", ["balanced", "effective"])
def test_the_sampling_is_that_of_tf_data_also_in_shares(data, sampling):
    config = config_of(data, augment=Augmentation.none().get_config(), sampling=sampling)
    memory, stream = MemoryFeed(config, data), TensorFlowFeed(config, data)
    check_equal(batches(memory.training(3)), batches(stream.training(3)))
    paths = [path for k in range(3) for path in memory.paths(3, k)]
    assert paths == [path for k in range(3) for path in stream.paths(3, k)]
    assert len(paths) == 22 > len(set(paths))
    share = batches(MemoryFeed(config, data, Places(2, 2, 1)).training(3))
    np.testing.assert_array_equal(share[0][0], batches(memory.training(3))[0][0][4:])


def test_nothing_is_loaded_before_it_is_asked_for_but_too_much_is_refused_at_once(
    data, monkeypatch
):
    fresh = PreparedData(data.folders[0].path)
    assert MemoryFeed(config_of(fresh), fresh).steps_per_epoch == 3
    assert fresh._loaded == {}
    monkeypatch.setenv("KERAS_DLDL_CACHE_BYTES", str(22 * 32 * 32 * 3 - 1))
    with pytest.raises(ConfigError, match="split 'train' of 22 faces"):
        MemoryFeed(config_of(fresh), fresh)


def test_batches_depend_on_seed_epoch_and_number_alone(data):
    feed = MemoryFeed(config_of(data), data)
    first = batches(feed.training(1))
    check_equal(batches(feed.training(1)), first)
    for other in (feed.training(2), MemoryFeed(config_of(data, seed=4), data).training(1)):
        assert np.abs(batches(other)[0][0] - first[0][0]).mean() > 5
    assert first[0][0].min() >= 0 and first[0][0].max() <= 255


def test_the_shares_of_two_processes_are_the_batches_of_one(data):
    config = config_of(data, augment={"mixup": 0.4})
    whole = batches(MemoryFeed(config, data).training(0))
    shares = [batches(MemoryFeed(config, data, Places(2, 2, k)).training(0)) for k in range(2)]
    joined = [
        tuple(np.concatenate(parts) for parts in zip(*both, strict=True))
        for both in zip(*shares, strict=True)
    ]
    check_equal(joined, whole, atol=1e-3)
    assert whole[0][1].shape == (8, 5)


def test_filled_batches_give_the_loss_and_metric_of_the_faces_alone(data):
    config = config_of(data)
    model = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)]
    )
    model.compile(
        loss=lambda y, z: keras.ops.abs(y[:, :1] - z),
        weighted_metrics=[keras.metrics.MeanMetricWrapper(lambda y, z: (y[:, 0] - z[:, 0]) ** 2)],
    )
    expected = model.evaluate(MemoryFeed(config, data).validation(), verbose=0)
    for kind in (MemoryFeed, TensorFlowFeed):
        filled = kind(config, data, Places(4)).validation()
        assert [len(batch[0]) for batch in batches(filled)] == [8]
        np.testing.assert_allclose(model.evaluate(filled, verbose=0), expected, rtol=1e-5)


def test_training_leaves_out_what_devices_cannot_share(data):
    for kind in (MemoryFeed, TensorFlowFeed):
        of = kind(config_of(data), data, Places(4))
        assert [len(batch[0]) for batch in batches(of.training(0))] == [8, 8, 4]
        assert of.steps_per_epoch == 3


def test_the_feed_is_chosen_by_what_is_there(data, monkeypatch):
    auto = config_of(data, feed="auto")
    assert choose_feed(auto) == "tf-data" and choose_feed(auto, processes=2) == "memory"
    assert isinstance(make_feed(config_of(data), data), MemoryFeed)
    with pytest.raises(ConfigError, match="fed from memory.*feed='tf-data'"):
        choose_feed(config_of(data, feed="tf-data"), processes=2)
    monkeypatch.setattr(feed, "is_installed", lambda package: False)
    assert choose_feed(auto) == "memory"
    with pytest.raises(ConfigError, match="needs TensorFlow.*feed=memory"):
        choose_feed(config_of(data, feed="tf-data"))


def test_a_preview_from_memory(data, tmp_path):
    assert write_preview(config_of(data), tmp_path / "sheet.png", count=5) == 5
