"""A goal that has to end is asked for until its server confirms that it ends."""

import pytest

pytest.importorskip('rclpy')

from action_msgs.msg import GoalInfo
from action_msgs.srv import CancelGoal
from rclpy.task import Future

from perception_nodes.ros.goal_cancels import EVERY_GOAL, GoalCancels

MS = 1_000_000
GOAL, OTHER = bytes([7] * 16), bytes([8] * 16)
Answer = CancelGoal.Response


class FakeClient:
    """Keeps the requests; the test answers them."""

    srv_name = 'follow_path/_action/cancel_goal'

    def __init__(self):
        self.is_there = True
        self.sent: list[tuple[bytes, Future]] = []
        self.removed: list[Future] = []

    def service_is_ready(self):
        return self.is_there

    def call_async(self, request):
        assert request.goal_info.stamp.sec == request.goal_info.stamp.nanosec == 0
        self.sent.append((bytes(request.goal_info.goal_id.uuid), Future()))
        return self.sent[-1][1]

    def remove_pending_request(self, future):
        self.removed.append(future)

    def answer(self, code: int, *ending: bytes, index: int = -1) -> None:
        infos = [GoalInfo() for _ in ending]
        for info, goal_id in zip(infos, ending, strict=True):
            info.goal_id.uuid = list(goal_id)
        self.sent[index][1].set_result(Answer(return_code=code, goals_canceling=infos))


@pytest.fixture
def client():
    return FakeClient()


@pytest.fixture
def cancels(client):
    return GoalCancels(client)


def test_nothing_is_asked_when_nothing_is_wanted(cancels, client):
    cancels.ask(0)
    assert client.sent == []
    assert not cancels.is_waiting


@pytest.mark.parametrize(
    ('code', 'ending'), [(Answer.ERROR_NONE, (OTHER, GOAL)), (Answer.ERROR_GOAL_TERMINATED, ())]
)
def test_what_is_confirmed_is_asked_once(cancels, client, code, ending):
    cancels.want(GOAL, 0)
    cancels.want(GOAL, 0)
    cancels.ask(0)
    cancels.ask(50 * MS)
    assert [goal_id for goal_id, _ in client.sent] == [GOAL], 'an answer may take its time'
    client.answer(code, *ending)
    cancels.ask(60 * MS)
    assert not cancels.is_waiting
    cancels.ask(10_000 * MS)
    assert len(client.sent) == 1


def test_a_server_that_is_not_there_yet_is_asked_when_it_comes(cancels, client):
    client.is_there = False
    cancels.want(EVERY_GOAL, 0)
    cancels.ask(0)
    assert client.sent == []
    assert 'is not there' in cancels.problem
    client.is_there = True
    cancels.ask(20 * MS)
    client.answer(Answer.ERROR_NONE)
    cancels.ask(40 * MS)
    assert not cancels.is_waiting
    assert cancels.problem == ''


@pytest.mark.parametrize(
    'code',
    [Answer.ERROR_REJECTED, Answer.ERROR_NONE, Answer.ERROR_UNKNOWN_GOAL_ID],
    ids=['rejected', 'others end', 'not come yet'],
)
def test_an_answer_that_confirms_nothing_is_followed_by_the_next_request(cancels, client, code):
    cancels.want(GOAL, 0)
    cancels.ask(0)
    client.answer(code, *([OTHER] if code == Answer.ERROR_NONE else []))
    cancels.ask(20 * MS)
    assert cancels.is_waiting
    cancels.ask(100 * MS)
    assert len(client.sent) == 2
    assert ('refuses to cancel' in cancels.problem) == (code != Answer.ERROR_UNKNOWN_GOAL_ID)
    client.answer(Answer.ERROR_NONE, GOAL)
    cancels.ask(120 * MS)
    assert not cancels.is_waiting


def test_a_lost_answer_is_followed_by_the_next_request_and_a_late_one_counts(cancels, client):
    cancels.want(GOAL, 0)
    cancels.ask(0)
    cancels.ask(100 * MS)
    cancels.ask(200 * MS)
    assert len(client.sent) == 3
    assert 'has not answered' in cancels.problem
    client.answer(Answer.ERROR_NONE, GOAL, index=0)
    cancels.ask(220 * MS)
    assert not cancels.is_waiting
    assert len(client.removed) == 3


def test_requests_that_nobody_answers_do_not_pile_up(cancels, client):
    cancels.want(GOAL, 0)
    for number in range(50):
        cancels.ask(number * 100 * MS)
    assert len(client.sent) == 50
    assert len(client.removed) == 40


def test_a_goal_that_never_arrived_is_given_up_after_a_second(cancels, client):
    cancels.want(GOAL, 0)
    cancels.ask(0)
    client.answer(Answer.ERROR_UNKNOWN_GOAL_ID)
    cancels.ask(999 * MS)
    assert cancels.is_waiting
    client.answer(Answer.ERROR_UNKNOWN_GOAL_ID)
    cancels.ask(1001 * MS)
    assert not cancels.is_waiting


def test_a_goal_that_has_ended_by_itself_is_forgotten_and_no_problem_any_more(cancels, client):
    cancels.want(GOAL, 0)
    cancels.ask(0)
    client.answer(Answer.ERROR_REJECTED)
    cancels.ask(20 * MS)
    assert cancels.problem
    cancels.forget(GOAL)
    assert cancels.problem == ''
    cancels.forget(OTHER)
    cancels.ask(1000 * MS)
    assert len(client.sent) == 1
    assert not cancels.is_waiting
