"""The command table: help, exit statuses, one-line failures, options on either side."""

import logging
import signal
import subprocess
import sys
import types
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import keras_dldl
from keras_dldl.cli.main import COMMANDS, cli
from keras_dldl.cli.options import LOGGER, set_up_logging
from keras_dldl.errors import ConfigError, ModelFileError, NoFaceFound
from keras_dldl.saved_models import find_model

ROOT = Path(__file__).parents[2]


@pytest.fixture
def install(monkeypatch):
    """Return a function that puts a command with the body it is given in the place of predict."""

    def install(body, *params):
        module = types.ModuleType("keras_dldl.cli.predict")
        module.command = click.Command("predict", callback=body, params=list(params))
        monkeypatch.setitem(sys.modules, module.__name__, module)

    return install


@pytest.fixture(autouse=True)
def restored_logging():
    logger = logging.getLogger(LOGGER)
    level, handlers = logger.level, list(logger.handlers)
    yield
    logger.setLevel(level)
    logger.handlers = handlers


def failing(error):
    def body():
        raise error

    return body


def run(*args):
    return CliRunner().invoke(cli, list(args))


def start(body, encoding=None):
    """Start a process with a command of the expression `body` in the place of predict."""
    code = f"""
import click, sys, time, types
module = types.ModuleType("keras_dldl.cli.predict")
module.command = click.Command("predict", callback=lambda: {body})
sys.modules[module.__name__] = module
from keras_dldl.cli.main import main
main(["predict"])
"""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding=encoding,
        cwd=ROOT,
    )


def test_help_lists_every_command_in_the_order_of_work():
    result = run("--help")
    assert result.exit_code == 0
    places = [result.stdout.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)


def test_version():
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout == f"keras-dldl, version {keras_dldl.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_its_options_and_takes_the_common_ones_once(name):
    result = run(name, "--help")
    assert result.exit_code == 0, result.output
    command = cli.get_command(click.Context(cli), name)
    assert command.help
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help, f"{name} {param.opts[0]} has no help"
            assert param.opts[0] in result.stdout
    cli.get_command(click.Context(cli), name)  # a second time, which adds nothing
    options = [option for param in command.params for option in param.opts]
    assert options.count("--debug") == options.count("--log-level") == 1


@pytest.mark.parametrize("args", [["nonesuch"], ["predict", "--nonesuch"], ["--nonesuch"]])
def test_wrong_usage_exits_2(install, args):
    install(lambda: None)
    result = run(*args)
    assert result.exit_code == 2
    assert "nonesuch" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NoFaceFound("No face in a.jpg.\n  Pass x."), "No face in a.jpg. Pass x."),
        (FileNotFoundError(2, "No such file", "a.jpg"), "No such file: a.jpg"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (KeyError("label"), "KeyError: 'label'"),
        (ValueError(), "ValueError"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_a_failure_is_one_line_on_stderr_and_exits_1(install, error, line):
    install(failing(error))
    result = run("predict")
    assert result.exit_code == 1
    assert result.stderr == f"Error: {line}\n"
    assert result.stdout == ""


def test_a_setting_out_of_range_is_wrong_usage(install):
    install(failing(ConfigError("`size` must be 32 or more. Received: 3")))
    result = run("predict")
    assert result.exit_code == 2
    assert result.stderr == "Error: `size` must be 32 or more. Received: 3\n"


@pytest.mark.parametrize("args", [["--debug", "predict"], ["predict", "--debug"]])
def test_debug_on_either_side_shows_the_traceback(install, args):
    install(failing(NoFaceFound("No face.")))
    result = run(*args)
    assert result.exit_code == 1
    assert "Traceback (most recent call last)" in result.stderr
    assert result.stderr.endswith("Error: No face.\n")


def test_debug_holds_for_a_failure_in_another_option(install):
    def callback(ctx, param, value):
        raise NoFaceFound("No face.")

    install(lambda face: None, click.Option(["--face"], callback=callback))
    assert "Traceback" in run("predict", "--face", "x", "--debug").stderr


def test_a_click_failure_keeps_its_own_status(install):
    def body():
        click.get_current_context().exit(7)

    install(body)
    assert run("predict").exit_code == 7
    install(failing(click.BadParameter("too small")))
    assert run("predict").exit_code == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_help_page_that_cannot_be_written():
    code = "from keras_dldl.cli.main import main; main(['--help'])"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1


def test_ctrl_c_says_stopped_and_exits_130(install):
    install(failing(KeyboardInterrupt()))
    result = run("predict")
    assert result.exit_code == 130
    assert result.stderr == "Stopped.\n"


def test_ctrl_c_as_a_signal_exits_130():
    with start("(click.echo('up'), time.sleep(60))") as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (130, "Stopped.\n")


def test_a_reader_that_goes_away_is_a_quiet_end():
    with start("[(click.echo('x' * 1000), time.sleep(0.01)) for _ in range(1000)]") as process:
        process.stdout.readline()
        process.stdout.close()
        stderr = process.stderr.read()
        process.wait(timeout=30)
    assert (process.returncode, stderr) == (1, "")


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        (["predict"], ["INFO told", "WARNING warned"]),
        (["--log-level", "warning", "predict"], ["WARNING warned"]),
        (["predict", "--log-level", "warning"], ["WARNING warned"]),
        (["--log-level", "error", "predict", "--log-level", "debug"], ["DEBUG", "INFO", "WARNING"]),
    ],
)
def test_log_level_on_either_side(install, args, shown):
    def body():
        logger = logging.getLogger("keras_dldl.predict")
        logger.debug("noted")
        logger.info("told")
        logger.warning("warned")

    install(body)
    lines = run(*args).stderr.splitlines()
    assert len(lines) == len(shown)
    assert all(text in line for text, line in zip(shown, lines, strict=True))


def test_logging_set_up_twice_says_a_thing_once(capsys):
    set_up_logging("info")
    set_up_logging("info")
    logging.getLogger("keras_dldl.predict").info("once")
    assert capsys.readouterr().err.count("once") == 1


def test_messages_come_once_where_another_library_logs_too(monkeypatch, capsys):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    set_up_logging("info")
    logging.info("theirs")  # noqa: LOG015  what LiteRT's export does
    logging.getLogger("keras_dldl.predict").warning("ours")
    logging.getLogger("another.library").warning("a warning of theirs")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "WARNING ours" in lines[0] and lines[1] == "a warning of theirs"


@pytest.mark.parametrize(("encoding", "stream"), [("cp1252", "stdout"), ("utf-8", "stderr")])
def test_a_name_that_the_output_cannot_spell_does_not_end_the_run(encoding, stream, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    name = "łódź \udceb.jpg"
    echo = f"click.echo(name, err={stream == 'stderr'})"
    with start(f"[{echo} for name in ({name!r}, 'b.jpg')]", encoding=encoding) as process:
        written = dict(zip(("stdout", "stderr"), process.communicate(timeout=60), strict=True))
    spelled = name.encode(encoding, "backslashreplace").decode(encoding)
    assert process.returncode == 0
    assert written[stream].splitlines() == [spelled, "b.jpg"]


@pytest.mark.parametrize(
    ("line", "nearest"),
    [
        ("predcit a.jpg", "predict"),
        ("export --model m --out o --format tflite", "litert"),
        ("export --model m --out o --format saved_model", "saved-model"),
        ("export --model m --out o --format tfltie", "litert"),
        ("predict a.jpg --engine onxx", "onnx"),
        ("--log-level wran models", "warning"),
        ("predict a.jpg --modle m", "'--model'"),
        ("evaluate --splt test", "'--split'"),
        ("records verify d --jsno", "'--json'"),
        ("train --int m", "'--init'"),
        ("train --expectation_weight 2", "'--lambda'"),
        ("predict a.jpg --no-detetc", "'--no-detect'"),
        ("predict a.jpg --task agee", "age"),
        ("prepare cvs --root r --out o", "csv"),
        ("prepare csv --root r --out o --grid scut_fbp", "scut-fbp"),
        ("explain ocluson", "'occlusion'"),
        ("Predict a.jpg", "predict"),
        ("prepare CSV --root r --out o", "csv"),
        ("train --data d --out o --optimizer adamww", "adamw"),
        ("split d --out o --split offical", "official"),
    ],
)
def test_for_a_name_that_is_none_the_nearest_is_offered(line, nearest):
    result = run(*line.split())
    assert result.exit_code == 2
    assert f"Did you mean {nearest}?" in result.stderr


def test_a_name_that_is_near_nothing():
    result = run("xyzzy")
    assert result.exit_code == 2 and result.stderr.endswith("Error: No such command 'xyzzy'.\n")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("help", "No such command 'help'. Help: keras-dldl [COMMAND] --help"),
        ("help train", "keras-dldl train --help"),
        ("a.jpg", "keras-dldl predict a.jpg"),
        ("explain a.jpg --out o", "keras-dldl explain attention a.jpg"),
        (f"records {ROOT}", f"keras-dldl records info {ROOT}"),
        ("predict -dash.jpg", "./-dash.jpg, or behind --."),
        ("predict b.jpg --dash.jpg", "./--dash.jpg, or behind --."),
    ],
)
def test_a_file_or_help_in_the_place_of_a_command_or_option(line, hint):
    result = run(*line.split())
    assert result.exit_code == 2 and hint in result.stderr


def test_a_class_of_the_users_own_does_not_end_a_command_unheard(install):
    install(lambda: sys.exit())
    result = run("predict")
    assert result.exit_code == 1 and result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: Code of your own must return") and "sys.exit(None) in" in line


@pytest.mark.parametrize(
    "line",
    [
        "predict a.jpg --model nowhere",
        "explain attention a.jpg --model nowhere --out {out}",
        "evaluate --model nowhere --manifest {table} --root {root} --out {out}",
        "serve --model nowhere --port 0",
        "prepare csv --csv {table} --root {root} --out {out}",
    ],
)
def test_a_detector_that_is_none_is_told_before_a_model_or_a_picture_is_read(line, tmp_path):
    table = tmp_path / "faces.csv"
    table.write_text("path,label\na.jpg,30\n")
    places = {"table": table, "root": tmp_path, "out": tmp_path / "out"}
    result = run(*line.format(**places).split(), "--detector", "no_such_module:X")
    assert result.exit_code == 2
    assert "The module of a detector must be importable" in result.stderr.splitlines()[-1]


def test_for_a_model_that_is_none_the_nearest_is_offered():
    with pytest.raises(ModelFileError, match="Did you mean tiny-age"):
        find_model("tiny-aeg")
    with pytest.raises(ConfigError, match="Did you mean onnx"):
        keras_dldl.predict_age([], engine="onxx")
