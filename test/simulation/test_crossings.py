import numpy as np
import pytest

from perception_nodes.simulation import Pose2D, SemanticClass, SimulatedWorld, SimulationConfig

PLACES = {
    'figure_eight': Pose2D(x_m=-0.9, y_m=-0.9, yaw_rad=np.pi / 4),
    'junction': Pose2D(x_m=3.4, y_m=0.0, yaw_rad=0.1),
}


@pytest.mark.parametrize('course', PLACES)
def test_lanes_that_cross_look_like_one_floor(rendering, course):
    world = SimulatedWorld.create(
        SimulationConfig(
            course=course, camera_from_course=True, seed=1, things=0, clutter=0, walkers=0,
            size_wh=(320, 240),
        )
    )  # fmt: skip
    try:
        world.robot.pose = PLACES[course]
        view = world.render()
    finally:
        world.close()
    lane = view.rgb[view.class_ids == SemanticClass.LANE].astype(float)
    assert len(lane) > 5000
    # Surfaces at one height were lit twice where they flickered: white on grey.
    usual = np.median(lane, axis=0)
    assert (np.abs(lane - usual).max(axis=1) > 60).mean() < 0.02
