"""Random numbers and words that look like telemetry."""

import re

import numpy as np

from jetstream_argo.synthetic.population import Booleans, Floats, Integers

_WORDS = {
    "country": ("US", "DE", "FR", "GB", "CA", "PL", "IN", "BR"),
    "locale": ("en-US", "de", "fr", "en-GB", "pl", "pt-BR"),
    "channel": ("release", "beta", "nightly"),
    "os": ("Windows", "Mac", "Linux", "Android", "iOS"),
    "date": ("2022-04-06+00:00", "2022-04-12+01:00", "2026-01-31-05:00", "2026-05-04+00:00"),  # as telemetry writes it
}
_BITS = 28
_ZEROS = 0.25  # share of counts that are 0 on top of those that chance makes
_MOST_LIKELY = 0.8  # a boolean's highest rate before any effect


def magnitude(key: int, literals: tuple[object, ...]) -> float:
    """Return a typical size of a number: a third of a constant it is compared with, or one made up from `key`."""
    numbers = [abs(value) for value in literals if isinstance(value, int | float) and not isinstance(value, bool)]
    largest = max(numbers, default=0)
    return min(max(largest / 3, 1.0), 100.0) if largest else (2.0, 3.0, 5.0, 8.0)[key % 4]


def counts(mean: float, trait: Floats, factor: Floats, rng: np.random.Generator) -> Integers:
    """Return zero-inflated negative binomial counts whose expectation is in proportion to `factor`."""
    rate = mean * np.exp(0.6 * trait - 0.18) * rng.gamma(1.5, 1 / 1.5, size=len(trait)) * factor
    return rng.poisson(rate) * (rng.random(len(trait)) >= _ZEROS)


def durations(mean: float, trait: Floats, factor: Floats, rng: np.random.Generator) -> Floats:
    """Return lognormal values, each in proportion to `factor`."""
    spread = 0.9
    return np.asarray(
        mean * np.exp(0.6 * trait - 0.18 + spread * rng.standard_normal(len(trait)) - spread**2 / 2) * factor
    )


def flags(rate: float, trait: Floats, factor: Floats, rng: np.random.Generator) -> Booleans:
    """Return booleans whose rate is in proportion to `factor`, as long as that is at most 1.25."""
    usual = np.minimum(1 / (1 + np.exp(-(np.log(rate / (1 - rate)) + 0.9 * trait))), _MOST_LIKELY)
    return np.asarray(rng.random(len(trait)) < usual * factor)


def bit_patterns(size: int, rng: np.random.Generator) -> Integers:
    """Return integers whose lowest 28 bits say on which of 28 days something happened."""
    return rng.integers(1, 2**_BITS, size=size)


def words(name: str, literals: tuple[object, ...]) -> tuple[str, ...]:
    """Return what a text column may hold: the constants it is compared with and another word, or made-up words."""
    wanted = tuple(dict.fromkeys(str(value) for value in literals if value not in (None, "")))
    known = next((pool for part, pool in _WORDS.items() if part in re.split(r"[_\W]", name.lower())), ())
    if wanted:
        return (*wanted, *(word for word in known if word not in wanted)) if known else (*wanted, "other")
    return known or tuple(f"{name}_{index}" for index in range(12))


def choices(size: int, uniform: Floats) -> Integers:
    """Turn uniform numbers into indices below `size`, the first ones most often."""
    shares = 1 / np.arange(1, size + 1) ** 0.7
    return np.asarray(
        np.minimum(np.searchsorted(np.cumsum(shares / shares.sum()), uniform, side="right"), size - 1), dtype=np.int64
    )


def histogram(total: int, rng: np.random.Generator) -> str:
    """Return a histogram of `total` entries as JSON."""
    buckets = rng.multinomial(total, (0.4, 0.3, 0.2, 0.1))
    entries = ",".join(f'"{bucket}":{count}' for bucket, count in zip((0, 1, 10, 100), buckets, strict=True))
    middle = sum(bucket * int(count) for bucket, count in zip((0, 1, 10, 100), buckets, strict=True))
    return f'{{"bucket_count":4,"histogram_type":0,"sum":{middle},"range":[1,100],"values":{{{entries}}}}}'
