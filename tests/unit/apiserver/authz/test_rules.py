"""Rules match what Kubernetes' rules match, and cover each other as Kubernetes says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.apiserver.authn.interface import UserInfo
from headwater.apiserver.authz.interface import Attributes
from headwater.apiserver.authz.rules import Rule, parse_rules, uncovered

from .conftest import rule

ANYONE = UserInfo("x")


def asked(verb: str, what: str, name: str = "", group: str = "") -> Attributes:
    if what.startswith("/"):
        return Attributes(ANYONE, verb, path=what, is_resource=False)
    resource, _, subresource = what.partition("/")
    return Attributes(ANYONE, verb, group=group, resource=resource, subresource=subresource, name=name)


@pytest.mark.parametrize(
    ("given_rule", "question", "allowed"),
    [
        pytest.param(rule("get", "pods"), asked("get", "pods"), True, id="exact"),
        pytest.param(rule("get list", "pods"), asked("list", "pods"), True, id="one of the verbs"),
        pytest.param(rule("get", "pods"), asked("list", "pods"), False, id="another verb"),
        pytest.param(rule("*", "*", groups="*"), asked("x", "y/z", group="g"), True, id="everything"),
        pytest.param(rule("get", "pods"), asked("get", "pods", group="apps"), False, id="another group"),
        pytest.param(rule("get", "pods"), asked("get", "pods/log"), False, id="subresources are apart"),
        pytest.param(rule("get", "pods/log"), asked("get", "pods/log"), True, id="subresource"),
        pytest.param(rule("get", "pods/log"), asked("get", "pods"), False, id="subresource only"),
        pytest.param(rule("update", "*/scale"), asked("update", "things/scale"), True, id="any scale"),
        pytest.param(rule("update", "*/scale"), asked("update", "things"), False, id="any scale but no thing"),
        pytest.param(rule("get", "pods", names="a b"), asked("get", "pods", "b"), True, id="named"),
        pytest.param(rule("get", "pods", names="a b"), asked("get", "pods", "c"), False, id="another name"),
        pytest.param(rule("list", "pods", names="a"), asked("list", "pods"), False, id="names don't give lists"),
        pytest.param(rule("get", urls="/healthz"), asked("get", "/healthz"), True, id="URL"),
        pytest.param(rule("get", urls="/healthz"), asked("get", "/healthz/x"), False, id="URL below"),
        pytest.param(rule("get", urls="/apis/*"), asked("get", "/apis/x/y"), True, id="URLs below"),
        pytest.param(rule("get", urls="/apis/*"), asked("get", "/apis"), False, id="URL above"),
        pytest.param(rule("*", urls="*"), asked("put", "/x"), True, id="every URL"),
        pytest.param(rule("*", "*", groups="*"), asked("get", "/x"), False, id="resources are no URLs"),
        pytest.param(rule("*", urls="*"), asked("get", "pods"), False, id="URLs are no resources"),
        pytest.param({"verbs": ["get"], "apiGroups": None, "resources": None}, asked("get", "pods"), False, id="nulls"),
    ],
)  # fmt: skip
def test_what_a_rule_allows(given_rule: dict[str, object], question: Attributes, allowed: bool) -> None:
    assert Rule.parse(given_rule).allows(question) is allowed


@pytest.mark.parametrize(
    ("owned", "wanted", "missing"),
    [
        pytest.param([rule("*", "*", groups="*")], [rule("get", "pods")], [], id="everything covers"),
        pytest.param([rule("get", "pods")], [rule("get", "pods", names="a")], [], id="all names cover one"),
        pytest.param(
            [rule("get", "pods", names="a")], [rule("get", "pods")],
            ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'], id="one name does not cover all",
        ),
        pytest.param(
            [rule("get", "pods"), rule("list", "pods")], [rule("get list", "pods")], [], id="by two rules together"
        ),
        pytest.param(
            [rule("get", "pods")], [rule("get list watch", "pods secrets")],
            ['{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}',
             '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list" "watch"]}'], id="verbs are put together",
        ),
        pytest.param([rule("*", "pods")], [rule("*", "pods")], [], id="stars cover stars"),
        pytest.param(
            [rule("get list", "pods")], [rule("*", "pods")],
            ['{APIGroups:[""], Resources:["pods"], Verbs:["*"]}'], id="verbs don't cover the star",
        ),
        pytest.param([rule("get", "*/scale")], [rule("get", "a/scale")], [], id="any scale covers one"),
        pytest.param(
            [rule("get", "a/scale")], [rule("get", "*/scale")],
            ['{APIGroups:[""], Resources:["*/scale"], Verbs:["get"]}'], id="one scale does not cover any",
        ),
        pytest.param([rule("get", urls="/a*")], [rule("get", urls="/ab/* /a*")], [], id="URL prefix"),
        pytest.param(
            [rule("get", urls="/ab*")], [rule("get", urls="/a*")],
            ['{NonResourceURLs:["/a*"], Verbs:["get"]}'], id="URL prefix the other way round",
        ),
    ],
)  # fmt: skip
def test_what_is_not_covered(
    owned: list[dict[str, object]], wanted: list[dict[str, object]], missing: list[str]
) -> None:
    assert [str(r) for r in uncovered(parse_rules({"rules": owned}), parse_rules({"rules": wanted}))] == missing


_some = st.lists(st.sampled_from(["get", "list", "*"]), min_size=1, max_size=2, unique=True)
_resources = st.lists(st.sampled_from(["pods", "pods/log", "*", "*/log", "secrets"]), min_size=1, max_size=2)
_groups = st.lists(st.sampled_from(["", "apps", "*"]), min_size=1, max_size=2)
_names = st.lists(st.sampled_from(["a", "b"]), max_size=2)
_rules = st.lists(
    st.builds(lambda v, g, r, n: Rule(tuple(v), tuple(g), tuple(r), tuple(n)), _some, _groups, _resources, _names),
    max_size=3,
)


@given(_rules, _rules)
def test_covered_rules_allow_nothing_more(owned: list[Rule], wanted: list[Rule]) -> None:
    """If nothing is missing, every request that the wanted rules allow was allowed before."""
    if uncovered(owned, wanted):
        return
    for verb in ("get", "list", "watch"):
        for what in ("pods", "pods/log", "secrets", "secrets/log", "nodes"):
            for group in ("", "apps", "batch"):
                for name in ("", "a", "b", "c"):
                    question = asked(verb, what, name, group)
                    if any(r.allows(question) for r in wanted):
                        assert any(r.allows(question) for r in owned), question


@given(_rules)
def test_rules_cover_themselves_and_survive_the_wire(rules: list[Rule]) -> None:
    assert uncovered(rules, rules) == []
    assert [Rule.parse(r.to_object()) for r in rules] == rules
