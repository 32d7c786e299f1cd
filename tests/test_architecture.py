"""The import order, kept: an app knows what stands to its left, never what stands to its right."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

ROOT = Path(settings.BASE_DIR)
# Left to right; crm.lib is a package of its own, the rest of crm composes everything.
ORDER = ("crm.lib", "accounts", "sales", "service", "metrics", "tiering", "plans", "crm")
PACKAGES = tuple(name for name in ORDER if "." not in name)
# Functions that take the name of an app, a model or a module as their first argument.
BY_NAME = {"get_model", "get_app_config", "import_module", "import_string", "__import__"}
PURE = (
    "metrics.formulas",
    "tiering.scoring",
    "tiering.grading",
    "tiering.signals",
    "plans.formulas",
    "plans.formulas_team",
    "accounts.access",
    "accounts.imports.readers",
    "accounts.imports.sniff",
)
FRAMEWORKS = ("django", "rest_framework", "celery", "knox", "unfold")
SLOW_TO_IMPORT = ("pandas", "scipy", "openpyxl", "xlsxwriter", "python_calamine", "lifetimes", "pytest")


def layer_of(name: str) -> int | None:
    """Place in ORDER of a dotted module, app or model name; None for what is not ours."""
    parts = name.split(".")
    if parts[:2] == ["crm", "lib"]:
        return 0
    return ORDER.index(parts[0]) if parts[0] in PACKAGES else None


def imported_names(source: str, module: str, *, is_package: bool = False) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import anywhere in the source, by statement or by name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")[: None if is_package and node.level == 1 else -(node.level - is_package)]
                base = ".".join([*parents, base] if base else parents)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _name_called(node) in BY_NAME and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield node.lineno, first.value


def _name_called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def wrong_imports(source: str, module: str, *, is_package: bool = False) -> list[str]:
    own = layer_of(module)
    assert own is not None
    return [
        f"{module}:{line} imports {name}"
        for line, name in imported_names(source, module, is_package=is_package)
        if (layer := layer_of(name)) is not None and layer > own
    ]


@cache
def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def names_imported_by(module: str) -> tuple[tuple[int, str], ...]:
    path = modules()[module]
    return tuple(imported_names(path.read_text(), module, is_package=path.name == "__init__.py"))


def our_modules_behind(module: str) -> set[str]:
    """Every module of ours that importing ``module`` pulls in (the packages' own __init__ files apart)."""
    seen, waiting = set(), [module]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        for _, name in names_imported_by(current):
            target = name if name in modules() else name.rpartition(".")[0]
            if target in modules():
                waiting.append(target)
    return seen


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)


@pytest.mark.parametrize("module", sorted(modules()))
def test_module_imports_nothing_to_its_right(module):
    path = modules()[module]
    assert wrong_imports(path.read_text(), module, is_package=path.name == "__init__.py") == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("accounts.services", "import metrics.rollup"),
        ("accounts.services", "def f():\n    from tiering import models"),
        ("accounts.imports.services", "from ...metrics import rollup"),
        ("metrics.rollup", "from django.apps import apps\napps.get_model('tiering', 'Score')"),
        ("metrics.rollup", "from django.apps import apps\napps.get_model('tiering.Score')"),
        ("tiering.services", "from importlib import import_module\nimport_module('crm.pipeline')"),
        ("tiering.services", "from crm import settings"),
        ("crm.lib.money", "from accounts.enums import Grade"),
        ("crm.lib.money", "from crm import embedded"),
    ],
)
def test_import_to_the_right_is_found(module, source):
    assert len(wrong_imports(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        (
            "tiering.services",
            "from crm.lib.periods import Period\nfrom metrics import frames\nfrom accounts.models import User",
        ),
        ("accounts.imports.services", "from .readers import rows\nfrom ..models import Account"),
        ("crm.web.accounts", "from tiering import services"),
    ],
)
def test_import_to_the_left_is_allowed(module, source):
    assert wrong_imports(source, module) == []


def test_foreign_keys_point_to_the_left():
    wrong = []
    for model in apps.get_models(include_auto_created=True):
        own = layer_of(model._meta.app_label)
        if own is None:
            continue
        for field in [*model._meta.fields, *model._meta.many_to_many]:
            target = field.related_model._meta.app_label if field.is_relation and field.related_model else ""
            if (layer := layer_of(target)) is not None and layer > own:
                wrong.append(f"{model._meta.label}.{field.name} → {target}")
    assert wrong == []


def test_migrations_depend_on_the_left():
    loader = MigrationLoader(None, ignore_no_migrations=True)
    wrong = []
    for (app, name), migration in loader.disk_migrations.items():
        own = layer_of(app)
        for other, _ in migration.dependencies:
            if own is not None and (layer := layer_of(other)) is not None and layer > own:
                wrong.append(f"{app}.{name} → {other}")
        wrong += [f"{app}.{name} runs before {other}" for other, _ in migration.run_before if layer_of(other) == own]
    assert wrong == []


def test_library_knows_no_model():
    wrong = [
        f"{module}:{line} imports {name}"
        for module in modules()
        if layer_of(module) == 0
        for line, name in names_imported_by(module)
        if name.startswith(("django.apps", "django.contrib.auth")) or layer_of(name) not in {None, 0}
    ]
    assert wrong == []


@pytest.mark.parametrize("prefix", PURE)
def test_pure_modules_know_no_framework(prefix):
    pure = [module for module in modules() if module == prefix or module.startswith(f"{prefix}.")]
    assert pure, f"{prefix} is gone: take it off the list"
    wrong = [
        f"{behind}:{line} imports {name} (reached from {module})"
        for module in pure
        for behind in our_modules_behind(module)
        for line, name in names_imported_by(behind)
        if name.split(".")[0] in FRAMEWORKS
    ]
    assert wrong == []


def test_startup_imports_nothing_slow():
    """Web, worker and every command pay for what start-up imports; figures import pandas and scipy when asked."""
    code = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'crm.settings'; import django; django.setup();"
        "from django.urls import get_resolver; get_resolver().url_patterns;"
        f"print([name for name in {SLOW_TO_IMPORT!r} if name in sys.modules])"
    )
    assert run_python(code).stdout.strip() == "[]"


def test_settings_start_nothing(tmp_path, monkeypatch):
    """The addresses of the engines follow from the folder; only the key file is made."""
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FACET_VAR", str(tmp_path / "var"))
    run_python("import crm.settings")
    assert [entry.name for entry in (tmp_path / "var").iterdir()] == ["secret_key"]
