#!/usr/bin/env python3
"""Generates documents and lets libxml2 canonicalise them.

    tests/peers/c14n_libxml2.py FOLDER [COUNT] [SEED]

FOLDER gets a manifest.jsonl with an input and the octets of libxml2 for each case. The native tests run it with one seed;
`EDGE_SAML_CORPUS=FOLDER cargo test --test it c14n` reads a folder of another.
"""

import ctypes
import ctypes.util
import json
import pathlib
import random
import sys

METHODS = {
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315": 0,
    "http://www.w3.org/2001/10/xml-exc-c14n#": 1,
    "http://www.w3.org/2006/12/xml-c14n11": 2,
}
# No `&` in them: libxml2 writes it unescaped, or as it was spelled.
NAMESPACES = ["urn:one", "urn:two", "http://example.org/three?a=1"]
PREFIXES = ["", "a", "b", "c", "long-prefix"]
NAMES = ["e", "f", "g", "a"]
TEXTS = [
    "text", " ", "\n\t", "\r\n", "\r", "&amp;&lt;&gt;&quot;&apos;", "&#13;", "&#13;\n", "&#x9;&#xA;", "<![CDATA[<&>\"']]>",
    "<![CDATA[]]>", "]]&gt;", "\u00e9\u4e2d\U0001f600", "&#x1F600;", "'\"", "<![CDATA[\r\n]]>x",
]
VALUES = [
    "", "v", " a  b ", "a\tb\nc", "a\r\nb\rc", "&#13;&#10;&#9;", "&amp;&lt;&gt;&quot;&apos;", ">", "\u00e9\U0001f600", "&#x41;",
]
# Options of the parser: no network, entities replaced, no output.
NONET, NOENT, QUIET = 2048, 2, 32 | 64
BASES = ["x", "x/", "../x", "http://h/p/q", "http://h/p/q?r", "x/y/z", "/abs/p", "./x", "x//y"]


class Generator:
    def __init__(self, rng):
        self.rng = rng
        self.elements = []  # (local name, key) in document order

    def document(self):
        head = self.rng.choice(["", "<?xml version='1.0'?>", "\n"])
        misc = lambda: "".join(self.rng.choice(["\n", "<!-- c -->", "<?p d  ?>", "<?q?>"]) for _ in range(self.rng.choice([0, 0, 2, 4])))
        return head + misc() + self.element({}, 0) + misc()

    def element(self, scope, depth):
        rng, scope = self.rng, dict(scope)
        declarations = []
        for prefix in PREFIXES:
            if rng.random() < (0.5 if depth == 0 else 0.2):
                if prefix == "":
                    scope[""] = rng.choice(NAMESPACES + [""])
                    declarations.append(f'xmlns="{scope[""]}"')
                else:
                    scope[prefix] = rng.choice(NAMESPACES)
                    declarations.append(f"xmlns:{prefix}='{scope[prefix]}'")
        bound = [prefix for prefix in scope if prefix]
        prefix = rng.choice([""] + bound)
        local = rng.choice(NAMES)
        name = f"{prefix}:{local}" if prefix else local
        key = len(self.elements)
        self.elements.append((local, key))
        attributes, used = [f'k="{key}"'], set()
        for _ in range(rng.choice([0, 0, 1, 3])):
            attribute_prefix, attribute = rng.choice([""] + bound), rng.choice(["x", "y", "e", "Z"])
            expanded = (scope.get(attribute_prefix) if attribute_prefix else "", attribute)
            if expanded not in used:
                used.add(expanded)
                attributes.append((f"{attribute_prefix}:" if attribute_prefix else "") + f'{attribute} = "{rng.choice(VALUES)}"')
        for attribute, value in [
            ("lang", rng.choice(["en", ""])), ("space", "preserve"), ("id", f"i{key}"), ("other", "o"),
            ("base", rng.choice(BASES)),
        ]:
            if rng.random() < 0.12:
                attributes.append(f"xml:{attribute}='{value}'")
        everything = declarations + attributes
        rng.shuffle(everything)
        content = ""
        if depth < 6 and rng.random() < 0.85:
            for _ in range(rng.choice([0, 1, 2, 4])):
                kind = rng.random()
                if kind < 0.5:
                    content += self.element(scope, depth + 1)
                elif kind < 0.8:
                    content += rng.choice(TEXTS)
                elif kind < 0.9:
                    content += rng.choice(["<!---->", "<!-- <x> & -->", "<!--\r\n-->"])
                else:
                    content += rng.choice(["<?p?>", "<?p   d?d ?>", "<?p\r\n<x>&?>"])
        space = rng.choice([" ", "\n", "  "])
        tag = space.join([name] + everything)
        if not content and rng.random() < 0.5:
            return f"<{tag}{rng.choice(['', ' '])}/>"
        return f"<{tag}>{content}</{name}{rng.choice(['', ' '])}>"


class Libxml2:
    def __init__(self):
        self.lib = lib = ctypes.CDLL(ctypes.util.find_library("xml2"))
        for function in ["xmlReadMemory", "xmlXPathNewContext", "xmlXPathEvalExpression"]:
            getattr(lib, function).restype = ctypes.c_void_p
        lib.xmlParserVersion = ctypes.c_char_p.in_dll(lib, "xmlParserVersion")

    def canonicalize(self, octets, mode, comments, prefixes, path):
        lib = self.lib
        document = ctypes.c_void_p(lib.xmlReadMemory(octets, len(octets), None, None, NONET | NOENT | QUIET))
        assert document, octets
        context = result = None
        nodes = ctypes.c_void_p()
        if path:
            context = ctypes.c_void_p(lib.xmlXPathNewContext(document))
            result = ctypes.c_void_p(lib.xmlXPathEvalExpression(path.encode(), context))
            # struct { int type; xmlNodeSetPtr nodesetval; … }
            nodes = ctypes.cast(result, ctypes.POINTER(ctypes.c_void_p * 2)).contents[1]
            nodes = ctypes.c_void_p(nodes)
        names = (ctypes.c_char_p * (len(prefixes) + 1))(*[name.encode() for name in prefixes], None)
        out = ctypes.c_char_p()
        length = lib.xmlC14NDocDumpMemory(document, nodes, mode, names if prefixes else None, int(comments), ctypes.byref(out))
        assert length >= 0, (octets, path)
        canonical = ctypes.string_at(out, length)
        if result:
            lib.xmlXPathFreeObject(result)
            lib.xmlXPathFreeContext(context)
        lib.xmlFreeDoc(document)
        return canonical


def main():
    folder, count, seed = pathlib.Path(sys.argv[1]), int((sys.argv + [0, 1000])[2] or 1000), 1
    if len(sys.argv) > 3:
        seed = int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    libxml2 = Libxml2()
    with open(folder / "manifest.jsonl", "w", encoding="utf-8") as manifest:
        for index in range(count):
            rng = random.Random(f"{seed}/{index}")
            generator = Generator(rng)
            octets = generator.document().encode()
            algorithm, mode = rng.choice(list(METHODS.items()))
            comments = rng.random() < 0.5
            params, prefixes, path = {}, [], None
            if mode == 1 and rng.random() < 0.5:
                prefixes = rng.sample(["#default", "a", "b", "c", "unbound"], rng.randint(1, 3))
                params["prefix_list"] = " ".join(prefixes)
            everything = "(//. | //@* | //namespace::*)"
            conditions = []
            select = lambda place: "(//*[local-name()='{}'])[{}]".format(
                generator.elements[place][0],
                sum(local == generator.elements[place][0] for local, _ in generator.elements[: place + 1]),
            )
            apex = rng.randrange(len(generator.elements)) if rng.random() < 0.7 else None
            if apex is not None:
                params["apex_xpath"] = select(apex)
                conditions.append(f"ancestor-or-self::*[@k='{apex}']")
            omit = rng.randrange(len(generator.elements)) if rng.random() < 0.4 else None
            if omit is not None and omit > (apex or 0):
                params["exclude_xpath"] = [select(omit)]
                conditions.append(f"not(ancestor-or-self::*[@k='{omit}'])")
            if conditions:
                path = f"{everything}[{' and '.join(conditions)}]"
            name = f"generated-{seed}-{index}"
            (folder / f"{name}.xml").write_bytes(octets)
            (folder / f"{name}.c14n").write_bytes(libxml2.canonicalize(octets, mode, comments, prefixes, path))
            if comments:
                algorithm = algorithm.rstrip("#") + "#WithComments"
            case = {
                "id": name, "kind": "c14n", "file": f"{name}.xml", "expected_file": f"{name}.c14n", "accept": ["valid"],
                "algs": [algorithm], "params": params,
            }
            manifest.write(json.dumps(case) + "\n")


main()
