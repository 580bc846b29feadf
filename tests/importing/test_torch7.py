"""Imported networks against a NumPy forward pass of the same file, in float64."""

import numpy as np
import pytest

from keras_dldl import predict_age
from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.importing import import_torch7, torch7_body
from keras_dldl.labels import LabelGrid
from keras_dldl.models import load_model
from keras_dldl.models.backbones import vgg16
from keras_dldl.models.backbones.age_net import THIN_WIDTHS, TINY_WIDTHS
from tests.importing.networks import (
    Maker,
    expectation,
    forward,
    joint,
    normalized,
    pooling,
    relu,
    sequential,
    simple,
    view,
)
from tests.importing.t7_writer import Module, Storage, Strided, as_t7

AGES = np.arange(101.0)


def images(count=2, size=32, seed=1):
    """Noise, each image darker than the next, that the outputs may differ."""
    noise = np.random.default_rng(seed).integers(0, 256, (count, size, size, 3))
    return (noise * np.linspace(0.2, 1, count)[:, None, None, None]).astype(np.uint8)


@pytest.fixture
def read(tmp_path):
    def write_and_import(network, cuda=False, **options):
        path = tmp_path / "network.t7"
        path.write_bytes(as_t7(network, cuda))
        return import_torch7(path, **{"input_size": 32, **options})

    return write_and_import


def check(found, network, faces=None):
    """Compare with the NumPy pass; for heads that end in a distribution."""
    faces = images(size=found.model.input_size) if faces is None else faces
    expected = forward(network, normalized(faces))
    given = np.asarray(found.model(faces, training=False))
    np.testing.assert_allclose(given, expected, atol=2e-6)
    assert np.abs(given - given.mean(axis=0)).max() > 1e-4  # the images tell apart
    return expected


def softmax_head(maker, features, labels=101, scale=3.0):
    return [maker.linear(features, labels, scale=scale * features**-0.5), simple("nn.SoftMax")]


def tiny(seed, labels=101, average=1, **options):
    maker = Maker(seed)
    return maker.age_net(TINY_WIDTHS, average, softmax_head(maker, 128, labels), **options)


@pytest.mark.parametrize("bias", [False, True])
def test_tiny_age_net_of_the_paper_becomes_that_backbone(read, tmp_path, bias):
    network = tiny(1, bias=bias)
    found = read(network, out=tmp_path / "model.keras")
    assert (found.model.backbone_name, found.model.method.name) == ("tiny-age-net", "dldl")
    assert found.model.method.kl_reduction == "mean"  # the reference code's
    assert (found.model.grid, found.has_head) == (LabelGrid.age(), True)
    check(found, network)
    again = load_model(tmp_path / "model.keras")
    assert again.get_config() == found.model.get_config()
    np.testing.assert_array_equal(again(images()), found.model(images()))


def test_the_joint_network_gives_distribution_and_expectation(read):
    maker = Maker(2)
    head = [*softmax_head(maker, 128), joint(AGES)]
    network = maker.age_net(TINY_WIDTHS, 1, head)
    found = read(network, cuda=True)
    assert found.model.method.name == "dldl-v2"
    distribution, value = forward(network, normalized(images()))
    given = np.asarray(found.model(images(), training=False))
    np.testing.assert_allclose(given, distribution, atol=2e-6)
    decoded = found.model.grid.decode(given, found.model.method.decoder)
    np.testing.assert_allclose(decoded, value, atol=1e-4)


def test_another_eps_and_normalisation_without_weights_are_the_same_network(read):
    network = tiny(3, 41, eps=1e-3)
    for name in ("weight", "bias"):
        del network.fields["modules"][1].fields[name]
    found = read(network)
    assert found.model.grid == LabelGrid.scut_fbp()
    check(found, network)


@pytest.mark.parametrize(("input_size", "v2"), [(32, False), (64, True)])
def test_the_baseline_becomes_vgg16(read, monkeypatch, input_size, v2):
    # In small: the layers are those of VGG-16, whose file has half a gigabyte.
    widths = (2, 3, 4, 5, 6)
    monkeypatch.setattr(vgg16, "WIDTHS", widths)
    monkeypatch.setattr(vgg16, "UNITS", 20)
    monkeypatch.setitem(torch7_body.WIDTHS, "vgg16", widths)
    maker, inputs, modules = Maker(7, "f8"), 3, []
    for width, count in zip(widths, (2, 2, 3, 3, 3), strict=True):
        for _ in range(count):
            kind = "nn.SpatialConvolutionMM" if count == 2 else "nn.SpatialConvolution"
            modules += [maker.convolution(inputs, width, bias=width != 6, kind=kind), relu()]
            inputs = width
        modules.append(pooling("nn.SpatialMaxPooling", 2, ceil=True))
    last = 6 * (input_size // 32) ** 2
    modules += [Module("nn.Reshape", view(last).fields), simple("nn.Identity")]
    for features in (last, 20):
        modules += [maker.linear(features, 20), relu(), simple("nn.Dropout", p=0.5, v2=v2)]
    network = sequential(sequential(*modules[:9]), *modules[9:], *softmax_head(maker, 20))
    found = read(network, input_size=input_size)
    assert found.model.backbone_name == "vgg16"
    check(found, network)
    other = 96 - input_size
    with pytest.raises(ConfigError, match=f"such as {input_size}. Received: input_size={other}"):
        read(network, input_size=other)


@pytest.mark.parametrize("v2", [True, False])
def test_a_dropout_before_the_head(read, v2):
    maker = Maker(19)
    head = [simple("nn.Dropout", p=0.25, v2=v2), *softmax_head(maker, 128)]
    network = maker.age_net(TINY_WIDTHS, 1, head)
    found = read(network)
    assert found.model.dropout == 0.25
    check(found, network)


def test_a_head_that_ranks(read):
    maker = Maker(4)
    head = [maker.linear(128, 100, scale=0.4), simple("nn.Sigmoid")]
    network = maker.age_net(TINY_WIDTHS, 1, head)
    found = read(network)
    assert found.model.method.name == "ranking-bce"
    expected = forward(network, normalized(images()))
    raw = np.asarray(found.model.training_model()(images(), training=False))
    np.testing.assert_allclose(1 / (1 + np.exp(-raw)), expected, atol=2e-5)
    value = found.model.grid.decode(np.asarray(found.model(images())), "median")
    # evaluation.lua: labelset[1 + the number of answers of 0.5 or more], counted from 1
    np.testing.assert_array_equal(value, (expected >= 0.5).sum(axis=1))
    assert read(network, method="ranking-l2").model.method.name == "ranking-l2"


def test_a_head_that_regresses_needs_a_grid(read):
    maker = Maker(5)
    head = [maker.linear(128, 1, scale=1.0), simple("nn.Tanh")]
    network = maker.age_net(TINY_WIDTHS, 1, head)
    with pytest.raises(ConfigError, match="label grid is not in this file"):
        read(network)
    found = read(network, grid=LabelGrid.cfd())
    assert found.model.method.name == "mr-l1"
    expected = (forward(network, normalized(images()))[:, 0] + 1) / 2 * 6 + 1
    given = found.model.grid.decode(np.asarray(found.model(images())))
    np.testing.assert_allclose(given, expected, atol=1e-5)


def test_the_labels_of_the_file_are_the_grid(read):
    maker = Maker(6)
    labels = np.arange(0, 100.1, 0.5)
    head = [*softmax_head(maker, 128, 201), expectation(labels)]
    network = maker.age_net(TINY_WIDTHS, 1, head)
    with pytest.raises(ConfigError, match="of no known grid"):
        read(network)
    with pytest.raises(ConfigError, match="of no known grid"):
        read(network, grid=LabelGrid(0, 200, 1))
    found = read(network, grid=LabelGrid(0, 100, 0.5))
    assert found.model.method.name == "er"
    decoded = found.model.grid.decode(np.asarray(found.model(images())))
    np.testing.assert_allclose(decoded, forward(network, normalized(images())), atol=1e-4)


def running_deviations(network):
    """What old files have: 1 / sqrt(variance + eps)."""
    for module in network.fields["modules"]:
        if "running_var" in module.fields:
            variance = module.fields.pop("running_var").astype(np.float64)
            module.version = 1
            module.fields["running_std"] = ((variance + 1e-5) ** -0.5).astype("f4")


def in_one_storage(network):
    """What getParameters() does: every tensor a part of one storage, kernels here transposed."""
    parts = [np.zeros(3, "f4")]
    storage = Storage(None)
    for module in network.fields["modules"]:
        for name, value in module.fields.items():
            if isinstance(value, np.ndarray) and value.size:
                first = sum(part.size for part in parts) + 1
                order = tuple(reversed(range(value.ndim)))
                parts.append(value.transpose(order).reshape(-1))
                strides = tuple(np.cumprod([1, *value.shape[:-1]]).tolist())
                module.fields[name] = Strided(storage, value.shape, strides, first)
    storage.values = np.concatenate(parts)


@pytest.mark.parametrize("change", [running_deviations, in_one_storage])
def test_the_same_network_in_other_forms(read, change):
    network = tiny(10)
    expected = forward(network, normalized(images()))
    change(network)
    np.testing.assert_allclose(read(network).model(images()), expected, atol=2e-6)


def test_an_average_that_sums_is_scaled(read):
    network = tiny(8)
    average = pooling("nn.SpatialAveragePooling", 2, 2)
    del average.fields["divide"]
    network.fields["modules"][-4] = average
    check(read(network, input_size=64), network, images(size=64))


def test_of_the_copies_for_several_devices_the_first_is_read(read):
    network = tiny(10)
    check(read(Module("nn.DataParallelTable", {"modules": [network, network]})), network)


@pytest.mark.parametrize("head", ["identities", "nothing"])
def test_a_face_model_becomes_a_backbone_to_start_from(read, tmp_path, head):
    from keras_dldl.models import build_model
    from keras_dldl.training.warm_start import copy_matching_layers

    maker = Maker(11)
    modules = [maker.linear(128, 500), simple("nn.LogSoftMax")] if head == "identities" else []
    network = maker.age_net(TINY_WIDTHS, 1, modules)
    found = read(network, out=tmp_path / "faces.keras")
    assert (found.has_head, found.model.backbone_name) == (False, "tiny-age-net")
    assert found.model.card["imported"]["head"] is False
    assert read(network).model.get_weights()[-2].tolist() == found.model.get_weights()[-2].tolist()

    target = build_model("tiny-age-net", LabelGrid.scut_fbp(), "dldl-v2", input_size=32)
    report = copy_matching_layers(target, load_model(tmp_path / "faces.keras"))
    assert (len(report.copied), report.left) == (26, ("logits",))
    network.fields["modules"] = network.fields["modules"][:46]
    expected = forward(network, normalized(images()))
    features = target.get_layer("hybrid_pooling").output
    import keras

    given = keras.Model(target.input, features)(images(), training=False)
    np.testing.assert_allclose(given, expected, atol=2e-5)


def test_backbone_only_leaves_the_head(read):
    network = tiny(12, 77)
    with pytest.raises(ConfigError, match="label grid is not in this file"):
        read(network)
    assert not read(network, backbone_only=True).has_head


def test_it_predicts_as_any_model(read):
    network = tiny(13)
    face = images(1)[0]
    p = predict_age(face, detect=False, model=read(network).model)
    views = normalized(np.stack([face, face[:, ::-1]]))
    assert p.value == pytest.approx(float((forward(network, views) @ AGES).mean()), abs=1e-4)


@pytest.mark.parametrize(
    ("widths", "name", "size", "parameters"),
    [(TINY_WIDTHS, "tiny-age-net", 224, 936981), (THIN_WIDTHS, "thin-age-net", 32, 3712453)],
)
def test_both_networks_and_the_full_size(read, widths, name, size, parameters):
    maker = Maker(14)
    head = [*softmax_head(maker, widths[-1]), joint(AGES)]
    network = maker.age_net(widths, size // 32, head)
    found = read(network, input_size=size)
    assert (found.model.backbone_name, found.model.count_params()) == (name, parameters)
    faces = images(1, size)
    distribution, _ = forward(network, normalized(faces))
    np.testing.assert_allclose(found.model(faces), distribution, atol=2e-6)


def test_another_input_size_is_named_where_one_fits(read):
    network = tiny(15, average=2)
    with pytest.raises(ConfigError, match="such as 64. Received: input_size=32"):
        read(network)
    check(read(network, input_size=64), network, images(size=64))


def set_field(index, name, value):
    def change(modules):
        modules[index].fields[name] = value

    return change


def swap(index, module):
    def change(modules):
        modules[index] = module

    return change


DAMAGES = {
    "kernel of other channels": (set_field(3, "nInputPlane", 3), "nInputPlane` must be 16"),
    "weight of another shape": (
        set_field(0, "weight", np.zeros((16, 3, 3, 2), "f4")), "must have shape"),
    "weight missing": (set_field(0, "weight", None), "`weight` must be a tensor"),
    "weight of integers": (
        set_field(0, "weight", np.zeros((16, 3, 3, 3), "i4")), "must be a tensor"),
    "weight not finite": (
        set_field(0, "weight", np.full((16, 3, 3, 3), np.nan, "f4")), "finite"),
    "mean too long": (set_field(1, "running_mean", np.zeros(3, "f4")), "must have shape"),
    "variance negative": (set_field(1, "running_var", -np.ones(16, "f4")), "not be negative"),
    "stride 0": (set_field(0, "dW", 0), "`dW` must be a whole number, 1 or more"),
    "stride a text": (set_field(0, "dW", "1"), "`dW` must be a number"),
    "kernel of a half": (set_field(0, "kH", 2.5), "`kH` must be a whole number"),
    "kernel endless": (set_field(0, "kH", float("inf")), "`kH` must be finite"),
    "weights beyond float32": (
        set_field(0, "weight", np.full((16, 3, 3, 3), 1e300)), "fit into float32"),
    "a border as wide as the kernel": (set_field(0, "padH", 3), "must be the same"),
    "groups": (set_field(0, "groups", 2), "`groups` must be 1"),
    "a leaky ReLU": (set_field(2, "threshold", 0.5), "`threshold` must be 0"),
    "a border wider than half a window": (set_field(6, "padW", 2), "must be the same"),
    "a view of another size": (swap(-3, view(7)), "a vector of 128"),
    "a SoftMax in the middle": (swap(2, simple("nn.SoftMax")), "has nn.ReLU here"),
    "a linear layer on a map": (swap(-3, simple("nn.Dropout", p=0.5, v2=True)), "nn.View"),
    "linear of other features": (
        set_field(-2, "weight", np.zeros((101, 7), "f4")), "must have shape"),
    "bias of other outputs": (set_field(-2, "bias", np.zeros(100, "f4")), "must have shape"),
    "dropout of all": (
        lambda modules: modules.insert(-2, simple("nn.Dropout", p=1.0)), "in \\[0, 1\\)"),
    "a stride": (set_field(0, "dH", 2), "must be the same"),
    "an eps of nothing": (
        lambda modules: modules[1].fields.update(eps=0.0, running_var=np.zeros(16, "f4")), "`eps`"),
    "other channels": (set_field(0, "nOutputPlane", 2), "a backbone, 16 .tiny-age-net., 32"),
    "no convolution": (swap(0, relu()), "must begin as tiny-age-net"),
    "a dropout in the middle": (swap(2, simple("nn.Dropout")), "has nn.ReLU here"),
    "two more layers": (lambda modules: modules.insert(-2, relu()), "nothing but nn.Dropout"),
    "a layer less": (lambda modules: modules.pop(-3), "with View or Reshape after"),
    "a table of three branches": (swap(-1, Module("nn.ConcatTable", {"modules": []})), "ExpOut"),
    "modules not a list": (
        swap(2, Module("nn.Sequential", {"modules": {2: relu()}})), "must be a list"),
    "a number among modules": (
        swap(2, Module("nn.Sequential", {"modules": [5.0]})), "must hold modules"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_does_not_fit_is_refused(read, damage):
    maker = Maker(16)
    head = softmax_head(maker, 128)
    if damage == "a table of three branches":
        head.append(None)
    network = maker.age_net(TINY_WIDTHS, 1, head)
    change, message = DAMAGES[damage]
    change(network.fields["modules"])
    with pytest.raises((ModelFileError, ConfigError), match=message) as caught:
        read(network)
    assert "Received: " in str(caught.value)


def test_modules_within_modules_cannot_run_away(read):
    module = relu()
    for _ in range(20):  # each holds the one before twice: a million ReLUs in a small file
        module = sequential(module, module)
    with pytest.raises(ModelFileError, match="may have 1000 modules"):
        read(module)


@pytest.mark.parametrize("value", [None, 3.0, "text", {"model": 1.0}, [relu()], relu()])
def test_what_is_no_network_is_refused(read, value):
    with pytest.raises(ModelFileError, match="must hold one network"):
        read(value)


def test_options_that_do_not_fit_the_head(read, tmp_path):
    network = tiny(18)
    assert read(network, method="dex").model.method.name == "dex"
    with pytest.raises(ConfigError, match="a head of 101 outputs"):
        read(network, method="mr-l1")
    with pytest.raises(ConfigError, match="must have 101 labels"):
        read(network, grid=LabelGrid.cfd())
    with pytest.raises(ConfigError, match="must end in .keras"):
        read(network, out=tmp_path / "model.h5")
