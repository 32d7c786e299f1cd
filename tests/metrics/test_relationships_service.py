"""Relationships of many accounts and of one: worked examples from rows to figures, groups, as-of, and flat statements."""

from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.enums_relations import Layer
from accounts.fields import Hidden, read_as
from accounts.models import Account, RelationshipRule
from accounts.services_relations import note_attitude, set_targets
from metrics.formulas.relationships import Gap, Thread
from metrics.services.account_relationships import account_relationships
from metrics.services.relationships import relationships
from tests.factories import (
    make_account,
    make_centre,
    make_contact,
    make_interaction,
    make_level,
    make_member,
    make_user,
)

pytestmark = pytest.mark.django_db
DAY = date(2024, 12, 31)


def graded(grade="gold", **fields):
    account = make_account(**fields)
    Account.objects.filter(pk=account.pk).update(grade=grade)
    account.refresh_from_db()
    return account


def met(contact, days_ago, *, ours=None, kind="visit"):
    return make_interaction(
        account=contact.account, kind=kind, held_on=DAY - timedelta(days=days_ago), their_people=[contact],
        our_people=[ours] if ours else (),
    )  # fmt: skip


def of(account, **choices):
    found = relationships(Account.objects.filter(pk=account.pk), as_of=DAY, **choices)
    return found, {name: values[0].item() for name, values in found.table.columns.items()}


@pytest.fixture
def worked():
    """Gold: cadence 45. A decider (5) supports us, met 45 days ago: 75. A coach (3) is champion, met 90 days ago, f = 0.5:
    75. A purchaser (2) is sceptical and never met: 50. (5*75 + 3*75 + 2*50) / 10 = 70."""
    account = graded()
    centre = make_centre(account=account)
    boss = make_contact(account=account, department_kind="management", level="senior")
    coach = make_contact(account=account, department_kind="engineering", level="middle")
    buyer = make_contact(account=account, department_kind="purchasing", level="middle")
    for contact, attitude in ((boss, 1), (coach, 2), (buyer, -1)):
        note_attitude(contact=contact, attitude=attitude, since=date(2024, 1, 1))
    make_member(centre=centre, contact=boss, weight=5)
    make_member(centre=centre, contact=coach, weight=3, roles=["coach", "user"])
    make_member(centre=centre, contact=buyer, weight=2, roles=["purchaser"])
    first, second = make_user(), make_user()
    met(boss, 45, ours=first)
    met(coach, 90, ours=second)
    make_level(account=account)
    return account


def test_three_layers_of_one_account(worked):
    found, row = of(worked)

    assert found.key_relationship_score == pytest.approx(70)
    assert (row["key_target"], row["key_gap"]) == (70, 0)
    # five departments at two levels are asked of Gold; management/senior and engineering/middle were met
    assert (row["cells_covered"], row["cells_required"]) == (2, 10)
    assert found.relationship_coverage == pytest.approx(0.2)
    assert row["general_gap"] == pytest.approx(0.4)
    assert (row["organisational_level"], row["organisational_target"], row["organisational_gap"]) == (3, 3, 0)
    assert (Gap(row["gaps"]), Thread(row["thread"]), row["theirs"], row["ours"]) == (Gap(0), Thread.SPREAD, 2, 2)
    assert (found.mapped_accounts, found.gap_accounts, found.single_threaded_accounts) == (1, 0, 0)
    assert found.passport.as_dict()["metric"] == "relationships"


def test_attitudes_and_evidence_are_those_of_the_day(worked):
    boss = worked.contacts.get(department_kind="management")
    note_attitude(contact=boss, attitude=-2, since=date(2025, 2, 1))
    before, _row = of(worked)
    later = relationships(Account.objects.filter(pk=worked.pk), as_of=date(2025, 2, 1))

    assert before.key_relationship_score == pytest.approx(70)
    assert later.organisational_level == 1
    assert Gap.DECIDER_AGAINST in Gap(later.table.columns["gaps"][0].item())


def test_an_email_touches_but_is_no_thread_and_covers_nothing(worked):
    buyer = worked.contacts.get(department_kind="purchasing")
    met(buyer, 10, kind="email")
    _found, row = of(worked)

    assert (row["cells_covered"], row["theirs"]) == (2, 2)
    assert row["key_relationship_score"] == pytest.approx((5 * 75 + 3 * 75 + 2 * 25) / 10)


def test_who_left_and_centres_that_are_closed_count_nowhere(worked):
    worked.contacts.filter(department_kind="management").update(is_active=False)
    _found, row = of(worked)
    assert Gap(row["gaps"]) == Gap.NO_DECIDER
    assert (row["theirs"], row["cells_covered"]) == (1, 1)

    worked.buying_centres.update(is_active=False)
    found, row = of(worked)
    assert (found.key_relationship_score, Gap(row["gaps"])) == (None, Gap.NO_MAP)
    assert "buying centre" in found.reasons["key_relationship_score"]


@pytest.mark.parametrize(
    ("people", "ours", "thread"),
    [
        ([], 1, Thread.SILENT), ([10], 1, Thread.ONE_CONTACT), ([10, 20], 1, Thread.ONE_OF_OURS),
        ([10, 20], 2, Thread.SPREAD), ([10, 180], 2, Thread.ONE_CONTACT), ([10, 179], 2, Thread.SPREAD),
    ],
)  # fmt: skip
def test_threads_from_the_log(people, ours, thread):
    account, users = graded(), [make_user() for _ in range(ours)]
    for number, days in enumerate(people):
        met(make_contact(account=account), days, ours=users[number % ours])
    _found, row = of(account)

    assert Thread(row["thread"]) == thread


def test_own_targets_and_rules_as_data_replace_those_of_the_grade(worked):
    RelationshipRule.objects.filter(grade="gold").update(cadence_days=90, levels=["senior"])
    set_targets(account=worked, key_target=90, general_target=None, organisational_target=5, departments=["management"])
    found, row = of(worked)

    assert found.key_relationship_score == pytest.approx((5 * 75 + 3 * 100 + 2 * 50) / 10)
    assert (row["key_gap"], row["organisational_gap"], row["general_target"]) == (pytest.approx(12.5), 2, 0.6)
    assert (row["cells_covered"], row["cells_required"]) == (1, 1)


def test_a_grade_without_a_layer_has_no_target_and_no_gap():
    found, row = of(graded("general"))

    assert found.relationship_coverage is None
    assert "department" in found.reasons["relationship_coverage"]
    assert row["general_target"] != row["general_target"]
    assert row["organisational_gap"] != row["organisational_gap"]


def test_a_group_counts_its_people_once(worked):
    child = graded("general", parent=worked)
    contact = make_contact(account=child, department_kind="finance", level="senior")
    met(contact, 5, ours=make_user())
    make_level(account=child, level=4)
    group = relationships(Account.objects.filter(pk__in=[worked.pk, child.pk]), as_of=DAY, level="group")

    assert len(group.table) == 1
    row = {name: values[0].item() for name, values in group.table.columns.items()}
    assert (row["cells_covered"], row["cells_required"], row["theirs"], row["organisational_level"]) == (3, 10, 3, 4)
    assert row["key_relationship_score"] == pytest.approx(70)


@contextmanager
def without_personal_data():
    read_as(frozenset({Hidden.PERSONAL}))
    try:
        yield
    finally:
        read_as(frozenset())


def let_buyer_count(account):
    met(account.contacts.get(department_kind="purchasing"), 60)


def test_whoever_reads_no_attitudes_gets_a_score_that_three_people_make_up(worked):
    analyst = make_user(role="analyst")
    with without_personal_data():
        few, row = of(worked)
        page = account_relationships(worked, as_of=DAY, reader=analyst)
    assert (few.key_relationship_score, row["key_withheld"], row["members"]) == (None, True, 3)
    assert row["key_gap"] != row["key_gap"]
    assert "fewer than 3 people" in few.reasons["key_relationship_score"]
    assert (page.layers[0].value, page.layers[0].gap, page.centres[0].score) == (None, None, None)
    assert "fewer than 3 people" in page.layers[0].reason

    let_buyer_count(worked)
    with without_personal_data():
        enough, row = of(worked)
        page = account_relationships(worked, as_of=DAY, reader=analyst)
    whole, _row = of(worked)

    assert enough.key_relationship_score == whole.key_relationship_score == page.layers[0].value
    assert (row["key_withheld"], page.layers[0].reason) == (False, "")
    assert page.centres[0].score == enough.key_relationship_score


def test_a_group_or_centre_of_one_is_not_what_the_others_leave_over(worked):
    let_buyer_count(worked)
    child, second = graded("general", parent=worked), make_centre(account=worked, name="Second")
    with without_personal_data():
        both = Account.objects.filter(pk__in=[worked.pk, child.pk])
        assert relationships(both, as_of=DAY, level="group").key_relationship_score is not None
        alone = make_contact(account=child)
        note_attitude(contact=alone, attitude=2, since=date(2024, 1, 1))
        make_member(centre=make_centre(account=child), contact=alone)
        met(alone, 10)
        make_member(centre=second, contact=worked.contacts.get(department_kind="management"))

        entities = relationships(both, as_of=DAY)
        group = relationships(both, as_of=DAY, level="group")
        centres = account_relationships(worked, as_of=DAY, reader=make_user()).centres

    assert entities.table.columns["key_withheld"].tolist() == [False, True]
    assert group.table.columns["key_withheld"].tolist() == [True]
    assert [one.score for one in centres] == [None, None]


def test_no_account_has_no_figures():
    found = relationships(Account.objects.none(), as_of=DAY)

    assert (found.key_relationship_score, found.mapped_accounts, len(found.table)) == (None, 0, 0)


def test_the_page_of_an_account_says_what_the_portfolio_says(worked):
    found = account_relationships(worked, as_of=DAY, reader=make_user())
    _portfolio, row = of(worked)

    assert [(one.layer, one.value) for one in found.layers] == [
        (Layer.KEY, row["key_relationship_score"]), (Layer.GENERAL, row["relationship_coverage"]),
        (Layer.ORGANISATIONAL, row["organisational_level"]),
    ]  # fmt: skip
    centre = found.centres[0]
    assert centre.score == pytest.approx(70)
    assert [(one.attitude, one.days, one.freshness, one.score) for one in centre.people] == [
        (1, 45, 1.0, 75.0), (2, 90, 0.5, 75.0), (-1, None, 0.0, 50.0),
    ]  # fmt: skip
    assert [row.department for row in found.grid] == [
        "management",
        "purchasing",
        "engineering",
        "production",
        "finance",
    ]
    covered = [(row.department, cell.level) for row in found.grid for cell in row.cells if cell.is_covered]
    assert covered == [("management", "senior"), ("engineering", "middle")]


def test_names_stay_with_those_who_may_read_them(worked):
    names = set(worked.contacts.values_list("name", flat=True))
    told = account_relationships(worked, as_of=DAY, reader=make_user())
    found = account_relationships(worked, as_of=DAY, reader=make_user(role="analyst"))

    assert {one.name for one in told.contacts} == names
    assert not {one.name for one in found.contacts} & names
    assert {(one.email, one.attitude) for one in found.contacts} == {("", None)}
    assert [(one.score, one.people) for one in found.centres] == [(told.centres[0].score, [])]


@pytest.mark.parametrize("level", ["entity", "group"])
def test_statements_do_not_grow_with_the_accounts(worked, level):
    counts = []
    for _round in range(2):
        with CaptureQueriesContext(connection) as captured:
            relationships(Account.objects.all(), as_of=DAY, level=level)
        counts.append(len(captured))
        for _ in range(5):
            account = graded("diamond", parent=worked)
            contact = make_contact(account=account, department_kind="finance", level="top")
            make_member(contact=contact)
            met(contact, 3)
    assert counts[0] == counts[1]


def test_statements_of_one_account_do_not_grow_with_its_people(worked):
    counts = []
    for _round in range(2):
        with CaptureQueriesContext(connection) as captured:
            account_relationships(worked, as_of=DAY, reader=worked.owner or make_user())
        counts.append(len(captured))
        for _ in range(5):
            boss = worked.contacts.first()
            contact = make_contact(account=worked, reports_to=boss, department_kind="finance", level="top")
            make_member(contact=contact, owner=make_user(), centre=make_centre(account=worked))
            make_level(account=worked, noted_by=make_user())
    assert counts[0] == counts[1]
