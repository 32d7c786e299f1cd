"""Mutation test of the permission modules: how many small faults in them do their tests notice?

    .venv/bin/python -m tests.mutants [--list]

Each mutant is the module with one thing changed: an operator, a constant, a mark in the table, an entry left out, a
condition turned round. The tests that need no database run against it in this process; a mutant that none of them notices
survives. Exits with 1 below 95 %.
"""

import ast
import copy
import importlib
import inspect
import os
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LEAST_KILLED = 0.95
SUBJECTS = {"accounts.access": "tests.accounts.test_access", "accounts.fields": "tests.api.test_fields"}
COMPARISONS: dict[type, type] = {
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.LtE: ast.Gt, ast.Lt: ast.GtE, ast.Gt: ast.LtE, ast.GtE: ast.Lt,
}  # fmt: skip


def mutations(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    """(what is changed, how) for one node; each is applied to a fresh copy of the tree."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        yield "comparison", lambda n: n.ops.__setitem__(0, COMPARISONS[type(n.ops[0])]())  # type: ignore[attr-defined]
    if isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield "and/or", lambda n: setattr(n, "op", other())
        for place in range(len(node.values)):
            yield f"operand {place} left out", lambda n, p=place: n.values.pop(p)  # type: ignore[attr-defined]
    if isinstance(node, ast.IfExp | ast.If | ast.While):
        yield "condition turned", lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))  # type: ignore[attr-defined]
    if isinstance(node, ast.comprehension) and node.ifs:
        yield "filter left out", lambda n: setattr(n, "ifs", [])
    if isinstance(node, ast.Return) and node.value is not None:
        yield "returns None", lambda n: setattr(n, "value", ast.Constant(None))
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "bool", lambda n: setattr(n, "value", not n.value)  # type: ignore[attr-defined]
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield "number", lambda n: setattr(n, "value", n.value + 1)  # type: ignore[attr-defined]
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from _texts(node.value)
    if isinstance(node, ast.Dict):
        for place in range(len(node.keys)):
            yield f"entry {place} left out", lambda n, p=place: (n.keys.pop(p), n.values.pop(p))  # type: ignore[attr-defined]
    if isinstance(node, ast.Set):
        for place in range(len(node.elts)):
            yield f"element {place} left out", lambda n, p=place: n.elts.pop(p)  # type: ignore[attr-defined]
    if isinstance(node, ast.Raise):
        yield "nothing raised", lambda n: None


def _texts(text: str) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    cells = text.split(" ")
    if len(cells) > 1 and set(cells) <= {"+", "-"}:
        for place, mark in enumerate(cells):
            flipped = " ".join([*cells[:place], "-" if mark == "+" else "+", *cells[place + 1 :]])
            yield f"mark {place}", lambda n, new=flipped: setattr(n, "value", new)
    elif text.strip() and not text[0].isupper() and "\n" not in text:
        yield "text", lambda n: setattr(n, "value", f"{n.value}x")  # type: ignore[attr-defined]


def _skipped(tree: ast.Module) -> set[int]:
    """Nodes of docstrings, annotations and messages of errors, which no behaviour hangs on."""
    found: set[int] = set()
    for node in ast.walk(tree):
        quiet: list[ast.AST] = []
        if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) or isinstance(node, ast.Raise):
            quiet = [node]
        elif isinstance(node, ast.AnnAssign):
            quiet = [node.annotation]
        elif isinstance(node, ast.FunctionDef):
            quiet = [one for one in (node.returns, *(arg.annotation for arg in node.args.args)) if one is not None]
        elif isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "Protocol" for base in node.bases):
            quiet = [node]
        for one in quiet:
            found |= {id(inner) for inner in ast.walk(one)}
    return found


def mutants(source: str) -> Iterator[tuple[str, ast.Module]]:
    tree = ast.parse(source)
    skipped = _skipped(tree)
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in skipped:
            continue
        for words, change in mutations(node):
            changed = copy.deepcopy(tree)
            change(next(one for at, one in enumerate(ast.walk(changed)) if at == number))
            yield f"line {getattr(node, 'lineno', 0)}: {words}", ast.fix_missing_locations(changed)


def survives(module: str, tree: ast.Module, test_module: str) -> bool:
    """Whether no test notices: the module cannot even be read, or a test fails, is noticed."""
    kept = sys.modules[module]
    mutant = types.ModuleType(module)
    mutant.__dict__.update({"__file__": kept.__file__, "__name__": module})
    try:
        sys.modules[module] = mutant
        exec(compile(tree, str(kept.__file__), "exec"), mutant.__dict__)
        tests = types.ModuleType(test_module)
        path = Path(str(importlib.util.find_spec(test_module).origin))  # type: ignore[union-attr]
        exec(compile(path.read_text(), str(path), "exec"), tests.__dict__)
        for act in calls(tests):
            if begin := getattr(mutant, "read_as", None):  # what the fixture of accounts.fields does
                begin(frozenset())
            act()
    except Exception:  # noqa: BLE001 - whatever it is, the fault was noticed
        return False
    finally:
        sys.modules[module] = kept
    return True


def calls(tests: types.ModuleType) -> Iterator[Callable[[], Any]]:
    """The tests of a module that take nothing but their own parameters."""
    for name, test in vars(tests).items():
        if not name.startswith("test_") or not callable(test):
            continue
        marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
        if not marks:
            if not inspect.signature(test).parameters:
                yield test
            continue
        names = marks[0].args[0]
        names = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
        if set(inspect.signature(test).parameters) == set(names):
            for values in marks[0].args[1]:
                given = dict(zip(names, values if len(names) > 1 else (values,), strict=True))
                yield lambda test=test, given=given: test(**given)


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    import django

    django.setup()
    whole = killed_in_all = 0
    for module, test_module in SUBJECTS.items():
        source = Path(str(importlib.import_module(module).__file__)).read_text()
        importlib.import_module(test_module)
        if not survives(module, ast.parse(source), test_module):
            print(f"{module}: its tests fail as it stands")
            return 2
        results = [(words, survives(module, tree, test_module)) for words, tree in mutants(source)]
        alive = [words for words, is_alive in results if is_alive]
        print(f"{module}: {len(results) - len(alive)} of {len(results)} mutants killed")
        print("\n".join(f"  survives {words}" for words in alive))
        whole, killed_in_all = whole + len(results), killed_in_all + len(results) - len(alive)
    share = killed_in_all / whole
    print(f"{share:.1%} killed")
    return 0 if share >= LEAST_KILLED else 1


if __name__ == "__main__":
    sys.exit(main())
