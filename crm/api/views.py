"""What the REST views share: lists, edited resources, and the answer for addresses that do not exist."""

from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.urls import is_valid_path, reverse
from django.utils.translation import gettext as _
from rest_framework import mixins, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from crm.api.etag import TaggedReadMixin, TaggedWriteMixin
from crm.api.filters import check_parameters, contains
from crm.api.idempotency import idempotent
from crm.lib.wall import narrowed

METHODS = ["get", "post", "put", "patch", "delete", "head"]


class ApiViewSet(GenericViewSet):
    """A resource. ``ordering_fields`` maps names on the wire to columns; ``detail_parameters`` are those of one object."""

    http_method_names = METHODS
    ordering_fields: dict[str, str] = {}
    search_fields: tuple[str, ...] = ()
    detail_parameters: frozenset[str] = frozenset()

    @property
    def searches(self) -> bool:
        return bool(self.search_fields)

    def search(self, queryset: QuerySet, text: str) -> QuerySet:
        return contains(queryset, text, self.search_fields)

    def get_object(self) -> Any:
        with narrowed():
            return super().get_object()

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        if self.detail:
            check_parameters(self.request, self.detail_parameters)
            return queryset
        return super().filter_queryset(queryset)

    def location_of(self, instance: Model) -> str:
        return reverse(f"api:{self.basename}-detail", args=[instance.pk])


class ListedViewSet(mixins.ListModelMixin, ApiViewSet):
    """A list to walk through and nothing else."""


class ReadableViewSet(TaggedReadMixin, ListedViewSet):
    """List and detail."""


class EditableViewSet(TaggedWriteMixin, ListedViewSet):
    """List, detail, create, change and delete."""

    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.create_one(request)

    def create_one(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            instance = self.perform_create(serializer)
        return self.tagged(instance, code=status.HTTP_201_CREATED, Location=self.location_of(instance))

    def perform_create(self, serializer: Any) -> Model:
        return serializer.save()


class UnknownAddressView(APIView):
    """404 for everything below /api/ that has no view, whoever asks and however."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self.http_method_names = [(request.method or "get").lower()]
        setattr(self, self.http_method_names[0], self.missing)
        return super().dispatch(request, *args, **kwargs)

    def missing(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if not request.path_info.endswith("/") and is_valid_path(f"{request.path_info}/"):
            raise NotFound(_("Addresses end in a slash; add it."))
        raise NotFound(_("There is nothing at this address; /api/v1/docs/ lists what there is."))
