"""What the edges themselves keep; the business lives in the apps."""

from crm.models.api import IdempotencyKey
from crm.models.views import Density, ListLayout, SavedView, ViewPage

__all__ = ["Density", "IdempotencyKey", "ListLayout", "SavedView", "ViewPage"]
