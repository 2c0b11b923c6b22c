"""What a module imports, read from its text."""

import ast


def imports(path, root):
    """Yield what a module imports, wherever in it, as dotted names."""
    package = ".".join(path.relative_to(root).with_suffix("").parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            if module == "theftwatch":  # what is imported from here is a module itself
                yield from (f"{module}.{alias.name}" for alias in node.names)
            else:
                yield module
