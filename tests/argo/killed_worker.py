"""The real worker, which is killed when it starts a node for the first time that KILLED_NODE names."""

import os
import signal
import sys
from pathlib import Path

from jetstream_argo.cli.main import main

node = sys.argv[sys.argv.index("--node") + 1]
mark = Path(os.environ["KILLED_MARK"])
if node == os.environ["KILLED_NODE"] and not mark.exists():
    mark.touch()
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, float(os.environ["KILLED_AFTER"]))
main()
