"""Plans a metric that an application defines, as if some experiment asked for it: to look at it, not to run it."""

from datetime import date, timedelta

from jetstream_argo.config.files.experiment_file import read_experiment
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.config.files.toml_writer import toml_text
from jetstream_argo.errors import ConfigError, Problem, UnknownReference
from jetstream_argo.plan.planner import ConfigSources, Planned, plan_known
from jetstream_argo.storage.toml_file import parse_toml

_FILE = "the definitions"
_DAYS = 28
_STATISTIC = "linear_model_mean"  # where a definition names none


def plan_metric(metric: str, app_name: str | None, sources: ConfigSources, *, as_of: date) -> Planned:
    """Return a plan in which `metric` of an application is analysed over 28 days, in an experiment that is made up.

    Raises:
        ConfigError: no application defines it, or several do and none was named; its definition cannot be used.
    """
    definitions = Definitions.load(sources.definitions)
    app = app_name or _application(metric, definitions)
    defined = definitions.application(app).metrics
    if metric not in defined:
        raise UnknownReference("metric", metric, known=defined, used_by=app)
    own: dict[str, object] = {} if defined[metric].statistics else {metric: {"statistics": {_STATISTIC: {}}}}
    document: dict[str, object] = {
        "experiment": {
            "slug": "an-experiment",
            "app_name": app,
            "branches": ["control", "treatment"],
            "start_date": as_of - timedelta(days=_DAYS + 1),
            "enrollment_period": 1,
            "end_date": as_of,
            "enrollment_query": "SELECT analysis_id, branch, enrollment_date FROM enrolled.units",
        },
        "metrics": {"overall": [metric], **own},
    }
    made = read_experiment(parse_toml(toml_text(document), _FILE), _FILE)
    return plan_known(made.experiment, made.spec, sources, as_of=as_of)


def _application(metric: str, definitions: Definitions) -> str:
    """Return the application that defines a metric."""
    metrics = {app: definitions.application(app).metrics for app in definitions.applications()}
    found = [app for app, defined in metrics.items() if metric in defined]
    if not found:
        known = dict.fromkeys(name for defined in metrics.values() for name in defined)
        raise UnknownReference("metric", metric, known=known, used_by=_FILE)
    if len(found) > 1:
        what = f"is defined for {', '.join(found)}: say which is meant, with --app"
        raise ConfigError(_FILE, [Problem(f"metrics.{metric}", what)])
    return found[0]
