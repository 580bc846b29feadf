"""JSON of tensors."""

import json
import math

import numpy as np
import pytest

from keras_dldl.serving.tensors import COLUMN, ROW, answer, pixels, shown, strings


def test_decimals_give_the_same_float32_back():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**32, 5000, dtype=np.uint32)
    values = np.concatenate([bits.view(np.float32), np.float32([0, -0.0, 1e-45, 3.4e38, 7, 1e9])])
    values = values[np.isfinite(values)]
    written = json.loads(answer({"value": values}, COLUMN))["outputs"]
    assert all(isinstance(value, float) for value in written)  # 7 is written as 7.0
    assert np.array_equal(np.float32(written), values)


def test_one_output_is_written_without_its_name():
    found = {"value": np.float32([1, 2])}
    assert json.loads(answer(found, ROW)) == {"predictions": [1, 2]}
    assert json.loads(answer(found, COLUMN)) == {"outputs": [1, 2]}


def test_several_outputs_are_written_by_name():
    found = {"value": np.float32([1, math.inf]), "status": np.array(["ok", 'a "b"\n'])}
    assert json.loads(answer(found, ROW)) == {
        "predictions": [{"value": 1, "status": "ok"}, {"value": math.inf, "status": 'a "b"\n'}]
    }
    assert json.loads(answer(found, COLUMN)) == {
        "outputs": {"value": [1, math.inf], "status": ["ok", 'a "b"\n']}
    }


@pytest.mark.parametrize("text", ["aGk=", "aGk", "aG\nk="])
def test_base64_with_and_without_padding(text):
    assert strings([{"b64": text}]) == [b"hi"]


def test_pixels_keep_their_values():
    values = np.random.default_rng(1).integers(0, 256, (2, 3, 4, 3))
    assert (pixels(values.tolist(), "uint8") == values).all()
    assert (pixels((values / 7).tolist(), "float") == (values / 7).astype("float32")).all()


def test_messages_do_not_repeat_an_image():
    assert len(shown({"b64": "A" * 10_000})) < 60
    assert shown(list(range(1000))) == "Array of 1000"
