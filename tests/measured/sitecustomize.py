"""
Measures a process that neither a variable of coverage nor its ``.pth`` may reach: a warm one, and who asks for it.

``heavyimports run`` hands its variables to the run, and takes those of coverage away from the warm process. So these
processes are told by a variable of ours, which nobody of them knows.
"""

import os

if "MEASURED_FROM" in os.environ:
    import coverage

    directory = os.environ["MEASURED_FROM"]
    measuring = coverage.Coverage(
        config_file=os.path.join(directory, "pyproject.toml"),
        data_file=os.path.join(directory, ".coverage"),
        auto_data=True,
        messages=False,
    )
    measuring.set_option("run:patch", ["fork", "_exit", "execv"])
    for option in ("no_data", "unimported_source", "preimported_source"):
        setattr(measuring, f"_warn_{option}", False)
    measuring.start()
