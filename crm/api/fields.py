"""Fields of the wire: exact money, and references that only reach what the caller may see."""

from typing import Any

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Account, Contract, User
from accounts.querysets import AccountQuerySet


class StrictKeyField(serializers.PrimaryKeyRelatedField):
    """A key as a whole number (or its digits); DRF's own field would cut 1.5 down to 1."""

    def to_internal_value(self, data: Any) -> Model:
        whole = isinstance(data, int) and not isinstance(data, bool)
        if not whole and not (isinstance(data, str) and data.isascii() and data.isdigit() and len(data) <= 19):
            self.fail("incorrect_type", data_type=type(data).__name__)
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
class UserKeyField(StrictKeyField):
    """Somebody who can log in."""

    def get_queryset(self) -> QuerySet[User]:
        return User.objects.filter(is_active=True)

    def to_internal_value(self, data: Any) -> Model:
        instance = getattr(self.parent, "instance", None)
        if isinstance(instance, Model) and getattr(instance, f"{self.source}_id", None) == data and data is not None:
            return getattr(instance, self.source)
        return super().to_internal_value(data)
