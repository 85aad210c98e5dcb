"""Serves the fake from a process: `python -m tests.warehouse.bigquery.fake_server --root DIR --port N`."""

import argparse
import json
from pathlib import Path

from tests.warehouse.bigquery.fake_server.faults import Call, Fault
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery, http_server

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--root", type=Path, required=True, help="folder of the tables, as the embedded engine keeps them")
parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
parser.add_argument("--project", default=PROJECT)
parser.add_argument("--dataset", action="append", default=[], help="is there, beside those that have tables in DIR")
parser.add_argument("--longest-query", type=int, help="SQL of more characters is refused as too big")
parser.add_argument("--page-rows", type=int, help="so many rows a page at most, whatever is asked for")
parser.add_argument("--too-big", help="SQL in which this pattern is found is refused as too big")
parser.add_argument("--fault", action="append", default=[], help='JSON, as in {"call": "jobs.insert", "status": 503}')
arguments = parser.parse_args()

fake = FakeBigQuery(arguments.root, project=arguments.project, datasets=arguments.dataset)
fake.limits.longest_query = arguments.longest_query
fake.limits.too_big = arguments.too_big
fake.page_rows = arguments.page_rows or fake.page_rows
for text in arguments.fault:
    order = json.loads(text)
    fake.faults.order(Fault(**{**order, "call": Call(order["call"])}))
server = http_server(fake, arguments.port)
print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)  # noqa: T201  # what the caller waits for
server.serve_forever()
