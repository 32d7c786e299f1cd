"""Reported figures: kept word for word with their cohort, unmoved by what comes later, and held against the live answer."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.groups import change_parent
from accounts.merges import merge_accounts, undo_merge
from accounts.models import Account, ExchangeRate
from crm.lib.exceptions import PeriodError
from crm.lib.periods import parse_period
from metrics.enums import ReportedQuestion
from metrics.models import ReportedAccount, ReportedFigure
from metrics.models_reported import LEVELS
from metrics.scope import Level
from metrics.services import reported
from metrics.services.portfolio import two_periods
from metrics.services.reported import ReportRefused, compare, report_figure, withdraw_figure
from metrics.services.reported_causes import CauseCode
from tests.factories import (
    make_account,
    make_rate,
    make_revenue,
    make_superuser,
    make_team_member,
    make_user,
    post_revenue,
)
from tests.metrics.ledger import bridge_example
from tests.web.people import grant

pytestmark = pytest.mark.django_db
BASE, COMPARISON = parse_period("2010"), parse_period("2011")
LATER = date(2011, 9, 1)


def keep(user, question="growth", accounts=None, **more) -> ReportedFigure:
    seen = Account.objects.visible_to(user)
    fields: dict[str, Any] = {"base": BASE, "comparison": COMPARISON, "title": "Year end", **more}
    return report_figure(author=user, accounts=seen if accounts is None else accounts, question=question, **fields)


def live(figure, user, accounts=None):
    seen = Account.objects.visible_to(user)
    return compare(figure, accounts=seen if accounts is None else accounts, visible=seen)


def told(found) -> dict[str, tuple]:
    return {
        str(cause.code): (cause.accounts, cause.base_difference, cause.comparison_difference) for cause in found.causes
    }


def snapshot(figure) -> tuple:
    row = ReportedFigure.objects.filter(pk=figure.pk).values().get()
    return row, list(ReportedAccount.objects.filter(figure=figure).order_by("account_id").values())


@pytest.fixture
def boss():
    return make_superuser()


def test_bridge_is_kept_as_exact_texts_with_its_cohort(boss):
    """EX-1, with the one unit of new revenue that the small ledger books inside the comparison."""
    accounts = bridge_example()

    figure = keep(boss, "bridge")

    assert {key: value for key, value in figure.figures.items() if not key.endswith("_accounts")} == {
        "opening": "2940.0000", "expansion": "300.0000", "contraction": "-200.0000", "churned": "-800.0000",
        "reactivated": "210.0000", "new": "321.0000", "adjustment": "-25.0000", "closing": "2746.0000",
    }  # fmt: skip
    assert {key: value for key, value in figure.figures.items() if key.endswith("_accounts")} == {
        "opening_accounts": "5", "expansion_accounts": "1", "contraction_accounts": "1", "churned_accounts": "2",
        "reactivated_accounts": "2", "new_accounts": "2", "adjustment_accounts": "3", "closing_accounts": "7",
    }  # fmt: skip
    assert (figure.accounts, figure.cohort_rows, figure.currency, figure.basis, figure.level) == (
        10, 10, "CNY", "invoiced", "entity",
    )  # fmt: skip
    assert (figure.base, figure.comparison, figure.base.label) == (BASE, COMPARISON, "2010")
    rows = {row.code: (row.account_id, row.name, row.base_amount, row.comparison_amount) for row in figure.cohort.all()}
    assert rows["X-E"] == (accounts["E"].pk, "E", Decimal("300.0000"), Decimal("-50.0000"))
    assert len(rows) == 10


@pytest.mark.parametrize("question", ReportedQuestion.values)
def test_every_question_is_read_back_as_the_live_answer_said_it(boss, question):
    bridge_example()

    figure = keep(boss, question)
    found = live(figure, boss)

    assert not found.differs
    assert found.causes == ()
    assert [one.key for one in found.figures] == list(reported.FIGURES[question])
    assert all(one.reported == one.live and one.difference in (0, None) for one in found.figures)
    assert figure.version == found.answer.passport.version


def test_figures_and_cohort_stay_when_documents_accounts_and_groups_change(boss):
    accounts = bridge_example()
    figure = keep(boss, "bridge", level=Level.GROUP)
    before = snapshot(figure)

    make_revenue(account=accounts["A"], booked_on=LATER, amount=Decimal("12.3456"))
    accounts["B"].parent = accounts["A"]
    accounts["B"].code, accounts["B"].name = "OTHER", "Other"
    accounts["B"].save()
    make_account(code="X-B", name="B again")
    Account.objects.filter(pk=accounts["C"].pk).update(closed_on=date(2012, 1, 1))

    assert snapshot(figure) == before
    found = live(figure, boss)
    assert found.differs
    assert told(found) == {
        "documents": (1, Decimal(0), Decimal("12.3456")),
        "regrouped": (1, None, None),
        "closed": (1, None, None),
        "renamed": (1, None, None),
    }
    by_key = {one.key: one for one in found.figures}
    assert by_key["closing"].difference == Decimal("12.3456")
    assert by_key["opening"].difference == 0
    assert by_key["contraction"].difference == Decimal(200)  # of B, which is now part of A's growth


def test_documents_outside_both_periods_change_nothing(boss):
    accounts = bridge_example()
    figure = keep(boss)

    make_revenue(account=accounts["A"], booked_on=date(2012, 5, 1))

    assert not live(figure, boss).differs


def test_earlier_first_revenue_moves_an_account_from_new_to_reactivated(boss):
    accounts = bridge_example()
    figure = keep(boss, "bridge")

    make_revenue(account=accounts["F"], booked_on=date(2008, 5, 1))
    found = live(figure, boss)

    assert {one.key: one.difference for one in found.figures if one.is_different} == {
        "new": Decimal(-250), "new_accounts": Decimal(-1), "reactivated": Decimal(250), "reactivated_accounts": Decimal(1),
    }  # fmt: skip
    assert told(found) == {"facts": (0, None, None)}


def test_an_account_that_is_gone_leaves_its_row_and_is_named_as_gone(boss):
    accounts = bridge_example()
    figure = keep(boss)
    before = snapshot(figure)

    with connection.cursor() as cursor:  # as a merge of accounts would end, after its records moved to another
        cursor.execute("ALTER TABLE accounts_revenuerecord DISABLE TRIGGER revenue_append_only")
        cursor.execute("DELETE FROM accounts_revenuerecord WHERE account_id = %s", [accounts["D"].pk])
        cursor.execute("ALTER TABLE accounts_revenuerecord ENABLE TRIGGER revenue_append_only")
    accounts["D"].delete()

    assert snapshot(figure) == before
    assert told(live(figure, boss)) == {"gone": (1, Decimal(-400), Decimal(-400))}
    assert figure.cohort.get(code="X-D").base_amount == 400


def test_rates_that_change_are_told_apart_from_documents(boss):
    accounts = bridge_example()
    make_rate(valid_on=date(2010, 6, 15), rate=Decimal(7))
    rate = make_rate(valid_on=date(2011, 6, 15), rate=Decimal(7))
    make_revenue(account=accounts["A"], booked_on=date(2011, 6, 15), amount=Decimal(10), currency="USD")
    figure = keep(boss, currency="CNY")
    assert "fx_effect" in figure.figures

    rate.rate = Decimal(8)
    rate.save()
    found = live(figure, boss)

    assert told(found) == {"rates": (1, Decimal(0), Decimal(10))}
    ExchangeRate.objects.all().delete()
    found = live(figure, boss)
    assert (found.differs, told(found)) == (True, {"missing_rates": (0, None, None)})


def test_without_its_rates_or_its_accounts_nothing_is_kept(boss):
    accounts = bridge_example()
    with pytest.raises(ReportRefused, match="Nothing is booked"):
        keep(boss, accounts=Account.objects.filter(pk=make_account().pk))
    with pytest.raises(PeriodError):
        keep(boss, base=COMPARISON, comparison=BASE)
    make_revenue(account=accounts["A"], booked_on=LATER, currency="USD")
    with pytest.raises(ReportRefused, match="no rate USD→CNY for 2011-09"):
        keep(boss, currency="CNY")

    assert not ReportedFigure.objects.exists()


def test_what_is_undefined_is_kept_with_its_reason(boss):
    make_revenue(account=make_account(), booked_on=date(2011, 3, 1))

    figure = keep(boss)
    found = live(figure, boss)

    assert figure.figures["growth_rate"] is None
    assert figure.reasons["growth_rate"] == "no account had revenue above 0 in the base period"
    assert (found.differs, found.figures[0].live_reason) == (False, figure.reasons["growth_rate"])


def test_author_and_those_who_see_every_account_see_the_report_and_nobody_else(boss):
    owner, teammate, half, stranger = make_user(), make_user(), make_user(), make_user()
    first, second = make_account(owner=owner), make_account(owner=owner)
    for account in (first, second):
        make_revenue(account=account, booked_on=date(2010, 5, 1))
        make_team_member(account=account, user=teammate)
    make_team_member(account=first, user=half, role="solution_manager")
    figure = keep(owner)

    def seen(user):
        return ReportedFigure.objects.visible_to(user).filter(pk=figure.pk).exists()

    everything = grant(make_user(), "view_all_accounts")
    assert [seen(user) for user in (owner, teammate, boss, everything, half, stranger)] == [True] * 4 + [False] * 2
    Account.objects.update(owner=None)
    assert seen(owner)
    make_team_member(account=second, user=half, role="solution_manager")
    assert seen(half)


def test_live_answer_is_over_what_the_reader_sees(boss):
    owner = make_user()
    mine, other = make_account(owner=owner, segment="S"), make_account(segment="S")
    for account, amount in ((mine, 100), (other, 1000)):
        make_revenue(account=account, booked_on=date(2010, 5, 1), amount=Decimal(amount))
    figure = keep(owner)

    found = live(figure, boss)

    assert told(found) == {"came_in": (1, Decimal(1000), Decimal(0))}
    whole = keep(boss)
    assert told(live(whole, owner)) == {"out_of_view": (1, Decimal(-1000), Decimal(0))}
    segment = Account.objects.filter(segment="S")
    of_segment = keep(boss, accounts=segment)
    Account.objects.filter(pk=other.pk).update(segment="T")
    assert told(live(of_segment, boss, accounts=segment)) == {"out_of_filters": (1, Decimal(-1000), Decimal(0))}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE metrics_reportedfigure SET title = 'Better' WHERE id = %s",
        "UPDATE metrics_reportedfigure SET figures = '{}', withdrawn_at = now() WHERE id = %s",
        "DELETE FROM metrics_reportedfigure WHERE id = %s",
        "UPDATE metrics_reportedaccount SET base_amount = 0 WHERE figure_id = %s",
        "DELETE FROM metrics_reportedaccount WHERE figure_id = %s",
        (
            "INSERT INTO metrics_reportedaccount"
            " (figure_id, account_id, root_id, code, name, base_amount, comparison_amount)"
            " VALUES (%s, 0, 0, 'Z', 'Z', 1, 1)"
        ),
    ],
)
def test_database_refuses_to_change_what_was_reported(boss, statement):
    bridge_example()
    figure = keep(boss)
    before = snapshot(figure)

    with pytest.raises(DatabaseError, match="reported figure"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [figure.pk])

    assert snapshot(figure) == before


def test_withdrawal_is_the_one_change_and_happens_once(boss):
    bridge_example()
    figure = keep(boss)

    withdraw_figure(figure, withdrawn_by=boss, reason="wrong periods")

    assert (figure.withdrawn_by, figure.withdrawn_reason) == (boss, "wrong periods")
    assert not ReportedFigure.objects.standing().exists()
    with pytest.raises(ReportRefused):
        withdraw_figure(figure, withdrawn_by=boss, reason="again")
    with pytest.raises(DatabaseError), transaction.atomic():
        ReportedFigure.objects.filter(pk=figure.pk).update(withdrawn_at=None, withdrawn_by=None, withdrawn_reason="")


def test_state_of_the_ledger_says_whether_anything_happened(boss):
    accounts = bridge_example()
    figure = keep(boss)
    assert reported.is_as_then(figure, reported.state_now("default"))

    make_revenue(account=accounts["A"], booked_on=LATER)

    assert not reported.is_as_then(figure, reported.state_now("default"))


def test_levels_of_the_table_are_those_of_the_figures():
    assert set(LEVELS) == {str(level) for level in Level}


def test_queries_do_not_grow_with_the_accounts(boss):
    def counted(count):
        post_revenue([{"account": make_account(), "booked_on": date(2010, 5, 1)} for _ in range(count)])
        with CaptureQueriesContext(
            connection,
        ) as keeping:
            figure = keep(boss, "bridge", level=Level.GROUP)
        with CaptureQueriesContext(connection) as comparing:
            live(figure, boss)
        return len(keeping), len(comparing)

    counted(1)
    assert counted(1) == counted(30)


CHANGES = st.lists(
    st.tuples(
        st.integers(0, 5), st.sampled_from(["base", "comparison", "outside", "move", "segment", "close", "owner"]),
        st.integers(-5_000_000, 5_000_000),
    ),
    max_size=8,
)  # fmt: skip
DAYS = {"base": date(2010, 5, 1), "comparison": date(2011, 5, 1), "outside": date(2012, 5, 1)}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(changes=CHANGES, level=st.sampled_from(list(Level)), question=st.sampled_from(ReportedQuestion.values))
def test_causes_add_up_to_the_difference_of_both_totals(changes, level, question):
    with transaction.atomic():
        user = make_user()
        accounts = [make_account(owner=user, segment="S") for _ in range(6)]
        post_revenue(
            [{"account": one, "booked_on": DAYS[name], "amount": Decimal(100 + at)}
             for at, one in enumerate(accounts[:5]) for name in ("base", "comparison")]
        )  # fmt: skip
        chosen = Account.objects.visible_to(user).filter(segment="S")
        figure = keep(user, question, accounts=chosen, level=level)
        then = snapshot(figure)
        for at, what, units in changes:
            _change(accounts, at, what, units)
        found = live(figure, user, accounts=Account.objects.visible_to(user).filter(segment="S"))

        now = two_periods(chosen, base=BASE, comparison=COMPARISON, currency=figure.currency).growth()
        kept = [(row["base_amount"], row["comparison_amount"]) for row in then[1]]
        assert sum((cause.base_difference or 0 for cause in found.causes), Decimal(0)) == (
            now.total_base_revenue - sum(base for base, _ in kept)
        )
        assert sum((cause.comparison_difference or 0 for cause in found.causes), Decimal(0)) == (
            now.total_comparison_revenue - sum(comparison for _, comparison in kept)
        )
        assert snapshot(figure) == then
        assert not found.differs or found.causes
        transaction.set_rollback(True)


def _change(accounts, at, what, units):
    account = accounts[at]
    if what in DAYS and units:
        make_revenue(account=account, booked_on=DAYS[what], amount=Decimal(units).scaleb(-4))
    elif what == "move" and at:
        Account.objects.filter(pk=account.pk).update(parent=accounts[0])
    elif what == "segment":
        Account.objects.filter(pk=account.pk).update(segment="T")
    elif what == "close":
        Account.objects.filter(pk=account.pk).update(closed_on=date(2030, 1, 1))
    elif what == "owner":
        Account.objects.filter(pk=account.pk).update(owner=None)


def test_every_cause_has_its_sentence(boss):
    from metrics.services.reported_causes import Cause

    assert all(Cause(code, count).sentence for code in CauseCode for count in (1, 2))


def test_merge_leaves_the_report_and_says_why_the_live_figure_differs(boss):
    accounts = bridge_example()
    figure = keep(boss, "bridge")
    before = snapshot(figure)

    merge = merge_accounts(merged=accounts["C"], into=accounts["F"], by=boss, reason="Renamed")  # churned into new
    found = live(figure, boss)

    assert snapshot(figure) == before
    assert found.differs
    assert told(found) == {"merged": (2, Decimal(0), Decimal(0))}
    undo_merge(merge=merge, by=boss)
    assert not live(figure, boss).differs


def test_report_of_groups_is_asked_again_with_its_membership(boss):
    accounts = bridge_example()
    change_parent(account=accounts["C"], parent=accounts["F"], since=date(2010, 12, 1), by=boss)

    as_was, as_now = (keep(boss, level="group", membership=membership) for membership in ("as_was", "as_now"))

    assert (as_was.membership, as_now.membership) == ("as_was", "as_now")
    assert as_was.figures != as_now.figures
    assert not live(as_was, boss).differs
    assert not live(as_now, boss).differs
