from collections import Counter
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F, OuterRef, Q, Subquery

from accounts.enums import AccountNeed, AccountStatus, BatchState, Grade, MarketPotential, RevenueKind
from accounts.models import (
    Account,
    AttitudeNote,
    CentreMember,
    Contact,
    Contract,
    Courtesy,
    ExchangeRate,
    ImportBatch,
    LevelEvidence,
    PartnershipState,
    Rating,
    RevenueRecord,
    TeamMember,
    User,
    WalletEstimate,
)
from accounts.organisation import tree
from crm.demo import care, history, papers, rates, relations, revenue
from crm.demo.companies import companies
from crm.demo.horizon import Horizon
from crm.demo.load import AccountsExist, load_demo
from crm.demo.profiles import KEY_PROFILES, Profile, quotas
from crm.demo.staff import STAFF
from crm.pipeline import run_night
from metrics.rollup import difference
from metrics.selectors import default_as_of
from metrics.services.relationships import relationships
from plans.models import RelationshipAction
from plans.team_health import team_health
from service.models import Discount, Interaction, ServiceRequest, Sponsor
from tiering.models import BandDecision, ScoringModel, TierRun, WeightSurvey

TODAY = date(2026, 11, 21)
HORIZON = Horizon.before(TODAY, months=36)
COLUMN = {name: place for place, name in enumerate(revenue.COLUMNS)}


@pytest.fixture(scope="module")
def found():
    return companies(seed=7, count=400, horizon=HORIZON, base_currency="CNY")


@pytest.fixture(scope="module")
def rows(found):
    return revenue.book_rows(found, seed=7, horizon=HORIZON)


def small(**changes):
    given = {"accounts": 40, "months": 24, "seed": 3, "today": TODAY, "with_logins": False} | changes
    return load_demo(**given)


def test_horizon_ends_with_last_month():
    assert (HORIZON.start, HORIZON.last_day) == (date(2023, 11, 1), date(2026, 10, 31))
    assert Horizon.before(date(2026, 3, 1), months=12).last_day == date(2026, 2, 28)


@pytest.mark.parametrize("count", [20, 21, 60, 400, 5000])
def test_quotas_sum_to_the_accounts_and_leave_no_kind_out(count):
    given = quotas(count)

    assert sum(given.values()) == count
    assert min(given.values()) >= 1


def test_same_seed_makes_the_same_company(found, rows):
    again = companies(seed=7, count=400, horizon=HORIZON, base_currency="CNY")

    assert again == found
    assert revenue.book_rows(again, seed=7, horizon=HORIZON) == rows
    assert companies(seed=8, count=400, horizon=HORIZON, base_currency="CNY") != found


def test_companies_are_named_apart_and_grouped(found):
    parents = Counter(company.parent_code for company in found if company.parent_code)
    place_of = {company.code: place for place, company in enumerate(found)}

    assert len({company.name for company in found}) == len({company.code for company in found}) == 400
    assert 50 <= len(parents) <= 65
    assert all(place_of[company.parent_code] < place for place, company in enumerate(found) if company.parent_code)


def test_small_customers_of_a_region_buy_through_its_distributors(found):
    by_code = {company.code: company for company in found}
    dealt = [company for company in found if company.dealer_code]

    assert 40 < len(dealt) < 160
    assert {company.channel for company in dealt} == {"Dealers"}
    assert {by_code[company.dealer_code].segment for company in dealt} == {"Distributor"}
    assert all(by_code[company.dealer_code].region == company.region for company in dealt)
    assert {company.channel for company in found} == {"Dealers", "Direct sales", "Online shop"}


def test_companies_come_from_everywhere(found):
    def is_chinese(name: str) -> bool:
        return any("\u4e00" <= character <= "\u9fff" for character in name)

    assert 250 < sum(is_chinese(company.name) for company in found) < 380
    assert {"集團", "集团"} <= {company.name[2:4] for company in found}
    assert len({company.region for company in found}) >= 8
    assert {company.currency for company in found} == {"CNY", "EUR", "USD"}
    assert len({company.industry for company in found}) == 10


def test_large_numbers_of_companies_keep_their_names_apart():
    many = companies(seed=1, count=3000, horizon=HORIZON, base_currency="CNY")

    assert len({company.name for company in many}) == 3000


def test_books_reach_from_the_first_to_the_last_day(rows):
    days = [row[COLUMN["booked_on"]] for row in rows]

    assert days == sorted(days)
    assert (days[0], days[-1]) == ("2023-11-01", "2026-10-31")


def test_amounts_are_quantity_times_price(rows):
    priced = [row for row in rows if row[COLUMN["quantity"]]]
    wrong = [
        row
        for row in priced
        if Decimal(row[COLUMN["quantity"]]) * Decimal(row[COLUMN["unit_price"]]) != Decimal(row[COLUMN["amount"]])
    ]

    assert len(priced) > 50_000
    assert wrong == []


def test_books_hold_credit_notes_rebates_and_missing_costs(rows):
    kinds = Counter(row[COLUMN["kind"]] for row in rows)
    credited = [Decimal(row[COLUMN["amount"]]) for row in rows if row[COLUMN["kind"]] == RevenueKind.CREDIT_NOTE]
    without_cost = {row[COLUMN["account_code"]] for row in rows if not row[COLUMN["cost"]]}

    assert set(kinds) == set(RevenueKind.values)
    assert max(credited) < 0
    assert 5 <= len(without_cost) <= 40


def test_february_is_the_quiet_month(rows):
    revenue_by_month: Counter[str] = Counter()
    for row in rows:
        revenue_by_month[row[COLUMN["booked_on"]][5:7]] += float(row[COLUMN["amount"]])

    assert len(revenue_by_month) == 12
    assert min(revenue_by_month, key=revenue_by_month.__getitem__) == "02"


def test_lost_newcomers_and_won_back_have_their_gaps(found, rows):
    months: dict[str, set[str]] = {}
    for row in rows:
        if row[COLUMN["kind"]] == RevenueKind.INVOICE:
            months.setdefault(row[COLUMN["account_code"]], set()).add(row[COLUMN["booked_on"]][:7])
    all_months = [f"{month:%Y-%m}" for month in HORIZON.month_starts()]

    for company in found:
        bought = months.get(company.code, set())
        if company.silence:
            assert not bought & set(all_months[company.silence[0] : company.silence[1]])
        assert not bought & set(all_months[: company.first_month])
        assert bool(bought) == (company.profile not in {Profile.PROSPECT, Profile.HOLDING})


def test_seats_never_overlap_and_some_are_empty(found):
    held: dict[tuple[str, str], list] = {}
    for seat in relations.seats(found, seed=7, horizon=HORIZON):
        held.setdefault((seat.account_code, seat.role), []).append(seat)
    key_accounts = {company.code for company in found if company.profile in {Profile.PILLAR, Profile.CORE}}
    key_seats = sum(code in key_accounts for code, _role in held)

    assert all(a.valid_to == b.valid_from for seats in held.values() for a, b in pairwise(seats))
    assert all(seats[-1].valid_to is None for seats in held.values())
    assert len(key_accounts) < key_seats < 3 * len(key_accounts)


def test_most_seats_at_key_accounts_have_a_deputy_who_is_somebody_else(found):
    held = list(relations.seats(found, seed=7, horizon=HORIZON))
    stand_ins = list(relations.deputies(found, held, seed=7))
    holders = {(seat.account_code, seat.role): seat for seat in held if seat.valid_to is None}
    key_accounts = {company.code for company in found if company.profile in KEY_PROFILES}
    at_key = {place for place in holders if place[0] in key_accounts}
    covered = {(one.account_code, one.role) for one in stand_ins}

    assert stand_ins == list(relations.deputies(found, held, seed=7))
    assert len(covered) == len(stand_ins)
    assert covered <= set(holders)
    assert all(one.is_deputy and one.username != holders[one.account_code, one.role].username for one in stand_ins)
    assert 0.7 < len(covered & at_key) / len(at_key) < 1


def test_key_accounts_are_rated_from_two_functions(found):
    functions: dict[str, set[str]] = {}
    for opinion in papers.ratings(found, seed=7, horizon=HORIZON):
        functions.setdefault(opinion.account_code, set()).add(opinion.function)
        assert opinion.rated_on <= HORIZON.last_day < opinion.expires_on
    key_accounts = [c.code for c in found if c.profile in {Profile.PILLAR, Profile.CORE, Profile.LIGHTHOUSE}]

    assert all(len(functions[code]) == 2 for code in key_accounts)


def test_log_of_service_is_the_same_again_and_lies_in_the_past(found):
    stands = care.sponsors(found, horizon=HORIZON)
    talks = list(care.talks(found, stands, seed=7, horizon=HORIZON, today=TODAY))
    asks = care.asks(found, seed=7, horizon=HORIZON, today=TODAY)

    assert talks == list(care.talks(found, stands, seed=7, horizon=HORIZON, today=TODAY))
    assert 2_000 < len(talks) < 5_000
    assert max(talk.held_on for talk in talks) < TODAY
    assert not any(talk.kind == "visit" and talk.is_remote for talk in talks)
    assert all((talk.next_step_on is None) == (talk.next_step == "") for talk in talks)
    assert max(Counter(stand.username for stand in stands).values()) == 10
    still_open = [ask for ask in asks if ask.resolved_after is None]
    assert 20 < len(still_open) < len(asks) / 5
    assert all(ask.resolved_after is None or ask.answered_after < ask.resolved_after for ask in asks)
    severe = Counter(
        ask.account_code for ask in still_open if ask.severity == 1 and ask.kind in {"complaint", "dispute"}
    )
    assert max(severe.values()) == 2


def test_rates_cover_every_month(found):
    kept = list(rates.rate_rows(["EUR"], seed=7, horizon=HORIZON, base_currency="CNY"))

    assert len(kept) == 2 * (rates.MONTHS_BEFORE + 36)
    assert kept[0].valid_on == date(2022, 10, 1)
    assert all(6.5 < row.rate < 9 for row in kept)


@pytest.mark.django_db
def test_demo_shows_all_six_grades_after_the_first_night():
    loaded = load_demo(accounts=400, months=36, seed=7, today=TODAY, with_logins=False)

    run_night(as_of=HORIZON.last_day, trigger="first")

    run = TierRun.objects.get()
    counts = run.counts
    assert loaded.accounts == 400 == sum(counts.values())
    assert set(counts) == set(Grade.values)
    assert min(counts.values()) >= 1
    assert 4 <= counts["diamond"] <= 12
    assert counts["diamond"] + counts["gold"] + counts["strategic"] <= 35
    assert counts["not_graded"] < 60
    assert RevenueRecord.objects.count() == loaded.records > 50_000
    assert difference() == 0
    teams = team_health(Account.objects.all(), on=TODAY).facts
    asked = teams.required & (teams.holder != 0) & teams.rules.needs_deputy[teams.grade][:, None]
    assert 0.6 < teams.has_deputy[asked].mean() < 1, "most seats that ask for a deputy have one, some show the gap"


@pytest.mark.django_db
def test_demo_fills_every_table_through_the_door():
    loaded = small()

    batches = list(ImportBatch.objects.order_by("pk"))
    assert [(batch.file_name, batch.state, batch.rejected) for batch in batches] == [
        (f"erp-{year}.csv", BatchState.POSTED, 0) for year in (2024, 2025, 2026)
    ]
    assert sum(batch.posted for batch in batches) == RevenueRecord.objects.count() == loaded.records
    tables = (
        Contact,
        TeamMember,
        Contract,
        Rating,
        WalletEstimate,
        BandDecision,
        Interaction,
        ServiceRequest,
        Sponsor,
        Discount,
        AttitudeNote,
        CentreMember,
        Courtesy,
        LevelEvidence,
        PartnershipState,
        RelationshipAction,
    )
    assert [table.objects.exists() for table in tables] == [True] * len(tables)
    assert set(ScoringModel.objects.values_list("state", flat=True)) == {"active", "proposed"}
    assert WeightSurvey.objects.count() == 2
    assert Account.objects.filter(search_text="").count() == 0
    assert Account.objects.filter(status=AccountStatus.PROSPECT).exists()
    assert set(Account.objects.values_list("need", flat=True)) == {"", *AccountNeed.values}
    assert set(Account.objects.values_list("potential", flat=True)) == {"", *MarketPotential.values}
    assert set(ExchangeRate.objects.values_list("to_currency", flat=True)) <= {"CNY"}


@pytest.mark.django_db
def test_demo_relationships_hang_together():
    small()

    last = AttitudeNote.objects.filter(contact=OuterRef("pk")).order_by("-held_from", "-pk").values("attitude")[:1]
    apart = Contact.objects.annotate(said=Subquery(last)).exclude(attitude=F("said"))
    assert not apart.filter(attitude__isnull=False).exists()
    assert not CentreMember.objects.exclude(contact__account=F("centre__account")).exists()
    assert not Contact.objects.filter(Q(level="") | Q(department_kind="")).exists()
    assert not Contact.objects.filter(reports_to__isnull=False).exclude(reports_to__account=F("account")).exists()
    found = relationships(Account.objects.all(), as_of=TODAY)
    assert 0 < found.gap_accounts <= found.mapped_accounts < len(found.table)
    assert 0 < found.key_relationship_score < 100
    assert found.single_threaded_accounts


@pytest.mark.django_db
def test_demo_is_made_in_the_base_currency(settings):
    settings.BASE_CURRENCY = "USD"

    small(accounts=200, months=12)

    assert set(ScoringModel.objects.values_list("currency", flat=True)) == {"USD"}
    currencies = set(RevenueRecord.objects.values_list("currency", flat=True))
    assert "USD" in currencies
    assert currencies <= {"USD", "EUR"}
    assert set(ExchangeRate.objects.values_list("from_currency", "to_currency")) == {("EUR", "USD")}


@pytest.mark.django_db
def test_demo_that_breaks_off_leaves_nothing(monkeypatch):
    def break_off(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("crm.demo.load.activate_model", break_off)

    with pytest.raises(KeyboardInterrupt):
        small()

    assert not Account.objects.exists()
    assert not ImportBatch.objects.exists()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_demo_refuses_a_database_with_accounts():
    Account.objects.create(code="X", name="Mine")

    with pytest.raises(AccountsExist):
        small()
    with pytest.raises(CommandError, match="only goes into an empty database") as refused:
        call_command("load_demo")

    assert refused.value.returncode == 2
    assert Account.objects.count() == 1


@pytest.mark.django_db
def test_demo_users_have_no_password_unless_asked_for():
    small()

    users = list(User.objects.all())
    assert {user.username for user in users} == {person.username for person in STAFF}
    assert not any(user.has_usable_password() for user in users)


@pytest.mark.django_db
def test_demo_log_ins_see_what_their_role_sees(client):
    loaded = small(with_logins=True)

    seen = {}
    for username in loaded.logins:
        assert client.login(username=username, password=username)
        user = User.objects.get(username=username)
        assert not user.is_superuser
        seen[username] = Account.objects.visible_to(user).count()
    assert list(seen) == ["manager", "seller", "delivery"]
    assert seen["manager"] == 40
    assert 0 < seen["seller"] < 40
    assert 0 < seen["delivery"] < 40


@pytest.mark.django_db
def test_demo_has_a_sales_organisation_through_which_heads_see_accounts():
    small()

    people = {user.username: user for user in User.objects.select_related("unit")}
    assert {name for name, user in people.items() if user.unit is None} == {"ingrid.lindqvist"}
    china = Account.objects.visible_to(people["zhang.lei"])
    assert set(Account.objects.filter(owner=people["seller"])) <= set(china)
    assert not china.filter(owner=people["sofia.bakker"]).exists()
    assert [unit.name for unit, depth in tree() if depth == 0] == ["销售总部"]


@pytest.mark.django_db
def test_demo_keeps_a_user_who_is_there_already():
    User.objects.create_user("manager", password="my-own-secret")

    small(with_logins=True)

    assert User.objects.get(username="manager").check_password("my-own-secret")


@pytest.mark.django_db
def test_demo_log_ins_are_refused_on_a_database_of_yours(settings):
    settings.EMBEDDED_DATABASE = False

    with pytest.raises(CommandError) as refused:
        call_command("load_demo", log_ins=True)

    assert refused.value.returncode == 2
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "option", [["--accounts", "19"], ["--months", "many"], ["--seed", "-1"], ["--accounts", "5001"]]
)
def test_demo_command_refuses_numbers_out_of_range(option):
    with pytest.raises(CommandError, match="no whole number"):
        call_command("load_demo", *option)


def test_demo_has_been_graded_at_past_month_ends_and_a_killed_start_goes_on(db, monkeypatch):
    load_demo(accounts=60, months=30, seed=7, today=TODAY, with_logins=False)
    nights = iter([run_night])

    def broken_off_at_the_second(**asked):
        return next(nights)(**asked)

    monkeypatch.setattr(history, "run_night", broken_off_at_the_second)
    with pytest.raises(StopIteration):
        history.grade_past_months(months=1)
    monkeypatch.setattr(history, "run_night", run_night)
    again = history.grade_past_months(months=1)

    assert list(TierRun.objects.order_by("as_of").values_list("as_of", flat=True)) == [
        date(2026, 9, 30),
        default_as_of(),
    ]
    assert [run.as_of for run in again] == [default_as_of()]
    assert history.grade_past_months(months=1) == []


def test_month_ends_before_a_day_are_whole_months():
    assert history.month_ends_before(date(2026, 3, 31), months=2) == [date(2026, 1, 31), date(2026, 2, 28)]


def test_projects_are_paid_by_milestones_that_leave_a_rest(found):
    drawn = list(papers.contracts(found, seed=7, horizon=HORIZON))
    by_stages = [paper for paper in drawn if paper.stages]

    assert by_stages
    for paper in by_stages:
        assert sum(stage.amount for stage in paper.stages) < paper.amount
        assert all(stage.accepted_on is None or stage.accepted_on <= HORIZON.last_day for stage in paper.stages)
    accepted = [stage.accepted_on is not None for paper in by_stages for stage in paper.stages]
    assert any(accepted)
    assert not all(accepted)
    for paper in drawn:
        assert (paper.cancelled_on is not None) is (paper.status == "cancelled")
