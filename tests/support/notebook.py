"""What the tests need to read a lesson; the definitions live with the tools, which need them too."""

from tools.lesson import (
    DEFINING,
    HIDDEN,
    NOTEBOOKS,
    ROOT,
    cell_id,
    code_cells,
    defining_cells,
    find_lesson,
    has_tag,
    lesson_number,
    lesson_paths,
    markdown_cells,
    question_of,
    read_lesson,
    tags,
    without_magics,
)

__all__ = [
    "DEFINING",
    "HIDDEN",
    "NOTEBOOKS",
    "ROOT",
    "cell_id",
    "code_cells",
    "defining_cells",
    "find_lesson",
    "has_tag",
    "lesson_number",
    "lesson_paths",
    "markdown_cells",
    "question_of",
    "read_lesson",
    "tags",
    "without_magics",
]
