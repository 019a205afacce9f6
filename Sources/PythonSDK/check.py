"""Checks a bundle's Python files without running any of them.

    python3 -I -S -B check.py FOLDER FILE...

Each FILE lies below FOLDER and is compiled, nothing more. One JSON object a line goes to standard output for each
problem, and one with "checked" when all is done: a check that was killed half way lacks it. The host runs this in
the same walls as a strategy, since a parser is attack surface too.
"""

import ast
import json
import os
import sys
import warnings

BASES = {"Strategy", "BaseStrategy", "Model"}
MODULES = {"bullpen", "base_strategy"}
LONGEST_LINE = 400


def say(**fields):
    print(json.dumps({name: value for name, value in fields.items() if value is not None}), flush=True)


def line_of(source, number):
    lines = source.split(b"\n")
    if number is None or not 0 < number <= len(lines):
        return None
    return lines[number - 1].decode("utf-8", "replace").rstrip("\r")[:LONGEST_LINE]


def parse(file, source):
    """The syntax tree, or None when the file does not parse; the problem is said then."""
    try:
        tree = compile(source, file, "exec", flags=ast.PyCF_ONLY_AST, dont_inherit=True)
        # The tree is not everything: `return` outside a function is found by the compiler proper.
        compile(source, file, "exec", dont_inherit=True)
        return tree
    except SyntaxError as error:
        line = error.lineno
        text = error.text.rstrip("\r\n")[:LONGEST_LINE] if error.text else line_of(source, line)
        say(
            problem="syntax",
            file=file,
            line=line,
            column=error.offset if error.offset and error.offset > 0 else None,
            message=f"{type(error).__name__}: {error.msg}",
            source=text,
        )
    except ValueError as error:
        number = source[: source.find(b"\0")].count(b"\n") + 1 if b"\0" in source else None
        say(problem="syntax", file=file, line=number, message=f"ValueError: {error}")
    except (RecursionError, MemoryError) as error:
        words = str(error) or "the code is too deeply nested or too large to compile"
        say(problem="syntax", file=file, message=f"{type(error).__name__}: {words}")
    return None


def base_names(tree):
    """The names under which this file knows the SDK's base classes, and those of the SDK's modules."""
    names, modules = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            if node.module.split(".")[0] in MODULES:
                for alias in node.names:
                    if alias.name == "*":
                        names |= BASES
                    elif alias.name in BASES:
                        names.add(alias.asname or alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in MODULES:
                    modules.add(alias.asname or alias.name.split(".")[0])
    return names, modules


def defines_strategy(tree):
    """Whether the file defines a class that derives, perhaps through another one in it, from a base class."""
    names, modules = base_names(tree)
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found = False
    for _ in classes:
        before = len(names)
        for node in classes:
            for base in node.bases:
                if isinstance(base, ast.Subscript):
                    base = base.value
                named = isinstance(base, ast.Name) and base.id in names
                owner = base
                while isinstance(owner, ast.Attribute):
                    owner = owner.value
                dotted = (
                    isinstance(base, ast.Attribute)
                    and base.attr in BASES
                    and isinstance(owner, ast.Name)
                    and owner.id in modules
                )
                if named or dotted:
                    names.add(node.name)
                    found = True
        if len(names) == before:
            break
    return found


def main(arguments):
    warnings.simplefilter("ignore")
    folder, files = arguments[0], arguments[1:]
    parsed = failed = 0
    found = False
    for file in files:
        try:
            with open(os.path.join(folder, file), "rb") as handle:
                source = handle.read()
        except OSError as error:
            say(problem="check_failed", file=file, message=f"cannot be read: {error.strerror}")
            failed += 1
            continue
        tree = parse(file, source)
        if tree is None:
            failed += 1
            continue
        parsed += 1
        try:
            found = defines_strategy(tree) or found
        except RecursionError:
            say(problem="syntax", file=file, message="RecursionError: the code is too deeply nested")
            failed += 1
    if not found and failed == 0:
        say(
            problem="strategy_class_missing",
            message="no class derives from Strategy, Model or BaseStrategy; write `from bullpen import Strategy` and "
            "`class MyStrategy(Strategy):` with the handlers you need",
        )
    say(checked=parsed + failed)


if __name__ == "__main__":
    main(sys.argv[1:])
