"""Every address has a policy: pages in ``crm.access``, REST in ``crm.api.policy``."""

from collections.abc import Callable, Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.access import TABLE, Action, Role
from crm import access
from crm.access import APART, PAGES, SPACES, gate_for, listed
from crm.api.policy import POLICY


def routes() -> Iterator[tuple[str, str, Callable]]:
    """(name, pattern, view) of every address, from the resolver itself."""

    def walk(patterns: list, prefix: str, spaces: tuple[str, ...]) -> Iterator[tuple[str, str, Callable]]:
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(
                    pattern.url_patterns, path, (*spaces, pattern.namespace) if pattern.namespace else spaces
                )
            else:
                assert isinstance(pattern, URLPattern)
                yield ":".join((*spaces, pattern.name or "")), path, pattern.callback

    yield from walk(get_resolver().url_patterns, "", ())


def methods_of(view: Callable) -> set[str] | None:
    """The methods a view takes, read from Django's decorators or its class; None where only calling it would tell."""
    if (kind := getattr(view, "view_class", None)) is not None:
        return {name.upper() for name in kind.http_method_names if hasattr(kind, name)} & {"GET", "POST"}
    inner: Callable | None = view
    while inner is not None:
        code = getattr(inner, "__code__", None)
        for name, cell in zip(
            getattr(code, "co_freevars", ()), getattr(inner, "__closure__", None) or (), strict=False
        ):
            if name == "request_method_list":
                return set(cell.cell_contents) & {"GET", "POST"}
        inner = getattr(inner, "__wrapped__", None)
    return None


def pages() -> list[tuple[str, str, Callable]]:
    return [(name, path, view) for name, path, view in routes() if not name.startswith(APART)]


def test_every_page_is_listed_and_nothing_else_is():
    real = {name for name, _path, _view in pages() if name.partition(":")[0] not in SPACES}

    assert sorted(real - set(PAGES)) == [], "add these to a line of crm/access.py"
    assert sorted(set(PAGES) - real) == [], "these addresses are gone: take them off crm/access.py"
    assert [path for name, path, _view in pages() if name.endswith(":") or not name] == [], "addresses need a name"


def test_the_methods_listed_are_those_the_views_take():
    wrong = {}
    for name, _path, view in pages():
        real = methods_of(view)
        if real is not None and name in PAGES and real != set(PAGES[name]) and name not in {"logout", "login"}:
            wrong[name] = (real, set(PAGES[name]))
    assert wrong == {}


def test_what_is_sent_asks_for_more_than_looking():
    """A write that any reader could do would let analysts write."""
    looking = {Action.ACCOUNT_VIEW, Action.REFERENCE_VIEW, Action.DATA_EXPORT, Action.ORG_VIEW}
    assert [route for route, method, gate in listed() if method != "GET" and looking & set(gate.actions)] == []
    assert [
        key
        for key, rule in POLICY.items()
        if key[1] != "GET" and not rule.open and not rule.right and (not rule.actions or looking & set(rule.actions))
    ] == []


def test_only_the_way_in_and_out_is_open():
    assert {route for route, _method, gate in listed() if gate.is_open} == OPEN_ROUTES
    assert {route for (route, _method), rule in POLICY.items() if rule.open} == {"schema", "docs", "unknown"}


OPEN_ROUTES = {
    "login_forgot",
    "login_reset",
    "join",
    "sso_start",
    "sso_callback",
    "healthz",
    "readyz",
    "login",
    "login_code",
    "login_setup",
    "logout",
    "set_language",
}


def test_an_analyst_writes_nothing_but_own_things():
    mine = TABLE.of(Role.ANALYST)
    open_to = {route for route, method, gate in listed() if method == "POST" and mine & set(gate.actions)}
    assert {action for route in open_to for action in PAGES[route]["POST"].actions} & mine <= {
        Action.SELF_USE,
        Action.SIMULATION_USE,
        Action.TOKEN_OWN,
    }


def test_methods_without_a_line_are_asked_like_another_of_the_route():
    assert gate_for("nowhere", "GET") is None
    assert gate_for("accounts:bulk", "GET") == gate_for("accounts:bulk", "POST")
    assert gate_for("accounts:list", "HEAD") == gate_for("accounts:list", "GET")
    assert gate_for("accounts:columns", "PUT") == gate_for("accounts:columns", "GET")


def test_a_route_is_not_listed_twice():
    with pytest.raises(ValueError, match="listed twice: a"):
        access._together(access.see("a"), access.do(Action.TEAM_ADD, at=("a",)))


def test_htmx_and_plain_requests_without_a_log_in_are_led_to_it(client, db):
    assert client.get("/accounts/").headers["Location"] == "/login/?next=/accounts/"
    answer = client.get("/accounts/", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert "HX-Redirect" in answer.headers
