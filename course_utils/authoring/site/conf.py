"""Sphinx's configuration of the site; folders and what is chosen come from `course_utils.authoring.site`."""

import importlib.metadata

project = "Generative models, filled in by hand"
author = "the authors of the course"
copyright = "the authors of the course; text and figures CC BY 4.0, code MIT"
version = release = importlib.metadata.version("course_utils")
html_title = project
language = "en"

extensions = ["myst_nb", "course_utils.authoring.site.extension"]
nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show = "Code"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "katex"
suppress_warnings = ["mystnb.unknown_mime_type"]

html_theme = "sphinx_book_theme"
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "home_page_in_toc": False,
    "navbar_persistent": [],
    "show_navbar_depth": 1,
    "show_toc_level": 1,
    "toc_title": "On this page",
    "pygments_light_style": "github-light",
    "pygments_dark_style": "github-dark",
    "footer_content_items": ["copyright.html"],
    "article_header_end": ["article-header-buttons.html"],
}
templates_path = [] if tags.has("epub") else ["templates"]  # noqa: F821  (Sphinx gives `tags`)
html_static_path = ["static"]  # and what `pages` writes there
html_favicon = "static/icon.svg"
html_css_files = ["katex/katex.min.css", "site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_sidebars = {"**": ["navbar-logo.html", "search-button-field.html", "sbt-sidebar-nav.html"]}
html_permalinks_icon = "#"
html_use_index = False

epub_title = project
epub_show_urls = "no"
epub_use_index = False
epub_css_files = ["book.css"]
