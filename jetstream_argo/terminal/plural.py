"""Writes numbers of things: `1 row`, `2 rows`."""


def counted(number: int, noun: str) -> str:
    """Return `1 window`, `2 windows`, `3,000 queries`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1]}ies" if noun.endswith("y") else f"{number:,} {noun}s"
