"""What the serializers share: no unknown names, and the model's own rules."""

import copy
from typing import Any

from django.core.exceptions import ValidationError as ModelError
from django.db.models import CheckConstraint, Model
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.fields import get_error_detail
from rest_framework.validators import UniqueValidator

from accounts.models.base import TAKEN
from crm.lib.wall import beyond_the_wall


class StrictSerializer(serializers.Serializer):
    """Names that are not in the resource are refused; read-only ones may be sent back as they were read."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := [name for name in data if name not in self.fields]):
            raise serializers.ValidationError({str(name): [_("There is no such field.")] for name in unknown})
        return super().to_internal_value(data)


class UniqueOverAllValidator(UniqueValidator):
    """Asks every row, seen or not: saving a value that is taken would tell as much."""

    @beyond_the_wall(TAKEN)
    def __call__(self, value: Any, serializer_field: serializers.Field) -> None:
        super().__call__(value, serializer_field)


class RuledSerializer(StrictSerializer, serializers.ModelSerializer):
    """One-row rules come from the model's clean() and constraints, so that page, admin and REST agree."""

    def build_standard_field(self, field_name: str, model_field: Any) -> tuple[Any, dict[str, Any]]:
        kind, given = super().build_standard_field(field_name, model_field)
        if "validators" in given:
            given["validators"] = [
                UniqueOverAllValidator(queryset=one.queryset, message=one.message)
                if isinstance(one, UniqueValidator)
                else one
                for one in given["validators"]
            ]
        return kind, given

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        candidate = copy.copy(self.instance) if self.instance is not None else self.Meta.model()
        for name, value in attrs.items():
            setattr(candidate, name, value)
        relations = {field.name for field in candidate._meta.get_fields() if field.many_to_one}  # noqa: SLF001
        try:
            candidate.clean_fields(exclude=relations)  # their rows were looked up already
            candidate.clean()
            _check_constraints(candidate)
        except ModelError as error:
            raise serializers.ValidationError(get_error_detail(error)) from error
        return attrs


@beyond_the_wall(TAKEN)
def _check_constraints(candidate: Model) -> None:
    """The rules of one row before those between rows, which presume them: a range that ends before it begins has no
    overlap to look for. Raises Django's ValidationError."""
    for is_of_one_row in (True, False):
        faults: list[ModelError] = []
        for model, constraints in candidate.get_constraints():
            for constraint in constraints:
                if isinstance(constraint, CheckConstraint) is is_of_one_row:
                    try:
                        constraint.validate(model, candidate)
                    except ModelError as error:
                        faults.append(error)
        if faults:
            raise ModelError(faults)
