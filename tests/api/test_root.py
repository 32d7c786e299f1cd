"""The entrance of REST: every address it names answers."""

from tests.factories import make_superuser


def test_root_names_lists_that_answer(rest, db):
    client = rest(make_superuser())

    found = client.get("/api/v1/")

    assert found.status_code == 200
    assert {"accounts", "schema", "docs"} <= set(found.json())
    assert {name: status for name, url in found.json().items() if (status := client.get(url).status_code) != 200} == {}
