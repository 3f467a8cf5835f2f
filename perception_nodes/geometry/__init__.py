"""Cameras, rigid transforms, the transform tree and the ground; numpy only."""

from perception_nodes.geometry.camera_model import (
    CameraModel,
    UncalibratedCameraError,
    camera_model_from_info_fields,
    centred_from_continuous,
    continuous_from_centred,
)
from perception_nodes.geometry.ground import GroundNotVisibleError, GroundProjection
from perception_nodes.geometry.lens import DistortionModel
from perception_nodes.geometry.rigid_transform import RigidTransform

__all__ = [
    'CameraModel',
    'DistortionModel',
    'GroundNotVisibleError',
    'GroundProjection',
    'RigidTransform',
    'UncalibratedCameraError',
    'camera_model_from_info_fields',
    'centred_from_continuous',
    'continuous_from_centred',
]
