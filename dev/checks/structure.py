# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Checks of the floor plan: which file may hold what, and which may import which.

Each check reads source below a folder and returns its problems, one text each; nothing is imported.
"""

import ast
import collections
import re

from lxml import etree

MODULE = "odoo.addons.account_pay_now"
#: Folders whose classes extend Odoo's models.
MODEL_FOLDERS = ("models", "report", "wizard")
#: What each folder of the module may import of the others.
MAY_IMPORT = {
    "gateways": {"gateways"},
    "models": {"models", "gateways"},
    "report": {"report", "models", "gateways"},
    "wizard": {"wizard", "models", "gateways"},
    "controllers": {"controllers", "models", "gateways"},
}
ROOT_FILES_MAX = 25
FILE_LINES_MAX = 700
METHOD_LINES_MAX = 40
#: Buttons of the rows of a list, and of the cards of a kanban.
ROW_BUTTONS = {"list": "button | groupby/button", "kanban": "templates//button"}
#: Rows whose buttons, while they work, let no click through to the record.
ROWS_CLASS = "o_pay_now_rows"
#: Links to items, and searches for what is open: whose the items are by now is not said by them.
LINKED = {
    "item_ids",
    "pay_now_answer_ids",
    "pay_now_reminder_ids",
    "_pay_now_linked_lines",
    "_pay_now_lines_domain",
    "_pay_now_credit_scope",
    "_pay_now_open_items_domain",
    "_pay_now_open_credits_domain",
}
#: What says it: the one rule, and what asks nothing else.
WHOSE = {"_pay_now_of", "_pay_now_of_domain", "_pay_now_customer_domain", "_own_items"}
#: Methods that give links to those who ask the rule.
GIVE_LINKS = {"_pay_now_linked_lines", "_pay_now_lines_domain", "_pay_now_credit_scope"}
#: Where the rule need not be asked, and why.
ASK_NOT = {
    "models/account_move.py:_pay_now_open_lines": "an invoice's own items",
    "models/account_move.py:_pay_now_all_in_progress": "invoices' own items",
    "models/account_move_line.py:_pay_now_still_open": "which of some items are open",
    "models/reminder/pay_now_reminder.py:_pay_now_transfer_reference": "places in a list",
    "models/reminder/pay_now_reminder_check.py:_modes": "of which companies the items are",
    "models/reminder/pay_now_reminder_letter.py:_print_letters": "compared with what is printed",
    "models/reminder/pay_now_reminder_run.py:_due_domain": "of all customers, each apart",
    "models/reminder/pay_now_reminder_sending.py:_prepare_to_leave": "compared with what leaves",
    "models/reminder/pay_now_reminder_sending.py:_note_sent": "what left a moment ago",
    "models/reminder/pay_now_reminder_sending.py:_responsible": "the company's own people",
    "wizard/pay_now_story.py:_payments_of": "what was paid, whosever the invoices are by now",
}
#: What matches entries and takes them apart, the only methods that may, and what partials are in.
MATCHING = {"reconcile", "_reconcile_plan", "remove_move_reconcile", "js_assign_outstanding_line"}
MATCH_DOORS = {
    "models/account_partial_reconcile.py:_pay_now_reconcile",
    "models/account_partial_reconcile.py:_pay_now_unreconcile",
    # A person accepts a bank line.
    "models/payout/pay_now_payout.py:_match_with",
    "models/transfer/account_bank_statement_line.py:_pay_now_match_items",
}
#: What a test activates a language with; where the literal code of one is the second group.
ACTIVATED = re.compile(r"_activate_lang\(((?:'([a-z]+)_[A-Z0-9]+')?[^)]*)\)")
#: Who brings the terms by itself.
BRING_TERMS = {"tests/prepared.py", "tests/test_untranslated.py"}
PARTIALS = re.compile(r"partial|matched_(debit|credit)_ids")
DOCUMENT = "doc/architecture.md"
#: A file or folder as the document names it, and functions of a file.
NAMED = re.compile(r"`([\w./-]+(?:\.(?:css|csv|js|md|po|py|rst|sql|toml|xml)|/))(?::([\w, ]+))?`")


def methods_defined_twice(root):
    """Name the methods of one model that several files of the module define.

    Which one wins would depend on the order of imports.
    """
    found = collections.defaultdict(set)
    for path in _files(root, *MODEL_FOLDERS):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.ClassDef) or not (model := _model_name(node)):
                continue
            for item in node.body:
                if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    found[model, item.name].add(str(path.relative_to(root)))
    return [
        f"{model}.{name} is defined in {', '.join(sorted(paths))}"
        for (model, name), paths in sorted(found.items())
        if len(paths) > 1
    ]


def names_given_twice(root):
    """Name the fields and methods that one class defines twice: the first one is lost."""
    problems = []
    for path in _files(root, *MAY_IMPORT):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ClassDef):
                continue
            counted = collections.Counter()
            for item in node.body:
                if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    counted[item.name] += 1
                elif isinstance(item, ast.Assign):
                    counted.update(one.id for one in item.targets if isinstance(one, ast.Name))
            problems += [
                f"{path.relative_to(root)}: {node.name}.{name} is defined {count} times"
                for name, count in counted.items()
                if count > 1
            ]
    return problems


def imports_upwards(root):
    """Name the imports from a package of the models into one that comes after it.

    The order of the packages is that of the imports in `models/__init__.py`; the files of
    `models/` itself stand below all of them.
    """
    init = root / "models/__init__.py"
    if not init.is_file():
        return []
    packages = [name for name in _imported_here(init) if (root / "models" / name).is_dir()]
    problems = [
        f"models/{path.parent.name}: not imported by models/__init__.py"
        for path in sorted((root / "models").glob("*/__init__.py"))
        if path.parent.name not in packages
    ]
    for path in _files(root, "models"):
        if path == init:
            continue
        parts = path.relative_to(root).parts
        rank = packages.index(parts[1]) if parts[1] in packages else -1
        for line, name in _imports(path, root):
            target = name.removeprefix("models.").partition(".")[0]
            if name.startswith("models.") and target in packages[rank + 1 :]:
                where = f"{'/'.join(parts)}:{line}"
                problems.append(f"{where}: imports models.{target}, which comes after it")
    return problems


def imports_across(root):
    """Name the imports against the direction controllers → models → gateways, wizard → models."""
    problems = []
    for folder, allowed in MAY_IMPORT.items():
        for path in _files(root, folder):
            for line, name in _imports(path, root):
                target = name.partition(".")[0]
                if target in MAY_IMPORT and target not in allowed:
                    where = f"{path.relative_to(root)}:{line}"
                    problems.append(f"{where}: {folder} must not import {target}")
    return problems


def gateways_with_odoo(root):
    """Name the imports of Odoo in the gateways, which are tested without it."""
    return [
        f"{path.relative_to(root)}:{line}: imports {name}"
        for path in _files(root, "gateways")
        for line, name in _imports(path, root, absolute=True)
        if name.partition(".")[0] == "odoo" and not name.startswith(f"{MODULE}.gateways")
    ]


def imports_of_dev(root):
    """Name what imports the development tools: they are not there where the module is used."""
    problems = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).parts
        if parts[0] in ("dev", "tests") or any(part.startswith(".") for part in parts):
            continue
        for line, name in _imports(path, root, absolute=True):
            if name.partition(".")[0] == "dev" or name.startswith(f"{MODULE}.dev"):
                problems.append(f"{'/'.join(parts)}:{line}: imports {name}")
    return problems


def tests_with_one_name(root):
    """Name test modules and test classes that have the name of another one, which hides them."""
    found = collections.defaultdict(set)
    for path in _files(root, "tests"):
        where = str(path.relative_to(root))
        if path.name.startswith("test_"):
            found["module", path.stem].add(where)
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                found["class", node.name].add(f"{where}:{node.lineno}")
    return [
        f"test {kind} {name}: {', '.join(sorted(places))}"
        for (kind, name), places in sorted(found.items())
        if len(places) > 1
    ]


def tests_not_collected(root):
    """Name test modules that Odoo never sees.

    It collects the modules named test_… that `tests/__init__.py` knows: a package of tests passes
    its own on by a star import.
    """
    top = root / "tests/__init__.py"
    if not top.is_file():
        return []
    problems = []
    starred = {
        node.module
        for node in ast.parse(top.read_text()).body
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
    }
    for path in sorted((root / "tests").rglob("test_*.py")):
        where = str(path.relative_to(root))
        init = path.parent / "__init__.py"
        if path.parent != top.parent and path.parent.name not in starred:
            problems.append(f"{where}: tests/__init__.py has no star import of {path.parent.name}")
        elif not init.is_file() or path.stem not in _imported_here(init):
            problems.append(f"{where}: not imported by {init.relative_to(root)}")
    return problems


def languages_without_terms(root):
    """Name tests that activate a language of ours without the terms of the records that are there.

    An Odoo that was installed without the language has none: `PreparedCase.load_language` has.
    """
    ours = {path.stem for path in (root / "i18n").glob("*.po")}
    problems = []
    for path in _files(root, "tests"):
        where = str(path.relative_to(root))
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = where not in BRING_TERMS and ACTIVATED.search(line)
            # One that is no literal may be one of ours.
            if found and (not found[2] or found[2] in ours):
                said = f"load_language({found[1]}) brings the terms, too"
                problems.append(f"{where}:{number}: {said}")
    return problems


def rows_behind_buttons(root):
    """Name the lists and kanbans whose rows open when a button in them is clicked twice."""
    problems = []
    folders = ("views", "wizard", "report")
    for path in sorted(one for folder in folders for one in (root / folder).glob("*.xml")):
        for view in etree.parse(path).iter(*ROW_BUTTONS):
            has_buttons = view.xpath(ROW_BUTTONS[view.tag])
            if has_buttons and ROWS_CLASS not in (view.get("class") or "").split():
                where = f"{path.relative_to(root)}:{view.sourceline}"
                problems.append(f"{where}: a {view.tag} with buttons needs the class {ROWS_CLASS}")
    return problems


def too_long(root):
    """Name files and methods that are longer than the house allows, and too many of them."""
    problems = []
    own = [path for path in (root / "models").glob("*.py") if path.name != "__init__.py"]
    if len(own) > ROOT_FILES_MAX:
        problems.append(f"models/: {len(own)} files of its own, at most {ROOT_FILES_MAX}")
    for path in _files(root, *MAY_IMPORT):
        where, text = path.relative_to(root), path.read_text()
        if (count := len(text.splitlines())) > FILE_LINES_MAX:
            problems.append(f"{where}: {count} lines, at most {FILE_LINES_MAX}")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                count = node.end_lineno - node.lineno + 1
                if count > METHOD_LINES_MAX:
                    problems.append(
                        f"{where}:{node.lineno}: {node.name} has {count} lines, "
                        f"at most {METHOD_LINES_MAX}"
                    )
    return problems


def document_names_what_is_not_there(root):
    """Name the files, folders and methods in the document of the architecture that do not exist.

    There they are written in backticks: `models/payment/`, `models/payment/pay_now_event.py`, and
    with methods `models/payment/pay_now_event.py:_store, _process`.
    """
    document = root / DOCUMENT
    if not document.is_file():
        return [f"{DOCUMENT}: missing"]
    problems = []
    for number, line in enumerate(document.read_text().splitlines(), 1):
        for name, methods in NAMED.findall(line):
            path = root / name
            if not (path.is_dir() if name.endswith("/") else path.is_file()):
                problems.append(f"{DOCUMENT}:{number}: there is no {name}")
                continue
            known = _functions(path) if path.suffix == ".py" else set()
            problems += [
                f"{DOCUMENT}:{number}: there is no {method} in {name}"
                for method in re.findall(r"\w+", methods)
                if method not in known
            ]
    return problems


def matched_elsewhere(root):
    """Name what matches entries or takes them apart past the doors, which know what was undone."""
    problems = []
    for path in _files(root, *MODEL_FOLDERS, "controllers"):
        where = str(path.relative_to(root))
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef) or f"{where}:{node.name}" in MATCH_DOORS:
                continue
            for one in ast.walk(node):
                if not isinstance(one, ast.Call) or not isinstance(one.func, ast.Attribute):
                    continue
                name, subject = one.func.attr, ast.unparse(one.func.value)
                past = name in MATCHING and not subject.startswith("super(")
                if past or (name == "unlink" and PARTIALS.search(subject)):
                    problems.append(f"{where}:{one.lineno}: {node.name} calls {name} by itself")
    return problems


def items_of_anybody(root):
    """Name the methods that read linked or open items and do not ask whose they are.

    Links outlive what they were made for: invoices are corrected, duplicated, and imported.
    """
    problems, asked_not = [], set()
    for path in _files(root, *MODEL_FOLDERS, "controllers"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef) or node.name in GIVE_LINKS:
                continue
            read = {
                one.attr: one.lineno
                for one in ast.walk(node)
                if isinstance(one, ast.Attribute) and not isinstance(one.ctx, ast.Store)
            }
            if not (found := read.keys() & LINKED) or read.keys() & WHOSE:
                continue
            where = f"{path.relative_to(root)}:{node.name}"
            asked_not.add(where)
            if where not in ASK_NOT:
                problems.append(f"{where} reads {', '.join(sorted(found))}, and not whose they are")
    return problems + [
        f"{where} asks whose items are, or is gone: take it out of ASK_NOT"
        for where in ASK_NOT
        if where not in asked_not and (root / where.partition(":")[0]).is_file()
    ]


CHECKS = (
    items_of_anybody,
    methods_defined_twice,
    names_given_twice,
    imports_upwards,
    imports_across,
    gateways_with_odoo,
    imports_of_dev,
    tests_with_one_name,
    tests_not_collected,
    languages_without_terms,
    rows_behind_buttons,
    too_long,
    document_names_what_is_not_there,
    matched_elsewhere,
)


def problems(root):
    """Return the problems of all checks.

    :param pathlib.Path root: the checkout.
    :rtype: list[str]
    """
    return [problem for check in CHECKS for problem in check(root)]


def _files(root, *folders):
    return [path for folder in folders for path in sorted((root / folder).rglob("*.py"))]


def _functions(path):
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def _model_name(node):
    """Return the name of the model that a class defines or extends."""
    values = {}
    for item in node.body:
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            try:
                values[item.targets[0].id] = ast.literal_eval(item.value)
            except ValueError:
                continue
    name = values.get("_name") or values.get("_inherit")
    return name[0] if isinstance(name, list) and name else name


def _imported_here(init):
    """Return the names that a package imports from itself, in their order."""
    return [
        name.name
        for node in ast.parse(init.read_text()).body
        if isinstance(node, ast.ImportFrom) and node.level == 1 and not node.module
        for name in node.names
    ]


def _imports(path, root, absolute=False):
    """Return line and name of what a file imports, also inside its functions.

    :param bool absolute: names as Python knows them; else what is imported of the module itself,
        named from its root.
    """
    package = path.relative_to(root).parent.parts
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = [MODULE, *package[: len(package) - node.level + 1]] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            names = [f"{source}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(node.lineno, name) for name in names]
    if absolute:
        return found
    inside = f"{MODULE}."
    return [(line, name.removeprefix(inside)) for line, name in found if name.startswith(inside)]
