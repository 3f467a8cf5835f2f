"""What a training run of a segmenter is made of."""

from __future__ import annotations

from dataclasses import dataclass

from perception_nodes.learning.adversarial.config import AttackConfig
from perception_nodes.learning.recipe import Recipe
from perception_nodes.learning.recipes.pictures import (
    balanced_setting,
    check_pasted,
    class_names,
    disturbed_setting,
    mosaic_setting,
    paste_setting,
)
from perception_nodes.learning.recipes.pruning import NOT_PRUNED, PruningRecipe
from perception_nodes.learning.recipes.quantised import NOT_QUANTISED, QuantisedRecipe
from perception_nodes.learning.recipes.trunk import TrunkRecipe
from perception_nodes.structures import check_settings, setting

DECODERS = ('ours', 'smp/Unet', 'smp/FPN', 'smp/DeepLabV3Plus')
_AT_STRIDE_4 = {'smp/FPN', 'smp/DeepLabV3Plus'}
_GROUPS = 32  # of the norms of FPN


@dataclass(frozen=True, kw_only=True)
class SegmenterRecipe(TrunkRecipe):
    """Size of the network."""

    decoder: str = setting(
        'ours', 'what makes masks of features; smp: segmentation-models-pytorch', choices=DECODERS
    )
    channels: int = setting(
        96, 'channels of the decoder at stride 8 and above', minimum=8, maximum=512
    )
    output_stride: int = setting(
        2, 'stride of the logits before they are enlarged: 2 or 4', minimum=2, maximum=4
    )

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        if self.output_stride not in (2, 4):
            raise ValueError(f'output_stride: {self.output_stride} is neither 2 nor 4')
        if self.decoder in _AT_STRIDE_4 and self.output_stride != 4:
            raise ValueError(f'output_stride: {self.decoder} ends at 4, not {self.output_stride}')
        if self.decoder == 'smp/FPN' and self.channels % _GROUPS:
            raise ValueError(f'channels: {self.channels} of smp/FPN is no multiple of {_GROUPS}')


@dataclass(frozen=True, kw_only=True)
class MaskDataRecipe:
    """How training pictures are cut and varied."""

    crop_wh: tuple[int, int] = (384, 352)
    scale_min: float = setting(0.6, 'smallest zoom of a crop', minimum=0.1, maximum=4.0)
    scale_max: float = setting(1.8, 'largest zoom of a crop', minimum=0.1, maximum=4.0)
    stretch: float = setting(
        1.1, 'largest ratio by which width and height differ in zoom', minimum=1.0, maximum=2.0
    )
    colour: float = setting(0.6, 'strength of colour changes', minimum=0.0, maximum=2.0)
    textures: float = setting(
        0.0,
        'part of the pictures with random textures and tones; above 0 they replace the changes of '
        'colour and sharpness, so that nothing resembles the robustness suite',
        minimum=0.0,
        maximum=1.0,
    )
    disturbed: float = disturbed_setting()
    mosaic: float = mosaic_setting()
    paste: float = paste_setting()
    paste_classes: tuple[str, ...] = ()
    rare_crops: float = setting(
        0.5,
        'part of the crops placed around a pixel of a class drawn evenly',
        minimum=0,
        maximum=1,
    )
    balanced: float = balanced_setting()
    cached: bool = setting(True, 'keep decoded pictures in memory')
    workers: int = setting(1, 'processes that load pictures', minimum=0, maximum=64)

    def __post_init__(self) -> None:
        """Check the values and their order."""
        check_settings(self)
        object.__setattr__(self, 'crop_wh', tuple(self.crop_wh))
        names = class_names('paste_classes', self.paste_classes)
        object.__setattr__(self, 'paste_classes', names)
        if self.paste and not names:
            raise ValueError(
                'paste_classes: name the classes of things, such as [person, sign]; a piece of '
                'road or sky somewhere else would be no picture'
            )
        if self.scale_min > self.scale_max:
            raise ValueError(
                f'scale_min {self.scale_min} is above scale_max {self.scale_max}; swap them'
            )
        if len(self.crop_wh) != 2 or any(side < 32 or side % 32 for side in self.crop_wh):
            raise ValueError(f'crop_wh: {self.crop_wh} must be two multiples of 32')


@dataclass(frozen=True, kw_only=True)
class MaskLossRecipe:
    """Weights of the loss terms."""

    cross_entropy: float = setting(1.0, 'weight of the cross-entropy', minimum=0.0)
    lovasz: float = setting(0.5, 'weight of the Lovász-softmax loss', minimum=0.0)
    lovasz_pixels: int = setting(
        40000, 'pixels of a batch that the Lovász-softmax loss looks at', minimum=100
    )
    balance: float = setting(
        0.5,
        'power of the inverse class frequency that weighs the cross-entropy: 0 none, 1 full',
        minimum=0.0,
        maximum=1.0,
    )
    focal: float = setting(
        0.0,
        'power by which pixels count less, the surer their class already is: 0 none, 2 usual',
        minimum=0.0,
        maximum=10.0,
    )
    smoothing: float = setting(0.0, 'label smoothing', minimum=0.0, maximum=0.5)

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)


@dataclass(frozen=True, kw_only=True)
class AdversarialRecipe(AttackConfig):
    """
    Attacks on the network while it learns (Madry et al. 2018; Gu et al. 2022).

    Validation then looks at attacked pictures too, and they choose the best epoch.
    """

    attack: str = setting(
        'none', 'what changes the pictures', choices=('none', 'noise', 'fgsm', 'pgd', 'segpgd')
    )
    share: float = setting(
        0.5, 'part of each batch that is attacked; the rest stays clean', minimum=0.0, maximum=1.0
    )
    iterations: int = setting(3, 'steps of an attack', minimum=1, maximum=1000)

    def __post_init__(self) -> None:
        """Check the values, and that something is attacked."""
        super().__post_init__()
        if self.is_on and self.share == 0:
            raise ValueError(
                f'share: 0 attacks no picture, but attack is {self.attack}; give a part, or '
                'attack none'
            )

    @property
    def is_on(self) -> bool:
        """Whether anything is attacked."""
        return self.attack != 'none'


@dataclass(frozen=True, kw_only=True)
class TeacherRecipe:
    """A trained segmenter whose logits are learnt too (Hinton, Vinyals and Dean 2015)."""

    bundle: str = setting('', 'folder, URI or name of the model; empty: no teacher')
    weight: float = setting(1.0, 'weight of the divergence from the teacher', minimum=0.0)
    temperature: float = setting(
        2.0, 'divides the logits of both; above 1 unlikely classes say more', minimum=0.1
    )

    def __post_init__(self) -> None:
        """Check the values."""
        check_settings(self)

    @property
    def is_on(self) -> bool:
        """Whether there is a teacher."""
        return bool(self.bundle)


@dataclass(frozen=True, kw_only=True)
class SegmentationRecipe(Recipe):
    """A whole training run of a segmenter."""

    model: SegmenterRecipe = SegmenterRecipe()
    data: MaskDataRecipe = MaskDataRecipe()
    loss: MaskLossRecipe = MaskLossRecipe()
    adversarial: AdversarialRecipe = AdversarialRecipe()
    teacher: TeacherRecipe = TeacherRecipe()
    pruning: PruningRecipe = NOT_PRUNED
    quantised: QuantisedRecipe = NOT_QUANTISED

    def __post_init__(self) -> None:
        """Check the values, and what a decoder of another library is able to."""
        super().__post_init__()
        check_pasted(self.data.paste_classes, self.classes)
        decoder = self.model.decoder
        if decoder == 'ours':
            return
        if any(side % 32 for side in self.input_wh):
            raise ValueError(f'input_wh: {self.input_wh} must be multiples of 32 for {decoder}')
        if self.pruning != NOT_PRUNED or self.quantised != NOT_QUANTISED:
            raise ValueError(
                f'model, decoder: {decoder} is neither pruned nor trained in int8; take decoder '
                'ours, or perception compress, which quantises the finished bundle'
            )
