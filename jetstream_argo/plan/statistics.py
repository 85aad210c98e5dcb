"""Which statistics of which metric a period asks for, and by which covariate they are adjusted."""

from collections.abc import Iterator

from jetstream_argo.config import model as config
from jetstream_argo.config.model import Period, Plain
from jetstream_argo.errors import ConfigError, Problem, nearest
from jetstream_argo.plan.codec import canonical
from jetstream_argo.plan.model import Covariate, MetricStatistics, PreTreatment, Statistic

_COVARIATE = "covariate_adjustment"


def metric_statistics(asked: config.PeriodMetrics) -> Iterator[MetricStatistics]:
    """Yield, per metric of one period, the statistics asked for; without their keys."""
    summaries: dict[str, list[config.Summary]] = {}
    for summary in asked.summaries:
        summaries.setdefault(summary.metric, []).append(summary)
    for metric, of_metric in summaries.items():
        statistics = tuple(statistic(summary, asked.period) for summary in of_metric)
        yield MetricStatistics(
            asked.period, metric, "", tuple(sorted(statistics, key=lambda statistic: statistic.name))
        )


def statistic(summary: config.Summary, period: Period) -> Statistic:
    """Return a statistic as a plan has it.

    Raises:
        ConfigError: its covariate_adjustment is not one.
    """
    parameters = dict(summary.parameters)
    covariate = _covariate(summary, parameters.pop(_COVARIATE, None), period)
    steps = tuple(
        PreTreatment(step.name, canonical({name: _json(value) for name, value in step.arguments}))
        for step in summary.pre_treatments
    )
    plain = {name: _json(value) for name, value in parameters.items()}
    return Statistic(summary.statistic, canonical(plain), steps, covariate)


def _covariate(summary: config.Summary, value: Plain, period: Period) -> Covariate | None:
    """Return the covariate asked for; None before enrollment, where it would be the value itself."""
    if value is None:
        return None
    where = f"metrics.{summary.metric}.statistics.{summary.statistic}.{_COVARIATE}"
    given = _json(value)
    if not isinstance(given, dict):
        raise ConfigError("", [Problem(where, f"is {value!r}, not a table such as {{period = 'preenrollment_week'}}")])
    allowed = [period.value for period in Period if period.before_enrollment]
    before = str(given.get("period", Period.PREENROLLMENT_WEEK.value))
    problems = [
        Problem(f"{where}.{key}", f"is not a known key{nearest(key, ('metric', 'period'))}")
        for key in sorted(set(given) - {"metric", "period"})
    ]
    if before not in allowed:
        problems.append(Problem(f"{where}.period", f"is {before!r}, not one of {allowed}{nearest(before, allowed)}"))
    if problems:
        raise ConfigError("", problems)
    metric = given.get("metric") or summary.metric
    return None if period.before_enrollment else Covariate(str(metric), Period(before))


def _json(value: Plain) -> object:
    """Return a file's value as plain JSON: pairs of a name and a value are a table, other tuples are lists."""
    if not isinstance(value, tuple):
        return value
    if value and all(isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) for item in value):  # noqa: PLR2004  # pairs
        return {str(item[0]): _json(item[1]) for item in value if isinstance(item, tuple)}
    return [_json(item) for item in value]
