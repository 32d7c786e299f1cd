import pytest
from django.urls import reverse

from tests.factories import make_discount, make_interaction, make_request, make_sponsor, make_superuser, make_user
from tests.web.people import grant

MAKERS = {
    "interaction": make_interaction,
    "servicerequest": make_request,
    "sponsor": make_sponsor,
    "discount": make_discount,
}


@pytest.mark.parametrize("model", MAKERS)
def test_each_table_opens_and_is_searched(client, db, model):
    made = MAKERS[model]()
    client.force_login(make_superuser())

    paths = (
        reverse(f"admin:service_{model}_changelist") + f"?q={made.account.name}",
        reverse(f"admin:service_{model}_add"),
        reverse(f"admin:service_{model}_change", args=[made.pk]),
    )

    assert [client.get(path).status_code for path in paths] == [200, 200, 200]


@pytest.mark.parametrize("model", MAKERS)
def test_staff_sees_what_the_pages_would_show(client, db, model):
    MAKERS[model]()
    mine = MAKERS[model]()
    staff = grant(make_user(is_staff=True), f"view_{model}")
    mine.account.owner = staff
    mine.account.save()
    client.force_login(staff)

    assert list(client.get(reverse(f"admin:service_{model}_changelist")).context["cl"].queryset) == [mine]
