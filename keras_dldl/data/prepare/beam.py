"""`prepare` on Apache Beam, for data sets that outgrow one machine.

A shard is an element: workers do what `shards.run_job` does, and write into the same folder.
Which machines, how many, and what happens when one dies is the business of the Beam runner.
"""

import io
import json
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import asdict
from pathlib import Path
from typing import Any

from keras_dldl._utils import files
from keras_dldl.data.prepare.options import PrepareOptions
from keras_dldl.data.prepare.shards import ShardJob, is_done, run_job, use_threads
from keras_dldl.errors import ConfigError, DataError

# The runner of Beam's Python package alone: its DirectRunner downloads a program of another kind.
LOCAL_RUNNER = "FnApiRunner"
JOBS_FOLDER = "jobs"
# How long a network file system may hide from one machine what another one has written.
SECONDS_TO_APPEAR = 60.0

_ONE_AT_A_TIME = threading.Lock()


def beam_runner(options: Sequence[str] = ()) -> Callable[[Sequence[ShardJob]], None]:
    """Return a function that does the jobs that are not done yet; `prepare` takes it as `run_jobs`.

    The folders `root` and `out` of the jobs must be there under the same path on every worker and
    on the calling machine, such as a network file system. A pipeline that failed or was killed
    leaves its finished shards, and the next call continues from them. The function raises a
    DataError if the pipeline failed, or ended without a shard.

    Args:
        options: Beam's pipeline options as on its command line, such as "--runner=FlinkRunner" and
            "--flink_master=host:8081". Without a runner all is done in this process.

    Raises:
        ConfigError: apache_beam is not installed, or refuses the options.
    """
    pipeline_options = _pipeline_options(options)
    import apache_beam as beam

    def run_jobs(jobs: Sequence[ShardJob]) -> None:
        todo = [job for job in jobs if not is_done(job)]
        if not todo:
            return
        notes = [_write_note(job) for job in todo]
        try:
            with beam.Pipeline(options=pipeline_options) as pipeline:
                shards = pipeline | "shards" >> beam.Create(notes) | "spread" >> beam.Reshuffle()
                _ = shards | "align faces" >> beam.Map(run_noted_job)
        except Exception as error:
            raise DataError(
                "The Beam pipeline failed; its finished shards are kept, and the same call again "
                f"goes on from them. Received: {_reason(error)}"
            ) from error
        _check_all_done(todo)
        for note in notes:
            Path(note).unlink(missing_ok=True)
        Path(notes[0]).parent.rmdir()

    return run_jobs


def run_noted_job(note: str) -> str:
    """Do the shard whose job is noted in a file; return its name. This is what workers run.

    Raises:
        DataError: this machine does not see the folders.
    """
    try:
        content = json.loads(Path(note).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _unseen("--out", note) from None
    options = PrepareOptions(**content.pop("options"))
    job = ShardJob(**{**content, "paths": tuple(content["paths"]), "options": options})
    if not Path(job.root).is_dir():
        # Else every image of it would be left out as one that cannot be read.
        raise _unseen("--root", job.root)
    use_threads(1)  # runners start a process for every core they may use
    # Runners have threads of their own; faces of many shards at once would fill the memory.
    with _ONE_AT_A_TIME:
        return run_job(job)


def _pipeline_options(options: Sequence[str]) -> Any:
    try:
        from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
        from apache_beam.runners import create_runner
    except ImportError as error:
        raise ConfigError(
            "Preparing on Beam needs the package apache-beam: pip install 'keras-dldl[beam]'. "
            f"Received: {error}"
        ) from error
    said = io.StringIO()
    try:
        with redirect_stderr(said):  # where a refused option has pages of usage printed
            parsed = PipelineOptions(list(options))
            standard = parsed.view_as(StandardOptions)
            standard.runner = standard.runner or LOCAL_RUNNER
            create_runner(standard.runner)
            parsed.get_all_options()  # reads them all
    except (SystemExit, ValueError, ImportError, AttributeError) as error:
        reason = said.getvalue().strip().splitlines()[-1:] or [str(error)]
        raise ConfigError(
            "Beam's pipeline options must be as its runner takes them, each --name=value. "
            f"Received: {' '.join(options)} ({reason[0]})"
        ) from error
    return parsed


def _write_note(job: ShardJob) -> str:
    """Write a job to a file; return its path.

    Only paths travel in the pipeline itself, because services take small ones: Dataflow's may have
    10 MB, which the rows of a few hundred shards would fill.
    """
    path = job.report_path.parent / JOBS_FOLDER / job.report_path.name
    files.write_json(path, asdict(job))
    return str(path)


def _check_all_done(jobs: Sequence[ShardJob]) -> None:
    deadline = time.monotonic() + SECONDS_TO_APPEAR
    left = [job for job in jobs if not is_done(job)]
    while left and time.monotonic() < deadline:
        time.sleep(1)
        left = [job for job in left if not is_done(job)]
    if left:
        raise DataError(
            "The Beam pipeline ended, and shards are not there: workers and the calling machine "
            "must see --out as one folder. The same call continues from those that are there. "
            f"Received: {len(left)} of {len(jobs)} missing in {jobs[0].out}, first {left[0].name}"
        )


def _unseen(option: str, path: str) -> DataError:
    return DataError(
        f"Workers must see {option} under the same path as the calling machine, as on a network "
        f"file system. Received: {path}, which is not there on {socket.gethostname()}"
    )


def _reason(error: Exception) -> str:
    """Return the last line of an error, which has the worker's traceback before it.

    >>> _reason(RuntimeError("Traceback ...\\nkeras_dldl.errors.DataError: No [while running]"))
    'No'
    """
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    reasons = [line.partition("Error: ")[2] for line in lines if "Error: " in line] or lines
    return reasons[-1].partition(" [while running")[0]
