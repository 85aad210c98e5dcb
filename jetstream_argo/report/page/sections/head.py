"""The head of the page: whose results these are, as of when, and what has to be known before any number."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from jetstream_argo.report.page.material import Material
from jetstream_argo.report.page.parts import Part, rendered
from jetstream_argo.report.sentences import sentences
from jetstream_argo.report.status import Standing
from jetstream_argo.report.summary import formatting
from jetstream_argo.store.entries import Kind

_TELEMETRY = (Kind.PARTIALS, Kind.ROWS)
_NAMED = 3  # windows that a sentence names


@dataclass(frozen=True, slots=True)
class Card:
    """A fact that everybody should see. `tone` is ok, warn or bad, which a sign says as well."""

    name: str
    text: str
    tone: str = ""
    more: str = ""


@dataclass(frozen=True, slots=True)
class BranchRow:
    """How many units a branch has, the share that they are, and the share that was meant; None where nothing says.

    `counted` is how many of them count in the results; None where nothing is excluded.
    """

    branch: str
    number: int
    units: int
    share: float
    meant: float | None
    exposed: int
    counted: int | None


def head(material: Material) -> Part:
    """Return the head."""
    warnings = tuple(_warnings(material))
    found, branches = cards(material), _branches(material)
    body = rendered("head.html", material=material, cards=found, warnings=warnings, branches=branches)
    return Part("top", material.slug, body)


def cards(material: Material) -> tuple[Card, ...]:
    """Return the facts that everybody should see, always the same ones."""
    return tuple(_cards(material))


def _cards(material: Material) -> Iterator[Card]:
    last = _telemetry_until(material)
    recorded = material.recorded_at
    moment = f"recorded {recorded:%Y-%m-%d %H:%M} UTC" if recorded is not None else ""
    yield Card("Telemetry", f"until {last}" if last else "unknown", more=moment)
    yield _split(material)
    yield from _standing(material)
    provisional = [window for window in material.windows if material.is_provisional(window)]
    if provisional:
        until = max(window.settles_on for window in provisional if window.settles_on)
        count = f"{len(provisional)} of {len(material.windows)} windows"
        yield Card("Provisional", f"until {until}", "warn", f"rows may still arrive for {count}")
    elif material.today is not None:
        yield Card("Provisional", "nothing", "ok", "all rows are taken to be there")
    else:
        yield Card("Provisional", "unknown")


def _split(material: Material) -> Card:
    """Return whether units are split as designed: of the windows' checks the least p-value."""
    checked = [window for window in material.windows if window.split_p_value is not None]
    if not checked:
        return Card("Sample ratio", "not checked", "warn")
    least = min(checked, key=lambda window: window.split_p_value or 0.0)
    p_value = formatting.p_valued(least.split_p_value)
    failed = [window for window in checked if window.mismatch_p_value is not None]
    if failed:
        where = f"in {len(failed)} of {len(checked)} checks"
        return Card("Sample ratio", "not as designed", "bad", f"{where}, least p {p_value}")
    checks = f"least p of {len(checked)} checks {p_value}" if len(checked) > 1 else f"p {p_value}"
    return Card("Sample ratio", "as designed", "ok", checks)


def _standing(material: Material) -> Iterator[Card]:
    """Yield how many metrics have results, and how many lack some."""
    there = len(material.metrics)
    lacking: dict[Standing, dict[str, None]] = {}
    for metric in material.report.lacking:
        lacking.setdefault(metric.standing, {})[metric.metric] = None
    missing = dict.fromkeys(name for name in material.method.metrics if name not in _known(material))
    text = f"{there} with results"
    if not lacking and not missing and not material.report.of_nodes:
        yield Card("Metrics", text, "ok", "none failed or missing")
        return
    failed = len(lacking.get(Standing.FAILED, ())) + len(material.report.of_nodes)
    absent = {**lacking.get(Standing.MISSING, {}), **missing}
    outdated = lacking.get(Standing.OUTDATED, {})
    counts = ((failed, "failed"), (len(absent), "missing"), (len(outdated), "outdated"))
    more = ", ".join(f"{count} {word}" for count, word in counts if count)
    yield Card("Metrics", text, "bad" if failed else "warn", more)


def _known(material: Material) -> set[str]:
    """Return the metrics that have results or a failure, or that nothing is asked of."""
    silent = {name for name, metric in material.method.metrics.items() if not metric.statistics}
    return {metric.name for metric in material.metrics} | {shown.metric for shown in material.report.metrics} | silent


def _warnings(material: Material) -> Iterator[str]:
    mismatched = [window for window in material.windows if window.mismatch_p_value is not None]
    if mismatched:
        names = "; ".join(window.title for window in mismatched[:_NAMED])
        more = f"; and {len(mismatched) - _NAMED} more" if len(mismatched) > _NAMED else ""
        yield f"Units are not split as designed, so doubt every number of: {names}{more}."
    yield from (f"{sentence[:1].upper()}{sentence[1:]}." for sentence in sentences(material.report.facts))
    older = dict.fromkeys(metric.metric for metric in material.report.metrics if metric.before_deletion)
    if older:
        yield f"The estimates of {', '.join(older)} are older than the last deletion of units."


def _branches(material: Material) -> tuple[BranchRow, ...]:
    units = material.report.facts.units
    if units is None:
        return ()
    total = sum(branch.units for branch in units.branches)
    shares = material.method.shares
    who = material.report.facts.who
    counted = dict(who.counted) if who is not None and material.report.facts.excluded else {}
    return tuple(
        BranchRow(
            branch.branch,
            material.number(branch.branch),
            branch.units,
            branch.units / total if total else 0.0,
            shares[branch.branch] / sum(shares.values()) if shares.get(branch.branch) else None,
            branch.exposed,
            counted.get(branch.branch),
        )
        for branch in sorted(units.branches, key=lambda branch: material.branches.index(branch.branch))
    )


def _telemetry_until(material: Material) -> date | None:
    days = [source.last_date for source in material.report.sources if source.kind in _TELEMETRY and source.last_date]
    return max(days, default=None)
