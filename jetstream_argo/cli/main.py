"""The command line's commands, and the exit codes that errors become."""

import errno
import importlib
import io
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from jetstream_argo.argo.pod import pod
from jetstream_argo.cli.summaries import SUMMARIES
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_RETRY, EXIT_UNFORESEEN, JetstreamArgoError, unforeseen
from jetstream_argo.terminal.json_log import JsonLines, facts_of
from jetstream_argo.terminal.text import printable, say

# A command's module is loaded when the command is called: pods start fast and load only what they use.
_COMMANDS = {
    "load": "jetstream_argo.cli.loading:load",
    "tables": "jetstream_argo.cli.loading:tables",
    "init": "jetstream_argo.cli.drafting:init",
    "plan": "jetstream_argo.cli.planning:plan",
    "explain": "jetstream_argo.cli.explaining:explain",
    "graph": "jetstream_argo.cli.planning:graph",
    "validate": "jetstream_argo.cli.validating:validate",
    "run": "jetstream_argo.cli.running:run",
    "task": "jetstream_argo.cli.task:task",
    "list": "jetstream_argo.cli.listing:list_experiments",
    "results": "jetstream_argo.cli.reporting:results",
    "report": "jetstream_argo.cli.pages:report",
    "compare": "jetstream_argo.cli.agreeing:compare",
    "status": "jetstream_argo.cli.reporting:status",
    "costs": "jetstream_argo.cli.costing:costs",
    "delete": "jetstream_argo.cli.upkeep:delete",
    "shred": "jetstream_argo.cli.shredding:shred",
    "retire": "jetstream_argo.cli.retiring:retire",
    "restate": "jetstream_argo.cli.restating:restate",
    "check": "jetstream_argo.cli.records:check",
    "size": "jetstream_argo.cli.sizing:size",
    "synthesize": "jetstream_argo.cli.synthesizing:synthesize",
    "demo": "jetstream_argo.cli.demo:demo",
    "workflow": "jetstream_argo.cli.workflows:workflow",
    "submit": "jetstream_argo.cli.workflows:submit",
    "submit-due": "jetstream_argo.cli.workflows:submit_due",
    "shared-scan": "jetstream_argo.cli.sharing:shared_scan",
    "watch": "jetstream_argo.cli.watching:watch",
    "retry": "jetstream_argo.cli.watching:retry",
    "doctor": "jetstream_argo.cli.doctoring:doctor",
    "completion": "jetstream_argo.cli.completing:completion",
}


_PACKAGE = "jetstream_argo"
_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ESTALE)


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._summary(ctx, name)) for name in self.list_commands(ctx)])

    def _summary(self, ctx: click.Context, name: str) -> str:
        command = None if name in SUMMARIES else self.get_command(ctx, name)
        return SUMMARIES[name] if command is None else command.get_short_help_str()


@click.command(
    cls=_Commands,
    epilog="Example: jetstream-argo demo. Of each command: jetstream-argo COMMAND --help",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option("-v", "--verbose", is_flag=True, envvar="JETSTREAM_VERBOSE", help="Log what is done.")
@click.option(
    "--log",
    type=click.Choice(["text", "json"]),
    default="text",
    envvar="JETSTREAM_LOG",
    help="How it is logged; as JSON, a task also says when it begins and how it ended.",
)
@click.version_option(package_name="jetstream-argo")
def commands(verbose: bool, log: str) -> None:
    """Analyse experiments: one small, retriable task per data source and metric."""
    handler = logging.StreamHandler()
    as_text = _WithFacts("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if log == "json" else as_text)
    level = logging.INFO if verbose or log == "json" else logging.WARNING
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger(_PACKAGE).setLevel(level)


class _WithFacts(logging.Formatter):
    """An event and the facts beside it, which the usual formatter leaves out."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        facts = [f"{name}={value}" for name, value in facts_of(record).items()]
        return printable(" ".join([text, *facts]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 our own mistake, 2 the definition is wrong, 75 worth retrying."""
    sys.exit(exit_code_of(sys.argv[1:] if arguments is None else arguments))


def exit_code_of(arguments: Sequence[str], *, kept: object = None) -> int:
    """Run one command; return its exit code, after printing what went wrong, on a line if nobody foresaw it.

    `kept` is what the command finds as its context's object: what a process keeps from one command to the next.
    """
    try:
        code = commands.main(list(arguments), prog_name="jetstream-argo", standalone_mode=False, obj=kept)
        return code if isinstance(code, int) else 0
    except JetstreamArgoError as error:
        say(f"{error}", err=True, color="red" if sys.stderr.isatty() else None)
        _tell_pod(str(error))
        return error.exit_code
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(file=shown)
        say(shown.getvalue(), err=True, end="")
        _tell_pod(error.format_message())
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        say("stopped; run again to go on from here", err=True)
        return EXIT_RETRY
    except BrokenPipeError:  # the reader, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _failed(error, *_of_a_file(error))
    except Exception as error:  # noqa: BLE001  # the last door: whatever comes here is told in a line, not a traceback
        return _failed(error, unforeseen(error), EXIT_UNFORESEEN)


def _of_a_file(error: OSError) -> tuple[str, int]:
    """Return what to say of a file or folder that failed, such as the warehouse's own, and the exit code."""
    if error.filename is None or isinstance(error.filename, int):
        return unforeseen(error), EXIT_UNFORESEEN
    name = os.fsdecode(error.filename)
    line = f"{name}: {error.strerror}; check that it is there, that there is room, and that it may be read and written"
    return line, EXIT_RETRY if error.errno in _PASSING else EXIT_DEFINITION


def _failed(error: Exception, line: str, code: int) -> int:
    """Say in a line what happened, also as the pod's message; the traceback is for -v."""
    say(line, err=True, color="red" if sys.stderr.isatty() else None)
    logging.getLogger(__name__).info("failed", exc_info=error)
    _tell_pod(line)
    return code


def _tell_pod(line: str) -> None:
    """Say it where Argo listens: else a node's message would be the end of its log."""
    with suppress(OSError):
        pod(os.environ).say(line)
