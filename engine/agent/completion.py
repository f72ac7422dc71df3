"""Completion and help from a live namespace, without running what a person did not ask for.

An expression is followed name by name with `inspect.getattr_static`: where a property or
another descriptor of the tenant's would have to run, it stops and knows nothing. Calls and
operators are never evaluated.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional, Tuple

_MOST = 500
"""Completions at most."""

_LONGEST_DOC = 8000

_OWNER = r"""((?:[\w.]|\[[^\[\]]*\]|'[^'\n]*'|"[^"\n]*")+)"""
"""Names, attributes, subscripts and strings: what can be followed without a call."""

_UNKNOWN = object()
_SAFE_CONTAINERS = (dict, list, tuple, str)


def complete(namespace: Dict[str, Any], code: str, cursor: int) -> Dict[str, Any]:
    """Return {start, items: [[text, kind], ...]} for the place `cursor` in `code`."""
    import re

    before = code[:cursor]
    line = before.rpartition("\n")[2]
    imported = re.match(
        r"\s*(?:from\s+([\w.]*)(\s+import\s+(?:\(?\s*[\w\s,]*?)?)?|import\s+(?:[\w.\s,]*?))(\w*)$", line
    )
    word = re.search(r"\w*$", before).group()  # type: ignore[union-attr]
    start = cursor - len(word)
    if imported is not None and re.match(r"\s*(from|import)\s", line):
        return _found(start, word, _imports(line, imported))
    key = re.search(_OWNER + r"\[(['\"])([^'\"\]]*)$", before)
    if key is not None:
        start = cursor - len(key.group(3))
        return _found(start, key.group(3), _keys(evaluate(namespace, key.group(1)), key.group(2)))
    attribute = re.search(_OWNER + r"\.\w*$", before)
    if attribute is not None:
        owner = evaluate(namespace, attribute.group(1))
        return _found(start, word, _attributes(owner, word))
    if before[:start].endswith("."):
        return {"start": start, "items": []}  # of a call's result, say: not known without running it
    items = list(_arguments(namespace, before[:start]))
    if word:
        items += _names(namespace)
    return _found(start, word, items)


def help_at(namespace: Dict[str, Any], code: str, cursor: int) -> Dict[str, Any]:
    """Return {name, signature, doc} of the call that surrounds `cursor`, or of the name there."""
    import inspect
    import re
    import types

    around = re.search(r"[\w.]*$", code[:cursor]).group() + re.match(r"\w*", code[cursor:]).group()  # type: ignore[union-attr]
    for name in (_open_call(code[:cursor]), around):
        found = evaluate(namespace, name) if name else _UNKNOWN
        if found is _UNKNOWN:
            continue
        try:
            signature = name.rpartition(".")[2] + str(inspect.signature(found)) if callable(found) else ""
        except (TypeError, ValueError):
            signature = ""
        described = found if isinstance(found, (type, types.ModuleType)) or inspect.isroutine(found) else type(found)
        doc = inspect.cleandoc(described.__doc__ or "")
        return {"name": name, "signature": signature[:_LONGEST_DOC], "doc": doc[:_LONGEST_DOC]}
    return {"name": "", "signature": "", "doc": ""}


def evaluate(namespace: Dict[str, Any], expression: str) -> Any:
    """The object that names, attributes and constant keys lead to, or `_UNKNOWN`."""
    import ast

    try:
        tree = ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _UNKNOWN
    return _follow(namespace, tree)


def _follow(namespace: Dict[str, Any], node: Any) -> Any:
    import ast
    import builtins

    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return namespace.get(node.id, getattr(builtins, node.id, _UNKNOWN))
    if isinstance(node, ast.Attribute):
        owner = _follow(namespace, node.value)
        return _UNKNOWN if owner is _UNKNOWN else _attribute(owner, node.attr)
    if isinstance(node, ast.Subscript):
        owner = _follow(namespace, node.value)
        key = getattr(node.slice, "value", node.slice)  # before Python 3.9 the key is wrapped
        key = key.value if isinstance(key, ast.Constant) else key
        if type(owner) in _SAFE_CONTAINERS and isinstance(key, (str, int)):
            try:
                return owner[key]
            except (LookupError, TypeError):
                pass
    return _UNKNOWN


def _attribute(owner: Any, name: str) -> Any:
    """The attribute, unless reading it would run a property or another descriptor of the tenant's."""
    import inspect
    import types

    static = inspect.getattr_static(owner, name, _UNKNOWN)
    harmless = (
        types.FunctionType,
        types.BuiltinFunctionType,
        types.MethodDescriptorType,
        types.WrapperDescriptorType,
        types.ClassMethodDescriptorType,
        types.GetSetDescriptorType,
        types.MemberDescriptorType,
        classmethod,
        staticmethod,
    )
    if static is _UNKNOWN or (hasattr(type(static), "__get__") and not isinstance(static, harmless)):
        return _UNKNOWN
    if isinstance(owner, types.ModuleType):
        return owner.__dict__.get(name, _UNKNOWN)
    reads = inspect.getattr_static(type(owner), "__getattribute__", None)
    if reads is not object.__dict__["__getattribute__"] and not isinstance(owner, type):
        return _UNKNOWN
    return getattr(owner, name, _UNKNOWN)


def _found(start: int, prefix: str, items: Any) -> Dict[str, Any]:
    """Those that begin with the prefix, each once, private ones last and only if asked for."""
    kept: Dict[str, str] = {}
    for text, kind in items:
        if text.startswith(prefix) and (prefix.startswith("_") or not text.startswith("_")):
            kept.setdefault(text, kind)
        if len(kept) >= _MOST:
            break
    return {"start": start, "items": [[text, kind] for text, kind in kept.items()]}


def _kind(static: Any) -> str:
    import inspect

    if inspect.isclass(static):
        return "class"
    if inspect.ismodule(static):
        return "module"
    if inspect.isroutine(static) or isinstance(static, (classmethod, staticmethod)):
        return "function"
    return "attribute"


def _attributes(owner: Any, prefix: str) -> Iterator[Tuple[str, str]]:
    import inspect

    if owner is _UNKNOWN:
        return
    for name in sorted(dir(owner)):
        if name.startswith(prefix):
            yield name, _kind(inspect.getattr_static(owner, name, None))


def _keys(owner: Any, quote: str) -> Iterator[Tuple[str, str]]:
    if isinstance(owner, dict):
        for key in list(dict.keys(owner)):
            if type(key) is str and quote not in key and "\n" not in key and "\\" not in key:
                yield key, "key"


def _names(namespace: Dict[str, Any]) -> List[Tuple[str, str]]:
    import builtins
    import keyword

    found = [
        (name, "name" if _kind(value) == "attribute" else _kind(value)) for name, value in sorted(namespace.items())
    ]
    found += [(name, "keyword") for name in keyword.kwlist]
    found += [(name, _kind(value)) for name, value in sorted(vars(builtins).items())]
    return found


def _arguments(namespace: Dict[str, Any], before: str) -> Iterator[Tuple[str, str]]:
    """Keyword arguments of the call that is open at the end of `before`."""
    import inspect

    found = evaluate(namespace, _open_call(before))
    if found is _UNKNOWN or not callable(found):
        return
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return
    for parameter in parameters:
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            yield parameter.name + "=", "argument"


def _open_call(before: str) -> str:
    """The dotted name before the innermost parenthesis that is still open; empty if there is none."""
    import re

    depth = 0
    for position in range(len(before) - 1, -1, -1):
        character = before[position]
        if character in ")]}":
            depth += 1
        elif character in "([{":
            if depth == 0:
                name = re.search(r"[A-Za-z_][\w.]*$", before[:position]) if character == "(" else None
                return name.group() if name is not None else ""
            depth -= 1
    return ""


def _imports(line: str, match: Any) -> Iterator[Tuple[str, str]]:
    """Modules after `import` and `from`, and what is in a module after `from m import`."""
    import sys

    module, names = match.group(1), match.group(2)
    if module is not None and names is not None:
        loaded = sys.modules.get(module)
        if loaded is not None:
            yield from _attributes(loaded, "")
        for name in _submodules(module):
            yield name, "module"
        return
    parent = line.split()[-1] if not line.endswith((" ", ",")) else ""
    parent = parent.rpartition(".")[0]
    for name in sorted(_submodules(parent) if parent else _modules()):
        yield name, "module"


def _modules() -> List[str]:
    import pkgutil
    import sys

    return [module.name for module in pkgutil.iter_modules()] + list(sys.builtin_module_names)


def _submodules(name: str) -> List[str]:
    """Modules of a package, as its folder shows them; only a package that is not loaded is looked for."""
    import importlib.util
    import pkgutil
    import sys

    known = [module[len(name) + 1 :] for module in list(sys.modules) if module.startswith(name + ".")]
    path: Optional[Any] = getattr(sys.modules.get(name), "__path__", None)
    if path is None and "." not in name:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return known
        path = spec.submodule_search_locations if spec is not None else None
    return known + [module.name for module in pkgutil.iter_modules(path)] if path else known
