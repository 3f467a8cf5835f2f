"""The assets that a finished model is measured on, once."""

from perception_nodes.simulation.asset_family import AssetFamily, LightRig

HELD_OUT = AssetFamily(
    surface_kinds=('cells', 'bricks', 'weave', 'diagonals', 'marble'),
    surface_colors=(
        (0.28, 0.27, 0.26), (0.38, 0.38, 0.40), (0.60, 0.60, 0.62), (0.82, 0.82, 0.80),
        (0.50, 0.36, 0.26), (0.68, 0.54, 0.42), (0.32, 0.40, 0.34), (0.28, 0.34, 0.44),
        (0.48, 0.24, 0.20), (0.72, 0.66, 0.48), (0.15, 0.17, 0.20), (0.46, 0.52, 0.44),
    ),
    lane_colors=((0.22, 0.22, 0.24), (0.44, 0.44, 0.46), (0.50, 0.48, 0.45)),
    tape_colors=((0.88, 0.88, 0.90), (0.85, 0.72, 0.08), (0.22, 0.45, 0.82)),
    cloth_kinds=('weave', 'diagonals', 'marble', 'cells'),
    cloth_colors=(
        (0.16, 0.16, 0.19), (0.40, 0.40, 0.42), (0.92, 0.91, 0.88), (0.20, 0.28, 0.52),
        (0.70, 0.20, 0.20), (0.24, 0.46, 0.30), (0.83, 0.70, 0.30), (0.36, 0.22, 0.42),
        (0.48, 0.60, 0.76), (0.42, 0.31, 0.20), (0.82, 0.40, 0.28), (0.70, 0.55, 0.58),
    ),
    skin_colors=((0.88, 0.70, 0.58), (0.70, 0.50, 0.37), (0.44, 0.30, 0.21), (0.24, 0.15, 0.10)),
    hair_colors=((0.14, 0.11, 0.10), (0.48, 0.30, 0.16), (0.70, 0.58, 0.32), (0.82, 0.82, 0.80)),
    torsos=('barrel_chest', 'coat'),
    hats=('none', 'none', 'helmet', 'brim'),
    cone_colors=((0.90, 0.32, 0.14), (0.98, 0.46, 0.10), (0.82, 0.27, 0.05)),
    cone_bands=((0.88, 0.88, 0.86), (0.98, 0.98, 0.90)),
    cone_shapes=('octagon_foot', 'round_foot'),
    box_kinds=('carton', 'slats', 'marble'),
    box_colors=(
        (0.67, 0.49, 0.31), (0.77, 0.61, 0.43), (0.56, 0.40, 0.31), (0.86, 0.74, 0.58),
        (0.80, 0.80, 0.76), (0.46, 0.32, 0.18),
    ),
    barrel_colors=(
        (0.18, 0.36, 0.70), (0.22, 0.52, 0.33), (0.62, 0.18, 0.16), (0.84, 0.38, 0.06),
        (0.48, 0.50, 0.52), (0.22, 0.22, 0.25),
    ),
    barrel_bands=((0.85, 0.85, 0.83), (0.32, 0.32, 0.34), (0.96, 0.90, 0.70)),
    barrel_shapes=('hooped_drum', 'tub_drum', 'keg'),
    sign_plates=('round_rectangle', 'triangle_down', 'hexagon', 'disc', 'pentagon'),
    sign_schemes=(
        ((0.90, 0.90, 0.88), (0.72, 0.14, 0.15), (0.14, 0.14, 0.15)),
        ((0.74, 0.10, 0.13), (0.91, 0.91, 0.90), (0.91, 0.91, 0.90)),
        ((0.14, 0.34, 0.60), (0.89, 0.90, 0.92), (0.89, 0.90, 0.92)),
        ((0.90, 0.72, 0.16), (0.16, 0.15, 0.14), (0.16, 0.15, 0.14)),
    ),
    pictograms=('cross', 'chevron', 'two_bars', 'ring_dot', 'arrow_right'),
    clutter_shapes=('egg', 'column', 'roof', 'spindle'),
    clutter_colors=(
        (0.36, 0.62, 0.54), (0.62, 0.42, 0.62), (0.33, 0.31, 0.36), (0.74, 0.75, 0.72),
        (0.58, 0.54, 0.24), (0.57, 0.44, 0.48),
    ),
    rigs=(
        LightRig(directional=True, count=(1, 1), elevation_deg=(30, 75), diffuse=(0.80, 1.38),
                 ambient=(0.38, 0.57), tints=((0.97, 0.97, 1.0), (1.0, 0.96, 0.88))),
        LightRig(directional=False, count=(2, 4), elevation_deg=(45, 80), diffuse=(0.87, 1.45),
                 ambient=(0.25, 0.45), tints=((1.0, 0.82, 0.62), (0.82, 0.90, 1.0))),
        LightRig(directional=True, count=(2, 2), elevation_deg=(15, 40), diffuse=(0.65, 1.16),
                 ambient=(0.22, 0.38), tints=((1.0, 0.70, 0.48), (0.80, 0.80, 0.96))),
    ),
)  # fmt: skip
