"""Milestones of contracts: parts that count as delivered on the day they are accepted."""

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet

from accounts.models import Account, Contract, ContractMilestone
from crm.api.accounts import STAMPS
from crm.api.fields import VisibleContractField
from crm.api.filters import VisibleAccountFilter, VisibleRowFilter, visible_contracts
from crm.api.serializers import RuledSerializer
from crm.api.views import EditableViewSet


class MilestoneSerializer(RuledSerializer):
    """`amount` is in the currency of the contract; all of a contract together are at most its amount."""

    contract = VisibleContractField()

    class Meta:
        model = ContractMilestone
        fields = ("id", "contract", "title", "amount", "planned_on", "accepted_on", *STAMPS)
        read_only_fields = STAMPS


class MilestoneFilter(FilterSet):
    account = VisibleAccountFilter(field_name="contract__account")
    contract = VisibleRowFilter(queryset=visible_contracts)

    class Meta:
        model = ContractMilestone
        fields = {
            "planned_on": ["exact", "gte", "lte"],
            "accepted_on": ["exact", "gte", "lte", "isnull"],
        }


class MilestoneViewSet(EditableViewSet):
    """Parts of a contract. One that is accepted is recognised on that day; one that is not is backlog."""

    serializer_class = MilestoneSerializer
    filterset_class = MilestoneFilter
    search_fields = ("title",)
    ordering_fields = {"id": "pk", "contract": "contract_id", "planned_on": "planned_on", "accepted_on": "accepted_on"}
    queryset = ContractMilestone.objects.none()

    def get_queryset(self) -> QuerySet[ContractMilestone]:
        mine = Account.objects.visible_to(self.request.user)
        return ContractMilestone.objects.filter(contract__account__in=mine)

    def perform_create(self, serializer: Any) -> ContractMilestone:
        """Under a lock of the contract the rule is asked again: somebody may have added a milestone in between."""
        Contract.objects.select_for_update().get(pk=serializer.validated_data["contract"].pk)
        serializer.validate(serializer.validated_data)
        return serializer.save()
