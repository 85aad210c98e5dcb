"""Infers the type of each column: that of the first form which all of its values have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import ConfigError, Problem, Unsupported
from jetstream_argo.warehouse.duckdb.incoming.forms import NULLS, ValueForm, forms_of, wished_form
from jetstream_argo.warehouse.duckdb.incoming.model import Content, Field, Inferred, ReadOptions, Wish
from jetstream_argo.warehouse.duckdb.incoming.typed_files import Asking
from jetstream_argo.warehouse.duckdb.types import quoted, text_literal

_SAMPLE = 1_000
_AT_ONCE = 40  # columns in a query


@dataclass(frozen=True, slots=True)
class Odd:
    """The values of a column that meet `condition` are not what the others are; `what` tells it of the first.

    Nothing is loaded if it `stops`.
    """

    field: Field
    condition: str
    what: str
    stops: bool


@dataclass(frozen=True, slots=True)
class InferredColumn:
    """What was inferred of a column, and what is odd about it."""

    inferred: Inferred
    odd: Odd | None = None


@dataclass(frozen=True, slots=True)
class _Counts:
    """How many values a column has, how many missing ones are spelled out, and how many values match each form."""

    values: int
    spelled: int
    matching: tuple[int, ...]


def infer(
    asking: Asking, sql: str, fields: Sequence[Field], options: ReadOptions, shown: str
) -> tuple[InferredColumn, ...]:
    """Return what the columns of DuckDB's query `sql` are, by all of their values.

    Raises:
        ConfigError: a column has a type that BigQuery does not have.
    """
    forms = {field: _forms(field, options, shown) for field in fields}
    sample = _counted(asking, f"SELECT * FROM ({sql}) LIMIT {_SAMPLE}", forms, options)
    likely = {field: _all_match(forms[field], sample[field]) for field in fields}
    found = _counted(asking, sql, likely, options)
    doubtful = {
        field: forms[field]
        for field in fields
        if not _all_match(likely[field], found[field]) and not _is_plain(field, sample[field], options)
    }
    if doubtful:
        found |= _counted(asking, sql, doubtful, options)
    return tuple(_verdict(field, doubtful.get(field, likely[field]), found[field], options) for field in fields)


def missing(field: Field, options: ReadOptions) -> str:
    """Return the condition that a value is missing, however that is spelled."""
    nulls = [*(NULLS if field.content is not Content.NUMBERS else ()), *options.nulls]
    return f"{_x(field)} IN ('', {', '.join(map(text_literal, nulls))})"


def _x(field: Field) -> str:
    name = quoted(field.name)
    return name if field.content is Content.TYPED else f"trim({name})"


def _forms(field: Field, options: ReadOptions, shown: str) -> tuple[ValueForm, ...]:
    wish = options.types.get(field.name)
    if wish is not None:
        return (wished_form(wish, field.content, decimal_comma=options.decimal_comma),)
    try:
        return forms_of(field.content, field.type, decimal_comma=options.decimal_comma)
    except Unsupported as error:
        raise ConfigError(shown, [Problem(f"column {field.written}", str(error))]) from error


def _counted(
    asking: Asking, sql: str, forms: Mapping[Field, Sequence[ValueForm]], options: ReadOptions
) -> dict[Field, _Counts]:
    """Count values and matches in one pass over the rows, or few where there are very many columns."""
    found: dict[Field, _Counts] = {}
    fields = list(forms)
    for start in range(0, len(fields), _AT_ONCE):
        chunk = fields[start : start + _AT_ONCE]
        counts: list[str] = []
        for field in chunk:
            x = _x(field)
            absent = _absent(field, options)
            counts.append(f"count_if(NOT {absent})")
            spelled = "0" if field.content is Content.TYPED else f"count_if({missing(field, options)} AND {x} <> '')"
            counts.append(spelled)
            counts += [f"count_if(NOT {absent} AND coalesce({form.condition(x)}, FALSE))" for form in forms[field]]
        numbers = [int(str(number or 0)) for number in asking.rows(f"SELECT {', '.join(counts)} FROM ({sql})")[0]]
        for field in chunk:
            values, spelled_out, *rest = numbers[: 2 + len(forms[field])]
            numbers = numbers[2 + len(forms[field]) :]
            found[field] = _Counts(values, spelled_out, tuple(rest))
    return found


def _all_match(forms: Sequence[ValueForm], counts: _Counts) -> tuple[ValueForm, ...]:
    return tuple(form for form, matching in zip(forms, counts.matching, strict=True) if matching == counts.values)


def _is_plain(field: Field, sample: _Counts, options: ReadOptions) -> bool:
    """Whether a column is so plainly text that nobody counts what some of its values look like."""
    is_open = field.content is not Content.TYPED and field.name not in options.types
    return is_open and max(sample.matching, default=0) * 2 < sample.values


def _verdict(field: Field, forms: Sequence[ValueForm], counts: _Counts, options: ReadOptions) -> InferredColumn:
    wish = options.types.get(field.name)
    fitting = _all_match(forms, counts)
    if counts.values and fitting:
        return _fitting(field, fitting[0], counts, options)
    if wish is not None or (field.content is Content.TYPED and forms):
        form = forms[0]
        odd = _refused(field, form, wish, options) if counts.values else None
        return InferredColumn(_inferred(field, form, options), odd)
    text = _text(field, options)
    if not counts.values:
        notes = ("no values; --type {name}=TYPE says what it is",)
        return InferredColumn(Inferred(text.column, text.expression, _named(field, notes)))
    return InferredColumn(text, _mixed(field, forms, counts, options))


def _fitting(field: Field, form: ValueForm, counts: _Counts, options: ReadOptions) -> InferredColumn:
    inferred = _inferred(field, form, options)
    if form.doubt:
        what = f"{{value!r}} {form.doubt}".replace("{name}", field.name)
        has_mark = f"NOT regexp_full_match({_x(field)}, '[+-]?[0-9]+')"
        return InferredColumn(inferred, Odd(field, f"NOT {_absent(field, options)} AND {has_mark}", what, stops=True))
    spelled = counts.spelled if form.type != "STRING" else 0
    notes = (form.note, f"{spelled:,} missing values spelled out, such as NA" if spelled else "")
    return InferredColumn(Inferred(inferred.column, inferred.expression, _named(field, notes)))


def _refused(field: Field, form: ValueForm, wish: Wish | None, options: ReadOptions) -> Odd:
    advice = "mend the value, name it with --null, or take another --type" if wish is not None else "give a --type"
    what = f"{{value!r}} is no {form.type}; {advice}"
    condition = f"NOT {_absent(field, options)} AND NOT coalesce({form.condition(_x(field))}, FALSE)"
    return Odd(field, condition, what, stops=True)


def _mixed(field: Field, forms: Sequence[ValueForm], counts: _Counts, options: ReadOptions) -> Odd | None:
    """Return which values keep a column from being what half of its values are; None for what is plainly text."""
    ranked = [
        (matching, -place, form)
        for place, (form, matching) in enumerate(zip(forms, counts.matching, strict=True))
        if form.type != "STRING" and not form.doubt
    ]
    most, _, form = max(ranked, key=lambda candidate: candidate[:2], default=(0, 0, None))
    if form is None or most * 2 < counts.values:
        return None
    what = (
        f"kept as text: {counts.values - most:,} of {counts.values:,} values are no {form.type}, the first "
        f"{{value!r}}; mend them, or name what is missing with --null"
    )
    condition = f"NOT {_absent(field, options)} AND NOT coalesce({form.condition(_x(field))}, FALSE)"
    return Odd(field, condition, what, stops=False)


def _absent(field: Field, options: ReadOptions) -> str:
    name = quoted(field.name)
    return f"({name} IS NULL)" if field.content is Content.TYPED else f"({name} IS NULL OR {missing(field, options)})"


def _inferred(field: Field, form: ValueForm, options: ReadOptions) -> Inferred:
    if form.type == "STRING":
        return _text(field, options)
    value = form.expression(_x(field))
    expression = f"CASE WHEN {_absent(field, options)} THEN NULL ELSE {value} END"
    return Inferred(Column(field.name, form.type), expression)


def _text(field: Field, options: ReadOptions) -> Inferred:
    """Return the column as text, as it is written: only what was named as missing is."""
    name = quoted(field.name)
    value = f"CAST({name} AS VARCHAR)"
    if options.nulls:
        value = f"CASE WHEN {value} IN ({', '.join(map(text_literal, options.nulls))}) THEN NULL ELSE {value} END"
    return Inferred(Column(field.name, "STRING"), value)


def _named(field: Field, notes: Sequence[str]) -> tuple[str, ...]:
    return tuple(note.replace("{name}", field.name) for note in notes if note)
