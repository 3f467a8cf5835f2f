"""Checks of single fields of ``model.yaml``: each error names field, value and cure."""

from __future__ import annotations

import difflib
import math
import numbers
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

_SHA256 = re.compile(r'[0-9a-f]{64}')
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9_.-]{0,99}')
_SHOWN_CHARACTERS = 80
_MAXIMUM_DEPTH = 8


class BundleError(ValueError):
    """A model bundle that must not be used; the text says why and what to do."""


def shown(value: Any) -> str:
    """Return a value as an error message shows it: quoted, and short whatever it holds."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + '…'


def closest(value: Any, allowed: Iterable[str]) -> str:
    """Return ``' (did you mean x?)'`` or nothing."""
    names, wanted = list(allowed), str(value)
    near = difflib.get_close_matches(wanted, names, n=1)
    near = near or [name for name in names if wanted and name.startswith(wanted)]
    return f' (did you mean {near[0]!r}?)' if near else ''


def text(where: str, value: Any, *, empty: bool = False) -> str:
    """Return the text, or raise naming what stands there instead."""
    if not isinstance(value, str):
        raise BundleError(f'{where}: {shown(value)} is not text; put it into quotes')
    if not (empty or value.strip()):
        raise BundleError(f'{where}: is empty; write a text')
    return str(value)


def name(where: str, value: Any) -> str:
    """Return a name that is safe as a folder: letters, digits, ``_ . -``."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise BundleError(
            f'{where}: {shown(value)} is not a name; use 1 to 100 letters, digits, _ . - '
            'and begin with a letter or a digit'
        )
    return value


def choice(where: str, value: Any, allowed: Sequence[str]) -> str:
    """Return the value when it is one of the allowed texts."""
    if not isinstance(value, str) or value not in allowed:
        raise BundleError(
            f'{where}: {shown(value)} is not one of {", ".join(allowed)}{closest(value, allowed)}'
        )
    return str(value)


def number(
    where: str,
    value: Any,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    above: float = -math.inf,
) -> float:
    """Return a finite float in ``minimum..maximum`` and larger than ``above``."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise BundleError(f'{where}: {shown(value)} is not a number (write 1.0e-3, not 1e-3)')
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not (math.isfinite(result) and minimum <= result <= maximum and result > above):
        limits = f'{minimum}..{maximum}' if above == -math.inf else f'above {above}'
        raise BundleError(f'{where}: {shown(value)} must be finite and in {limits}')
    return result


def whole_number(where: str, value: Any, *, minimum: int, maximum: int) -> int:
    """Return an int in ``minimum..maximum``."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise BundleError(f'{where}: {shown(value)} is not a whole number')
    if not minimum <= int(value) <= maximum:
        raise BundleError(f'{where}: {shown(value)} must be in {minimum}..{maximum}')
    return int(value)


def items(where: str, value: Any, count: int | None = None) -> list[Any]:
    """Return the elements of a list, of a given length if ``count`` is set."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise BundleError(f'{where}: {shown(value)} is not a list; write [a, b, …]')
    if count is not None and len(value) != count:
        raise BundleError(f'{where}: has {len(value)} values, needs {count}')
    return list(value)


def mapping(where: str, value: Any) -> dict[str, Any]:
    """Return a dictionary with text keys."""
    if not isinstance(value, Mapping):
        raise BundleError(f'{where}: {shown(value)} is not a mapping; write key: value lines')
    for key in value:
        if not isinstance(key, str):
            raise BundleError(f'{where}: the key {shown(key)} is not text; put it into quotes')
    return dict(value)


def keys(where: str, value: Any, allowed: Sequence[str], required: Sequence[str]) -> dict:
    """Return a dictionary that has the required keys and no key outside the allowed ones."""
    data = mapping(where, value)
    for key in data:
        if key not in allowed:
            raise BundleError(
                f'{where}: unknown key {shown(key)}{closest(key, allowed)}; '
                f'known: {", ".join(allowed)}'
            )
    missing = [key for key in required if key not in data]
    if missing:
        raise BundleError(f'{where}: the key {missing[0]!r} is missing; add it')
    return data


def sha256(where: str, value: Any) -> str:
    """Return a lower-case hexadecimal SHA-256."""
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise BundleError(
            f'{where}: {shown(value)} is not a SHA-256 of 64 lower-case hexadecimal digits; '
            'sha256sum prints it'
        )
    return value


def inner_file(where: str, value: Any) -> str:
    """Return a relative POSIX path that stays inside the bundle, as text."""
    raw = text(where, value)
    path = PurePosixPath(raw)
    outside = path.is_absolute() or '..' in path.parts or PureWindowsPath(raw).drive
    if outside or '\\' in raw or not raw.isprintable() or path == PurePosixPath('.'):
        raise BundleError(
            f'{where}: {shown(raw)} leaves the bundle; name a file inside the folder, '
            'relative, without ..'
        )
    return str(path)


def plain(where: str, value: Any, depth: int = _MAXIMUM_DEPTH) -> Any:
    """Return a copy of plain data: text, numbers, booleans, null, lists and mappings of them."""
    if depth == 0:
        raise BundleError(f'{where}: is nested deeper than {_MAXIMUM_DEPTH} levels')
    if isinstance(value, Mapping):
        entries = mapping(where, value).items()
        return {key: plain(f'{where}.{key}', item, depth - 1) for key, item in entries}
    if isinstance(value, (list, tuple)):
        return [plain(f'{where}[{i}]', item, depth - 1) for i, item in enumerate(value)]
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    raise BundleError(f'{where}: {shown(value)} is not plain data (text, number, list, mapping)')
