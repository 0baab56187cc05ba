"""What the workers of the sweep's tests do instead of the flow; each call leaves a line in a file."""

import os
import signal
import time
from pathlib import Path

from quantunet_hls.core.errors import BoardError
from quantunet_hls.reports import names
from quantunet_hls.reports.schema import Source
from tests.compare.builders import figure, report


def make(job):
    calls = Path(job.projects) / "calls"
    with calls.open("a") as stream:
        stream.write(f"{job.name}\n")
    times = calls.read_text().split().count(job.name)
    how = job.options["how"]
    if how == "killed once" and times == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "fails once" and times == 1:
        raise OSError("no space left")
    if how == "fails":
        raise ValueError("broken\nfor ever")
    if how == "refused":
        raise BoardError("It does not fit; take a larger board.")
    time.sleep(0.05)
    return report(job.name, [figure(names.LUT, len(job.name), Source.ESTIMATE)])
