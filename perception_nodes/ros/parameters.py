"""ROS parameters with descriptors, derived from one frozen configuration dataclass."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any, Generic, TypeVar, get_type_hints

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from perception_nodes.structures import Setting, settings_of

C = TypeVar('C')

_SCALAR_TYPES = {
    bool: Parameter.Type.BOOL,
    int: Parameter.Type.INTEGER,
    float: Parameter.Type.DOUBLE,
    str: Parameter.Type.STRING,
}
_ARRAY_TYPES = {
    bool: Parameter.Type.BOOL_ARRAY,
    int: Parameter.Type.INTEGER_ARRAY,
    float: Parameter.Type.DOUBLE_ARRAY,
    str: Parameter.Type.STRING_ARRAY,
}
_ELEMENTS = {kind: element for element, kind in _ARRAY_TYPES.items()}
_LARGEST_INTEGER = 2**63 - 1


class NodeParameters(Generic[C]):
    """
    The parameters of a node as one validated value.

    A change is atomic: either every value of a request passes and the whole configuration is
    replaced, or nothing changes and the answer names the reason.

    :param node: declares the parameters; values of parameter files and ``-p`` win over defaults.
    :param configuration_type: frozen dataclass whose fields are made by ``setting``.
    :param check: refuses a new configuration with ``ValueError`` for what the dataclass cannot
        know, such as a class name that the loaded model does not have.
    :param changed: called with the new configuration after a live change.
    :raises ValueError: when a value from outside breaks a rule; the text names the cure.
    """

    def __init__(
        self,
        node: Node,
        configuration_type: type[C],
        *,
        check: Callable[[C], object] = lambda configuration: None,
        changed: Callable[[C], object] = lambda configuration: None,
    ) -> None:
        self._lock = threading.Lock()
        self._check = check
        self._changed = changed
        self._kinds = {
            name: parameter_type(annotation)
            for name, annotation in get_type_hints(configuration_type).items()
            if name in settings_of(configuration_type)
        }
        self._configuration = configuration_type(**_declare(node, configuration_type))
        node.add_on_set_parameters_callback(self._examine)
        node.add_post_set_parameters_callback(self._apply)

    @property
    def configuration(self) -> C:
        """The configuration in force."""
        with self._lock:
            return self._configuration

    def _changes(self, parameters: Sequence[Parameter]) -> dict[str, Any]:
        """Return the values that concern the configuration; ``qos_overrides`` do not."""
        return {
            item.name: _from_parameter(item.name, item.value, self._kinds[item.name])
            for item in parameters
            if item.name in self._kinds
        }

    def _examine(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        """Answer whether the complete new configuration would be valid; change nothing."""
        try:
            changes = self._changes(parameters)
            if not changes:
                return SetParametersResult(successful=True)
            self._check(replace(self.configuration, **changes))  # type: ignore[type-var]
        except (TypeError, ValueError) as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _apply(self, parameters: Sequence[Parameter]) -> None:
        """Replace the configuration once every callback of the node agreed."""
        changes = self._changes(parameters)
        if not changes:
            return
        with self._lock:
            self._configuration = replace(self._configuration, **changes)  # type: ignore[type-var]
            configuration = self._configuration
        self._changed(configuration)


def descriptor_of(rule: Setting, default: Any) -> ParameterDescriptor:
    """Return what ``ros2 param describe`` shows: words, range, choices, and whether it is live."""
    descriptor = ParameterDescriptor(
        description=rule.description,
        read_only=not rule.live,
        # An empty list carries no type (rclpy takes it for bytes, the command line for
        # booleans), so that a fixed type would refuse to empty a list. Elements are checked here.
        dynamic_typing=isinstance(default, tuple),
    )
    if rule.choices:
        descriptor.additional_constraints = 'one of: ' + ', '.join(rule.choices)
    if rule.minimum is None and rule.maximum is None:
        return descriptor
    if isinstance(default, int) and not isinstance(default, bool):
        descriptor.integer_range = [_integer_range(rule)]
    elif isinstance(default, float):
        descriptor.floating_point_range = [_float_range(rule)]
    else:
        descriptor.additional_constraints = f'each in {rule.minimum} … {rule.maximum}'
    return descriptor


def parameter_type(annotation: Any) -> Parameter.Type:
    """Return the parameter type of a field's annotation."""
    arguments = getattr(annotation, '__args__', None)
    if arguments:
        return _ARRAY_TYPES[arguments[0]]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return Parameter.Type.STRING
    return _SCALAR_TYPES[annotation]


def _declare(node: Node, configuration_type: type) -> dict[str, Any]:
    """Declare every setting and return ``{field: value}``, overrides applied."""
    annotations = get_type_hints(configuration_type)
    values = {}
    for name, (default, rule) in settings_of(configuration_type).items():
        kind = parameter_type(annotations[name])
        descriptor = descriptor_of(rule, default)
        try:
            node.declare_parameter(name, _to_parameter(default), descriptor)
        except InvalidParameterTypeException as error:
            hint = ' (write 1.0, not 1)' if kind is Parameter.Type.DOUBLE else ''
            wanted = kind.name.lower().replace('_', ' ')
            raise ValueError(f'{name} must be a {wanted}{hint}: {rule.description}') from error
        except InvalidParameterValueException as error:
            raise ValueError(f'{error}: {rule.description}') from error
        value = node.get_parameter(name).value
        if descriptor.dynamic_typing and not value and rule.live:
            node.set_parameters([Parameter(name, kind, [])])
        values[name] = _from_parameter(name, value, kind)
    return values


def _to_parameter(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _from_parameter(name: str, value: Any, kind: Parameter.Type) -> Any:
    """
    Return the value of a field; arrays as tuples, so that a frozen configuration stays frozen.

    :raises ValueError: for an array with elements of another type.
    """
    element = _ELEMENTS.get(kind)
    if element is None:
        return value
    items = () if value is None else tuple(value)
    if element is float:
        items = tuple(float(i) if type(i) is int else i for i in items)
    if any(type(item) is not element for item in items):
        raise ValueError(f'{name}: {list(items)!r} must be a list of {element.__name__}')
    return items


def _integer_range(rule: Setting) -> IntegerRange:
    low = -_LARGEST_INTEGER if rule.minimum is None else int(rule.minimum)
    high = _LARGEST_INTEGER if rule.maximum is None else int(rule.maximum)
    return IntegerRange(from_value=low, to_value=high, step=0)


def _float_range(rule: Setting) -> FloatingPointRange:
    low = -sys.float_info.max if rule.minimum is None else float(rule.minimum)
    high = sys.float_info.max if rule.maximum is None else float(rule.maximum)
    return FloatingPointRange(from_value=low, to_value=high, step=0.0)
