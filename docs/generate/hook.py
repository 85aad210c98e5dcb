"""What mkdocs calls: pages that are made from the program itself, so that they say what it does now."""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from docs.generate import commands, configuration


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of commands and of configuration keys."""
    for name, page in (("commands.md", commands.page), ("configuration.md", configuration.page)):
        files.append(File.generated(config, name, content=page()))
    return files
