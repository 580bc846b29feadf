"""What TensorFlow says about itself stays off stderr; what anything else says does not."""

import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from keras_dldl._utils.backends import is_installed
from keras_dldl._utils.imports import around_import
from keras_dldl._utils.quiet import notes_dropped, quieten_pillow, quieten_tensorflow

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    finders = [one for one in sys.meta_path if type(one).__module__ != around_import.__module__]
    monkeypatch.setattr(sys, "meta_path", finders)
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)


@pytest.fixture
def fake_tensorflow(monkeypatch, tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'I0000 00:00 port.cc:153] oneDNN\\nsomething else\\n')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)


def test_only_the_notes_are_dropped(capfd):
    with notes_dropped(("NOTE ",)):
        os.write(2, b"NOTE one\nkept NOTE\n")
        os.write(2, b"NOTE two\nkept without an end")
    os.write(2, b"\nNOTE after\n")
    assert capfd.readouterr().err == "kept NOTE\nkept without an end\nNOTE after\n"


def test_what_was_held_back_is_shown_on_failure(capfd):
    with pytest.raises(ImportError), notes_dropped(("NOTE ",)):
        os.write(2, b"NOTE one\nwhy it failed\n")
        raise ImportError
    assert capfd.readouterr().err == "why it failed\n"


def test_the_import_of_tensorflow_is_quiet(capfd, fake_tensorflow):
    quieten_tensorflow()
    quieten_tensorflow()
    import tensorflow

    assert tensorflow.__spec__.name == "tensorflow"
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"
    assert capfd.readouterr().err == "something else\n"


def test_notes_about_tracing_several_models_are_dropped(caplog):
    quieten_tensorflow()
    logger = logging.getLogger("tensorflow")
    logger.warning("5 out of the last 7 calls to %s triggered tf.function retracing.", "<f>")
    logger.warning("the disk is full")
    assert caplog.messages == ["the disk is full"]


def test_the_import_is_quiet_after_a_look_whether_it_is_installed(capfd, fake_tensorflow):
    quieten_tensorflow()
    assert is_installed("tensorflow") and is_installed("tensorflow")
    import tensorflow  # noqa: F401

    assert capfd.readouterr().err == "something else\n"


def test_level_0_shows_all(capfd, fake_tensorflow, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    quieten_tensorflow()
    import tensorflow  # noqa: F401

    assert "oneDNN" in capfd.readouterr().err


def test_worker_processes_of_a_command_are_quiet(fake_tensorflow, tmp_path):
    # As the installed script is: it imports `main`, and so does each spawned worker.
    script = tmp_path / "script.py"
    script.write_text(
        "import importlib, multiprocessing\n"
        "from keras_dldl.cli.main import main\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    worker = context.Process(target=importlib.import_module, args=('tensorflow',))\n"
        "    worker.start()\n"
        "    worker.join()\n"
    )
    result = subprocess.run(
        [sys.executable, script],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == "something else\n"


def test_nothing_is_held_back_where_that_cannot_be_done(capfd, monkeypatch):
    def no_place(*_, **__):
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("tempfile.TemporaryFile", no_place)
    with notes_dropped(("NOTE ",)):
        os.write(2, b"NOTE one\n")
    assert capfd.readouterr().err == "NOTE one\n"


def test_stderr_may_be_none(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with notes_dropped(("NOTE ",)):
        done = True
    assert done


@pytest.mark.skipif(os.name != "posix", reason="closes a descriptor by the shell")
@pytest.mark.parametrize("given", ["2>&-", "2>&1 | exit 0"])
def test_a_command_runs_without_stderr(fake_tensorflow, tmp_path, given):
    code = (
        "import sys, time; time.sleep(0.2)\n"
        "from keras_dldl._utils.quiet import quieten_tensorflow\n"
        "quieten_tensorflow()\n"
        "import tensorflow\n"
        "open('done', 'w').close()\n"
    )
    # The fake writes to the descriptor, which is not there: what it is about is our own part.
    (tmp_path / "tensorflow.py").write_text("")
    subprocess.run(
        ["sh", "-c", f'"$0" -c "$1" {given}', sys.executable, code],
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        cwd=tmp_path,
        check=False,
    )
    assert (tmp_path / "done").exists()


def test_of_warnings_those_of_pillow_alone_are_dropped():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        quieten_pillow()
        for module in ("PIL.TiffImagePlugin", "PILOT"):
            warnings.warn_explicit(module, UserWarning, "file.py", 1, module=module)
    assert [str(warning.message) for warning in heard] == ["PILOT"]
