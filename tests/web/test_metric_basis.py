"""The basis and credit-note controls of the metrics pages: shown where there is a choice, carried wherever one goes."""

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from crm.web.metric_questions import QUESTIONS
from metrics.models import ReportedFigure
from tests.factories import make_account, make_revenue, make_user

PERIODS = "base=2023&comparison=2024"


@pytest.fixture
def owner(db, client):
    user = make_user()
    client.force_login(user)
    return user


@pytest.fixture
def account(owner):
    found = make_account(owner=owner)
    for day, basis, amount, reference in (
        (date(2023, 5, 1), "invoiced", 100, "I-1"),
        (date(2024, 5, 1), "invoiced", 130, "I-2"),
        (date(2024, 12, 31), "invoiced", 1, "I-3"),
    ):
        make_revenue(account=found, booked_on=day, basis=basis, amount=Decimal(amount), reference=reference)
    return found


def page(client, key="growth", query=PERIODS):
    response = client.get(f"{reverse('metrics:question', args=[key])}?{query}")
    return response, response.content.decode()


def pay(account):
    make_revenue(account=account, booked_on=date(2023, 6, 1), basis="cash", amount=Decimal(90))
    make_revenue(account=account, booked_on=date(2024, 6, 1), basis="cash", amount=Decimal(45))


def credit(account):
    make_revenue(account=account, booked_on=date(2024, 6, 1), kind="credit_note", reference="C-1",
                 credits_reference="I-1", amount=Decimal(-50))  # fmt: skip


def test_one_basis_and_no_linked_credit_note_leave_no_control(client, account):
    html = page(client)[1]

    assert 'name="basis"' not in html
    assert 'name="credit_notes"' not in html
    assert "<span>Invoiced</span>" in html


def test_controls_list_only_what_is_in_view(client, account):
    pay(account)
    credit(account)
    hidden = make_account()
    make_revenue(account=hidden, basis="signed")
    form = page(client)[0].context["form"]

    assert [value for value, _label in form.fields["basis"].choices] == ["invoiced", "cash"]
    assert "credit_notes" in form.fields
    assert "credit_notes" not in page(client, query=f"{PERIODS}&basis=cash")[0].context["form"].fields


OF_THE_LEDGER = [key for key, question in QUESTIONS.items() if "basis" not in question.form.left_out]


@pytest.mark.parametrize("key", OF_THE_LEDGER)
def test_every_question_can_be_asked_on_another_basis(client, account, key):
    pay(account)
    response, html = page(client, key, "basis=cash")

    assert response.status_code == 200
    assert response.context["passport"].basis == "cash"
    assert "<span>Cash</span>" in html


def test_the_basis_goes_along_to_links_drawers_files_and_reports(client, account):
    pay(account)
    asked = f"{PERIODS}&basis=cash"
    html = page(client, query=asked)[1]

    for question in ("retention", "activity", "trend"):
        link = next(
            part for part in html.split('href="') if part.startswith(f"{reverse('metrics:question', args=[question])}?")
        )
        assert "basis=cash" in link.split('"')[0]
    drawer = client.get(f"{reverse('figure', args=['growth_rate'])}?{asked}")
    assert drawer.context["figure"].value == pytest.approx(-0.5)
    assert "<dd>Cash</dd>" in drawer.content.decode()
    file = b"".join(client.get(f"{reverse('metrics:export', args=['growth', 'csv'])}?{asked}")).decode("utf-8-sig")
    assert "Cash" in file
    client.post(reverse("metrics:reported_keep"), {"question": "growth", "query": asked, "title": "T"})
    report = ReportedFigure.objects.get()
    assert (report.basis, report.credit_notes) == ("cash", "booked")
    shown = client.get(report.get_absolute_url()).content.decode()
    assert "basis=cash" in shown


def test_restated_credit_notes_are_said_and_kept(client, account):
    credit(account)
    asked = f"{PERIODS}&credit_notes=restated"
    response, html = page(client, query=asked)

    assert response.context["form"].cleaned_data["credit_notes"] == "restated"
    assert "credit notes in the period of their original" in html
    drawer = client.get(f"{reverse('figure', args=['base_revenue'])}?{asked}")
    assert drawer.context["figure"].value == Decimal(50)
    client.post(reverse("metrics:reported_keep"), {"question": "growth", "query": asked, "title": "T"})
    report = ReportedFigure.objects.get()
    assert (report.credit_notes, report.figures["base_revenue"]) == ("restated", "50.0000")
    assert "credit_notes=restated" in client.get(report.get_absolute_url()).content.decode()


def test_a_basis_without_records_says_what_to_do_and_can_be_changed(client, account):
    response, html = page(client, query=f"{PERIODS}&basis=signed")

    assert response.status_code == 200
    assert "nothing in view is booked as “Signed”" in html
    assert [value for value, _label in response.context["form"].fields["basis"].choices] == ["signed", "invoiced"]


def test_a_basis_that_there_is_not_is_an_error_of_the_field(client, account):
    response = page(client, query=f"{PERIODS}&basis=gross")[0]

    assert response.status_code == 422
    assert response.context["form"].errors["basis"]
    assert client.get(f"{reverse('figure', args=['growth_rate'])}?{PERIODS}&basis=gross").status_code == 400


def test_credit_notes_without_their_original_are_counted_and_listed(client, account):
    credit(account)
    make_revenue(account=account, booked_on=date(2024, 7, 1), kind="credit_note", reference="C-2",
                 credits_reference="I-9", amount=Decimal(-5))  # fmt: skip
    make_revenue(account=account, booked_on=date(2020, 7, 1), kind="credit_note", reference="C-3", amount=Decimal(-6))
    make_revenue(booked_on=date(2024, 7, 1), kind="credit_note", reference="HIDDEN", amount=Decimal(-7))
    response, html = page(client, query=f"{PERIODS}&credit_notes=restated")

    assert response.context["unmatched"] == 1
    assert "1 credit note could not be matched" in html
    assert "could not be matched" not in page(client)[1]
    listed = client.get(f"{reverse('metrics:credit_notes')}?{PERIODS}").content.decode()
    assert ("C-2" in listed, "I-9" in listed, "C-1" in listed, "C-3" in listed) == (True, True, False, False)
    everything = client.get(reverse("metrics:credit_notes")).content.decode()
    assert ("C-3" in everything, "HIDDEN" in everything) == (True, False)
    file = b"".join(client.get(reverse("metrics:credit_notes_export", args=["csv"]))).decode("utf-8-sig")
    assert ("C-2" in file, "C-3" in file, "HIDDEN" in file) == (True, True, False)
    client.force_login(make_user())
    assert "C-2" not in client.get(reverse("metrics:credit_notes")).content.decode()
