"""What the edges themselves keep; the business lives in the apps."""

from crm.models.api import IdempotencyKey
from crm.models.trail import Erasure, PersonKey, TrailAction, TrailEntry, TrailLink, TrailSeal
from crm.models.views import Density, ListLayout, SavedView, ViewPage
from crm.models.webhooks import SUBSCRIBED, DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookEvent

__all__ = [
    "SUBSCRIBED",
    "DeliveryState",
    "Density",
    "Erasure",
    "IdempotencyKey",
    "ListLayout",
    "PersonKey",
    "SavedView",
    "TrailAction",
    "TrailEntry",
    "TrailLink",
    "TrailSeal",
    "ViewPage",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
]
