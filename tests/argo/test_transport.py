import base64
import hashlib
import zlib

import pytest

from jetstream_argo.argo.manifest import transport
from jetstream_argo.errors import PlanError
from jetstream_argo.plan import codec
from jetstream_argo.storage import objects


def test_a_packed_plan_is_the_same_plan_again(make_plan):
    plan = make_plan({"clients": ["active_hours"]})

    assert transport.unpack(transport.pack(plan), codec.sha256(plan)) == plan


def test_another_plan_than_the_one_asked_for_is_refused(make_plan):
    packed = transport.pack(make_plan({"clients": ["active_hours"]}))

    with pytest.raises(PlanError, match=r"holds plan .*, and the workflow asks for 0000"):
        transport.unpack(packed, "0000")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not base64!", "is not base64"),
        (base64.b64encode(b"not compressed").decode(), "is not a compressed plan"),
        (base64.b64encode(zlib.compress(b"{}" * 500)[:-6]).decode(), "is cut after"),
        (base64.b64encode(zlib.compress(bytes(transport.LARGEST_PLAN + 1))).decode(), "bytes when it is unpacked"),
        (base64.b64encode(b"").decode() + "====", "is not base64"),
    ],
)
def test_a_damaged_plan_is_refused_with_the_reason(text, reason):
    with pytest.raises(PlanError, match=reason):
        transport.unpack(text, "0000")


def test_a_plan_is_read_from_the_file_that_the_environment_names(make_plan, tmp_path):
    plan = make_plan({"clients": ["active_hours"]})
    file = tmp_path / "plan.json.gz"
    file.write_bytes(transport.compressed(plan))

    found = transport.from_environment({"JETSTREAM_PLAN_FILE": str(file), "JETSTREAM_PLAN_SHA256": codec.sha256(plan)})

    assert found == plan


def test_a_plan_that_is_not_compressed_is_read_as_well(make_plan):
    plan = make_plan({"clients": ["active_hours"]})

    assert transport.read(codec.dump(plan), codec.sha256(plan), where="plan.json") == plan


def test_a_missing_plan_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(PlanError, match=r"gone\.json: cannot be read"):
        transport.from_environment({"JETSTREAM_PLAN_FILE": str(tmp_path / "gone.json")})


def test_without_any_plan_in_the_environment_there_is_none():
    assert transport.from_environment({}) is None


def test_a_plan_is_read_from_an_object_named_by_its_hash(make_plan, tmp_path):
    plan = make_plan({"clients": ["active_hours"]})
    url = f"file://{tmp_path}/plans/{codec.sha256(plan)}.json.gz"

    objects.keep(url, transport.compressed(plan))

    found = transport.from_environment({"JETSTREAM_PLAN_URL": url, "JETSTREAM_PLAN_SHA256": codec.sha256(plan)})
    assert found == plan


def test_a_plan_of_brackets_in_brackets_is_refused(make_plan):
    deep = b'{"schema_version": ' + b"[" * 100_000

    with pytest.raises(PlanError, match="is not a plan"):
        transport.read(deep, hashlib.sha256(deep).hexdigest(), where="plan")
