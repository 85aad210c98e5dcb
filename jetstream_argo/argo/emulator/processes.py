"""How commands run on this machine, and how all of them are stopped."""

import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_NOT_FOUND = 127  # a shell's exit code for a command that is not there
_BY_SIGNAL = 128  # a shell's, and Kubernetes', exit code for a signal is this and the signal's number


class Processes:
    """The processes that are running."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def run(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
        """Run a command to its end, its output into a file, and return the exit code as Kubernetes counts."""
        with log.open("wb") as output:
            with self._lock:
                if self._stopping.is_set():
                    return _BY_SIGNAL + signal.SIGTERM
                try:
                    process = subprocess.Popen(
                        command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output
                    )
                except OSError as error:
                    output.write(f"{command[0]}: cannot be started: {error.strerror}".encode())
                    return _NOT_FOUND
                self._running.append(process)
            code = process.wait()
        with self._lock:
            self._running.remove(process)
        return code if code >= 0 else _BY_SIGNAL - code

    def stop(self) -> None:
        """Ask every process to end, and start no other."""
        with self._lock:
            self._stopping.set()
            for process in self._running:
                with suppress(ProcessLookupError):
                    process.terminate()

    def pause(self, seconds: float) -> bool:
        """Wait, and return whether all goes on; False at once when the processes are being stopped."""
        return not self._stopping.wait(seconds)
