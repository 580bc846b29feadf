"""The settings for TensorFlow Serving: read by its own parser, and a user's changes survive."""

import logging

import pytest
import yaml

from keras_dldl.export.server_files import (
    USUAL_BATCH,
    model_name,
    server_files,
    write_server_files,
)

NAMES = ["models.config", "batching.config", "docker-compose.yml"]


def test_tensorflow_serving_reads_the_list_of_models():
    config = pytest.importorskip(
        "tensorflow_serving.config.model_server_config_pb2",
        reason="tensorflow-serving-api (extra dev) is missing",
    )
    from google.protobuf import text_format

    text = server_files("served/age", "2.21.0")["models.config"]
    (model,) = text_format.Parse(text, config.ModelServerConfig()).model_config_list.config
    assert (model.name, model.base_path, model.model_platform) == (
        "age",
        "/models/age",
        "tensorflow",
    )
    assert model.model_version_policy.latest.num_versions == 1


def test_batching_has_the_fields_of_its_message_and_takes_what_the_client_sends():
    text = server_files("age", "2.21.0")["batching.config"]
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    found = {name: value for name, _, _, value, _ in lines}
    # tensorflow_serving/servables/tensorflow/session_bundle_config.proto, BatchingParameters
    assert set(found) == {
        "max_batch_size", "enable_large_batch_splitting", "max_execution_batch_size",
        "batch_timeout_micros", "num_batch_threads", "max_enqueued_batches",
    }  # fmt: skip
    assert found.pop("enable_large_batch_splitting") == "true"
    assert int(found["max_execution_batch_size"]) == USUAL_BATCH == 32
    assert int(found["max_batch_size"]) % USUAL_BATCH == 0
    assert all(int(value) > 0 for value in found.values())


@pytest.mark.parametrize("wrote", ["2.21.0", "2.21.0-rc1"])
def test_the_container_is_of_the_exact_version_and_mounts_what_it_is_told_of(wrote):
    service = yaml.safe_load(server_files("served/Age", wrote)["docker-compose.yml"])["services"]
    (name,) = service
    assert name == "age"
    service = service[name]
    assert service["image"] == "tensorflow/serving:2.21.0"
    assert service["volumes"] == [".:/models/Age:ro"]
    flags = dict(flag.removeprefix("--").split("=") for flag in service["command"])
    assert flags["model_config_file"] == "/models/Age/models.config"
    assert flags["batching_parameters_file"] == "/models/Age/batching.config"
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.parametrize(
    ("folder", "name"), [("a/b c", "b-c"), ("/", "model"), ("ü", "model"), ("x_1.2", "x_1.2")]
)
def test_names_are_safe_in_addresses_and_paths(folder, name):
    assert model_name(folder) == name


def test_a_users_changes_are_kept_unless_forced(tmp_path, caplog):
    write_server_files(tmp_path, "2.21.0")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    (tmp_path / "batching.config").write_text("max_batch_size { value: 8 }\n")
    with caplog.at_level(logging.WARNING, logger="keras_dldl"):
        write_server_files(tmp_path, "2.21.0")
    assert [str(tmp_path / "batching.config") in text for text in caplog.messages] == [True]
    assert (tmp_path / "batching.config").read_text() == "max_batch_size { value: 8 }\n"
    write_server_files(tmp_path, "2.21.0", force=True)
    assert "32" in (tmp_path / "batching.config").read_text()
