"""Adds up all splits of a few units that are as improbable as the one found."""

from collections.abc import Iterator, Sequence
from functools import cache
from math import comb, exp, lgamma, log, log1p

MOST_SPLITS = 50_000  # a tenth of a second
SAME = 1e-7  # splits whose probabilities differ by less are equally probable; as scipy and R have it
TWO = 2
_NEGLIGIBLE = 1e-20


def exact_split_p_value(units: Sequence[int], shares: Sequence[float]) -> float | None:
    """Return the probability of all splits that are at most as probable as `units`, if assigned by `shares`.

    `shares` are positive, to any total. None if there are more than `MOST_SPLITS` to go through; those into two
    branches are gone through until what is left is negligible, however many there are.

    Source:
        The exact multinomial test; of two branches, the binomial test.
    """
    whole = sum(shares)
    return _p_value(tuple(units), tuple(share / whole for share in shares))


@cache
def _p_value(units: tuple[int, ...], shares: tuple[float, ...]) -> float | None:
    total = sum(units)
    if len(units) == TWO:
        return _of_two(units, shares)
    if comb(total + len(units) - 1, len(units) - 1) > MOST_SPLITS:
        return None
    factorials = [lgamma(count + 1) for count in range(total + 1)]
    logs = [log(share) for share in shares]
    found = factorials[total] + sum(n * weight - factorials[n] for n, weight in zip(units, logs, strict=True))
    limit = found + log1p(SAME)
    at_most = (split for split in _splits(total, logs, factorials, factorials[total]) if split <= limit)
    return min(sum(map(exp, at_most)), 1.0)


def _splits(left: int, logs: Sequence[float], factorials: Sequence[float], so_far: float) -> Iterator[float]:
    """Yield the logarithm of each split's probability."""
    weight, *others = logs
    if not others:
        yield so_far + left * weight - factorials[left]
        return
    for count in range(left + 1):
        yield from _splits(left - count, others, factorials, so_far + count * weight - factorials[count])


def _of_two(units: tuple[int, ...], shares: tuple[float, ...]) -> float:
    """Sum the binomial law's tails, from 0 on in the branch in which fewer units are expected."""
    few = 0 if shares[0] <= shares[1] else 1
    total, share, found = sum(units), shares[few], units[few]
    # From the logarithm of each probability to the next by their ratio.
    term, odds = total * log1p(-share), log(share) - log1p(-share)
    limit = lgamma(total + 1) - lgamma(found + 1) - lgamma(total - found + 1) + found * log(share)
    limit += (total - found) * log1p(-share) + log1p(SAME)
    p_value = 0.0
    for count in range(total + 1):
        # The terms are steeper than a power: what follows adds less than this one.
        if count > max(found, total * share) and exp(term) <= _NEGLIGIBLE * p_value:
            break
        if term <= limit:
            p_value += exp(term)
        if count < total:
            term += log(total - count) - log(count + 1) + odds
    return min(p_value, 1.0)
