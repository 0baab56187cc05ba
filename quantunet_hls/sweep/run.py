"""Working a sweep off on Dask: what is known is not done again, what fails or is killed is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from quantunet_hls.reports.schema import Report
from quantunet_hls.sweep.grid import Job
from quantunet_hls.sweep.results import Result, State, SweepResults
from quantunet_hls.sweep.work import Answer, attempt, build

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["run_sweep"]


def run_sweep(
    jobs: Sequence[Job],
    store: SweepResults,
    client: Client,
    *,
    make: Callable[[Job], Report | None] = build,
    retries: int = 3,
    retrying: Callable[[Job, str], None] = lambda job, why: None,
) -> Iterator[Result]:
    """Make all designs that the store has not, keeping each result as soon as it is there.

    Args:
        jobs: to do.
        store: of the results.
        client: of Dask's workers.
        make: what makes a design of a job; must be importable where the workers run.
        retries: how often a job may be begun again after a failure or its worker's death.
        retrying: called with the reason when it is.

    Yields:
        each result, in the order that they come in; not those that were known before.
    """
    from distributed import as_completed

    known = store.done()
    attempts = {job.key: 0 for job in jobs}

    def submit(job: Job) -> Future:
        attempts[job.key] += 1
        # A key of its own for each attempt: Dask would give the failed one's outcome again.
        return client.submit(attempt, make, job, key=f"design-{job.key}-{attempts[job.key]}", pure=False)

    running = {submit(job): job for job in jobs if job.key not in known}
    waiting = as_completed(list(running))
    for future in waiting:
        job = running.pop(future)
        state, value, seconds = _answer(future)
        if state == State.FAILED and attempts[job.key] <= retries:
            retrying(job, str(value))
            again = submit(job)
            running[again] = job
            waiting.add(again)
            continue
        report = Report.from_dict(value, job.name) if state == State.DONE else None
        result = Result(job, State(state), report, "" if report else str(value), attempts[job.key], seconds)
        store.put(result)
        yield result


def _answer(future: Future) -> Answer:
    if future.status == "finished":
        answer: Answer = future.result()
        return answer
    error = future.exception() if future.status == "error" else None
    return "failed", _reason(error), 0.0


def _reason(error: BaseException | None) -> str:
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return "its worker died (killed, or out of memory)"
    return f"{type(error).__name__}: {' '.join(str(error).split())}" if error else "its worker was lost"
