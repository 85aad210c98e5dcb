"""What the fake refuses for its size, and how it lists what a query reads."""

from dataclasses import dataclass

from tests.warehouse.bigquery.fake_server.rules import LARGEST_PAGE, LARGEST_ROW


@dataclass(slots=True)
class Limits:
    """SQL of more characters is too big, and so is SQL in which a pattern is found; rows of more bytes are too large.

    A query is too big that has more than `largest_sort` rows put in order by one worker. A page of an answer ends
    before `largest_page` bytes. A dry run lists `listed_tables` at most; with `lists_views` views beside what is behind
    them, and with `lists_wildcards` a wildcard as it is written instead of the tables that it matches.

    With `requires_key` nothing is written, answers included, but under a
    key of the customer's, as an organisation's policy may say (constraints/gcp.restrictNonCmekServices).
    """

    longest_query: int | None = None
    too_big: str | None = None
    largest_row: int = LARGEST_ROW
    largest_page: int = LARGEST_PAGE
    largest_sort: int | None = None
    listed_tables: int = 50
    lists_views: bool = False
    lists_wildcards: bool = False
    requires_key: bool = False
