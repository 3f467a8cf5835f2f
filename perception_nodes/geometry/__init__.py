"""Cameras, rigid transforms, the transform tree and the ground; numpy only."""

from perception_nodes.geometry.calibration_history import CalibrationHistory
from perception_nodes.geometry.camera_info import camera_model_from_info_fields
from perception_nodes.geometry.camera_model import (
    CameraModel,
    UncalibratedCameraError,
    centred_from_continuous,
    continuous_from_centred,
)
from perception_nodes.geometry.ground import GroundNotVisibleError, GroundProjection
from perception_nodes.geometry.lens import DistortionModel
from perception_nodes.geometry.pixel_rays import points_of_depth
from perception_nodes.geometry.planar_pose import (
    PlanarPose,
    WrongTransformError,
    planar_pose_from_matrix,
)
from perception_nodes.geometry.rigid_transform import RigidTransform
from perception_nodes.geometry.transform_buffer import (
    MissingTransform,
    TransformBuffer,
    TransformUnavailableError,
)

__all__ = [
    'CalibrationHistory',
    'CameraModel',
    'DistortionModel',
    'GroundNotVisibleError',
    'GroundProjection',
    'MissingTransform',
    'PlanarPose',
    'RigidTransform',
    'TransformBuffer',
    'TransformUnavailableError',
    'UncalibratedCameraError',
    'WrongTransformError',
    'camera_model_from_info_fields',
    'centred_from_continuous',
    'continuous_from_centred',
    'planar_pose_from_matrix',
    'points_of_depth',
]
