"""The real worker, which is killed when it starts a node for the first time that KILLED_NODE names."""

import os
import signal
import sys
import time
from pathlib import Path

from jetstream_argo.cli.main import main

node = sys.argv[sys.argv.index("--node") + 1]
mark = Path(os.environ["KILLED_MARK"])
if node == os.environ["KILLED_NODE"] and not mark.exists():
    mark.touch()
    worker = os.getpid()
    # From outside: in an interpreter that is ending, an alarm of its own would end it as an alarm does, with 142.
    if os.fork() == 0:
        os.closerange(0, 3)
        time.sleep(float(os.environ["KILLED_AFTER"]))
        if os.getppid() == worker:
            os.kill(worker, signal.SIGKILL)
        os._exit(0)
main()
