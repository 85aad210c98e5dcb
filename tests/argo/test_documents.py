"""A manifest says the same to every reader of YAML."""

import io

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from jetstream_argo.argo.manifest.documents import from_yaml, to_yaml
from jetstream_argo.errors import ConfigError

# What readers of YAML 1.1 or 1.2, Go's and Kubernetes' among them, take for something else when it stands plain.
_MISTAKEN = """7159585084283e38 1e3 1E3 +1 -1 0x1f 0o17 017 08 0b101 1_000 190:20:30 12:30:45 .5 5.
1.5e+3 .inf -.INF .nan .NaN
y Y n N yes Yes no NO on On off OFF true True FALSE false null Null NULL ~ nil NaN Infinity
2026-05-20 2026-05-20T01:02:03Z 2001-12-14t21:59:43.10-05:00 = << - -- --- ... ? : ! & * @ ` %
0 00 1. 1e 0x 0.0.0""".split()


@pytest.mark.parametrize("text", _MISTAKEN)
def test_text_that_looks_like_something_else_is_quoted(text: str) -> None:
    written = to_yaml([{"kind": "X", "value": text, text: "key"}])

    assert f"'{text}'" in written


def test_ordinary_text_is_left_plain() -> None:
    written = to_yaml([{"kind": "Workflow", "name": "jetstream-x", "path": "/tmp/x", "args": ["--node", "a b"]}])

    assert written == "kind: Workflow\nname: jetstream-x\npath: /tmp/x\nargs:\n- --node\n- a b\n"


_CHARACTERS = st.characters(exclude_categories=["Cs"])
_TEXT = st.one_of(
    st.text(_CHARACTERS, max_size=40),
    st.sampled_from(_MISTAKEN),
    st.from_regex(r"[-+.0-9a-fxoe_:TZ~ ]{1,12}", fullmatch=True),
    st.text("yYnNoOfF tTrRuUeE lL\t\n#:'\"\\-", max_size=12),
)
_VALUES = st.recursive(
    st.one_of(_TEXT, st.integers(-(2**53), 2**53), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_TEXT, inner, max_size=4)),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # of a busy machine
@given(st.dictionaries(_TEXT, _VALUES, max_size=4))
def test_readers_of_yaml_1_1_and_1_2_read_back_what_was_written(document: dict[str, object]) -> None:
    document = {"kind": "X", **document}

    written = to_yaml([document])

    assert yaml.safe_load(written) == document
    assert YAML(typ="safe", pure=True).load(io.StringIO(written)) == document


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("[" * 5000, "too deep to read"),
        ("kind: X\nx: 2026-99-99", "is not YAML"),
        ("kind: X\nx: " + "9" * 5000, "is not YAML"),
        ("kind: X\na: &a [1]\nb: [*a, *a]", r"alias \*a is not read here"),
        ("- 1", "no Kubernetes object"),
        ("\x00", "is not YAML"),
    ],
)
def test_what_is_no_manifest_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        list(from_yaml(text, where="w.yaml"))
