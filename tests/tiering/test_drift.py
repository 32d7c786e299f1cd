"""How a version's nights have moved since it came into force, from the rows those nights stored."""

from datetime import date, timedelta

import numpy as np
import pytest

from accounts.models import Account
from metrics.binary import fetch
from tests.factories import make_account, make_superuser, make_user, post_revenue
from tests.tiering.company import AS_OF, monthly, random_ledger
from tests.tiering.night import night
from tiering.drift import MONTHS, chosen_nights, drift
from tiering.enums import Preset
from tiering.models import Score, TierRun
from tiering.services import activate_model, create_model

pytestmark = pytest.mark.django_db
SEPTEMBER, OCTOBER, NOVEMBER = date(2024, 9, 30), date(2024, 10, 31), date(2024, 11, 30)


@pytest.fixture
def model():
    """Three month-ends and a night between, of a company of 40 accounts."""
    random_ledger(accounts=40, rows=900, seed=9)
    made = activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=SEPTEMBER))
    for day in (SEPTEMBER, OCTOBER, date(2024, 11, 20), NOVEMBER):
        night(day)
    return made


def everyone():
    return Account.objects.visible_to(make_superuser())


def test_drift_compares_the_last_month_end_with_the_first_night(model):
    found = drift(model=model, accounts=everyone())

    assert [one.as_of for one in found.nights] == [SEPTEMBER, OCTOBER, NOVEMBER]
    assert found.is_whole
    run = TierRun.objects.get(as_of=NOVEMBER)
    graded = {grade: count for grade, count in run.counts.items() if grade != "not_graded" and count}
    assert {grade: count for grade, count in found.last.grades.items() if grade != "not_graded" and count} == graded
    # The same figures from the stored rows, one by one.
    rows = [one for one in Score.objects.filter(run=run) if not one.has_flag(1)]
    composites = [one.composite for one in rows if one.composite is not None]
    assert found.last.quantiles == pytest.approx(np.quantile(composites, [0.1, 0.25, 0.5, 0.75, 0.9]))
    place = run.model.raw_layout.index("L2")
    scale = np.array(model.indicators.get(code="L2").anchors)
    known = [one.raw[place] for one in rows if not np.isnan(one.raw[place])]
    l2 = next(one for one in found.indicators if one.code == "L2")
    assert l2.mean_now == pytest.approx(np.interp(known, scale[:, 0], scale[:, 1]).mean())
    assert all(one.index is None or one.index >= 0 for one in found.indicators)


def test_a_population_that_changed_is_found_and_the_rest_is_stable(model):
    """Sixty new accounts that order every month: the months with an order move, the days are the same."""
    newcomers = [make_account() for _ in range(60)]
    post_revenue([row for account in newcomers for row in monthly(account, 500, first=date(2024, 1, 1), months=12)])
    night(AS_OF)

    found = drift(model=model, accounts=everyone())

    by_code = {one.code: one for one in found.indicators}
    assert found.last.as_of == AS_OF
    assert by_code["L2"].has_changed
    assert (by_code["V1"].index, by_code["V1"].unknown_now) == (None, 1)  # nobody is rated, then and now


def test_owner_sees_the_own_accounts_and_a_stranger_none(model):
    owner = make_user()
    Account.objects.filter(pk__in=list(Account.objects.values_list("pk", flat=True)[:5])).update(owner=owner)

    mine = drift(model=model, accounts=Account.objects.visible_to(owner))
    none = drift(model=model, accounts=Account.objects.visible_to(make_user()))

    assert 0 < mine.last.accounts <= 5
    assert (none.last.accounts, none.last.quantiles, none.last.evidence) == (0, None, None)
    assert all(one.index is None for one in none.indicators)


def test_a_version_that_never_graded_has_no_drift(model):
    assert drift(model=create_model(preset=Preset.FULL, as_of=AS_OF), accounts=everyone()) is None


def test_at_most_a_year_and_the_first_night_are_read():
    days = [AS_OF + timedelta(days=7 * week) for week in range(110)]
    runs = [TierRun(as_of=day) for day in days]

    found = chosen_nights(runs, since=days[0])

    assert (len(found), found[0], found[-1]) == (MONTHS + 1, runs[0], runs[-1])
    assert len({(run.as_of.year, run.as_of.month) for run in found[1:]}) == MONTHS
    filled = chosen_nights(runs[:30], since=days[29])
    assert filled[0] == runs[0]  # history that was filled in, where too little came after
    assert chosen_nights([], since=None) == []


def test_a_night_is_read_once_for_everybody_who_sees_every_account(model, monkeypatch):
    reads = []
    monkeypatch.setattr("tiering.drift.fetch", lambda *args, **kwargs: reads.append(1) or fetch(*args, **kwargs))
    owner = make_user()
    Account.objects.update(owner=owner)

    found = [
        drift(model=model, accounts=Account.objects.visible_to(owner)),
        *(drift(model=model, accounts=everyone()) for _ in range(2)),
    ]

    assert found[0] == found[1] == found[2]
    assert len(reads) == 3 + 3


@pytest.mark.parametrize("count", [1, 3])
def test_statements_do_not_grow_with_the_accounts(model, count, django_assert_num_queries):
    for _ in range(count):
        make_account()
    accounts = everyone()
    drift(model=model, accounts=accounts)

    with django_assert_num_queries(5):  # since when, the nights, dimensions, indicators, thresholds
        drift(model=model, accounts=accounts)
