"""What the fuzz tests of REST and of the pages share: a company with everything in it, four who come, and odd values.

Nothing here is random from run to run: the same seed gives the same requests, so that a commit passes or fails for good.
``FACET_FUZZ=10000`` sets how many requests a whole run sends, ``FACET_FUZZ_SEED=7`` draws others.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.access import READ_SCOPES, Role
from accounts.models import AccessToken, User
from tests.api import test_policy
from tests.company import resources
from tests.factories import make_account, make_unit, make_user

SEED = int(os.environ.get("FACET_FUZZ_SEED", "1"))
WHO = ("administrator", "manager", "member", "read-only token")
HIDDEN_WORD = "Word7Hidden7Word"
EPISODE = 25  # requests after which the world is put back


def size(default: int) -> int:
    """How many requests the four send together."""
    return int(os.environ.get("FACET_FUZZ", default))


@dataclass
class Company:
    """``base`` has one row of everything of an account that all four see; ``ids`` the keys by name of the resource."""

    base: test_policy.World
    users: dict[str, User]
    ids: dict[str, list[int]] = field(default_factory=dict)

    def rest(self, who: str) -> APIClient:
        client = APIClient(raise_request_exception=False)
        scopes = [str(one) for one in READ_SCOPES] if who == "read-only token" else None
        _row, token = AccessToken.objects.create(user=self.users[who], last_used_at=timezone.now(), scopes=scopes)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return client

    def pages(self, who: str) -> Client:
        client = Client(raise_request_exception=False)
        client.force_login(self.users[who])
        return client


def make_company(settings: Any, tmp_path: Path) -> Company:
    """The world of the REST policy, its owner a member below a manager, and an account that both may not see."""
    base = test_policy.make_world(settings, tmp_path)
    member = base.people["owner"]
    manager = make_user(role=str(Role.MANAGER))
    User.objects.filter(pk=member.pk).update(unit=make_unit(head=manager))
    users = {
        "administrator": make_user(role=str(Role.ADMINISTRATOR)),
        "manager": manager,
        "member": User.objects.get(pk=member.pk),
    }
    users["read-only token"] = users["member"]
    company = Company(base, users)
    stranger = make_account(name=f"Acct{HIDDEN_WORD}", owner=make_user(unit=make_unit(head=make_user())))
    hidden = resources(stranger, HIDDEN_WORD, {"owner": make_user(), "director": make_user()}, base.rows["models"])
    for rows in (base.rows, hidden):
        for name, row in rows.items():
            if row is not None and hasattr(row, "pk"):
                company.ids.setdefault(name, []).append(row.pk)
    people = [user.pk for user in [*base.people.values(), *users.values()] if user]
    company.ids["users"] = sorted(set(people))
    return company


# Values that one type or another cannot hold, that a database cannot store, or that look like a number and are none.
ODD: tuple[Any, ...] = (
    *("\x00", "a\x00b", "\ud800", "\udfff x", "\u202e", "\ufeff", "", " ", "\t\n", "x" * 10_000, "大" * 5_000, "💥" * 300),
    *(-1, 0, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 10**400, 1.5, 1e308, -0.0),
    *("9" * 400, "1e999999", "-1E+30", "1e-999999", "NaN", "sNaN", "Infinity", "-Infinity", "1" + "0" * 30 + ".5", "0.1" * 9),
    *("²", "①", "१२", "１２", "1_000", " 1 ", "+1", "0x10", "1\n", "−1", "1,5", "00", "--1", "1.0", "1.", ".5"),
    *("0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "2024-02-30", "2024-W01", "20240101", "2024-1-1"),
    *("2024-01-01T00:00:00+24:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "24:00", "23:59:60"),
    *("0000", "9999", "10000", "9999-Q4", "9999-12", "0001-01", "ttm@9999-12", "FY0001", "1970..9999", "2024..2023", "..", "@"),
    *("Etc/GMT+99", "../../etc/passwd", "Asia/Shanghai\x00", "localtime", "America/Argentina", "/etc/localtime", "C:\\x"),
    *("zh_Hans", "xx-invalid", "en;q=1", "%00", "%ff", "%s", "{0}", "${x}", "{{ x }}", "__class__", "account__owner__password"),
    *("' OR 1=1 --", '" OR ""="', "1; SELECT pg_sleep(3)--", "1) UNION SELECT NULL--", "\\", "'||pg_sleep(3)||'", "/**/"),
    *("-id", "id,-id", "--id", "?", "*", ",", ",,", "a,b", "[]", "{}", "null", "true", "on", "YTE", "YTkyMjMzNzIwMzY4NTQ3NzU4MDg"),
)  # fmt: skip
# A word that no statement of ours holds: where it stands in one outside the parameters, something was injected.
MARK = "zq7x"
INJECTED = tuple(
    text.replace("?", MARK)
    for text in (
        *(
            "?' OR '1'='1",
            '?" OR ""="',
            "?'; SELECT pg_sleep(3); --",
            "?') UNION SELECT NULL, version() --",
            "?'||pg_sleep(3)||'",
        ),
        *(
            "1 AND (SELECT 1 FROM pg_sleep(3)) --?",
            "-?",
            "?,id",
            "?\\'",
            "?%' ESCAPE '!",
            "$$?$$",
            "?::int",
            "(?)",
            "{?}",
            "?/*",
            "1;?",
        ),
    )
)
# Only a body can hold these.
ODD_JSON: tuple[Any, ...] = (
    *ODD, None, True, False, [], {}, [None], [[1]], [1, "a", None, {}], {"a": 1}, {"": None}, [2**63], ["\x00"], [""],
    *(float("nan"), float("inf"), [{}] * 3, list(range(3000)), {"pk": 1}, {"id": [1]}),
)  # fmt: skip
ODD_BODIES: tuple[bytes, ...] = (
    *(
        b"",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xff\xfe",
        b"{",
        b'"',
        b"null",
        b"1",
        b"true",
        b'"text"',
        b"[]",
        b"[[]]",
    ),
    *(b"[null]", b"NaN", b"1e999999", b'{"account": 1, "account": 2}', b"\xef\xbb\xbf{}", b"{}" + b" " * 1_200_000),
    *(b'{"name": "' + b"x" * 900_000 + b'"}', b'{"amount": 1' + b"0" * 5000 + b"}", b'{"a": "\\ud800"}', b"\x00"),
)
