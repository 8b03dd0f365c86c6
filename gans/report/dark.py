"""Charts in the dark: an SVG that changes its colours where the reader's system asks for a dark page."""

import colorsys
import re

PAPER, NIGHT = "#ffffff", "#1b2127"
"""The colour behind a chart on a light page and on a dark one; the style sheet of the pages has the same."""

GREY = 0.25  # saturation below which a colour is a grey, which is turned over
PALE = 0.9  # lightness above which it is one, too
DARKEST, BRIGHTEST, BRIGHT = 0.16, 0.86, 0.62  # lightness of greys turned over, and of colours at least
TEXT = "#ced6dd"


def dark_color(color: str) -> str:
    """The colour (#rrggbb) that stands for another one on a dark page: greys are turned over, others brightened."""
    if color == PAPER:
        return NIGHT
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    hue, light, full = colorsys.rgb_to_hls(red, green, blue)
    grey = full < GREY or light > PALE
    light = BRIGHTEST - (BRIGHTEST - DARKEST) * light if grey else max(light, BRIGHT)
    return "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(hue, light, full))


def with_dark_colors(svg: str) -> str:
    """The SVG with rules for dark pages; what it shows on a light one stays as it was."""
    rules = [
        f'[style*="{kind}: {color}"]{{{kind}:{dark_color(color)}!important}}'
        for kind, color in sorted(set(re.findall(r"(fill|stroke): (#[0-9a-f]{6})", svg)))
    ]
    style = f"@media screen and (prefers-color-scheme:dark){{text{{fill:{TEXT}}}{''.join(rules)}}}"
    return svg.replace("</style>", f"{style}</style>", 1)
