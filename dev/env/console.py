# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What the tools say, and how they run other programs."""

import contextlib
import fcntl
import os
import subprocess
import threading
import time
from pathlib import Path

from .. import settings

HEARTBEAT_SECONDS = 15
KEPT_LOGS = 60


class DevError(Exception):
    """Something the person must know or do; shown without a traceback."""


def say(text):
    """Print one line at once, also when the output is a pipe."""
    print(text, flush=True)


@contextlib.contextmanager
def step(label):
    """Announce a step, say every few seconds that it goes on, and how long it took."""
    started = time.monotonic()
    done = threading.Event()

    def beat():
        while not done.wait(HEARTBEAT_SECONDS):
            say(f"   … {label}: {time.monotonic() - started:.0f} s")

    say(f"-- {label}")
    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    seconds = time.monotonic() - started
    if seconds > 2:
        say(f"   {label}: done in {seconds:.0f} s")


def log_file(name):
    """Return a new log file of this process; the newest, and those of running processes, stay."""
    settings.LOG_DIR.mkdir(parents=True, exist_ok=True)
    # Another run may tidy up at the same moment.
    with contextlib.suppress(FileNotFoundError):
        for old in sorted(settings.LOG_DIR.glob("*.log"), key=os.path.getmtime)[:-KEPT_LOGS]:
            if not Path("/proc", old.stem.rpartition("-")[2]).is_dir():
                old.unlink()
    return settings.LOG_DIR / f"{name}-{os.getpid()}.log"


def run(command, log_name, **options):
    """Run a program with its output in a log; show the end of it when the program fails."""
    log = log_file(log_name)
    command = [str(part) for part in command]
    with log.open("wb") as output:
        code = subprocess.call(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **options
        )
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        raise DevError(f"{tail}\n{os.path.basename(command[0])} failed ({code}); all of it: {log}")
    return log


@contextlib.contextmanager
def lock(name, shared=False):
    """Hold a lock that ends with the process, however it ends."""
    with (_lock_folder() / name).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield handle


def is_locked(name):
    """Tell whether any process holds this lock."""
    with (_lock_folder() / name).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _lock_folder():
    folder = settings.CACHE_DIR / "lock"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
