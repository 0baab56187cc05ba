"""Where a sweep's jobs run: this machine, a Dask scheduler, or a batch system (Slurm, LSF)."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from quantunet_hls.core.errors import ConfigurationError, UnknownNameError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["BATCH_SYSTEMS", "batch_client", "batch_cluster", "job_script", "local_client", "remote_client"]

#: Batch systems that dask-jobqueue is asked for here.
BATCH_SYSTEMS = ("slurm", "lsf")

#: What of dask-jobqueue's options a grid may give.
_OPTIONS = ("account", "cores", "death_timeout", "interface", "job_extra_directives", "job_script_prologue",
            "local_directory", "log_directory", "memory", "processes", "project", "queue", "walltime")

_LOG = logging.getLogger(__name__)

#: How often jobs that have ended are replaced.
_RENEWED_EVERY = "10s"
#: How long it is no news that no job has begun yet.
_PATIENCE_S = 60

_SETTINGS = {
    # The first death of a worker is told to us, and we decide how often to try again.
    "distributed.scheduler.allowed-failures": 0,
    # No design waits on a worker for its turn: it would die with the worker and count as tried.
    "distributed.scheduler.worker-saturation": 1.0,
    # The flow starts processes of its own.
    "distributed.worker.daemon": False,
    # In the workers' processes; what matters of it comes back as a job's outcome.
    "logging": {"distributed": "critical"},
}


@contextmanager
def local_client(workers: int | None = None) -> Iterator[Client]:
    """Workers on this machine, one process a core; one that dies is replaced.

    Args:
        workers: how many; by default as many as this process may use cores.
    """
    import dask
    from distributed import Client, LocalCluster

    count = workers or len(os.sched_getaffinity(0))
    if count < 1:
        raise ConfigurationError(f"A sweep can't run on {count} workers; give 1 or more.")
    with dask.config.set(_SETTINGS), LocalCluster(
        n_workers=count, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False}, memory_limit=0, silence_logs=logging.CRITICAL,
    ) as cluster, Client(cluster) as client:
        yield client


@contextmanager
def remote_client(address: str) -> Iterator[Client]:
    """Workers of a running Dask scheduler, which must see the same files under the same paths.

    Raises:
        ConfigurationError: nobody answers at the address.
    """
    from distributed import Client

    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise ConfigurationError(
            f"No Dask scheduler answers at {address!r} ({error}); start one with dask scheduler and give tcp://HOST:PORT."
        ) from error
    with client:
        yield client


@contextmanager
def batch_client(kind: str, options: Mapping[str, Any], jobs: int) -> Iterator[Client]:
    """Workers in as many jobs of a batch system; a job that is cancelled or runs out of time is replaced.

    Args:
        kind: one of :data:`BATCH_SYSTEMS`.
        options: of dask-jobqueue's cluster: cores, memory, walltime, queue and so on.
        jobs: how many batch jobs to submit.

    Raises:
        ConfigurationError: an unknown system, options that it does not take, or a job that it refuses.
    """
    import dask

    with dask.config.set(_SETTINGS), batch_cluster(kind, options) as cluster, jobs_client(cluster, jobs) as client:
        yield client


@contextmanager
def jobs_client(cluster: Any, jobs: int) -> Iterator[Client]:
    """Workers in as many jobs of dask-jobqueue's cluster, however many of them end before their time.

    Raises:
        ConfigurationError: where the batch system refuses a job.
    """
    from distributed import Client
    from distributed.core import Status

    async def submitted() -> None:
        for _ in range(jobs):
            cluster.worker_spec.update(cluster.new_worker_spec())
        await cluster

    with Client(cluster) as client:
        try:
            # Not cluster.scale, which submits in the background, where a refusal reaches nobody.
            cluster.sync(submitted)
        except (OSError, RuntimeError) as error:
            for job in cluster.workers.values():
                if job.status == Status.created:  # in which the cluster can't be closed
                    job.status = Status.failed
            raise ConfigurationError(
                f"The batch system does not take the jobs ({_told(error)}); correct the grid's cluster: {{...}}, or "
                "run where its commands are installed."
            ) from error
        cluster.adapt(minimum_jobs=jobs, maximum_jobs=jobs, interval=_RENEWED_EVERY)
        try:
            client.wait_for_workers(1, timeout=_PATIENCE_S)
        except TimeoutError:
            _LOG.warning("No batch job has begun to work within %d s; the batch system's queue tells whether they wait "
                         "for their turn, and their logs whether they ended at once.", _PATIENCE_S)
        yield client


def _told(error: Exception) -> str:
    """What the batch system's command said, or how it ended where it said nothing."""
    head, _, said = str(error).partition("stderr:")
    return " ".join((said.strip() or head.partition("stdout:")[0]).split())


def batch_cluster(kind: str, options: Mapping[str, Any]) -> Any:
    """dask-jobqueue's cluster of a batch system, before any job is submitted.

    Raises:
        ConfigurationError: an unknown system, or options that it does not take.
    """
    import dask_jobqueue

    if kind not in BATCH_SYSTEMS:
        raise UnknownNameError("batch system", kind, BATCH_SYSTEMS)
    for name in options:
        if name not in _OPTIONS:
            raise UnknownNameError("option of a batch system's cluster", str(name), _OPTIONS)
    classes = {"slurm": dask_jobqueue.SLURMCluster, "lsf": dask_jobqueue.LSFCluster}
    try:
        return classes[kind](**{"cores": 1, "processes": 1, "memory": "8GB", **options},
                             scheduler_options={"dashboard": False, "dashboard_address": "127.0.0.1:0"})
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(
            f"The batch system {kind} can't be set up so ({reason}); correct the grid's cluster: {{...}}."
        ) from error


def job_script(kind: str, options: Mapping[str, Any]) -> str:
    """What would be given to the batch system, for a person to look at; submits nothing."""
    with batch_cluster(kind, options) as cluster:
        return str(cluster.job_script())
