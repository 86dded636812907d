"""The ways through the course, in words: what fits into an afternoon, a day and ten weeks."""

from .course import Course, LearningPath, read_course


def ways(course: Course | None = None) -> str:
    """Each path with its hours, its lessons, and what one can do then. What is planned is said to be."""
    course = course or read_course()
    return "\n\n".join(_way(course, path) for path in course.paths)


def _way(course: Course, path: LearningPath) -> str:
    lessons = [course.lesson(name) for name in path.lessons]
    ready = ", ".join(lesson.number for lesson in lessons if lesson.ready)
    planned = ", ".join(lesson.number for lesson in lessons if not lesson.ready)
    also = f" and {len(path.also)} more" if path.also else ""
    lines = [
        f"{path.title}, {path.hours} hours",
        f"    lessons: {ready}" + (f"; planned, not there yet: {planned}" if planned else ""),
        f"    exercises: {'all' if path.takes == 'all' else 'the core ones'}{also}",
        f"    then you can {path.then}",
    ]
    return "\n".join(lines)
