"""Parameters of every node that runs a model on camera images."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.ros.image_input_config import ImageInputConfig
from perception_nodes.ros.lifecycle_node import LifecycleConfig
from perception_nodes.structures import setting

MODEL_WORDS = (
    'Model: a folder, a name of `perception models list`, or a package://, file:// or '
    'torchvision:// URI'
)


@dataclass(frozen=True, kw_only=True)
class FrameNodeConfig(ImageInputConfig, LifecycleConfig):
    """The model, where it runs, and how images come in."""

    model: str = setting('', MODEL_WORDS)
    device: str = setting(
        'auto', 'Where the network runs: auto, cpu, cuda, cuda:N, tensorrt or tensorrt:N'
    )
    precision: str = setting('fp32', 'Number format of the network', choices=('fp32', 'fp16'))
    threads: int = setting(
        0, 'CPU threads of the network; 0 lets the library choose', minimum=0, maximum=256
    )
    verify_golden: bool = setting(
        True, 'Compare the golden frame of the bundle with its expected result at configure'
    )
    overlay_jpeg_quality: int = setting(
        80, 'JPEG quality of the compressed overlay', minimum=1, maximum=100, live=True
    )
    explanation_masks: int = setting(
        200,
        'Random veils, and runs of the model, for one picture on ~/explanation',
        minimum=10,
        maximum=100_000,
        live=True,
    )
