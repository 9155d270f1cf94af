"""JSON Schemas as clients may send them: sound ones, drawn at random, and odd ones by name."""

from hypothesis import strategies as st

KEYS = st.sampled_from(["name", "a", "a b", "道", '"', "\\", "é\n", "$ref", "type", "{"])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-99, 99), KEYS)
# Of strings, all with an end that a model of random weights reaches.
STRINGS = st.sampled_from(
    [
        {"type": "string", "maxLength": 4},
        {"type": "string", "minLength": 2, "maxLength": 5},
        {"type": "string", "pattern": "^[a-c]{1,3}$"},
        {"type": "string", "pattern": "^(yes|no|道)$"},
        {"type": "string", "format": "date"},
        {"type": "string", "format": "uuid"},
        {"type": ["string", "null"], "maxLength": 3, "description": "or nothing"},
        {"$ref": "#/$defs/node"},
    ]
)
NODE = {
    "type": "object",
    "properties": {"next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]}},
    "required": ["next"],
    "additionalProperties": False,
}
NUMBERS = st.builds(
    lambda kind, least, span: {"type": kind, "minimum": least, "maximum": least + span},
    st.sampled_from(["integer", "number"]),
    st.integers(-20, 20),
    st.integers(0, 50),
)
LEAVES = st.one_of(
    STRINGS,
    NUMBERS,
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": "integer", "multipleOf": 7}]),
    st.builds(lambda values: {"enum": values}, st.lists(SCALARS, min_size=1, max_size=3)),
    st.builds(lambda value: {"const": value}, SCALARS),
)


def objects(inner, strict):
    """Objects; those that are not strict may lack some of their keys, and have others, or say
    nothing of others."""

    @st.composite
    def draw(draw):
        properties = draw(st.dictionaries(KEYS, inner, max_size=3))
        required = list(properties)
        others = False
        if not strict:
            required = [name for name in required if draw(st.booleans())]
            others = draw(st.sampled_from([False, {"type": "boolean"}, None]))
        keys = {"properties": properties, "required": required}
        if others is not None:
            keys["additionalProperties"] = others
        return {"type": "object", **keys}

    return draw()


def arrays(inner):
    return st.builds(
        lambda items, least, more: {
            "type": "array", "items": items, "minItems": least, "maxItems": least + more
        },
        inner, st.integers(0, 2), st.integers(0, 2),
    )  # fmt: skip


def schemas(*, strict):
    """Schemas of objects, as `response_format` and `parameters` take them."""
    inner = st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            arrays(inner),
            objects(inner, strict),
            st.builds(lambda some: {"anyOf": some}, st.lists(inner, min_size=1, max_size=3)),
        ),
        max_leaves=6,
    )
    return objects(inner, strict).map(lambda schema: schema | {"$defs": {"node": NODE}})


def of(schema):
    """A strict object with the one key `a`."""
    return {"type": "object", "properties": {"a": schema}, "required": ["a"],
            "additionalProperties": False}  # fmt: skip


def chain(n):
    """Definitions that each refer to the next."""
    links = {f"d{i}": {"$ref": f"#/$defs/d{i + 1}"} for i in range(n)}
    return of({"$ref": "#/$defs/d0"}) | {"$defs": links | {f"d{n}": {"type": "null"}}}


MANY = range(2000)
# With whether an answer can be held to it.
ODD = {
    "nothing": ({"type": "object"}, True),
    "no properties": ({"type": "object", "properties": {}}, True),
    "properties that are none": ({"type": "object", "properties": 5}, False),
    "required that is none": ({"type": "object", "required": 5}, False),
    "a type that is none": (of({"type": "text"}), False),
    "a number in place of a schema": (of(5), False),
    "no value": (of({"enum": []}), False),
    "false": (of(False), False),
    "true": (of(True), True),
    "a contradiction": (of({"allOf": [{"type": "string"}, {"type": "null"}]}), False),
    "a reference to itself alone": (of({"$ref": "#/properties/a"}), False),
    "a reference to nowhere": (of({"$ref": "#/$defs/x"}), False),
    "a reference to the web": (of({"$ref": "https://example.com/x"}), False),
    "a reference to a file": (of({"$ref": "file:///etc/passwd"}), False),
    "endless": (of({"$ref": "#"}), True),
    "a long chain": (chain(15_000), True),
    "no regular expression": (of({"type": "string", "pattern": "(("}), False),
    "a look ahead": (of({"type": "string", "pattern": "(?=a)b"}), False),
    "a large expression": (of({"type": "string", "pattern": "^((a{1,99}){1,99}){1,99}$"}), True),
    "a hard expression": (of({"type": "string", "pattern": "^.*a.{20}b.{20}$"}), True),
    "a long string": (of({"type": "string", "minLength": 10**6}), True),
    "a million characters": (of({"enum": ["x" * 10**6]}), False),
    "a long array": (of({"type": "array", "minItems": 10**6, "items": {"type": "null"}}), True),
    "an odd format": (of({"type": "string", "format": "colour"}), False),
    "a large multiple": (of({"type": "integer", "multipleOf": 987654321}), False),
    "many choices": (of({"anyOf": [of({"const": i}) for i in MANY]}), False),
    "very many choices": (of({"anyOf": [{}] * 30_000}), False),
    "all may be left out": ({"type": "object", "properties": {f"p{i}": {} for i in MANY}}, False),
    "not": (of({"not": {"type": "string"}}), False),
    "other values": (of({"type": "array", "uniqueItems": True}), False),
    "quotes of the grammar": (of({"const": '"/(\\}{%json <[1]>\n#'}), True),
    "an unknown keyword": (of({"type": "null", "nullable": True, "x-y": {"type": 5}}), True),
}  # fmt: skip


def common_multiple(one, other):
    """Takes long to read: a second where the numbers are near 200, for ever near 10,000."""
    return of({"type": "integer", "allOf": [{"multipleOf": one}, {"multipleOf": other}]})
