"""Pre-training from folders, a manifest and prepared data; its run folder; what begins from it."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_dldl.cli.main import cli
from keras_dldl.data.people import pairs, people
from keras_dldl.data.people.people import choose_people
from keras_dldl.data.people.pipeline import plain_images
from keras_dldl.errors import ConfigError, DataError, ModelFileError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.models import IdentityModel, load_model, load_start
from keras_dldl.training.identities.config import PretrainConfig
from keras_dldl.training.identities.pretrain import pretrain, read_people
from tests.prepared_folders import write_folder
from tests.training.runs import arrays
from tests.training.small_data import write_small_data

SMALL = {
    "model": "mini",
    "input_size": 32,
    "batch_size": 16,
    "augment": {"grey": 0, "resolution": 1},
    "seed": 3,
}


def write_people(root, people=8, images=6, size=32):
    """Each person is a pattern of colours; the images of one differ by noise."""
    rng = np.random.default_rng(0)
    for person in range(people):
        pattern = np.kron(rng.uniform(0, 255, (4, 4, 3)), np.ones((size // 4, size // 4, 1)))
        for number in range(images):
            place = root / f"person{person}" / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            noisy = np.clip(pattern + rng.normal(0, 20, pattern.shape), 0, 255)
            Image.fromarray(noisy.astype(np.uint8)).save(place)
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_people(tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="module")
def finished(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return pretrain(PretrainConfig(root=str(root), epochs=2, share=0.5, **SMALL), out)


def test_the_run_folder_holds_a_backbone_and_what_was_done(finished):
    model = load_start(finished.out)
    assert isinstance(model, IdentityModel) and model.output.shape == (None, 16)
    assert model.card["pretraining"]["people"] == 6  # two of eight are kept for validation
    facts = json.loads((finished.out / "provenance.json").read_text())
    # Centres, and Adam's two moments of each, of 16 numbers.
    assert facts["class_centre_bytes"] == 3 * 6 * 16 * 4 and facts["class_centres_in_a_step"] == 6
    history = pd.read_csv(finished.out / "history.csv")
    assert history["val_error"].between(0, 1).all() and history["val_loss"].between(0, 1).all()
    assert history["loss"].iloc[1] < history["loss"].iloc[0]
    with pytest.raises(ModelFileError, match="tells people apart and has no labels.*--init"):
        load_model(finished.out)


def test_resumed_is_as_never_stopped(root, finished, tmp_path):
    first = PretrainConfig(root=str(root), epochs=1, share=0.5, **SMALL)
    pretrain(first, tmp_path / "run")
    run = CliRunner().invoke(
        cli, ["pretrain", "--out", str(tmp_path / "run"), "--resume", "--epochs", "2", "--json"]
    )
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["epochs"] == 2
    for ours, theirs in zip(arrays(tmp_path / "run"), arrays(finished.out), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_training_begins_from_it_whatever_the_head(finished, tmp_path):
    data = write_small_data(tmp_path / "data")
    out = tmp_path / "run"
    run = CliRunner().invoke(
        cli, ["train", "--data", str(data), "--out", str(out), "--init", str(finished.out),
              "--model", "mini",
              "--method", "ranking-bce", "--epochs", "1", "--batch-size", "8",
              "--learning-rate", "1e-12", "--input-size", "32"],
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    assert "4 of 5 layers, not logits" in run.output
    ours, theirs = load_model(out), load_start(finished.out)
    kernels = [m.get_layer("stage2_conv1").get_weights()[0] for m in (ours, theirs)]
    np.testing.assert_allclose(*kernels, atol=1e-7)


def test_verification_of_perfect_and_of_random_features():
    labels = np.repeat(np.arange(20), 10)
    drawn = pairs.draw_pairs(labels)
    assert drawn.same.sum() == len(drawn.same) // 2 == 900
    np.testing.assert_array_equal(labels[drawn.first] == labels[drawn.second], drawn.same)
    perfect = pairs.similarities(np.eye(20)[labels], drawn)
    assert pairs.verification_error(perfect, drawn.same) == 0
    assert pairs.ranking_error(perfect, drawn.same) == 0
    noise = pairs.similarities(np.random.default_rng(0).normal(size=(200, 8)), drawn)
    assert 0.4 < pairs.verification_error(noise, drawn.same) < 0.6
    wins = noise[drawn.same][:, None] < noise[~drawn.same]
    np.testing.assert_allclose(pairs.ranking_error(noise, drawn.same), wins.mean(), atol=1e-9)


def test_the_threshold_is_the_best_of_all():
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores, same = rng.integers(0, 9, 30) / 8, rng.random(30) < 0.5
        tried = [np.sum((scores >= t) == same) for t in [*np.unique(scores), 2]]
        found = pairs.best_threshold(scores, same)
        assert np.sum((scores >= found) == same) == max(tried)


def people_of(frame, images=None, **options):
    given = {"size": 32, "alignment": Alignment(), "min_images": 2, "validation_share": 0.02}
    return choose_people(frame, images, **(given | options))


def test_the_people_kept_are_the_same_in_any_order(root):
    frame, images = people.from_folders(root)
    assert len(images) == len(frame)
    one, other = people_of(frame), people_of(frame.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(one.frame, other.frame)
    assert one.count == 6 and one.rows("val")["subject"].nunique() == 2
    assert not set(one.rows("val")["subject"]) & set(one.rows("train")["subject"])
    assert sorted(one.rows("train")["label"].unique()) == list(range(6))


def test_a_manifest_and_prepared_data_name_their_people(root, tmp_path):
    rows = [(f"person{p}/{k}.png", f"s{p}", "val" if p < 2 else "train")
            for p in range(5) for k in range(3)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["path", "subject", "split"])
    table.to_csv(tmp_path / "m.csv", index=False)
    people = read_people(PretrainConfig(manifest=str(tmp_path / "m.csv"), root=str(root)))
    assert people.count == 3 and people.splits == ("train", "val")

    faces = [np.full((32, 32, 3), 10 * k, np.uint8) for k in range(15)]
    for name, order in (("one", range(15)), ("two", reversed(range(15)))):
        rows = table.iloc[list(order)].assign(label=0.0)
        write_folder(tmp_path / name, rows, [faces[k] for k in rows.index], shards=[8, 7])
    people = read_people(PretrainConfig(data=[str(tmp_path / "one"), str(tmp_path / "two")]))
    assert people.count == 6 and people.size == 32
    frame = people.rows("train")
    assert frame["path"].iloc[0] == "one/person2/0.png" and frame["subject"].iloc[0] == "one/s2"
    batches = plain_images(people.images, frame["number"].to_numpy(), 32, 4)
    found = np.concatenate(list(batches.as_numpy_iterator()))[:, 0, 0, 0]
    expected = [10 * (3 * int(path[10]) + int(path[12])) for path in frame["path"]]
    np.testing.assert_allclose(found, expected, atol=2)
    data = write_small_data(tmp_path / "without")
    with pytest.raises(DataError, match="needs a `subject`"):
        read_people(PretrainConfig(data=[str(data)]))


def test_images_that_cannot_be_read_are_left_out_and_named(tmp_path, caplog):
    root = write_people(tmp_path / "p", 3, 3)
    (root / "person1" / "bad.jpg").write_bytes(b"no image")
    (root / "person0" / "cut.png").write_bytes((root / "person0" / "0.png").read_bytes()[:200])
    people = read_people(PretrainConfig(root=str(root), validation_share=0))
    assert people.left_out == ["person0/cut.png", "person1/bad.jpg"]
    assert len(people.rows("train")) == 9
    assert "Left out 2 of 11 images" in caplog.text


@pytest.mark.parametrize(
    ("people", "images", "reason"),
    [
        (1, 3, "two people or more.*Received: 1 people"),
        (4, 1, "of whom 0 have 2 images or more; the most images of one: 1"),
    ],
)
def test_too_few_people_or_images(people, images, reason, tmp_path):
    root = write_people(tmp_path / "p", people, images)
    with pytest.raises(DataError, match=reason):
        read_people(PretrainConfig(root=str(root), validation_share=0))


def test_bad_sources(tmp_path):
    with pytest.raises(ConfigError, match="needs one source.*Received: none"):
        pretrain(PretrainConfig(), tmp_path / "run")
    with pytest.raises(DataError, match="nowhere"):
        pretrain(PretrainConfig(root=str(tmp_path / "nowhere")), tmp_path / "run")
    write_people(tmp_path / "flat", 1, 2)
    with pytest.raises(DataError, match="a folder for each person"):
        pretrain(PretrainConfig(root=str(tmp_path / "flat" / "person0")), tmp_path / "run")
    (tmp_path / "m.csv").write_text("path,label\na.png,3\n")
    with pytest.raises(DataError, match="column missing: subject"):
        pretrain(PretrainConfig(manifest=str(tmp_path / "m.csv")), tmp_path / "run")
    (tmp_path / "m.csv").write_text("path,subject\na.png,x\nb.png,\n")
    with pytest.raises(DataError, match="1 rows that lack one: line 3"):
        pretrain(PretrainConfig(manifest=str(tmp_path / "m.csv")), tmp_path / "run")
    (tmp_path / "m.csv").write_text("path,subject\na.png,x\nb.png,y\n")
    with pytest.raises(DataError, match="none that can be read: a.png, b.png"):
        pretrain(PretrainConfig(manifest=str(tmp_path / "m.csv")), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"sigma": 2}, "no setting `sigma`"),
        ({"feed": "memory"}, "no setting `feed`"),
        ({"devices": 2}, "no setting `devices`"),
        ({"share": 0}, "greater than 0, at most 1, or null"),
        ({"loss": "triplet"}, '"softmax", "cosine", "arc"'),
    ],
)
def test_bad_settings(settings, reason):
    with pytest.raises(ConfigError, match=reason):
        PretrainConfig.from_dict(settings)


def test_settings_survive_their_file(tmp_path):
    config = PretrainConfig(root="people", share=0.25, loss="arc", augment={"flip": 0.1})
    config.save(tmp_path / "c.yaml")
    assert PretrainConfig.load(tmp_path / "c.yaml") == config
    assert "sigma" not in (tmp_path / "c.yaml").read_text()


def test_an_init_that_is_no_model(root, tmp_path):
    (tmp_path / "x.keras").write_text("not a model")
    config = PretrainConfig(root=str(root), init=str(tmp_path / "x.keras"), epochs=1, **SMALL)
    with pytest.raises(ModelFileError, match="not a .keras archive"):
        pretrain(config, tmp_path / "run")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "y.keras")
    with pytest.raises(ModelFileError, match="of another package"):
        load_start(tmp_path / "y.keras")
