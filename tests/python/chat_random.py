"""Random chat templates made of the subset of Jinja that docs/chat_templates.md lists.

Typed, so that a template hardly ever asks for what Python refuses (text + number), and never for
what the subset leaves out (a list printed as text, upper() of "ß").
"""

import random
import re

TEXTS = ["a", "B", " x ", "", "ab,c", "Zoë", "日本", "a\\nb", "  \\t", "it\\'s", "é\\u00e8", "🙂", "{{", "%}"]
ASCII = ["a", "Bc", " d ", "user", "e-F"]
SPACE = ["", " ", "\n", "\n  ", "  \n", "\t", " \n\n "]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.loops = 0

    def one(self, *choices):
        return self.random.choice(choices)()

    def quoted(self, texts):
        return "'" + self.random.choice(texts) + "'"

    def number_literal(self):
        return str(self.random.choice([0, 1, 2, 3, 7, 10]))

    # Expressions, by the type of their value; `depth` is what is left.

    def ascii(self, depth):
        if depth <= 0 or not self.loops:
            return self.quoted(ASCII)
        return self.one(lambda: self.quoted(ASCII), lambda: "m.role", lambda: "m['role']")

    def text(self, depth):
        if depth <= 0:
            return self.one(lambda: self.quoted(TEXTS), lambda: "messages[0].content",
                            lambda: "missing" + self.random.choice(["|trim", "|default('d')", "|string"]),
                            lambda: "messages[-1]['role']", lambda: "t")
        d = depth - 1
        return self.one(
            lambda: self.quoted(TEXTS) + " " + self.quoted(TEXTS),
            lambda: f"({self.text(d)} + {self.text(d)})",
            lambda: f"({self.text(d)} ~ {self.scalar(d)} ~ {self.scalar(d)})",
            lambda: f"({self.text(d)} if {self.truth(d)} else {self.text(d)})",
            lambda: f"({self.text(d)} or {self.text(d)})",
            lambda: f"({self.text(d)} and {self.text(d)})",
            lambda: f"({self.text(d)})|{self.random.choice(['trim', 'string', 'reverse'])}",
            lambda: f"({self.text(d)})|trim('{self.random.choice(['a', ' x', 'éB'])}')",
            lambda: f"({self.text(d)})|replace({self.quoted(TEXTS)}, {self.quoted(TEXTS)})",
            lambda: f"({self.text(d)})|default({self.text(d)}, true)",
            lambda: f"({self.texts(d)})|join({self.quoted(TEXTS)})",
            lambda: f"({self.texts(d)})|{self.random.choice(['first', 'last'])}|default('none')",
            lambda: f"({self.scalar(d)})|string",
            lambda: f"({self.json(d)})|tojson",
            lambda: f"({self.ascii(d)})|{self.random.choice(['upper', 'lower', 'capitalize'])}",
            lambda: f"({self.ascii(d)}).{self.random.choice(['upper', 'lower', 'capitalize'])}()",
            lambda: f"({self.text(d)}).{self.random.choice(['', 'l', 'r'])}strip({self.strip_set()})",
            lambda: f"({self.text(d)}).replace({self.quoted(TEXTS)}, {self.quoted(TEXTS)}, 1)",
            lambda: f"({self.text(d)})[{self.slice(d)}]",
            lambda: f"({self.text(d)})[{self.number(d)}]|string",
            lambda: f"({self.text(d)}).split({self.quoted(['a', ',', 'x'])})[{self.random.choice([0, -1])}]",
            lambda: f"({self.quoted(TEXTS)} * {self.random.choice([0, 1, 3])})",
            lambda: f"{{'k': {self.text(d)}, 'l': {self.text(d)}}}['{self.random.choice('kl')}']",
            lambda: f"{{'k': {self.text(d)}}}.get('{self.random.choice('kz')}', {self.text(d)})",
            lambda: self.in_loop("m.content", "m['content']", "loop.previtem.role|string", "x|string"))

    def in_loop(self, *choices):
        text = self.random.choice(choices)
        if not self.loops:
            return "t"
        return "(loop.previtem.role if loop.previtem else '-')" if "previtem" in text else text

    def strip_set(self):
        return self.random.choice(["", "'a'", "' \\n'", "'éx'", "none"])

    def slice(self, depth):
        part = lambda: self.random.choice(["", self.number(depth), "-1", "-2"])
        return part() + ":" + part() + self.random.choice(["", "", ":-1", ":2", ":"])

    def number(self, depth):
        if depth <= 0:
            return self.one(self.number_literal, lambda: "n", lambda: "messages|length")
        d = depth - 1
        return self.one(
            self.number_literal,
            lambda: f"({self.number(d)} {self.random.choice('+-*')} {self.number(d)})",
            lambda: f"({self.number(d)} {self.random.choice(['%', '//'])} {self.random.choice([2, 3, -3])})",
            lambda: f"-({self.number(d)})",
            lambda: f"({self.text(d)})|length",
            lambda: f"({self.texts(d)})|count",
            lambda: f"({self.text(d)}).find({self.quoted(TEXTS)})",
            lambda: f"(true + {self.number(d)})",
            lambda: "loop." + self.random.choice(["index", "index0", "revindex", "revindex0", "length"])
            if self.loops else "ns.count")

    def truth(self, depth):
        if depth <= 0:
            return self.random.choice(["true", "false", "missing", "none", "add_generation_prompt", "0"])
        d = depth - 1
        compare = self.random.choice(["==", "!=", "<", "<=", ">", ">="])
        return self.one(
            lambda: f"({self.text(d)} {compare} {self.text(d)})",
            lambda: f"({self.number(d)} {compare} {self.number(d)})",
            lambda: f"({self.number(d)} < {self.number(d)} <= {self.number(d)})",
            lambda: f"({self.number(d)} % 2 == 0 != ({self.truth(d)}))",
            lambda: f"({self.scalar(d)} == {self.scalar(d)})",
            lambda: f"({self.texts(d)} == {self.texts(d)})",
            lambda: f"({self.text(d)} {self.random.choice(['in', 'not in'])} {self.text(d)})",
            lambda: f"({self.scalar(d)} in {self.texts(d)})",
            lambda: f"('role' in messages[0])",
            lambda: f"(not {self.truth(d)})",
            lambda: f"({self.truth(d)} {self.random.choice(['and', 'or'])} {self.truth(d)})",
            lambda: f"({self.any(d)} is {self.random.choice(['', 'not '])}{self.test(d)})",
            lambda: f"({self.text(d)}).startswith({self.quoted(TEXTS)})",
            lambda: f"({self.text(d)}).endswith(({self.quoted(TEXTS)}, {self.quoted(TEXTS)}))",
            lambda: "loop." + self.random.choice(["first", "last"]) if self.loops else "ns.flag")

    def test(self, depth):
        return self.one(
            lambda: self.random.choice(["defined", "undefined", "none", "string", "mapping", "iterable",
                                        "number", "integer", "boolean", "true", "false", "sequence"]),
            lambda: f"equalto({self.scalar(depth)})", lambda: f"in({self.texts(depth)})",
            lambda: "eq " + self.number_literal(), lambda: "ne 'a'")

    def scalar(self, depth):
        return self.one(lambda: self.text(depth), lambda: self.number(depth), lambda: self.truth(depth),
                        lambda: "none")

    def texts(self, depth):
        if depth <= 0:
            return self.one(lambda: f"[{self.quoted(TEXTS)}, {self.quoted(TEXTS)}]", lambda: "[]", lambda: "l")
        d = depth - 1
        return self.one(
            lambda: f"[{self.text(d)}, {self.text(d)}, {self.text(d)}]",
            lambda: f"({self.texts(d)} + {self.texts(d)})",
            lambda: f"({self.texts(d)})[{self.slice(d)}]",
            lambda: f"({self.text(d)}).split({self.random.choice(['', self.quoted(['a', ' ', 'x,'])])})",
            lambda: f"({self.text(d)})|list",
            lambda: f"({self.texts(d)})|reverse|list",
            lambda: "messages|map(attribute='role')|list",
            lambda: "messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|list",
            lambda: "messages|rejectattr('role', 'in', ['user'])|map(attribute='content')|list",
            lambda: f"{{'a': 1, 'b': {self.scalar(d)}}}.keys()|list",
            lambda: f"({self.texts(d)} if {self.truth(d)} else [])")

    def json(self, depth):
        return self.one(lambda: self.scalar(depth), lambda: self.texts(depth), lambda: "messages[0]",
                        lambda: f"{{'a': {self.scalar(depth)}, 'b': [{self.scalar(depth)}]}}")

    def any(self, depth):
        return self.one(lambda: self.scalar(depth), lambda: self.texts(depth), lambda: "missing",
                        lambda: "messages", lambda: "messages[9]", lambda: "messages[0].nothing", lambda: "ns")

    # Statements

    def open(self, block=True):
        return ("{%" if block else "{{") + self.random.choice(["", "", "-", "+"]) + self.random.choice([" ", ""])

    def close(self, block=True):
        sign = self.random.choice(["", "", "-", "+"] if block else ["", "", "-"])
        return " " + sign + ("%}" if block else "}}")

    def tag(self, content):
        # "{%+3" and "{%-3" would read their number's sign as the tag's
        return self.open() + " " + content + self.close()

    def body(self, depth):
        return "".join(self.statement(depth) for _ in range(self.random.randint(1, 3)))

    def statement(self, depth):
        space = lambda: self.random.choice(SPACE)
        choices = [
            lambda: space() + self.random.choice(["word", "é", "<|im_end|>", "}}", "'"]) + space(),
            lambda: space() + self.open(False) + " " + self.scalar(3) + self.close(False) + space(),
            lambda: space() + self.tag(f"set t = {self.text(2)}") + space(),
            lambda: self.tag(f"set n = {self.number(1)} % 100"),
            lambda: self.tag(f"set l = {self.texts(2)}") + space(),
            lambda: self.tag(f"set ns.count = {self.number(1)} % 100") + space(),
            lambda: self.tag(f"set a, t = {self.scalar(1)}, {self.text(1)}"),
            lambda: space() + "{#" + self.random.choice(["-", "", "+"]) + " c "
            + self.random.choice(["-", "", "+"]) + "#}" + space()]
        if depth > 0:
            choices += [lambda: self.condition(depth - 1), lambda: self.loop(depth - 1),
                        lambda: space() + self.tag("set t") + self.body(depth - 1) + self.tag("endset") + space()]
        if self.loops:
            choices.append(lambda: self.tag(f"if {self.truth(1)}") + self.tag(
                self.random.choice(["break", "continue"])) + self.tag("endif"))
        return self.random.choice(choices)()

    def condition(self, depth):
        text = self.random.choice(SPACE) + self.tag(f"if {self.truth(3)}") + self.body(depth)
        if self.random.random() < 0.4:
            text += self.tag(f"elif {self.any(2)}") + self.body(depth)
        if self.random.random() < 0.5:
            text += self.tag("else") + self.body(depth)
        return text + self.tag("endif") + self.random.choice(SPACE)

    def loop(self, depth):
        head = self.one(
            lambda: ("m", "messages"), lambda: ("m", "messages[::-1]"), lambda: ("m", "messages|reverse"),
            lambda: ("m", "messages|selectattr('role', 'ne', 'user')"),
            lambda: ("m", "messages if m.role != 'assistant'"),
            lambda: ("m", f"messages if {self.truth(1)}"))
        extra = self.random.random() < 0.3
        inner = f"for x in {self.texts(2)}" if not extra else f"for k, x in {{'a': {self.scalar(1)}}}.items()"
        text = self.random.choice(SPACE) + self.tag(f"for {head[0]} in {head[1]}")
        self.loops += 1
        text += self.tag("set x = m.role") + self.body(depth)
        if self.random.random() < 0.3:
            text += self.tag(inner) + "{{ loop.index }}{{ x }}" + self.tag("endfor")
        self.loops -= 1
        if self.random.random() < 0.3:
            text += self.tag("else") + self.body(depth)
        return text + self.tag("endfor") + self.random.choice(SPACE)

    def template(self):
        start = "{%- set ns = namespace(count=1, flag=true) -%}{% set t, n, l = 'T', 5, ['l'] -%}"
        if self.random.random() < 0.3:
            start += "{% macro f(t, n=2) %}" + self.body(1) + "{% endmacro %}"
            return start + self.body(2) + "{{ f(" + self.text(1) + ") }}" + self.body(2)
        return start + self.body(3) + self.body(3)


def template(seed):
    return Maker(seed).template()


def small_template(seed):
    maker = Maker(seed)
    return "{% set ns = namespace(count=1) %}{% set t, n, l = 'T', 5, ['l'] %}" + maker.body(1)


PIECE = re.compile(r"\{[%{#][-+]?|[-+]?[%}#]\}|\w+|\s+|.", re.S)
INSERTED = ["-", "(", ")", "[", "'", " if ", " else ", " in ", ".x", "|", "{{", "}}", "%}", "~", " not ", " is ",
            ",", " loop ", "2", " none ", "[0]", "[1:]", "()", "==", "=", "{", ":"]


def mutate(text, seed):
    """The template with a piece lost, doubled, exchanged or added: often no Jinja any more."""
    chance = random.Random(seed)
    pieces = PIECE.findall(text)
    at, other = chance.randrange(len(pieces)), chance.randrange(len(pieces))
    what = chance.random()
    if what < 0.3:
        del pieces[at]
    elif what < 0.5:
        pieces.insert(at, pieces[other])
    elif what < 0.7:
        pieces[at] = pieces[other]
    else:
        pieces.insert(at, chance.choice(INSERTED))
    return "".join(pieces)
