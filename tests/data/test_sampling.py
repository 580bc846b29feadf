import numpy as np
import pytest

from keras_dldl import LabelGrid
from keras_dldl.data.augment import Augmentation
from keras_dldl.data.pipeline import batch_paths, training_dataset
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.sampling import make_sampling, read_image_weights
from keras_dldl.errors import ConfigError, DataError
from tests.training.small_data import write_small_data

AGE = LabelGrid.age()
LABELS = np.array([20.0] * 90 + [40.2] * 9 + [80.0])
ORIGINS = np.array(["large"] * 95 + ["small"] * 5)


def shares(kind, **options):
    """Return the share of each label over many epochs, in float64 by a plain count."""
    sampling = make_sampling(kind, LABELS, AGE, **options)
    drawn = np.concatenate([LABELS[sampling.order(seed=3, epoch=e)] for e in range(400)])
    return np.array([np.mean(drawn == label) for label in (20.0, 40.2, 80.0)])


@pytest.mark.parametrize("weights", [None, np.full(100, 0.5)])
def test_natural_is_no_sampling(weights):
    assert make_sampling("natural", LABELS, AGE, weights=weights) is None


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ({"kind": "even"}, "`sampling`.*'natural', 'sqrt', 'balanced', 'effective'"),
        ({"by_origin": "even"}, "`data_sampling`.*'natural', 'sqrt', 'balanced'"),
    ],
)
def test_unknown_sampling(wrong, allowed):
    options = {"kind": "natural", "origins": ORIGINS, **wrong}
    with pytest.raises(ConfigError, match=allowed):
        make_sampling(options.pop("kind"), LABELS, AGE, **options)


@pytest.mark.parametrize(
    ("kind", "options", "by_hand"),
    [
        ("balanced", {}, [1, 1, 1]),
        ("sqrt", {}, np.sqrt([90, 9, 1])),
        # n (1 - beta) / (1 - beta^n)
        ("effective", {"beta": 0.9}, [90 * 0.1 / (1 - 0.9**90), 9 * 0.1 / (1 - 0.9**9), 1]),
        ("effective", {"beta": 0.0}, [90, 9, 1]),
    ],
)
def test_labels_come_as_often_as_the_formula_says(kind, options, by_hand):
    np.testing.assert_allclose(shares(kind, **options), by_hand / np.sum(by_hand), atol=0.003)


def test_an_image_comes_as_often_as_expected_rounded_down_or_up():
    sampling = make_sampling("sqrt", LABELS, AGE)
    expected = sampling.weights / sampling.weights.sum() * len(LABELS)
    for epoch in range(50):
        counts = sampling.counts(seed=0, epoch=epoch)
        assert counts.sum() == len(LABELS)
        assert np.all((counts == np.floor(expected)) | (counts == np.ceil(expected)))
    different = np.mean([np.count_nonzero(sampling.counts(0, e)) for e in range(200)])
    assert sampling.different() == pytest.approx(different, rel=0.02)


def test_an_epoch_is_drawn_by_seed_and_number_alone():
    sampling = make_sampling("balanced", LABELS, AGE)
    first = sampling.order(seed=1, epoch=2)
    np.testing.assert_array_equal(first, make_sampling("balanced", LABELS, AGE).order(1, 2))
    assert not np.array_equal(first, sampling.order(1, 3))
    assert not np.array_equal(first, sampling.order(2, 2))


def test_the_pipeline_gives_what_was_drawn(tmp_path):
    data = PreparedData(
        write_small_data(tmp_path / "a", train=12, val=0),
        write_small_data(tmp_path / "b", train=9, val=0, seed=1),
    )
    rows = data.rows("train")
    sampling = make_sampling("balanced", np.where(np.arange(21) < 18, 20.0, 60.0), data.grid)
    options = {"batch_size": 8, "seed": 0, "epoch": 4, "sampling": sampling}
    epoch = training_dataset(data, input_size=32, augment=Augmentation.none(), **options)
    batches = [targets[:, 0] for _, targets in epoch.as_numpy_iterator()]
    wanted = np.repeat(rows["label"].to_numpy(), sampling.counts(0, 4))
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.sort(wanted))
    labels_of = rows.groupby("path")["label"].agg(set)  # of both folders
    for k, labels in enumerate(batches):
        paths = batch_paths(data, batch_index=k, **options)
        assert all(label in labels_of[path] for path, label in zip(paths, labels, strict=True))


@pytest.mark.parametrize("kind", ["natural", "sqrt", "balanced", "effective"])
def test_weights_multiply_the_chance(kind):
    weights = np.where(np.arange(100) < 45, 0.0, 1.0)  # half of the first label, never
    weights[-1] = 2.0
    sampling = make_sampling(kind, LABELS, AGE, 0.9, weights)
    drawn = np.concatenate([sampling.order(seed=3, epoch=e) for e in range(400)])
    assert drawn.min() == 45
    assert all(sampling.counts(0, epoch).sum() == 100 for epoch in range(5))
    n = np.array([45.0, 9.0, 2.0])
    each = {
        "natural": n,
        "sqrt": np.sqrt(n),
        "balanced": n / n,
        "effective": n * 0.1 / (1 - 0.9**n),
    }[kind]
    got = [np.mean(LABELS[drawn] == label) for label in (20.0, 40.2, 80.0)]
    np.testing.assert_allclose(got, each / each.sum(), atol=0.004)


def test_a_label_of_which_nothing_is_left_does_no_harm():
    weights = np.where(LABELS == 80.0, 0.0, 1.0)
    sampling = make_sampling("balanced", LABELS, AGE, weights=weights)
    assert np.isfinite(sampling.weights).all()
    assert 99 not in sampling.order(seed=0, epoch=0)


@pytest.mark.parametrize(
    ("by_origin", "large"),
    [("balanced", 0.5), ("sqrt", np.sqrt(95) / (np.sqrt(95) + np.sqrt(5)))],
)
@pytest.mark.parametrize("kind", ["natural", "balanced"])
def test_data_sets_come_as_often_as_asked_for(kind, by_origin, large):
    sampling = make_sampling(kind, LABELS, AGE, origins=ORIGINS, by_origin=by_origin)
    drawn = np.concatenate([sampling.order(seed=3, epoch=e) for e in range(400)])
    assert np.mean(ORIGINS[drawn] == "large") == pytest.approx(large, abs=0.004)
    # Within the small data set, four images are of 40.2 years and one of 80.
    old = np.mean(LABELS[drawn[ORIGINS[drawn] == "small"]] == 80.0)
    assert old == pytest.approx({"natural": 1 / 5, "balanced": 1 / 2}[kind], abs=0.02)


def test_weights_and_data_sets_multiply():
    weights = np.where(np.arange(100) < 90, 0.0, 1.0)  # of the large data set 5 are left
    sampling = make_sampling(
        "natural", LABELS, AGE, weights=weights, origins=ORIGINS, by_origin="sqrt"
    )
    np.testing.assert_allclose(sampling.weights[90:] / sampling.weights[-1], 1.0)
    assert not sampling.weights[:90].any()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("data")
    for name in ("one", "two"):
        write_small_data(place / name, train=4, val=2)
    return place


def weights_of(place, tmp_path, text, folders=("one",)):
    (tmp_path / "w.csv").write_text(text)
    data = PreparedData(*(place / name for name in folders))
    return read_image_weights(tmp_path / "w.csv", data)


def test_images_that_the_table_does_not_name_weigh_one(place, tmp_path):
    text = "path,weight,reason\ntrain/002.jpg,0,wrong\ntrain/000.jpg,2.5,\nval/000.jpg,0,\n"
    np.testing.assert_array_equal(weights_of(place, tmp_path, text), [2.5, 1, 0, 1])


def test_a_table_of_two_folders(place, tmp_path):
    both = ("one", "two")
    text = "path,weight\ntrain/001.jpg,0\n"
    np.testing.assert_array_equal(weights_of(place, tmp_path, text, both), [1, 0, 1, 1, 1, 0, 1, 1])
    text = "folder,path,weight\ntwo,train/001.jpg,0\none,train/003.jpg,3\n"
    np.testing.assert_array_equal(weights_of(place, tmp_path, text, both), [1, 1, 1, 3, 1, 0, 1, 1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,label\na,1\n", "weight"),
        ("path,weight\ntrain/000.jpg,1\ntrain/001.jpg,-1\n", r"'-1' in line 3"),
        ("path,weight\ntrain/000.jpg,much\n", r"'much' in line 2"),
        ("path,weight\ntrain/000.jpg,inf\n", r"'inf' in line 2"),
        ("path,weight\ntrain/000.jpg,\n", "line 2"),
        ("path,weight\ntrain/000.jpg,1\ntrain/000.jpg,2\n", r"twice: .*'train/000.jpg' in line 3"),
        ("path,weight\nelse.jpg,1\n", "'else.jpg'"),
        ("path,weight\n" + "".join(f"train/00{k}.jpg,0\n" for k in range(4)), "leaves out all 4"),
    ],
)
def test_bad_tables_of_weights(place, tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        weights_of(place, tmp_path, text)
