"""Fills the templates in configuration files: Jinja for functions and experiments, braces for plain names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from string import Formatter

import jinja2
from jinja2 import meta

from jetstream_argo.config.schema import FunctionSpec
from jetstream_argo.config.templates.limited import LimitedEnvironment


class TemplateError(ValueError):
    """A template that cannot be filled; the message says why."""


@dataclass(frozen=True, slots=True)
class TemplateExperiment:
    """What templates know as `experiment`. Dates that an experiment does not have cannot be asked for."""

    slug: str
    app_name: str
    enrollment_period: int
    start_date: date
    known_end_date: date | None
    reference_branch: str | None
    branches: tuple[str, ...]

    @property
    def normandy_slug(self) -> str:
        """The slug, by the name that existing files use."""
        return self.slug

    @property
    def start_date_str(self) -> str:
        """The first enrollment date, as 2026-05-04."""
        return self.start_date.isoformat()

    @property
    def last_enrollment_date(self) -> date:
        """The last enrollment date."""
        return self.start_date + timedelta(days=self.enrollment_period)

    @property
    def last_enrollment_date_str(self) -> str:
        """The last enrollment date, as 2026-05-04."""
        return self.last_enrollment_date.isoformat()

    @property
    def end_date(self) -> date:
        """The end date."""
        if self.known_end_date is None:
            raise TemplateError("asks for the end date of an experiment that has none; set experiment.end_date")
        return self.known_end_date

    @property
    def end_date_str(self) -> str:
        """The end date, as 2026-05-04."""
        return self.end_date.isoformat()


class Templates:
    """Fills templates that may call these functions. Templates run in a sandbox, and every name must be known."""

    def __init__(self, functions: Mapping[str, FunctionSpec]) -> None:
        self._environment = LimitedEnvironment({"literal": literal, "ident": identifier})
        self._environment.globals.update(
            {name: partial(self._call, name, function.definition) for name, function in functions.items()}
        )

    def fill(self, text: str, **names: object) -> str:
        """Return the text with its Jinja expressions replaced.

        Raises:
            TemplateError: the template has a mistake, uses a name that is not among `names` and the functions, or
                takes too much.
        """
        if not any(mark in text for mark in ("{{", "{%", "{#")):
            return text.removesuffix("\n")  # as Jinja does
        try:
            return self._environment.filled(text, names)
        except TemplateError:
            raise
        except jinja2.TemplateError as error:
            raise TemplateError(f"is a template that cannot be filled: {error.message or error}") from error
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise TemplateError(f"is a template that cannot be filled: {error}") from error

    def fill_from_experiment(self, text: str, experiment: TemplateExperiment) -> str:
        """Return the text filled if it speaks of `experiment`, and as it is if not.

        Doubled braces in a data source may also be a literal brace, as in a UUID in braces; see `fill_braces`.
        """
        if "{{" not in text:
            return text
        try:
            names = meta.find_undeclared_variables(self._environment.parse(text))
        except jinja2.TemplateSyntaxError:
            return text
        except RecursionError as error:
            raise TemplateError("is a template that cannot be filled: it has too many brackets in brackets") from error
        return self.fill(text, experiment=experiment) if "experiment" in names else text

    def _call(self, function: str, definition: str, select_expr: object) -> str:
        text = str(select_expr)
        self._environment.pay(len(definition) + len(text) * definition.count("{"))
        try:
            return fill_braces(definition, select_expr=text)
        except TemplateError as problem:
            raise TemplateError(f"calls {function}, whose definition {problem}") from problem


def fill_braces(text: str, **names: str) -> str:
    """Return the text with `{name}` replaced and doubled braces made single.

    Raises:
        TemplateError: a brace stands alone, or around something that is not among `names`.
    """
    try:
        parts = [
            (field, spec, conversion) for _, field, spec, conversion in Formatter().parse(text) if field is not None
        ]
    except ValueError as error:
        raise TemplateError(f"has a brace that stands alone ({error}); double it to mean the brace itself") from error
    for field, spec, conversion in parts:
        if field not in names:
            known = " or ".join(f"{{{name}}}" for name in names) or "nothing"
            raise TemplateError(
                f"has {{{field}}}, where only {known} can be replaced; double the braces to mean the braces themselves"
            )
        if spec or conversion:
            raise TemplateError(f"has a brace that stands alone or is formatted, around {field!r}; write {{{field}}}")
    return text.format(**names)


def literal(value: object) -> str:
    """Return `value` as a literal of BigQuery's dialect.

    >>> literal("it's"), literal(date(2026, 5, 4)), literal(7)
    ("'it\\\\'s'", "DATE '2026-05-04'", '7')
    """
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return repr(value)
        case date():
            return f"DATE '{value.isoformat()}'"
        case str():
            escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
            return f"'{escaped}'"
    raise TemplateError(f"puts {value!r} through the filter 'literal', which takes text, numbers and dates")


def identifier(name: object) -> str:
    """Return the parts of a dotted name, each in backticks.

    >>> identifier("client_info.client_id")
    '`client_info`.`client_id`'
    """
    if not isinstance(name, str) or not name or "`" in name or "\\" in name:
        raise TemplateError(f"puts {name!r} through the filter 'ident', which takes a column's name")
    return ".".join(f"`{part}`" for part in name.split("."))
