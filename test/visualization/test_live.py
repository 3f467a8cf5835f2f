"""The live view: optional, and plain about what is missing."""

import importlib.util
import sys
import types

import numpy as np
import pytest

from perception_nodes.structures import Detections, Frame
from perception_nodes.visualization import live

FOUND = Detections([(1, 2, 30, 40)], [0.5], [1])


class Recorder(types.ModuleType):
    """Stands for the optional package and notes what is sent to it."""

    Box2DFormat = types.SimpleNamespace(XYXY='xyxy')

    def __init__(self):
        super().__init__('rerun')
        self.calls = []
        self.logged = {}

    def init(self, title):
        self.calls.append(f'init {title}')

    def spawn(self):
        self.calls.append('spawn')

    def serve_grpc(self):
        return 'rerun+http://127.0.0.1:9876/proxy'

    def serve_web_viewer(self, **options):
        self.calls.append(f'serve {options["web_port"]}')

    def set_time(self, timeline, duration):
        self.calls.append(f'{timeline} {duration}')

    def log(self, path, entity):
        self.logged[path] = entity

    def Image(self, pixels):
        return types.SimpleNamespace(compress=lambda jpeg_quality: pixels)

    def Boxes2D(self, **boxes):
        return boxes

    def Scalars(self, value):
        return value

    def disconnect(self):
        self.calls.append('disconnect')


@pytest.fixture
def rerun(monkeypatch):
    module = Recorder()
    monkeypatch.setitem(sys.modules, 'rerun', module)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    monkeypatch.setenv('DISPLAY', ':0')
    return module


def test_no_viewer_is_no_view():
    assert live.open_view('', 'demo') is None


def test_unknown_viewer_names_the_known_ones():
    with pytest.raises(ValueError, match='rerun'):
        live.open_view('telescope', 'demo')


@pytest.mark.skipif(importlib.util.find_spec('rerun') is not None, reason='rerun is installed')
def test_missing_package_names_the_command_that_installs_it():
    with pytest.raises(ValueError, match='pip install'):
        live.open_view('rerun', 'demo')


def test_window_opens_where_there_is_a_display(rerun):
    assert live.RerunView('demo').address == ''
    assert rerun.calls == ['init demo', 'spawn']


def test_page_is_served_where_there_is_no_display(rerun, monkeypatch):
    monkeypatch.delenv('DISPLAY')
    address = live.RerunView('demo').address
    assert address == 'http://localhost:9090/?url=rerun%2Bhttp%3A%2F%2F127.0.0.1%3A9876%2Fproxy'
    assert rerun.calls == ['init demo', 'serve 9090']


def test_picture_boxes_and_truth_are_shown_at_their_stamp(rerun):
    view = live.RerunView('demo')
    frame = Frame(pixels=np.zeros((48, 64, 3), np.uint8), stamp_ns=1_500_000_000)
    view.show(frame, FOUND, Detections.empty(), ('person', 'cone'), 12.5)
    view.close()
    assert rerun.calls[2:] == ['simulated 1.5', 'disconnect']
    assert rerun.logged['camera'].shape == (48, 64, 3)
    assert rerun.logged['camera/detections']['labels'] == ['cone 0.50']
    assert rerun.logged['camera/detections']['array'].tolist() == [[1, 2, 30, 40]]
    assert len(rerun.logged['camera/truth']['array']) == 0
    assert rerun.logged['latency_ms'] == 12.5
