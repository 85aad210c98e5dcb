"""Classifies BigQuery's errors: which of our errors each is, whether to try again at once, and what to do.

Reasons and codes: https://cloud.google.com/bigquery/docs/error-messages. The first row that matches decides.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from jetstream_argo.errors import (
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


class Again(StrEnum):
    """Whether the same request may be made again as it is."""

    NO = "no"  # the answer would be the same
    NOW = "now"  # with backoff, until the deadline
    LATER = "later"  # not within minutes: leave it to whoever retries the node


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure that BigQuery, or the connection to it, reported.

    `code` is 0 and `reason` empty where neither was given.
    """

    reason: str
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. Of `reasons`, `codes` and `pattern`, those that are given must all match."""

    error: type[EngineError]
    again: Again
    hint: str
    reasons: tuple[str, ...] = ()
    codes: tuple[int, ...] = ()
    pattern: str = ""

    def matches(self, failure: Failure) -> bool:
        """Return whether this row speaks of `failure`."""
        return (
            (not self.reasons or failure.reason in self.reasons)
            and (not self.codes or failure.code in self.codes)
            and (not self.pattern or re.search(self.pattern, failure.message, re.IGNORECASE) is not None)
        )


# Reasons of our own: no answer came, and there is nothing to say who asks.
CONNECTION = "connection"
NO_CREDENTIALS = "noCredentials"

_SMALLER = "ask for less at once: fewer metrics in a query, then fewer dates"
_CALM = "nothing is wrong with the request; it is tried again"
_QUOTA = "wait, or have the quota raised; https://cloud.google.com/bigquery/quotas"

# Rows for one reason come before rows for a code: jobs.getQueryResults answers with HTTP 500 to a job that ran into
# its billing cap, and with 403 to a rate limit as to a missing permission.
RULES: tuple[Rule, ...] = (
    Rule(TooBig, Again.NO, _SMALLER, reasons=("resourcesExceeded", "timeout", "responseTooLarge")),
    Rule(TooBig, Again.NO, _SMALLER, reasons=("billingTierLimitExceeded",)),  # too much CPU for the bytes read
    Rule(TooBig, Again.NO, _SMALLER, reasons=("stopped",), pattern=r"timed? ?out"),  # jobTimeoutMs
    Rule(TooBig, Again.NO, _SMALLER, pattern=r"timed out after [\d.]+ (hours|minutes|seconds|ms)"),
    Rule(TooBig, Again.NO, _SMALLER, pattern=r"resources exceeded|not enough resources for query planning"),
    Rule(TooBig, Again.NO, _SMALLER, pattern=r"query (is )?too (large|complex)|query length|too many partitions"),
    # What an aggregate gathers is one row: https://cloud.google.com/bigquery/quotas#query_jobs, "Maximum row size".
    Rule(
        TooBig,
        Again.NO,
        _SMALLER,
        pattern=r"\brows?( size)?\b.*\b(larger|limit|exceed\w*|too large)\b.*\b\d+ ?M(i?B|egabytes)\b",
    ),
    Rule(Transient, Again.LATER, "the job was cancelled; run the node again", reasons=("stopped",)),
    Rule(
        CostExceeded,
        Again.NO,
        "raise the cap on bytes billed, or analyse fewer metrics or dates",
        reasons=("bytesBilledLimitExceeded",),
    ),
    Rule(Transient, Again.NOW, _QUOTA, reasons=("rateLimitExceeded", "jobRateLimitExceeded", "userRateLimitExceeded")),
    Rule(Transient, Again.NOW, _QUOTA, reasons=("quotaExceeded",), pattern=r"concurrent|per second|simultaneous"),
    Rule(Transient, Again.LATER, _QUOTA, reasons=("quotaExceeded", "dailyLimitExceeded", "usageQuotaExceeded")),
    Rule(Transient, Again.NOW, _CALM, reasons=("backendError", "jobBackendError", "badGateway", CONNECTION)),
    Rule(Transient, Again.NOW, _CALM, reasons=("internalError", "jobInternalError")),
    Rule(Transient, Again.NOW, "the table is not ready yet; it is tried again", reasons=("tableUnavailable",)),
    Rule(Transient, Again.NOW, "the table is not ready yet; it is tried again", pattern=r"table .*is being (cre|tru)"),
    Rule(
        PartDenied,
        Again.NO,
        "grant the account datacatalog.categoryFineGrainedReader on the policy tag, or leave the column out",
        pattern=r"policy tag|fine-?grained ?(reader|get)|(denied|permission)\b.* on (the read )?columns?\b",
    ),
    Rule(
        PartDenied,
        Again.NO,
        "grant the account bigquery.dataViewer on the dataset of the function or model, or do without it",
        reasons=("accessDenied",),
        pattern=r"denied: (routine|model)",
    ),
    Rule(
        AccessDenied,
        Again.NO,
        "grant the account bigquery.jobUser on the project, and dataEditor or dataViewer on the dataset",
        reasons=("accessDenied", "authError", "forbidden", "invalidUser"),
    ),
    Rule(
        AccessDenied,
        Again.NO,
        "log in (`gcloud auth application-default login`), or name a key file in GOOGLE_APPLICATION_CREDENTIALS",
        reasons=(NO_CREDENTIALS,),
    ),
    Rule(
        AccessDenied, Again.NO, "the project's billing or policy forbids this", reasons=("billingNotEnabled", "blocked")
    ),
    # jobs.get may lag behind jobs.insert: https://github.com/googleapis/python-bigquery/issues/2134
    Rule(Transient, Again.NOW, "BigQuery does not know of the job yet", reasons=("notFound",), pattern="found: job"),
    Rule(NotFound, Again.NO, "check the name, the project and the location", reasons=("notFound",)),
    Rule(Conflict, Again.LATER, "another process made or changed it first", reasons=("duplicate", "conditionNotMet")),
    Rule(Unsupported, Again.NO, "BigQuery does not implement this", reasons=("notImplemented",)),
    Rule(
        InvalidQuery,
        Again.NO,
        "the rows do not fit the table's columns: change the query, or write to a new table",
        pattern=r"provided schema|schema update|schema mismatch|no such field|field .* has changed (type|mode)",
    ),
    Rule(InvalidQuery, Again.NO, "", reasons=("invalidQuery", "invalid", "parseError", "required")),
    Rule(Transient, Again.NOW, _CALM, codes=(408, 429, 500, 502, 503, 504)),
    Rule(AccessDenied, Again.NO, "grant the account what it lacks", codes=(401, 403)),
    Rule(NotFound, Again.NO, "check the name, the project and the location", codes=(404,)),
    Rule(Conflict, Again.LATER, "another process made or changed it first", codes=(409, 412)),
    Rule(InvalidQuery, Again.NO, "", codes=tuple(range(400, 500))),
)

_UNKNOWN = Rule(Transient, Again.LATER, "this error is new to us: read what BigQuery says of it")


def rule_for(failure: Failure) -> Rule:
    """Return the first row of the table that speaks of `failure`."""
    return next((rule for rule in RULES if rule.matches(failure)), _UNKNOWN)
