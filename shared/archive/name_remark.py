"""What a person should know of names whose code page had to be guessed."""

from shared.job.result import Remark

_LANGUAGES = {
    "cp932": "Japanese (Shift-JIS)",
    "euc_jp": "Japanese (EUC)",
    "gb18030": "Chinese (GBK)",
    "cp950": "Chinese (Big5)",
    "cp949": "Korean",
    "cp866": "Cyrillic (code page 866)",
    "cp1251": "Cyrillic (code page 1251)",
    "koi8_r": "Cyrillic (KOI8)",
    "cp737": "Greek (code page 737)",
    "cp1253": "Greek (code page 1253)",
    "cp1255": "Hebrew",
    "cp874": "Thai",
    "cp850": "Western European (code page 850)",
    "cp1252": "Western European (code page 1252)",
    "cp852": "Central European (code page 852)",
    "cp1250": "Central European (code page 1250)",
    "mac_roman": "Western European (old Macintosh)",
}
_FIX = (
    "If names of classes look odd, zip the folders with a program that writes UTF-8, such as 7-Zip or the archiver of "
    "macOS, and run again."
)


def remarks_about_names(page: str | None, *, is_guessed: bool) -> tuple[Remark, ...]:
    """Return what to say of a guess; nothing where the zip tells its code page, or it is the one that the format names.

    Args:
        page: Python's name of the code page; ``None`` where none makes sense of the names.
        is_guessed: Whether there were names to guess for.
    """
    if not is_guessed or (page is not None and page not in _LANGUAGES):
        return ()
    told = f"they read like {_LANGUAGES[page]}" if page else "no code page explains them, so they are told byte by byte"
    message = f"The zip does not say in which code page its names are written; {told}."
    return (Remark(code="names_guessed", message=message, fix=_FIX),)
