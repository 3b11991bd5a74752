"""Messages of no language, for tests that look for words which come from no catalogue."""

import re
from functools import cache
from gettext import NullTranslations

from tools.catalogues import gathered_of_reports

PLACES = re.compile(r"{(\w+)}")


@cache
def known() -> frozenset[str]:
    """Return every message that catalogues hold, each form of those that count."""
    ids = [each.id if isinstance(each.id, tuple) else (each.id,) for each in gathered_of_reports()]
    return frozenset(form for forms in ids for form in forms)


class Blank(NullTranslations):
    """Messages of which nothing is left but what stands at their places: what still reads like English is none."""

    def gettext(self, message: str) -> str:
        assert message in known(), f"{message!r} is not gathered; messages inside of f-strings are not"
        return " ".join(f"{{{name}}}" for name in PLACES.findall(message)) or "⟦⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:
        return self.gettext(message)
