from datetime import date

from accounts.services import merge_accounts, undo_merge
from service.models import Discount, Interaction, ServiceRequest, Sponsor
from tests.factories import make_account, make_discount, make_interaction, make_request, make_sponsor, make_superuser


def places():
    return [
        list(model.objects.order_by("pk").values_list("account", flat=True))
        for model in (Interaction, ServiceRequest, Sponsor, Discount)
    ]


def test_what_was_done_follows_a_merge_and_comes_back(db):
    merged, survivor = make_account(), make_account()
    make_interaction(account=merged), make_request(account=merged), make_discount(account=merged)
    make_sponsor(account=merged, valid_to=date(2021, 1, 1))
    make_sponsor(account=merged, valid_from=date(2023, 1, 1))
    make_sponsor(account=survivor, valid_from=date(2022, 1, 1))
    before = places()

    merge = merge_accounts(merged=merged, into=survivor, by=make_superuser(), reason="One customer")

    one, other = survivor.pk, merged.pk
    assert places() == [[one], [one], [one, other, one], [one]]

    undo_merge(merge=merge, by=None)

    assert places() == before
