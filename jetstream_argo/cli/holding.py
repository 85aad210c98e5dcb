"""The messages of commands that write while they wait for an experiment's lease and hold it, and how long they wait."""

import os
import socket

import click

# A task that comes upon a deletion waits for it in place rather than as another pod.
TASK_WAITS_SECONDS = 60.0

wait_option = click.option(
    "--wait", "wait_seconds", type=click.FloatRange(0), default=0.0, metavar="SECONDS",
    help="How long to wait for commands that write to the experiment; without it, exit code 75 at once.",
)  # fmt: skip
task_wait_option = click.option(
    "--wait", "wait_seconds", type=click.FloatRange(0), default=TASK_WAITS_SECONDS, show_default=True,
    envvar="JETSTREAM_WAIT", metavar="SECONDS", help="How long to wait while rows of the experiment are taken away.",
)  # fmt: skip


def holder(command: str) -> str:
    """Return who holds a lease, for people: the command, the machine or pod, and the process."""
    return f"{command} on {socket.gethostname()} (process {os.getpid()})"
