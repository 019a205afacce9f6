"""The same attacks in C: a program that is compiled once and uploaded as a native strategy."""

NAME = "exam-native"

def program():
    raise NotImplementedError
