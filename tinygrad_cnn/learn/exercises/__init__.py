"""The exercises, a file a lesson; each is read when somebody asks for it.

The names in a solution are those of the notebook, where the same code has to run: `tc`, `F` and `np`, and the
numbers of the lesson under the letters that the lesson gives them.
"""
