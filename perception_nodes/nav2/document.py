"""Reading parameter files: YAML as ROS reads it, with the line of every value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import yaml

from perception_nodes.nav2.finding import Nav2Finding, error
from perception_nodes.nav2.nodes import PARAMETERS_KEY, merge

_TEXT = 'tag:yaml.org,2002:str'
# Parameter files are kilobytes; anything this large is a bag or a map by mistake.
_MAX_BYTES = 10_000_000


class ParameterFileError(ValueError):
    """A file that ROS would not read either."""


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """
    One or several files, merged; later files win as later ``--params-file`` do.

    :param values: the merged contents.
    :param lines: ``node: parameter.path`` to ``file:line``.
    :param findings: what only the text shows, such as a name written twice.
    """

    values: dict[Any, Any]
    lines: dict[str, str] = field(default_factory=dict)
    findings: tuple[Nav2Finding, ...] = ()

    def line(self, where: str) -> str:
        """Return ``file:line`` of a place, of its nearest written parent, or an empty string."""
        node, _, dotted = where.partition(': ')
        parts = dotted.split('.') if dotted else []
        for length in range(len(parts), 0, -1):
            found = self._written(node, '.'.join(parts[:length]))
            if found:
                return found
        return self.lines.get(node, '')

    def _written(self, node: str, dotted: str) -> str:
        """Return the line of a parameter, of this node or behind a wildcard."""
        own = self.lines.get(f'{node}: {dotted}')
        if own:
            return own
        ends = f': {dotted}'
        return next((v for k, v in self.lines.items() if '*' in k and k.endswith(ends)), '')


class _Loader(yaml.SafeLoader):
    """YAML as ROS reads it: ``1e-3`` is a number, ``y`` a bool, and aliases are refused."""

    bool_values: ClassVar[dict[str, bool]] = {
        **yaml.SafeLoader.bool_values,
        'y': True,
        'n': False,
    }

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose what comes next, as long as it is written out."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            problem = f'ROS refuses YAML aliases (*{event.anchor}); write the block out'
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        node = super().compose_node(parent, index)
        if isinstance(parent, yaml.MappingNode) and index is None:
            node.tag = _TEXT  # a name is text, even y or 1
        return node


# What ROS's own parser takes for a bool, an integer, a double; all else is text, dates and the
# word null included (rcl_yaml_param_parser, measured with Jazzy).
_SCALARS = {
    'bool': (r'[yYnN]|yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF'),
    'int': r'[-+]?(0|[1-9]\d*|0[0-7]+|0[xX][0-9a-fA-F]+)',
    'float': r'[-+]?((\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|\.(inf|Inf|INF))|\.(nan|NaN|NAN)',
    'null': '',
}
_Loader.yaml_implicit_resolvers = {}
for _kind, _words in _SCALARS.items():
    _Loader.add_implicit_resolver(f'tag:yaml.org,2002:{_kind}', re.compile(f'^({_words})$'), None)


def read_parameters(paths: Iterable[Path]) -> Parameters:
    """
    Return the merged contents of parameter files.

    :raises ParameterFileError: naming file and line of what is no parameter file.
    """
    values: dict[Any, Any] = {}
    lines: dict[str, str] = {}
    findings: list[Nav2Finding] = []
    for path in paths:
        for root in _compose(path):
            values = merge(values, _constructed(path, root))
            for where, line in _places(root, (), 0):
                lines[where] = f'{path.name}:{line}'
            findings += _duplicates(root, path.name)
    return Parameters(values=values, lines=lines, findings=tuple(findings))


def _compose(path: Path) -> list[yaml.Node]:
    """Return the documents of a file that hold anything."""
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise ParameterFileError(f'{path} has {size} bytes; this is no parameter file')
        text = path.read_text(encoding='utf-8')
        documents = list(yaml.compose_all(text, Loader=_Loader))
    except UnicodeDecodeError as cause:
        raise ParameterFileError(f'{path} is not UTF-8 text: {cause.reason}') from cause
    except yaml.YAMLError as cause:
        raise ParameterFileError(_explained(path, cause)) from cause
    except RecursionError as cause:
        raise ParameterFileError(f'{path} is nested too deeply for a parameter file') from cause
    return [document for document in documents if document is not None]


def _constructed(path: Path, root: yaml.Node) -> dict[Any, Any]:
    """Return the values of a document, which must be a mapping."""
    line = root.start_mark.line + 1
    if not isinstance(root, yaml.MappingNode):
        raise ParameterFileError(
            f'{path}:{line}: a parameter file maps node names to parameters; '
            f'write node_name:, below it {PARAMETERS_KEY}:, below it the parameters'
        )
    loader = _Loader('')
    try:
        values = loader.construct_document(root)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as cause:
        raise ParameterFileError(_explained(path, cause)) from cause
    return dict(values)


def _explained(path: Path, cause: Exception) -> str:
    """Return one line with place, complaint and the usual reason."""
    mark = getattr(cause, 'problem_mark', None) or getattr(cause, 'context_mark', None)
    place = f'{path}:{mark.line + 1}' if mark else str(path)
    problem = getattr(cause, 'problem', None) or str(cause).partition('\n')[0]
    hint = ''
    if '\\t' in problem or "'\\t'" in problem:
        hint = '; indent with spaces, YAML allows no tabs'
    elif 'mapping values' in problem or 'block end' in problem or 'block mapping' in problem:
        hint = '; look at the indentation of this line and the one before'
    return f'{place}: not valid YAML: {problem}{hint}'


def _places(node: yaml.Node, keys: tuple[str, ...], depth: int) -> Iterator[tuple[str, int]]:
    """Yield every place of a document with its line, counted from one."""
    if not isinstance(node, yaml.MappingNode) or depth > 50:
        return
    for key, value in node.value:
        inner = (*keys, str(key.value))
        if key.value != PARAMETERS_KEY:
            yield _where(inner), key.start_mark.line + 1
        yield from _places(value, inner, depth + 1)


def _where(keys: tuple[str, ...]) -> str:
    """Return the words of a finding for a path of YAML keys."""
    cut = keys.index(PARAMETERS_KEY) if PARAMETERS_KEY in keys else len(keys)
    node = '/'.join(key.strip('/') for key in keys[:cut])
    dotted = '.'.join(keys[cut + 1 :])
    return f'{node}: {dotted}' if dotted else node


def _duplicates(root: yaml.Node, name: str) -> list[Nav2Finding]:
    """Return one finding for each name that stands twice in the same block."""
    found: list[Nav2Finding] = []
    pending: list[tuple[yaml.Node, tuple[str, ...]]] = [(root, ())]
    seen_nodes: set[int] = set()
    while pending:
        node, keys = pending.pop()
        if not isinstance(node, yaml.MappingNode) or id(node) in seen_nodes:
            continue
        seen_nodes.add(id(node))
        first: dict[str, int] = {}
        for key, value in node.value:
            text = str(key.value)
            line = key.start_mark.line + 1
            if text in first and text != '<<':
                found.append(_duplicate((*keys, text), name, first[text], line))
            first[text] = line
            pending.append((value, (*keys, text)))
    return found


def _duplicate(keys: tuple[str, ...], name: str, first: int, second: int) -> Nav2Finding:
    finding = error(
        _where(keys),
        f'{keys[-1]} stands twice, in {name} lines {first} and {second}: the first is dropped',
        'merge both into one',
    )
    return Nav2Finding(**{**vars(finding), 'check': 'duplicates'})
