"""A fingerprint of code: it changes when what the code does can have changed, and not for a comment or a docstring.

Snakemake does not look into imported modules. So each run carries a hash over the syntax trees, docstrings left out, of
its experiment's module and of everything in this package that it imports, and Snakemake sees the hash as a parameter.

What only a GPU does is written as `a if x.is_cuda else b`, and counts for runs that were made on one: no other took
that branch.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "dropnorm"
_SOURCE = Path(__file__).resolve().parent


@cache
def fingerprint(module: str, source: Path = _SOURCE, *, gpu: bool = False) -> str:
    """Hex digest of `module` (such as 'dropnorm.experiments.classification') and its imports within the package.

    It is of what runs on a processor, or, if `gpu`, of what runs on a GPU too.
    """
    digest = hashlib.sha256()
    for name in import_closure(module, source):
        digest.update(f"{name}\n{_code(_file(name, source), gpu)}\n".encode())
    return digest.hexdigest()


def import_closure(module: str, source: Path = _SOURCE) -> list[str]:
    """The module and all modules of the package that importing it runs, sorted."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen or _file(name, source) is None:
            continue
        seen.add(name)
        parents = name.split(".")[:-1]
        waiting += [".".join(parents[:i]) for i in range(1, len(parents) + 1)]
        waiting += _imports(_file(name, source))
    return sorted(seen)


def _file(module: str, source: Path) -> Path | None:
    words = module.split(".")
    if words[0] != PACKAGE:
        return None
    path = source.joinpath(*words[1:])
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if len(words) > 1 and candidate.is_file():
            return candidate
    return None


@cache
def _imports(path: Path) -> list[str]:
    """Every module that a file may import; `from a import b` may mean the module a.b or a name in a."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


@cache
def _code(path: Path, gpu: bool = False) -> str:
    """The file's code in one canonical form, without comments, docstrings and layout."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not gpu:
        tree = _OnProcessor().visit(tree)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            node.body = body[1:] or [ast.Pass()]
    return ast.unparse(_Quotes().visit(tree))


class _OnProcessor(ast.NodeTransformer):
    """`a if x.is_cuda else b` as a processor takes it: b."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        of_gpu = isinstance(node.test, ast.Attribute) and node.test.attr == "is_cuda"
        return node.orelse if of_gpu else node


class _Quotes(ast.NodeTransformer):
    """Every f-string as Python 3.11 writes it: from 3.12 on, it may use its own quotes inside its braces."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Name:
        text = ast.unparse(self.generic_visit(node))
        if text.startswith("f'") and text.count("'") > 2 and '"' not in text:
            text = f'f"{text[2:-1]}"'
        return ast.Name(text)  # unparsed as it stands

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.FormattedValue:
        node.value = self.visit(node.value)  # and not its format, which is no string of its own
        return node


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
