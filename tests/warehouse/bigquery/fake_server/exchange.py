"""What the fake is asked over HTTP, and what it answers."""

import json
from dataclasses import dataclass

from tests.warehouse.bigquery.fake_server.wire import Resource


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. `parts` are what the route's pattern caught."""

    parts: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        document = json.loads(self.body or b"{}")
        assert isinstance(document, dict)
        return document

    @property
    def table(self) -> str:
        return f"{self.parts['project']}.{self.parts['dataset']}.{self.parts['table']}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: int = 200
    body: Resource | None = None
    headers: tuple[tuple[str, str], ...] = ()


CUT = Answer(status=0)  # no answer: the connection is reset
