import json
import logging
import sys

from jetstream_argo.terminal.json_log import JsonLines


def test_a_record_is_one_line_with_its_facts_beside_it():
    record = logging.makeLogRecord(
        {"name": "jetstream_argo.cli.task", "levelname": "INFO", "msg": "ended\n%s", "args": ("x",)}
    )
    record.node, record.failed_metrics = "week-clients", {"clicks": "no such column"}

    line = JsonLines().format(record)

    assert "\n" not in line
    read = json.loads(line)
    assert read["message"] == "ended\nx"
    assert (read["severity"], read["node"]) == ("INFO", "week-clients")
    assert read["failed_metrics"] == {"clicks": "no such column"}


def test_what_is_no_json_is_written_as_text_and_a_traceback_stays_one_line():
    record = logging.makeLogRecord({"msg": "failed"})
    record.kind = {1}
    try:
        raise ValueError("x")
    except ValueError:
        record.exc_info = sys.exc_info()

    line = JsonLines().format(record)

    assert "\n" not in line
    assert "ValueError" in json.loads(line)["traceback"]
