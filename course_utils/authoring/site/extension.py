"""What the site teaches Sphinx: equations by KaTeX, and folds that every reader can open."""

from __future__ import annotations

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.config import Config

from course_utils.authoring.site import node as npm


def setup(app: Sphinx) -> dict:
    """Called by Sphinx."""
    app.add_config_value("made_by", "", "env")  # changes with the site's own code, and then every page is made anew
    app.add_html_math_renderer("katex", (_inline, None), (_display, None))
    app.add_node(HideCodeCellNode, override=True, html=(_open_fold, _close_fold))
    app.connect("config-inited", _add_static)
    app.connect("builder-inited", _keep_out_of_the_way, priority=900)
    app.connect("doctree-resolved", _draw_equations)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add_static(app: Sphinx, config: Config) -> None:
    """What was written for these pages: figures, notebooks to take along, fonts."""
    config.html_static_path.append(str(app.srcdir / "static"))
    config.exclude_patterns.append("static")


def _keep_out_of_the_way(app: Sphinx) -> None:
    """myst-nb writes its copies of notebooks beside the site unless told otherwise."""
    app.env.mystnb_config.output_folder = str(app.doctreedir / "outputs")


def _output(builder: StandaloneHTMLBuilder) -> str:
    return "mathml" if builder.name == "epub" else "htmlAndMathml"


def _draw_equations(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Draws all equations of a page at once, since each call of Node costs more than hundreds of them."""
    found = [(m.astext(), isinstance(m, nodes.math_block)) for kind in (nodes.math, nodes.math_block)
             for m in doctree.findall(kind)]
    if app.builder.format == "html" and found:
        try:
            npm.equations(found, _output(app.builder))
        except ValueError as e:
            raise ValueError(f"{name}: {e}") from None


def _inline(translator, node: nodes.math) -> None:
    translator.body.append(_draw(translator, node, False))
    raise nodes.SkipNode


def _display(translator, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="equation">{_draw(translator, node, True)}</div>\n')
    raise nodes.SkipNode


def _draw(translator, node: nodes.math | nodes.math_block, display: bool) -> str:
    return npm.equations([(node.astext(), display)], _output(translator.builder))[0]


def _open_fold(translator, node: HideCodeCellNode) -> None:
    translator.body.append(f'<details class="code"><summary>{node["prompt_show"]}</summary>\n')


def _close_fold(translator, node: HideCodeCellNode) -> None:
    translator.body.append("</details>\n")
