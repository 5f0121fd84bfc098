# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""How texts are written: French typography, no plural in brackets, a word in each empty list."""

import ast
import re

from lxml import etree

NO_BREAK, NARROW = "\u00a0", "\u202f"
#: What is no text of its own: tags, template expressions, placeholders, entities, addresses.
NO_TEXT = re.compile(
    r"<[^<>]*>|\{\{.*?\}\}|%\(\w+\)[sdifr]|%[sdifr]\b|&#?\w+;|\bhttps?://\S*|\bobject\.\w+\([^)]*\)",
    re.S,
)
#: Stands for what is no text, of whatever length; letters may touch it.
HOLE = "\ue000"
SPACES = f"[ {NO_BREAK}{NARROW}]*"
#: What each rule of French looks for, and what is written instead.
FRENCH = (
    (re.compile(rf"(?<=[^\W\d_])'(?=[\w{HOLE}«])"), "’"),
    (re.compile(rf"(?<=[^\s(]){SPACES}([;!?]+)(?=[\s)»{HOLE}]|$)"), rf"{NARROW}\1"),
    (re.compile(rf"(?<=[^\s(]){SPACES}:(?=[\s)»{HOLE}]|$)"), f"{NO_BREAK}:"),
    (re.compile(rf"«{SPACES}(?=\S)"), f"«{NO_BREAK}"),
    (re.compile(rf"(?<=\S){SPACES}»"), f"{NO_BREAK}»"),
)
#: "invoice(s)", "Rechnung(en)": the reader gets one or many, never both.
BRACKETED = re.compile(
    r"[^\W\d_]\((?:s|es|ies|e|x|aux|ne|nes|n|en|er|in|a|as|o|os|i|is|ns|ões|'s)\)", re.I
)
#: Source that people read: texts in Python, and all of XML.
SOURCE_FOLDERS = ("controllers", "data", "gateways", "models", "report", "views", "wizard")

#: Where actions are made by code.
ACTIONS = ("models", "report", "wizard")
#: Views that are empty where there is nothing to show.
LISTS = {"activity", "calendar", "graph", "kanban", "list", "pivot"}


def french(text):
    """Return a French text with its apostrophes and spaces as French prints them.

    A narrow no-break space stands before ; ! ?, a no-break space before : and inside « ».
    """
    holes = NO_TEXT.findall(text)
    text = NO_TEXT.sub(HOLE, text)
    for pattern, instead in FRENCH:
        text = pattern.sub(instead, text)
    for hole in holes:
        text = text.replace(HOLE, hole, 1)
    return text


def problem(text, is_french=False):
    """Return what is wrong with how a text is written, or nothing."""
    if BRACKETED.search(NO_TEXT.sub(HOLE, text)):
        return "a plural in brackets: write one text for one, and one for many"
    if is_french and (written := french(text)) != text:
        return f"apostrophes and spaces: {written[:80]!r}"
    return ""


def source_problems(root):
    """Name the texts of the source that have a plural in brackets.

    :param pathlib.Path root: the folder of the module.
    """
    problems = []
    for folder in SOURCE_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix == ".py":
                texts = _texts(path.read_text())
            elif path.suffix == ".xml":
                texts = enumerate(path.read_text().splitlines(), 1)
            else:
                continue
            problems += [
                f"{path.relative_to(root)}:{line}: {found}"
                for line, text in texts
                if (found := problem(text))
            ]
    return problems


def lists_without_help(root):
    """Name the window actions whose list, when it is empty, does not say what to do next.

    :param pathlib.Path root: the folder of the module.
    """
    silent = set()
    for path in sorted(root.glob("*/*.xml")):
        for record in etree.parse(path).xpath("//record[@model='ir.actions.act_window']"):
            modes = "".join(record.xpath("field[@name='view_mode']/text()")) or "list,form"
            if not LISTS & set(modes.split(",")):
                continue
            if not record.xpath("field[@name='help']//text()[normalize-space()]"):
                silent.add(f"{path.relative_to(root)}: {record.get('id')}")
    for path in sorted(one for folder in ACTIONS for one in root.glob(f"{folder}/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            values = _constants(node)
            modes = values.get("view_mode") or ""
            is_list = LISTS & set(modes.split(",")) if isinstance(modes, str) else False
            if values.get("type") == "ir.actions.act_window" and is_list and "help" not in values:
                silent.add(f"{path.relative_to(root)}:{node.lineno}: {modes}")
    return [f"{where}: a list without help" for where in sorted(silent)]


def _constants(node):
    """Return what a dict in the source says, None for what is not written there."""
    if not isinstance(node, ast.Dict):
        return {}
    return {
        key.value: value.value if isinstance(value, ast.Constant) else None
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant)
    }


def _texts(source):
    """Return the line and value of each text in Python source, docstrings apart."""
    tree = ast.parse(source)
    texts = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.setdefault(node, (node.lineno, node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            texts.pop(node.value, None)
    return list(texts.values())
