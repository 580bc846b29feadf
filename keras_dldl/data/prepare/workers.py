"""Doing shards in this process or in several, with a bar; a worker ends with its parent."""

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from keras_dldl._utils.progress import progress
from keras_dldl._utils.threads import cores
from keras_dldl.data.prepare.jobs import ShardJob, is_done
from keras_dldl.data.prepare.writer import run_job
from keras_dldl.errors import DataError

MOST_WORKERS = 8


def run_all(jobs: list[ShardJob], workers: int) -> None:
    """Run the jobs that are not done, here or in several processes, and show the progress."""
    open_jobs = _not_done(jobs)
    # Of all jobs, not the open ones: a resumed run must have as many threads to a worker.
    workers = min(workers or min(cores(), MOST_WORKERS), len(jobs))
    done = sum(len(job.paths) for job in jobs) - sum(len(job.paths) for job in open_jobs)
    with progress(total=sum(len(job.paths) for job in jobs), label="aligning faces") as bar:
        bar.update(done)
        if workers <= 1:
            for job in open_jobs:
                run_job(job)
                bar.update(len(job.paths))
            return
        if open_jobs:
            _run_in_processes(open_jobs, workers, max(1, cores() // workers), bar)


def _not_done(jobs: list[ShardJob]) -> list[ShardJob]:
    """Return the jobs to do. Finished shards are read through, to do again what is damaged."""
    with progress(total=len(jobs), label="looking for finished shards") as bar:
        bar.leave = False
        left = []
        for job in jobs:
            left += [] if is_done(job) else [job]
            bar.update()
    return left


def _run_in_processes(jobs: list[ShardJob], workers: int, threads: int, bar) -> None:
    # Spawned, not forked: TensorFlow's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, start_worker, (threads,)) as pool:
        futures = {pool.submit(run_job, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                future.result()
                bar.update(len(futures[future].paths))
        except BrokenProcessPool as error:
            raise DataError(
                "A worker process died, perhaps for want of memory. Run the same command again to "
                f"continue, with fewer --workers. Received: workers={workers}"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def start_worker(threads: int) -> None:
    """Start a worker process: TensorFlow quiet, on this many threads; it ends with its parent."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    use_threads(threads)


def _end_with_parent() -> None:
    # A parent that is killed cannot end its workers; they would wait for work forever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def use_threads(count: int) -> None:
    """Keep TensorFlow to this many threads, where it is started in this process later."""
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(count)
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"
