"""How Sphinx builds the documentation: `docs/build`."""

import pathlib
import re
import sys

DOCS = pathlib.Path(__file__).parent
sys.path.insert(0, str(DOCS / "extensions"))

project = "Cobble"
copyright = "the Cobble maintainers, Apache-2.0"
release = re.search(r"project\(\S+ VERSION ([0-9.]+)", (DOCS.parent / "CMakeLists.txt").read_text()).group(1)

extensions = ["myst_parser", "generated_parts"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["extensions"]
nitpicky = True

html_theme = "furo"
html_title = f"Cobble {release}"
html_extra_path = ["reference/openapi.yaml", "../layers/layer.schema.json"]
html_copy_source = False
html_show_sphinx = False
