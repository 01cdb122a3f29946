"""Lessons and their exercises: answers are checked, and typical mistakes are recognised.

    tc.learn.check("07.2", answer)    is it right? If not: which mistake was it?
    tc.learn.hint("07.2")             a hint; ask again for the next one
    tc.learn.solution("07.2")         the right answer, as code and in words
    tc.learn.lessons()                the notebooks; `tinygrad-cnn learn` shows how far you are in each

The number of an exercise is the number of its lesson and its place there.

    exercise      what an exercise is: a question, a right answer, and wrong ones that teach
    answers       comparing an answer with the right one, and saying what is odd about a wrong one
    verdict       what a learner gets to see
    progress      what has been solved, kept from one day to the next
    lessons       the notebooks: finding them, opening a copy
    notebooks     a notebook with the solutions filled in, for teachers
    exercises     the exercises, a file a lesson

The notebooks themselves are in the folder `tutorials/` of the project, by language.
"""

from tinygrad_cnn.learn.exercise import Exercise
from tinygrad_cnn.learn.lessons import Lesson, languages, lesson, lessons
from tinygrad_cnn.learn.progress import Progress
from tinygrad_cnn.learn.verdict import Note, Verdict, WrongAnswer, check, hint, solution

__all__ = [
    "Exercise",
    "Lesson",
    "Note",
    "Progress",
    "Verdict",
    "WrongAnswer",
    "check",
    "hint",
    "languages",
    "lesson",
    "lessons",
    "solution",
]
