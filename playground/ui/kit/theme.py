"""Gradio theme of the page, light and dark, and the colours of the plots, one meaning each.

Baseline is grey, steered is the accent, random is a dotted grey line; negative and positive signs are blue and orange,
a pair that people with any common colour blindness tell apart. Buttons are dark grey, so that colour is left to the
data. Plots use the middle tones below, which read on white and on near black.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors, sizes
from gradio.themes.utils.fonts import LocalFont

BASELINE = "#8a919c"
STEERED = "#0d9f78"
NEGATIVE = "#3b8fd4"
POSITIVE = "#e07b1a"
PLOT_TEXT = "#888"
PLOT_GRID = "rgba(128,128,128,.25)"

WEIGHTS = (400, 700)
"""Of the fonts that come with Gradio; their files of other weights hold hardly any letters."""
FOLDER = Path(__file__).parent
CSS = FOLDER / "page.css"
SCRIPTS = ("page.js", "running.js")
"""Functions that the browser calls once, as the page opens."""


class Playground(gr.themes.Base):
    """White cards on cool grey, thin lines, two font weights, no shadows, small spacing. Fonts come with Gradio."""

    def __init__(self) -> None:
        super().__init__(
            primary_hue=colors.emerald,
            secondary_hue=colors.slate,
            neutral_hue=colors.slate,
            text_size=sizes.text_sm,
            spacing_size=sizes.spacing_sm,
            radius_size=sizes.radius_sm,
            font=(LocalFont("IBM Plex Sans", WEIGHTS), "system-ui", "sans-serif"),
            font_mono=(LocalFont("IBM Plex Mono", WEIGHTS), "ui-monospace", "monospace"),
        )
        super().set(
            body_background_fill="#f5f6f8",
            body_background_fill_dark="#0e1116",
            body_text_color="#1b2430",
            body_text_color_dark="#e3e7ed",
            body_text_color_subdued="#5a6473",
            body_text_color_subdued_dark="#98a2b0",
            background_fill_primary="#ffffff",
            background_fill_primary_dark="#151a21",
            background_fill_secondary="#f5f6f8",
            background_fill_secondary_dark="#0e1116",
            border_color_primary="#dde1e7",
            border_color_primary_dark="#2a313b",
            border_color_accent="#0b7a5e",
            border_color_accent_dark="#2fc79b",
            color_accent="#0b7a5e",
            color_accent_soft="#e3f4ee",
            color_accent_soft_dark="#12352c",
            block_background_fill="#ffffff",
            block_background_fill_dark="#151a21",
            block_border_color="#dde1e7",
            block_border_color_dark="#2a313b",
            block_border_width="1px",
            block_shadow="none",
            block_shadow_dark="none",
            block_label_background_fill="transparent",
            block_label_background_fill_dark="transparent",
            block_label_border_width="0px",
            block_label_border_width_dark="0px",
            block_label_text_color="#1b2430",
            block_label_text_color_dark="#e3e7ed",
            block_title_text_color="#1b2430",
            block_title_text_color_dark="#e3e7ed",
            block_title_text_weight="500",
            block_title_text_size="12.5px",
            block_info_text_color="#5a6473",
            block_info_text_color_dark="#98a2b0",
            block_info_text_size="11.5px",
            panel_background_fill="#ffffff",
            panel_background_fill_dark="#151a21",
            input_background_fill="#ffffff",
            input_background_fill_dark="#0f141a",
            input_border_color="#cfd5dd",
            input_border_color_dark="#343c47",
            input_border_color_focus="#0b7a5e",
            input_border_color_focus_dark="#2fc79b",
            input_border_width="1px",
            input_shadow="none",
            input_shadow_dark="none",
            input_placeholder_color="#8a919c",
            input_placeholder_color_dark="#6b7582",
            slider_color="#0d9f78",
            slider_color_dark="#2fc79b",
            checkbox_background_color_selected="#0b7a5e",
            checkbox_background_color_selected_dark="#149a76",
            checkbox_border_color_selected="#0b7a5e",
            checkbox_border_color_selected_dark="#149a76",
            checkbox_label_background_fill="transparent",
            checkbox_label_background_fill_dark="transparent",
            checkbox_label_background_fill_hover="#eef1f4",
            checkbox_label_background_fill_hover_dark="#1d242d",
            checkbox_label_background_fill_selected="transparent",
            checkbox_label_background_fill_selected_dark="transparent",
            checkbox_label_text_color_selected="#1b2430",
            checkbox_label_text_color_selected_dark="#e3e7ed",
            button_primary_background_fill="#1b2430",
            button_primary_background_fill_dark="#e3e7ed",
            button_primary_background_fill_hover="#33404f",
            button_primary_background_fill_hover_dark="#ffffff",
            button_primary_border_color="#1b2430",
            button_primary_border_color_dark="#e3e7ed",
            button_primary_text_color="#ffffff",
            button_primary_text_color_dark="#10151b",
            button_secondary_background_fill="#ffffff",
            button_secondary_background_fill_dark="#1a2028",
            button_secondary_background_fill_hover="#eef1f4",
            button_secondary_background_fill_hover_dark="#242c36",
            button_secondary_border_color="#cfd5dd",
            button_secondary_border_color_dark="#343c47",
            button_secondary_text_color="#1b2430",
            button_secondary_text_color_dark="#e3e7ed",
            button_border_width="1px",
            button_large_text_size="*text_md",
            button_large_text_weight="500",
            button_large_padding="8px 14px",
            button_small_text_size="*text_sm",
            button_small_text_weight="400",
            button_primary_shadow="none",
            button_secondary_shadow="none",
            table_border_color="#dde1e7",
            table_border_color_dark="#2a313b",
            link_text_color="#0b7a5e",
            link_text_color_dark="#2fc79b",
            error_text_color="#b3261e",
            error_text_color_dark="#f2a39d",
        )


def script() -> str:
    """One function that calls those of SCRIPTS, in their order."""
    functions = [(FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return "() => {\n" + "".join(f"({function.strip()})();\n" for function in functions) + "}"
