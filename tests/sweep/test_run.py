import gc
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import dask
import pytest
from dask_jobqueue.local import LocalCluster as JobsOfThisMachine

from quantunet_hls.compare import open_designs
from quantunet_hls.core.errors import ConfigurationError
from quantunet_hls.core.files import sha256_json
from quantunet_hls.reports import names
from quantunet_hls.reports.parsers.sweeps import read_sweep
from quantunet_hls.sweep import cluster
from quantunet_hls.sweep.cluster import batch_client, job_script, jobs_client, local_client, remote_client
from quantunet_hls.sweep.grid import Job, grid_of
from quantunet_hls.sweep.results import Result, State, SweepResults
from quantunet_hls.sweep.run import run_sweep
from tests.compare.builders import figure, report
from tests.sweep.making import make


def job(name, how="", folder="."):
    return Job(name, "m", None, "zcu104", {"how": how}, str(folder), str(folder), sha256_json([name, how]))


def test_a_killed_worker_and_a_failure_are_tried_again_and_nothing_is_done_twice(tmp_path):
    hows = ["", "killed once", "", "fails once", "refused", "", "fails", ""]
    jobs = [job(f"d{i}", how, tmp_path) for i, how in enumerate(hows)]
    store, reasons = SweepResults(tmp_path / "s.sqlite"), []
    with local_client(2) as client:
        results = list(run_sweep(jobs, store, client, make=make, retries=3,
                                 retrying=lambda job, why: reasons.append((job.name, why))))
        states = {result.job.name: result.state for result in results}
        assert states == {f"d{i}": {"refused": State.REFUSED, "fails": State.FAILED}.get(how, State.DONE)
                          for i, how in enumerate(hows)}
        assert ("d1", "its worker died (killed, or out of memory)") in reasons
        assert ("d3", "OSError: no space left") in reasons
        assert {row[0]: row[2] for row in store.rows()}["d6"] == "ValueError: broken for ever"
        calls = Counter((tmp_path / "calls").read_text().split())
        assert (calls["d1"], calls["d3"], calls["d4"], calls["d6"]) == (2, 2, 1, 4)
        # The second time only what failed is tried again.
        before = (tmp_path / "calls").read_text()
        again = list(run_sweep(jobs, store, client, make=make, retries=0))
        assert [result.job.name for result in again] == ["d6"]
        assert (tmp_path / "calls").read_text() == before + "d6\n"
    assert sorted(design.report.name for design in open_designs([tmp_path / "s.sqlite"])) == [
        f"d{i}" for i, how in enumerate(hows) if how not in ("refused", "fails")]


def test_a_store_without_subjects_is_read_and_gets_them(tmp_path):
    store = SweepResults(tmp_path / "s.sqlite")
    store.put(Result(job("a"), State.DONE, report("a", [figure(names.LUT, 7)])))
    with sqlite3.connect(store.path) as connection:
        connection.executescript("ALTER TABLE figures DROP COLUMN subject; PRAGMA user_version = 1;")
    assert [found.name for found in read_sweep(store.path)] == ["a"]
    store.put(Result(job("b"), State.DONE, report("b", [figure(names.LUT, 8)])))
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("SELECT value, subject FROM figures ORDER BY value").fetchall() == [
            (7, "not stated"), (8, "RTL")]
    assert [found.name for found in read_sweep(store.path)] == ["a", "b"]


def test_the_store_can_be_asked_with_sql(tmp_path):
    store = SweepResults(tmp_path / "s.sqlite")
    first = report("a", [figure(names.LUT, 7)], {"conv": [figure(names.LUT, 3)]})
    store.put(Result(job("a"), State.DONE, first))
    store.put(Result(job("a"), State.DONE, first))
    store.put(Result(job("b"), State.FAILED, error="why"))
    assert read_sweep(store.path) == (first,)
    assert set(store.done().values()) == {State.DONE}
    with sqlite3.connect(tmp_path / "s.sqlite") as connection:
        found = connection.execute("SELECT layer, value, unit FROM figures WHERE name = 'lut' ORDER BY value")
        assert list(found) == [("conv", 3, "LUTs"), (None, 7, "LUTs")]


@pytest.mark.parametrize("content", [b"SQLite format 3\0" + b"\xff" * 200, b"", None])
def test_a_file_that_is_no_sweep(tmp_path, content):
    path = tmp_path / "s.sqlite"
    if content is None:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE mine (x)")
    else:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError):
        open_designs([path])


@pytest.mark.parametrize(("system", "line"), [("slurm", "#SBATCH -p gpu"), ("lsf", "#BSUB -q gpu")])
def test_job_scripts(system, line):
    script = job_script(system, {"queue": "gpu", "cores": 2, "memory": "4GB", "walltime": "01:00"})
    assert line in script
    assert "dask_worker" in script
    with pytest.raises(ConfigurationError, match="no option of a batch system"):
        job_script(system, {"cheese": 1})


# The stand-in never waits for its processes.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_batch_job_that_ends_before_its_time_is_replaced(tmp_path, monkeypatch):
    """With dask-jobqueue's own stand-in for a batch system, whose jobs are processes of this machine."""
    monkeypatch.setattr(cluster, "_RENEWED_EVERY", "1s")
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "1s", **cluster._SETTINGS}), JobsOfThisMachine(
        cores=1, processes=1, memory="1GB", log_directory=str(tmp_path),
        scheduler_options={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
    ) as jobs, jobs_client(jobs, 1) as client:
        (first,) = client.run(os.getpid, nanny=True).values()
        os.kill(first, signal.SIGKILL)
        results = list(run_sweep([job("d0", "", tmp_path)], SweepResults(tmp_path / "s.sqlite"), client, make=make))
        assert [result.state for result in results] == [State.DONE]
        (second,) = client.run(os.getpid, nanny=True).values()
        assert second != first
    del jobs, client
    gc.collect()


@pytest.mark.parametrize("system", ["slurm", "lsf"])
def test_a_batch_system_that_takes_no_jobs(system, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigurationError, match="does not take the jobs"), batch_client(system, {"memory": "1GB"}, 2):
        pass


@pytest.mark.slow
def test_twenty_four_designs_survive_a_killed_worker_and_are_made_once(tmp_path):
    nets = [{"unet": {"depth": 1, "base_channels": base, "size": [1, 4, 4 * base]}} for base in (1, 2)]
    grid = grid_of({"models": nets, "boards": ["zcu104", "kv260"], "multipliers": [8, 16],
                    "widths": ["3/4", "4/5", "4/6"], "toolchain": "none", "images": 1, "to": "csim"})
    jobs = grid.jobs(tmp_path / "p", tmp_path / "r")
    assert len({job.key for job in jobs}) == len({job.name for job in jobs}) == 24
    store, reasons, results = SweepResults(tmp_path / "s.sqlite"), [], []
    with local_client(2) as client:
        victims = client.run(os.getpid)
        assert len(victims) == 2
        for result in run_sweep(jobs, store, client, retrying=lambda job, why: reasons.append(why)):
            results.append(result)
            if len(results) == 5:
                os.kill(next(iter(victims.values())), signal.SIGKILL)
    assert [result.state for result in results] == [State.DONE] * 24
    assert any("died" in why for why in reasons)
    assert all(each.report.equal for each in results)
    changed = {path: path.stat().st_mtime_ns for path in Path(tmp_path / "p").rglob("*.json")}
    begun = time.monotonic()
    with local_client(2) as client:
        assert list(run_sweep(grid.jobs(tmp_path / "p", tmp_path / "r"), store, client)) == []
    assert {path: path.stat().st_mtime_ns for path in Path(tmp_path / "p").rglob("*.json")} == changed
    assert time.monotonic() - begun < 60
    assert len(open_designs([tmp_path / "s.sqlite"])) == 24


@contextmanager
def running(*command):
    """A program of Dask's in the background, ended with the block."""
    process = subprocess.Popen([sys.executable, "-m", "distributed.cli." + command[0], *command[1:]],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_a_scheduler_that_runs_already_and_its_worker(tmp_path):
    """Programs of their own, as on a cluster: they know nothing of our settings."""
    told = tmp_path / "scheduler.json"
    with running("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", told):
        while not told.exists():
            time.sleep(0.1)
        address = json.loads(told.read_text())["address"]
        with running("dask_worker", address, "--nworkers", "1", "--nthreads", "1", "--no-dashboard"):
            jobs = [job("a", "", tmp_path), job("b", "killed once", tmp_path), job("c", "fails", tmp_path)]
            with remote_client(address) as client:
                results = list(run_sweep(jobs, SweepResults(tmp_path / "s.sqlite"), client, make=make, retries=1))
    assert {result.job.name: result.state for result in results} == {
        "a": State.DONE, "b": State.DONE, "c": State.FAILED}


def test_nobody_answers():
    with pytest.raises(ConfigurationError, match="No Dask scheduler answers at"), \
            remote_client("tcp://127.0.0.1:1"):
        pass
