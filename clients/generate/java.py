"""Writes what the client for Java has of the contract. Its messages are generated when it is built."""

from __future__ import annotations

from pathlib import Path

from contract import PACKAGE, Contract, Method, pascal, snake

HEADER = "// Written by clients/generate from the protos. Do not edit.\npackage identitylink;\n"
# Where the messages are that are not of this package.
ELSEWHERE = {"google.longrunning": "com.google.longrunning", "google.protobuf": "com.google.protobuf"}


def write(contract: Contract, folder: Path) -> None:
    """Write the files below the client's folder of sources that follow from the contract."""
    package = folder / "identitylink"
    package.mkdir(parents=True, exist_ok=True)
    (package / "Reasons.java").write_text(_reasons(contract), encoding="utf-8")
    (package / "Calls.java").write_text(_calls(contract), encoding="utf-8")


def _doc(text: str, tags: str = "") -> str:
    """Return the text as Javadoc, in which the protos' Markdown is plain text."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    lines = [*escaped.replace("*/", "*&#47;").splitlines(), *tags.splitlines()]
    return "\n".join(["    /**", *(f"     * {line}".rstrip() for line in lines), "     */"])


def _reasons(contract: Contract) -> str:
    lines = [
        HEADER,
        "import java.util.Collections;",
        "import java.util.HashMap;",
        "import java.util.Map;",
        "import java.util.function.Function;\n",
        "/** An exception for each stable reason of a refusal. */",
        "public final class Reasons {",
        "    private static final Map<String, Function<Refusal, IdentityLinkException>> BY_REASON = byReason();\n",
        "    private Reasons() {}\n",
        "    /** Returns the exception of a refusal; one of no class of its own if the reason has none. */",
        "    static IdentityLinkException exceptionOf(Refusal refusal) {",
        "        return BY_REASON.getOrDefault(refusal.reason, IdentityLinkException::new).apply(refusal);",
        "    }",
    ]
    for reason in contract.reasons:
        name = pascal(reason.name)
        lines += [
            f"\n{_doc(reason.comment)}",
            f"    public static final class {name} extends IdentityLinkException {{",
            "        /** The reason as the server names it. */",
            f'        public static final String REASON = "{reason.name}";\n',
            "        private static final long serialVersionUID = 1L;\n",
            f"        {name}(Refusal refusal) {{\n            super(refusal);\n        }}\n    }}",
        ]
    lines.append("\n    private static Map<String, Function<Refusal, IdentityLinkException>> byReason() {")
    lines.append("        Map<String, Function<Refusal, IdentityLinkException>> found = new HashMap<>();")
    lines.extend(f"        found.put({pascal(each.name)}.REASON, {pascal(each.name)}::new);" for each in contract.reasons)
    lines.append("        return Collections.unmodifiableMap(found);\n    }\n}\n")
    return "\n".join(lines)


def _type(full: str) -> str:
    package, _, name = full.rpartition(".")
    return f"{ELSEWHERE.get(package, PACKAGE)}.{name}"


def _simple(full: str) -> str:
    return full.rpartition(".")[2]


def _calls(contract: Contract) -> str:
    methods = contract.methods
    names = {m.request for m in methods} | {m.response for m in methods} | {m.items[1] for m in methods if m.items}
    lines = [HEADER]
    lines.extend(f"import {each};" for each in sorted(["com.google.protobuf.Message", *map(_type, names)]))
    lines.append("import java.util.concurrent.CompletableFuture;")
    lines.append(CLASS)
    lines.extend(_constant(method) for method in methods)
    lines.append(ABSTRACT)
    for method in methods:
        if not method.is_stream:
            lines.append(_method(method))
            if method.items:
                lines.append(_all(method, *method.items))
    return "\n".join(lines) + "\n}\n"


CLASS = """
/** The rpcs with one response. {@link Client} makes them, with the attempts that are safe. */
public abstract class Calls {"""

ABSTRACT = """
    Calls() {}

    /** Makes a call, and waits for its response. */
    abstract <Q extends Message, R extends Message> R call(Rpc<Q, R> rpc, Q request);

    /** Makes a call for which no thread waits. */
    abstract <Q extends Message, R extends Message> CompletableFuture<R> callAsync(Rpc<Q, R> rpc, Q request);"""


def _constant(method: Method) -> str:
    request, response = _simple(method.request), _simple(method.response)
    kind = "streams" if method.is_client_stream else "stream" if method.is_stream else "unary"
    return (
        f"    static final Rpc<{request}, {response}> {snake(method.name).upper()} = Rpc.{kind}(\n"
        f'            "{method.path.removeprefix("/")}",\n'
        f"            {request}.getDefaultInstance(),\n"
        f"            {response}.getDefaultInstance(),\n"
        f"            {str(method.only_reads).lower()},\n"
        f"            Rpc.RequestId.{method.request_id.upper().replace(' ', '_')});\n"
    )


def _method(method: Method) -> str:
    request, response = _simple(method.request), _simple(method.response)
    name = method.name[0].lower() + method.name[1:]
    constant = snake(method.name).upper()
    tags = (
        "\n@param request the request\n@return the response\n"
        "@throws IdentityLinkException if the call fails"
    )
    later = (
        "\n@param request the request\n@return the response, later; an {@link IdentityLinkException} if the call fails."
        " A caller that cancels\n    it cancels the call"
    )
    comment = method.comment or f"Calls {method.path}."
    return "\n".join(
        [
            "",
            _doc(comment, tags),
            f"    public {response} {name}({request} request) {{",
            f"        return call({constant}, request);",
            "    }\n",
            _doc(f"Makes the call of {name}, for which no thread waits.", later),
            f"    public CompletableFuture<{response}> {name}Async({request} request) {{",
            f"        return callAsync({constant}, request);",
            "    }",
        ]
    )


def _all(method: Method, field: str, item: str) -> str:
    request, response, kind = _simple(method.request), _simple(method.response), _simple(item)
    name = method.name[0].lower() + method.name[1:]
    tags = (
        "\n@param request the request of the first page\n"
        "@return the items, read again by each iterator; it throws an {@link IdentityLinkException} if a call fails"
    )
    return f"""
{_doc(f"Returns the items of all pages of {name}. A page is asked for when the items before it are read.", tags)}
    public Iterable<{kind}> {name}All({request} request) {{
        return () -> {{
            {request}.Builder page = request.toBuilder();
            boolean[] isOver = {{false}};
            return new Pages<>(() -> {{
                if (isOver[0]) {{
                    return null;
                }}
                {response} response = {name}(page.build());
                page.setPageToken(response.getNextPageToken());
                isOver[0] = response.getNextPageToken().isEmpty();
                return response.get{pascal(field)}List();
            }});
        }};
    }}"""
