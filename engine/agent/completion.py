"""Completion and help from a live namespace, without running any of the tenant's code.

What a name leads to is looked up in the dictionaries of modules, classes and instances, never
by `getattr`, `dir` or `isinstance`, all of which a tenant's class can answer with code of its
own. Where only code could tell (a property, the result of a call) nothing is known.
"""

from __future__ import annotations

import re
import types
from typing import Any, Dict, Iterator, List, Optional, Tuple

_MOST = 500
"""Completions at most."""

_LONGEST = 200
"""Characters of one completion; longer ones, long keys say, are not offered."""

_LONGEST_DOC = 8000
_LOOKED_AT = 256
"""Characters before the cursor in which an expression is looked for: the searches are not linear."""

_OWNER = r"""((?:[\w.]|\[[^\[\]]*\]|'[^'\n]*'|"[^"\n]*")+)"""
"""Names, attributes, subscripts and strings: what can be followed without a call."""

_UNKNOWN = object()
_found_modules: Dict[Tuple[str, ...], List[str]] = {}
_CONTAINERS = (dict, list, tuple, str)
_PLAIN = (int, float, complex, bool, str, bytes, type(None), type(...))
_ROUTINES = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    type(str.upper),  # method_descriptor
    type(object.__init__),  # wrapper_descriptor
    type(dict.__dict__["fromkeys"]),  # classmethod_descriptor
    type("".__str__),  # method-wrapper
    classmethod,
    staticmethod,
)
_BINDING = (type(str.upper), type(object.__init__), type(dict.__dict__["fromkeys"]))
_SLOTS = (types.GetSetDescriptorType, types.MemberDescriptorType)

Found = Dict[str, Any]
Item = Tuple[str, str]
"""A text, and what it is: see `CompletionKind`."""


def complete(namespace: Dict[str, Any], code: str, cursor: int) -> Found:
    """Return {start, items: [[text, kind], ...]} for the place `cursor` in `code`."""
    before = code[:cursor]
    tail = before[-_LOOKED_AT:]
    line = tail.rpartition("\n")[2]
    word = _match(r"\w*$", tail).group()
    start = cursor - len(word)
    imported = re.match(r"\s*(?:from\s+([\w.]*)(\s+import\s[\w\s,(]*)?|import\s[\w.\s,]*)$", line)
    if imported is not None:
        return _found(start, word, _imports(line, imported.group(1), imported.group(2)))
    key = re.search(_OWNER + r"\[(['\"])([^'\"\]]*)$", tail)
    if key is not None:
        begun = key.group(3)
        return _found(cursor - len(begun), begun, _keys(evaluate(namespace, key.group(1)), key.group(2)))
    attribute = re.search(_OWNER + r"\.\w*$", tail)
    if attribute is not None:
        return _found(start, word, _attributes(evaluate(namespace, attribute.group(1)), word))
    if tail[: len(tail) - len(word)].endswith("."):
        return {"start": start, "items": []}  # of a call's result, say: not known without running it
    items = list(_arguments(namespace, before[:start]))
    if word:
        items += _names(namespace)
    return _found(start, word, items)


def help_at(namespace: Dict[str, Any], code: str, cursor: int) -> Found:
    """Return {name, signature, doc} of the call that surrounds `cursor`, or of the name there."""
    import inspect

    before, after = code[:cursor], code[cursor : cursor + _LOOKED_AT]
    around = _match(r"[\w.]*$", before[-_LOOKED_AT:]).group() + _match(r"^\w*", after).group()
    for name in (_open_call(before), around):
        found = evaluate(namespace, name) if name else _UNKNOWN
        if found is _UNKNOWN:
            continue
        described = found if _kind(found) in ("function", "class", "module") else type(found)
        doc = _plain_attribute(described, "__doc__")
        doc = inspect.cleandoc(doc) if type(doc) is str else ""
        signature = _signature(found)
        shown = name.rpartition(".")[2] + "(" + ", ".join(signature) + ")" if signature is not None else ""
        return {"name": name, "signature": shown[:_LONGEST_DOC], "doc": doc[:_LONGEST_DOC]}
    return {"name": "", "signature": "", "doc": ""}


def _match(pattern: str, text: str) -> Any:
    """A search that always finds something, be it nothing."""
    return re.search(pattern, text)


# What names lead to.


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
        return namespace.get(node.id, builtins.__dict__.get(node.id, _UNKNOWN))
    if isinstance(node, ast.Attribute):
        owner = _follow(namespace, node.value)
        return _UNKNOWN if owner is _UNKNOWN else _attribute(owner, node.attr)
    if isinstance(node, ast.Subscript):
        owner = _follow(namespace, node.value)
        key = getattr(node.slice, "value", node.slice)  # before Python 3.9 the key is wrapped
        key = key.value if isinstance(key, ast.Constant) else key
        if type(owner) in _CONTAINERS and type(key) in (str, int):
            try:
                return owner[key]
            except (LookupError, TypeError):
                pass
    return _UNKNOWN


def _classes(cls: type) -> Tuple[type, ...]:
    found: Tuple[type, ...] = type.__dict__["__mro__"].__get__(cls)
    return found


def _dictionary(cls: type) -> Any:
    return type.__dict__["__dict__"].__get__(cls)


def _own(owner: Any) -> Dict[str, Any]:
    """An instance's or a module's own dictionary; empty where a class answers for it."""
    for cls in _classes(type(owner)):
        kept = _dictionary(cls).get("__dict__")
        if kept is not None:
            own = kept.__get__(owner) if type(kept) in _SLOTS else None
            return own if type(own) is dict else {}
    return {}


def _raw(owner: Any, name: str) -> Any:
    """What a dictionary on the way holds under a name, before anything is made of it."""
    if issubclass(type(owner), type):
        for cls in _classes(owner):
            if name in _dictionary(cls):
                return _dictionary(cls)[name]
    own = _own(owner)
    for cls in _classes(type(owner)):
        if name in _dictionary(cls):
            raw = _dictionary(cls)[name]
            return own.get(name, raw) if not _is_descriptor(raw) or type(raw) in _ROUTINES else raw
    return own.get(name, _UNKNOWN)


def _is_descriptor(raw: Any) -> bool:
    return any("__get__" in _dictionary(cls) for cls in _classes(type(raw)))


def _attribute(owner: Any, name: str) -> Any:
    """The attribute, unless reading it would run a property or another descriptor of the tenant's."""
    raw = _raw(owner, name)
    kind, is_class = type(raw), issubclass(type(owner), type)
    if kind in (classmethod, staticmethod):
        inner = raw.__func__
        if type(inner) is not types.FunctionType:
            return _UNKNOWN
        return types.MethodType(inner, owner if is_class else type(owner)) if kind is classmethod else inner
    if kind is types.FunctionType and not is_class and name not in _own(owner):
        return types.MethodType(raw, owner)
    if kind in _SLOTS + _BINDING and not is_class:
        try:
            return raw.__get__(owner, type(owner))  # the interpreter's own code
        except (AttributeError, TypeError):
            return _UNKNOWN
    if kind in _ROUTINES or raw is _UNKNOWN or not _is_descriptor(raw):
        return raw
    return _UNKNOWN


def _plain_attribute(owner: Any, name: str) -> Any:
    """An attribute that the interpreter itself keeps: of a function, a class, a module."""
    if type(owner) in _ROUTINES and type(owner) not in (classmethod, staticmethod):
        return getattr(owner, name, None)  # their attributes are the interpreter's own
    found = _raw(owner, name)
    if type(found) in _SLOTS and issubclass(type(owner), type) and not _is_made_here(owner):
        return getattr(owner, name, None)
    return found


def _is_made_here(cls: type) -> bool:
    """Whether a class was written in Python: Py_TPFLAGS_HEAPTYPE."""
    return bool(type.__dict__["__flags__"].__get__(cls) & (1 << 9))


# What a person may choose from.


def _found(start: int, prefix: str, items: Any) -> Found:
    """Those that begin with the prefix, each once; private ones only if they are asked for."""
    kept: Dict[str, str] = {}
    for text, kind in items:
        if text.startswith(prefix) and len(text) <= _LONGEST and (prefix.startswith("_") or not text.startswith("_")):
            kept.setdefault(text, kind)
        if len(kept) >= _MOST:
            break
    return {"start": start, "items": [[text, kind] for text, kind in kept.items()]}


def _kind(value: Any) -> str:
    kind = type(value)
    if issubclass(kind, type):
        return "class"
    if issubclass(kind, types.ModuleType):
        return "module"
    return "function" if kind in _ROUTINES else "attribute"


def _text_keys(dictionary: Any) -> List[str]:
    return [key for key in list(dictionary) if type(key) is str]


def _attributes(owner: Any, prefix: str) -> Iterator[Item]:
    if owner is _UNKNOWN:
        return
    names = set(_text_keys(_own(owner)))
    for cls in _classes(type(owner)):
        names.update(_text_keys(_dictionary(cls)))
    if issubclass(type(owner), type):
        for cls in _classes(owner):
            names.update(_text_keys(_dictionary(cls)))
    for name in sorted(names):
        if name.startswith(prefix):
            yield name, _kind(_raw(owner, name))


def _keys(owner: Any, quote: str) -> Iterator[Item]:
    if issubclass(type(owner), dict):
        for key in list(dict.keys(owner)):
            if type(key) is str and quote not in key and "\n" not in key and "\\" not in key:
                yield key, "key"


def _names(namespace: Dict[str, Any]) -> List[Item]:
    import builtins
    import keyword

    found = [(name, _kind(namespace[name]).replace("attribute", "name")) for name in sorted(_text_keys(namespace))]
    found += [(name, "keyword") for name in keyword.kwlist]
    found += [(name, _kind(builtins.__dict__[name])) for name in sorted(_text_keys(builtins.__dict__))]
    return found


def _arguments(namespace: Dict[str, Any], before: str) -> Iterator[Item]:
    """Keyword arguments of the call that is open at the end of `before`."""
    for parameter in _signature(evaluate(namespace, _open_call(before))) or ():
        name = parameter.partition("=")[0]
        if name.isidentifier():
            yield name + "=", "argument"


def _signature(found: Any) -> Optional[List[str]]:
    """Parameters as they are written, with plain defaults; None if `found` is not called, or does not tell."""
    import inspect

    bound = 0
    if type(found) is types.MethodType:
        found, bound = found.__func__, 1
    elif issubclass(type(found), type) and _is_made_here(found):
        found, bound = _raw(found, "__init__"), 1
    for _ in range(10):  # what `functools.wraps` leaves
        wrapped = found.__dict__.get("__wrapped__") if type(found) is types.FunctionType else None
        if type(wrapped) is not types.FunctionType:
            break
        found = wrapped
    if type(found) is types.FunctionType:
        return _parameters(found)[bound:]
    if type(found) not in _ROUTINES and not (issubclass(type(found), type) and not _is_made_here(found)):
        return None
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return None
    shown = [str(parameter) for parameter in parameters]
    kinds = [parameter.kind for parameter in parameters]
    if inspect.Parameter.POSITIONAL_ONLY in kinds:
        shown.insert(sum(kind is inspect.Parameter.POSITIONAL_ONLY for kind in kinds), "/")
    return shown[bound:]


def _parameters(function: types.FunctionType) -> List[str]:
    """A Python function's parameters, from its code: nothing of it is run."""
    code = function.__code__
    names = list(code.co_varnames)
    positional, keyword_only = code.co_argcount, code.co_kwonlyargcount
    shown = names[:positional]
    defaults = function.__defaults__ or ()
    for index, value in enumerate(defaults, positional - len(defaults)):
        shown[index] += "=" + _default(value)
    if code.co_posonlyargcount:
        shown.insert(code.co_posonlyargcount, "/")
    rest = positional + keyword_only
    if code.co_flags & 0x04:  # *args
        shown.append("*" + names[rest])
        rest += 1
    elif keyword_only:
        shown.append("*")
    given = function.__kwdefaults__ or {}
    for name in names[positional : positional + keyword_only]:
        shown.append(name + ("=" + _default(given[name]) if name in given else ""))
    if code.co_flags & 0x08:  # **kwargs
        shown.append("**" + names[rest])
    return shown


def _default(value: Any) -> str:
    return repr(value)[:40] if type(value) in _PLAIN else "…"


def _open_call(before: str) -> str:
    """The dotted name before the innermost parenthesis that is still open; empty if there is none."""
    depth = 0
    for position in range(len(before) - 1, -1, -1):
        character = before[position]
        if character in ")]}":
            depth += 1
        elif character in "([{":
            if depth == 0:
                named = before[max(0, position - _LOOKED_AT) : position]
                name = re.search(r"[A-Za-z_][\w.]*$", named) if character == "(" else None
                return name.group() if name is not None else ""
            depth -= 1
    return ""


# Modules.


def _imports(line: str, module: Optional[str], names: Optional[str]) -> Iterator[Item]:
    """Modules after `import` and `from`, and what is in a module after `from m import`."""
    import sys

    if module is not None and names is not None:
        loaded = sys.modules.get(module)
        if type(loaded) is types.ModuleType:
            for name in sorted(_text_keys(_own(loaded))):
                yield name, _kind(_own(loaded)[name])
        for name in _submodules(module):
            yield name, "module"
        return
    parent = line.split()[-1] if not line.endswith((" ", ",")) else ""
    parent = parent.rpartition(".")[0]
    for name in sorted(_submodules(parent) if parent else _modules()):
        yield name, "module"


def _modules() -> List[str]:
    """All modules that can be imported; looked for again only when the search path has changed."""
    import pkgutil
    import sys

    path = tuple(sys.path)
    if path not in _found_modules:
        _found_modules.clear()
        _found_modules[path] = [module.name for module in pkgutil.iter_modules()]
    return _found_modules[path] + list(sys.builtin_module_names)


def _submodules(name: str) -> List[str]:
    """Modules of a package, as its folder shows them; only a package that is not loaded is looked for."""
    import importlib.util
    import pkgutil
    import sys

    known = [module[len(name) + 1 :] for module in _text_keys(sys.modules) if module.startswith(name + ".")]
    loaded = sys.modules.get(name)
    path: Any = _own(loaded).get("__path__") if type(loaded) is types.ModuleType else None
    if path is None and "." not in name and loaded is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return known
        path = spec.submodule_search_locations if spec is not None else None
    return known + [module.name for module in pkgutil.iter_modules(path)] if type(path) is list else known
