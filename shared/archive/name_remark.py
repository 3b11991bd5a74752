"""What a person should know of names: whose code page had to be guessed, and folders that count as hidden by theirs."""

from collections import Counter
from collections.abc import Iterable

from shared.job.result import Remark
from shared.wording import count, quoted_names

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
    "cp862": "Hebrew (code page 862)",
    "cp1256": "Arabic (code page 1256)",
    "cp720": "Arabic (code page 720)",
    "cp874": "Thai",
    "cp857": "Turkish (code page 857)",
    "cp1254": "Turkish (code page 1254)",
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


_PHOTOGRAPHS = frozenset({"jpg", "jpeg", "png", "heic", "heif", "webp", "gif", "bmp", "tif", "tiff", "avif"})
_TOOLS = frozenset(
    {
        *(
            ".git",
            ".github",
            ".svn",
            ".hg",
            ".dvc",
            ".ipynb_checkpoints",
            ".vscode",
            ".idea",
            ".venv",
            ".cache",
            ".config",
        ),
        *(".thumbnails", ".thumbs", ".@__thumb", ".appledouble", ".spotlight-v100", ".fseventsd", ".picasaoriginals"),
        *(".trash", ".trashes", ".trash-1000", ".comments", ".config", ".local", ".temp", ".tmp"),
    }
)
"""Folders that programs make, whose pictures nobody misses."""


def remarks_about_hidden(paths: Iterable[str]) -> tuple[Remark, ...]:
    """Return what to say of folders that count as hidden, since a dot begins their names, and hold photographs.

    Args:
        paths: Of files that were left out as a system's.
    """
    found: Counter[str] = Counter()
    for path in paths:
        *folders, name = path.split("/")
        hidden = next((folder for folder in folders if folder.startswith(".")), None)
        is_photograph = name.rpartition(".")[2].lower() in _PHOTOGRAPHS and not name.startswith(".")
        if hidden is not None and is_photograph and hidden.lower() not in _TOOLS:
            found[hidden] += 1
    if not found:
        return ()
    them = "this folder" if len(found) == 1 else "these folders"
    message = f"A dot begins the name of {quoted_names(sorted(found))}, so {them} counted as hidden: "
    message += f"{count(found.total(), 'photograph was', 'photographs were')} left out."
    fix = f"If {'it is a class' if len(found) == 1 else 'they are classes'}, rename {them}. If not, all is well."
    return (Remark(code="hidden_folders", message=message, fix=fix),)


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
