"""
Colours of classes, the same everywhere: pictures, plots and reports.

The first seven are the palette of M. Okabe and K. Ito, "Color Universal Design" (2008), the next
five come from the "muted" scheme of P. Tol, "Colour Schemes" (SRON/EPS/TN/09-002): all of them
stay apart for people with colour vision deficiency.
"""

from __future__ import annotations

PALETTE_RGB: tuple[tuple[int, int, int], ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (136, 204, 238),
    (153, 153, 51),
    (170, 68, 153),
    (68, 170, 153),
    (221, 204, 119),
)

# Relative luminance (ITU-R BT.709) above which black text reads better than white.
_LIGHT = 110.0


def class_color(class_id: int) -> tuple[int, int, int]:
    """Return the RGB colour (0..255) of a class; the same index always has the same colour."""
    return PALETTE_RGB[class_id % len(PALETTE_RGB)]


def text_color(plate_rgb: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return black or white, whichever reads better on the plate."""
    red, green, blue = plate_rgb
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (0, 0, 0) if luminance > _LIGHT else (255, 255, 255)


def hex_color(rgb: tuple[int, int, int]) -> str:
    """Return ``#rrggbb`` for HTML and plots."""
    return '#{:02x}{:02x}{:02x}'.format(*rgb)


def class_name(class_id: int, class_names: tuple[str, ...] | list[str]) -> str:
    """Return the name of a class, or ``class 7`` when the list is too short for it."""
    return class_names[class_id] if 0 <= class_id < len(class_names) else f'class {class_id}'
