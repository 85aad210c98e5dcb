from hypothesis import given
from hypothesis import strategies as st

from jetstream_argo.argo.pod import Pod, PodResult, pod


def test_a_partial_failure_says_in_a_line_how_much_is_done_and_what_failed():
    ending = PodResult(done=15, skipped=3, failed=(("searches", "no column\n 'x'"), ("uri_count", "timed out")))

    assert ending.line == (
        "partial: 18 of 20 done (3 of them before); failed: searches (no column 'x'), uri_count (timed out)"
    )


def test_success_says_how_much_was_found_done():
    assert PodResult(done=0, skipped=20).line == "20 of 20 done (20 of them before)"
    assert PodResult(done=20, skipped=0).line == "20 of 20 done"


def test_nothing_done_is_a_failure_not_a_partial_one():
    assert PodResult(done=0, skipped=0, failed=(("x", "no table"),)).line == "failed: 0 of 1 done; failed: x (no table)"


@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=2000)), max_size=80))
def test_what_argo_keeps_about_a_node_is_small_whatever_failed(failed):
    ending = PodResult(done=1, skipped=0, failed=tuple(failed))

    assert len(ending.line.encode()) <= 2000
    assert "\n" not in ending.line


def test_a_pod_writes_where_argo_reads(tmp_path):
    here = pod(
        {
            "JETSTREAM_TERMINATION_LOG": str(tmp_path / "log"),
            "JETSTREAM_RESULT": str(tmp_path / "result"),
            "ARGO_PROGRESS_FILE": str(tmp_path / "progress"),
        }
    )

    here.reached(3, 20)
    here.say("5,947 units: 1,985 in control\n" + "…" * 2000)

    assert (tmp_path / "progress").read_text() == "3/20"
    assert (tmp_path / "log").read_text().startswith("5,947 units: 1,985 in control …")
    assert (tmp_path / "result").read_text().startswith("5,947 units: 1,985 in control …")
    assert len((tmp_path / "log").read_bytes()) <= 2000
    assert len((tmp_path / "result").read_bytes()) <= 500


def test_outside_a_pod_nothing_is_written():
    outside = pod({})

    outside.reached(1, 2)
    outside.say("done")

    assert outside == Pod()
