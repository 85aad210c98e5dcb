"""Turns all fields of a struct into columns in DuckDB."""

from sqlglot import exp

from jetstream_argo.dialect.syntax import before_star, star_of
from jetstream_argo.errors import Unsupported


def expand_structs(tree: exp.Expr) -> None:
    """Write `path.to.struct.*` so that DuckDB knows it; a lone name before `.*` it knows by itself.

    Raises:
        Unsupported: some of the fields are left out or replaced, which DuckDB does for a lone name only; or the struct
            is a query's.
    """
    for select in list(tree.find_all(exp.Select)):
        for item in list(select.expressions):
            star = star_of(item)
            if star is None or item is star or (isinstance(item, exp.Column) and not item.db):
                continue
            struct = before_star(item)
            if struct.find(exp.Query):
                raise Unsupported(f"{item.sql('bigquery')} takes a query apart; select its fields by name")
            if not star.args.get("except_") and not star.args.get("replace"):
                item.replace(exp.Anonymous(this="UNNEST", expressions=[struct]))
            elif isinstance(struct, exp.Column) and _is_alone(select, struct.parts[0].name):
                item.replace(exp.Column(this=star, table=exp.to_identifier(struct.name, quoted=True)))
            else:
                raise Unsupported(
                    f"{item.sql('bigquery')} leaves out fields of a struct that is no column of its own; "
                    "name the fields that are wanted"
                )


def _is_alone(select: exp.Select, name: str) -> bool:
    """Whether the relation of that name is all that a query reads, so that its columns need no prefix."""
    source = select.args.get("from_")
    return source is not None and not select.args.get("joins") and source.this.alias_or_name == name
