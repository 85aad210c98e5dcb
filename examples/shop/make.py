"""Makes up the shop's files: python examples/shop/make.py. The new checkout raises orders by a tenth.

assignments.csv    a line per customer of the experiment: who saw which checkout from when on
orders.csv.gz      a line per order, from a week before the experiment to its end
"""

import csv
import gzip
import io
from datetime import date, timedelta
from pathlib import Path

import numpy as np

_FOLDER = Path(__file__).parent
_START = date(2026, 5, 4)
_CUSTOMERS, _ENROLLMENT_DAYS, _DAYS_BEFORE, _DAYS = 3_000, 7, 7, 42
_PER_DAY = 0.16  # orders of a customer
_EFFECT = 1.10


def main() -> None:
    """Write both files, the same bytes at every run."""
    rng = np.random.default_rng(20260504)
    customers = [f"c{number:05d}" for number in rng.permutation(90_000)[:_CUSTOMERS]]
    is_new = rng.integers(2, size=_CUSTOMERS).astype(bool)
    enrolled = rng.integers(_ENROLLMENT_DAYS, size=_CUSTOMERS)
    _write_assignments(customers, is_new, enrolled)
    _write_orders(customers, is_new, enrolled, rng)


def _write_assignments(customers: list[str], is_new: np.ndarray, enrolled: np.ndarray) -> None:
    with (_FOLDER / "assignments.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["customer_id", "experiment", "variant", "day"])
        for customer, new, day in zip(customers, is_new, enrolled, strict=True):
            writer.writerow([customer, "new-checkout", "new" if new else "old", _START + timedelta(days=int(day))])


def _write_orders(customers: list[str], is_new: np.ndarray, enrolled: np.ndarray, rng: np.random.Generator) -> None:
    habit = rng.gamma(2.0, 0.5, size=_CUSTOMERS)  # some order often, many hardly ever
    basket = rng.lognormal(3.4, 0.35, size=_CUSTOMERS)
    rows = []
    for offset in range(-_DAYS_BEFORE, _DAYS):
        sees_new = is_new & (offset >= enrolled)
        counts = rng.poisson(_PER_DAY * habit * np.where(sees_new, _EFFECT, 1.0))
        for customer in np.flatnonzero(counts):
            for _ in range(counts[customer]):
                amount = basket[customer] * rng.lognormal(0.0, 0.3)
                rows.append([customers[customer], _START + timedelta(days=offset), f"{amount:.2f}"])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["order_id", "customer_id", "day", "amount"])
    writer.writerows([f"{number:06d}", *row] for number, row in enumerate(rows, start=1))
    (_FOLDER / "orders.csv.gz").write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


if __name__ == "__main__":
    main()
