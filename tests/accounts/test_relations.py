"""People at a customer: who reports to whom, how attitudes are kept, who decides, how close we are, what was given."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, transaction

from accounts import services_relations as services
from accounts.departments import department_kind
from accounts.merges import merge_accounts, undo_merge
from accounts.models import AttitudeNote, BuyingCentre, CentreMember, Contact, Courtesy, CourtesyLimit, PartnershipState
from accounts.relationship_rules import STARTING, relationship_rules
from accounts.services_relations import RelationshipRefused
from tests.factories import (
    make_account,
    make_centre,
    make_contact,
    make_courtesy,
    make_level,
    make_member,
    make_user,
)

pytestmark = pytest.mark.django_db
DAY = date(2024, 3, 1)


def log_of(contact):
    return list(contact.attitude_notes.order_by("held_from", "pk").values_list("attitude", "held_from", "evidence"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Central Purchasing", "purchasing"), ("采购部", "purchasing"), ("設備維修", "maintenance"), ("Finance", "finance"),
        ("R&D", "engineering"), ("IT", "it"), ("Kitchen", "other"), ("  ", ""), ("总经理办公室", "management"),
    ],
)  # fmt: skip
def test_kind_of_a_department_is_read_from_its_name(name, kind):
    assert department_kind(name) == kind


def test_contact_saved_without_a_kind_gets_that_of_its_department():
    assert make_contact(department="Buying").department_kind == "purchasing"
    assert make_contact(department="Buying", department_kind="finance").department_kind == "finance"


def test_people_report_within_their_group_and_never_in_a_circle():
    root = make_account()
    child, stranger = make_account(parent=root), make_account()
    top, mid, low = (make_contact(account=account) for account in (root, child, child))
    mid.reports_to = top
    mid.full_clean()
    mid.save()
    low.reports_to = mid
    low.full_clean()
    low.save()

    top.reports_to = low
    with pytest.raises(ValidationError, match="in a circle"):
        top.full_clean()
    with pytest.raises(DatabaseError, match="circle"), transaction.atomic():
        Contact.objects.filter(pk=top.pk).update(reports_to=low)
    top.reports_to = make_contact(account=stranger)
    with pytest.raises(ValidationError, match="another customer"):
        top.full_clean()
    top.reports_to = top
    with pytest.raises(ValidationError):
        top.full_clean()


def test_attitudes_append_and_the_contact_shows_the_last_word():
    contact, seller = make_contact(), make_user()

    services.note_attitude(contact=contact, attitude=-1, since=DAY, evidence="Asked a rival for a quote", by=seller)
    services.note_attitude(contact=contact, attitude=1, since=date(2024, 5, 1), by=seller)
    services.note_attitude(contact=contact, attitude=1, since=date(2024, 6, 1), evidence="Spoke for us in the board")
    services.note_attitude(contact=contact, attitude=1, since=date(2024, 7, 1))

    assert log_of(contact) == [
        (-1, DAY, "Asked a rival for a quote"), (1, date(2024, 5, 1), ""), (1, date(2024, 6, 1), "Spoke for us in the board"),
    ]  # fmt: skip
    contact.refresh_from_db()
    assert (contact.attitude, contact.attitude_since) == (1, date(2024, 5, 1))
    with pytest.raises(ValidationError, match="2024-06-01"):
        services.note_attitude(contact=contact, attitude=-2, since=date(2024, 5, 20))


def test_an_attitude_written_past_the_service_is_logged_all_the_same():
    contact = make_contact(attitude=1, attitude_since=DAY)
    Contact.objects.filter(pk=contact.pk).update(attitude=-2, attitude_since=date(2024, 4, 1))
    Contact.objects.filter(pk=contact.pk).update(attitude=None, attitude_since=None)

    attitudes = [attitude for attitude, _day, _words in log_of(contact)]
    assert attitudes == [1, -2, None]
    with pytest.raises(DatabaseError, match="later day"), transaction.atomic():
        Contact.objects.filter(pk=contact.pk).update(attitude=2, attitude_since=DAY)


def test_what_was_noted_is_never_edited():
    contact = make_contact(attitude=1, attitude_since=DAY)
    account = make_account()
    services.note_partnership(account=account, state="loyal", since=DAY, evidence="Three renewals", by=None)
    for rows, change in (
        (AttitudeNote.objects.filter(contact=contact), {"attitude": 2}),
        (PartnershipState.objects.filter(account=account), {"state": "strategic"}),
    ):
        with pytest.raises(DatabaseError, match="stays"), transaction.atomic():
            rows.update(**change)
    assert AttitudeNote.objects.filter(contact=contact).update(noted_by=None, evidence="") == 1


def test_a_person_sits_once_in_a_buying_centre_and_with_known_roles():
    contact = make_contact()
    centre = make_centre(account=contact.account)
    member = services.set_member(centre=centre, contact=contact, roles=["coach", "decider"], weight=5)
    assert (member.roles, member.role_labels) == (["decider", "coach"], ["Decider", "Coach"])

    for change, words in (
        ({"roles": ["decider"]}, "already"),
        ({"contact": make_contact(account=contact.account), "roles": []}, "blank"),
        ({"contact": make_contact(account=contact.account), "roles": ["king"]}, "king"),
        ({"contact": make_contact(account=contact.account), "weight": 6}, "less than or equal to 5"),
        ({"contact": make_contact()}, "another customer"),
        ({"contact": make_contact(account=contact.account), "target_attitude": 2}, "until when"),
    ):
        fields = {"centre": centre, "contact": contact, "roles": ["user"], "weight": 3} | change
        with pytest.raises(ValidationError, match=words):
            services.set_member(**fields)
    assert CentreMember.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        CentreMember.objects.filter(pk=member.pk).update(roles=["king"])
    with pytest.raises(IntegrityError), transaction.atomic():
        CentreMember.objects.filter(pk=member.pk).update(weight=9)


def test_evidence_of_a_level_is_good_for_a_year_and_can_end_earlier():
    account, seller = make_account(), make_user()
    made = services.record_level(account=account, level=4, evidence=" Board met ours ", reached_on=DAY, by=seller)
    assert (made.evidence, made.expires_on) == ("Board met ours", date(2025, 3, 1))

    services.end_level(evidence=made, on=date(2024, 6, 1))
    for day in (date(2024, 6, 1), date(2024, 7, 1)):
        with pytest.raises(RelationshipRefused, match="ended already"):
            services.end_level(evidence=made, on=day)
    with pytest.raises(ValidationError):
        services.record_level(account=account, level=6, evidence="x", reached_on=DAY, by=seller)
    with pytest.raises(ValidationError):
        services.record_level(account=account, level=3, evidence=" ", reached_on=DAY, by=seller)


def test_partnership_goes_on_from_day_to_day():
    account = make_account()
    services.note_partnership(account=account, state="satisfied", since=DAY, evidence="Survey 4.6", by=None)
    with pytest.raises(RelationshipRefused, match="already"):
        services.note_partnership(account=account, state="satisfied", since=DAY, evidence="Again", by=None)
    with pytest.raises(RelationshipRefused, match="2024-03-01"):
        services.note_partnership(account=account, state="loyal", since=date(2024, 2, 1), evidence="Renewed", by=None)


def give(contact, by, amount, **fields):
    defaults = {"kind": "gift", "given_on": DAY, "occasion": "New Year", "currency": "CNY", "today": date(2024, 12, 31)}
    return services.record_courtesy(contact=contact, given_by=by, amount=Decimal(amount), **(defaults | fields))


def test_courtesies_stay_within_the_limits_or_wait_for_somebody_else():
    contact, seller, director = make_contact(), make_user(), make_user()
    CourtesyLimit.objects.filter(kind="gift").update(per_occasion=300, per_year=500)
    assert give(contact, seller, 300).state == "recorded"
    with pytest.raises(RelationshipRefused, match="300 CNY at most"):
        give(contact, seller, 301)
    with pytest.raises(RelationshipRefused, match="given 300 of at most 500"):
        give(contact, seller, 201)
    assert give(contact, seller, 201, given_on=date(2023, 6, 1)).state == "recorded"
    assert give(contact, seller, 400, kind="hospitality").state == "recorded"

    waiting = give(contact, seller, 250, reason="Twenty years together")
    assert waiting.state == "waiting"
    with pytest.raises(RelationshipRefused, match="another person"):
        services.decide_courtesy(courtesy=waiting, by=seller, on=DAY, is_approved=True)
    assert services.decide_courtesy(courtesy=waiting, by=director, on=DAY, is_approved=True).state == "approved"
    with pytest.raises(RelationshipRefused):
        services.decide_courtesy(courtesy=waiting, by=director, on=DAY, is_approved=False)
    with pytest.raises(RelationshipRefused, match="given 550"):
        give(contact, seller, 10)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"currency": "EUR"}, RelationshipRefused), ({"given_on": date(2999, 1, 1)}, RelationshipRefused),
        ({"occasion": " "}, ValidationError), ({"amount": "0"}, ValidationError),
    ],
)  # fmt: skip
def test_a_courtesy_outside_the_rules_is_refused(fields, error):
    with pytest.raises(error):
        give(make_contact(), make_user(), **({"amount": "10"} | fields))
    assert not Courtesy.objects.exists()


def test_every_grade_has_a_rule_also_where_no_row_is_stored():
    stored = relationship_rules()
    kept = {
        grade: (rule.cadence_days, rule.key_target, rule.departments, rule.levels) for grade, rule in stored.items()
    }
    from accounts.models import RelationshipRule

    RelationshipRule.objects.all().delete()
    bare = relationship_rules()

    assert set(bare) == set(STARTING)
    assert {g: (r.cadence_days, r.key_target, list(r.departments), list(r.levels)) for g, r in bare.items()} == kept


def test_a_merge_takes_relationships_along_and_gives_them_back():
    merged, stays = make_account(), make_account()
    contact = make_contact(account=merged)
    centre, same = make_centre(account=merged, name="Drives"), make_centre(account=merged, name="Pumps")
    make_centre(account=stays, name="Pumps")
    make_member(contact=contact, centre=centre)
    level = make_level(account=merged)
    services.note_partnership(account=merged, state="loyal", since=DAY, evidence="Renewed", by=None)
    services.set_targets(account=merged, key_target=80)
    make_courtesy(contact=contact)

    merge = merge_accounts(merged=merged, into=stays, by=None, reason="one company")

    for row in (centre, same, level):
        row.refresh_from_db()
    assert (centre.account, same.account, level.account) == (stays, merged, stays)
    assert stays.partnership_states.get().state == "loyal"
    assert stays.relationship_target.key_target == 80
    undo_merge(merge=merge, by=None)
    centre.refresh_from_db()
    assert centre.account == merged
    assert merged.partnership_states.count() == 1
    assert BuyingCentre.objects.filter(account=stays).count() == 1
