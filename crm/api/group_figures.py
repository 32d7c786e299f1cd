"""The group of an account on the wire: its path, its totals, and its subsidiaries as far as the caller may open them."""

from typing import Any

from django.core.paginator import Paginator
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound

from accounts.group_tree import Ancestor, path_on
from accounts.models import Account, User
from crm.api.answers import Money, PassportSerializer, Rate
from crm.api.queries import DayField, PeriodField, Query
from crm.groups import GroupLine, group_view
from crm.lib.periods import ttm
from metrics.scope import Membership
from metrics.selectors import default_as_of

PAGE_SIZE, MOST = 50, 500


class GroupQuery(Query):
    """The account stands in the address."""

    takes_portfolio = False

    period = PeriodField(required=False, help_text="Of the revenue; default the last 12 whole months.")
    membership = serializers.ChoiceField(
        choices=[(str(membership), str(membership)) for membership in Membership],
        required=False,
        help_text="On each day that of the day (as_was, default), or on all days today's (as_now).",
    )
    as_of = DayField(required=False, help_text="Of what is there on a day; default: the day the data go up to.")
    page = serializers.IntegerField(required=False, min_value=1)
    page_size = serializers.IntegerField(required=False, min_value=1)


class GroupFiguresSerializer(serializers.Serializer):
    """Money in the currency of the answer, null where a part of it is not known."""

    accounts = serializers.IntegerField(source="figures.accounts")
    revenue = Money(source="figures.revenue")
    prior_revenue = Money(source="figures.prior_revenue", help_text="Of the same period a year before.")
    growth_rate = Rate(source="figures.growth_rate")
    gross_profit = Money(source="figures.gross_profit", help_text="Null too for callers without the right to margins.")
    contracts = serializers.IntegerField(source="figures.contracts", help_text="Running on the as-of day.")
    contract_amount = Money(source="figures.contract_amount")
    owed = Money(source="figures.owed")
    owed_overdue = Money(source="figures.owed_overdue")
    own_revenue = Money(source="figures.own_revenue", help_text="Of the companies whose wallet is estimated.")
    wallet = Money(source="figures.wallet")
    share_of_wallet = Rate(source="figures.share_of_wallet")
    promises_due = serializers.IntegerField(source="promises.due")
    promises_broken = serializers.IntegerField(source="promises.broken")
    promises_kept = Rate(source="promises.compliance")
    grades = serializers.DictField(child=serializers.IntegerField(), help_text="Grade → companies.")

    def to_representation(self, instance: GroupLine) -> dict[str, Any]:
        told = super().to_representation(instance)
        return told if self.context["sees_margin"] else {**told, "gross_profit": None}


class SubsidiarySerializer(GroupFiguresSerializer):
    """A direct subsidiary with everything below it; `accounts` is 0 for one that left the group."""

    id = serializers.IntegerField(source="account.pk")
    code = serializers.CharField(source="account.code")
    name = serializers.CharField(source="account.name")
    grade = serializers.CharField(source="account.grade")


class AncestorSerializer(serializers.Serializer):
    """`id` and `code` are null where the caller may not open it."""

    id = serializers.IntegerField(allow_null=True)
    code = serializers.CharField(allow_null=True)
    name = serializers.CharField()


class GroupSerializer(serializers.Serializer):
    """`total` counts every company below, `results` are the subsidiaries the caller may open, by revenue. `hidden` are not
    among them: two or more are added up in `others`, a single one is broken out nowhere (null)."""

    path = AncestorSerializer(many=True, help_text="From the root down to the account itself, on the as-of day.")
    total = GroupFiguresSerializer()
    own = GroupFiguresSerializer(help_text="Without anything below it.")
    hidden = serializers.IntegerField()
    others = GroupFiguresSerializer(allow_null=True)
    count = serializers.IntegerField(help_text="Subsidiaries the caller may open.")
    results = serializers.SerializerMethodField()
    currency = serializers.CharField()
    reasons = serializers.DictField(child=serializers.CharField())
    passport = PassportSerializer()

    @extend_schema_field(SubsidiarySerializer(many=True))
    def get_results(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        lines: list[GroupLine] = answer["results"]
        return list(SubsidiarySerializer(lines, many=True, context=self.context).data)


def group_answer(account: Account, *, viewer: User, choices: dict[str, Any]) -> dict[str, Any]:
    """What ``GroupSerializer`` shows; a page past the end has no results."""
    as_of = choices.get("as_of") or default_as_of()
    view = group_view(
        account,
        viewer=viewer,
        period=choices.get("period") or ttm(as_of),
        membership=choices.get("membership") or Membership.AS_WAS,
        as_of=as_of,
        **{name: choices.get(name) for name in ("basis", "credit_notes", "currency")},
    )
    pages = Paginator(view.lines, min(choices.get("page_size") or PAGE_SIZE, MOST))
    number = choices.get("page") or 1
    if number > pages.num_pages:
        raise NotFound(_("There is no such page."))
    return {
        "path": _path(account, viewer, path_on(account, as_of)),
        "total": view.total,
        "own": view.own,
        "hidden": view.hidden,
        "others": view.others,
        "count": len(view.lines),
        "results": pages.page(number).object_list,
        "currency": view.rollup.currency,
        "reasons": view.rollup.reasons,
        "passport": view.rollup.passport,
    }


def _path(account: Account, viewer: User, above: list[Ancestor]) -> list[dict[str, Any]]:
    ids = [one.id for one in above]
    seen = set(Account.objects.visible_to(viewer).filter(pk__in=ids).values_list("pk", flat=True))
    return [
        {"id": one.id if one.id in seen else None, "code": one.code if one.id in seen else None, "name": one.name}
        for one in above
    ]
