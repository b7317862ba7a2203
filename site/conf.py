"""Sphinx's settings for the site; scripts/docs prepares the pages and builds it."""

import nnguide

project = "nnguide"
version = release = nnguide.__version__
html_title = f"nnguide {release}"
language = "en"

extensions = ["myst_parser", "sphinx_design"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
nitpicky = True

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["extra"]
html_copy_source = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0062a3",
        "color-brand-content": "#0062a3",
        "font-stack--headings": "var(--font-stack)",
    },
    "dark_css_variables": {
        "color-brand-primary": "#6cb6ff",
        "color-brand-content": "#6cb6ff",
    },
}
