"""Drop what Jupyter Book would load from another host: thebe (live code), which this book has no use for."""


def _is_thebe(file):
    """Whether a script is thebe's: by its file, or by the constants that an inline one declares."""
    return "thebe" in f"{getattr(file, 'filename', file)} {getattr(file, 'attributes', {}).get('body', '')}".lower()


def _drop(app, pagename, templatename, context, doctree):
    context["script_files"] = [f for f in context.get("script_files", []) if not _is_thebe(f)]


def setup(app):
    """Sphinx calls this; 900 is after sphinx-thebe has added its files."""
    app.connect("html-page-context", _drop, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
