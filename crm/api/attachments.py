"""Files of interactions: sent as a form, listed, fetched and removed."""

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse
from django_filters.rest_framework import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.etag import locked_to_delete
from crm.api.fields import StrictKeyField
from crm.api.filters import VisibleAccountFilter, VisibleRowFilter
from crm.api.idempotency import idempotent
from crm.api.renderers import AnyRenderer
from crm.api.serializers import StrictSerializer
from crm.api.views import ReadableViewSet
from crm.web.files import as_download
from crm.web.rights import require_correct
from service import attachments
from service.models import Attachment, Interaction


class AttachmentSerializer(serializers.ModelSerializer):
    """`name` as it was sent, without what no name may hold. `media_type`: what its content was proved to be."""

    account = serializers.IntegerField(source="interaction.account_id", read_only=True)
    added_by_name = serializers.CharField(source="added_by.display_name", read_only=True)

    class Meta:
        model = Attachment
        fields = (
            *("id", "interaction", "account", "name", "media_type", "size", "sha256", "added_by", "added_by_name"),
            "added_at",
        )
        read_only_fields = fields


@extend_schema_field(serializers.IntegerField())
class VisibleInteractionField(StrictKeyField):
    """An interaction of an account the caller may see; a hidden one is answered like a missing one."""

    def get_queryset(self) -> QuerySet[Interaction]:
        return Interaction.objects.visible_to(self.context["request"].user)


class NewAttachmentSerializer(StrictSerializer):
    """One file. Which types are taken, and how large, the refusal says."""

    interaction = VisibleInteractionField()
    file = serializers.FileField(max_length=1000, allow_empty_file=True)


def visible_interactions(request: Request | None) -> QuerySet[Interaction]:
    return Interaction.objects.visible_to(request.user) if request else Interaction.objects.none()


class AttachmentFilter(FilterSet):
    account = VisibleAccountFilter(field_name="interaction__account")
    interaction = VisibleRowFilter(queryset=visible_interactions)

    class Meta:
        model = Attachment
        fields = {"name": ["exact"], "sha256": ["exact"], "added_at": ["gte", "lte"]}


class AttachmentViewSet(ReadableViewSet):
    """Files of the interactions the caller may see. Whoever may correct an interaction adds files to it and removes them."""

    serializer_class = AttachmentSerializer
    filterset_class = AttachmentFilter
    search_fields = ("name",)
    ordering_fields = {"id": "pk", "added_at": "added_at", "size": "size"}
    queryset = Attachment.objects.none()

    def get_queryset(self) -> QuerySet[Attachment]:
        return Attachment.objects.visible_to(self.request.user).select_related("interaction", "added_by")

    def get_parsers(self) -> list[Any]:
        """A file comes as a form."""
        method = (getattr(self.request, "method", None) or "").lower()
        is_create = bool(self.action_map) and self.action_map.get(method) == "create"
        return [MultiPartParser()] if is_create else super().get_parsers()

    @extend_schema(request={"multipart/form-data": NewAttachmentSerializer}, responses={201: AttachmentSerializer})
    @idempotent(atomic=False)
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewAttachmentSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        interaction = form.validated_data["interaction"]
        require_correct(request.user, logged_by=interaction.logged_by_id)
        (made,) = attachments.attach(interaction=interaction, files=[form.validated_data["file"]], by=request.user)
        return self.tagged(made, code=status.HTTP_201_CREATED, Location=self.location_of(made))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with locked_to_delete(self, request) as found:
            require_correct(request.user, logged_by=found.interaction.logged_by_id)
            attachments.remove_attachment(attachment=found)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        description="The file itself, always as a download.",
        responses={(200, "*/*"): OpenApiResponse(OpenApiTypes.BINARY)},
    )
    @action(detail=True, renderer_classes=[JSONRenderer, AnyRenderer])
    def content(self, request: Request, *args: Any, **kwargs: Any) -> FileResponse:
        return as_download(self.get_object())
