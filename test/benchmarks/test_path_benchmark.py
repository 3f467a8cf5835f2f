"""The benchmark of paths on the beginning of a course."""

import math

import pytest

from benchmarks.path import draw_calibration, measure_course, pooled, show, true_masks
from benchmarks.path_drives import course_config, true_curve
from perception_nodes.geometry import PlanarPose
from perception_nodes.simulation import SEMANTIC_NAMES, CoursePath, load_course
from perception_nodes.simulation.backend import RenderingUnavailableError, open_gl_context


@pytest.fixture(scope='module')
def results():
    try:
        open_gl_context(64, 64).free()
    except RenderingUnavailableError as error:
        pytest.skip(str(error))
    labels = dict(enumerate(SEMANTIC_NAMES))
    return {
        name: measure_course(name, true_masks, labels, seed=1, most=14)
        for name in ('s_curve', 'junction:left')
    }


def test_first_pictures_show_the_path_where_it_is(results):
    for result in results.values():
        document = result.document()
        assert document['pictures'] == 14
        assert document['valid_share'] == 1
        assert document['told']['rms']['lateral_error_m'] < 0.01
        assert document['told']['rms']['heading_error_rad'] < 0.02
        assert document['ahead_1m']['rms']['lateral_error_m'] < 0.02
        assert document['ahead_1m']['sigma'].keys() == {'lateral_error_m'}
        assert document['median_ms'] > 0


def test_tables_and_figures_are_made(results, tmp_path, capsys):
    show(results)
    assert 'within 1 σ' in capsys.readouterr().out
    draw_calibration(results, tmp_path / 'calibration.png')
    assert (tmp_path / 'calibration.png').stat().st_size > 5000
    assert pooled(results).pictures == 28


def test_truth_is_told_from_anywhere_on_the_course_and_not_beyond():
    path = CoursePath(load_course('straight'))
    told = true_curve(path, PlanarPose(x_m=2.0, y_m=0.1, yaw_rad=0.2), 2.0)
    assert told.lateral_error_m == pytest.approx(0.1)
    assert told.heading_error_rad == pytest.approx(0.2)
    assert true_curve(path, PlanarPose(x_m=path.length_m + 0.5), path.length_m) is None
    ring = CoursePath(load_course('figure_eight'))
    assert math.isfinite(true_curve(ring, PlanarPose(yaw_rad=0.7), 0.0).curvature_1_m)


def test_course_is_driven_with_its_own_camera_and_nobody_else():
    config = course_config('step_in', seed=3)
    assert (config.camera_from_course, config.figures, config.walkers) == (True, False, 0)
