"""Checks that results of version 0.1, whose record this version does not read, were taken over."""

from jetstream_argo.errors import PlanError
from jetstream_argo.sql import legacy_names
from jetstream_argo.sql.names import Place
from jetstream_argo.warehouse.protocol import Engine


def check_upgraded(engine: Engine, place: Place) -> None:
    """Return if version 0.1 has recorded nothing; for experiments of which this version has no record.

    Raises:
        PlanError: it has, and nothing of that was taken over yet.
    """
    record = legacy_names.status(place)
    if engine.info(record) is not None:
        raise PlanError(
            f"{place.slug}: its results are those of version 0.1 (the record is {record}), which this version does not "
            "read until they were taken over; run it once, which reads no telemetry for that, or look with the image "
            "of version 0.1"
        )
