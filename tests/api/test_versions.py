"""Every PUT, PATCH and DELETE there is honours If-Match: a stale version changes nothing, and the answer holds both values."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.conftest import assert_problem
from tests.api.test_policy import address_of, bodies, doors, fingerprint, no_worker, send, world  # noqa: F401 - fixtures

OWN = {"tokens-detail", "sessions-detail"}  # taken back by the person at a browser, whom no token stands for
CHANGES = [(route, method) for route, method in doors() if method in {"PUT", "PATCH", "DELETE"} and route not in OWN]
# What is sent to addresses whose body is not that of a new row.
SENT: dict[str, dict[str, Any]] = {
    "remediations": {"exit_test": "Mine"},
    "tasks": {"text": "Mine"},
    "webhooks": {"name": "Mine"},
    "interactions": {"summary": "Mine"},
}


class StaleClient(APIClient):
    """Names a version that is not there, whatever it is asked to name."""

    def generic(self, method: str, *args: Any, **kwargs: Any) -> Any:
        if method in {"PUT", "PATCH", "DELETE"}:
            kwargs["headers"] = {"If-Match": '"0123456789abcdef"'}
        return super().generic(method, *args, **kwargs)


@pytest.mark.django_db
def test_a_stale_version_changes_nothing_and_shows_both(world, rest):  # noqa: F811
    fresh, stale = rest(world.people["admin"]), StaleClient()
    stale.credentials(**fresh._credentials)
    before = fingerprint()

    faults = [(*change, fault) for change in CHANGES for fault in faults_of(*change, world, fresh, stale)]

    assert faults == []
    assert fingerprint() == before


def faults_of(route: str, method: str, world: Any, fresh: APIClient, stale: APIClient) -> Iterator[str]:  # noqa: F811
    resource, address = route.rpartition("-")[0], address_of(route, world)
    sent = {**bodies(world).get(resource, {}), **SENT.get(resource, {})}
    is_patch = method == "PATCH"
    answer = stale.patch(address, sent, format="json") if is_patch else send(stale, route, method, world)
    if answer.status_code != 412:
        yield f"{answer.status_code} {answer.content[:200]!r}"
        return
    problem = assert_problem(answer, 412)
    read = fresh.get(address) if (route, "GET") in doors() else None
    is_tagged = read is not None and read.status_code == 200 and "ETag" in read.headers
    if is_tagged and (answer.headers["ETag"] != read.headers["ETag"] or problem["current"] != read.json()):
        yield f"shows {problem['current']} where a read gives {read.json()}"
    said = {error["pointer"]: error["detail"] for error in problem["errors"]}
    for name, value in sent.items() if is_patch else ():
        stored = problem["current"].get(name, value)
        both = said.get(f"/{name}", "")
        if isinstance(value, str) and stored != value and not (value in both and str(stored or "") in both):
            yield f"{name}: {both} does not hold {stored} and {value}"


def test_enough_of_them_are_tried():
    assert len(CHANGES) > 60
    assert {method for _route, method in CHANGES} == {"PUT", "PATCH", "DELETE"}
