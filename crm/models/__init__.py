"""What the edges themselves keep; the business lives in the apps."""

from crm.models.api import IdempotencyKey

__all__ = ["IdempotencyKey"]
