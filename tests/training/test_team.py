"""Several devices and several processes against one: the same weights."""

import signal
import socket
import time
from importlib.util import find_spec

import numpy as np
import pytest

from keras_dldl.errors import ConfigError, TrainingError
from keras_dldl.training.team import Team, folder_of, joined, team_of
from tests.training.runs import arrays, finish, numbers, start, wait_for
from tests.training.small_data import write_small_data

EPOCHS = 12
# Of weights up to 1 after 36 steps: sums over a batch are added up in another order.
TOLERANCE = 2e-6
# After the first epoch all layers learn: a step that is compiled anew.
AVERAGED = "--epochs 2 --ema 0.8 --sampling balanced --freeze convolution --freeze-epochs 1".split()
needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed")


def settings(data, out, *more, feed="memory"):
    """40 faces in batches of 16; 11 to validate, which two devices cannot share without rest."""
    text = f"train --data {data} --out {out} --model small --batch-size 16 --epochs {EPOCHS}"
    text += f" --set optimizer=sgd --set augment.mixup=0.3 --set feed={feed}"
    return [*text.split(), *map(str, more)]


def check_same_weights(run, other):
    pairs = list(zip(arrays(run), arrays(other), strict=True))
    assert sum(array.size for array, _ in pairs) > 1000
    for one, two in pairs:
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=TOLERANCE)
    for one, two in zip(numbers(run), numbers(other), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_small_data(tmp_path_factory.mktemp("data"), train=40, val=11)


@pytest.fixture(scope="module")
def alone(data, tmp_path_factory):
    """One JAX process without TensorFlow: one device, then two, then what follows training."""
    folder = tmp_path_factory.mktemp("alone")
    one = folder / "one"
    words = [
        *settings(data, one, "--devices", 1), "--then",
        *settings(data, folder / "averaged-one", "--devices", 1, *AVERAGED), "--then",
        *settings(data, folder / "averaged-two", "--devices", 2, *AVERAGED), "--then",
        *settings(data, folder / "parts", "--devices", 2, "--accumulate", 2), "--then",
        *f"evaluate --model {one} --data {data} --out {folder}/report".split(), "--then",
        *f"export --model {one} --format saved-model --out {folder}/served".split(),
    ]  # fmt: skip
    flags = "--xla_force_host_platform_device_count=2"
    process = start(words, "jax", WITHOUT_TENSORFLOW="1", XLA_FLAGS=flags)
    return folder, *finish(process)


@needs_jax
@pytest.mark.slow
def test_two_devices_give_the_weights_of_one_on_jax(alone):
    folder, _, out, err = alone
    assert out.count("exit status 0") == 4, err
    assert len(numbers(folder / "one")) == EPOCHS
    check_same_weights(folder / "averaged-one", folder / "averaged-two")
    assert numbers(folder / "averaged-one") != numbers(folder / "one")[:2]


@needs_jax
@pytest.mark.slow
def test_parts_on_two_devices_are_refused_before_anything_is_written(alone):
    folder, _, _, err = alone
    assert "Received: accumulate=2, 2 devices." in err
    assert not (folder / "parts").exists()


@needs_jax
@pytest.mark.slow
def test_without_tensorflow_all_but_export_is_done_and_export_says_what_it_needs(alone):
    folder, status, out, err = alone
    assert out.splitlines()[-1] == "imported jax"
    assert (folder / "report" / "metrics.json").exists()
    assert status == 2 and "Error: " in err and "needs TensorFlow" in err
    assert not (folder / "served").exists()


@needs_jax
@pytest.mark.slow
def test_a_lost_process_stops_the_others_and_all_go_on_to_the_weights_of_one(alone, data, tmp_path):
    run = tmp_path / "run"

    def team(*more):
        address = f"localhost:{free_port()}"
        return [
            start(
                settings(data, run, *more), "jax", WITHOUT_TENSORFLOW="1", **variables(address, k)
            )
            for k in range(2)
        ]

    first, second = team()
    try:
        wait_for(run / "checkpoint" / "state.npz", first)
        second.send_signal(signal.SIGKILL)
        begun = time.monotonic()
        status, _, err = finish(first)
    finally:
        first.kill()
        second.kill()
        finish(second)
    assert status == 1, err
    assert "Error: A process of this run was lost" in err and "--resume" in err
    assert time.monotonic() - begun < 60
    assert 0 < len(numbers(run)) < EPOCHS

    results = [finish(process) for process in team("--resume")]
    assert [status for status, _, _ in results] == [0, 0], results
    assert all("Going on after epoch" in err for _, _, err in results)
    check_same_weights(run, alone[0] / "one")


@pytest.mark.slow
def test_two_devices_give_the_weights_of_one_on_tensorflow(data, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    words = [
        *settings(data, one, "--devices", 1, *AVERAGED, feed="tf-data"),
        "--then",
        *settings(data, two, "--devices", 2, *AVERAGED, feed="tf-data"),
    ]
    _, out, err = finish(start(words, "tensorflow", TENSORFLOW_DEVICES="2"))
    assert out.count("exit status 0") == 2, err
    check_same_weights(one, two)


def variables(address, process):
    return {
        "KERAS_DLDL_COORDINATOR": address,
        "KERAS_DLDL_PROCESSES": "2",
        "KERAS_DLDL_PROCESS": str(process),
    }


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def test_a_team_is_described_by_options_or_variables(monkeypatch):
    assert team_of() == Team()
    for name, value in variables("host:12", 1).items():
        monkeypatch.setenv(name, value)
    assert team_of() == Team("host:12", 2, 1)
    assert team_of(process=0) == Team("host:12", 2, 0)
    monkeypatch.setenv("KERAS_DLDL_PROCESS", "second")
    with pytest.raises(ConfigError, match="`process` must be a whole number.*'second'"):
        team_of()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (("host:1", 2, None), "Received: no process"),
        ((None, 2, 0), "Received: no coordinator"),
        (("host", 2, 0), "HOST:PORT.*'host'"),
        (("host:1", 2, 2), "from 0 to 1"),
        (("host:1", 0, 0), "`process` must be from 0"),
    ],
)
def test_a_wrong_team_is_refused(given, reason):
    with pytest.raises(ConfigError, match=reason):
        team_of(*given)


def test_several_processes_on_another_back_end_are_refused_with_the_reason(monkeypatch):
    monkeypatch.setattr("keras_dldl._utils.backends.backend_name", lambda: "tensorflow")
    with pytest.raises(ConfigError, match="keras issue 20585.*KERAS_BACKEND=tensorflow"):
        with joined(Team("host:1", 2, 0)):
            pass


def test_only_the_first_process_writes_into_the_run_folder(tmp_path):
    with folder_of(Team(), tmp_path / "run") as folder:
        assert folder == tmp_path / "run"
    with folder_of(Team("host:1", 2, 1), tmp_path / "run") as folder:
        assert tmp_path not in folder.parents
        folder.mkdir()
    assert not folder.exists()


def test_one_process_asks_nobody():
    def fail():
        raise TrainingError("no run")

    assert Team().agree(lambda: b"x") == b"x"
    with pytest.raises(TrainingError, match="no run"):
        Team().agree(fail)
    Team().check_same({"seed": 1})
