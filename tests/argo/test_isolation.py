"""Whatever becomes of one piece of work, the others are done."""

import os
import signal
import time

import pytest

from jetstream_argo.argo.due.isolation import Allowance, Died, each_alone

_ALLOWANCE = Allowance(seconds=300, memory_mib=256)


def work(item: str) -> str:
    """Do what the item says; in a module, so that other processes can find it."""
    match item:
        case "endless":
            while True:
                time.sleep(1)
        case "large":
            return str(len(bytearray(2**31)))
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(3)
        case "unforeseen":
            raise ZeroDivisionError("by zero")
        case "leave":
            raise SystemExit(5)
    return item.upper() * (300_000 if item == "long" else 1)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("large", "takes more than 256 MiB of memory"),
        ("crash", "its process was killed by signal 11 (SIGSEGV)"),
        ("exit", "its process ended with exit code 3"),
        ("leave", "its process ended with exit code 5"),
        ("unforeseen", "ZeroDivisionError (by zero)"),
    ],
)
def test_a_piece_that_goes_wrong_is_told_and_the_others_go_on(item: str, reason: str) -> None:
    outcomes = list(each_alone(work, ["a", item, "long", "b"], jobs=2, allowance=_ALLOWANCE))

    assert [name for name, _ in outcomes] == ["a", item, "long", "b"]
    results = dict(outcomes)
    assert (results["a"], results["b"]) == ("A", "B")
    assert results["long"] == "LONG" * 300_000
    died = results[item]
    assert isinstance(died, Died)
    assert reason in died.reason


def test_a_piece_that_does_not_end_is_stopped() -> None:
    [(item, outcome)] = each_alone(work, ["endless"], jobs=2, allowance=Allowance(seconds=0.5))

    assert item == "endless"
    assert outcome == Died("was not planned within 0.5 seconds, and was stopped; make its files smaller")


def test_nothing_to_do_is_done_at_once() -> None:
    assert list(each_alone(work, [], jobs=2, allowance=_ALLOWANCE)) == []
