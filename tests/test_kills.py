"""Runs that are killed in every step."""

import pytest

from tests.kill_runs import campaign


@pytest.mark.slow
def test_a_run_that_is_killed_in_every_step_leaves_nothing_running_and_resumes_to_the_same_bytes(tmp_path):
    assert len(campaign(tmp_path, rounds=1, seed=7)) == 10
