import json

import pytest

from keras_dldl.training import TrainConfig
from keras_dldl.training.plan import describe, make_plan
from tests.training.small_data import write_small_data


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    folder = write_small_data(tmp_path_factory.mktemp("data") / "d")
    config = TrainConfig(
        data=[str(folder)], batch_size=8, epochs=40, accumulate=2, init="tiny-age",
        freeze=["stage1"], freeze_epochs=3, sampling="balanced", decay_epochs=10, warmup_epochs=1,
    )  # fmt: skip
    return make_plan(config)


def test_numbers(plan):
    found = plan.as_json()
    assert found["images"] == {"train": 20, "val": 6}
    assert (found["steps_per_epoch"], found["steps"]) == (3, 120)
    assert found["parameters"] == 936981
    assert found["groups"]["stage1"] == {"parameters": 2864, "learning": 0}
    assert found["groups"]["logits"] == {"parameters": 13029, "learning": 13029}
    assert len(found["learning_rate"]) == 40
    assert found["learning_rate"][0] == pytest.approx([1e-3 / 3, 1e-3])
    assert found["learning_rate"][39] == pytest.approx([1e-6, 1e-6])
    assert len(found["init"]["copied"]) == 27 and not found["init"]["left"]
    # All learn after the third epoch: gradients of all, twice for the sum of the parts.
    batch_statistics = 2 * (2 * 16 + 2 * 32 + 3 * 64 + 6 * 128)
    assert found["memory"]["gradients"] == 2 * 4 * (936981 - batch_statistics)
    assert found["memory"]["images"] == 4
    assert found["memory"]["faces"] == 26 * 32 * 32 * 3
    assert found["memory"]["total"] > found["memory"]["activations"]
    json.dumps(found)


def test_text(plan):
    lines = describe(plan).splitlines()
    text = " ".join(" ".join(lines).split())
    assert "train 20, val 6; labels" in text
    assert "stage1 2,864 frozen stage2 14,080 stage3" in text
    assert "40 epochs of 3 steps of 8 images in 2 parts: 120" in text
    assert "epoch 1 0.000333 to 0.001 epochs 2 to 10 0.001 epochs 11 to 20 0.0001" in text
    assert "frozen for 3 epochs" in text
    assert max(len(line) for line in lines[1:]) <= 100
