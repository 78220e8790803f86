"""A conftest file that notes what is reported in a run, and which descriptors are open before and after it."""

COLLECTOR = """
    import json
    import os

    def descriptors():
        for number in sorted(os.listdir("/proc/self/fd")):
            try:
                # libffi keeps its own file open from the first callback on, where a distribution has built it so.
                if "libffi" not in os.readlink(f"/proc/self/fd/{number}"):
                    yield number
            except FileNotFoundError:
                pass  # that of the listing

    def pytest_runtest_logreport(report):
        with open("told.jsonl", "a") as file:
            file.write(json.dumps([report.nodeid, report.when, report.outcome, len(report.capstdout)]) + "\\n")

    def pytest_sessionfinish():
        with open("left.txt", "w") as file:
            file.write("\\n".join(descriptors()))

    def pytest_sessionstart():
        with open("before.txt", "w") as file:
            file.write("\\n".join(descriptors()))
"""
