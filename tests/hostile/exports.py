"""Every file that a company's pages and REST let out, for tests that read all of them."""

import os
import re
from html import unescape
from typing import Any

from django.test import Client

from accounts.models import AccessToken
from tests.hostile.company import Company
from tests.hostile.everywhere import Address, page_addresses, rest_addresses
from tests.web.test_metric_economics import TYPED

ROUNDS = int(os.environ.get("FACET_FORMULA_ROUNDS", "1"))  # 102: every payload in the only row of every table too
A_FEW = 15  # of so many figures one is read: their pages and files are of one make
LINK = re.compile(r'(?:href|data-href)="([^"]*/export/[^"]*)"')


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def is_export(address: Address) -> bool:
    return "export" in address.route or "errors" in address.route


def pages(company: Company, *, figures_every: int) -> list[Address]:
    every = list(page_addresses(company))
    return [one for at, one in enumerate(every) if not one.route.startswith("figure") or at % figures_every == 0]


def every_export(company: Company, client: Client, *, figures_every: int = A_FEW) -> set[str]:
    """Addresses of exports: by name, and all that any page leads to."""
    found: set[str] = set()
    for address in pages(company, figures_every=figures_every):
        if is_export(address):
            found.add(address.path)
        else:
            response = client.get(address.path)
            assert response.status_code < 500, address
            if not response.streaming:
                found |= {unescape(link).split("#")[0].rstrip("?") for link in LINK.findall(response.content.decode())}
    found |= {f"{path}?{TYPED}" for path in found if "retention-economics" in path}
    return found | {path.replace("/export/csv/", "/export/xlsx/") for path in found}


def rest_exports(company: Company) -> tuple[Client, list[str]]:
    """Who may ask for every file of REST, and their addresses."""
    rest = Client(headers={"authorization": f"Bearer {AccessToken.objects.create(user=company.boss)[1]}"})
    return rest, [address.path for address in rest_addresses(company) if is_export(address)]
