"""The base of every node: lifecycle, parameters, bond, diagnostics, logs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from perception_nodes.ros.bond import Bond
from perception_nodes.ros.diagnostics import DiagnosticsPublisher, Health, Level
from perception_nodes.ros.log_forwarding import forward_logs, stop_forwarding
from perception_nodes.ros.parameters import NodeParameters
from perception_nodes.structures import setting

_log = logging.getLogger(__name__)

_BOND_TIMEOUT_S = 4.0
# What a wrong setting, a missing file or a missing library raises: the node stays unconfigured
# and may be configured again. Anything else is a defect and goes to error processing.
_REFUSALS = (ValueError, OSError, ImportError)


@dataclass(frozen=True, kw_only=True)
class LifecycleConfig:
    """Settings that every node has; the configuration of a node inherits them."""

    autostart: bool = setting(
        True, 'Configure and activate by itself; off where a lifecycle manager does it'
    )
    bond_heartbeat_period: float = setting(
        0.1,
        'Seconds between heartbeats to the lifecycle manager while active; 0 sends none',
        minimum=0.0,
        maximum=2.0,
    )


C = TypeVar('C', bound=LifecycleConfig)


class PerceptionNode(LifecycleNode, Generic[C]):
    """
    A lifecycle node whose subclass says what to load, start, stop and free.

    Subclasses set ``configuration_type`` and override the hooks ``load``, ``start``, ``stop``,
    ``free``, ``health``, ``check`` and ``changed``. A hook that raises is logged with its reason:
    refused settings and missing files leave the state as it was, other errors end in error
    processing, which frees everything.

    Publishes:
      - ``/diagnostics`` (diagnostic_msgs/DiagnosticArray): health, once a second
      - ``bond`` (bond/Status): heartbeat to a lifecycle manager, since the first activation

    Subscribes:
      - ``bond`` (bond/Status): heartbeat of the lifecycle manager, since the first activation

    :param name: default name of the node.
    :raises ValueError: when a parameter breaks a rule.
    """

    configuration_type: ClassVar[type[Any]] = LifecycleConfig

    def __init__(self, name: str, **node_options: Any) -> None:
        super().__init__(name, **node_options)
        self._log_handler = forward_logs(self.get_logger())
        self._last_error = ''
        self._bond: Bond | None = None
        self._settings: NodeParameters[C] = NodeParameters(
            self,
            self.configuration_type,
            check=lambda configuration: self.check(configuration),
            changed=lambda configuration: self.changed(configuration),
        )
        self._diagnostics = DiagnosticsPublisher(self, self._reported_health)
        if self.configuration.autostart:
            # Steady: with simulated time and no /clock yet, any other timer would never fire.
            clock = Clock(clock_type=ClockType.STEADY_TIME)
            self._autostart_timer = self.create_timer(0.0, self._autostart, clock=clock)

    @property
    def configuration(self) -> C:
        """The settings in force, replaced as a whole by a live change."""
        return self._settings.configuration

    @property
    def state_label(self) -> str:
        """``unconfigured``, ``inactive``, ``active`` or ``finalized``."""
        return self._state_machine.current_state[1]

    @property
    def exit_requested(self) -> bool:
        """Whether the process should end; :func:`~perception_nodes.ros.running.run_node` asks."""
        return False

    @property
    def last_error(self) -> str:
        """What went wrong last, empty while nothing has."""
        return self._last_error

    def load(self) -> None:
        """Build, verify and warm what the node needs; the place for everything slow."""

    def start(self) -> None:
        """Subscribe and begin to work."""

    def stop(self) -> None:
        """Unsubscribe and stop working; must work after a ``start`` that failed half-way."""

    def free(self) -> None:
        """Give everything back; must work after a ``load`` that failed half-way."""

    def health(self) -> Health:
        """Return the diagnostics of the active node."""
        return Health()

    def check(self, configuration: C) -> None:
        """Raise ``ValueError`` for settings that do not fit what is loaded."""

    def changed(self, configuration: C) -> None:
        """Take over settings after a live change."""

    def note_error(self, error: Exception) -> None:
        """Remember an error for the diagnostics."""
        self._last_error = f'{type(error).__name__}: {error}'

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load; what was built is freed again when loading fails."""
        return self._guarded('configure', self._load, undo=self.free)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start, then tell the lifecycle manager that the node lives."""
        result = self._guarded('activate', self.start, undo=self.stop)
        if result is not TransitionCallbackReturn.SUCCESS:
            return result
        self._start_bond()
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop working and let go of the bond."""
        if self._bond is not None:
            self._bond.break_off()
        super().on_deactivate(state)
        return self._guarded('deactivate', self.stop)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything."""
        self._close_bond()
        return self._guarded('cleanup', self.free)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free, from whatever state."""
        return self._release_everything('shutdown')

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, so that the node can be configured again."""
        return self._release_everything('error processing')

    def destroy_node(self) -> None:
        """Stop, free and remove the node; what the process does last."""
        self._release_everything('exit')
        stop_forwarding(self._log_handler)
        super().destroy_node()
        # rclpy leaves the state machine to the garbage collector, and with it the node's name
        # on the graph.
        self._state_machine.destroy_when_not_in_use()

    def _load(self) -> None:
        self._last_error = ''
        self.load()

    def _release_everything(self, name: str) -> TransitionCallbackReturn:
        self._close_bond()
        stopped = self._guarded(name, self.stop)
        freed = self._guarded(name, self.free)
        return freed if stopped is TransitionCallbackReturn.SUCCESS else stopped

    def _guarded(
        self,
        name: str,
        hook: Callable[[], None],
        undo: Callable[[], None] | None = None,
    ) -> TransitionCallbackReturn:
        """
        Run a hook of the subclass and translate its exceptions.

        :param undo: called after a failure; without one, a failure is an error that only error
            processing can clean up.
        """
        try:
            hook()
        except Exception as error:
            refused = undo is not None and isinstance(error, _REFUSALS)
            reason = str(error) if refused else f'{type(error).__name__}: {error}'
            self.get_logger().error(f'{name} {"refused" if refused else "failed"}: {reason}')
            _log.debug('%s', name, exc_info=error)
            self.note_error(error)
        else:
            return TransitionCallbackReturn.SUCCESS
        if undo is not None:
            self._guarded(f'{name} (undoing)', undo)
        return TransitionCallbackReturn.FAILURE if refused else TransitionCallbackReturn.ERROR

    def _autostart(self) -> None:
        self.destroy_timer(self._autostart_timer)
        if self.state_label != 'unconfigured':
            return
        if self.trigger_configure() is TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def _start_bond(self) -> None:
        self._close_bond()
        period_s = self.configuration.bond_heartbeat_period
        if period_s > 0:
            self._bond = Bond(self, period_s, _BOND_TIMEOUT_S)

    def _close_bond(self) -> None:
        if self._bond is not None:
            self._bond.break_off()
            self._bond.close()
            self._bond = None

    def _reported_health(self) -> Health:
        """Return the health with the lifecycle state around what the subclass says."""
        state = self.state_label
        if state == 'active':
            health = self.health()
            bond = self._bond.state.value if self._bond is not None else 'off'
            return replace(health, values={'state': state, **health.values, 'bond': bond})
        level = Level.ERROR if self._last_error else Level.OK
        values = {'state': state, 'last_error': self._last_error or 'none'}
        return Health(level=level, message=self._last_error or state, values=values)
