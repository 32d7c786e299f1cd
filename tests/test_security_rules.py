"""Rules of the house that no linter knows, over every file of ours: where markup is trusted, rows are reached, and
addresses are called. What is allowed stands here with its reason; a rule without a use is refused as well."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import ForeignKey

from accounts.models import Account

ROOT = Path(settings.BASE_DIR)
APPS = ("accounts", "service", "metrics", "tiering", "plans", "crm")
EDGES = ("crm/web/", "crm/api/")

# Text that is not escaped again: numbers and labels of ours, or cells that were escaped one by one.
TRUSTED_MARKUP = {
    "accounts/admin/account.py": "a constant line break",
    "crm/templatetags/facet.py": "a badge: a grade of ours and its escaped label",
    "crm/web/columns.py": "rows of a table, whose cells are escaped one by one",
    "crm/web/drawing.py": "drawings of our numbers with an escaped label",
    "crm/web/why.py": "sentences whose parts were escaped",
}
TRUSTED_IN_TEMPLATES = {"templates/ui/_field.html": "the help of a form field, text of ours"}
# Statements at the edges: what people send is bound, never part of the text.
SQL_AT_THE_EDGE = {
    "crm/api/organisation.py": "a constant statement over units with the key bound",
    "crm/api/idempotency.py": "constant statements of an advisory lock",
    "crm/web/account.py": "a constant statement with the key bound",
    "crm/web/health.py": "SELECT 1",
    "crm/web/trail.py": "a constant statement over the trail",
    "crm/web/views_saved.py": "statements that querysets compiled, joined with their parameters",
}
# Statements put together from parts that are no constants, by what those parts are. No part is ever what somebody sent:
# values are parameters. bandit's B608 and ruff's S608 point at all of them and are off for this rule's sake.
OUR_COLUMNS = "columns, tables and views named in this code, chosen by what was asked"
PIECES = "pieces of statements of ours, with the name of a column put in"
COMPOSED = {
    OUR_COLUMNS: (
        "accounts/imports/exporting.py", "accounts/imports/owners.py", "accounts/imports/staging.py", "metrics/binary.py",
        "metrics/frames.py", "metrics/frames_backlog.py", "metrics/frames_currency.py", "metrics/frames_days.py",
        "metrics/frames_efforts.py", "metrics/frames_figures.py", "metrics/frames_parts.py", "metrics/frames_patterns.py",
        "metrics/frames_products.py", "metrics/frames_receivables.py", "metrics/frames_relationships.py",
        "metrics/frames_spans.py", "metrics/frames_wallets.py", "metrics/leaves.py", "metrics/product_days.py",
        "metrics/product_rollup.py", "metrics/rollup.py", "metrics/scope.py", "metrics/selectors.py",
        "metrics/services/figures.py", "metrics/services/group_rollup.py", "metrics/services/lifetime_interval.py",
        "metrics/services/missing_rates.py", "metrics/services/reported.py", "metrics/services/receivables.py", "metrics/services/reported_causes.py",
        "plans/departures.py", "plans/services_measure.py", "tiering/ageing.py", "tiering/drift.py", "tiering/evaluation.py",
        "tiering/facts.py", "tiering/graded_groups.py", "tiering/ledger_facts.py", "tiering/optional.py", "tiering/quarantine.py",
        "tiering/services_overrides.py", "tiering/simulation.py", "tiering/staging.py", "tiering/standing.py",
    ),
    PIECES: (
        "accounts/graded.py", "accounts/group_tree.py", "accounts/imports/posting.py", "metrics/pieces.py",
        "plans/inherited.py",
    ),
    "tables and columns of the models that hold personal data": ("crm/trail/persons.py",),
    "who acts: everything but letters and digits is taken out": ("crm/trail/signature.py",),
    "policies over tables of our models": ("crm/wall.py",),
    "the time zone of the settings, which is one of those known": ("accounts/local_day.py",),
    "keys of accounts, which are numbers, and words of ours": ("crm/lib/wall.py", "crm/lib/wall_statements.py"),
    "triggers of ours, written by migrations": ("crm/trail/triggers.py",),
    "statements that querysets compiled, joined with their parameters": ("crm/web/views_saved.py",),
}  # fmt: skip
STATEMENT = re.compile(
    r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|FROM|JOIN|WHERE|CREATE|ALTER|COPY|TRUNCATE|UNION|GROUP BY|ORDER BY)\b"
)
CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]+")
# Where what people send is kept: no part of a statement comes from there.
SENT = {
    "request",
    "GET",
    "POST",
    "FILES",
    "COOKIES",
    "META",
    "headers",
    "query_params",
    "cleaned_data",
    "validated_data",
}
NETWORK = {
    "crm/lib/outbound.py": "the one door",
    "crm/management/commands/run.py": "asks our own /healthz",
    "crm/web/sso.py": "the identity provider that an operator named, by HTTPS alone, without redirects",
}
NETWORK_MODULES = {"requests", "urllib3", "httpx", "aiohttp", "socket", "urllib.request", "http.client", "smtplib"}
NEVER = {"pickle", "marshal", "shelve", "dill", "joblib"}
NEVER_CALLED = {"eval", "exec", "compile", "__import__"}


@cache
def sources() -> dict[str, ast.Module]:
    """Path → tree of every module of ours but migrations."""
    found = {}
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if "/migrations/" not in name:
                found[name] = ast.parse(path.read_text())
    return found


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def called(tree: ast.Module) -> Iterator[str]:
    """The last name of everything that is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name):
                yield function.id
            elif isinstance(function, ast.Attribute):
                yield function.attr


def test_markup_is_trusted_only_where_it_is_ours():
    trusting = {name for name, tree in sources().items() if {"mark_safe", "SafeString"} & set(called(tree))}

    assert trusting == set(TRUSTED_MARKUP)


def test_templates_escape_everything():
    trusting = set()
    for path in (ROOT / "templates").rglob("*.html"):
        if re.search(r"\|\s*safe(seq)?\b|\{%\s*autoescape\s+off", path.read_text()):
            trusting.add(path.relative_to(ROOT).as_posix())

    assert trusting == set(TRUSTED_IN_TEMPLATES)


def test_no_template_holds_a_script_a_style_or_a_handler():
    """What the content policy would refuse is not written in the first place; nor what makes htmx evaluate text."""
    wrong = []
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        inline = re.findall(
            r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>|<style\b|\son[a-z]{4,}=|hx-on|\"js:", text
        )
        wrong += [(path.name, found) for found in inline]

    assert wrong == []


def test_nothing_unpacks_objects_or_runs_text():
    for name, tree in sources().items():
        assert not {module.partition(".")[0] for module in imported(tree)} & NEVER, name
        plain = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not plain & NEVER_CALLED, name


def test_only_one_module_calls_other_systems():
    calling = {
        name
        for name, tree in sources().items()
        if set(imported(tree)) & NETWORK_MODULES and not name.startswith(("crm/engines/", "crm/embedded.py"))
    }

    assert calling == set(NETWORK)


def test_the_edges_hold_no_statement_of_their_own():
    raw = {"RawSQL", "raw", "extra", "execute", "executemany", "copy_expert"}
    holding = {name for name, tree in sources().items() if name.startswith(EDGES) and set(called(tree)) & raw}

    assert holding == set(SQL_AT_THE_EDGE)


def parts_put_into_statements(tree: ast.Module) -> Iterator[ast.expr]:
    """What is put into texts that read like SQL: by f-string, ``format`` or ``%``; constants of a module apart."""
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=pieces):
                text = "".join(str(piece.value) for piece in pieces if isinstance(piece, ast.Constant))
                parts = [piece.value for piece in pieces if isinstance(piece, ast.FormattedValue)]
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
                parts = [*node.args, *(word.value for word in node.keywords)]
            case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str(text)), right=right):
                parts = [right]
            case ast.BinOp(op=ast.Add(), left=ast.Constant(value=str(text)), right=right):
                parts = [right]
            case _:
                continue
        if STATEMENT.search(text):
            yield from (
                part for part in parts if not CONSTANT.fullmatch(getattr(part, "id", getattr(part, "attr", "")))
            )


def test_statements_are_put_together_only_from_what_is_ours():
    listed = [name for names in COMPOSED.values() for name in names]
    composing = {name for name, tree in sources().items() if list(parts_put_into_statements(tree))}

    assert sorted(composing) == sorted(listed)
    for name in listed:
        for part in parts_put_into_statements(sources()[name]):
            words = {getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(part)}
            assert not words & SENT, (name, ast.unparse(part))


def test_a_statement_put_together_is_noticed():
    def noticed(code: str) -> list[str]:
        return [ast.unparse(part) for part in parts_put_into_statements(ast.parse(code))]

    assert noticed('f"SELECT {name} FROM {TABLE}"') == ["name"]
    assert noticed('"SELECT {}".format(name)') == ["name"]
    assert noticed('"DELETE FROM %s" % name') == ["name"]
    assert noticed('"SELECT 1 WHERE a = " + name') == ["name"]
    assert noticed('f"Dear {name}"') == noticed('cursor.execute("SELECT %s", [name])') == []


def models_of_accounts() -> set[str]:
    """Names of the account and of every model whose rows belong to one."""
    own = {
        model.__name__
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey) and field.related_model is Account and field.name == "account"
    }
    return own | {"Account"}


def chains(tree: ast.Module) -> Iterator[tuple[str, ast.AST, int]]:
    """(model, outermost expression of ``Model.objects…``, line)."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.endswith("objects") and isinstance(node.value, ast.Name):
            top: ast.AST = node
            while isinstance(parents.get(top), ast.Attribute | ast.Call) and (
                isinstance(parents[top], ast.Attribute) or parents[top].func is top
            ):
                top = parents[top]
            yield node.value.id, top, node.lineno


# Methods of a chain, or parts of it, that narrow rows to those somebody may see, or give none.
NARROWED = re.compile(
    r"of_visible_accounts|visible_to\(|\.none\(\)|account__in=|accounts?=|account_id=|_in_view|pk__in=|endpoint=|in_bulk"
    # or one row that was reached so before
    r"|pk=[\w.]*(account|found)\.pk"
)


@cache
def loose_chains() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    owned = models_of_accounts()
    for name, tree in sources().items():
        if not name.startswith(EDGES):
            continue
        for model, expression, _line in chains(tree):
            if model in owned and not NARROWED.search(text := ast.unparse(expression)):
                found.setdefault(name, []).append(text)
    return found


# Reads of the edges that are over every account on purpose.
OVER_EVERYTHING: dict[str, str] = {
    "crm/api/accounts.py": "the account that was just made, by whoever made it",
    "crm/api/efforts.py": "rows whose accounts the serializer has looked up among the visible ones",
    "crm/api/milestones.py": "a lock on a contract the serializer has looked up among the visible ones",
    "crm/api/revenue.py": "whose contract a number is, to refuse it by the rule for hidden and missing ones alike",
    "crm/api/runs.py": "the second narrowing stands a line below",
    "crm/api/teams.py": "a lock on the task that the view has got among the visible ones",
    "crm/web/account.py": "where a merged account leads: to one of the visible ones named in the filter",
    "crm/web/account_changes.py": "accounts merged into the one the page has opened",
    "crm/web/account_ideas.py": "narrowed by the account when the row is got",
    "crm/web/departures.py": "whether anything at all hangs on somebody who is to be switched off, by administrators",
    "crm/web/growth_notes.py": "about(accounts) narrows to the visible ones",
    "crm/web/trail.py": "a code looked up for the trail, which only readers of every account open",
    "crm/web/work.py": "hand-overs that wait for the reader's own signature",
    "crm/web/persons.py": "the account of a person the page has opened by the visible ones",
}


def test_rows_of_accounts_are_reached_through_what_the_reader_may_see():
    assert {name: texts for name, texts in loose_chains().items() if name not in OVER_EVERYTHING} == {}


@pytest.mark.parametrize("name", sorted(OVER_EVERYTHING))
def test_an_exception_that_is_no_longer_needed_goes(name):
    assert name in loose_chains()


# Reads of more than the reader's accounts, past the second wall (accounts/wall.py). Each place says why in its code.
BEYOND_THE_WALL = {
    "crm/trail/persons.py": "all that is kept of a person, for whoever holds the right over people and sees the account",
    "accounts/duplicates.py": "the search for companies entered twice is company-wide; hidden ones come masked",
    "accounts/graded.py": "the name of who carries the grade of a group",
    "accounts/group_tree.py": "trees of groups are whole; crm/groups.py decides what of them is shown",
    "accounts/links.py": "the name of the other end of a link",
    "accounts/models/base.py": "whether a value that is unique is taken",
    "accounts/security/people.py": "whether a log-in has a password",
    "crm/api/serializers.py": "whether a value that is unique is taken",
    "crm/api/idempotency.py": "the caller's own keys of requests",
    "crm/api/hand_overs.py": "what is open at an account, for whoever is to take a seat there",
    "crm/api/links.py": "the name of the other end of a link",
    "crm/groups.py": "the total of a group counts every member; hidden ones have no line",
    "crm/lib/remember.py": "answers that are kept are for everybody and over every account by their names",
    "crm/trail/sealed.py": "keys of values in entries that the reader has got",
    "crm/web/account.py": "the names of those above and of the dealer",
    "crm/web/account_rows.py": "the names of groups and dealers in the list",
    "crm/web/accounts.py": "the names of dealers to filter by",
    "crm/web/filters.py": "the names of dealers that are filtered by",
    "crm/web/groups.py": "the names of the groups an account was in",
    "crm/web/hand_overs.py": "hand-overs that wait for the reader's own signature",
    "crm/web/lists.py": "what posting a file would do, tried and undone",
    "crm/web/rates.py": "what posting a file would do, tried and undone",
    "crm/web/relations.py": "the key of the root of a group",
    "crm/web/sso.py": "the settings of the sign-on, on the way there",
    "crm/web/work.py": "hand-overs that wait for the reader's own signature",
    "metrics/frames_contracts.py": "whether kept answers still hold",
    "metrics/frames_efforts.py": "whether kept answers still hold",
    "metrics/frames_products.py": "the day of the sums of products",
    "metrics/leaves.py": "the names of groups and dealers in breakdowns",
    "metrics/pieces.py": "the keys of the groups that accounts in view belonged to",
    "metrics/selectors.py": "days, bases, currencies and age of the ledger as a whole",
    "metrics/services/lifetime_contracts.py": "a model fitted to every customer",
    "metrics/services/lifetime_fit.py": "a model fitted to every customer",
    "plans/services_handover.py": "the signature of who is to take a seat",
    "service/mails.py": "a user's own address, made with the first look at it",
    "metrics/services/whitespace.py": "a matrix of every customer, of which rows in view are shown",
    "tiering/simulation.py": "the night's rows, kept in the process for every reader",
    "plans/open_items.py": "what is open at an account, for whoever is to take a seat there",
}


def test_the_second_wall_is_passed_only_where_it_is_listed():
    passing = {name for name, tree in sources().items() if "beyond_the_wall" in set(called(tree))}

    assert passing == set(BEYOND_THE_WALL)
    own = {"SET ROLE", "SET LOCAL ROLE", "RESET ROLE", "SET SESSION AUTHORIZATION"}
    assert [name for name in sources() if any(one in (ROOT / name).read_text() for one in own)] == ["crm/lib/wall.py"]


# Kept in the process though read from the database: of tables that hang off no account.
KEPT_OF_NO_ACCOUNT = {
    ("accounts/calendars.py", "_table"), ("plans/selectors_hours.py", "_working_time"), ("tiering/explain.py", "_frozen_design"),
}  # fmt: skip


def test_what_a_process_keeps_for_everybody_is_not_read_behind_one_readers_wall():
    wrong = set()
    for name, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                decorators = " ".join(map(ast.unparse, node.decorator_list))
                reads = re.search(r"\.objects|fetch\(|cursor|scope_of\(", ast.unparse(node))
                if re.search(r"\b(lru_)?cache\b", decorators) and reads and "beyond_the_wall" not in decorators:
                    wrong.add((name, node.name))
    assert wrong <= KEPT_OF_NO_ACCOUNT
