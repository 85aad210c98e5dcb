"""Which of our errors each of BigQuery's is, and what a person reads."""

import pytest

from jetstream_argo.errors import (
    EXIT_DEFINITION,
    EXIT_RETRY,
    AccessDenied,
    Conflict,
    CostExceeded,
    EngineError,
    InvalidQuery,
    NotFound,
    PartDenied,
    TooBig,
    Transient,
    Unsupported,
)
from jetstream_argo.warehouse.bigquery.errors import Again, Failure, rule_for
from jetstream_argo.warehouse.bigquery.explain import engine_error, place_in

# Messages as BigQuery writes them, from its documentation and from reports in public trackers.
KNOWN: tuple[tuple[Failure, type[EngineError], Again], ...] = (
    (Failure("rateLimitExceeded", 403, "Exceeded rate limits: too many table update operations for this table"),
     Transient, Again.NOW),
    (Failure("jobRateLimitExceeded", 0, "Job exceeded rate limits"), Transient, Again.NOW),
    (Failure("quotaExceeded", 403, "Quota exceeded: Your project exceeded quota for concurrent queries."),
     Transient, Again.NOW),
    (Failure("quotaExceeded", 403, "Quota exceeded: Your table exceeded quota for imports or query appends per table"),
     Transient, Again.LATER),
    (Failure("backendError", 503, "Error encountered during execution. Retrying may solve the problem."),
     Transient, Again.NOW),
    (Failure("internalError", 500, "An internal error occurred and the request could not be completed."),
     Transient, Again.NOW),
    (Failure("connection", 0, "Connection aborted."), Transient, Again.NOW),
    (Failure("", 502, "<html>Bad Gateway</html>"), Transient, Again.NOW),
    (Failure("", 503, "Visibility check was unavailable. Please retry the request"), Transient, Again.NOW),
    (Failure("", 429, "Too many requests"), Transient, Again.NOW),
    (Failure("tableUnavailable", 400, "Requests for the table are unavailable"), Transient, Again.NOW),
    (Failure("notFound", 404, "Table p:d.t is being created or truncated"), Transient, Again.NOW),
    (Failure("stopped", 0, "Job execution was cancelled: User requested cancellation"), Transient, Again.LATER),
    (Failure("stopped", 0, "Job execution was cancelled: Job timed out after 1.0 hours"), TooBig, Again.NO),
    (Failure("invalid", 400, "Operation timed out after 6.0 hours. Consider reducing the amount of work"),
     TooBig, Again.NO),
    (Failure("timeout", 0, "Query timed out"), TooBig, Again.NO),
    (Failure("resourcesExceeded", 0, "Resources exceeded during query execution: The query could not be executed in "
             "the allotted memory."), TooBig, Again.NO),
    (Failure("invalidQuery", 400, "Resources exceeded during query execution: Not enough resources for query planning"
             " - too many subqueries or query is too complex."), TooBig, Again.NO),
    (Failure("invalid", 400, "The query is too large. The maximum standard SQL query length is 1024.00K characters"),
     TooBig, Again.NO),
    (Failure("invalid", 400, "Too many partitions produced by query, allowed 4000, query produces at least 4001"),
     TooBig, Again.NO),
    (Failure("responseTooLarge", 403, "Response too large to return."), TooBig, Again.NO),
    (Failure("invalidQuery", 400, "Cannot query rows larger than 100MB limit."), TooBig, Again.NO),
    (Failure("invalid", 400, "Row size exceeds the limit of 100 MB."), TooBig, Again.NO),
    (Failure("resourcesExceeded", 0, "Cannot query rows larger than 100MB limit."), TooBig, Again.NO),
    (Failure("billingTierLimitExceeded", 400, "Query exceeded resource limits"), TooBig, Again.NO),
    # jobs.getQueryResults gives this one HTTP 500, which must not make it look like a passing failure.
    (Failure("bytesBilledLimitExceeded", 500, "Query exceeded limit for bytes billed: 100. 200 or higher required."),
     CostExceeded, Again.NO),
    (Failure("accessDenied", 403, "Access Denied: Table p:d.t: User does not have permission"), AccessDenied, Again.NO),
    (Failure("accessDenied", 403, "Access Denied: BigQuery BigQuery: User has neither fine-grained reader nor masked "
             'get permission to get data protected by policy tag "Sales : Money" on columns p.d.t.a, p.d.t.b.'),
     PartDenied, Again.NO),
    (Failure("accessDenied", 403, "Access Denied: BigQuery BigQuery: User does not have permission to access policy "
             'tag "pii : high" on column p.d.t.email.'), PartDenied, Again.NO),
    (Failure("", 403, "Access denied: User does not have permission to access policy tag projects/p/locations/us/"
             "taxonomies/1/policyTags/2 on column p.d.t.email."), PartDenied, Again.NO),
    (Failure("accessDenied", 403, "Access denied: Requires fineGrainedGet permission on the read columns to execute "
             "the DML statements"), PartDenied, Again.NO),
    (Failure("accessDenied", 403, "Access Denied: Routine p:d.f: User does not have permission to query routine p:d.f,"
             " or perhaps it does not exist."), PartDenied, Again.NO),
    (Failure("accessDenied", 403, "Access Denied: Dataset p:d: Permission bigquery.tables.create denied on it"),
     AccessDenied, Again.NO),
    (Failure("accessDenied", 403, "Access Denied: Project p: User does not have bigquery.jobs.create permission"),
     AccessDenied, Again.NO),
    (Failure("authError", 401, "Invalid Credentials"), AccessDenied, Again.NO),
    (Failure("notFound", 404, "Not found: Table p:d.t was not found in location US"), NotFound, Again.NO),
    (Failure("notFound", 404, "Not found: Job p:US.j"), Transient, Again.NOW),
    (Failure("invalidQuery", 400, "Unrecognized name: x at [3:14]"), InvalidQuery, Again.NO),
    (Failure("invalid", 400, "Provided Schema does not match Table p:d.t. Cannot add fields (field: x)"),
     InvalidQuery, Again.NO),
    (Failure("duplicate", 409, "Already Exists: Table p:d.t"), Conflict, Again.LATER),
    (Failure("conditionNotMet", 412, "Precondition check failed."), Conflict, Again.LATER),
    (Failure("notImplemented", 501, "Not implemented"), Unsupported, Again.NO),
    (Failure("somethingNew", 0, "Nobody has seen this"), Transient, Again.LATER),
)  # fmt: skip


@pytest.mark.parametrize(("failure", "error", "again"), KNOWN, ids=lambda value: getattr(value, "message", None))
def test_each_known_failure_has_one_meaning(failure: Failure, error: type[EngineError], again: Again) -> None:
    rule = rule_for(failure)

    assert (rule.error, rule.again) == (error, again)


@pytest.mark.parametrize("failure", [failure for failure, _, _ in KNOWN])
def test_whatever_may_pass_ends_the_process_as_retryable_and_the_rest_as_a_wrong_definition(failure: Failure) -> None:
    error = engine_error(failure)

    passing = isinstance(error, (Transient, TooBig, Conflict))
    assert error.exit_code == (EXIT_RETRY if passing else EXIT_DEFINITION)


def test_a_refused_query_is_shown_with_a_caret_under_the_column_that_is_named() -> None:
    sql = "SELECT\n  clients.branch,\n  clients.tipo\nFROM clients"

    error = engine_error(
        Failure("invalidQuery", 400, "Name tipo not found inside clients at [3:11]"), job_id="plan-node-1", sql=sql
    )

    assert str(error) == (
        "job plan-node-1: Name tipo not found inside clients at [3:11] (invalidQuery, HTTP 400)\n"
        "  1 | SELECT\n"
        "  2 |   clients.branch,\n"
        "  3 |   clients.tipo\n"
        "    |           ^"
    )


def test_a_caret_stays_under_its_column_when_a_long_line_is_cut() -> None:
    sql = "SELECT " + ", ".join(f"column_{number}" for number in range(100)) + ", wrong"
    column = sql.index("wrong") + 1

    code, caret = place_in(sql, f"Unrecognized name: wrong at [1:{column}]").splitlines()

    assert code[caret.index("^") :].startswith("wrong")
    assert len(code) < 200


def test_a_place_outside_the_text_is_not_shown() -> None:
    assert place_in("SELECT 1", "Syntax error at [7:1]") == ""


def test_a_missing_table_is_named() -> None:
    error = engine_error(Failure("notFound", 404, "Not found: Table moz-fx:d.t was not found in location US"))

    assert isinstance(error, NotFound)
    assert error.table == "moz-fx.d.t"
    assert "location" in str(error)


def test_a_message_says_what_to_do() -> None:
    error = engine_error(Failure("resourcesExceeded", 0, "Resources exceeded during query execution"), job_id="j")

    assert str(error).splitlines()[-1] == "ask for less at once: fewer metrics in a query, then fewer dates"
