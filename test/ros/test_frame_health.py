"""What the figures of a frame path mean: one situation, one level, one cause."""

import pytest

pytest.importorskip('rclpy')

from perception_nodes.ros.diagnostics import Level
from perception_nodes.ros.frame_health import FrameMeter, SourceState, frame_health
from perception_nodes.streaming import MailboxCounts

S = 10**9
SOURCE = SourceState(
    topic='/image', publisher_count=1, reliability='reliable', jumps_back=0, rematches=0
)


@pytest.fixture
def meter() -> FrameMeter:
    """Return a meter that saw 20 good frames, the latest at 2 s."""
    made = FrameMeter()
    for number in range(1, 21):
        now_ns = number * S // 10
        made.arrived(now_ns)
        made.begin(now_ns)
        made.published(age_ns=20_000_000, now_ns=now_ns)
        made.end()
    return made


def judge(meter: FrameMeter, source: SourceState = SOURCE, **changes):
    settings = {'now_ns': 2 * S, 'started_ns': 0, 'stale_after_s': 1.0, **changes}
    return frame_health(meter, MailboxCounts(received=20, taken=20), source, **settings)


def test_steady_stream_is_ok_with_its_rate(meter):
    health = judge(meter)
    assert health.level is Level.OK
    assert health.message == '10.0 Hz'
    assert health.values['age_p50_ms'] == pytest.approx(20)
    assert health.values['published'] == 20


def test_source_that_falls_silent_is_stale(meter):
    health = judge(meter, now_ns=4 * S)
    assert health.level is Level.STALE
    assert health.message == 'no image on /image for 2.0 s, though it has 1 publishers'


def test_source_that_never_spoke_is_stale_only_after_a_while():
    nobody = SourceState(
        topic='/image', publisher_count=0, reliability='reliable', jumps_back=0, rematches=0
    )
    assert judge(FrameMeter(), nobody, now_ns=S // 2).level is Level.OK
    late = judge(FrameMeter(), nobody, now_ns=3 * S)
    assert late.level is Level.STALE
    assert 'nobody publishes it, check the topic name' in late.message


def test_refused_pictures_warn_once_with_the_latest_reason(meter):
    meter.refuse('bad_step', 'step 3 is below 1920')
    meter.refuse('bad_step', 'step 4 is below 1920')
    health = judge(meter)
    assert health.level is Level.WARN
    assert health.message == '2 images refused: step 4 is below 1920'
    assert health.values['refused (bad_step)'] == 2
    assert judge(meter).level is Level.OK, 'only news warn'


def test_failed_frames_are_an_error_with_the_reason(meter):
    meter.fail()
    health = judge(meter, last_error='RuntimeError: out of memory')
    assert health.level is Level.ERROR
    assert health.message == '1 frames failed: RuntimeError: out of memory'


def test_frame_that_does_not_end_is_an_error(meter):
    meter.begin(2 * S)
    health = judge(meter, now_ns=4 * S)
    assert health.level is Level.ERROR
    assert health.message == 'one frame has been in work for 2.0 s'


def test_stamps_from_the_future_name_the_clocks():
    meter = FrameMeter()
    meter.arrived(S)
    meter.published(age_ns=-3 * S, now_ns=S)
    health = judge(meter, now_ns=S)
    assert health.level is Level.WARN
    assert 'stamps are 3.000 s ahead of this clock' in health.message


def test_paused_node_is_ok_and_says_so(meter):
    health = judge(meter, now_ns=9 * S, paused=True)
    assert health.level is Level.OK
    assert health.message == 'paused by the enable service'
