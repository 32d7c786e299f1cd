"""What the edges themselves keep; the business lives in the apps."""

from crm.models.api import IdempotencyKey
from crm.models.trail import Erasure, PersonKey, TrailAction, TrailEntry, TrailLink, TrailSeal
from crm.models.views import Density, ListLayout, SavedView, ViewPage

__all__ = [
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
]
