"""What a plan's statistic is: parameters and pre-treatments, parsed."""

import json

from jetstream_argo.plan.model import Statistic
from jetstream_argo.stats.method import Method
from jetstream_argo.stats.pretreatments import PreTreatment, parse_pre_treatment
from jetstream_argo.stats.registry import parse_method


def params_of(statistic: Statistic, *, file: str = "", where: str = "") -> Method:
    """Return the parameters, the covariate among them.

    Raises:
        ConfigError: no such statistic, or parameters it cannot have; `file` and `where` open the messages.
    """
    arguments = json.loads(statistic.parameters)
    if statistic.covariate is not None:
        covariate = statistic.covariate
        arguments["covariate_adjustment"] = {"metric": covariate.metric, "period": covariate.period.value}
    return parse_method(statistic.name, arguments, file=file, where=where)


def steps_of(statistic: Statistic) -> tuple[PreTreatment, ...]:
    """Return the pre-treatments, in the order in which they are applied.

    Raises:
        ConfigError: no such pre-treatment, or arguments it cannot have.
    """
    return tuple(parse_pre_treatment(step.name, json.loads(step.arguments)) for step in statistic.pre_treatments)
