"""Who calls: a bearer token stored as its digest, or the session of the pages."""

import re
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from knox.auth import TokenAuthentication
from rest_framework import exceptions
from rest_framework.request import Request

from accounts.security.errors import LoginRefused
from accounts.security.tokens import token_of
from accounts.security.visitors import visitor_of

TOKEN_FORM = re.compile(rb"[0-9A-Za-z]{16,255}")


class BearerAuthentication(TokenAuthentication):
    """Knox's reading of the header; whether the token counts, says accounts.security.tokens."""

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, Any] | None:
        self.visitor = visitor_of(request)
        return super().authenticate(request)

    def authenticate_credentials(self, token: bytes) -> tuple[AbstractBaseUser, Any]:
        if not TOKEN_FORM.fullmatch(token):
            raise exceptions.AuthenticationFailed(_("Invalid token."))
        now = timezone.now()
        try:
            found = token_of(text=token.decode(), visitor=self.visitor, now=now)
        except LoginRefused as refused:
            if refused.free_at is not None:
                raise exceptions.Throttled(
                    wait=(refused.free_at - now).total_seconds(),
                    detail=gettext("Too many wrong tokens from your network."),
                ) from None
            raise exceptions.AuthenticationFailed(str(refused)) from None
        return found.user, found


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "crm.api.auth.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return build_bearer_security_scheme_object(header_name="Authorization", token_prefix="Bearer")  # noqa: S106
