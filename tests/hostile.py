"""A process that answers command lines in children of its own, so that each one's time and memory can be measured.

It reads lines of JSON, each a list of arguments, and writes one for each with exit code, seconds, memory and output.
The packages are imported once; a child begins where they are.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MOST_SECONDS, MOST_BYTES = 20, 2 << 30
#: Beyond it a child is ended, lest a mistake of ours takes the machine along.
_MOST_ADDRESSES = 12 << 30


class Answerer:
    """The process, seen from a test."""

    def __init__(self, folder: Path):
        environment = os.environ | {"XDG_STATE_HOME": str(folder / "state"), "XDG_DATA_HOME": str(folder / "data")}
        # -P: this file's folder has a `types` of its own, which is not the standard library's.
        self.process = subprocess.Popen([sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, cwd=folder, env=environment)

    def answer(self, *arguments: str) -> dict:
        self.process.stdin.write(json.dumps(arguments) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def _serve() -> None:
    import quantunet_hls.cli.sweep
    import quantunet_hls.flow.accelerator
    import quantunet_hls.training
    from quantunet_hls import cli
    from quantunet_hls.cli import accuracy, generate, train, zoo  # noqa: F401 (so that no child imports them)

    def only_jobs(console, grid, store, folders, *rest):
        grid.jobs(*folders)
        return 0

    quantunet_hls.cli.sweep._run = only_jobs
    for line in sys.stdin:
        arguments = json.loads(line)
        with tempfile.TemporaryFile() as output:
            began = time.monotonic()
            child = os.fork()
            if child == 0:
                _child(cli, arguments, output.fileno())
            _, status, usage = os.wait4(child, 0)
            output.seek(0)
            text = output.read(100_000).decode(errors="replace")
        code = os.waitstatus_to_exitcode(status)
        answer = {"code": code, "seconds": time.monotonic() - began, "cpu": usage.ru_utime + usage.ru_stime,
                  "bytes": usage.ru_maxrss * 1024, "output": text}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _child(cli, arguments: list[str], output: int) -> None:
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        # Of waiting for a pipe there is no end, and it takes no time of the processor.
        signal.alarm(6 * MOST_SECONDS)
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_ADDRESSES, _MOST_ADDRESSES))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        cli.main(arguments)
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    os._exit(99)


if __name__ == "__main__":
    _serve()
