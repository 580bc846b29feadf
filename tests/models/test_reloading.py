"""One `.tflite` file for LiteRT and Keras: every weight comes back as it was."""

import numpy as np
import pytest

from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.export import export_model
from keras_dldl.labels import LabelGrid
from keras_dldl.models import build_model, load_model
from tests.models.given import shaken


@pytest.mark.parametrize("mirror", [True, False])
def test_every_weight_comes_back(tmp_path, mirror):
    model = shaken(build_model("nano-age-net", LabelGrid.scut_fbp(), method="coral", input_size=32))
    norm = model.get_layer("stage1_conv1_bn")
    norm.gamma.assign(np.asarray(norm.gamma) * (np.arange(norm.gamma.shape[0]) > 0))  # one is dead
    file = tmp_path / "m.tflite"
    export_model(model, "litert", file, mirror=mirror)
    plain = file.stat().st_size
    with pytest.raises(ModelFileError, match="exported without --with-keras"):
        load_model(file)
    export_model(model, "litert", file, mirror=mirror, force=True, with_keras=True)
    # Not the weights once more, which are 4 bytes each, but some 2 bits each and the small ones.
    assert file.stat().st_size - plain < model.count_params()
    again = load_model(file)
    assert again.get_config() == model.get_config()
    for found, wanted in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("options", [("onnx", "float32"), ("litert", "float16")])
def test_formats_that_cannot_hold_it(tmp_path, options):
    format, precision = options
    with pytest.raises(ConfigError, match=f"for litert in float32. Received: {format}"):
        export_model("tiny-age", format, tmp_path, precision=precision, with_keras=True)
