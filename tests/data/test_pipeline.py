"""The pipeline: every face once, the same epoch from the same seed, whatever fits in memory."""

import gc
import resource
import shutil
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from keras_dldl.data.arrays import memory_limit
from keras_dldl.data.augment import Augmentation
from keras_dldl.data.integrity import extract
from keras_dldl.data.pipeline import (
    AUGMENTED_AT_ONCE,
    batch_paths,
    evaluation_dataset,
    training_dataset,
)
from keras_dldl.data.prepare import PrepareOptions, prepare
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.records import encode_jpeg
from keras_dldl.data.sources import SyntheticSource
from keras_dldl.data.store import open_store
from keras_dldl.errors import ConfigError, DataError
from tests.prepared_folders import write_folder

PLAIN = Augmentation.none()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared") / "faces"
    options = PrepareOptions(size=40, workers=1, val=0.2, test=0)
    prepare(SyntheticSource(count=40, image_size=64), out / "images", out, options)
    return out


# Decoded in memory, encoded in memory, read from files: bytes allowed for 30-odd faces of some kB.
LIMITS = {"decoded": 2**30, "encoded": 120_000, "streamed": 1_000}


@pytest.fixture
def data(folder):
    return PreparedData(folder)


@pytest.fixture(params=LIMITS)
def kept(request, folder, monkeypatch):
    """The data, kept in each of the three ways."""
    monkeypatch.setenv("KERAS_DLDL_CACHE_BYTES", str(LIMITS[request.param]))
    return PreparedData(folder)


def epoch_of(data, epoch=0, seed=1, augment=PLAIN, size=40, batch_size=8):
    dataset = training_dataset(
        data, input_size=size, batch_size=batch_size, seed=seed, epoch=epoch, augment=augment
    )
    batches = list(dataset.as_numpy_iterator())
    images = np.concatenate([images for images, _ in batches])
    return images, np.concatenate([y for _, y in batches]), [len(y) for _, y in batches]


def test_the_memory_limit_chooses_among_three_ways_to_the_same_epoch(folder, monkeypatch):
    kinds, epochs = [], []
    for limit in LIMITS.values():
        monkeypatch.setenv("KERAS_DLDL_CACHE_BYTES", str(limit))
        store = open_store(PreparedData(folder), "train", 40)
        kinds.append((store.images is not None, store.encoded is not None))
        epochs.append(epoch_of(PreparedData(folder), augment=Augmentation()))
    assert kinds == [(True, False), (False, True), (False, False)]
    for images, y, _ in epochs[1:]:
        np.testing.assert_array_equal(images, epochs[0][0])
        np.testing.assert_array_equal(y, epochs[0][1])


def test_the_memory_limit_is_4_gib_or_a_quarter_of_the_memory(monkeypatch):
    monkeypatch.delenv("KERAS_DLDL_CACHE_BYTES", raising=False)
    with open("/proc/meminfo") as stream:
        total = int(stream.readline().split()[1]) * 1024
    assert abs(memory_limit() - min(2**32, total // 4)) < 2**20
    for pages, limit in ((2**24, 2**32), (2**21, 2**31), (-1, 2**32)):
        system = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": pages}
        monkeypatch.setattr("os.sysconf", system.get)
        assert memory_limit() == limit
    monkeypatch.delattr("os.sysconf")  # as on Windows
    assert memory_limit() == 2**32
    monkeypatch.setenv("KERAS_DLDL_CACHE_BYTES", "123")
    assert memory_limit() == 123


@pytest.mark.parametrize("text", ["much", "4e9", "-1", "4 GiB"])
def test_a_memory_limit_that_is_no_number(folder, monkeypatch, text):
    monkeypatch.setenv("KERAS_DLDL_CACHE_BYTES", text)
    with pytest.raises(ConfigError, match=f"KERAS_DLDL_CACHE_BYTES must be .*={text!r}"):
        open_store(PreparedData(folder), "train", 40)
    monkeypatch.setenv("KERAS_DLDL_CACHE_BYTES", "")
    assert open_store(PreparedData(folder), "train", 40).images is not None


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="tells the memory on Linux only")
def test_decoded_faces_are_in_memory_once(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_DLDL_CACHE_BYTES", str(2**30))
    side, count = 256, 1000  # 197 MB decoded

    def written(count):
        rows = pd.DataFrame({"path": [f"{k}.jpg" for k in range(count)], "label": 30.0})
        face = encode_jpeg(np.full((8, 8, 3), 90, np.uint8))
        return write_folder(tmp_path / str(count), rows.assign(split="val"), [face] * count)

    open_store(PreparedData(written(8)), "val", side)  # warm up
    data, most, done = PreparedData(written(count)), [resident()], threading.Event()
    before = most[0]

    def watch():
        while not done.wait(0.002):
            most[0] = max(most[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        batches = evaluation_dataset(data, "val", input_size=side, batch_size=16)
        assert [images.numpy().mean() for images, _ in batches.take(3)] == [90] * 3
    finally:
        done.set()
        watcher.join()
    assert count * side**2 * 3 < most[0] - before < 1.7 * count * side**2 * 3


def test_an_epoch_outlives_its_data_set_and_store(kept):
    expected = epoch_of(kept)[1]
    epoch = training_dataset(
        PreparedData(*(folder.path for folder in kept.folders)),
        input_size=40, batch_size=8, seed=1, epoch=0, augment=PLAIN,
    )  # fmt: skip
    gc.collect()
    batches = iter(epoch)
    del epoch
    gc.collect()
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), expected)


def test_every_face_once_in_another_order_each_epoch(data):
    expected = data.rows("train")["label"].to_numpy(np.float32)
    images, y, sizes = epoch_of(data)
    assert images.dtype == np.float32 and images.shape[1:] == (40, 40, 3)
    assert 0 <= images.min() and 100 < images.max() <= 255
    assert sizes[:-1] == [8] * (len(expected) // 8) and sum(sizes) == len(expected)
    np.testing.assert_array_equal(np.sort(y[:, 0]), np.sort(expected))
    assert (y[:, 1] < 0).all()
    assert (epoch_of(data, epoch=1)[1] != y).any()
    assert (epoch_of(data, seed=2)[1] != y).any()


@pytest.mark.parametrize("augment", [PLAIN, Augmentation()], ids=["plain", "augmented"])
def test_the_number_of_batches_is_known(kept, augment):
    dataset = training_dataset(kept, input_size=40, batch_size=7, seed=1, epoch=0, augment=augment)
    assert dataset.cardinality() == -(-len(kept.rows("train")) // 7) == len(list(dataset))
    # TensorFlow's tuning thread sleeps between looks, and the iterator's end would wait for it.
    assert dataset.options().autotune.enabled is False
    dataset = evaluation_dataset(kept, "val", input_size=40, batch_size=4)
    assert dataset.cardinality() == -(-len(kept.rows("val")) // 4) == len(list(dataset))


def test_augmentation_depends_on_seed_and_epoch_not_on_batches_or_threads(data):
    augment = Augmentation(zoom=0.1, erase=0.5)
    images, y, _ = epoch_of(data, epoch=3, augment=augment)
    fives = epoch_of(data, epoch=3, augment=augment, batch_size=5)
    np.testing.assert_array_equal(images, fives[0])
    np.testing.assert_array_equal(y, fives[1])
    dataset = training_dataset(data, input_size=40, batch_size=8, seed=1, epoch=3, augment=augment)
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    one_thread = list(dataset.with_options(options).as_numpy_iterator())
    np.testing.assert_array_equal(images, np.concatenate([images for images, _ in one_thread]))
    assert np.abs(epoch_of(data, epoch=4, augment=augment)[0] - images).max() > 10


def test_augmented_images_are_of_the_range_of_models(data):
    strong = Augmentation(brightness=1.0, contrast=1.0, saturation=1.0, zoom=0.5, crop=0.5)
    images, y, sizes = epoch_of(data, augment=strong)
    assert images.dtype == np.float32 and images.shape == (len(y), 40, 40, 3)
    assert images.min() >= 0 and 150 < images.max() <= 255
    assert sizes[:-1] == [8] * (len(sizes) - 1)


def test_mixup_mixes_images_and_keeps_both_labels(data):
    plain = epoch_of(data)
    strengths = PLAIN.get_config() | {"mixup": 0.4}
    mixed, y, sizes = epoch_of(data, augment=Augmentation.from_config(strengths))
    assert sizes == plain[2] and y.shape == (len(mixed), 5)
    np.testing.assert_array_equal(y[:, :2], plain[1])
    # Each is mixed with the next of its part of the epoch, the last one with the first.
    starts = range(0, len(y), AUGMENTED_AT_ONCE)
    parts = [np.arange(len(y))[i : i + AUGMENTED_AT_ONCE] for i in starts]
    others = np.concatenate([np.roll(part, -1) for part in parts])
    np.testing.assert_array_equal(y[:, 2:4], plain[1][others])
    weight = y[:, 4, None, None, None]
    expected = weight * plain[0] + (1 - weight) * plain[0][others]
    np.testing.assert_allclose(mixed, expected, atol=1e-2)
    assert np.abs(mixed - plain[0]).max() > 20


def test_evaluation_keeps_the_order_of_the_rows(kept):
    dataset = evaluation_dataset(kept, "val", input_size=32, batch_size=4)
    batches = list(dataset.as_numpy_iterator())
    labels = np.concatenate([y[:, 0] for _, y in batches])
    np.testing.assert_allclose(labels, kept.rows("val")["label"], rtol=1e-6)
    assert batches[0][0].shape == (4, 32, 32, 3)


def test_batch_paths_name_the_faces_of_a_batch(data):
    labels = data.rows("train").set_index("path")["label"]
    for index in (0, 2):
        paths = batch_paths(data, batch_size=8, seed=1, epoch=5, batch_index=index)
        _, y, _ = epoch_of(data, epoch=5)
        np.testing.assert_allclose(labels[paths], y[8 * index : 8 * index + 8, 0], rtol=1e-6)


def test_images_are_those_that_prepare_cut_out(folder, tmp_path):
    from PIL import Image

    data = PreparedData(folder)
    assert extract(folder, tmp_path, "val") == len(data.rows("val"))
    dataset = evaluation_dataset(data, "val", input_size=40, batch_size=64)
    images = next(iter(dataset))[0].numpy()
    for image, path in zip(images, data.rows("val")["path"], strict=True):
        with Image.open(tmp_path / path) as opened:
            assert opened.format == "JPEG"
            np.testing.assert_array_equal(image, np.asarray(opened.convert("RGB"), np.float32))


def test_two_folders_are_one_data_set(folder):
    once, twice = PreparedData(folder), PreparedData(folder, folder)
    assert len(twice.rows("train")) == 2 * len(once.rows("train"))
    _, y, _ = epoch_of(twice)
    assert len(y) == 2 * len(once.rows("train"))


def test_a_split_that_is_not_there(folder):
    with pytest.raises(DataError, match="no rows of split 'test'; it has train, val"):
        PreparedData(folder).rows("test")


def test_rows_may_be_taken_out_moved_and_labelled_otherwise(data, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(data.folders[0].path, copy)
    lines = (copy / "manifest.csv").read_text().splitlines()
    first, second, *others = lines[1:]
    name, _, rest = second.split(",", 2)
    (copy / "manifest.csv").write_text("\n".join([lines[0], *others, f"{name},99.0,{rest}"]) + "\n")
    whole, changed = data.rows("train"), PreparedData(copy)
    kept = changed.rows("train")
    assert len(kept) == len(whole) - (first.split(",")[0] in set(whole["path"]))
    images = {}
    for of in (data, changed):
        for split in of.splits:
            batches = evaluation_dataset(of, split, input_size=40, batch_size=9)
            faces = [face for x, _ in batches.as_numpy_iterator() for face in x]
            images[of, split] = dict(zip(of.rows(split)["path"], faces, strict=True))
    for split in changed.splits:
        for path, face in images[changed, split].items():
            np.testing.assert_array_equal(face, images[data, split][path])
    split = next(split for split in changed.splits if name in images[changed, split])
    row = changed.rows(split)["path"].tolist().index(name)
    assert changed.targets(split)[row].tolist() == [99, -1]


def test_a_row_without_a_face_is_refused(folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    lines = (copy / "manifest.csv").read_text().splitlines()
    (copy / "manifest.csv").write_text("\n".join([*lines, lines[1].replace(",", "x,", 1)]) + "\n")
    with pytest.raises(DataError, match="must be of a face that was prepared.*with 1 .*pngx"):
        PreparedData(copy)
