"""Property tests draw the same cases each time, so that a commit passes or fails for good.

``HYPOTHESIS_PROFILE=random make test`` draws new ones, to find what the usual cases do not.
"""

import os

import pytest
from hypothesis import settings

# No deadline: how long one case takes says more about the machine than about the code.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("random", derandomize=False, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture
def client():
    """Posts what a page that was just opened would: with the version of the rows it changes (tests/seen.py)."""
    from tests.seen import SeeingClient

    return SeeingClient()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What empties the tables behind itself comes last: rows that migrations have made are gone from then on."""
    items.sort(key=empties_tables)


def empties_tables(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(fixtures & {"transactional_db", "live_server"} or (marker and marker.kwargs.get("transaction")))
