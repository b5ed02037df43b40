"""Text without markup: what a language model writes for the eye goes, and the words stay.

Marks of Markdown, links and addresses, emoji, tags of SSML and HTML, comments, and `<think>…</think>` with all
that is in it go. Arithmetic (`2 * 3`, `5 < 6`, `> 50 %`), names (`snake_case`) and markup of Rime's voices (`<300>`,
`spell(…)`, `{…}`) stay.

One rule: what comes out does not depend on where the text was parted into tokens.
"""

from telebridge.speech.markup import SPECIAL, Place, decide
from telebridge.speech.patterns import compiled

_WORD = compiled(r"\w")


class MarkupCleaner:
    """Cleans a text that comes in tokens. Call `feed` with each and `finish` after the last."""

    __slots__ = ("_held", "_place")

    def __init__(self) -> None:
        self._held = ""  # begins with what may be markup
        self._place = Place()

    def feed(self, token: str) -> str:
        """What can be said of the text that has come by now."""
        return self._run(token, final=False)

    def finish(self) -> str:
        """What is left when no token follows."""
        return self._run("", final=True)

    def _run(self, text: str, *, final: bool) -> str:
        out: list[str] = []
        while True:
            if not self._held:
                text = self._pass_plain(text, out)
                if not text:
                    return "".join(out)
                self._held, text = text[0], text[1:]
            decision = decide(self._held, self._place, final=final and not text)
            if decision is not None:
                text = decision.again + self._held[decision.length :] + text
                self._held = ""
                self._pass_on(decision.text, out)
            elif text:
                self._held += text[0]
                text = text[1:]
            else:
                return "".join(out)

    def _pass_plain(self, text: str, out: list[str]) -> str:
        """Pass on what is no markup; what is left begins with a character that may be."""
        if self._place.hidden:
            begins = text.find("<")
            return "" if begins < 0 else text[begins:]
        start = 0
        while (special := SPECIAL.search(text, start)) is not None:
            start = special.start()
            if start == 0 and text[0] in "hHwW" and _WORD.match(self._place.before):
                start = 1  # the pattern cannot see the text before this token
                continue
            self._pass_on(text[:start], out)
            return text[start:]
        self._pass_on(text, out)
        return ""

    def _pass_on(self, text: str, out: list[str]) -> None:
        """Pass text on, and enter where the next character stands."""
        if not text:
            return
        out.append(text)
        place = self._place
        place.before = text[-1]
        if solid := text.rstrip():
            place.solid = solid[-1]
            place.line_begins = False
        if "\n" in text:
            place.line_begins = not text[text.rindex("\n") :].strip()
            place.in_row = False
            if place.line_begins:
                place.solid = ""


def cleaned(text: str) -> str:
    """A whole text without markup."""
    cleaner = MarkupCleaner()
    return cleaner.feed(text) + cleaner.finish()
