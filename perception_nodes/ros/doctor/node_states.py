"""Ask every node for its lifecycle state and whether it uses simulation time."""

from __future__ import annotations

import time
from typing import Any

from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters
from rclpy.node import Node

from perception_nodes.ros.doctor.snapshot import Lifecycle, NodeState

# A node that spins answers within milliseconds; loading a model may block one for a while.
ANSWER_S = 2.0
_STATES = {
    State.PRIMARY_STATE_UNCONFIGURED: Lifecycle.UNCONFIGURED,
    State.PRIMARY_STATE_INACTIVE: Lifecycle.INACTIVE,
    State.PRIMARY_STATE_ACTIVE: Lifecycle.ACTIVE,
    State.PRIMARY_STATE_FINALIZED: Lifecycle.FINALIZED,
}
_STATE_SERVICE, _STATE_TYPE = '/get_state', 'lifecycle_msgs/srv/GetState'
_PARAMETER_SERVICE, _PARAMETER_TYPE = '/get_parameters', 'rcl_interfaces/srv/GetParameters'


class NodeInterviewer:
    """
    Keeps asking, so that the last answer is the one that counts.

    :param prefix: nodes whose names begin so are doctors and left out.
    """

    def __init__(self, node: Node, prefix: str) -> None:
        self._node = node
        self._prefix = prefix
        self._clients: dict[str, Any] = {}
        self._waiting: dict[str, Any] = {}
        self._asked_s: dict[str, float] = {}  # first time
        self._put_s: dict[str, float] = {}  # newest time
        self._answered: set[str] = set()
        self._lifecycle: dict[str, Lifecycle] = {}
        self._sim_time: dict[str, bool] = {}

    def ask(self) -> None:
        """Put the questions that are open; answers come while the node spins."""
        for service, types in self._node.get_service_names_and_types():
            if service.endswith(_STATE_SERVICE) and _STATE_TYPE in types:
                self._call(service, GetState, GetState.Request(), self._on_state)
            elif service.endswith(_PARAMETER_SERVICE) and _PARAMETER_TYPE in types:
                self._ask_for_sim_time(service)

    def _ask_for_sim_time(self, service: str) -> None:
        """Ask once; the parameter hardly changes while a node runs."""
        if service.removesuffix(_PARAMETER_SERVICE) not in self._sim_time:
            request = GetParameters.Request(names=['use_sim_time'])
            self._call(service, GetParameters, request, self._on_parameters)

    def _call(self, service: str, kind: Any, request: Any, on_answer: Any) -> None:
        """Call once the server is matched; a call that got lost is put again."""
        if service not in self._clients:
            self._clients[service] = self._node.create_client(kind, service)
        client = self._clients[service]
        if not client.service_is_ready():
            return
        now_s = time.monotonic()
        if service in self._waiting:
            if now_s - self._put_s[service] < ANSWER_S:
                return
            client.remove_pending_request(self._waiting.pop(service))
        self._asked_s.setdefault(service, now_s)
        self._put_s[service] = now_s
        future = client.call_async(request)
        self._waiting[service] = future

        def answered(done: Any) -> None:
            self._waiting.pop(service, None)
            self._answered.add(service)
            on_answer(service, done.result())

        future.add_done_callback(answered)

    def _on_state(self, service: str, answer: Any) -> None:
        name = service.removesuffix(_STATE_SERVICE)
        self._lifecycle[name] = _STATES.get(answer.current_state.id, Lifecycle.TRANSITION)

    def _on_parameters(self, service: str, answer: Any) -> None:
        name = service.removesuffix(_PARAMETER_SERVICE)
        if answer.values:
            self._sim_time[name] = answer.values[0].bool_value

    def is_waiting(self) -> bool:
        """Tell whether a node had no time yet for its first answer."""
        now_s = time.monotonic()
        unanswered = self._clients.keys() - self._answered
        return any(now_s - self._asked_s.get(service, now_s) < ANSWER_S for service in unanswered)

    def states(self) -> tuple[NodeState, ...]:
        """Return every node with its last answers."""
        names = {
            f'{namespace.rstrip("/")}/{name}'
            for name, namespace in self._node.get_node_names_and_namespaces()
            if not name.startswith(self._prefix)
        }
        return tuple(
            NodeState(
                name=name,
                lifecycle=self._lifecycle.get(name) or self._without_answer(name),
                use_sim_time=self._sim_time.get(name),
            )
            for name in sorted(names)
        )

    def _without_answer(self, name: str) -> Lifecycle:
        """Tell a node that keeps quiet from one that has no lifecycle, or was found just now."""
        asked_s = self._asked_s.get(f'{name}{_STATE_SERVICE}')
        waited = asked_s is not None and time.monotonic() - asked_s >= ANSWER_S
        return Lifecycle.NO_ANSWER if waited else Lifecycle.UNMANAGED
