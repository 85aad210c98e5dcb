"""Who does not count: each kind of exclusion on rows few enough to count by hand."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from jetstream_argo.config.exclusions import ExclusionRule, ExclusionRules, SeveralBranches
from jetstream_argo.config.model import SegmentDataSource
from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.statistics import Table
from jetstream_argo.dialect.types import Column
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.facts import Facts
from jetstream_argo.report.sentences import sentences
from jetstream_argo.report.status import status_report
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.store.entries import Kind, read_entries
from jetstream_argo.warehouse.types import Write
from tests.worlds.pipeline import START, Pipeline, experiment, metric, planned, source, summary_of


def day(n: int) -> date:
    return START + timedelta(days=n)


# Units with the branch and the day of each enrollment: `c` enrolls twice, `x` and `y` in both branches, `y` on one day.
ENROLLED = [
    ("a", "control", 0), ("b", "control", 0), ("c", "control", 0), ("c", "control", 1),
    ("d", "treatment", 0), ("e", "treatment", 1),
    ("x", "control", 0), ("x", "treatment", 1), ("y", "control", 1), ("y", "treatment", 1),
]  # fmt: skip
VISITS = {"a": 1, "b": 2, "c": 4, "d": 8, "e": 16, "x": 32, "y": 64}
BOTS = SegmentDataSource("excluded as bots", "telemetry.clients", "client_id", "submission_date", -7, -1)
BOT = ExclusionRule("bots", data_source=BOTS.name, select_expression="LOGICAL_OR(ds.is_bot)")
TWICE = ExclusionRule("enrolled_twice", condition="e.num_enrollment_events > 1 -- twice")


def plan_of(
    *named: ExclusionRule,
    several: SeveralBranches = SeveralBranches.KEEP,
    sources: Iterable[SegmentDataSource] = (BOTS,),
    covariate: bool = False,
) -> AnalysisPlan:
    visits = metric("visits", "SUM(visits)")
    asked = [summary_of("visits", "sum"), summary_of("visits", "deciles")]
    if covariate:
        adjusted: Table = {"covariate_adjustment": {"metric": "visits", "period": "preenrollment_week"}}
        asked = [summary_of("visits", "welch_mean", adjusted)]
    config = experiment([visits], [source("activity")], {Period.DAY: asked})
    config = replace(
        config, exposures_sql=None, segment_data_sources=tuple(sources), branch_ratios=(1, 1), sample_ratio_alarm=1e-3,
        exclusions=ExclusionRules(several, named=named),
    )  # fmt: skip
    return planned(config, as_of=day(3))


@dataclass
class Reading(Pipeline):
    """A pipeline with telemetry."""

    def load(self) -> "Reading":
        """Put the telemetry in."""
        self._put("assignments", [("unit", "STRING"), ("branch", "STRING"), ("day", "DATE")],
                  [(unit, branch, day(n)) for unit, branch, n in ENROLLED])  # fmt: skip
        self._put("activity", [("client_id", "STRING"), ("submission_date", "DATE"), ("visits", "INT64")],
                  [(unit, day(n), visits) for unit, visits in VISITS.items() for n in range(-7, 3)])  # fmt: skip
        self._put("clients", [("client_id", "STRING"), ("submission_date", "DATE"), ("is_bot", "BOOL")],
                  [("a", day(-1), True), ("b", day(0), True), ("d", day(-1), False), ("e", day(-1), None)]
                  + [("z", day(n), False) for n in range(-7, 3)])  # fmt: skip
        return self

    def _put(self, name: str, columns: list[tuple[str, str]], rows: list[tuple[object, ...]]) -> None:
        named = [dict(zip((column for column, _ in columns), row, strict=True)) for row in rows]
        table_columns = [Column(column, kind) for column, kind in columns]
        self.engine.load(f"telemetry.{name}", named, table_columns, write=Write.TRUNCATE, labels={})  # type: ignore[arg-type]

    def sums(self, statistic: str = "sum") -> dict[str, object]:
        """The totals of the first day by branch."""
        query = f"SELECT s.branch, s.point, s.n_units FROM {table(names.statistics(self.plan))} AS s"
        where = f"WHERE s.statistic = '{statistic}' AND s.window_index = 1 AND s.comparison IS NULL"
        latest = f"AND s.computed_at = (SELECT MAX(t.computed_at) FROM {table(names.statistics(self.plan))} AS t)"
        rows = self.engine.query(Sql(f"{query} {where} {latest}"), labels={}).dicts()
        return {str(row["branch"]): row["point"] for row in rows}

    def facts(self) -> Facts:
        """What is known of the experiment."""
        return status_report(self.plan, read_entries(self.engine, self.plan)).facts

    def reads(self) -> list[tuple[Kind, str]]:
        """What was read of telemetry, oldest first."""
        read = (Kind.ENROLLMENTS, Kind.SEGMENTS, Kind.PARTIALS, Kind.ROWS)
        entries = read_entries(self.engine, self.plan)
        return [(entry.kind, entry.source) for entry in entries if entry.kind in read and entry.source]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def ran(root: Path, plan: AnalysisPlan) -> Reading:
    pipeline = Reading(root, plan).load()
    pipeline.run()
    return pipeline


@pytest.mark.parametrize(
    ("plan", "control", "treatment"),
    [
        pytest.param(plan_of(), 1 + 2 + 4 + 32 + 64, 8 + 16 + 32 + 64, id="everybody counts, in each branch"),
        pytest.param(plan_of(several=SeveralBranches.DROP), 1 + 2 + 4, 8 + 16, id="not who is in several"),
        pytest.param(plan_of(several=SeveralBranches.FIRST), 1 + 2 + 4 + 32, 8 + 16, id="in the first branch"),
        pytest.param(plan_of(TWICE), 1 + 2 + 32 + 64, 8 + 16 + 32 + 64, id="not who enrolled twice"),
        pytest.param(plan_of(BOT), 2 + 4 + 32 + 64, 8 + 16 + 32 + 64, id="not who was a bot before enrollment"),
        pytest.param(plan_of(BOT, TWICE, several=SeveralBranches.DROP), 2, 8 + 16, id="none of them"),
    ],
)
def test_units_that_are_excluded_count_in_no_result(
    root: Path, plan: AnalysisPlan, control: int, treatment: int
) -> None:
    pipeline = ran(root, plan)

    # The enrollment query gives a unit of several days the first of them; each is active once a day.
    assert pipeline.sums() == {"control": control, "treatment": treatment}


def test_adjusted_estimates_are_without_the_excluded_too(root: Path) -> None:
    pipeline = ran(root, plan_of(BOT, TWICE, several=SeveralBranches.DROP, covariate=True))

    assert pipeline.sums("mean_welch") == {"control": 2.0, "treatment": 12.0}


def test_views_of_units_keep_everybody(root: Path) -> None:
    pipeline = ran(root, plan_of(BOT, several=SeveralBranches.DROP))

    view = table(names.enrollments(pipeline.plan))
    rows = list(pipeline.engine.query(Sql(f"SELECT * FROM {view} AS e"), labels={}).dicts())

    assert len(rows) == 9
    assert set(rows[0]) == {
        "analysis_id", "branch", "enrollment_date", "num_enrollment_events", "exposure_date", "num_exposure_events",
    }  # fmt: skip


def test_each_exclusion_is_counted_by_branch_and_the_split_is_tested_before_and_after(root: Path) -> None:
    pipeline = ran(root, plan_of(BOT, TWICE, several=SeveralBranches.DROP))

    who = pipeline.facts().who
    assert who is not None
    assert [(exclusion.name, exclusion.units) for exclusion in who.excluded] == [
        ("bots", (("control", 1), ("treatment", 0))),
        ("enrolled_twice", (("control", 1), ("treatment", 0))),
    ]
    assert who.counted == (("control", 1), ("treatment", 2))
    # scipy 1.17: stats.binomtest(5, 9).pvalue, stats.binomtest(1, 3).pvalue
    assert [split and split.p_value for split in (who.before, who.after)] == pytest.approx([1.0, 1.0])
    printed = list(sentences(pipeline.facts()))
    assert "excluded as bots: 1 in control, 0 in treatment" in printed
    assert "units in several branches count in none of them" in printed
    assert any(sentence.startswith("after exclusions 1 in control, 2 in treatment count") for sentence in printed)


def test_too_many_units_in_several_branches_are_an_alarm_whatever_is_done_with_them(root: Path) -> None:
    pipeline = ran(root, plan_of(several=SeveralBranches.DROP))

    who = pipeline.facts().who
    assert who is not None
    assert who.several_share == pytest.approx(2 / 7)
    assert any(
        sentence.startswith("28.57% of the units are in several branches") for sentence in sentences(pipeline.facts())
    )


def test_a_changed_exclusion_reads_its_own_rows_and_no_others(root: Path) -> None:
    pipeline = ran(root, plan_of())
    before = pipeline.reads()

    pipeline.plan = plan_of(BOT)
    pipeline.run()
    added = pipeline.reads()[len(before) :]
    pipeline.plan = plan_of(replace(BOT, select_expression="LOGICAL_OR(NOT ds.is_bot)"))
    pipeline.run()
    changed = pipeline.reads()[len(before) + len(added) :]
    pipeline.plan = plan_of(replace(BOT, name="robots"), TWICE, several=SeveralBranches.FIRST)
    pipeline.run()

    assert added == [(Kind.SEGMENTS, "excluded as bots")]
    assert changed == [(Kind.SEGMENTS, "excluded as bots")]
    # A name is only what people call it, and conditions on the enrolled unit read no telemetry.
    assert len(pipeline.reads()) == len(before) + 2
    assert pipeline.sums() == {"control": 2 + 32, "treatment": 8 + 16}


def test_an_exclusion_that_is_taken_back_gives_the_results_as_they_were(root: Path) -> None:
    pipeline = ran(root, plan_of())
    first = pipeline.sums()
    pipeline.plan = plan_of(TWICE)
    pipeline.run()
    pipeline.plan = plan_of()
    reads = pipeline.reads()
    pipeline.run()

    assert pipeline.sums() == first
    assert pipeline.reads() == reads


def test_what_the_experiment_may_decide_marks_all_results(root: Path) -> None:
    later = replace(BOTS, window_end=2)
    pipeline = ran(root, plan_of(replace(BOT, post_treatment=True), sources=[later]))

    assert pipeline.sums() == {"control": 4 + 32 + 64, "treatment": 8 + 16 + 32 + 64}
    assert any(
        sentence.startswith("exclusion bots looks at the day of enrollment") for sentence in sentences(pipeline.facts())
    )
