"""Fields of the wire: exact money, and references that only reach what the caller may see."""

from typing import Any

from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Account, Contact, Contract, User
from accounts.querysets import AccountQuerySet
from crm.lib.wall import narrowed


class StrictKeyField(serializers.PrimaryKeyRelatedField):
    """A key as a whole number (or its digits); DRF's own field would cut 1.5 down to 1."""

    def to_internal_value(self, data: Any) -> Model:
        whole = isinstance(data, int) and not isinstance(data, bool)
        if not whole and not (isinstance(data, str) and data.isascii() and data.isdigit() and len(data) <= 19):
            self.fail("incorrect_type", data_type=type(data).__name__)
        with narrowed():
            return super().to_internal_value(int(data))


@extend_schema_field(serializers.IntegerField())
class VisibleKeyField(StrictKeyField):
    """An account the caller may see; a hidden one is answered like a missing one.

    The value that is stored already may be sent back as it was read, seen or not.
    """

    def get_queryset(self) -> AccountQuerySet:
        return Account.objects.visible_to(self.context["request"].user)

    def to_internal_value(self, data: Any) -> Model:
        instance = getattr(self.parent, "instance", None)
        if isinstance(instance, Model) and getattr(instance, f"{self.source}_id", None) == data and data is not None:
            return getattr(instance, self.source)
        return super().to_internal_value(data)


@extend_schema_field(serializers.IntegerField())
class VisibleContractField(StrictKeyField):
    """A contract of an account the caller may see; a hidden one is answered like a missing one."""

    def get_queryset(self) -> QuerySet[Contract]:
        return Contract.objects.filter(account__in=Account.objects.visible_to(self.context["request"].user))


@extend_schema_field(serializers.IntegerField())
class VisibleContactField(StrictKeyField):
    """A contact of an account the caller may see; a hidden one is answered like a missing one."""

    def get_queryset(self) -> QuerySet[Contact]:
        return Contact.objects.filter(account__in=Account.objects.visible_to(self.context["request"].user))


@extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
class PeopleField(serializers.Field):
    """People by key, up to MOST of them; two statements however many there are."""

    MOST = 100
    default_error_messages = {
        "not_a_list": gettext_lazy("Give a list of whole numbers."),
        "too_many": gettext_lazy("Name at most {most} people."),
        "does_not_exist": gettext_lazy("There is nobody with the number {missing} here."),
    }

    def __init__(self, *, of: type[Model], **kwargs: Any) -> None:
        self.of = of
        super().__init__(**kwargs)

    def to_representation(self, value: Any) -> list[int]:
        return sorted(row.pk for row in value.all())

    def to_internal_value(self, data: Any) -> list[Model]:
        if not isinstance(data, list) or any(isinstance(key, bool) or not isinstance(key, int) for key in data):
            self.fail("not_a_list")
        if len(data) > self.MOST:
            self.fail("too_many", most=self.MOST)
        wanted = set(data)
        known = self._rows().in_bulk([key for key in wanted if 0 < key < 2**63])
        if missing := wanted - set(known):
            self.fail("does_not_exist", missing=min(missing))
        return list(known.values())

    def _rows(self) -> QuerySet[Any]:
        if self.of is Contact:
            return Contact.objects.filter(account__in=Account.objects.visible_to(self.context["request"].user))
        return User.objects.filter(is_active=True)


@extend_schema_field(serializers.IntegerField())
class UserKeyField(StrictKeyField):
    """Somebody who can log in."""

    def get_queryset(self) -> QuerySet[User]:
        return User.objects.filter(is_active=True)

    def to_internal_value(self, data: Any) -> Model:
        instance = getattr(self.parent, "instance", None)
        if isinstance(instance, Model) and getattr(instance, f"{self.source}_id", None) == data and data is not None:
            return getattr(instance, self.source)
        return super().to_internal_value(data)
