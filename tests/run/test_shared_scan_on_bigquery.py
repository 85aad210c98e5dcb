"""Sources are read once for all experiments in BigQuery, too, which deletes what was shared by itself."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from jetstream_argo.config.model import ExperimentConfig
from jetstream_argo.store.shared import KEPT_DAYS
from tests.run.test_shared_scan import copied, same
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery, serving
from tests.warehouse.bigquery.whole_run import PROJECT, RemotePipeline
from tests.worlds.pipeline import LONG_AFTER, START, Pipeline
from tests.worlds.several import Several, configured

CONFIGS = (configured("first"), configured("second"))


@dataclass
class Remote(Several):
    """Experiments in BigQuery, as the server of the tests is."""

    url: str = ""
    starts: "count[int]" = field(default_factory=count)

    def now(self) -> datetime:
        """A time after that of the server, by whose clock tables are made."""
        return LONG_AFTER + timedelta(seconds=next(self.ticks))

    def pipeline(self, config: ExperimentConfig) -> Pipeline:
        """One of the experiments."""
        made = super().pipeline(config)
        if not self.url:
            return made
        return RemotePipeline(
            made.root, made.plan, made.today, made.attempts, made.ticks, url=self.url, starts=self.starts
        )


def test_what_was_read_once_is_copied_and_the_shared_tables_expire(tmp_path: Path) -> None:
    alone, remote = Several(tmp_path / "alone", CONFIGS), Remote(tmp_path / "remote", CONFIGS)
    fake = FakeBigQuery(remote.root, project=PROJECT, datasets=["telemetry", "results"])
    with serving(fake) as url:
        remote.url = url
        for world in (alone, remote):
            world.fill(1)
            world.as_of = START + timedelta(days=2)
        alone.read()
        remote.enroll()
        began = datetime.now(UTC).replace(microsecond=0)

        assert len(remote.share()) == 2
        assert remote.share() == []
        remote.read()

        tables = {batch.table for batch in remote.held()}
        for config in CONFIGS:
            entries = remote.entries(config)
            assert copied(entries) == entries != []
            assert same(alone.partials(config), remote.partials(config))
    age = timedelta(days=KEPT_DAYS)
    for table in tables:
        expires = int(str(fake.catalog.resource(f"{PROJECT}.{table}")["expirationTime"])) / 1000
        assert began + age <= datetime.fromtimestamp(expires, UTC) <= datetime.now(UTC) + age + timedelta(days=1)
