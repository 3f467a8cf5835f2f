"""Goals of an action server that have to end: it is asked until it confirms that."""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass, field

from action_msgs.srv import CancelGoal
from rclpy.client import Client
from rclpy.task import Future

_log = logging.getLogger(__name__)

EVERY_GOAL = bytes(16)
"""An empty id with an empty stamp means all goals (action_msgs/CancelGoal)."""

_REPEAT_NS = 100_000_000
_ON_ITS_WAY_NS = 1_000_000_000
"""A goal that the server does not know so long after it was sent will not come any more."""
_MOST_OPEN = 10
# A server of rclpy that refuses says NONE, and names no goal.
_REFUSALS = (CancelGoal.Response.ERROR_REJECTED, CancelGoal.Response.ERROR_NONE)
_POLL_S = 0.005


@dataclass(kw_only=True)
class _Wish:
    since_ns: int
    asked_ns: int | None = None
    answers: deque[Future] = field(default_factory=deque)


class GoalCancels:
    """
    Requests to cancel goals, each repeated until the server confirms it.

    A service that is not there yet, a lost answer and a server that refuses are all reasons to ask
    again. All calls on the executor's thread.

    :param client: of the service ``<action>/_action/cancel_goal``.
    :ivar problem: what keeps a goal from being cancelled, empty while nothing does.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._wishes: dict[bytes, _Wish] = {}
        self.problem = ''

    @property
    def is_waiting(self) -> bool:
        """Whether a cancel is not confirmed yet."""
        return bool(self._wishes)

    def want(self, goal_id: bytes, since_ns: int) -> None:
        """
        Want a goal to end; :meth:`ask` has it cancelled.

        :param goal_id: 16 bytes, or :data:`EVERY_GOAL`.
        :param since_ns: steady time at which the goal was sent.
        """
        self._wishes.setdefault(goal_id, _Wish(since_ns=since_ns))

    def forget(self, goal_id: bytes) -> None:
        """Ask no more: the goal has ended, or may go on."""
        wish = self._wishes.pop(goal_id, None)
        while wish is not None and wish.answers:
            self._client.remove_pending_request(wish.answers.popleft())
        if not self._wishes:
            self.problem = ''

    def ask(self, steady_ns: int) -> None:
        """Look at the answers, and ask where none has confirmed; call it many times a second."""
        for goal_id, wish in list(self._wishes.items()):
            answers = [future.result() for future in wish.answers if future.done()]
            if any(_confirms(answer, goal_id, wish, steady_ns) for answer in answers):
                self.forget(goal_id)
                continue
            if any(answer.return_code in _REFUSALS for answer in answers):
                self._complain(f'{self._client.srv_name} refuses to cancel; it is asked again')
            wish.answers = deque(future for future in wish.answers if not future.done())
            if wish.asked_ns is None or steady_ns - wish.asked_ns >= _REPEAT_NS:
                self._send(goal_id, wish, steady_ns)

    def finish(self, patience_s: float) -> None:
        """Ask until everything is confirmed, at most so many seconds; blocks the executor."""
        until_s = time.monotonic() + patience_s
        while True:
            self._take_answers()
            self.ask(time.monotonic_ns())
            if not self._wishes or time.monotonic() >= until_s:
                return
            time.sleep(_POLL_S)

    def _send(self, goal_id: bytes, wish: _Wish, steady_ns: int) -> None:
        if not self._client.service_is_ready():
            self._complain(f'{self._client.srv_name} is not there: no goal can be cancelled')
            return
        if wish.answers:
            self._complain(f'{self._client.srv_name} has not answered; it is asked again')
        wish.asked_ns = steady_ns
        request = CancelGoal.Request()
        request.goal_info.goal_id.uuid = list(goal_id)
        wish.answers.append(self._client.call_async(request))
        if len(wish.answers) > _MOST_OPEN:
            self._client.remove_pending_request(wish.answers.popleft())

    def _complain(self, problem: str) -> None:
        if problem != self.problem:
            _log.warning(problem)
        self.problem = problem

    def _take_answers(self) -> None:
        """Take an answer as the executor would, which is busy with who called."""
        client = self._client
        with client.handle:
            header, response = client.handle.take_response(CancelGoal.Response)
        if header is None:
            return
        try:
            future = client.get_pending_request(header.request_id.sequence_number)
        except KeyError:
            return  # the answer to a request that was forgotten
        future.set_result(response)


def _confirms(answer: CancelGoal.Response, goal_id: bytes, wish: _Wish, steady_ns: int) -> bool:
    """Return whether the goal ends, or there is none."""
    code = answer.return_code
    if code == CancelGoal.Response.ERROR_NONE:
        ending = {bytes(info.goal_id.uuid) for info in answer.goals_canceling}
        return goal_id == EVERY_GOAL or goal_id in ending
    if code == CancelGoal.Response.ERROR_UNKNOWN_GOAL_ID:
        return steady_ns - wish.since_ns > _ON_ITS_WAY_NS
    return code == CancelGoal.Response.ERROR_GOAL_TERMINATED
