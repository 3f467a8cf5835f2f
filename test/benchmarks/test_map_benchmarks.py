"""The benchmarks of maps run."""

import pytest


@pytest.mark.ros
@pytest.mark.parametrize('case', [{}, {'points': True}, {'attitude': True}, {'depth': True}])
def test_parts_of_the_map_node_are_measured(case):
    pytest.importorskip('rclpy')
    from benchmarks.map_node import parts_ms

    found = parts_ms(3, **case)
    assert found.keys() == {'to arrays', 'map', 'to messages', 'together'}
    assert 0 < found['map'] < found['together'] < 1000
