"""Running a program many times, and making the first failure small, certain and repeatable."""
