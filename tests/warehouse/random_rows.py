"""Random rows for tables whose columns were inferred from SQL, and a comparison of two engines' rows."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from jetstream_argo.dialect.inference.columns import Guess
from jetstream_argo.dialect.types import Value

CLIENTS = [f"c{number}" for number in range(8)]
_NUMBERS = ["1", "2", "37"]


def random_rows(columns: Mapping[str, Guess], *, seed: str, rows: int = 40) -> list[dict[str, Value]]:
    """Return rows in which NULLs, and the constants that the SQL compares with, are frequent."""
    random = Random(seed)
    made = []
    for _ in range(rows):
        row = {name: _value(guess, random, name=name) for name, guess in columns.items()}
        row["client_id"] = random.choice(CLIENTS)
        made.append(row)
    return made


def _value(guess: Guess, random: Random, *, name: str = "", nullable: bool = True) -> Value:
    if nullable and random.random() < 0.15:
        return None
    if guess.element is not None:
        return [_value(guess.element, random, nullable=False) for _ in range(random.randrange(4))]
    if guess.fields and guess.type.startswith("STRUCT"):
        return {field: _value(inner, random, name=field) for field, inner in guess.fields.items()}
    if guess.type == "STRING" and name.endswith("_run_date"):
        return f"2022-04-{random.randrange(5, 20):02}-10:30"  # as the ping has it
    if guess.type == "STRING":
        return _text(guess, random)
    if guess.type == "JSON":
        return json.dumps({key: _value(inner, random) for key, inner in guess.keys.items()})
    return _number_or_time(guess, random)


def _number_or_time(guess: Guess, random: Random) -> Value:
    match guess.type:
        case "INT64":
            hints = [value for value in guess.values if isinstance(value, int) and not isinstance(value, bool)]
            return random.choice([*hints, *hints, 0, 1, 2, 5, 40])
        case "FLOAT64":
            numbers = [float(value) for value in guess.values if isinstance(value, int | float)]
            return random.choice([*numbers, 0.0, 0.5, 1.25, 1000.0])  # whose sums are exact
        case "BOOL":
            return random.random() < 0.5
        case "DATE":
            return date(2026, 5, 1) + timedelta(days=random.randrange(6))
        case "TIMESTAMP":
            hours, seconds = random.randrange(200), random.randrange(99)
            return datetime(2026, 5, 1, tzinfo=UTC) + timedelta(hours=hours, seconds=seconds)
        case other:
            raise ValueError(f"no values are made for {other}")


def _text(guess: Guess, random: Random) -> str:
    if "histogram" in guess.keys:
        values = {str(key): random.randrange(9) for key in sorted(random.sample(range(12), 4))}
        return random.choice(
            [
                json.dumps({"bucket_count": 12, "histogram_type": 1, "sum": 7, "range": [1, 9], "values": values}),
                json.dumps({"sum": 3, "range": [1, 2], "values": {}}),
                "0,5",
                "37",
                "5;1;9;1,50;0:1,3:2,7:4",
            ]
        )
    if guess.keys:
        return random.choice(
            [json.dumps({key: _value(inner, random) for key, inner in guess.keys.items()}), "{oops", "{}"]
        )
    hints = [value for value in guess.values if isinstance(value, str)]
    return random.choice([*hints, *hints, *_NUMBERS])


def same(left: object, right: object) -> bool:
    """Return whether two values are equal, floats to rounding; arrays element by element, structs by field."""
    match left, right:
        case float(), float() | int():
            return math.isclose(left, right, rel_tol=1e-12) or (math.isnan(left) and math.isnan(right))
        case int(), float():
            return same(right, left)
        case Decimal(), Decimal():
            return left == right
        case list(), list():
            return len(left) == len(right) and all(
                same(left_value, other) for left_value, other in zip(left, right, strict=True)
            )
        case dict(), dict():
            return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
        case _:
            return type(left) is type(right) and left == right


def same_rows(left: Sequence[Sequence[object]], right: Sequence[Sequence[object]]) -> bool:
    """Return whether two results have the same rows, in whichever order."""
    ordered = [sorted(rows, key=repr) for rows in (left, right)]
    return len(left) == len(right) and all(same(list(left), list(other)) for left, other in zip(*ordered, strict=True))
