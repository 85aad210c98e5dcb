"""A stand-in for the worker: it writes down that it ran, and ends as the test says.

FAKE_ENDINGS: a JSON object of a node's endings, one for each of its attempts in all runs: an exit code, negative for a
signal that it sends to itself. What is not listed succeeds. FAKE_JOURNAL: a folder with a file per node.
"""

import json
import os
import sys
import time
from pathlib import Path

_, command, option, node = sys.argv[:4]
assert (command, option) == ("task", "--node")
journal = Path(os.environ["FAKE_JOURNAL"]) / node
seen = journal.read_text().splitlines() if journal.exists() else []
kept = {name: value for name, value in os.environ.items() if name.startswith("JETSTREAM_")}
with journal.open("a") as file:
    file.write(json.dumps({"time": time.monotonic(), "environment": kept}) + "\n")
endings = json.loads(os.environ["FAKE_ENDINGS"]).get(node, [])
ending = endings[len(seen)] if len(seen) < len(endings) else 0
if ending < 0:
    os.kill(os.getpid(), -ending)
Path(os.environ["JETSTREAM_TERMINATION_LOG"]).write_text(f"{node} ended with {ending}")
Path(os.environ["JETSTREAM_SUMMARY"]).write_text(json.dumps({"ending": ending}))
sys.exit(ending)
