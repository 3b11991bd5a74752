"""How the folders of an archive were understood, and why files were left out, by their codes."""

from services.reporter.report.wording import one_line
from shared.job.findings.photographs import Quarantined
from shared.job.result import Remark
from shared.language.catalogue import catalogue_of
from shared.language.fault import FILE
from shared.language.speech import _, marked, spoken

_FOLDERS = {
    "folders_inside_classes": marked(
        "The classes are the folders at the top; folders inside them were not told apart. If you want those told apart "
        "instead, make them the folders at the top of the zip and send it again. If not, all is well."
    ),
    "folders_are_groups": marked(
        "Photographs of one folder inside a class were kept on one side of the split. If that is not wanted, send the "
        "zip again with group_by=none."
    ),
    "own_split_made": marked(
        "Of your parts only the one to learn from could be used, so convtailor made its own split of it. To have it "
        "tested with photographs that you choose, add a folder “test” with class folders of the same names inside. If "
        "you need none, all is well."
    ),
    "own_split_used": marked(
        "The parts of your zip were used as they are. To have your parts put together and split anew, send the zip "
        "again with split=new (--split new)."
    ),
    "part_without_classes": marked(
        "A part of your zip has no class folders, so nothing says what is on its photographs: they were left out. If "
        "they are to be used, sort them into a folder for each class. If not, all is well."
    ),
    "hidden_folders": marked(
        "Folders whose names begin with a dot counted as hidden, and their photographs were left out. If they are "
        "classes, rename them. If not, all is well."
    ),
    "split_mixed": marked(
        "The parts of your zip were put together, and convtailor made its own split. If you keep one of these parts to "
        "test with yourself, leave it out of the zip: the network has learnt from some of its photographs."
    ),
    "split_inside_classes": marked(
        "Parts of a split lie inside the class folders. They were put together, and convtailor made its own split. If "
        "you keep one of these parts to test with yourself, leave it out of the zip: the network has learnt from some "
        "of its photographs."
    ),
    "disk_was_short": marked(
        "The trainer's disk had no room for all that might improve the network. To have that too, send fewer "
        "photographs, choose fewer candidates or ones that look at smaller images, or have whoever runs this service "
        "give the trainer a larger disk."
    ),
    "grey_range_judged": marked(
        "Some photographs hold values of more than 8 bits, and the files do not say which value is white. It was "
        "judged by each picture alone. If that matters, scale all of them alike to 8 bits before you zip them, and the "
        "new ones too."
    ),
    "names_guessed": marked(
        "The zip does not say in which code page its names are written, so that was guessed. If names of classes look "
        "wrong, pack the folder again with a program that writes names in UTF-8."
    ),
    "classes_named_by_a_program": marked(
        "The classes are called as cameras, phones and albums call folders of a time, so the model learns when "
        "photographs were taken rather than what is on them. If you want things told apart, make one folder for each, "
        "named for it, and sort the photographs into them. If not, all is well."
    ),
    "class_named_like_a_part": marked(
        "A folder that is called like part of a split was taken for a class. If it is no class but was set aside, such "
        "as photographs to test with, leave it out of the zip and send it again. If not, all is well."
    ),
}


def about_folders(remark: Remark) -> str:
    """Return how the folders were understood, and what to do if something else was meant."""
    if spoken() == "en":
        return f"{one_line(remark.message)} {one_line(remark.fix)}"
    general = marked("Something about your folders was taken in one of several ways; result.json says which.")
    return _(_FOLDERS.get(remark.code, general))


def about_file(file: Quarantined) -> str:
    """Return why a file was left out, and what mends it."""
    if spoken() == "en":
        return f"{one_line(file.reason)} {one_line(file.fix)}"
    told = catalogue_of(spoken()).pgettext(FILE, file.code)
    return _("left out; the reason is in result.json") if told == file.code else told
