"""Whether everything that the program needs works on this machine: each thing is really tried.

What is off by choice, or because a part that is not needed is not installed, is no failure.
"""
