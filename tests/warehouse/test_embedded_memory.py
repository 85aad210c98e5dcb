"""A process takes its share of the memory that there is, and what needs more is refused as too big."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from jetstream_argo.errors import TooBig
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.connect import Connections, connect
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.duckdb.limits import Limits
from jetstream_argo.warehouse.duckdb.memory import LEAST_MIB, MIB, MOST_MIB, available_bytes, budget_mib

_LIST = Sql("SELECT ARRAY_LENGTH(ARRAY_AGG(n)) AS n FROM UNNEST(GENERATE_ARRAY(1, 1000000)) AS n")


def _written(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    "files",
    [
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": f"{300 * MIB}\n"},
        {
            "proc/self/cgroup": "0::/a.slice/b.scope\n",
            "sys/fs/cgroup/a.slice/memory.max": f"{300 * MIB}\n",
            "sys/fs/cgroup/a.slice/b.scope/memory.max": "max\n",
        },
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/pod/x\n4:memory:/pod/x\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{300 * MIB}\n",  # all that is seen of it inside
        },
    ],
    ids=["container", "nested", "version 1"],
)
def test_the_limit_of_a_container_is_what_there_is(tmp_path: Path, files: Mapping[str, str]) -> None:
    assert available_bytes(_written(tmp_path, files)) == 300 * MIB


def test_where_no_limit_is_told_there_is_the_memory_of_the_machine(tmp_path: Path) -> None:
    unlimited = {
        "proc/self/cgroup": "4:memory:/\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    }

    assert available_bytes(_written(tmp_path / "one", unlimited)) == available_bytes(tmp_path / "other") > 0


def test_processes_share_half_of_what_there_is_within_bounds(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": str(1200 * MIB)}
    root = _written(tmp_path, files)

    assert budget_mib(root=root) == 600
    assert budget_mib(processes=3, root=root) == 200
    assert 0 < budget_mib(processes=1000, root=root) < 200
    assert budget_mib() <= MOST_MIB


def test_an_address_says_how_much_memory_and_is_obeyed_in_kept_connections_too(tmp_path: Path) -> None:
    for engine in (
        connect(f"embedded:{tmp_path}?memory_mib=12", attempt="1"),
        Connections(processes=2).connect(f"embedded:{tmp_path}?memory_mib=12", attempt="1"),
    ):
        with pytest.raises(TooBig, match=r"12\.0 MiB used.* memory_mib$"):
            engine.query(_LIST, labels={})


def test_what_needs_more_memory_is_too_big_and_the_next_query_runs(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path, limits=Limits(memory_mib=12))

    with pytest.raises(TooBig):
        engine.query(_LIST, labels={})

    assert engine.query(Sql("SELECT 1 AS n"), labels={}).rows == ((1,),)


def test_who_has_too_little_memory_for_tables_of_any_size_is_told_how_much_these_take(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path, limits=Limits(memory_mib=12))

    with pytest.raises(TooBig, match=rf"DuckDB needs {LEAST_MIB} MiB for tables of any size"):
        engine.query(_LIST, labels={})
