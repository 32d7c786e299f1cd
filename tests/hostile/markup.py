"""Texts that would run, ask or break out if a page took one of them for markup: the corpus of S6.

Each carries its number: what runs calls ``hit(number)``, what asks asks for ``/planted/number``, and every element of
theirs has the attribute ``data-planted``, so that markup is seen in the page even where the content policy keeps it still.
"""

import html
from collections.abc import Callable, Iterator
from urllib.parse import quote

TAG = "data-planted"
# Elements and attributes that run by themselves, or once touched.
SCRIPTS = (
    "<script {t}>hit({n})</script>", "<script {t} src=/planted/{n}></script>", "<ScRiPt {t}>hit({n})</sCrIpT>",
    "<script {t}\n>hit({n})</script >", "<script/x {t}>hit({n})</script>", "<script {t} src=//planted.invalid/{n}></script>",
    "<script {t} type=module>hit({n})</script>", "<script {t} src=data:,hit({n})></script>", "<<script {t}>hit({n})//<</script>",
    "<scr<script>ipt {t}>hit({n})</scr</script>ipt>", "<script {t}>/*\n*/hit({n})</script>",
    "<style {t}>@import '/planted/{n}';</style>", "<link {t} rel=stylesheet href=/planted/{n}>",
    "<base {t} href=//planted.invalid/{n}/>", "<meta {t} http-equiv=refresh content='0;url=/planted/{n}'>",
    "<object {t} data=/planted/{n}></object>", "<embed {t} src=/planted/{n}>", "<applet {t} code=/planted/{n}></applet>",
    "<iframe {t} src=/planted/{n}></iframe>", "<iframe {t} srcdoc='<script>parent.hit({n})</script>'></iframe>",
    "<iframe {t} src='javascript:parent.hit({n})'></iframe>", "<iframe {t} onload=hit({n})></iframe>",
    "<iframe {t} srcdoc='&lt;script&gt;parent.hit({n})&lt;/script&gt;'></iframe>",
    "<form {t} action=/planted/{n}><button autofocus>x</button></form>", "<img {t} src=/planted/{n}>",
    "<picture {t}><source srcset=/planted/{n}><img></picture>", "<video {t} src=/planted/{n} autoplay></video>",
    "<audio {t} src=/planted/{n} autoplay></audio>", "<input {t} type=image src=/planted/{n}>",
    "<template {t}><script>hit({n})</script></template>", "<noscript {t}><p title='</noscript><img src=x onerror=hit({n})>'>",
    "<frameset {t} onload=hit({n})>", "<body {t} onload=hit({n})>", "<isindex {t} type=image src=1 onerror=hit({n})>",
    "<portal {t} src=/planted/{n}></portal>", "<dialog {t} open onclose=hit({n})>x</dialog>",
)  # fmt: skip
EVENTS = (
    "img src=x onerror", "img src=/static/img/mark.svg onload", "input autofocus onfocus", "select autofocus onfocus",
    "textarea autofocus onfocus", "details open ontoggle", "video src=x onerror", "audio src=x onerror",
    "marquee onstart", "div onmouseover", "div onclick", "a href=# onclick", "div onpointerenter", "div onanimationstart",
    "p tabindex=1 autofocus onfocus", "body onpageshow", "object data=x onerror", "keygen autofocus onfocus",
    "div style=animation-name:x onanimationend", "button popovertarget=x onclick", "div popover id=x onbeforetoggle",
    "div contenteditable autofocus onfocus", "div onwheel", "video><source onerror", "xss autofocus tabindex=1 onfocus",
    "search oncontentvisibilityautostatechange style=content-visibility:auto", "div onscrollend",
)  # fmt: skip
FOREIGN = (
    "<svg {t} onload=hit({n})>", "<svg {t}/onload=hit({n})>", "<svg {t}><script>hit({n})</script></svg>",
    "<svg {t}><animate onbegin=hit({n}) attributeName=x dur=1s>", "<svg {t}><set onbegin=hit({n}) attributeName=x>",
    "<svg {t}><a xlink:href='javascript:hit({n})'><text y=20>x</text></a></svg>",
    "<svg {t}><use href='/planted/{n}#x'></use></svg>", "<svg {t}><image href=/planted/{n}></image></svg>",
    "<svg {t}><foreignObject><img src=x onerror=hit({n})></foreignObject></svg>",
    "<svg {t}><style>@import'/planted/{n}';</style></svg>", "<svg {t}><script href=/planted/{n}></script></svg>",
    "<svg {t}><animate attributeName=href values='javascript:hit({n})'></svg>", "<svg {t}><title><img src=x onerror=hit({n})></title></svg>",
    "<math {t}><mtext><table><mglyph><style><img src=x onerror=hit({n})></style></mglyph></table></mtext></math>",
    "<math {t} href='javascript:hit({n})'>x</math>", "<math {t}><maction actiontype=statusline xlink:href='javascript:hit({n})'>x",
    "<math {t}><mi xlink:href='data:text/html,<script>hit({n})</script>'>x</mi></math>",
    "<svg {t}><desc><![CDATA[</desc><script>hit({n})</script>]]></svg>",
)  # fmt: skip
# htmx of the stored kind: with it an attribute is as good as a script.
HX = (
    "hx-get=/planted/{n} hx-trigger=load", "hx-post=/planted/{n} hx-trigger=load", "hx-put=/planted/{n} hx-trigger=revealed",
    "hx-delete=/planted/{n} hx-trigger='every 1s'", "hx-patch=/planted/{n} hx-trigger=intersect", "data-hx-get=/planted/{n} data-hx-trigger=load",
    "data-hx-post=/planted/{n} data-hx-trigger=load", "hx-on:load=hit({n})", "hx-on::load=hit({n})", "hx-on:htmx:load=hit({n})",
    "hx-on=load:hit({n})", "hx-on--load=hit({n})", "data-hx-on:load=hit({n})", "data-hx-on--after-init=hit({n})", "hx-on:click=hit({n})",
    "hx-get=/planted/{n} hx-trigger='load[hit({n})]'", "hx-get=/planted/{n} hx-vals='js:{{a:hit({n})}}' hx-trigger=load",
    "hx-get=/planted/{n} hx-headers='js:{{a:hit({n})}}' hx-trigger=load", "hx-action=/planted/{n} hx-method=get hx-trigger=load",
    "hx-get=/planted/{n} hx-trigger=load hx-swap=innerHTML hx-target=body", "hx-sse=connect:/planted/{n}", "hx-ws=connect:/planted/{n}",
    "hx-ext=sse sse-connect=/planted/{n}", "hx-boost=true hx-get=/planted/{n} hx-trigger=load", "hx-disable=false hx-get=/planted/{n} hx-trigger=load",
    "hx-get:inherited=/planted/{n} hx-trigger=load", "hx-config='{{\"allowEval\":true}}' hx-on:load=hit({n})", "hx-preload=/planted/{n}",
    "hx-get=javascript:hit({n}) hx-trigger=load", "hx-vars=a:hit({n}) hx-get=/planted/{n} hx-trigger=load", "hx-live=hit({n})",
    "hx-optimistic=/planted/{n} hx-get=/planted/{n} hx-trigger=load", "hx-push-url=/planted/{n} hx-get=/planted/{n} hx-trigger=load",
)  # fmt: skip
ADDRESSES = (
    "javascript:hit({n})", "JaVaScRiPt:hit({n})", " javascript:hit({n})", "\x01javascript:hit({n})", "java\tscript:hit({n})",
    "java\nscript:hit({n})", "java\rscript:hit({n})", "javascript://planted.invalid/%0Ahit({n})", "javascript&colon;hit({n})",
    "&#106;avascript:hit({n})", "&#x6A;avascript:hit({n})", "jav&#x09;ascript:hit({n})", "javascript:%68it({n})", "vbscript:hit({n})",
    "data:text/html,<script>hit({n})</script>", "data:text/html;base64,PHNjcmlwdD5oaXQoMSk8L3NjcmlwdD4=#{n}", "//planted.invalid/{n}",
    "\\\\planted.invalid\\{n}", "http:/planted.invalid/{n}", "blob:hit({n})", "view-source:javascript:hit({n})", "feed:javascript:hit({n})",
)  # fmt: skip
# What would close the place a text stands in.
CLOSERS = (
    '">', "'>", '" ', "' ", "`>", "</textarea>", "</title>", "</script>", "</style>", "</option></select>", "</td></tr></table>", "-->", "]]>",
    "</template>", "</noscript>", "</button>", "</a>", "</svg>", "</xmp>", "</iframe>", "</h1></main>", '\\">', "*/", "%>", "</li></ul>",
)  # fmt: skip
TEMPLATES = (
    "{{{{7*7}}}}", "{{% debug %}}", "{{% load facet %}}", "{{{{ request.user.password }}}}", "{{{{settings.SECRET_KEY}}}}", "{{% include 'base.html' %}}",
    "${{7*7}}", "#{{7*7}}", "<%= 7*7 %>", "{{{{constructor.constructor('hit({n})')()}}}}", "${{hit({n})}}", "{{{{'a'.constructor.prototype}}}}",
    "{{{{x|safe}}}}", "{{% autoescape off %}}<b {t}>{n}</b>", "{{# x #}}", "%(name)s", "%s%s%s%n", "{{0.__class__}}", "{{{{#with x}}}}", "[[7*7]]", "@(7*7)",
    "{{% csrf_token %}}", "*{{7*7}}", "{{php}}hit({n}){{/php}}",
)  # fmt: skip
IN_SCRIPTS = (
    "</script><script {t}>hit({n})</script>", '";hit({n});//', "';hit({n});//", "\\';hit({n});//", "\u2028hit({n})\u2028", "\u2029hit({n})//",
    "<!--<script>hit({n})//-->", '","x":"</script><img {t} src=x onerror=hit({n})>', "\\u003cscript\\u003ehit({n})\\u003c/script\\u003e",
    "]}};hit({n});//", "'+hit({n})+'", "`+hit({n})+`", "${{hit({n})}}`", '{{"__proto__":{{"x":{n}}}}}', "<!--<script>", "\\x3cscript\\x3ehit({n})\\x3c/script\\x3e",
    "&quot;;hit({n});//", "&lt;script {t}&gt;hit({n})&lt;/script&gt;", "&amp;lt;img {t} src=x onerror=hit({n})&amp;gt;",
)  # fmt: skip
LINKS = (
    "[x](javascript:hit({n}))", "[x](data:text/html,hit({n}))", "![x](/planted/{n})", "[x]: javascript:hit({n})", "<javascript:hit({n})>",
    '[x](/planted/{n} "onmouseover=hit({n})")', '![x](x"onerror="hit({n}))', "http://planted.invalid/{n}", "www.planted.invalid/{n}",
    "[[x|javascript:hit({n})]]", "`<img {t} src=x onerror=hit({n})>`", "<http://x onmouseover=hit({n})>", "mailto:a@b?subject=%0d%0aBcc:x{n}",
    'https://a.example/"{t} onmouseover="hit({n})', "***<b {t}>{n}</b>***",
)  # fmt: skip
ODD = (
    "\u202e<b {t}>{n}</b>", "<\u200bscript {t}>hit({n})</script>", "\ufeff<script {t}>hit({n})</script>", "＜script {t}＞hit({n})＜/script＞",
    "%3Cscript%20{t}%3Ehit({n})%3C/script%3E", "&#60;script {t}&#62;hit({n})", "+ADw-script {t}+AD4-hit({n})", "<scr\u0130pt {t}>hit({n})</script>",
    "\u017fcript<img {t} src=x onerror=hit({n})>", "\ud7ff<b {t}>{n}</b>\ufffd", "<img {t} src=x:x\u0001onerror=hit({n})>", "%00<b {t}>{n}</b>",
    "\x7f\x1f<b {t}>{n}</b>", "<b {t}\x0c>{n}</b>", "<a {t} href=\u3000javascript:hit({n})>x</a>", "\u0301\u0301\u0301<b {t}>{n}</b>", "<!DOCTYPE x><b {t}>{n}",
    "<!ENTITY x SYSTEM '/planted/{n}'>", "<?xml-stylesheet href='/planted/{n}'?>", "<plaintext {t}>{n}", "<xmp {t}><b>{n}", "<!--{n}", "<![CDATA[<b {t}>{n}]]>", "<b {t}",
    "<b {t} x='{n}", "&#0;<b {t}>{n}</b>", "\u2066<b {t}>{n}\u2069", "\U000e0001<b {t}>{n}</b>", "<a {t} href=/planted/{n} ping=/planted/{n} autofocus>x</a>", "hit({n})",
)  # fmt: skip


def corpus() -> list[str]:
    """Three hundred and some texts; number ``n`` is the text at ``n``."""
    made: list[str] = []

    def add(form: str) -> None:
        made.append(form.format(n=len(made), t=TAG))

    for family in (SCRIPTS, FOREIGN, TEMPLATES, IN_SCRIPTS, LINKS, ODD):
        for form in family:
            add(form)
    for form in _built():
        add(form)
    return made


def _built() -> Iterator[str]:
    for event in EVENTS:
        yield f"<{event.replace('{', '{{')}=hit({{n}}) {{t}}>"
        yield f'" {event.split(" ")[-1]}=hit({{n}}) {{t}} x="'
    for attributes in HX:
        yield f"<div {{t}} {attributes}></div>"
        yield f'"{{t}} {attributes} x="'
    for address in ADDRESSES:
        yield address
        yield f'<a {{t}} href="{address}">x</a>'
    for closer in CLOSERS:
        yield f"{closer}<img {{t}} src=x onerror=hit({{n}})>"
        yield f"{closer}<script {{t}}>hit({{n}})</script>"
    yield from _coded("<img {t} src=x onerror=hit({n})>")
    yield "<div><p><b {t}>" * 300 + "{n}"
    yield "A" * 3000 + "<img {t} src=x onerror=hit({n})>"
    yield "<b {t}>{n}</b>"


def _coded(form: str) -> Iterator[str]:
    """The form in other codings, some of them twice over; the braces stay for the number."""
    codings: tuple[Callable[[str], str], ...] = (
        html.escape, lambda text: html.escape(html.escape(text)), lambda text: quote(text, safe="{}"),
        lambda text: quote(quote(text, safe="{}"), safe="{}"), lambda text: text.replace("<", "\\x3c"),
        lambda text: text.replace("<", "\\u003c"), lambda text: text.replace("<", "&#x3c;"), str.upper,
    )  # fmt: skip
    for code in codings:
        yield code(form).replace("{T}", "{t}").replace("{N}", "{n}")
