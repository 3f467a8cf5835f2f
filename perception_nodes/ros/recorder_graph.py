"""A recorder with a node, a thread and a context of its own, for a command that runs a graph."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from std_srvs.srv import SetBool

from perception_nodes.ros.recorder import RecordedTopic, TopicRecorder
from perception_nodes.ros.recorder_bag import BagCounts

_TRANSITIONS = {
    'configure': Transition.TRANSITION_CONFIGURE,
    'activate': Transition.TRANSITION_ACTIVATE,
}
_JOIN_TIMEOUT_S = 5.0

Recorder = TypeVar('Recorder', bound='GraphRecorder')


class GraphRecorder:
    """
    Records topics and leads lifecycle nodes; spins in a thread of its own.

    :param name: of its node.
    :param bag: folder of the bag, which must not exist.
    :param topics: what to record; their ``watch`` is called in the recorder's thread.
    """

    def __init__(self, name: str, bag: Path, topics: Sequence[RecordedTopic]) -> None:
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node(name, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._recorder = TopicRecorder(self._node, bag, topics)
        self._counts: BagCounts | None = None
        self._thread = threading.Thread(target=self._spin, name=name, daemon=True)
        self._thread.start()

    def change_state(self, node: str, transition: str) -> Callable[[], bool | None]:
        """
        Ask a lifecycle node for a transition, once it can be asked.

        :param transition: ``configure`` or ``activate``.
        :returns: to be polled; None until there is an answer, then whether it succeeded.
        """
        request = ChangeState.Request(transition=Transition(id=_TRANSITIONS[transition]))
        return self._ask(ChangeState, f'{node}/change_state', request)

    def enable(self, node: str) -> Callable[[], bool | None]:
        """
        Ask a node on its service ``~/enable`` to begin, once it can be asked.

        :returns: as for :meth:`change_state`.
        """
        return self._ask(SetBool, f'{node}/enable', SetBool.Request(data=True))

    def _ask(self, kind: type[Any], service: str, request: Any) -> Callable[[], bool | None]:
        """Return what asks when the service is there, and then tells whether it succeeded."""
        client = self._node.create_client(kind, service)
        asked: list[Future] = []

        def outcome() -> bool | None:
            if not asked and client.service_is_ready():
                asked.append(client.call_async(request))
            return asked[0].result().success if asked and asked[0].done() else None

        return outcome

    def close(self) -> BagCounts:
        """Stop listening, finish the bag and return its counts; may be called twice."""
        if self._counts is None:
            self._executor.shutdown(timeout_sec=_JOIN_TIMEOUT_S)
            self._thread.join(_JOIN_TIMEOUT_S)
            self._counts = self._recorder.close()
            self._node.destroy_node()
            self._context.try_shutdown()
        return self._counts

    def __enter__(self: Recorder) -> Recorder:
        """Return the recorder itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the bag, whatever happened."""
        self.close()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()
