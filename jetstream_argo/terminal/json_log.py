"""Log records as lines of JSON, as log stores of clusters take them apart."""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

_OWN = {*vars(logging.makeLogRecord({})), "message", "asctime"}


class JsonLines(logging.Formatter):
    """Writes a record as one line: time, severity, logger and message, and the facts beside it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **facts_of(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def facts_of(record: logging.LogRecord) -> Mapping[str, object]:
    """Return what stands beside a record's message, as `extra` gave it."""
    return {name: value for name, value in vars(record).items() if name not in _OWN}
